//! Owns what a backtest finds: every number that the table, the summary and the report show.

use std::collections::BTreeMap;

use super::gather::{Case, Gathered, SCORES};
use super::label::{Failure, Label, Outcome};
use super::metrics::{Hits, Ranking, quartiles};
use super::observer::BASELINES;
use super::truth::Deterioration;
use super::warning::{Befallen, Followed, Interval, Warned, followed, warned};
use super::watch::{LimitTotals, ProposalTotals, Warning, Watch};
use crate::event::{AlertKind, ProposalOutcome, Severity};

/// The days of a month on average.
const MONTH_DAYS: f64 = 30.4375;
/// How many buyers rates are told for.
const RATE_BUYERS: f64 = 1000.0;
/// The horizon of known deteriorations where the label has none.
const KNOWN_HORIZON_DAYS: u16 = 180;

/// Everything that a backtest finds.
pub struct Findings {
    /// How many cases there were, and what became of them.
    pub cases: CaseCounts,
    /// Buyers with a document.
    pub buyers: u64,
    /// Months of buyers, from the first document of each to the end.
    pub buyer_months: f64,
    /// How measures are flagged.
    pub flagging: Flagging,
    /// Measures and warnings, side by side.
    pub rows: Vec<Row>,
    /// What each rule set did.
    pub sets: Vec<SetFindings>,
}

/// How many cases there were.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CaseCounts {
    /// Those that came true.
    pub positive: u64,
    /// Those that did not.
    pub negative: u64,
    /// Those that the history ends too early for.
    pub unknown: u64,
    /// Those that were none.
    pub dropped: u64,
}

/// How many cases a measure flags, so that it can be held against alerts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flagging {
    /// As many as had an alert of deterioration open.
    AsAlerts,
    /// As many as came true, since no alert was open on any case.
    AsCameTrue,
}

/// One measure or warning.
pub struct Row {
    /// Its name.
    pub name: &'static str,
    /// The rule set that it is of; `None`: a plain baseline.
    pub set: Option<usize>,
    /// How its cases rank; `None` of a warning, which ranks nothing.
    pub ranking: Option<Ranking>,
    /// AUC without the buyer that has the most cases.
    pub auc_without_largest: Option<f64>,
    /// Cases flagged.
    pub flagged: u64,
    /// What its flags were worth.
    pub hits: Option<Hits>,
    /// How early they came.
    pub warned: Warned,
    /// Times that a flag came up, per 1,000 buyers a month.
    pub per_1000_a_month: Option<f64>,
}

/// What a rule set did.
pub struct SetFindings {
    /// Alerts by kind and by the worst that each was.
    pub alerts: Vec<(AlertKind, [u64; Severity::ALL.len()])>,
    /// What its alerts were worth, by what counts.
    pub worth: Vec<Worth>,
    /// Its proposals.
    pub proposals: ProposalTotals,
    /// Proposals closed, by outcome.
    pub closed: [u64; ProposalOutcome::ALL.len()],
    /// Limits that it saw or made change.
    pub limits: LimitTotals,
}

/// What alerts were worth.
pub struct Worth {
    /// Which alerts.
    pub warning: Warning,
    /// Alerts raised.
    pub raised: u64,
    /// The same per 1,000 buyers a month.
    pub per_1000_a_month: Option<f64>,
    /// Alerts on healthy buyers, per 1,000 of them a month.
    pub false_per_1000_a_month: Option<f64>,
    /// Of alerts, those that came true; where the label is a failure.
    pub followed: Option<Followed>,
    /// How early failures were warned of; where the label is a failure.
    pub warned: Option<Warned>,
    /// How early known deteriorations were, by pattern, all of them first; empty where none are known.
    pub known: Vec<(String, Warned)>,
}

/// Finds what there is to find.
#[must_use]
pub fn find(gathered: &Gathered, known: Option<&[Deterioration]>) -> Findings {
    let truth = Truth::new(gathered, known);
    let mut cases = CaseCounts::default();
    let mut labelled = Vec::new();
    for (number, case) in gathered.cases.iter().enumerate() {
        match gathered.outcome(case) {
            Outcome::Positive => {
                cases.positive += 1;
                labelled.push((number, true));
            }
            Outcome::Negative => {
                cases.negative += 1;
                labelled.push((number, false));
            }
            Outcome::Unknown => cases.unknown += 1,
            Outcome::Dropped => cases.dropped += 1,
        }
    }
    let mut finder = Finder { gathered, truth: &truth, labelled, cases, by_buyer: by_buyer(gathered), largest: None };
    finder.largest = finder.find_largest();
    let (rows, flagging) = finder.rows();
    let sets = gathered.watches.iter().map(|watch| set_findings(watch, gathered, &truth)).collect();
    Findings { cases, buyers: truth.buyers, buyer_months: truth.buyer_months, flagging, rows, sets }
}

/// Who failed, who is healthy, and for how long each was seen.
struct Truth {
    buyers: u64,
    buyer_months: f64,
    healthy_months: f64,
    is_healthy: Vec<bool>,
    /// In order of buyer.
    failures: Vec<Befallen>,
    /// Known deteriorations by pattern, those of all first, each in order of buyer.
    known: Vec<(String, Vec<Befallen>)>,
}

impl Truth {
    fn new(gathered: &Gathered, known: Option<&[Deterioration]>) -> Truth {
        let observer = &gathered.observer;
        let mut truth = Truth {
            buyers: 0,
            buyer_months: 0.0,
            healthy_months: 0.0,
            is_healthy: vec![true; observer.buyers() as usize],
            failures: Vec::new(),
            known: known.map(|known| known_by_pattern(known, gathered)).unwrap_or_default(),
        };
        let failure = match gathered.plan.label {
            Label::Fails(failure) => failure,
            Label::Late { .. } => Failure::Insolvency,
        };
        for deterioration in known.unwrap_or_default() {
            let buyer = gathered.names.find(&deterioration.buyer_id);
            if let Some(healthy) = buyer.and_then(|buyer| truth.is_healthy.get_mut(buyer as usize)) {
                *healthy = false;
            }
        }
        for buyer in 0..observer.buyers() {
            let failed = observer.failed(buyer, failure);
            if let Some(at) = failed {
                truth.failures.push(Befallen { buyer, at, onset: None });
                truth.is_healthy[buyer as usize] = false;
            }
            let Some(first) = observer.first_document(buyer) else { continue };
            let months = f64::from(gathered.end.since(first)) / MONTH_DAYS;
            truth.buyers += 1;
            truth.buyer_months += months;
            if truth.is_healthy[buyer as usize] {
                truth.healthy_months += months;
            }
        }
        truth
    }

    fn is_healthy(&self, buyer: u32) -> bool {
        self.is_healthy.get(buyer as usize).copied().unwrap_or(true)
    }
}

/// The known deteriorations that ended in an insolvency within the history.
fn known_by_pattern(known: &[Deterioration], gathered: &Gathered) -> Vec<(String, Vec<Befallen>)> {
    let befallen = |deterioration: &Deterioration| {
        // Buyers that the history does not know are left out.
        let buyer = gathered.names.find(&deterioration.buyer_id)?;
        let told = gathered.observer.insolvency(buyer);
        let at = told.or((deterioration.insolvency <= gathered.end).then(|| deterioration.insolvency.start()))?;
        Some(Befallen { buyer, at, onset: Some(deterioration.onset) })
    };
    let mut all: Vec<(&str, Befallen)> =
        known.iter().filter_map(|one| befallen(one).map(|what| (one.pattern.as_str(), what))).collect();
    all.sort_by_key(|(_, what)| what.buyer);
    let mut patterns: BTreeMap<&str, Vec<Befallen>> = BTreeMap::new();
    for (pattern, what) in &all {
        patterns.entry(pattern).or_default().push(*what);
    }
    let every = ("all".to_owned(), all.iter().map(|(_, what)| *what).collect());
    std::iter::once(every).chain(patterns.into_iter().map(|(name, of)| (name.to_owned(), of))).collect()
}

/// The cases in order of buyer, those of each in order of time.
fn by_buyer(gathered: &Gathered) -> Vec<u32> {
    let mut order: Vec<u32> = (0..gathered.cases.len() as u32).collect();
    order.sort_by_key(|number| gathered.cases[*number as usize].buyer);
    order
}

fn rate(count: u64, months: f64) -> Option<f64> {
    (months > 0.0).then(|| count as f64 / months * RATE_BUYERS)
}

/// Makes the rows.
struct Finder<'a> {
    gathered: &'a Gathered,
    truth: &'a Truth,
    /// The cases whose outcome is known.
    labelled: Vec<(usize, bool)>,
    cases: CaseCounts,
    by_buyer: Vec<u32>,
    largest: Option<u32>,
}

impl Finder<'_> {
    /// The buyer that has the most cases, if others have some.
    fn find_largest(&self) -> Option<u32> {
        let buyer_of = |number: &u32| self.gathered.cases[*number as usize].buyer;
        let buyers = self.by_buyer.chunk_by(|a, b| buyer_of(a) == buyer_of(b));
        let largest = buyers.clone().max_by_key(|cases| cases.len())?;
        (buyers.count() > 1).then(|| buyer_of(&largest[0]))
    }

    fn rows(&self) -> (Vec<Row>, Flagging) {
        let sets = self.gathered.watches.len();
        let flagged: Vec<u64> = (0..sets).map(|set| self.warned_cases(set, Warning::Deterioration)).collect();
        let flagging = if flagged.iter().all(|count| *count == 0) { Flagging::AsCameTrue } else { Flagging::AsAlerts };
        let count_for = |set: usize| match flagging {
            Flagging::AsAlerts => flagged[set],
            Flagging::AsCameTrue => self.cases.positive,
        };
        let mut rows = Vec::new();
        for set in 0..sets {
            rows.extend(Warning::ALL.map(|warning| self.warning_row(set, warning)));
            for (score, name) in SCORES.iter().enumerate() {
                rows.push(self.measure_row(name, Some(set), Gathered::score_place(set, score), count_for(set)));
            }
        }
        for (place, name) in BASELINES.iter().enumerate() {
            rows.push(self.measure_row(name, None, place, count_for(0)));
        }
        (rows, flagging)
    }

    fn warned_cases(&self, set: usize, warning: Warning) -> u64 {
        let is_warned = |(number, _): &&(usize, bool)| self.gathered.cases[*number].is_warned(set, warning);
        self.labelled.iter().filter(is_warned).count() as u64
    }

    fn warning_row(&self, set: usize, warning: Warning) -> Row {
        let is_flagged = |number: usize| self.gathered.cases[number].is_warned(set, warning);
        let flagged = self.warned_cases(set, warning);
        let hits = self.labelled.iter().filter(|(number, positive)| *positive && is_flagged(*number)).count();
        let (warned, per_1000_a_month) = self.flags(&is_flagged);
        Row {
            name: warning.name(),
            set: Some(set),
            ranking: None,
            auc_without_largest: None,
            flagged,
            hits: Hits::of(hits as f64, flagged, self.cases.positive),
            warned,
            per_1000_a_month,
        }
    }

    fn measure_row(&self, name: &'static str, set: Option<usize>, place: usize, flagged: u64) -> Row {
        let value = |number: usize| self.gathered.measure(number, place);
        let ranking = Ranking::new(self.labelled.iter().map(|(number, positive)| (value(*number), *positive)));
        let others = self
            .labelled
            .iter()
            .filter(|(number, _)| self.largest.is_some_and(|largest| self.gathered.cases[*number].buyer != largest));
        let without_largest = Ranking::new(others.map(|(number, positive)| (value(*number), *positive)));
        let threshold = ranking.threshold_for(flagged);
        let is_flagged = |number: usize| threshold.is_some_and(|threshold| value(number) >= threshold);
        let (warned, per_1000_a_month) = self.flags(&is_flagged);
        let hits = ranking.hits_among(flagged);
        let auc_without_largest = without_largest.auc();
        let ranking = Some(ranking);
        Row { name, set, ranking, auc_without_largest, flagged, hits, warned, per_1000_a_month }
    }

    /// How early flags came, and how often they came up: a flag stands from one look at a buyer on, until a look without it.
    fn flags(&self, is_flagged: &dyn Fn(usize) -> bool) -> (Warned, Option<f64>) {
        let intervals = self.intervals(is_flagged);
        let warned = match self.gathered.plan.label {
            Label::Fails(_) => warned(&intervals, &self.truth.failures, self.horizon()),
            Label::Late { .. } => {
                let hits = self.labelled.iter().filter(|(number, positive)| *positive && is_flagged(*number));
                let lead = |(number, _): &(usize, bool)| self.gathered.days_ahead(&self.gathered.cases[*number]);
                let leads_days = hits.filter_map(lead).collect();
                Warned { befallen: self.cases.positive as usize, leads_days, from_onset_days: Vec::new() }
            }
        };
        (warned, rate(intervals.len() as u64, self.truth.buyer_months))
    }

    fn intervals(&self, is_flagged: &dyn Fn(usize) -> bool) -> Vec<Interval> {
        let mut intervals: Vec<Interval> = Vec::new();
        let mut before: Option<(u32, bool)> = None;
        for number in &self.by_buyer {
            let Case { buyer, day, .. } = self.gathered.cases[*number as usize];
            let flagged = is_flagged(*number as usize);
            let was_flagged = before == Some((buyer, true));
            if flagged && !was_flagged {
                intervals.push(Interval { buyer, from: day.start(), to: None });
            } else if let (false, true, Some(last)) = (flagged, was_flagged, intervals.last_mut()) {
                last.to = Some(day.start());
            }
            before = Some((buyer, flagged));
        }
        intervals
    }

    fn horizon(&self) -> u16 {
        self.gathered.plan.horizon.unwrap_or(KNOWN_HORIZON_DAYS)
    }
}

fn set_findings(watch: &Watch, gathered: &Gathered, truth: &Truth) -> SetFindings {
    let mut alerts: BTreeMap<AlertKind, [u64; Severity::ALL.len()]> = BTreeMap::new();
    for alert in &watch.alerts {
        alerts.entry(alert.kind).or_default()[alert.severity as usize] += 1;
    }
    SetFindings {
        alerts: alerts.into_iter().collect(),
        worth: Warning::ALL.iter().map(|warning| worth(*warning, watch, gathered, truth)).collect(),
        proposals: watch.proposals(),
        closed: watch.closed,
        limits: watch.limits,
    }
}

fn worth(warning: Warning, watch: &Watch, gathered: &Gathered, truth: &Truth) -> Worth {
    let counted = watch.alerts.iter().filter(|alert| warning.counts(alert.kind));
    let mut intervals: Vec<Interval> =
        counted.map(|alert| Interval { buyer: alert.buyer, from: alert.raised, to: alert.cleared }).collect();
    // Alerts come in order of time, and stay so within a buyer.
    intervals.sort_by_key(|interval| interval.buyer);
    let on_healthy = intervals.iter().filter(|interval| truth.is_healthy(interval.buyer)).count();
    let horizon = gathered.plan.horizon.unwrap_or(KNOWN_HORIZON_DAYS);
    let is_failure = matches!(gathered.plan.label, Label::Fails(_));
    let known = truth.known.iter().map(|(name, of)| (name.clone(), warned(&intervals, of, horizon))).collect();
    Worth {
        warning,
        raised: intervals.len() as u64,
        per_1000_a_month: rate(intervals.len() as u64, truth.buyer_months),
        false_per_1000_a_month: rate(on_healthy as u64, truth.healthy_months),
        followed: is_failure.then(|| followed(&intervals, &truth.failures, horizon, gathered.end)),
        warned: is_failure.then(|| warned(&intervals, &truth.failures, horizon)),
        known,
    }
}

impl Warned {
    /// The quartiles of the days from onset to the first warning.
    #[must_use]
    pub fn onset_quartiles(&self) -> Option<[f64; 3]> {
        quartiles(&self.from_onset_days)
    }
}

#[cfg(test)]
mod tests {
    use super::super::gather::tests::Passing;
    use super::super::watch::tests::notice;
    use super::*;
    use crate::base::Day;
    use crate::event::EffectBody;

    fn row<'a>(findings: &'a Findings, name: &str) -> &'a Row {
        findings.rows.iter().find(|row| row.name == name).expect("a row")
    }

    #[test]
    fn measures_flag_as_many_cases_as_had_an_alert_open() {
        let alert = notice("A", AlertKind::GradeWorsened, Severity::Warning);
        let mut pass = Passing::new("late>5", None, 0);
        pass.invoice("prompt", "2026-01-01T12:00:00Z");
        pass.pay("prompt", "2026-01-01T13:00:00Z");
        pass.say("2026-01-01T13:00:00Z", EffectBody::AlertRaised(alert.clone()));
        pass.invoice("warned", "2026-01-02T12:00:00Z");
        pass.invoice("in vain", "2026-01-02T12:00:00Z");
        pass.pay("in vain", "2026-01-03T12:00:00Z");
        pass.say("2026-01-03T12:00:00Z", EffectBody::AlertCleared(alert));
        pass.invoice("unseen", "2026-01-04T12:00:00Z");
        pass.line("2026-01-31T12:00:00Z", "clock.tick", "{}");
        let findings = find(&pass.finish(), None);

        assert_eq!(findings.flagging, Flagging::AsAlerts);
        assert_eq!((findings.cases.positive, findings.cases.negative), (2, 2));
        let alerts = row(&findings, "deterioration alerts");
        assert_eq!((alerts.flagged, alerts.hits), (2, Some(Hits { precision: 0.5, recall: 0.5 })));
        // Over 5 days late from six days after the due date on, which is the day of issue.
        assert_eq!(alerts.warned.leads_days, [6]);
        let days = row(&findings, "days overdue now");
        assert_eq!((days.set, days.flagged), (None, 2));
        // One is 2 days overdue as the last is issued; the other flag falls on one of three alike, of which one is late.
        let hits = days.hits.expect("hits");
        assert!((hits.precision - (1.0 + 1.0 / 3.0) / 2.0).abs() < 1e-12, "{hits:?}");
        assert_eq!(days.auc_without_largest, None);
        let worth = &findings.sets[0].worth[0];
        let rate = 1000.0 / (30.0 / MONTH_DAYS);
        assert_eq!((worth.raised, worth.per_1000_a_month, worth.false_per_1000_a_month), (1, Some(rate), Some(rate)));
    }

    #[test]
    fn a_failure_is_warned_of_and_a_known_one_from_its_onset_on() {
        let day = |text| Day::parse(text).expect("a day");
        let alert = |id| EffectBody::AlertRaised(notice(id, AlertKind::SuddenDeterioration, Severity::Critical));
        let mut pass = Passing::new("insolvency", Some(90), 0);
        pass.invoice("I1", "2026-01-10T12:00:00Z");
        // Paid at once: so the engine has nothing to say of the buyer itself.
        pass.pay("I1", "2026-01-10T13:00:00Z");
        pass.say("2026-01-20T00:00:00Z", alert("A"));
        pass.line("2026-03-31T12:00:00Z", "insolvency.opened", r#"{"procedure":"safeguard","opened_on":"2026-03-31"}"#);
        pass.line("2026-12-31T12:00:00Z", "clock.tick", "{}");
        let known = |buyer: &str| Deterioration {
            buyer_id: buyer.to_owned(),
            onset: day("2026-02-19"),
            insolvency: day("2026-03-31"),
            pattern: "slide".to_owned(),
        };
        let findings = find(&pass.finish(), Some(&[known("b"), known("stranger")]));

        let worth = &findings.sets[0].worth[0];
        let told = worth.warned.as_ref().expect("a failure");
        assert_eq!((told.befallen, told.leads_days.as_slice()), (1, [70].as_slice()));
        assert_eq!(worth.followed, Some(Followed { seen: 1, followed: 1 }));
        // The one buyer is not healthy, so no alert is false.
        assert_eq!(worth.false_per_1000_a_month, None);
        let patterns: Vec<&str> = worth.known.iter().map(|(pattern, _)| pattern.as_str()).collect();
        assert_eq!(patterns, ["all", "slide"]);
        let all = &worth.known[0].1;
        assert_eq!(
            (all.befallen, all.leads_days.as_slice(), all.from_onset_days.as_slice()),
            (1, [40].as_slice(), [0].as_slice())
        );
        // By month: flagged at the start of February, 58 days ahead.
        assert_eq!(row(&findings, "deterioration alerts").warned.leads_days, [58]);
    }
}
