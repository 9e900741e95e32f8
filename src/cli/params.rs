//! Owns the params file: TOML over the documented defaults, every key checked.

#[cfg(test)]
mod documented;
mod loss;
mod proposals;
mod reckon;
mod score;

use std::io::Read;
use std::path::Path;

use serde::Deserialize;

use super::CliError;
use crate::base::Currency;
use crate::io::files;
use crate::risk::params::Reckoning;
use crate::risk::{AlertLevels, LossLevels, Params, ProposalLevels};

/// The base currency where none is named.
const BASE: &str = "EUR";
/// The longest instant: an hour.
const INSTANT_MS_MAX: u32 = 3_600_000;
/// The largest share that a level can be, in per cent.
const PERCENT_MAX: u32 = 1_000_000;
/// The furthest that a level looks ahead, in days.
const DAYS_MAX: u16 = 3650;
/// The largest amount that a level can be: that of the largest document.
const AMOUNT_MAX: u64 = 100_000_000_000_000;

/// What a params file may say. What it leaves out stays as documented.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: Option<u32>,
    base: Option<String>,
    instant_ms: Option<u32>,
    retention_days: Option<u16>,
    #[serde(default, with = "Levels")]
    alerts: AlertLevels,
    #[serde(default, with = "loss::Table")]
    loss: LossLevels,
    #[serde(default)]
    score: score::File,
    #[serde(default, with = "proposals::Table")]
    proposals: ProposalLevels,
    #[serde(default, with = "reckon::Table")]
    reckon: Reckoning,
}

/// The table `[alerts]`. Made of the levels themselves: a level that is missing here does not compile.
#[derive(Deserialize)]
#[serde(remote = "AlertLevels", default = "AlertLevels::default", deny_unknown_fields)]
struct Levels {
    limit_warning_pct: u32,
    limit_critical_pct: u32,
    limit_clear_pct: u32,
    stop_ahead_days: u16,
    declaration_ahead_days: u16,
    declaration_critical_days: u16,
    expiring_ahead_days: u16,
    expiring_warning_days: u16,
    lost_critical_pct: u32,
    uncovered_amount: u64,
    uncovered_pct: u32,
    uncovered_critical_amount: u64,
    uncovered_clear_pct: u32,
}

/// The params of a file, or the documented ones without a file; `base` goes before the file's.
///
/// # Errors
/// When the file cannot be read, has a key that is not known, or a value that cannot be.
pub fn read(path: Option<&Path>, base: Option<Currency>) -> Result<Params, CliError> {
    let Some(path) = path else { return from_text("", base).map_err(CliError::Wrong) };
    let mut text = String::new();
    let wrong = |error: &dyn std::fmt::Display| CliError::Wrong(format!("{}: {error}", path.display()));
    files::open(path)
        .map_err(|error| CliError::Wrong(error.to_string()))?
        .read_to_string(&mut text)
        .map_err(|error| wrong(&error))?;
    from_text(&text, base).map_err(|error| wrong(&error))
}

fn from_text(text: &str, base: Option<Currency>) -> Result<Params, String> {
    let file: File = toml::from_str(text).map_err(|error| error.to_string().trim_end().to_owned())?;
    let named = file.base.as_deref().unwrap_or(BASE);
    let named =
        Currency::parse(named).ok_or_else(|| format!("base should be three letters A to Z, and is {named:?}"))?;
    let default = Params::new(base.unwrap_or(named));
    let params = Params {
        version: file.version.unwrap_or(default.version),
        instant_ms: file.instant_ms.unwrap_or(default.instant_ms),
        retention_days: file.retention_days.or(default.retention_days),
        alerts: file.alerts,
        loss: file.loss,
        score: file.score.levels()?,
        proposals: file.proposals,
        reckon: file.reckon,
        ..default
    };
    check(&params)?;
    Ok(params)
}

fn check(params: &Params) -> Result<(), String> {
    between("version", params.version, 1, u32::MAX)?;
    between("instant_ms", params.instant_ms, 1, INSTANT_MS_MAX)?;
    between("retention_days", params.retention_days.unwrap_or(u16::MAX), 1, u16::MAX)?;
    let levels = &params.alerts;
    between("alerts.limit_warning_pct", levels.limit_warning_pct, 100, PERCENT_MAX)?;
    between("alerts.limit_critical_pct", levels.limit_critical_pct, levels.limit_warning_pct, PERCENT_MAX)?;
    between("alerts.limit_clear_pct", levels.limit_clear_pct, 0, 100)?;
    between("alerts.stop_ahead_days", levels.stop_ahead_days, 0, DAYS_MAX)?;
    between("alerts.declaration_ahead_days", levels.declaration_ahead_days, 0, DAYS_MAX)?;
    let ahead = levels.declaration_ahead_days;
    between("alerts.declaration_critical_days", levels.declaration_critical_days, 0, ahead)?;
    between("alerts.expiring_ahead_days", levels.expiring_ahead_days, 0, DAYS_MAX)?;
    between("alerts.expiring_warning_days", levels.expiring_warning_days, 0, levels.expiring_ahead_days)?;
    between("alerts.lost_critical_pct", levels.lost_critical_pct, 0, 100)?;
    between("alerts.uncovered_amount", levels.uncovered_amount, 0, AMOUNT_MAX)?;
    between("alerts.uncovered_pct", levels.uncovered_pct, 0, 100)?;
    let amount = levels.uncovered_amount;
    between("alerts.uncovered_critical_amount", levels.uncovered_critical_amount, amount, AMOUNT_MAX)?;
    between("alerts.uncovered_clear_pct", levels.uncovered_clear_pct, 0, 100)?;
    loss::check(&params.loss)?;
    proposals::check(&params.proposals)
}

/// A table by grade goes one way.
fn orderly(key: &str, wrong_way: &str, holds: bool) -> Result<(), String> {
    if holds { Ok(()) } else { Err(format!("{key} goes from grade A to F, and should not {wrong_way} on the way")) }
}

fn between<T: PartialOrd + std::fmt::Display>(key: &str, value: T, least: T, most: T) -> Result<(), String> {
    if value >= least && value <= most {
        Ok(())
    } else {
        Err(format!("{key} should be {least} to {most}, and is {value}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Grade, Segment};
    use crate::risk::params::Weighing;

    fn euro() -> Currency {
        Currency::parse("EUR").expect("a currency")
    }

    #[test]
    fn what_a_file_leaves_out_stays_as_documented() {
        assert_eq!(from_text("", None), Ok(Params::new(euro())));
        let params = from_text("version = 7\nbase = 'USD'\nretention_days = 730\n[alerts]\nstop_ahead_days = 5", None)
            .expect("params");
        assert_eq!((params.version, params.base.as_str(), params.retention_days), (7, "USD", Some(730)));
        assert_eq!(params.alerts, AlertLevels { stop_ahead_days: 5, ..AlertLevels::default() });
        let text = "[proposals]\nauto_segments = ['unnamed']\nauto_grades = ['E', 'F']\nweigh_margin = 'no'";
        let levels = from_text(text, None).expect("params").proposals;
        let (auto_segments, auto_grades) = (vec![Segment::Unnamed], vec![Grade::E, Grade::F]);
        let weigh_margin = Weighing::Told;
        let default = ProposalLevels::default();
        assert_eq!(levels, ProposalLevels { auto_segments, auto_grades, weigh_margin, ..default });
        assert_eq!(from_text("base = 'USD'", Some(euro())).map(|params| params.base), Ok(euro()));
    }

    #[test]
    fn what_cannot_be_is_refused_by_its_name() {
        for (text, named) in [
            ("instant = 5", "instant"),
            ("[alerts]\nlimit_pct = 5", "limit_pct"),
            ("instant_ms = 0", "instant_ms should be 1 to 3600000, and is 0"),
            ("instant_ms = 3600001", "instant_ms"),
            ("version = 'one'", "version"),
            ("version = 0", "version"),
            ("retention_days = 0", "retention_days"),
            ("base = 'euro'", "base"),
            ("[alerts]\nlimit_critical_pct = 109", "alerts.limit_critical_pct should be 110 to 1000000, and is 109"),
            ("[alerts]\nlimit_clear_pct = 101", "alerts.limit_clear_pct"),
            ("[alerts]\nexpiring_warning_days = 31", "alerts.expiring_warning_days"),
            ("[alerts]\nuncovered_critical_amount = 1", "alerts.uncovered_critical_amount"),
            ("[loss]\nlgd = 5", "lgd"),
            ("[loss]\nloss_given_default_pct = 101", "loss.loss_given_default_pct should be 0 to 100, and is 101"),
            ("[loss]\ndefault_probability_bp = [1, 2, 3, 4, 5, 10001]", "each of loss.default_probability_bp"),
            ("[loss]\ndefault_probability_bp = [1, 2, 3, 4, 6, 5]", "should not fall on the way"),
            ("[proposals]\nkeep_pct = 5", "keep_pct"),
            ("[proposals]\nkeep_named_pct = [101, 100, 90, 80, 70, 60]", "each of proposals.keep_named_pct"),
            ("[proposals]\nkeep_named_pct = [100, 90, 95, 80, 70, 60]", "keep_named_pct goes from grade A to F"),
            ("[proposals]\nkeep_named_pct = [100]", "keep_named_pct"),
            ("[proposals]\nretained_unnamed = [1, 2, 2, 2, 2, 2]", "retained_unnamed goes from grade A to F"),
            ("[proposals]\nretained_from = 'G'", "a grade should be A to F, and is \"G\""),
            ("[proposals]\nauto_segments = ['all']", "a segment should be \"named\" or \"unnamed\", and is \"all\""),
            ("[proposals]\nbelow_shipped = 'yes'", "below_shipped should be \"never\" or \"allowed\""),
            ("[proposals]\nweigh_margin = true", "weigh_margin"),
            ("[proposals]\nexpires_days = 0", "proposals.expires_days should be 1 to 3650, and is 0"),
            ("[reckon]\nscores = 'no'", "scores"),
            ("[reckon]\ncover = 'off'", "cover should be \"yes\" or \"no\", and is \"off\""),
            ("[proposals]\nauto_up_to = 100001", "proposals.auto_up_to should be 0 to 100000, and is 100001"),
        ] {
            let error = from_text(text, None).expect_err(text);
            assert!(error.contains(named), "{text}: {error}");
        }
        assert!(from_text("instant_ms = 3600000\n[alerts]\nlimit_critical_pct = 110", None).is_ok());
    }
}
