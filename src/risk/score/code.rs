//! Owns the codes of the score's reasons: their names, their order, and which sub-score each belongs to.

use super::table::Bad;

/// Which sub-score a reason belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Pays slowly.
    Slow,
    /// May fail.
    Fail,
}

macro_rules! codes {
    ($( #[$doc:meta] $code:ident = $name:literal $side:ident, )*) => {
        /// A reason of the score.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        #[repr(usize)]
        pub enum Code { $( #[$doc] $code, )* }

        impl Code {
            /// Every code, those of the slow payer first.
            pub const ALL: &'static [Code] = &[$(Code::$code),*];

            /// Its name on the wire and in the params.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $( Code::$code => $name, )* }
            }

            /// Whether it tells how a buyer is as a rule, and not that it is getting worse.
            #[must_use]
            pub const fn is_level(self) -> bool {
                !matches!(
                    self,
                    Code::BrokenHabit
                        | Code::OverdueOld
                        | Code::DelayRising
                        | Code::PartialPayments
                        | Code::ReversedPayments
                        | Code::Disputes
                        | Code::WrittenOff
                        | Code::Incidents
                        | Code::RatingFallen
                        | Code::Insolvency
                )
            }

            /// Which of its measures are bad.
            #[must_use]
            pub const fn bad(self) -> Bad {
                match self {
                    Code::SalesTrend
                    | Code::RetainedEarnings
                    | Code::OperatingReturn
                    | Code::CurrentRatio
                    | Code::CashFlowToDebt
                    | Code::DepreciationToDebt
                    | Code::IncomeToShortDebt
                    | Code::CashRatio
                    | Code::EquityToDebt
                    | Code::DebtService => Bad::Low,
                    _ => Bad::High,
                }
            }

            /// The sub-score that it belongs to.
            #[must_use]
            pub const fn side(self) -> Side {
                match self { $( Code::$code => Side::$side, )* }
            }
        }
    };
}

codes! {
    /// Share of invoices paid late.
    LateShare = "late_share" Slow,
    /// Days late on average by amount, no invoice for more than a few days.
    UsualDelay = "usual_delay" Slow,
    /// Days late on average by amount.
    DaysBeyondTerms = "days_beyond_terms" Slow,
    /// Share of invoices paid over 30 days late.
    LateOver30 = "late_over_30" Fail,
    /// Days late on average lately.
    RecentDelay = "recent_delay" Fail,
    /// Open invoices later than this buyer ever used to be.
    BrokenHabit = "broken_habit" Fail,
    /// Open invoices over 60 days late.
    OverdueOld = "overdue_old" Fail,
    /// Payments later and later, against the buyer's own habit.
    DelayRising = "delay_rising" Fail,
    /// Share of payments that pay a part.
    PartialPayments = "partial_payments" Fail,
    /// Payments reversed lately.
    ReversedPayments = "reversed_payments" Fail,
    /// Share of invoices disputed.
    Disputes = "disputes" Fail,
    /// Share of invoices written off.
    WrittenOff = "written_off" Fail,
    /// Incidents that banks, courts and bureaus reported.
    Incidents = "incidents" Fail,
    /// Ratings by agencies.
    Rating = "rating" Fail,
    /// Grades that a rating fell within a year.
    RatingFallen = "rating_fallen" Fail,
    /// An insolvency procedure in force.
    Insolvency = "insolvency" Fail,
    /// Exposure far above the buyer's own level, season aside.
    ExposureGrowth = "exposure_growth" Fail,
    /// Exposure over the limit.
    Utilisation = "utilisation" Fail,
    /// Accounts: sales over those of the year before.
    SalesTrend = "sales_trend" Fail,
    /// Accounts: retained earnings over total assets.
    RetainedEarnings = "retained_earnings" Fail,
    /// Accounts: earnings before interest and tax over total assets.
    OperatingReturn = "operating_return" Fail,
    /// Accounts: current assets over current liabilities.
    CurrentRatio = "current_ratio" Fail,
    /// Accounts: net income plus depreciation over total liabilities.
    CashFlowToDebt = "cash_flow_to_debt" Fail,
    /// Accounts: depreciation over total liabilities.
    DepreciationToDebt = "depreciation_to_debt" Fail,
    /// Accounts: net income over current liabilities.
    IncomeToShortDebt = "income_to_short_debt" Fail,
    /// Accounts: cash over current liabilities.
    CashRatio = "cash_ratio" Fail,
    /// Accounts: equity over total liabilities.
    EquityToDebt = "equity_to_debt" Fail,
    /// Accounts: total liabilities over total assets.
    Leverage = "leverage" Fail,
    /// Accounts: earnings over financial expenses.
    DebtService = "debt_service" Fail,
}

/// Reasons that there are.
pub const CODES: usize = Code::ALL.len();
/// The first of those that accounts give; the others follow in the order of the ratios.
pub const FIRST_OF_ACCOUNTS: Code = Code::SalesTrend;
