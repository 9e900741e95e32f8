//! Owns the weights of the score: every table and level, with its documented default.

use borsh::{BorshDeserialize, BorshSerialize};

use crate::event::{Grade, Points};
use crate::risk::score::{Bad, CODES, Code, Table};

/// The weights of the score. Shares are in thousandths, days in tenths, ratios in 10^-4, as the codes say.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ScoreLevels {
    /// Points of the slow payer up to these count nothing in the blend: being a few days late is usual in trade.
    pub slow_free: Points,
    /// What its further points count, in per cent.
    pub slow_weight_pct: u32,
    /// Half of what a buyer usually did counts after this many days.
    pub slow_half_life_days: u16,
    /// Half of what it did lately counts after this many days.
    pub fast_half_life_days: u16,
    /// The lowest score of grades B to F.
    pub grades: [Points; 5],
    /// A grade is left for a better one only this far below its lowest score.
    pub grade_margin: Points,
    /// What each measure is worth, in the order of [`Code`].
    pub tables: Vec<Table>,
    /// The sum of points of known accounts, in 10^-4 of what they could be, to what they count in the score.
    pub accounts: Table,
    /// Ratings of this many days say all they say.
    pub fresh_days: u16,
    /// From there they fade over this many days,
    pub fading_days: u16,
    /// to this share, in per cent: an old word says less, and not nothing.
    pub stale_pct: u32,
    /// The same for incidents.
    pub incident_fresh_days: u16,
    /// The same for incidents.
    pub incident_fading_days: u16,
    /// What an incident counts: unpaid, rejected payment, protest, litigation.
    pub incident_weights: [u32; 4],
    /// Exposure is compared with the buyer's own level from this much on, in whole base units.
    pub growth_amount: u64,
    /// The months (1 to 12) in which more is usual, for a buyer without a year behind it,
    pub season_months: Vec<u8>,
    /// and how much more, in per cent of the usual.
    pub season_pct: u32,
    /// When the course of a score is worth an alert.
    pub course: CourseLevels,
}

/// When the course of a score is worth an alert.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct CourseLevels {
    /// The grade from which on a worse one is told.
    pub worsened_grade: Grade,
    /// How far the score must have risen since the grade that the buyer had settled at.
    pub worsened_rise: Points,
    /// How many days it must last.
    pub worsened_days: u16,
    /// A failing score of this much needs no waiting.
    pub at_once_fail: Points,
    /// Points of a broken habit, of rising delays, incidents and fallen ratings from which on a change is sudden,
    pub sudden_points: Points,
    /// where the score is at least this,
    pub sudden_score: Points,
    /// and it has lasted this many days.
    pub sudden_days: u16,
    /// An alert is over after this many calm days.
    pub calm_days: u16,
    /// Another is raised this many days after the last at the earliest, unless it is worse.
    pub cooldown_days: u16,
    /// A buyer is known after this many payments
    pub known_payments: u32,
    /// and this many days; until then its score only settles.
    pub known_days: u16,
    /// A better grade is settled at after this many days.
    pub settle_days: u16,
    /// Under this much retained an alert is one step less severe, in whole base units.
    pub small_retained: u64,
    /// Over this much retained an alert is one step more severe, in whole base units.
    pub large_retained: u64,
}

impl Default for CourseLevels {
    fn default() -> CourseLevels {
        CourseLevels {
            worsened_grade: Grade::D,
            worsened_rise: Points::whole(28),
            worsened_days: 3,
            at_once_fail: Points::whole(60),
            sudden_points: Points::whole(20),
            sudden_score: Points::whole(15),
            sudden_days: 3,
            calm_days: 14,
            cooldown_days: 30,
            known_payments: 5,
            known_days: 60,
            settle_days: 60,
            small_retained: 1_000,
            large_retained: 1_000_000,
        }
    }
}

impl ScoreLevels {
    /// What a measure is worth.
    #[must_use]
    pub fn table(&self, code: Code) -> &Table {
        &self.tables[code as usize]
    }

    /// The table of a code as documented.
    fn documented(code: Code) -> Table {
        let high = |knots: &[(i32, u16)]| Table::of(Bad::High, knots);
        let low = |knots: &[(i32, u16)]| Table::of(Bad::Low, knots);
        let quarters = |knots: &[(i32, u16)]| Table::of_quarters(Bad::High, knots);
        match code {
            Code::LateShare => quarters(&[(0, 0), (200, 18), (400, 21), (600, 33), (800, 44), (1000, 48)]),
            Code::UsualDelay => quarters(&[(-50, 0), (0, 12), (20, 16), (40, 26), (60, 40), (80, 48)]),
            Code::DaysBeyondTerms => high(&[(80, 0), (150, 4), (300, 24), (600, 52), (900, 76)]),
            Code::LateOver30 => high(&[(0, 0), (120, 12)]),
            Code::RecentDelay => high(&[(20, 0), (120, 12)]),
            Code::BrokenHabit => high(&[(150, 0), (400, 8), (700, 22), (1000, 40)]),
            Code::OverdueOld => high(&[(20, 0), (200, 10), (1000, 25)]),
            Code::DelayRising => high(&[(60, 0), (150, 10), (300, 18)]),
            Code::PartialPayments => high(&[(100, 0), (300, 6), (600, 10)]),
            Code::ReversedPayments => high(&[(200, 0), (1000, 10), (3000, 18)]),
            Code::Disputes => high(&[(50, 0), (300, 5), (700, 10)]),
            Code::WrittenOff => high(&[(10, 0), (100, 15), (500, 40)]),
            Code::Incidents => high(&[(0, 0), (8, 16), (10, 20), (14, 26), (24, 38), (40, 50), (60, 55)]),
            Code::Rating => {
                high(&[(10, 0), (20, 1), (30, 2), (40, 4), (50, 6), (60, 10), (70, 16), (80, 25), (90, 38), (100, 60)])
            }
            Code::RatingFallen => high(&[(0, 0), (1, 4), (2, 10), (3, 16), (4, 20)]),
            Code::Insolvency => high(&[(0, 0), (1, 45), (2, 80), (3, 95), (4, 100)]),
            Code::ExposureGrowth => high(&[(1500, 0), (2500, 3), (4000, 6)]),
            Code::Utilisation => high(&[(1000, 0), (1200, 3), (1500, 6)]),
            Code::SalesTrend => low(&[(6000, 24), (8000, 19), (9000, 12), (10_000, 5), (12_000, 0)]),
            Code::RetainedEarnings => low(&[(-2000, 20), (0, 17), (1000, 8), (3000, 0)]),
            Code::OperatingReturn => low(&[(-4000, 14), (-1500, 8), (-300, 1), (500, 0)]),
            Code::CurrentRatio => low(&[(4000, 8), (8000, 6), (11_000, 5), (16_000, 1), (30_000, 0)]),
            Code::DepreciationToDebt => low(&[(50, 8), (300, 2), (700, 0)]),
            Code::CashFlowToDebt => low(&[(0, 6), (500, 5), (1200, 3), (2500, 0)]),
            Code::CashRatio => low(&[(200, 6), (600, 1), (4000, 0)]),
            Code::IncomeToShortDebt => low(&[(0, 5), (1500, 3), (4000, 2), (10_000, 0)]),
            Code::EquityToDebt => low(&[(0, 4), (5000, 3), (25_000, 0)]),
            Code::Leverage => high(&[(8000, 0), (10_000, 1), (15_000, 3)]),
            Code::DebtService => low(&[(0, 2), (10_000, 1), (40_000, 0)]),
        }
    }
}

impl Default for ScoreLevels {
    fn default() -> ScoreLevels {
        let tables: Vec<Table> = Code::ALL.iter().map(|code| ScoreLevels::documented(*code)).collect();
        debug_assert_eq!(tables.len(), CODES);
        ScoreLevels {
            slow_free: Points::whole(24),
            slow_weight_pct: 40,
            slow_half_life_days: 180,
            fast_half_life_days: 30,
            grades: [10, 20, 32, 46, 62].map(Points::whole),
            grade_margin: Points::whole(3),
            tables,
            accounts: Table::of(Bad::High, &[(0, 0), (3000, 6), (4500, 15), (6200, 30), (8000, 48), (10_000, 60)]),
            fresh_days: 365,
            fading_days: 730,
            stale_pct: 25,
            incident_fresh_days: 60,
            incident_fading_days: 300,
            incident_weights: [10, 8, 14, 12],
            growth_amount: 10_000,
            season_months: vec![11, 12],
            season_pct: 200,
            course: CourseLevels::default(),
        }
    }
}
