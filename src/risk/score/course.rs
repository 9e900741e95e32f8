//! Owns the course of a score: which grade a buyer had settled at, and whether it has got worse for long enough to say so.
//!
//! One deterioration is one alert: while one is open, whatever gets worse escalates it. It is over when the score is back near
//! where it was, or the change has calmed down, for some days on end; then the buyer has settled where it is.

use borsh::{BorshDeserialize, BorshSerialize};

use crate::base::Day;
use crate::event::{AlertKind, Grade, Points, Scored, Severity};
use crate::risk::params::CourseLevels;

/// The course of a buyer's score.
#[derive(Debug, Clone, BorshSerialize, BorshDeserialize)]
pub struct Course {
    /// Where the buyer had settled.
    settled: Grade,
    settled_score: Points,
    /// Since when each has held; [`Day::MAX`]: it does not.
    worse_since: Day,
    sudden_since: Day,
    better_since: Day,
    calm_since: Day,
    /// The alert that is open.
    open: Option<Open>,
    /// When the last one was over, and the worst grade of it.
    cleared_on: Day,
    cleared_worst: Grade,
}

/// An open alert on the course of a score.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
struct Open {
    kind: AlertKind,
    previous: Grade,
    previous_score: Points,
    worst: Grade,
}

/// What a judgement makes of the course.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outlook {
    /// The alert that is open.
    pub kind: AlertKind,
    /// How much it matters now.
    pub severity: Severity,
    /// The grade that the buyer had settled at before.
    pub previous: Grade,
    /// The score then.
    pub previous_score: Points,
}

/// What the course is judged by.
#[derive(Debug, Clone, Copy)]
pub struct Step<'a> {
    /// The clock's day.
    pub today: Day,
    /// The levels.
    pub levels: &'a CourseLevels,
    /// The score now.
    pub scored: Scored,
    /// Points of what changes suddenly.
    pub sudden: Points,
    /// What the buyer's level alone would score, where it is not known well enough yet to have settled.
    pub level: Option<Scored>,
    /// Since when the buyer is known well enough; [`Day::MAX`]: it is not yet.
    pub known_from: Day,
}

impl Default for Course {
    fn default() -> Course {
        Course {
            settled: Grade::A,
            settled_score: Points::ZERO,
            worse_since: Day::MAX,
            sudden_since: Day::MAX,
            better_since: Day::MAX,
            calm_since: Day::MAX,
            open: None,
            cleared_on: Day::MIN,
            cleared_worst: Grade::A,
        }
    }
}

impl Course {
    /// Judges a step: whether an alert is open then.
    pub fn judge(&mut self, step: &Step<'_>) -> bool {
        // After an alert it has settled where that left it: or the same score would raise it again.
        if let (Some(level), None, Day::MIN) = (step.level, self.open, self.cleared_on) {
            (self.settled, self.settled_score) = (level.grade, level.score);
        }
        let (is_worse, is_sudden) = (self.is_worse(step), self.is_sudden(step));
        since(&mut self.worse_since, is_worse, step.today);
        since(&mut self.sudden_since, is_sudden, step.today);
        match &mut self.open {
            Some(open) => {
                open.worst = open.worst.max(step.scored.grade);
                let is_near = is_near(open.previous_score, step);
                let is_calm = match open.kind {
                    AlertKind::SuddenDeterioration => {
                        is_near || (!is_worse && below_half(step.sudden, step.levels.sudden_points))
                    }
                    _ => {
                        is_near || step.scored.grade <= open.previous || step.scored.grade < step.levels.worsened_grade
                    }
                };
                since(&mut self.calm_since, is_calm, step.today);
                if reached(self.calm_since, step.levels.calm_days, step.today) {
                    self.clear(step);
                }
            }
            None => self.look(step),
        }
        self.open.is_some()
    }

    /// The next day on which time alone can change what a step says.
    #[must_use]
    pub fn next_day(&self, step: &Step<'_>) -> Day {
        let levels = step.levels;
        let after = |since: Day, days: u16| if since == Day::MAX { Day::MAX } else { since.plus(i32::from(days)) };
        let days = match self.open {
            Some(_) => [after(self.calm_since, levels.calm_days), Day::MAX, Day::MAX, Day::MAX, Day::MAX],
            None => [
                after(self.worse_since, levels.worsened_days),
                after(self.sudden_since, levels.sudden_days),
                after(self.better_since, levels.settle_days),
                if self.cleared_on == Day::MIN { Day::MAX } else { after(self.cleared_on, levels.cooldown_days) },
                step.known_from,
            ],
        };
        days.into_iter().filter(|day| *day > step.today).min().unwrap_or(Day::MAX)
    }

    fn is_worse(&self, step: &Step<'_>) -> bool {
        let Scored { score, grade, .. } = step.scored;
        let rise = self.settled_score.quarters() + step.levels.worsened_rise.quarters();
        grade >= step.levels.worsened_grade && grade > self.settled && score.quarters() >= rise
    }

    /// What is there for long is not sudden: the score must have risen since the buyer settled.
    fn is_sudden(&self, step: &Step<'_>) -> bool {
        step.sudden >= step.levels.sudden_points
            && step.scored.score >= step.levels.sudden_score
            && !is_near(self.settled_score, step)
    }

    /// Raises an alert where one is due; otherwise the buyer may settle.
    fn look(&mut self, step: &Step<'_>) {
        let levels = step.levels;
        let grade = step.scored.grade;
        let at_once = self.worse_since != Day::MAX && step.scored.fail >= levels.at_once_fail;
        let is_cooling = self.cleared_on != Day::MIN
            && step.today < self.cleared_on.plus(i32::from(levels.cooldown_days))
            && grade <= self.cleared_worst;
        let kind = if at_once || reached(self.worse_since, levels.worsened_days, step.today) {
            Some(AlertKind::GradeWorsened)
        } else if reached(self.sudden_since, levels.sudden_days, step.today) {
            Some(AlertKind::SuddenDeterioration)
        } else {
            None
        };
        if let Some(kind) = kind.filter(|_| !is_cooling) {
            let (previous, previous_score) = (self.settled, self.settled_score);
            self.open = Some(Open { kind, previous, previous_score, worst: grade });
            self.calm_since = Day::MAX;
            return;
        }
        let score = step.scored.score.quarters();
        let fell = score + levels.worsened_rise.quarters() / 2 <= self.settled_score.quarters();
        since(&mut self.better_since, grade < self.settled || fell, step.today);
        if reached(self.better_since, levels.settle_days, step.today) {
            self.settle(step);
        }
    }

    fn clear(&mut self, step: &Step<'_>) {
        let worst = self.open.take().map_or(Grade::A, |open| open.worst);
        (self.cleared_on, self.cleared_worst) = (step.today, worst);
        self.calm_since = Day::MAX;
        self.settle(step);
    }

    fn settle(&mut self, step: &Step<'_>) {
        (self.settled, self.settled_score) = (step.scored.grade, step.scored.score);
        (self.worse_since, self.sudden_since, self.better_since) = (Day::MAX, Day::MAX, Day::MAX);
    }

    /// The alert that is open, where `retained` whole base units are retained.
    #[must_use]
    pub fn outlook(&self, step: &Step<'_>, retained: i128) -> Option<Outlook> {
        let open = self.open?;
        let severity = severity(step, retained);
        Some(Outlook { kind: open.kind, severity, previous: open.previous, previous_score: open.previous_score })
    }
}

/// Whether the score is back where it was before, or near it.
fn is_near(before: Points, step: &Step<'_>) -> bool {
    step.scored.score.quarters() < before.quarters() + step.levels.worsened_rise.quarters() / 2
}

fn below_half(points: Points, level: Points) -> bool {
    points.quarters() < level.quarters() / 2
}

/// How much a grade and what is at stake matter together.
fn severity(step: &Step<'_>, retained: i128) -> Severity {
    let by_grade = match step.scored.grade {
        Grade::A | Grade::B | Grade::C => 0,
        Grade::D => 1,
        Grade::E | Grade::F => 2,
    };
    let by_money = match retained {
        small if small < i128::from(step.levels.small_retained) => -1,
        large if large > i128::from(step.levels.large_retained) => 1,
        _ => 0,
    };
    match by_grade + by_money {
        ..=0 => Severity::Info,
        1 => Severity::Warning,
        2.. => Severity::Critical,
    }
}

fn since(day: &mut Day, holds: bool, today: Day) {
    *day = if holds { (*day).min(today) } else { Day::MAX };
}

fn reached(since: Day, days: u16, today: Day) -> bool {
    since != Day::MAX && today >= since.plus(i32::from(days))
}
