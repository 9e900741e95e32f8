//! Owns what is to be foretold: the labels, and when a case of each has come true.

use std::fmt;

use crate::base::Day;

/// How late an invoice must be where `late` names no number of days.
const LATE_DAYS: u16 = 30;
/// The most days late.
const LATE_DAYS_MAX: u16 = 3650;

/// What is to be foretold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Label {
    /// An invoice is paid more than so many days late, or not at all: a case is an invoice, looked at just before its issue.
    Late {
        /// Days after the due date as invoiced.
        over_days: u16,
    },
    /// Something befalls the buyer: a case is a buyer at the start of a month.
    Fails(Failure),
}

/// What befalls a buyer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// The first insolvency procedure, of any kind, is opened.
    Insolvency,
    /// The first invoice is written off.
    WrittenOff,
}

/// What became of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It came true.
    Positive,
    /// It did not.
    Negative,
    /// The history ends before that is known.
    Unknown,
    /// It is no case: the invoice was cancelled, or what befell the buyer had done so already.
    Dropped,
}

/// What is known of an invoice at the end of the history.
#[derive(Debug, Clone, Copy)]
pub struct InvoiceEnd {
    /// The day of issue.
    pub issued_on: Day,
    /// The due date as invoiced.
    pub due_on: Day,
    /// The day on which it was settled.
    pub settled_on: Option<Day>,
    /// Whether it was cancelled.
    pub is_cancelled: bool,
    /// Whether it was written off.
    pub is_written_off: bool,
}

impl Label {
    /// The label where none is named.
    pub const DEFAULT: Label = Label::Late { over_days: LATE_DAYS };

    /// Reads a label: `late>30`, `insolvency`, `written_off`.
    ///
    /// # Errors
    /// When it is none of them.
    pub fn parse(text: &str) -> Result<Label, String> {
        if let Some(days) = text.strip_prefix("late>") {
            let days = days.parse().ok().filter(|days| *days <= LATE_DAYS_MAX && !text.contains('+'));
            return days.map(|over_days| Label::Late { over_days }).ok_or_else(|| {
                format!("after late> should stand a whole number of days, 0 to {LATE_DAYS_MAX}: 'late>30'")
            });
        }
        match text {
            "late" => Ok(Label::DEFAULT),
            "insolvency" => Ok(Label::Fails(Failure::Insolvency)),
            "written_off" => Ok(Label::Fails(Failure::WrittenOff)),
            _ => Err("choose one of written_off, late>N (with quotes: 'late>30') and insolvency".to_owned()),
        }
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Label::Late { over_days } => write!(f, "late>{over_days}"),
            Label::Fails(Failure::Insolvency) => f.write_str("insolvency"),
            Label::Fails(Failure::WrittenOff) => f.write_str("written_off"),
        }
    }
}

impl InvoiceEnd {
    /// The first day on which the invoice is late by more than `over_days`, if it is unpaid then.
    #[must_use]
    pub fn late_from(&self, over_days: u16) -> Day {
        self.due_on.plus(i32::from(over_days) + 1)
    }

    /// Whether it was more than `over_days` late, within `horizon` days of its issue where there is one. What was written
    /// off unpaid is never paid.
    #[must_use]
    pub fn outcome(&self, over_days: u16, horizon: Option<u16>, end: Day) -> Outcome {
        if self.is_cancelled {
            return Outcome::Dropped;
        }
        let late_from = self.late_from(over_days);
        if horizon.is_some_and(|days| late_from > self.issued_on.plus(i32::from(days))) {
            return Outcome::Negative;
        }
        match self.settled_on {
            Some(day) if day < late_from => Outcome::Negative,
            Some(_) => Outcome::Positive,
            None if self.is_written_off || end >= late_from => Outcome::Positive,
            None => Outcome::Unknown,
        }
    }
}

/// Whether what befell a buyer at `failed` (`None`: nothing did) falls within `horizon` days from `start` on. A case whose
/// horizon passes the end is unknown even where it came true: kept, such cases would stand without their healthy peers.
#[must_use]
pub fn month_outcome(start: Day, failed: Option<Day>, horizon: u16, end: Day) -> Outcome {
    let last = start.plus(i32::from(horizon));
    match failed {
        // Told too late to be a case: it had happened already.
        Some(day) if day < start => Outcome::Dropped,
        _ if last > end => Outcome::Unknown,
        Some(day) if day <= last => Outcome::Positive,
        _ => Outcome::Negative,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Day {
        Day::parse(text).expect("a day")
    }

    fn invoice() -> InvoiceEnd {
        InvoiceEnd {
            issued_on: day("2026-01-01"),
            due_on: day("2026-01-31"),
            settled_on: None,
            is_cancelled: false,
            is_written_off: false,
        }
    }

    #[test]
    fn labels_are_read_and_told() {
        for text in ["late>0", "late>30", "late>3650", "insolvency", "written_off"] {
            assert_eq!(Label::parse(text).map(|label| label.to_string()).as_deref(), Ok(text));
        }
        assert_eq!(Label::parse("late"), Ok(Label::DEFAULT));
        for text in ["late>", "late>x", "late>-1", "late>+5", "late>3651", "late>1.5"] {
            assert!(Label::parse(text).expect_err(text).contains("late>30"), "{text}");
        }
        assert!(Label::parse("default").expect_err("no label").contains("insolvency"));
    }

    #[test]
    fn an_invoice_is_late_from_the_day_after() {
        let paid = |text| InvoiceEnd { settled_on: Some(day(text)), ..invoice() };
        let end = day("2026-12-31");
        assert_eq!(paid("2026-01-31").outcome(0, None, end), Outcome::Negative);
        assert_eq!(paid("2026-02-01").outcome(0, None, end), Outcome::Positive);
        assert_eq!(paid("2026-03-02").outcome(30, None, end), Outcome::Negative);
        assert_eq!(paid("2026-03-03").outcome(30, None, end), Outcome::Positive);
    }

    #[test]
    fn an_open_invoice_counts_once_it_is_late_and_is_unknown_before() {
        assert_eq!(invoice().outcome(30, None, day("2026-03-02")), Outcome::Unknown);
        assert_eq!(invoice().outcome(30, None, day("2026-03-03")), Outcome::Positive);
        let written_off = InvoiceEnd { is_written_off: true, ..invoice() };
        assert_eq!(written_off.outcome(30, None, day("2026-02-01")), Outcome::Positive);
        let cancelled = InvoiceEnd { is_cancelled: true, ..written_off };
        assert_eq!(cancelled.outcome(30, None, day("2026-12-31")), Outcome::Dropped);
    }

    #[test]
    fn what_is_late_beyond_the_horizon_is_not_late_within_it() {
        // Over 30 days late from 2026-03-03 on: 61 days after the issue.
        assert_eq!(invoice().outcome(30, Some(61), day("2026-12-31")), Outcome::Positive);
        assert_eq!(invoice().outcome(30, Some(60), day("2026-12-31")), Outcome::Negative);
    }

    #[test]
    fn a_month_is_a_case_only_where_its_horizon_is_seen() {
        let (start, end) = (day("2026-03-01"), day("2026-08-28"));
        assert_eq!(month_outcome(start, Some(day("2026-03-01")), 180, end), Outcome::Positive);
        assert_eq!(month_outcome(start, Some(day("2026-08-28")), 180, end), Outcome::Positive);
        assert_eq!(month_outcome(start, None, 180, end), Outcome::Negative);
        assert_eq!(month_outcome(start, Some(day("2026-06-30")), 90, end), Outcome::Negative);
        assert_eq!(month_outcome(start, Some(day("2026-03-02")), 181, end), Outcome::Unknown);
        assert_eq!(month_outcome(start, Some(day("2026-02-28")), 180, end), Outcome::Dropped);
    }
}
