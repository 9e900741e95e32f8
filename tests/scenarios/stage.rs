//! Owns the playing of a scenario: its lines through a shard, and what comes of each, in words.

use std::collections::BTreeMap;
use std::fmt::Write;

use bumpalo::Bump;
use serde_json::Value;
use vigie::base::money::grouped;
use vigie::base::{Cents, Currency, Instant};
use vigie::event::{Effect, EffectBody, Grade, LimitAmount, ProposalNotice, Reason, ReportRow, Segment};
use vigie::risk::params::{BelowShipped, Params, ProposalLevels, Weighing};
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
        for setting in line.strip_prefix("policy ").unwrap_or_default().split_whitespace() {
            policy(&mut params.proposals, setting).ok_or_else(|| format!("{setting:?} is no policy"))?;
        }
    }
    let (played, between, told) = (String::new(), String::new(), BTreeMap::new());
    let mut stage = Stage { shard: Shard::new(params), base, played, between, told };
    for (number, line) in lines.iter().enumerate() {
        let is_remark = ["#", "retention ", "policy "].iter().any(|start| line.starts_with(start));
        if line.is_empty() || is_remark {
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
    /// The ids of the last proposal ("it") and of the last alert of each kind, by buyer.
    told: BTreeMap<(String, &'static str), String>,
}

/// `name=value`, as in the table `[proposals]` of a params file.
fn policy(levels: &mut ProposalLevels, setting: &str) -> Option<()> {
    let (name, value) = setting.split_once('=')?;
    match name {
        "auto_segments" => levels.auto_segments = value.split(',').map(Segment::parse).collect::<Option<_>>()?,
        "auto_grades" => levels.auto_grades = vec![Grade::parse(value)?],
        "auto_up_to" => levels.auto_up_to = value.parse().ok()?,
        "below_shipped" => levels.below_shipped = (value == "allowed").then_some(BelowShipped::Allowed)?,
        "min_cut_pct" => levels.min_cut_pct = value.parse().ok()?,
        "weigh_margin" => levels.weigh_margin = (value == "no").then_some(Weighing::Told)?,
        "retained_from" => levels.retained_from = Grade::parse(value)?,
        _ => return None,
    }
    Some(())
}

impl Stage {
    fn step(&mut self, line: &str, number: usize) -> Result<(), String> {
        let mut effects = Vec::new();
        let mut answer = String::new();
        match read(line, number)? {
            Step::Event(mut event) => {
                self.name(&mut event, &mut effects)?;
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

    /// Puts the id of what was told last in the place of "it" and of a kind of alert.
    fn name(&mut self, event: &mut Value, effects: &mut Vec<Effect>) -> Result<(), String> {
        let (buyer, at) = (event["subject"].as_str().unwrap_or_default().to_owned(), event["time"].as_str());
        for field in ["proposal_id", "alert_id"] {
            let Some(name) = event["data"][field].as_str() else { continue };
            // What the line is about may be told only when the clock moves to it.
            self.shard.advance(at.and_then(Instant::parse).ok_or("no time")?, effects);
            effects.iter().for_each(|effect| note(&mut self.told, effect));
            let known = self.told.iter().find(|((of, what), _)| *of == buyer && *what == name);
            if let Some((_, id)) = known {
                event["data"][field] = id.as_str().into();
            }
            break;
        }
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
            note(&mut self.told, effect);
            let _ = writeln!(self.played, "=> {}{} {}", time(effect.at), buyer(&effect.buyer_id), words(effect));
        }
    }
}

fn note(told: &mut BTreeMap<(String, &'static str), String>, effect: &Effect) {
    let (what, id) = match &effect.body {
        EffectBody::LimitReductionProposed(notice) => ("it", &notice.proposal_id),
        EffectBody::AlertRaised(notice) => (notice.kind.as_str(), &notice.alert_id),
        _ => return,
    };
    told.insert((effect.buyer_id.clone(), what), id.clone());
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

fn words(effect: &Effect) -> String {
    let name = effect.body.type_name();
    match &effect.body {
        EffectBody::AlertRaised(alert) | EffectBody::AlertEscalated(alert) | EffectBody::AlertCleared(alert) => {
            format!("{name} {} {} {}", alert.kind.as_str(), alert.severity.as_str(), details(&alert.reasons))
        }
        EffectBody::LimitChanged(change) => {
            let (old, new) = (limit(change.old_limit), limit(change.new_limit));
            let later = change.effective_at.day() > effect.at.day();
            let from = if later { format!(" on {}", time(change.effective_at)) } else { String::new() };
            format!("{name} {} from {old} to {new}{from}", change.cause.as_str())
        }
        EffectBody::LimitReductionProposed(notice) => proposed(notice),
        EffectBody::LimitReductionClosed(closing) => {
            let by = closing.decided_by.as_ref().map_or_else(String::new, |who| format!(" by {who}"));
            let why = closing.reason.as_ref().map_or_else(String::new, |why| format!(" {why:?}"));
            format!("{name} v{} {}{by}{why}", closing.version, closing.outcome.as_str())
        }
        EffectBody::OrderHoldDecided(decision) => {
            let cents = |amount: Cents| grouped(amount.0 * 100);
            let order =
                format!("{} {} {}", decision.order_id, grouped(decision.amount.units().into()), decision.currency);
            let headroom = decision.headroom.map_or_else(|| "unknown".to_owned(), cents);
            let why: Vec<String> =
                decision.why.iter().map(|why| format!(" {} {:?}", why.code.as_str(), why.detail)).collect();
            match decision.is_granted() {
                true => format!("{name} granted {order} until {}, headroom {headroom}", time(decision.expires_at)),
                false => format!("{name} refused {order}, headroom {headroom}{}", why.join(" and")),
            }
        }
        EffectBody::ExposureUpdated(_) | EffectBody::ScoreChanged(_) => name.to_owned(),
    }
}

fn proposed(notice: &ProposalNotice) -> String {
    let (mode, current) = (notice.mode.as_str(), limit(Some(notice.current_limit)));
    let cents = |amount: Cents| grouped(amount.0 * 100);
    format!(
        "limit.reduction_proposed v{} {mode} from {current} to {}, by {}, at risk {} then {}, avoids {}, costs {}, effective {}, expires {}: {}",
        notice.version,
        grouped(notice.proposed_limit.units().into()),
        if notice.approvals_needed == 1 { "one" } else { "two" },
        cents(notice.at_risk_before),
        cents(notice.at_risk_after),
        cents(notice.expected_loss_avoided),
        cents(notice.margin_lost),
        time(notice.effective_at),
        time(notice.expires_at),
        details(&notice.reasons),
    )
}

fn details(reasons: &[Reason]) -> String {
    let details: Vec<String> = reasons.iter().map(|reason| format!("{:?}", reason.detail)).collect();
    details.join(" and ")
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
    shown.extend(row.limit.map(|limit| format!("limit {}", grouped(limit.0 * 100))));
    if row.fx_missing {
        shown.push("and what has no rate".to_owned());
    }
    format!("=> report{} {}\n", buyer(&row.buyer_id), shown.join(", "))
}
