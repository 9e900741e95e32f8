//! Owns the outbound bytes: an effect as a structured CloudEvent, written by hand into a buffer that is used again.

use std::io::Write;

use xxhash_rust::xxh3::Xxh3Default;

use crate::base::{BaseUnits, Cents, Day, Money, Percent};
use crate::event::{
    AlertNotice, BuyerProfile, Cause, CoverRow, Effect, EffectBody, EventName, ExposureUpdate, LimitAmount,
    LimitChange, MonthEnd, ProposalClosing, ProposalNotice, Reason, ReportRow, Scored, SellerRow,
};

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
        EffectBody::ExposureUpdated(_) => OutputTopic::Exposures,
        EffectBody::ScoreChanged(_) => OutputTopic::History,
    }
}

/// Appends `effect` as one structured CloudEvent. The same effect gives the same bytes, id included.
pub fn encode_effect(effect: &Effect, out: &mut Vec<u8>) {
    let type_name = effect.body.type_name();
    let mut json = Json { out };
    json.raw(r#"{"specversion":"1.0","id":""#);
    json.write(format_args!("{:032x}", effect_id(&effect.buyer_id, type_name, effect.sequence)));
    json.raw(r#"","source":""#);
    json.raw(SOURCE);
    json.raw(r#"","type":""#);
    json.raw(type_name);
    json.raw(r#"","subject":"#);
    json.string(&effect.buyer_id);
    json.write(format_args!(r#","time":"{}""#, effect.at));
    json.raw(r#","datacontenttype":"application/json","data":{"#);
    match &effect.body {
        EffectBody::AlertRaised(alert) | EffectBody::AlertEscalated(alert) | EffectBody::AlertCleared(alert) => {
            json.alert(alert);
        }
        EffectBody::LimitChanged(change) => json.limit_change(change),
        EffectBody::LimitReductionProposed(notice) => json.proposal(notice),
        EffectBody::LimitReductionClosed(closing) => json.closing(closing),
        EffectBody::ExposureUpdated(update) => json.exposure_update(update),
        EffectBody::ScoreChanged(scored) => json.scored(scored),
    }
    json.cause(&effect.caused_by);
    json.write(format_args!(r#","params_version":{}}}}}"#, effect.params_version));
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

/// Writes JSON piece by piece. A member ends without a comma; what follows brings its own.
struct Json<'a> {
    out: &'a mut Vec<u8>,
}

impl Json<'_> {
    fn alert(&mut self, alert: &AlertNotice) {
        self.raw(r#""alert_id":"#);
        self.string(&alert.alert_id);
        self.name(r#","kind":"#, alert.kind.as_str());
        self.name(r#","severity":"#, alert.severity.as_str());
        self.write(format_args!(r#","score":{}"#, alert.scored.score));
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
        self.write(format_args!(r#""score":{score},"slow":{slow},"fail":{fail}"#));
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
        self.write(format_args!(r#","points":{},"value":"#, reason.points));
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

    fn exposure_update(&mut self, update: &ExposureUpdate) {
        self.row(&update.row);
        self.profile(&update.profile);
        self.raw(",");
        self.scored(&update.row.scored);
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
        self.write(format_args!(r#","as_of":"{}""#, row.as_of));
        self.name(r#","currency":"#, row.currency.as_str());
        self.raw(",");
        self.ageing(row);
        self.write(format_args!(r#","oldest_overdue_days":{},"#, row.oldest_overdue_days));
        self.standing(row);
        self.raw(r#","utilisation":"#);
        self.optional(row.utilisation, |json, utilisation| json.fixed(utilisation, 4));
        self.raw(",");
        self.insured(row);
        self.write(format_args!(r#","open_invoices":{},"fx_missing":{},"#, row.open_invoices, row.fx_missing));
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
        self.write(format_args!(r#","open_invoices":{}}}"#, seller.open_invoices));
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
        self.write(format_args!(r#","valid_from":"{}","valid_to":"#, cover.valid_from));
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
        self.write(format_args!(r#"{{"day":"{}""#, end.day));
        self.cents(r#","exposure":"#, end.exposure);
        self.cents(r#","overdue":"#, end.overdue);
        self.write(format_args!(r#","score":{}}}"#, end.score));
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

    fn raw(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    fn write(&mut self, text: std::fmt::Arguments<'_>) {
        self.out.write_fmt(text).expect("a vector takes every byte");
    }

    /// A text that needs no escaping, in quotes.
    fn quoted(&mut self, text: &str) {
        self.raw("\"");
        self.raw(text);
        self.raw("\"");
    }

    fn name(&mut self, name: &str, text: &str) {
        self.raw(name);
        self.quoted(text);
    }

    fn day(&mut self, day: Day) {
        self.write(format_args!("\"{day}\""));
    }

    fn cents(&mut self, name: &str, cents: Cents) {
        self.raw(name);
        self.fixed(cents.0, 2);
    }

    /// An amount of a document: 2 decimals, or 4 where 2 would round.
    fn money(&mut self, money: Money) {
        let units = i128::from(money.units());
        if units % 100 == 0 { self.fixed(units / 100, 2) } else { self.fixed(units, 4) }
    }

    /// A percentage with as many decimals as it takes: "90", "87.5".
    fn percent(&mut self, percent: Percent) {
        self.raw("\"");
        let (whole, mut decimals) = (percent.scaled() / 10_000, percent.scaled() % 10_000);
        self.write(format_args!("{whole}"));
        if decimals > 0 {
            let mut places = Percent::PLACES as usize;
            while decimals % 10 == 0 {
                decimals /= 10;
                places -= 1;
            }
            self.write(format_args!(".{decimals:0places$}"));
        }
        self.raw("\"");
    }

    /// An integer of 10^-`places` units as a decimal in quotes, with all its decimals.
    fn fixed(&mut self, value: i128, places: usize) {
        let scale = 10_u128.pow(places as u32);
        let (sign, magnitude) = (if value < 0 { "-" } else { "" }, value.unsigned_abs());
        // Nearly every figure fits 64 bits, which divide many times faster than 128.
        match u64::try_from(magnitude) {
            Ok(magnitude) => {
                let scale = scale as u64;
                self.write(format_args!("\"{sign}{}.{:0places$}\"", magnitude / scale, magnitude % scale));
            }
            Err(_) => self.write(format_args!("\"{sign}{}.{:0places$}\"", magnitude / scale, magnitude % scale)),
        }
    }

    fn optional<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) {
        match value {
            Some(value) => write(self, value),
            None => self.raw("null"),
        }
    }

    fn list<T>(&mut self, items: &[T], mut write: impl FnMut(&mut Self, &T)) {
        self.raw("[");
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                self.raw(",");
            }
            write(self, item);
        }
        self.raw("]");
    }

    /// Any text as a JSON string.
    fn string(&mut self, text: &str) {
        push_json_string(self.out, text);
    }
}

/// Appends `text` as a JSON string, escaped as the grammar asks and no further.
pub fn push_json_string(out: &mut Vec<u8>, text: &str) {
    let bytes = text.as_bytes();
    let mut written = 0;
    out.push(b'"');
    for (at, &byte) in bytes.iter().enumerate() {
        let short = match byte {
            b'"' | b'\\' => byte,
            b'\n' => b'n',
            b'\r' => b'r',
            b'\t' => b't',
            0x08 => b'b',
            0x0c => b'f',
            0..0x20 => 0,
            _ => continue,
        };
        out.extend_from_slice(&bytes[written..at]);
        written = at + 1;
        if short == 0 {
            const HEX: &[u8; 16] = b"0123456789abcdef";
            out.extend_from_slice(&[b'\\', b'u', b'0', b'0', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
        } else {
            out.extend_from_slice(&[b'\\', short]);
        }
    }
    out.extend_from_slice(&bytes[written..]);
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Currency, Instant};
    use crate::event::{AlertKind, Country, Layer, LimitChangeCause, Segment, Severity};

    fn day(text: &str) -> Day {
        Day::parse(text).expect("a day")
    }

    fn euro() -> Currency {
        Currency::parse("EUR").expect("a currency")
    }

    fn row() -> ReportRow {
        ReportRow {
            buyer_id: "b\"1".to_owned(),
            as_of: day("2026-03-01"),
            currency: euro(),
            outstanding: Cents(50_000_000),
            not_due: Cents(1),
            overdue: [Cents(10), Cents(200), Cents(3_000), Cents(40_000)],
            oldest_overdue_days: 91,
            disputed: Cents(5),
            written_off: Cents(6),
            unapplied: Cents(-7),
            orders: Cents(8),
            exposure: Cents(9_999_999_999_999_999_999_990_000),
            limit: Some(Cents(20_000_000)),
            utilisation: Some(25_000),
            insured_single_risk: Cents(0),
            insured_primary: Cents(20_000_000),
            insured_top_up: Cents(20_000_000),
            indemnifiable: Cents(36_000_000),
            retained: Cents(14_000_000),
            open_invoices: 3,
            fx_missing: false,
            scored: Scored::HEALTHY,
        }
    }

    fn effect(body: EffectBody) -> Effect {
        Effect {
            buyer_id: "b\"1".to_owned(),
            at: Instant::parse("2026-03-01T10:00:00.5Z").expect("an instant"),
            sequence: 3,
            caused_by: Cause::Event { source: "erp/1".to_owned(), id: "e-9".to_owned() },
            params_version: 2,
            body,
        }
    }

    fn encoded(effect: &Effect) -> String {
        let mut out = Vec::new();
        encode_effect(effect, &mut out);
        let text = String::from_utf8(out).expect("UTF-8");
        serde_json::from_str::<serde_json::Value>(&text).expect("JSON");
        text
    }

    #[test]
    fn an_alert_is_written_as_the_contract_says() {
        let alert = AlertNotice {
            alert_id: "limit_exceeded".to_owned(),
            kind: AlertKind::LimitExceeded,
            severity: Severity::Warning,
            reasons: vec![Reason { code: "limit_exceeded", points: 0, detail: "Over \u{1} the limit\n".to_owned() }],
            exposure: Box::new(row()),
        };
        assert_same_but_id(
            &encoded(&effect(EffectBody::AlertRaised(alert))),
            concat!(
                r#"{"specversion":"1.0","id":"4f0f0f","source":"vigie","type":"alert.raised","subject":"b\"1","#,
                r#""time":"2026-03-01T10:00:00.500Z","datacontenttype":"application/json","data":{"#,
                r#""alert_id":"limit_exceeded","kind":"limit_exceeded","severity":"warning","score":null,"grade":null,"#,
                r#""previous_grade":null,"reasons":[{"code":"limit_exceeded","points":0,"#,
                r#""detail":"Over \u0001 the limit\n"}],"exposure":{"outstanding":"500000.00","not_due":"0.01","#,
                r#""overdue_1_30":"0.10","overdue_31_60":"2.00","overdue_61_90":"30.00","overdue_over_90":"400.00","#,
                r#""disputed":"0.05","written_off":"0.06","unapplied":"-0.07","orders":"0.08","#,
                r#""exposure":"99999999999999999999900.00","limit":"200000.00","insured_single_risk":"0.00","#,
                r#""insured_primary":"200000.00","insured_top_up":"200000.00","indemnifiable":"360000.00","#,
                r#""retained":"140000.00"},"caused_by":{"source":"erp/1","id":"e-9"},"params_version":2}}"#
            ),
        );
    }

    /// Compares all but the id, whose hash has a test of its own.
    fn assert_same_but_id(text: &str, want: &str) {
        let without_id = |text: &str| {
            let (head, tail) = text.split_once(r#""id":""#).expect("an id");
            format!("{head}{}", tail.split_once('"').expect("its end").1)
        };
        assert_eq!(without_id(text), without_id(want));
    }

    #[test]
    fn a_changed_limit_names_both_currencies_where_they_differ() {
        let limit = |text: &str, currency: &str| {
            Some(LimitAmount {
                amount: Money::parse_or_zero(text).expect("money"),
                currency: Currency::parse(currency).expect("a currency"),
            })
        };
        let data = |old_limit, new_limit, cause| {
            let change = LimitChange {
                old_limit,
                new_limit,
                effective_at: Instant::parse("2026-03-01T10:00:00Z").expect("an instant"),
                cause,
                decided_by: None,
            };
            let mut effect = effect(EffectBody::LimitChanged(change));
            effect.caused_by = Cause::Clock;
            let text = encoded(&effect);
            text.split_once(r#""data":"#).expect("data").1.to_owned()
        };
        assert_eq!(
            data(limit("100", "EUR"), limit("0.0001", "USD"), LimitChangeCause::Set),
            concat!(
                r#"{"old_limit":"100.00","new_limit":"0.0001","currency":"USD","old_currency":"EUR","#,
                r#""effective_at":"2026-03-01T10:00:00Z","cause":"set","proposal_id":null,"decided_by":null,"#,
                r#""caused_by":"clock","params_version":2}}"#
            ),
        );
        assert_eq!(
            data(limit("100", "EUR"), None, LimitChangeCause::Removed),
            concat!(
                r#"{"old_limit":"100.00","new_limit":null,"currency":"EUR","#,
                r#""effective_at":"2026-03-01T10:00:00Z","cause":"removed","proposal_id":null,"decided_by":null,"#,
                r#""caused_by":"clock","params_version":2}}"#
            ),
        );
    }

    #[test]
    fn figures_are_written_in_full() {
        let update = ExposureUpdate {
            row: row(),
            profile: BuyerProfile {
                name: Some("Café".to_owned()),
                country: Country::parse("FR"),
                segment: Some(Segment::Named),
                parent_id: None,
                sector: Some("food".to_owned()),
            },
            sellers: vec![SellerRow {
                seller_id: String::new(),
                outstanding: Cents(100),
                overdue: Cents(50),
                open_invoices: 1,
            }],
            covers: vec![CoverRow {
                cover_id: "c1".to_owned(),
                layer: Layer::TopUp,
                amount: None,
                taken: BaseUnits::from_units(12_350),
                insured_pct: Percent::parse("87.05").expect("a percentage"),
                valid_from: day("2026-01-01"),
                valid_to: None,
                order_id: Some("o1".to_owned()),
                max_payment_term_days: Some(60),
                stopped_since: Some(day("2026-02-01")),
            }],
            month_ends: vec![MonthEnd { day: day("2026-02-28"), exposure: Cents(2), overdue: Cents(1) }],
        };
        let text = encoded(&effect(EffectBody::ExposureUpdated(Box::new(update))));
        let data = text.split_once(r#""data":"#).expect("data").1;
        assert_eq!(
            data,
            concat!(
                r#"{"buyer_id":"b\"1","as_of":"2026-03-01","currency":"EUR","outstanding":"500000.00","not_due":"0.01","#,
                r#""overdue_1_30":"0.10","overdue_31_60":"2.00","overdue_61_90":"30.00","overdue_over_90":"400.00","#,
                r#""oldest_overdue_days":91,"disputed":"0.05","written_off":"0.06","unapplied":"-0.07","orders":"0.08","#,
                r#""exposure":"99999999999999999999900.00","limit":"200000.00","utilisation":"2.5000","#,
                r#""insured_single_risk":"0.00","insured_primary":"200000.00","insured_top_up":"200000.00","#,
                r#""indemnifiable":"360000.00","retained":"140000.00","open_invoices":3,"fx_missing":false,"#,
                r#""name":"Café","country":"FR","segment":"named","sector":"food","parent_id":null,"#,
                r#""score":null,"slow":null,"fail":null,"grade":null,"reasons":[],"#,
                r#""sellers":[{"seller_id":"","outstanding":"1.00","overdue":"0.50","open_invoices":1}],"#,
                r#""covers":[{"cover_id":"c1","layer":"top_up","amount":null,"taken":"1.24","insured_pct":"87.05","#,
                r#""valid_from":"2026-01-01","valid_to":null,"order_id":"o1","max_payment_term_days":60,"#,
                r#""stopped_since":"2026-02-01"}],"#,
                r#""month_ends":[{"day":"2026-02-28","exposure":"0.02","overdue":"0.01","score":null}],"#,
                r#""caused_by":{"source":"erp/1","id":"e-9"},"params_version":2}}"#
            ),
        );
    }

    #[test]
    fn ids_never_change_and_are_framed() {
        assert_eq!(format!("{:032x}", effect_id("buyer-1", "alert.raised", 1)), "4c46a3629486c44a7b51a2023d8a5169");
        assert_ne!(effect_id("a", "bc", 1), effect_id("ab", "c", 1));
        assert_ne!(effect_id("a", "b", 1), effect_id("a", "b", 2));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_back_as_it_was(text in ".*") {
            let mut out = Vec::new();
            push_json_string(&mut out, &text);
            proptest::prop_assert_eq!(serde_json::from_slice::<String>(&out).ok(), Some(text));
        }
    }
}
