//! Owns the hash that is chained over every judgement: the proof of what a shard made of what it was told.

use borsh::{BorshDeserialize, BorshSerialize};

use crate::base::hash::{fold, quick_hash_of};
use crate::base::{Currency, Instant};
use crate::event::{AlertNotice, Effect, EffectBody, LimitAmount};
use crate::risk::buyer::Judgement;

/// A hash over judgements in their order: each link is folded into the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, BorshSerialize, BorshDeserialize)]
pub struct Chain(u64);

/// Odd numbers of no meaning (the first bits of pi), which keep apart what stands in different places.
const KEYS: [u64; 7] = [
    0x243f_6a88_85a3_08d3,
    0x1319_8a2e_0370_7345,
    0xa409_3822_299f_31d1,
    0x082e_fa98_ec4e_6c89,
    0x4528_21e6_38d0_1377,
    0xbe54_66cf_34e9_0c6d,
    0xc0ac_29b7_c97c_50dd,
];

impl Chain {
    /// The hash so far.
    pub fn hash(self) -> u64 {
        self.0
    }

    /// Takes in a judgement of a buyer, and what it told. A change of a score is part of the judgement: whether that is told
    /// as well makes no difference.
    #[inline]
    pub fn link(&mut self, buyer_id: &str, clock: Instant, judgement: &Judgement, told: &[Effect]) {
        let Judgement { wake, exposure, indemnifiable, scored, sequence } = judgement;
        let points = [scored.score.quarters(), scored.slow.quarters(), scored.fail.quarters(), scored.grade as u16];
        let points = points.into_iter().fold(0, |packed, part| packed << 16 | u64::from(part));
        let days = (u64::from(wake.number().cast_unsigned()) << 32) ^ sequence;
        let who = fold(quick_hash_of(buyer_id.as_bytes()) ^ KEYS[0], clock.nanos().cast_unsigned() ^ KEYS[1]);
        let money = fold(exposure.folded() ^ KEYS[2], indemnifiable.folded() ^ KEYS[3]);
        let rest = fold(points ^ KEYS[4], days ^ KEYS[5]);
        self.0 = fold(self.0 ^ who, money.wrapping_add(rest.rotate_left(23)) ^ KEYS[6]);
        for effect in told {
            self.tell(&effect.body);
        }
    }

    /// Takes in what was decided at once about a buyer, and told.
    #[cold]
    pub fn link_decision(&mut self, buyer_id: &str, clock: Instant, body: &EffectBody) {
        let who = fold(quick_hash_of(buyer_id.as_bytes()) ^ KEYS[0], clock.nanos().cast_unsigned() ^ KEYS[1]);
        self.0 = fold(self.0 ^ who, KEYS[6]);
        self.tell(body);
    }

    #[cold]
    fn tell(&mut self, body: &EffectBody) {
        let [a, b, c] = match body {
            EffectBody::AlertRaised(notice) | EffectBody::AlertEscalated(notice) | EffectBody::AlertCleared(notice) => {
                alert(notice)
            }
            EffectBody::LimitChanged(change) => [limit(change.old_limit), limit(change.new_limit), change.cause as u64],
            EffectBody::LimitReductionProposed(notice) => {
                let (to, saved) = (notice.proposed_limit.units(), notice.expected_loss_avoided.0);
                [text(&notice.proposal_id) ^ u64::from(notice.version), to as u64, saved as u64]
            }
            EffectBody::LimitReductionClosed(closing) => {
                let by = closing.decided_by.as_deref().map_or(0, text);
                [text(&closing.proposal_id) ^ u64::from(closing.version), closing.outcome as u64, by]
            }
            EffectBody::OrderHoldDecided(decision) => {
                let obstacles = decision.why.iter().fold(1, |packed, obstacle| packed << 4 | obstacle.code as u64);
                let order = text(&decision.order_id) ^ text(&decision.seller_id).rotate_left(17) ^ obstacles;
                [order, decision.amount.units() as u64 ^ currency(decision.currency), decision.exposure.0 as u64]
            }
            EffectBody::ExposureUpdated(_) | EffectBody::ScoreChanged(_) => return,
        };
        let body = fold(text(body.type_name()) ^ KEYS[0], a ^ KEYS[1]) ^ fold(b ^ KEYS[2], c ^ KEYS[3]);
        self.0 = fold(self.0 ^ body, KEYS[4]);
    }
}

fn alert(notice: &AlertNotice) -> [u64; 3] {
    let kinds = [notice.kind as u64, notice.severity as u64, notice.reasons.len() as u64];
    [
        text(&notice.alert_id),
        kinds.into_iter().fold(0, |packed, part| packed << 16 | part),
        notice.exposure.retained.0 as u64,
    ]
}

fn limit(limit: Option<LimitAmount>) -> u64 {
    limit.map_or(u64::MAX, |limit| limit.amount.units() as u64 ^ currency(limit.currency))
}

fn currency(currency: Currency) -> u64 {
    text(currency.as_str())
}

fn text(text: &str) -> u64 {
    quick_hash_of(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{BaseAmount, Day, Money, Rate, Sum};
    use crate::event::{Cause, LimitChange, LimitChangeCause, Points, Scored};

    const JUDGEMENT: Judgement = Judgement {
        wake: Day::MAX,
        exposure: BaseAmount::ZERO,
        indemnifiable: BaseAmount::ZERO,
        scored: Scored::HEALTHY,
        sequence: 0,
    };

    fn effect(body: EffectBody) -> Effect {
        let caused_by = Cause::Clock;
        Effect { buyer_id: "B".to_owned(), at: Instant::MIN, sequence: 1, caused_by, params_version: 1, body }
    }

    fn limit_of(units: i64) -> Effect {
        let (amount, currency) =
            (Money::from_units(units).expect("money"), Currency::parse("EUR").expect("a currency"));
        effect(EffectBody::LimitChanged(LimitChange {
            old_limit: None,
            new_limit: Some(LimitAmount { amount, currency }),
            effective_at: Instant::MIN,
            cause: LimitChangeCause::Set,
            proposal_id: None,
            decided_by: None,
        }))
    }

    fn chained(links: &[(&str, Judgement, &[Effect])]) -> u64 {
        let mut chain = Chain::default();
        links.iter().for_each(|(id, judgement, told)| chain.link(id, Instant::from_nanos(5), judgement, told));
        chain.hash()
    }

    #[test]
    fn every_part_of_a_judgement_and_its_place_among_others_makes_another_hash() {
        let amount = |units| BaseAmount::convert(Sum::from_units(units), Rate::ONE);
        let scored = |score, slow| Scored { score, slow, ..Scored::HEALTHY };
        let all = [
            chained(&[]),
            chained(&[("A", JUDGEMENT, &[])]),
            chained(&[("B", JUDGEMENT, &[])]),
            chained(&[("A", JUDGEMENT, &[]), ("B", JUDGEMENT, &[])]),
            chained(&[("B", JUDGEMENT, &[]), ("A", JUDGEMENT, &[])]),
            chained(&[("A", Judgement { wake: Day::from_number(7), ..JUDGEMENT }, &[])]),
            chained(&[("A", Judgement { exposure: amount(1), ..JUDGEMENT }, &[])]),
            chained(&[("A", Judgement { exposure: amount(1 << 52), ..JUDGEMENT }, &[])]),
            chained(&[("A", Judgement { exposure: amount(1 << 116), ..JUDGEMENT }, &[])]),
            chained(&[("A", Judgement { indemnifiable: amount(1), ..JUDGEMENT }, &[])]),
            chained(&[("A", Judgement { scored: scored(Points::MAX, Points::ZERO), ..JUDGEMENT }, &[])]),
            chained(&[("A", Judgement { scored: scored(Points::ZERO, Points::MAX), ..JUDGEMENT }, &[])]),
            chained(&[("A", Judgement { sequence: 1, ..JUDGEMENT }, &[])]),
            chained(&[("A", JUDGEMENT, &[limit_of(1)])]),
            chained(&[("A", JUDGEMENT, &[limit_of(2)])]),
            chained(&[("A", JUDGEMENT, &[limit_of(1), limit_of(2)])]),
            chained(&[("A", JUDGEMENT, &[limit_of(2), limit_of(1)])]),
        ];
        let distinct: std::collections::BTreeSet<u64> = all.into();
        assert_eq!(distinct.len(), all.len());
    }

    #[test]
    fn whether_a_change_of_a_score_is_told_makes_no_difference() {
        let told = effect(EffectBody::ScoreChanged(Scored::HEALTHY));
        assert_eq!(chained(&[("A", JUDGEMENT, &[told])]), chained(&[("A", JUDGEMENT, &[])]));
    }

    #[test]
    fn the_hash_is_the_same_on_every_machine_and_for_ever() {
        assert_eq!(format!("{:016x}", chained(&[("A", JUDGEMENT, &[limit_of(1)])])), "af31d35f4c8b5b7b");
    }
}
