//! Owns how findings are told in tables, the same for the terminal and for the report.

use super::Told;
use super::findings::{Flagging, Row, SetFindings, Worth};
use super::label::Label;
use super::warning::Warned;
use crate::base::money::grouped;
use crate::event::{LimitChangeCause, ProposalOutcome, Severity};

/// A table: its first column names the row, the others hold figures.
pub struct Table {
    /// What it shows.
    pub title: String,
    /// The heads of its columns.
    pub head: Vec<String>,
    /// Its rows, each as long as the head.
    pub rows: Vec<Vec<String>>,
    /// What to know to read it, a sentence each.
    pub notes: Vec<String>,
}

/// What was tested, in pairs of a name and a text.
#[must_use]
pub fn facts(told: &Told<'_>) -> Vec<(&'static str, String)> {
    let Told { findings, gathered, .. } = told;
    let plan = gathered.plan;
    let horizon = plan.horizon.map_or_else(|| "none: at any time".to_owned(), |days| format!("{days} days"));
    let counts = &gathered.counts;
    let refused: u64 = counts.refused.values().sum();
    let cases = findings.cases;
    let labelled = cases.positive + cases.negative;
    let dropped = match plan.label {
        Label::Late { .. } => format!(
            "{} cancelled; {} of buyers with under {} settled before",
            count(cases.dropped),
            count(counts.without_history),
            plan.min_history
        ),
        Label::Fails(_) => format!("{} told too late", count(cases.dropped)),
    };
    let base_rate = percent((labelled > 0).then(|| cases.positive as f64 / labelled as f64));
    let mut facts = vec![
        ("files", told.files.join(", ")),
        ("label", format!("{} ({})", plan.label, case_in_words(plan.label))),
        ("horizon", horizon),
        ("rule sets", told.sets.join("; ")),
        (
            "history",
            format!(
                "{} events applied, {} duplicate, {} refused; {} buyers, {} buyer-months, up to {}",
                count(counts.applied),
                count(counts.duplicate),
                count(refused),
                count(findings.buyers),
                count(findings.buyer_months.round() as u64),
                gathered.end
            ),
        ),
        (
            "cases",
            format!(
                "{}: {} came true ({base_rate}), {} did not; left out: {} unknown at the end; {dropped}",
                count(labelled),
                count(cases.positive),
                count(cases.negative),
                count(cases.unknown)
            ),
        ),
    ];
    if refused > 0 {
        let codes: Vec<String> = counts.refused.iter().map(|(code, refused)| format!("{code} {refused}")).collect();
        facts.push(("refused", codes.join(", ")));
    }
    facts
}

/// Every table, in order.
#[must_use]
pub fn tables(told: &Told<'_>) -> Vec<Table> {
    let mut tables = vec![measures(told), warnings(told)];
    tables.extend(known(told));
    tables.extend([alerts(told), proposals(told)]);
    tables
}

const fn case_in_words(label: Label) -> &'static str {
    match label {
        Label::Late { .. } => "a case is an invoice, looked at just before its issue",
        Label::Fails(_) => "a case is a buyer at the start of a month",
    }
}

/// The letter of a rule set, where there are two.
fn letter(told: &Told<'_>, set: usize) -> &'static str {
    match (told.sets.len(), set) {
        (1, _) => "",
        (_, 0) => "A ",
        _ => "B ",
    }
}

fn measures(told: &Told<'_>) -> Table {
    let is_late = matches!(told.gathered.plan.label, Label::Late { .. });
    let mut head = vec!["measure", "AUC"];
    if is_late {
        head.push("w/o top");
    }
    head.extend(["avg prec.", "flagged", "precision", "recall", "30+ days", "lead q1/med/q3", "per 1,000"]);
    let row = |row: &Row| {
        let ranking = row.ranking.as_ref();
        let prefix = row.set.map_or("", |set| letter(told, set));
        let mut cells = vec![format!("{prefix}{}", row.name), figure(ranking.and_then(|ranking| ranking.auc()))];
        if is_late {
            cells.push(figure(row.auc_without_largest));
        }
        cells.extend([
            figure(ranking.and_then(|ranking| ranking.average_precision())),
            count(row.flagged),
            percent(row.hits.map(|hits| hits.precision)),
            percent(row.hits.map(|hits| hits.recall)),
            percent(row.warned.early_share()),
            leads(row.warned.lead_quartiles()),
            decimal(row.per_1000_a_month),
        ]);
        cells
    };
    let flagging = match told.findings.flagging {
        Flagging::AsAlerts => "as many cases as had an alert of deterioration open",
        Flagging::AsCameTrue => "as many cases as came true, since no alert of deterioration was open on any",
    };
    let lead = if is_late {
        "30+ days and lead: days from the issue of a flagged invoice to the day on which it was as late as that."
    } else {
        "30+ days and lead: days from the month's start on which the flag came up to what befell; seen by month, alerts too."
    };
    let mut notes = vec![
        format!("flagged: a measure flags its highest, {flagging}; a tie in part counts as is to be expected."),
        lead.to_owned(),
        "per 1,000: times that a flag came up where it was not, per 1,000 buyers a month.".to_owned(),
    ];
    if is_late {
        notes.push("w/o top: AUC without the buyer that has the most cases.".to_owned());
    }
    Table {
        title: "Measures side by side".to_owned(),
        head: head.into_iter().map(str::to_owned).collect(),
        rows: told.findings.rows.iter().map(row).collect(),
        notes,
    }
}

/// A row for each thing to tell, a column for each rule set and kind of warning.
fn warnings(told: &Told<'_>) -> Table {
    let mut head = vec!["alerts as warnings".to_owned()];
    let mut worths: Vec<&Worth> = Vec::new();
    for (number, set) in told.findings.sets.iter().enumerate() {
        for worth in &set.worth {
            head.push(format!("{}{}", letter(told, number), worth.warning.short()));
            worths.push(worth);
        }
    }
    let line = |name: &str, cell: &dyn Fn(&Worth) -> String| {
        std::iter::once(name.to_owned()).chain(worths.iter().map(|worth| cell(worth))).collect::<Vec<_>>()
    };
    let warned = |worth: &Worth, tell: fn(&Warned) -> String| worth.warned.as_ref().map_or_else(none, tell);
    let mut rows = vec![
        line("alerts raised", &|worth| count(worth.raised)),
        line("alerts per 1,000 buyers a month", &|worth| decimal(worth.per_1000_a_month)),
        line("false alerts per 1,000 healthy buyers a month", &|worth| decimal(worth.false_per_1000_a_month)),
    ];
    let mut notes = vec!["healthy: a buyer that does not fail within the history, and is in no --truth.".to_owned()];
    if let Label::Fails(_) = told.gathered.plan.label {
        let label = told.gathered.plan.label;
        rows.extend([
            line(&format!("buyers befallen ({label})"), &|worth| warned(worth, |warned| count(warned.befallen as u64))),
            line(&format!("warned of before {label} (recall)"), &|worth| {
                warned(worth, |warned| percent(warned.share()))
            }),
            line(&format!("warned 30 days or more before {label}"), &|worth| {
                warned(worth, |warned| percent(warned.early_share()))
            }),
            line("median lead time, in days", &|worth| {
                warned(worth, |warned| decimal(warned.lead_quartiles().map(|[_, median, _]| median)))
            }),
            line("quartiles of the lead time, in days", &|worth| {
                warned(worth, |warned| leads(warned.lead_quartiles()))
            }),
            line("came true within the horizon (precision)", &|worth| {
                percent(worth.followed.and_then(|followed| followed.share()))
            }),
            line("  of alerts whose horizon the history sees", &|worth| {
                worth.followed.map_or_else(none, |followed| count(followed.seen))
            }),
        ]);
        notes.push(
            "warned of: an alert stood as it happened, or was raised within the horizon before; the lead runs from the \
             start of the alerts that stood on end, and is cut at the horizon."
                .to_owned(),
        );
    }
    Table { title: "What alerts were worth".to_owned(), head, rows, notes }
}

fn known(told: &Told<'_>) -> Option<Table> {
    let mut rows = Vec::new();
    for (number, set) in told.findings.sets.iter().enumerate() {
        for worth in &set.worth {
            for (pattern, warned) in &worth.known {
                rows.push(vec![
                    format!("{}{}: {pattern}", letter(told, number), worth.warning.name()),
                    count(warned.befallen as u64),
                    percent(warned.share()),
                    percent(warned.early_share()),
                    leads(warned.lead_quartiles()),
                    leads(warned.onset_quartiles()),
                    if pattern == "all" { decimal(worth.false_per_1000_a_month) } else { String::new() },
                ]);
            }
        }
    }
    let head = ["known deteriorations", "insolvent", "warned", "30+ days", "lead q1/med/q3", "from onset", "false"];
    let notes = vec![
        "30+ days: warned 30 days or more before insolvency. The lead is cut at the onset: nobody can foresee more.".to_owned(),
        "from onset: days from the onset to the first alert, quartiles. false: alerts per 1,000 healthy buyers a month."
            .to_owned(),
    ];
    let title = "Known deteriorations (--truth)".to_owned();
    (!rows.is_empty()).then(|| Table { title, head: head.map(str::to_owned).into(), rows, notes })
}

fn set_heads(told: &Told<'_>, first: &str) -> Vec<String> {
    std::iter::once(first.to_owned()).chain(told.sets.iter().cloned()).collect()
}

fn alerts(told: &Told<'_>) -> Table {
    let sets = &told.findings.sets;
    let mut keys = Vec::new();
    for (kind, by_severity) in sets.iter().flat_map(|set| &set.alerts) {
        for severity in Severity::ALL {
            if by_severity[*severity as usize] > 0 {
                keys.push((*kind, *severity));
            }
        }
    }
    keys.sort_unstable();
    keys.dedup();
    let raised = |set: &SetFindings, kind, severity: Severity| {
        set.alerts.iter().find(|(other, _)| *other == kind).map_or(0, |(_, by)| by[severity as usize])
    };
    let mut rows: Vec<Vec<String>> = Vec::new();
    for (kind, severity) in keys {
        let cells = sets.iter().map(|set| count(raised(set, kind, severity)));
        rows.push(std::iter::once(format!("{}, {}", kind.as_str(), severity.as_str())).chain(cells).collect());
    }
    let total = |set: &SetFindings| count(set.alerts.iter().flat_map(|(_, by)| by).sum());
    rows.push(std::iter::once("all".to_owned()).chain(sets.iter().map(total)).collect());
    let notes = vec!["Each alert counts once, at the worst severity that it reached.".to_owned()];
    Table { title: "Alerts by kind and severity".to_owned(), head: set_heads(told, "alert"), rows, notes }
}

fn proposals(told: &Told<'_>) -> Table {
    let sets = &told.findings.sets;
    let line = |name: String, cell: &dyn Fn(&SetFindings) -> String| {
        std::iter::once(name).chain(sets.iter().map(cell)).collect::<Vec<_>>()
    };
    let base = told.base;
    let mut rows = vec![
        line("reductions proposed".to_owned(), &|set| count(set.proposals.count)),
        line(format!("their cuts, in {base}"), &|set| grouped(set.proposals.cut_units)),
        line("  of limits in another currency, not in the sum".to_owned(), &|set| count(set.proposals.foreign)),
        line(format!("expected loss avoided, in {base}"), &|set| {
            grouped(set.proposals.expected_loss_avoided_cents * 100)
        }),
        line(format!("margin lost, in {base}"), &|set| grouped(set.proposals.margin_lost_cents * 100)),
    ];
    for outcome in ProposalOutcome::ALL {
        rows.push(line(format!("proposals {}", outcome.as_str()), &|set| count(set.closed[*outcome as usize])));
    }
    for cause in LimitChangeCause::ALL {
        rows.push(line(format!("limits changed: {}", cause.as_str()), &|set| {
            count(set.limits.by_cause[*cause as usize])
        }));
    }
    rows.push(line(format!("taken off limits by proposals, in {base}"), &|set| grouped(set.limits.cut_units)));
    let notes = vec!["Each proposal counts once, as it was last told.".to_owned()];
    Table { title: "Proposals and limits".to_owned(), head: set_heads(told, "proposal"), rows, notes }
}

/// Grouped by thousands.
fn count(count: u64) -> String {
    let text = grouped(i128::from(count) * 10_000);
    text.trim_end_matches(".00").to_owned()
}

fn none() -> String {
    "-".to_owned()
}

fn figure(value: Option<f64>) -> String {
    value.map_or_else(none, |value| format!("{value:.3}"))
}

fn decimal(value: Option<f64>) -> String {
    value.map_or_else(none, |value| format!("{value:.1}"))
}

fn percent(share: Option<f64>) -> String {
    share.map_or_else(none, |share| format!("{:.1} %", share * 100.0))
}

fn leads(quartiles: Option<[f64; 3]>) -> String {
    quartiles.map_or_else(none, |[low, median, high]| format!("{low:.0}/{median:.0}/{high:.0}"))
}
