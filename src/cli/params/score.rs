//! Owns the tables `[score]`, `[score.tables]` and `[score.course]` of a params file.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, de};

use super::{AMOUNT_MAX, DAYS_MAX, between};
use crate::event::Points;
use crate::risk::score::{Bad, Code, Table};
use crate::risk::{CourseLevels, ScoreLevels};

/// The largest weight of an incident.
const WEIGHT_MAX: u32 = 1000;

/// Points as a file says them: a number, in quarters.
#[derive(Clone, Copy)]
struct Said(Points);

impl<'de> Deserialize<'de> for Said {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Said, D::Error> {
        let points = f64::deserialize(deserializer)?;
        let quarters = points * f64::from(Points::PARTS);
        if !(0.0..=f64::from(Points::MAX.quarters())).contains(&quarters) || quarters.fract() != 0.0 {
            return Err(de::Error::custom(format!("points should be 0 to 100 in steps of 0.25, and are {points}")));
        }
        Ok(Said(Points::from_quarters(quarters as u16)))
    }
}

type Knots = Vec<(i32, Said)>;

/// What `[score]` may say. What it leaves out stays as documented.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct File {
    slow_free: Option<Said>,
    slow_weight_pct: Option<u32>,
    slow_half_life_days: Option<u16>,
    fast_half_life_days: Option<u16>,
    grades: Option<[Said; 5]>,
    grade_margin: Option<Said>,
    #[serde(default)]
    tables: BTreeMap<String, Knots>,
    accounts: Option<Knots>,
    fresh_days: Option<u16>,
    fading_days: Option<u16>,
    stale_pct: Option<u32>,
    incident_fresh_days: Option<u16>,
    incident_fading_days: Option<u16>,
    incident_weights: Option<[u32; 4]>,
    growth_amount: Option<u64>,
    season_months: Option<Vec<u8>>,
    season_pct: Option<u32>,
    #[serde(default)]
    course: Course,
}

/// What `[score.course]` may say.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct Course {
    worsened_grade: Option<String>,
    worsened_rise: Option<Said>,
    worsened_days: Option<u16>,
    at_once_fail: Option<Said>,
    sudden_points: Option<Said>,
    sudden_score: Option<Said>,
    sudden_days: Option<u16>,
    calm_days: Option<u16>,
    cooldown_days: Option<u16>,
    known_payments: Option<u32>,
    known_days: Option<u16>,
    settle_days: Option<u16>,
    small_retained: Option<u64>,
    large_retained: Option<u64>,
}

impl File {
    /// The levels that the file says, over the documented ones.
    ///
    /// # Errors
    /// When a value cannot be, named by its key.
    pub fn levels(self) -> Result<ScoreLevels, String> {
        let default = ScoreLevels::default();
        let mut tables = default.tables;
        for (name, knots) in self.tables {
            let code = Code::ALL.iter().find(|code| code.as_str() == name);
            let code = *code.ok_or_else(|| {
                let known: Vec<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
                format!("score.tables.{name} is none of the score's reasons: {}", known.join(", "))
            })?;
            tables[code as usize] = table(&format!("score.tables.{name}"), knots, code.bad())?;
        }
        let accounts = match self.accounts {
            Some(knots) => table("score.accounts", knots, Bad::High)?,
            None => default.accounts,
        };
        let levels = ScoreLevels {
            slow_free: self.slow_free.map_or(default.slow_free, |points| points.0),
            slow_weight_pct: self.slow_weight_pct.unwrap_or(default.slow_weight_pct),
            slow_half_life_days: self.slow_half_life_days.unwrap_or(default.slow_half_life_days),
            fast_half_life_days: self.fast_half_life_days.unwrap_or(default.fast_half_life_days),
            grades: self.grades.map_or(default.grades, |grades| grades.map(|points| points.0)),
            grade_margin: self.grade_margin.map_or(default.grade_margin, |points| points.0),
            tables,
            accounts,
            fresh_days: self.fresh_days.unwrap_or(default.fresh_days),
            fading_days: self.fading_days.unwrap_or(default.fading_days),
            stale_pct: self.stale_pct.unwrap_or(default.stale_pct),
            incident_fresh_days: self.incident_fresh_days.unwrap_or(default.incident_fresh_days),
            incident_fading_days: self.incident_fading_days.unwrap_or(default.incident_fading_days),
            incident_weights: self.incident_weights.unwrap_or(default.incident_weights),
            growth_amount: self.growth_amount.unwrap_or(default.growth_amount),
            season_months: self.season_months.unwrap_or(default.season_months),
            season_pct: self.season_pct.unwrap_or(default.season_pct),
            course: self.course.levels(default.course)?,
        };
        check(&levels)?;
        Ok(levels)
    }
}

impl Course {
    fn levels(self, default: CourseLevels) -> Result<CourseLevels, String> {
        let points = |said: Option<Said>, default: Points| said.map_or(default, |said| said.0);
        Ok(CourseLevels {
            worsened_grade: match self.worsened_grade {
                Some(name) => crate::event::Grade::parse(&name)
                    .ok_or_else(|| format!("score.course.worsened_grade should be A to F, and is {name:?}"))?,
                None => default.worsened_grade,
            },
            worsened_rise: points(self.worsened_rise, default.worsened_rise),
            worsened_days: self.worsened_days.unwrap_or(default.worsened_days),
            at_once_fail: points(self.at_once_fail, default.at_once_fail),
            sudden_points: points(self.sudden_points, default.sudden_points),
            sudden_score: points(self.sudden_score, default.sudden_score),
            sudden_days: self.sudden_days.unwrap_or(default.sudden_days),
            calm_days: self.calm_days.unwrap_or(default.calm_days),
            cooldown_days: self.cooldown_days.unwrap_or(default.cooldown_days),
            known_payments: self.known_payments.unwrap_or(default.known_payments),
            known_days: self.known_days.unwrap_or(default.known_days),
            settle_days: self.settle_days.unwrap_or(default.settle_days),
            small_retained: self.small_retained.unwrap_or(default.small_retained),
            large_retained: self.large_retained.unwrap_or(default.large_retained),
        })
    }
}

fn table(key: &str, knots: Knots, bad: Bad) -> Result<Table, String> {
    let knots = knots.into_iter().map(|(measure, points)| (measure, points.0)).collect();
    Table::new(knots, bad).map_err(|error| format!("{key} is no table of [measure, points]: {error}"))
}

fn check(levels: &ScoreLevels) -> Result<(), String> {
    between("score.slow_weight_pct", levels.slow_weight_pct, 0, 100)?;
    between("score.slow_half_life_days", levels.slow_half_life_days, 1, DAYS_MAX)?;
    between("score.fast_half_life_days", levels.fast_half_life_days, 1, DAYS_MAX)?;
    if !levels.grades.is_sorted_by(|a, b| a < b) {
        return Err("score.grades should rise from grade to grade".to_owned());
    }
    between("score.fresh_days", levels.fresh_days, 0, DAYS_MAX)?;
    between("score.fading_days", levels.fading_days, 0, DAYS_MAX)?;
    between("score.stale_pct", levels.stale_pct, 0, 100)?;
    between("score.incident_fresh_days", levels.incident_fresh_days, 0, DAYS_MAX)?;
    between("score.incident_fading_days", levels.incident_fading_days, 0, DAYS_MAX)?;
    for weight in levels.incident_weights {
        between("score.incident_weights", weight, 0, WEIGHT_MAX)?;
    }
    between("score.growth_amount", levels.growth_amount, 1, AMOUNT_MAX)?;
    for month in &levels.season_months {
        between("score.season_months", *month, 1, 12)?;
    }
    between("score.season_pct", levels.season_pct, 100, WEIGHT_MAX)?;
    let course = &levels.course;
    for (key, days) in [
        ("score.course.worsened_days", course.worsened_days),
        ("score.course.sudden_days", course.sudden_days),
        ("score.course.calm_days", course.calm_days),
        ("score.course.cooldown_days", course.cooldown_days),
        ("score.course.known_days", course.known_days),
        ("score.course.settle_days", course.settle_days),
    ] {
        between(key, days, 0, DAYS_MAX)?;
    }
    between("score.course.large_retained", course.large_retained, course.small_retained, AMOUNT_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn levels(text: &str) -> Result<ScoreLevels, String> {
        toml::from_str::<File>(text).map_err(|error| error.to_string())?.levels()
    }

    #[test]
    fn what_is_left_out_stays_as_documented() {
        assert_eq!(levels(""), Ok(ScoreLevels::default()));
        let said =
            levels("grades = [5, 10.5, 20, 30, 40]\n[tables]\nlate_share = [[0, 0], [1000, 12.25]]").expect("levels");
        assert_eq!(said.grades[1], Points::from_quarters(42));
        assert_eq!(said.table(Code::LateShare).quarters(1000), 49);
        assert_eq!(said.table(Code::Rating), ScoreLevels::default().table(Code::Rating));
    }

    #[test]
    fn what_cannot_be_is_refused_by_its_name() {
        for (text, named) in [
            ("slow_weight_pct = 101", "score.slow_weight_pct should be 0 to 100, and is 101"),
            ("slow_half_life_days = 0", "score.slow_half_life_days"),
            ("grades = [5, 5, 20, 30, 40]", "score.grades"),
            ("grade_margin = 0.1", "steps of 0.25"),
            ("grade_margin = 100.25", "0 to 100"),
            ("[tables]\nlateness = [[0, 0]]", "score.tables.lateness is none of the score's reasons"),
            ("[tables]\nlate_share = [[0, 5], [10, 4]]", "score.tables.late_share"),
            ("[tables]\ncash_ratio = [[0, 4], [10, 5]]", "score.tables.cash_ratio"),
            ("accounts = []", "score.accounts"),
            ("season_months = [13]", "score.season_months"),
            ("[course]\nworsened_grade = 'G'", "score.course.worsened_grade"),
            ("[course]\ncalm_days = 3651", "score.course.calm_days"),
            ("[course]\nlarge_retained = 5", "score.course.large_retained"),
            ("weight = 5", "weight"),
        ] {
            let error = levels(text).expect_err(text);
            assert!(error.contains(named), "{text}: {error}");
        }
    }
}
