//! Owns the outbound bytes: an effect as a structured CloudEvent, written by hand into a buffer that is used again.

use xxhash_rust::xxh3::Xxh3Default;

use self::json::Json;
pub use self::json::push_json_string;
use crate::base::BaseUnits;
use crate::event::{
    AlertNotice, BuyerProfile, Cause, CoverRow, Effect, EffectBody, EventName, ExposureUpdate, Further, HoldDecision,
    HoldObstacle, LimitAmount, LimitChange, MonthEnd, ProposalClosing, ProposalNotice, Reason, ReportRow, Scored,
    SellerRow, TenthDays,
};

mod json;
#[cfg(test)]
mod tests;

/// The `source` of every output.
pub const SOURCE: &str = "vigie";
/// The content type of every output: a structured CloudEvent.
pub const CONTENT_TYPE: &str = "application/cloudevents+json";

/// An output topic, before any prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OutputTopic {
    /// Alerts.
    Alerts,
    /// Proposed limit reductions.
    LimitProposals,
    /// Changed limits.
    LimitChanges,
    /// Whether room is kept for orders.
    OrderDecisions,
    /// The latest figures per buyer; compacted.
    Exposures,
    /// Changes of scores, for whoever keeps a history of them.
    History,
}

/// The topic that an effect goes to.
#[must_use]
pub const fn output_topic(body: &EffectBody) -> OutputTopic {
    match body {
        EffectBody::AlertRaised(_) | EffectBody::AlertEscalated(_) | EffectBody::AlertCleared(_) => OutputTopic::Alerts,
        EffectBody::LimitReductionProposed(_) | EffectBody::LimitReductionClosed(_) => OutputTopic::LimitProposals,
        EffectBody::LimitChanged(_) => OutputTopic::LimitChanges,
        EffectBody::OrderHoldDecided(_) => OutputTopic::OrderDecisions,
        EffectBody::ExposureUpdated(_) => OutputTopic::Exposures,
        EffectBody::ScoreChanged(_) => OutputTopic::History,
    }
}

/// Appends `effect` as one structured CloudEvent. The same effect gives the same bytes, id included.
pub fn encode_effect(effect: &Effect, out: &mut Vec<u8>) {
    let type_name = effect.body.type_name();
    let mut json = Json { out };
    json.raw(r#"{"specversion":"1.0","id":""#);
    json.hex(effect_id(&effect.buyer_id, type_name, effect.sequence));
    json.raw(r#"","source":""#);
    json.raw(SOURCE);
    json.raw(r#"","type":""#);
    json.raw(type_name);
    json.raw(r#"","subject":"#);
    json.string(&effect.buyer_id);
    json.instant(r#","time":"#, effect.at);
    json.raw(r#","datacontenttype":"application/json","data":{"#);
    match &effect.body {
        EffectBody::AlertRaised(alert) | EffectBody::AlertEscalated(alert) | EffectBody::AlertCleared(alert) => {
            json.alert(alert);
        }
        EffectBody::LimitChanged(change) => json.limit_change(change),
        EffectBody::LimitReductionProposed(notice) => json.proposal(notice),
        EffectBody::LimitReductionClosed(closing) => json.closing(closing),
        EffectBody::OrderHoldDecided(decision) => json.hold_decision(decision),
        EffectBody::ExposureUpdated(update) => json.exposure_update(update),
        EffectBody::ScoreChanged(scored) => json.scored(scored),
    }
    json.cause(&effect.caused_by);
    json.count(r#","params_version":"#, effect.params_version);
    json.raw("}}");
}

/// A hash of buyer, type and sequence, each text framed by its length so that no two triples run together alike.
fn effect_id(buyer_id: &str, type_name: &str, sequence: u64) -> u128 {
    let mut hash = Xxh3Default::new();
    for text in [buyer_id, type_name] {
        hash.update(&(text.len() as u64).to_le_bytes());
        hash.update(text.as_bytes());
    }
    hash.update(&sequence.to_le_bytes());
    hash.digest128()
}

impl Json<'_> {
    fn alert(&mut self, alert: &AlertNotice) {
        self.raw(r#""alert_id":"#);
        self.string(&alert.alert_id);
        self.name(r#","kind":"#, alert.kind.as_str());
        self.name(r#","severity":"#, alert.severity.as_str());
        self.points(r#","score":"#, alert.scored.score);
        self.name(r#","grade":"#, alert.scored.grade.as_str());
        self.raw(r#","previous_grade":"#);
        self.optional(alert.previous_grade, |json, grade| json.quoted(grade.as_str()));
        self.raw(r#","reasons":"#);
        self.list(&alert.reasons, Json::reason);
        self.exposure(&alert.exposure);
    }

    /// The report row's money.
    fn exposure(&mut self, row: &ReportRow) {
        self.raw(r#","exposure":{"#);
        self.ageing(row);
        self.raw(",");
        self.standing(row);
        self.raw(",");
        self.insured(row);
        self.raw("}");
    }

    fn scored(&mut self, scored: &Scored) {
        let Scored { score, slow, fail, grade } = scored;
        self.points(r#""score":"#, *score);
        self.points(r#","slow":"#, *slow);
        self.points(r#","fail":"#, *fail);
        self.name(r#","grade":"#, grade.as_str());
    }

    fn proposal(&mut self, notice: &ProposalNotice) {
        self.raw(r#""proposal_id":"#);
        self.string(&notice.proposal_id);
        self.write(format_args!(r#","version":{},"current_limit":"#, notice.version));
        self.money(notice.current_limit.amount);
        self.raw(r#","proposed_limit":"#);
        self.money(notice.proposed_limit);
        self.name(r#","currency":"#, notice.current_limit.currency.as_str());
        self.name(r#","mode":"#, notice.mode.as_str());
        self.write(format_args!(r#","approvals_needed":{},"score":{}"#, notice.approvals_needed, notice.scored.score));
        self.name(r#","grade":"#, notice.scored.grade.as_str());
        self.raw(r#","reasons":"#);
        self.list(&notice.reasons, Json::reason);
        self.exposure(&notice.exposure);
        self.cents(r#","at_risk_before":"#, notice.at_risk_before);
        self.cents(r#","at_risk_after":"#, notice.at_risk_after);
        self.cents(r#","expected_loss_avoided":"#, notice.expected_loss_avoided);
        self.cents(r#","margin_lost":"#, notice.margin_lost);
        self.write(format_args!(r#","effective_at":"{}","expires_at":"{}""#, notice.effective_at, notice.expires_at));
    }

    fn closing(&mut self, closing: &ProposalClosing) {
        self.raw(r#""proposal_id":"#);
        self.string(&closing.proposal_id);
        self.write(format_args!(r#","version":{}"#, closing.version));
        self.name(r#","outcome":"#, closing.outcome.as_str());
        self.raw(r#","decided_by":"#);
        self.optional(closing.decided_by.as_deref(), Json::string);
        self.raw(r#","reason":"#);
        self.optional(closing.reason.as_deref(), Json::string);
    }

    fn reason(&mut self, reason: &Reason) {
        self.raw(r#"{"code":"#);
        self.string(reason.code);
        self.points(r#","points":"#, reason.points);
        self.raw(r#","value":"#);
        self.optional(reason.value.as_deref(), Json::string);
        self.raw(r#","detail":"#);
        self.string(&reason.detail);
        self.raw(r#","events":"#);
        self.list(&reason.events, Json::event_name);
        self.raw(r#","documents":"#);
        self.list(&reason.documents, |json, id| json.string(id));
        self.raw("}");
    }

    fn event_name(&mut self, event: &EventName) {
        self.raw(r#"{"source":"#);
        self.string(&event.source);
        self.raw(r#","id":"#);
        self.string(&event.id);
        self.raw("}");
    }

    fn limit_change(&mut self, change: &LimitChange) {
        self.raw(r#""old_limit":"#);
        self.optional(change.old_limit, |json, limit| json.money(limit.amount));
        self.raw(r#","new_limit":"#);
        self.optional(change.new_limit, |json, limit| json.money(limit.amount));
        let currency = |limit: Option<LimitAmount>| limit.map(|limit| limit.currency);
        let (old, new) = (currency(change.old_limit), currency(change.new_limit));
        self.raw(r#","currency":"#);
        self.optional(new.or(old), |json, currency| json.quoted(currency.as_str()));
        if let (Some(old), Some(new)) = (old, new)
            && old != new
        {
            self.name(r#","old_currency":"#, old.as_str());
        }
        self.write(format_args!(r#","effective_at":"{}""#, change.effective_at));
        self.name(r#","cause":"#, change.cause.as_str());
        self.raw(r#","proposal_id":"#);
        self.optional(change.proposal_id.as_deref(), Json::string);
        self.raw(r#","decided_by":"#);
        self.optional(change.decided_by.as_deref(), Json::string);
    }

    fn hold_decision(&mut self, decision: &HoldDecision) {
        self.raw(r#""order_id":"#);
        self.string(&decision.order_id);
        self.raw(r#","seller_id":"#);
        self.string(&decision.seller_id);
        self.raw(if decision.is_granted() { r#","granted":true,"amount":"# } else { r#","granted":false,"amount":"# });
        self.money(decision.amount);
        self.name(r#","currency":"#, decision.currency.as_str());
        self.raw(r#","headroom":"#);
        self.optional(decision.headroom, |json, headroom| json.fixed(headroom.0, 2));
        self.raw(r#","limit":"#);
        self.optional(decision.limit, |json, limit| json.fixed(limit.0, 2));
        self.cents(r#","exposure":"#, decision.exposure);
        self.raw(r#","why":"#);
        self.list(&decision.why, Json::hold_obstacle);
        self.instant(r#","expires_at":"#, decision.expires_at);
    }

    fn hold_obstacle(&mut self, obstacle: &HoldObstacle) {
        self.name(r#"{"code":"#, obstacle.code.as_str());
        self.raw(r#","detail":"#);
        self.string(&obstacle.detail);
        self.raw("}");
    }

    fn exposure_update(&mut self, update: &ExposureUpdate) {
        self.row(&update.row);
        self.profile(&update.profile);
        self.raw(",");
        self.scored(&update.row.scored);
        self.further(&update.further);
        self.raw(r#","reasons":"#);
        self.list(&update.reasons, Json::reason);
        self.raw(r#","sellers":"#);
        self.list(&update.sellers, Json::seller);
        self.raw(r#","covers":"#);
        self.list(&update.covers, Json::cover);
        self.raw(r#","month_ends":"#);
        self.list(&update.month_ends, Json::month_end);
    }

    /// The report row, its columns in the contract's order.
    fn row(&mut self, row: &ReportRow) {
        self.raw(r#""buyer_id":"#);
        self.string(&row.buyer_id);
        self.raw(r#","as_of":"#);
        self.day(row.as_of);
        self.name(r#","currency":"#, row.currency.as_str());
        self.raw(",");
        self.ageing(row);
        self.count(r#","oldest_overdue_days":"#, row.oldest_overdue_days);
        self.raw(",");
        self.standing(row);
        self.raw(r#","utilisation":"#);
        self.optional(row.utilisation, |json, utilisation| json.fixed(utilisation, 4));
        self.raw(",");
        self.insured(row);
        self.count(r#","open_invoices":"#, row.open_invoices as i64);
        self.raw(if row.fx_missing { r#","fx_missing":true,"# } else { r#","fx_missing":false,"# });
    }

    fn ageing(&mut self, row: &ReportRow) {
        self.cents(r#""outstanding":"#, row.outstanding);
        self.cents(r#","not_due":"#, row.not_due);
        self.cents(r#","overdue_1_30":"#, row.overdue[0]);
        self.cents(r#","overdue_31_60":"#, row.overdue[1]);
        self.cents(r#","overdue_61_90":"#, row.overdue[2]);
        self.cents(r#","overdue_over_90":"#, row.overdue[3]);
    }

    fn standing(&mut self, row: &ReportRow) {
        self.cents(r#""disputed":"#, row.disputed);
        self.cents(r#","written_off":"#, row.written_off);
        self.cents(r#","unapplied":"#, row.unapplied);
        self.cents(r#","orders":"#, row.orders);
        self.cents(r#","exposure":"#, row.exposure);
        self.raw(r#","limit":"#);
        self.optional(row.limit, |json, limit| json.fixed(limit.0, 2));
    }

    fn insured(&mut self, row: &ReportRow) {
        self.cents(r#""insured_single_risk":"#, row.insured_single_risk);
        self.cents(r#","insured_primary":"#, row.insured_primary);
        self.cents(r#","insured_top_up":"#, row.insured_top_up);
        self.cents(r#","indemnifiable":"#, row.indemnifiable);
        self.cents(r#","retained":"#, row.retained);
    }

    fn further(&mut self, further: &Further) {
        let days = [
            (r#","days_beyond_terms":"#, further.days_beyond_terms),
            (r#","dso":"#, further.dso),
            (r#","dso_countback":"#, further.dso_countback),
            (r#","average_days_delinquent":"#, further.average_days_delinquent),
        ];
        for (name, days) in days {
            self.raw(name);
            self.optional(days, |json, days| json.fixed(i128::from(days.0), TenthDays::PLACES));
        }
        self.cents(r#","expected_loss":"#, further.expected_loss);
    }

    fn profile(&mut self, profile: &BuyerProfile) {
        self.raw(r#""name":"#);
        self.optional(profile.name.as_deref(), Json::string);
        self.raw(r#","country":"#);
        self.optional(profile.country, |json, country| json.quoted(country.as_str()));
        self.raw(r#","segment":"#);
        self.optional(profile.segment, |json, segment| json.quoted(segment.as_str()));
        self.raw(r#","sector":"#);
        self.optional(profile.sector.as_deref(), Json::string);
        self.raw(r#","parent_id":"#);
        self.optional(profile.parent_id.as_deref(), Json::string);
    }

    fn seller(&mut self, seller: &SellerRow) {
        self.raw(r#"{"seller_id":"#);
        self.string(&seller.seller_id);
        self.cents(r#","outstanding":"#, seller.outstanding);
        self.cents(r#","overdue":"#, seller.overdue);
        self.count(r#","open_invoices":"#, seller.open_invoices as i64);
        self.raw("}");
    }

    fn cover(&mut self, cover: &CoverRow) {
        let cents = |amount: BaseUnits| amount.amount().cents().0;
        self.raw(r#"{"cover_id":"#);
        self.string(&cover.cover_id);
        self.name(r#","layer":"#, cover.layer.as_str());
        self.raw(r#","amount":"#);
        self.optional(cover.amount, |json, amount| json.fixed(cents(amount), 2));
        self.raw(r#","taken":"#);
        self.fixed(cents(cover.taken), 2);
        self.raw(r#","insured_pct":"#);
        self.percent(cover.insured_pct);
        self.raw(r#","valid_from":"#);
        self.day(cover.valid_from);
        self.raw(r#","valid_to":"#);
        self.optional(cover.valid_to, Json::day);
        self.raw(r#","order_id":"#);
        self.optional(cover.order_id.as_deref(), Json::string);
        self.raw(r#","max_payment_term_days":"#);
        self.optional(cover.max_payment_term_days, |json, days| json.write(format_args!("{days}")));
        self.raw(r#","stopped_since":"#);
        self.optional(cover.stopped_since, Json::day);
        self.raw("}");
    }

    fn month_end(&mut self, end: &MonthEnd) {
        self.raw(r#"{"day":"#);
        self.day(end.day);
        self.cents(r#","exposure":"#, end.exposure);
        self.cents(r#","overdue":"#, end.overdue);
        self.points(r#","score":"#, end.score);
        self.raw("}");
    }

    fn cause(&mut self, cause: &Cause) {
        self.raw(r#","caused_by":"#);
        match cause {
            Cause::Clock => self.quoted("clock"),
            Cause::Event { source, id } => {
                self.raw(r#"{"source":"#);
                self.string(source);
                self.raw(r#","id":"#);
                self.string(id);
                self.raw("}");
            }
        }
    }
}
