//! Owns the report: one HTML file that needs nothing else, for screens dark and light, for print and for screen readers.

use super::Told;
use super::chart::{Series, Words, columns, curves, escape};
use super::findings::Row;
use super::gather::{Gathered, SCORES};
use super::label::{Label, Outcome};
use super::metrics::{Point, Ranking};
use super::tables::{Table, facts, tables};

/// Plain baselines that get a curve: the best of them.
const BASELINES_DRAWN: usize = 2;
/// Points of a score that a column of its distribution holds.
const SCORE_STEP: f64 = 10.0;
/// Columns of that distribution.
const SCORE_COLUMNS: usize = 10;
/// Days that a column of the lead times holds.
const LEAD_STEP_DAYS: i32 = 30;
/// Columns of lead times; the last holds all that is longer.
const LEAD_COLUMNS: usize = 7;

const STYLE: &str = "\
:root{color-scheme:light dark;--ink:#1b1f24;--paper:#fff;--faint:#d0d7de;--soft:#57606a;\
--c0:#0072b2;--c1:#d55e00;--c2:#009e73;--c3:#cc79a7;--c4:#b07d00;--c5:#56b4e9;--c6:#6f6f6f;--c7:#8250df}\
@media(prefers-color-scheme:dark){:root{--ink:#e6edf3;--paper:#14171b;--faint:#3a4149;--soft:#9aa4ae;\
--c0:#56b4e9;--c1:#ff8c3a;--c2:#2fc79a;--c3:#e79ac6;--c4:#e6b93c;--c5:#9ad1f5;--c6:#b0b0b0;--c7:#b392f0}}\
*{box-sizing:border-box}\
body{margin:0 auto;max-width:72rem;padding:1.5rem;background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,sans-serif}\
h1{font-size:1.5rem;margin:0 0 .5rem}h2{font-size:1.1rem;margin:2rem 0 .5rem}\
dl{display:grid;grid-template-columns:max-content 1fr;gap:.1rem 1rem;margin:0}dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}\
.scroll{overflow-x:auto}table{border-collapse:collapse;font-variant-numeric:tabular-nums}\
th,td{padding:.25rem .7rem;border-bottom:1px solid var(--faint);text-align:right;white-space:nowrap}\
th:first-child,td:first-child{text-align:left;padding-left:0}thead th{color:var(--soft);font-weight:600}tbody th{font-weight:400}\
p.note{color:var(--soft);font-size:.85rem;margin:.3rem 0;max-width:60rem}\
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(21rem,1fr));gap:1.5rem}\
figure{margin:0;break-inside:avoid}figcaption{font-weight:600;margin-bottom:.3rem}svg{width:100%;height:auto;display:block}\
svg text{fill:var(--ink);font:11px system-ui,sans-serif}.axis{fill:none;stroke:var(--soft)}.grid{fill:none;stroke:var(--faint);stroke-width:.6}\
.line{fill:none;stroke-width:1.8}\
.line.s0{stroke:var(--c0)}.line.s1{stroke:var(--c1);stroke-dasharray:7 3}.line.s2{stroke:var(--c2);stroke-dasharray:2 3}\
.line.s3{stroke:var(--c3);stroke-dasharray:10 3 2 3}.line.s4{stroke:var(--c4);stroke-dasharray:4 4}.line.s5{stroke:var(--c5);stroke-dasharray:12 4}\
.line.s6{stroke:var(--c6);stroke-dasharray:1 4}.line.s7{stroke:var(--c7);stroke-dasharray:6 2 1 2}\
.bar.s0{fill:var(--c0)}.bar.s1{fill:var(--c1)}.bar.s2{fill:var(--c2)}.bar.s3{fill:var(--c3)}\
@media print{body{max-width:none;padding:0;font-size:11px}h2{break-after:avoid}table,tr{break-inside:avoid}.scroll{overflow:visible}th,td{padding:.15rem .4rem}}";

/// The report.
#[must_use]
pub fn render(told: &Told<'_>) -> String {
    let title = format!("Backtest: {}", told.gathered.plan.label);
    let title = escape(&title);
    let mut out = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n<dl>\n"
    );
    for (name, text) in facts(told) {
        out.push_str(&format!("<dt>{}</dt><dd>{}</dd>\n", escape(name), escape(&text)));
    }
    out.push_str("</dl>\n");
    let tables = tables(told);
    let (measures, others) = tables.split_first().expect("there is always the table of measures");
    push_table(&mut out, measures);
    out.push_str("<h2>Curves</h2>\n<div class=\"charts\">\n");
    for (caption, chart) in charts(told) {
        out.push_str(&format!("<figure><figcaption>{}</figcaption>{chart}</figure>\n", escape(caption)));
    }
    out.push_str("</div>\n");
    others.iter().for_each(|table| push_table(&mut out, table));
    out.push_str("</body>\n</html>\n");
    out
}

fn push_table(out: &mut String, table: &Table) {
    out.push_str(&format!("<h2>{}</h2>\n<div class=\"scroll\"><table>\n<thead><tr>", escape(&table.title)));
    for cell in &table.head {
        out.push_str(&format!("<th scope=\"col\">{}</th>", escape(cell)));
    }
    out.push_str("</tr></thead>\n<tbody>\n");
    for cells in &table.rows {
        out.push_str(&format!("<tr><th scope=\"row\">{}</th>", escape(&cells[0])));
        for cell in &cells[1..] {
            out.push_str(&format!("<td>{}</td>", escape(cell)));
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody>\n</table></div>\n");
    for note in &table.notes {
        out.push_str(&format!("<p class=\"note\">{}</p>\n", escape(note)));
    }
}

fn charts(told: &Told<'_>) -> Vec<(&'static str, String)> {
    let roc = Words {
        title: "ROC curves",
        text: "The share of cases that came true and are flagged, against the share flagged of those that did not, from the \
               highest value of each measure on down. The nearer to the upper left, the better.",
        across: "false flags: share of cases that did not come true",
        up: "share of cases that came true",
    };
    let precision = Words {
        title: "Precision and recall",
        text: "The share of flagged cases that came true, against the share of all that came true and are flagged. The nearer \
               to the upper right, the better.",
        across: "recall: share of cases that came true",
        up: "precision: share of flags that came true",
    };
    let mut charts = vec![
        ("ROC", curves(&roc, &drawn(told, Ranking::roc))),
        ("Precision and recall", curves(&precision, &drawn(told, Ranking::precision_recall))),
        ("Lead time", lead_chart(told)),
    ];
    for set in 0..told.sets.len() {
        let caption = ["Score of those that came true and did not", "The same by the rule set B"][set.min(1)];
        charts.push((caption, score_chart(told.gathered, set)));
    }
    charts
}

/// The curves of the scores of every rule set, and of the best plain baselines.
fn drawn(told: &Told<'_>, curve: fn(&Ranking) -> Vec<Point>) -> Vec<Series<Point>> {
    let auc = |row: &Row| row.ranking.as_ref().and_then(Ranking::auc);
    let (mut rows, mut baselines): (Vec<&Row>, Vec<&Row>) = (Vec::new(), Vec::new());
    for row in told.findings.rows.iter().filter(|row| row.ranking.is_some()) {
        if row.set.is_some() { rows.push(row) } else { baselines.push(row) }
    }
    baselines.sort_by(|a, b| auc(b).unwrap_or(0.0).total_cmp(&auc(a).unwrap_or(0.0)));
    rows.extend(baselines.into_iter().take(BASELINES_DRAWN));
    let series = |row: &Row| {
        let set = match row.set {
            Some(set) if told.sets.len() > 1 => ["A ", "B "][set.min(1)],
            _ => "",
        };
        let figure = auc(row).map_or(String::new(), |auc| format!(" (AUC {auc:.3})"));
        let values = row.ranking.as_ref().map(curve).unwrap_or_default();
        Series { name: format!("{set}{}{figure}", row.name), values }
    };
    rows.into_iter().map(series).collect()
}

/// How early deterioration alerts came: exactly where a failure is foretold, from the issue of an invoice where that is.
fn lead_chart(told: &Told<'_>) -> String {
    let leads = |set: usize| -> Vec<i32> {
        match told.gathered.plan.label {
            Label::Fails(_) => {
                let worth = told.findings.sets[set].worth.first();
                worth
                    .and_then(|worth| worth.warned.as_ref())
                    .map(|warned| warned.leads_days.clone())
                    .unwrap_or_default()
            }
            Label::Late { .. } => {
                let row = told.findings.rows.iter().find(|row| row.set == Some(set) && row.ranking.is_none());
                row.map(|row| row.warned.leads_days.clone()).unwrap_or_default()
            }
        }
    };
    let series: Vec<Series<f64>> = (0..told.sets.len())
        .map(|set| {
            let mut values = vec![0.0; LEAD_COLUMNS];
            for days in leads(set) {
                values[usize::try_from(days / LEAD_STEP_DAYS).unwrap_or(0).min(LEAD_COLUMNS - 1)] += 1.0;
            }
            let name = if told.sets.len() > 1 { ["A ", "B "][set.min(1)] } else { "" };
            Series { name: format!("{name}deterioration alerts"), values }
        })
        .collect();
    let groups: Vec<String> = (0..LEAD_COLUMNS as i32)
        .map(|column| {
            let from = column * LEAD_STEP_DAYS;
            let is_last = column + 1 == LEAD_COLUMNS as i32;
            if is_last { format!("{from}+") } else { format!("{from}-{}", from + LEAD_STEP_DAYS - 1) }
        })
        .collect();
    let words = Words {
        title: "Lead times",
        text: "How many of those that came true were warned of, by the days ahead.",
        across: "days ahead",
        up: "warned of and came true",
    };
    columns(&words, &groups, &series, "")
}

fn score_chart(gathered: &Gathered, set: usize) -> String {
    let place = Gathered::score_place(set, 0);
    let mut counts = [[0_u64; SCORE_COLUMNS]; 2];
    for (number, case) in gathered.cases.iter().enumerate() {
        let kind = match gathered.outcome(case) {
            Outcome::Positive => 0,
            Outcome::Negative => 1,
            Outcome::Unknown | Outcome::Dropped => continue,
        };
        let column = (gathered.measure(number, place) / SCORE_STEP) as usize;
        counts[kind][column.min(SCORE_COLUMNS - 1)] += 1;
    }
    let series = ["came true", "did not"].iter().zip(&counts).map(|(name, counts)| {
        let total = counts.iter().sum::<u64>().max(1) as f64;
        Series { name: (*name).to_owned(), values: counts.iter().map(|count| *count as f64 / total * 100.0).collect() }
    });
    let groups: Vec<String> = (0..SCORE_COLUMNS).map(|column| format!("{:.0}", column as f64 * SCORE_STEP)).collect();
    let name = SCORES[0];
    let text = format!("The distribution of the {name}, in steps of {SCORE_STEP} points, for both kinds of cases.");
    let words = Words { title: "Distribution of the score", text: &text, across: "score, from", up: "share of cases" };
    columns(&words, &groups, &series.collect::<Vec<_>>(), " %")
}
