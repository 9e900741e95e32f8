//! How bad it is getting, and why: a score from 0 (healthy) to 100 (failing), as a sum of points a reason.
//!
//! # The formula
//!
//! Every reason is a measure of one kind and a table of knots: points are linear between knots, flat outside, and never fall
//! as the measure gets worse. Reasons belong to one of two sub-scores:
//!
//! ```text
//! slow  = min(100, sum of points of the slow payer's reasons)
//! fail  = min(100, sum of points of the failing payer's reasons)
//! score = fail + slow_weight_pct / 100 x max(0, slow - slow_free) x (100 - fail) / 100
//! ```
//!
//! So being a few days late counts nothing, a buyer that only pays late, however late, gets a middling score, a failing one
//! goes to 100, and the two add without ever going over. All in quarters of a point, rounded down. The points that a reason
//! shows are its share of `fail`, or of `score - fail`, in proportion to its points (largest remainder): they add up to the
//! score, always.
//!
//! Monotone: every table rises with what is worse, and the blend rises with both sub-scores. What a newest fact is measured
//! against (the habit, the usual exposure) was taken down before it, so a worse newest fact does not lower the score. A few
//! points remain where sums fade to the day of a payment: one told later, or a late part payment against a full one.
//!
//! # The measures
//!
//! - How a buyer pays (`late_share`, `usual_delay`, `days_beyond_terms`, `late_over_30`, `recent_delay`): settled invoices,
//!   faded with a half-life. Few are taken with caution: some invoices of a middling buyer are taken to stand beside them.
//! - `broken_habit`, `overdue_old`: open invoices past due, over these and those settled lately. They count the day that they
//!   pass a class of age, and what was settled lately fades on in silence: who stops paying shows without any payment.
//! - `days_beyond_terms`: mean delay weighted by amount, as Dun & Bradstreet's PAYDEX weighs its experiences.
//! - `delay_rising`: CUSUM of standardised delays, slack k = 0.5 spreads (Page, 1954); it counts from h = 3 on, where a single
//!   buyer alone would alarm too often, and so only adds points; an alert needs level and change together.
//! - `broken_habit`: open invoices later than mean + 2 spreads + 7 days of this buyer, as it was when the month began.
//! - Accounts: a scorecard of eleven ratios (fitted on the "Polish companies bankruptcy" set, UCI, DOI 10.24432/C5F600, with
//!   points refitted within folds: AUC 0.88 in cross-validation), summed over what is known, and scaled by what is known, so
//!   that what is not published counts neither way. Altman's Z'' is shown beside it.
//! - `rating`: half the worst and half the mean over agencies of what each says, faded by age. `rating_fallen`: grades lost
//!   within a year at one agency.
//!
//! What is unknown gives no points, and is named among the reasons with none.

mod card;
mod code;
mod course;
mod table;
mod words;

pub use card::{Card, Evidence, Yardstick};
pub use code::{CODES, Code, FIRST_OF_ACCOUNTS, Side};
pub use course::{Course, Outlook, Step};
pub use table::{Bad, KNOTS_MAX, Table, TableError};
pub use words::reasons;
