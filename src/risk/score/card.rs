//! Owns the scorecard: every measure of a buyer, what it is worth, and the score that comes of it.

use super::code::{CODES, Code, FIRST_OF_ACCOUNTS, Side};
use super::table::{FINE, share_out};
use crate::base::{BaseAmount, Day};
use crate::event::{Grade, IncidentKind, Points, Procedure, Scored};
use crate::risk::behaviour::{Behaviour, Pace, SPREAD_ONE, WHOLE};
use crate::risk::figures::Figures;
use crate::risk::ledger::{AGE_STARTS, AGES, Ledger};
use crate::risk::params::{Reckoned, ScoreLevels};
use crate::risk::signals::{Agency, RATIOS, Signals};

/// Signals fade in steps of this many days, so that nobody has to look at a buyer every day.
const FADING_STEP_DAYS: i32 = 30;
/// A whole, in thousandths.
const THOUSAND: i64 = 1000;

/// What a score is reckoned with.
#[derive(Clone, Copy)]
pub struct Yardstick<'a> {
    /// The weights.
    pub levels: &'a ScoreLevels,
    /// How fast the past fades.
    pub pace: &'a Pace,
    /// Whether there is a score at all.
    pub reckoned: Reckoned,
}

/// What a buyer is scored by.
#[derive(Clone, Copy)]
pub struct Evidence<'a> {
    /// The clock's day.
    pub today: Day,
    /// What it is reckoned with.
    pub with: Yardstick<'a>,
    /// How it pays.
    pub behaviour: &'a Behaviour,
    /// What it owes, aged to today.
    pub ledger: &'a Ledger,
    /// What others say of it.
    pub signals: Option<&'a Signals>,
    /// The insolvency in force.
    pub insolvency: Option<(Procedure, Day)>,
    /// The source and id of the event that says so.
    pub insolvency_event: Option<(&'a str, &'a str)>,
    /// Its figures.
    pub figures: &'a Figures,
    /// Exposure that is usual for it, where that is known.
    pub usual_exposure: Option<BaseAmount>,
}

/// Every measure, what it is worth, and the score of it all.
#[derive(Debug, Clone)]
pub struct Card {
    /// Each measure; `None`: unknown, or nothing to measure.
    pub measures: [Option<i32>; CODES],
    /// What each is worth, in 1/[`FINE`] of a quarter point.
    fine: [u32; CODES],
    /// The next day on which time alone changes a measure, open invoices' ages aside.
    pub next_day: Day,
}

/// Open invoices by class of age, all currencies together.
#[derive(Debug, Clone, Copy, Default)]
struct Open {
    overdue: [i64; AGES],
    disputed: i64,
    written_off: i64,
}

impl Open {
    fn of(ledger: &Ledger) -> Open {
        let mut open = Open::default();
        for totals in ledger.totals() {
            for (sum, count) in open.overdue.iter_mut().zip(totals.overdue_count) {
                *sum += i64::from(count);
            }
            open.disputed += i64::from(totals.disputed_count);
            open.written_off += i64::from(totals.written_off_count);
        }
        open
    }

    /// Invoices open in a class of age and older, times 2^16.
    fn overdue_from_class(&self, class: usize) -> i64 {
        self.overdue[class..].iter().sum::<i64>() * WHOLE
    }

    /// The same from a day past due on that begins a class.
    fn overdue_from_day(&self, day: i32) -> i64 {
        let class = AGE_STARTS.iter().position(|start| *start >= day);
        class.map_or(0, |class| self.overdue_from_class(class))
    }
}

/// Invoices of a middling buyer that are taken to stand beside those that are known.
struct Caution {
    /// What they sum up to, in the unit of the measure.
    share: i64,
    /// How many they are.
    invoices: i64,
}

const LATE_CAUTION: Caution = Caution { share: 1000, invoices: 2 };
const LATE_OVER_30_CAUTION: Caution = Caution { share: 400, invoices: 4 };
const DELAY_CAUTION: Caution = Caution { share: 40, invoices: 2 };
const RECENT_CAUTION: Caution = Caution { share: 60, invoices: 3 };

/// `part` of `whole` in thousandths, with caution.
fn cautious(part: i64, whole: i64, caution: &Caution) -> i32 {
    ((part * THOUSAND + caution.share * WHOLE) / (whole + caution.invoices * WHOLE)) as i32
}

/// `part` of `part + rest`, in thousandths.
fn share(part: i64, rest: i64) -> i32 {
    let whole = part + rest;
    if whole == 0 { 0 } else { (part.saturating_mul(THOUSAND) / whole) as i32 }
}

impl Card {
    /// Measures a buyer.
    #[must_use]
    pub fn reckon(evidence: &Evidence<'_>) -> Card {
        let mut card = Card { measures: [None; CODES], fine: [0; CODES], next_day: Day::MAX };
        card.payments(evidence);
        card.insolvency(evidence);
        card.exposure(evidence);
        if let Some(signals) = evidence.signals {
            card.ratings(evidence, signals);
            card.incidents(evidence, signals);
            card.accounts(evidence, signals);
        }
        card
    }

    fn put(&mut self, evidence: &Evidence<'_>, code: Code, measure: i32) {
        self.measures[code as usize] = Some(measure);
        self.fine[code as usize] = evidence.with.levels.table(code).fine(measure);
    }

    fn payments(&mut self, evidence: &Evidence<'_>) {
        let (behaviour, open) = (evidence.behaviour, Open::of(evidence.ledger));
        let (settled, recent) = (behaviour.settled(), behaviour.recent());
        let overdue = open.overdue_from_class(0);
        if settled == 0 && overdue == 0 && open.written_off == 0 && open.disputed == 0 && behaviour.reversed() == 0 {
            return;
        }
        self.habits(evidence);
        // What is written off is overdue for good: otherwise giving up would look better than waiting.
        let lost = open.written_off * WHOLE;
        if let Some(class) = habit_class(behaviour) {
            let beyond = open.overdue_from_class(class) + lost;
            let (recent, next_step) = behaviour.recent_in_silence(evidence.today, evidence.with.pace);
            if beyond > 0 && behaviour.payments() > 0 {
                self.next_day = self.next_day.min(next_step);
            }
            self.put(evidence, Code::BrokenHabit, share(beyond, recent));
        }
        self.put(evidence, Code::OverdueOld, share(open.overdue_from_day(61) + lost, settled));
        self.put(evidence, Code::DelayRising, behaviour.change() * 10 / SPREAD_ONE);
        self.put(evidence, Code::PartialPayments, share(behaviour.partial(), recent + WHOLE));
        let reversed = (behaviour.reversed().saturating_mul(THOUSAND) / WHOLE).min(i64::from(i32::MAX));
        self.put(evidence, Code::ReversedPayments, reversed as i32);
        self.put(evidence, Code::Disputes, share(open.disputed * WHOLE, recent + WHOLE));
        self.put(evidence, Code::WrittenOff, share(lost, settled));
    }

    /// What settled invoices say. Few of them are taken with caution, as if some others of a middling buyer stood beside.
    fn habits(&mut self, evidence: &Evidence<'_>) {
        let behaviour = evidence.behaviour;
        let (settled, recent) = (behaviour.settled(), behaviour.recent());
        if settled == 0 {
            return;
        }
        let [late, late_over_30] = behaviour.late();
        self.put(evidence, Code::LateShare, cautious(late, settled, &LATE_CAUTION));
        self.put(evidence, Code::LateOver30, cautious(late_over_30, settled, &LATE_OVER_30_CAUTION));
        let tenths = |mean: i32| {
            let Caution { share, invoices } = DELAY_CAUTION;
            ((i64::from(mean) * settled + share * WHOLE) / (settled + invoices * WHOLE)) as i32
        };
        if let Some(usual) = behaviour.usual_delay() {
            self.put(evidence, Code::UsualDelay, tenths(usual));
        }
        if let Some(days) = behaviour.days_beyond_terms() {
            self.put(evidence, Code::DaysBeyondTerms, tenths(days));
        }
        let Caution { share, invoices } = RECENT_CAUTION;
        let days = (behaviour.recent_delay_sum() * 10 + share * WHOLE) / (recent + invoices * WHOLE);
        self.put(evidence, Code::RecentDelay, days as i32);
    }

    fn insolvency(&mut self, evidence: &Evidence<'_>) {
        let Some((procedure, _)) = evidence.insolvency else { return };
        self.put(evidence, Code::Insolvency, procedure as i32 + 1);
    }

    fn exposure(&mut self, evidence: &Evidence<'_>) {
        let figures = evidence.figures;
        // The comparisons are cheap, the ratios are not.
        if let Some(limit) = figures.limit.known().filter(|limit| figures.exposure > *limit) {
            const MOST: i128 = 100_000;
            let ratio = figures.exposure.ratio(limit).map_or(MOST, |ratio| (ratio / 10).min(MOST));
            self.put(evidence, Code::Utilisation, ratio as i32);
        }
        if let Some(usual) = evidence.usual_exposure.filter(|usual| figures.exposure > *usual) {
            let ratio = figures.exposure.ratio(usual).unwrap_or_default() / 10;
            self.put(evidence, Code::ExposureGrowth, ratio.min(i128::from(i32::MAX)) as i32);
        }
    }

    fn ratings(&mut self, evidence: &Evidence<'_>, signals: &Signals) {
        let levels = evidence.with.levels;
        let (mut worst, mut sum, mut count) = (0, 0, 0);
        let (mut worst_grade, mut fallen, mut fallen_fine) = (0, 0, 0);
        for agency in signals.agencies() {
            let faded = self.faded(evidence, agency.spoke_at().day(), [levels.fresh_days, levels.fading_days]);
            let grade = tenths_of_grade(agency);
            let said = levels.table(Code::Rating).fine(grade) * faded / 100;
            (worst, sum, count) = (worst.max(said), sum + said, count + 1);
            worst_grade = worst_grade.max(grade);
            let fine = levels.table(Code::RatingFallen).fine(agency.fallen_by().into()) * faded / 100;
            (fallen, fallen_fine) = (fallen.max(agency.fallen_by()), fallen_fine.max(fine));
        }
        if let Some(mean) = sum.checked_div(count) {
            self.measures[Code::Rating as usize] = Some(worst_grade);
            self.fine[Code::Rating as usize] = (worst + mean) / 2;
            self.measures[Code::RatingFallen as usize] = Some(i32::from(fallen));
            self.fine[Code::RatingFallen as usize] = fallen_fine;
        }
    }

    fn incidents(&mut self, evidence: &Evidence<'_>, signals: &Signals) {
        let levels = evidence.with.levels;
        let mut sum = 0;
        for incident in signals.incidents() {
            let faded = self.faded(evidence, incident.on, [levels.incident_fresh_days, levels.incident_fading_days]);
            let weight = match incident.kind {
                IncidentKind::Unpaid => levels.incident_weights[0],
                IncidentKind::RejectedPayment => levels.incident_weights[1],
                IncidentKind::Protest => levels.incident_weights[2],
                IncidentKind::Litigation => levels.incident_weights[3],
            };
            sum += weight * faded / 100;
        }
        if !signals.incidents().is_empty() {
            self.put(evidence, Code::Incidents, sum as i32);
        }
    }

    fn accounts(&mut self, evidence: &Evidence<'_>, signals: &Signals) {
        let Some(period_end) = signals.accounts().period_end() else { return };
        let levels = evidence.with.levels;
        let first = FIRST_OF_ACCOUNTS as usize;
        let (mut sum, mut most) = (0, 0);
        for (ratio, measure) in signals.accounts().ratios().iter().enumerate() {
            let Some(measure) = measure else { continue };
            let table = &levels.tables[first + ratio];
            let fine = table.fine(*measure);
            most += table.knots().iter().map(|(_, points)| u32::from(points.quarters())).max().unwrap_or(0) * FINE;
            sum += fine;
            self.measures[first + ratio] = Some(*measure);
            self.fine[first + ratio] = fine;
        }
        if sum == 0 {
            return;
        }
        // Where less than half of what there could be is known, what is known does not speak for the rest.
        let whole: u32 = most.max(50 * u32::from(Points::PARTS) * FINE);
        // In 10^-4: ranking sound firms takes more steps than thousandths have.
        let said = u64::from(sum) * 10_000 / u64::from(whole);
        let faded = self.faded(evidence, period_end, [levels.fresh_days + ACCOUNTS_LATE_DAYS, levels.fading_days]);
        let total = u64::from(levels.accounts.fine(said as i32)) * u64::from(faded) / 100;
        for fine in &mut self.fine[first..first + RATIOS] {
            *fine = (u64::from(*fine) * total / u64::from(sum)) as u32;
        }
    }

    /// What a word of a day still says, in per cent; the next day on which that changes is noted.
    fn faded(&mut self, evidence: &Evidence<'_>, said_on: Day, [fresh, fading]: [u16; 2]) -> u32 {
        let stale = i64::from(evidence.with.levels.stale_pct);
        let age = evidence.today.since(said_on);
        let over = age - i32::from(fresh);
        if over < 0 {
            self.next_day = self.next_day.min(said_on.plus(i32::from(fresh)));
            return 100;
        }
        if over >= i32::from(fading) {
            return stale as u32;
        }
        let steps = over / FADING_STEP_DAYS + 1;
        self.next_day = self.next_day.min(said_on.plus(i32::from(fresh) + steps * FADING_STEP_DAYS));
        let gone = i64::from(steps * FADING_STEP_DAYS).min(i64::from(fading));
        (100 - (100 - stale) * gone / i64::from(fading).max(1)) as u32
    }

    /// What the reasons of one side are worth together, in quarters of a point.
    fn side(&self, side: Side) -> u16 {
        let fine: u32 = Code::ALL.iter().filter(|code| code.side() == side).map(|code| self.fine[*code as usize]).sum();
        (fine / FINE).min(u32::from(Points::MAX.quarters())) as u16
    }

    /// Points of one reason before anything is bounded, in quarters.
    #[must_use]
    pub fn raw(&self, code: Code) -> u16 {
        (self.fine[code as usize] / FINE).min(u32::from(Points::MAX.quarters())) as u16
    }

    /// The score, and its grade where the one before was `grade`.
    #[must_use]
    pub fn score(&self, levels: &ScoreLevels, grade: Grade) -> Scored {
        let (slow, fail) = (self.side(Side::Slow), self.side(Side::Fail));
        let most = u32::from(Points::MAX.quarters());
        let counting = u32::from(slow.saturating_sub(levels.slow_free.quarters()));
        let added = counting * levels.slow_weight_pct * (most - u32::from(fail)) / (100 * most);
        let score = Points::from_quarters(fail + added as u16);
        Scored {
            score,
            slow: Points::from_quarters(slow),
            fail: Points::from_quarters(fail),
            grade: graded(score, levels, grade),
        }
    }

    /// The score that the buyer's level alone would have: how it usually pays, its ratings and accounts, and nothing that
    /// tells of a change.
    #[must_use]
    pub fn level(&self, levels: &ScoreLevels) -> Scored {
        let mut level = self.clone();
        for code in Code::ALL.iter().filter(|code| !code.is_level()) {
            level.fine[*code as usize] = 0;
        }
        level.score(levels, Grade::A)
    }

    /// The points of each reason, which add up to the score.
    #[must_use]
    pub fn points(&self, scored: &Scored) -> [Points; CODES] {
        let fail = scored.fail.quarters();
        let mut points = [Points::ZERO; CODES];
        for (side, total) in [(Side::Slow, scored.score.quarters() - fail), (Side::Fail, fail)] {
            let weight = |code: &Code| if code.side() == side { self.fine[*code as usize] } else { 0 };
            let weights: Vec<u32> = Code::ALL.iter().map(weight).collect();
            let mut shares = [0; CODES];
            share_out(total, &weights, &mut shares);
            for (points, share) in points.iter_mut().zip(shares).filter(|(_, share)| *share > 0) {
                *points = Points::from_quarters(share);
            }
        }
        points
    }
}

/// Accounts come this many days after their period as a rule.
const ACCOUNTS_LATE_DAYS: u16 = 180;

/// The first class of age that is wholly beyond a buyer's habit.
fn habit_class(behaviour: &Behaviour) -> Option<usize> {
    AGE_STARTS.iter().position(|start| *start >= behaviour.habit_days())
}

/// An agency's grade in tenths, or the grade that its probability of default stands for where that is worse.
fn tenths_of_grade(agency: &Agency) -> i32 {
    /// The highest probability of default of each grade, in 10^-4: a common master scale, each about twice the one before.
    const HIGHEST_BP: [u32; 9] = [5, 15, 40, 100, 200, 400, 900, 2000, 5000];
    let rating = agency.latest().value();
    let by_probability = |bp: u32| HIGHEST_BP.partition_point(|highest| *highest < bp) as i32 + 1;
    i32::from(rating.grade).max(rating.default_probability_bp.map_or(0, by_probability)) * 10
}

/// The grade of a score. A better one than before is given only well below its border, so that it does not flap.
fn graded(score: Points, levels: &ScoreLevels, before: Grade) -> Grade {
    let by = |score: u16| {
        let place = levels.grades.partition_point(|from| from.quarters() <= score);
        Grade::ALL[place]
    };
    let (now, leaving) = (by(score.quarters()), by(score.quarters().saturating_add(levels.grade_margin.quarters())));
    if now >= before { now } else { leaving.min(before).max(now) }
}
