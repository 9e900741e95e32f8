//! Owns the playing of a scenario: its lines through a shard, and what comes of each, in words.

use std::fmt::Write;

use bumpalo::Bump;
use vigie::base::money::grouped;
use vigie::base::{Currency, Instant};
use vigie::event::{Effect, EffectBody, LimitAmount, ReportRow};
use vigie::risk::params::Params;
use vigie::risk::shard::{Outcome, Shard};
use vigie::wire::{DecodeRules, decode_value};

use crate::language::{BUYER, HOUR, Step, read};

/// The scenario again, with what the engine has to say under each line, and no other `=>` line.
pub fn play(text: &str) -> Result<String, String> {
    let base = Currency::parse("EUR").ok_or("no currency EUR")?;
    let mut params = Params::new(base);
    let mut lines: Vec<&str> = text.lines().filter(|line| !line.starts_with("=>")).collect();
    while lines.last().is_some_and(|line| line.is_empty()) {
        lines.pop();
    }
    for line in &lines {
        if let Some(days) = line.strip_prefix("retention ").and_then(|rest| rest.strip_suffix(" days")) {
            params.retention_days = Some(days.parse().map_err(|_| format!("{days:?} is no number of days"))?);
        }
    }
    let mut stage = Stage { shard: Shard::new(params), base, played: String::new(), between: String::new() };
    for (number, line) in lines.iter().enumerate() {
        if line.is_empty() || line.starts_with('#') || line.starts_with("retention ") {
            stage.between += &format!("{line}\n");
        } else {
            stage.step(line, number + 1)?;
        }
    }
    stage.end();
    Ok(stage.played)
}

struct Stage {
    shard: Shard,
    base: Currency,
    played: String,
    /// Remarks since the last step: what comes of that step stands before them.
    between: String,
}

impl Stage {
    fn step(&mut self, line: &str, number: usize) -> Result<(), String> {
        let mut effects = Vec::new();
        let mut answer = String::new();
        match read(line, number)? {
            Step::Event(event) => {
                let (bytes, scratch) = (event.to_string(), Bump::new());
                let rules = DecodeRules::new(self.base, Instant::MAX);
                let event =
                    decode_value(bytes.as_bytes(), &rules, &scratch).map_err(|why| format!("{line:?}: {why}"))?;
                match self.shard.apply(&event, &mut effects) {
                    Outcome::Applied => {}
                    Outcome::Duplicate => answer += "=> duplicate\n",
                    Outcome::Refused(why) => answer += &format!("=> refused {} {:?}\n", why.code.as_str(), why.message),
                }
            }
            Step::Report { at } => {
                let at = Instant::parse(&at).ok_or_else(|| format!("{line:?}: no such time"))?;
                self.shard.advance(at, &mut effects);
                self.shard.report(at.day(), &mut |row| answer += &figures(&row));
            }
        }
        let clock = self.shard.clock();
        let (after, before) = effects.into_iter().partition::<Vec<_>, _>(|effect| Some(effect.at) == clock);
        self.tell(&before);
        self.played += &std::mem::take(&mut self.between);
        let _ = writeln!(self.played, "{line}");
        self.played += &answer;
        self.tell(&after);
        Ok(())
    }

    /// Closes the last instant.
    fn end(&mut self) {
        let mut effects = Vec::new();
        if let Some(clock) = self.shard.clock() {
            self.shard.advance(clock, &mut effects);
        }
        self.tell(&effects);
        self.played += &self.between;
    }

    fn tell(&mut self, effects: &[Effect]) {
        for effect in effects {
            let _ = writeln!(self.played, "=> {}{} {}", time(effect.at), buyer(&effect.buyer_id), words(&effect.body));
        }
    }
}

/// The day, and the hour where it is neither midnight nor the usual one.
fn time(at: Instant) -> String {
    let shown = at.to_string();
    match &shown[11..16] {
        "00:00" | HOUR => shown[..10].to_owned(),
        hour => format!("{} {hour}", &shown[..10]),
    }
}

fn buyer(id: &str) -> String {
    if id == BUYER { String::new() } else { format!(" @{id}") }
}

fn words(body: &EffectBody) -> String {
    let name = body.type_name();
    match body {
        EffectBody::AlertRaised(alert) | EffectBody::AlertEscalated(alert) | EffectBody::AlertCleared(alert) => {
            let reasons: Vec<String> = alert.reasons.iter().map(|reason| format!("{:?}", reason.detail)).collect();
            format!("{name} {} {} {}", alert.kind.as_str(), alert.severity.as_str(), reasons.join(" and "))
        }
        EffectBody::LimitChanged(change) => {
            format!("{name} {} from {} to {}", change.cause.as_str(), limit(change.old_limit), limit(change.new_limit))
        }
        EffectBody::ExposureUpdated(_) => name.to_owned(),
    }
}

fn limit(amount: Option<LimitAmount>) -> String {
    amount.map_or_else(
        || "none".to_owned(),
        |limit| format!("{} {}", grouped(limit.amount.units().into()), limit.currency),
    )
}

/// The figures that are not zero.
fn figures(row: &ReportRow) -> String {
    let amounts = [
        ("outstanding", row.outstanding),
        ("not due", row.not_due),
        ("overdue 1-30", row.overdue[0]),
        ("overdue 31-60", row.overdue[1]),
        ("overdue 61-90", row.overdue[2]),
        ("overdue over 90", row.overdue[3]),
        ("disputed", row.disputed),
        ("written off", row.written_off),
        ("unapplied", row.unapplied),
        ("orders", row.orders),
        ("exposure", row.exposure),
        ("insured single risk", row.insured_single_risk),
        ("insured primary", row.insured_primary),
        ("insured top-up", row.insured_top_up),
        ("indemnifiable", row.indemnifiable),
        ("retained", row.retained),
    ];
    let mut shown: Vec<String> = amounts
        .iter()
        .filter(|(_, amount)| amount.0 != 0)
        .map(|(name, amount)| format!("{name} {}", grouped(amount.0 * 100)))
        .collect();
    if shown.is_empty() {
        shown.push("nothing".to_owned());
    }
    if row.fx_missing {
        shown.push("and what has no rate".to_owned());
    }
    format!("=> report{} {}\n", buyer(&row.buyer_id), shown.join(", "))
}
