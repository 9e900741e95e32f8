//! Owns how fast a buyer's money comes in, reckoned from its documents: days sales outstanding, days beyond terms; and what
//! of what is retained is expected to be lost.
//!
//! All is in base currency and exact; what has no rate is left out. Rounded once, half-even, to a tenth of a day. Nothing is
//! filtered by the day of the report: what is dated after it counts as of that day, as in the row itself.
//!
//! - *Receivable*: what is open less unapplied cash, not under 0. What is written off is not open.
//! - *Sales*: what was billed and not cancelled, tax included, by day of issue. Credit notes lessen the receivable, not sales.
//! - *DSO* = receivable x 90 / sales of the last 90 days (receivables at the end / credit sales x days, the usual definition).
//! - *DSO by countback*: take the sales of the present month off the receivable and count its days so far, then those of the
//!   month before, and so on; the month in which the rest is used up counts in proportion. Seasons do not distort it. What
//!   24 months of sales do not use up stays at their days.
//! - *Best possible DSO* = the part of the receivable that is not due x 90 / sales of the last 90 days; *average days
//!   delinquent* = DSO - best possible DSO (the names are those of credit managers' associations, CRF and NACM).
//! - *Days beyond terms* = sum of amount x days late / sum of amounts (Dun & Bradstreet's way, in amounts of money): of the
//!   invoices settled in the last 365 days, by the day they were settled and what was to be paid of them, early ones negative;
//!   and of what is overdue now, by today, so that silence counts. The due date is the one agreed last.

use super::figures::Figures;
use super::ledger::{Ledger, Standing};
use super::params::LossLevels;
use super::rates::Rates;
use crate::base::decimal::divide_half_even;
use crate::base::{BaseAmount, Cents, Day};
use crate::event::{Further, TenthDays};

/// Days of sales that DSO looks back on.
const SALES_DAYS: i32 = 90;
/// Days of settlements that days beyond terms look back on.
const SETTLED_DAYS: i32 = 365;
/// Months of sales that the countback looks back on, the present one included.
const COUNTBACK_MONTHS: usize = 24;
/// Tenths in a day.
const TENTHS: u32 = 10;

/// Reckons it all, in one walk over the buyer's invoices. `probability_bp` is that of default, in hundredths of a per cent.
#[must_use]
pub fn further(
    ledger: &Ledger,
    rates: &Rates,
    as_of: Day,
    figures: &Figures,
    retained: Cents,
    (levels, probability_bp): (&LossLevels, u32),
) -> Further {
    let receivable = (figures.outstanding - figures.unapplied).or_zero();
    let mut books = Books::new(as_of);
    for invoice in &ledger.documents().invoices {
        let Some(standing) = invoice.standing() else { continue };
        if let Some(rate) = rates.get(standing.currency) {
            books.add(invoice.issued_on(), &standing, |sum| BaseAmount::convert(sum, rate));
        }
    }
    let not_due = books.not_due.min(receivable);
    let of_sales = |amount: BaseAmount| amount.times(SALES_DAYS).times_over(TENTHS, books.recently);
    Further {
        days_beyond_terms: books.late.times_over(TENTHS, books.weight).map(tenths),
        dso: of_sales(receivable).map(tenths),
        dso_countback: books.months.countback(receivable),
        average_days_delinquent: of_sales(receivable - not_due).map(tenths),
        expected_loss: expected_loss(levels, probability_bp, retained),
        receivable: receivable.cents(),
        billed_recently: books.recently.cents(),
    }
}

/// Probability of default x loss given default x what is retained.
#[must_use]
pub fn expected_loss(levels: &LossLevels, probability_bp: u32, retained: Cents) -> Cents {
    const ONE: i128 = 10_000 * 100;
    let share = i128::from(probability_bp) * i128::from(levels.loss_given_default_pct);
    Cents(divide_half_even(retained.0 * share, ONE))
}

/// What a walk over a buyer's invoices gathers.
struct Books {
    as_of: Day,
    months: Months,
    /// Billed in the last [`SALES_DAYS`] days.
    recently: BaseAmount,
    /// Open and not yet due.
    not_due: BaseAmount,
    /// Amounts times their days late.
    late: BaseAmount,
    /// The same amounts.
    weight: BaseAmount,
}

impl Books {
    fn new(as_of: Day) -> Books {
        let zero = BaseAmount::ZERO;
        Books { as_of, months: Months::until(as_of), recently: zero, not_due: zero, late: zero, weight: zero }
    }

    fn add(&mut self, issued_on: Day, standing: &Standing, in_base: impl Fn(crate::base::Sum) -> BaseAmount) {
        let issued_on = issued_on.min(self.as_of);
        if let Some(month) = self.months.of(issued_on) {
            let billed = in_base(standing.billed);
            self.months.sales[month] += billed;
            if self.as_of.since(issued_on) < SALES_DAYS {
                self.recently += billed;
            }
        }
        let overdue_days = self.as_of.since(standing.due);
        let (amount, days_late) = match standing.settled_on {
            // What was to be paid: billed less credits, which is what it stands unapplied with, but for the sign.
            Some(on) if self.as_of.since(on) < SETTLED_DAYS => {
                (in_base((standing.residual - standing.unapplied).or_zero()), on.since(standing.due))
            }
            None if standing.open.is_zero() => return,
            None if overdue_days > 0 => (in_base(standing.open), overdue_days),
            None => {
                self.not_due += in_base(standing.open);
                return;
            }
            Some(_) => return,
        };
        self.late += amount.times(days_late);
        self.weight += amount;
    }
}

/// Sales by month, the present one first.
struct Months {
    /// The first day of each.
    starts: [Day; COUNTBACK_MONTHS],
    /// Days of each, of the present one those so far.
    days: [i32; COUNTBACK_MONTHS],
    sales: [BaseAmount; COUNTBACK_MONTHS],
}

impl Months {
    fn until(as_of: Day) -> Months {
        let mut months = Months {
            starts: [as_of; COUNTBACK_MONTHS],
            days: [0; COUNTBACK_MONTHS],
            sales: [BaseAmount::ZERO; COUNTBACK_MONTHS],
        };
        let mut end = as_of.plus(1);
        for (start, days) in months.starts.iter_mut().zip(&mut months.days) {
            *start = end.plus(-1).month_start();
            *days = end.since(*start);
            end = *start;
        }
        months
    }

    /// The month of a day that is not after the last.
    fn of(&self, day: Day) -> Option<usize> {
        let month = self.starts.partition_point(|start| *start > day);
        (month < COUNTBACK_MONTHS).then_some(month)
    }

    /// How many days of sales, from the last on back, make up `receivable`.
    fn countback(&self, receivable: BaseAmount) -> Option<TenthDays> {
        if receivable.is_zero() {
            return None;
        }
        let (mut rest, mut whole_days) = (receivable, 0);
        for (days, sales) in self.days.iter().zip(self.sales) {
            if rest <= sales {
                let part = rest.times(*days).times_over(TENTHS, sales)?;
                return Some(tenths(i128::from(whole_days) * i128::from(TENTHS) + part));
            }
            rest = rest - sales;
            whole_days += days;
        }
        Some(tenths(i128::from(whole_days) * i128::from(TENTHS)))
    }
}

fn tenths(value: i128) -> TenthDays {
    let most = TenthDays::MAX.0;
    TenthDays(i32::try_from(value.min(i128::from(most))).unwrap_or(-most).max(-most))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Currency, Rate, Sum};

    fn day(text: &str) -> Day {
        Day::parse(text).expect("a day")
    }

    fn amount(units: i128) -> BaseAmount {
        BaseAmount::convert(Sum::from_units(units * 10_000), Rate::ONE)
    }

    /// Sales by month of issue, as of a day.
    fn months(as_of: &str, sales: &[(&str, i128)]) -> Months {
        let mut months = Months::until(day(as_of));
        for (issued_on, units) in sales {
            let month = months.of(day(issued_on)).expect("within the months");
            months.sales[month] += amount(*units);
        }
        months
    }

    #[test]
    fn countback_takes_off_whole_months_and_a_part_of_the_last() {
        let sales = [("2026-06-11", 100), ("2026-05-31", 70), ("2026-05-01", 50), ("2026-04-30", 90)];
        let at_end_of_june = months("2026-06-30", &sales);
        assert_eq!(at_end_of_june.countback(amount(250)), Some(TenthDays(710)));
        assert_eq!(at_end_of_june.countback(amount(100)), Some(TenthDays(300)), "June alone, whole");
        assert_eq!(at_end_of_june.countback(amount(25)), Some(TenthDays(75)), "a quarter of June");
        assert_eq!(at_end_of_june.countback(amount(0)), None);
    }

    #[test]
    fn within_a_month_the_countback_counts_its_days_so_far_and_a_month_without_sales_whole() {
        let as_of_the_tenth = months("2026-06-10", &[("2026-06-02", 40), ("2026-04-15", 90)]);
        assert_eq!(as_of_the_tenth.countback(amount(20)), Some(TenthDays(50)));
        assert_eq!(as_of_the_tenth.countback(amount(70)), Some(TenthDays(100 + 310 + 100)));
    }

    #[test]
    fn what_two_years_of_sales_do_not_use_up_stays_at_their_days() {
        let none = months("2026-06-30", &[]);
        assert_eq!(none.countback(amount(1)), Some(TenthDays(7300)), "July 2024 to June 2026");
        assert_eq!(none.of(day("2024-07-01")), Some(COUNTBACK_MONTHS - 1));
        assert_eq!(none.of(day("2024-06-30")), None);
    }

    /// An invoice as it stands: billed, open or settled.
    fn standing(billed: i128, due: &str, settled_on: Option<&str>) -> Standing {
        let (billed, open) = (Sum::from_units(billed * 10_000), settled_on.is_none());
        Standing {
            currency: Currency::parse("EUR").expect("a currency"),
            due: day(due),
            billed,
            residual: if open { billed } else { Sum::ZERO },
            open: if open { billed } else { Sum::ZERO },
            unapplied: if open { Sum::ZERO } else { Sum::ZERO - billed },
            disputed: false,
            settled_on: settled_on.map(day),
        }
    }

    fn books(as_of: &str, invoices: &[(&str, Standing)]) -> Books {
        let mut books = Books::new(day(as_of));
        for (issued_on, standing) in invoices {
            books.add(day(issued_on), standing, |sum| BaseAmount::convert(sum, Rate::ONE));
        }
        books
    }

    #[test]
    fn days_beyond_terms_weigh_by_amount_and_count_silence_and_early_payment() {
        let books = books(
            "2026-06-30",
            &[
                ("2026-01-01", standing(300, "2026-03-01", Some("2026-03-11"))),
                ("2026-01-01", standing(100, "2026-03-11", Some("2026-03-01"))),
                ("2026-01-01", standing(100, "2026-05-31", None)),
                ("2026-06-01", standing(900, "2026-07-31", None)),
                ("2025-01-01", standing(900, "2025-03-01", Some("2025-06-30"))),
            ],
        );
        // (300 x 10 - 100 x 10 + 100 x 30) / 500; the last was settled over a year ago, the one before is not due.
        assert_eq!(books.late.times_over(TENTHS, books.weight), Some(100));
        assert_eq!(books.not_due.cents(), Cents(90_000));
        assert_eq!(books.recently.cents(), Cents(90_000));
    }

    #[test]
    fn sales_of_90_days_end_with_the_day_of_the_report() {
        let issued = |on| (on, standing(10, "2026-12-31", None));
        let first = books("2026-06-30", &[issued("2026-04-02")]);
        assert_eq!(first.recently.cents(), Cents(1000), "the first of 90 days");
        let before = books("2026-06-30", &[issued("2026-04-01")]);
        assert_eq!(before.recently.cents(), Cents(0), "the day before it");
        let after = books("2026-06-30", &[issued("2026-07-05")]);
        assert_eq!(after.recently.cents(), Cents(1000), "what is dated later counts on the day of the report");
    }

    #[test]
    fn what_was_credited_was_not_to_be_paid() {
        let mut credited = standing(100, "2026-03-01", Some("2026-03-21"));
        // 60 of 100 credited, 40 paid.
        credited.unapplied += Sum::from_units(60 * 10_000);
        let paid = standing(40, "2026-03-01", Some("2026-03-01"));
        let books = books("2026-06-30", &[("2026-01-01", credited), ("2026-01-01", paid)]);
        assert_eq!(books.late.times_over(TENTHS, books.weight), Some(100));
    }

    #[test]
    fn days_have_a_limit_and_stay_there() {
        assert_eq!(tenths(99_999), TenthDays::MAX);
        assert_eq!(tenths(100_000), TenthDays::MAX);
        assert_eq!(tenths(i128::MIN), TenthDays(-99_999));
    }

    #[test]
    fn expected_loss_is_probability_by_loss_by_retained() {
        let levels = LossLevels::default();
        assert_eq!(expected_loss(&levels, 800, Cents(14_000_000)), Cents(896_000));
        assert_eq!(expected_loss(&levels, 10_000, Cents(101)), Cents(81), "0.808 rounds to 0.81");
    }
}
