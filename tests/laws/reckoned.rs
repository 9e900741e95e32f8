//! Laws of what is left out where it is not reckoned: the ledger is the same, and what was told meanwhile is not lost.

use proptest::prelude::*;
use vigie::base::Cents;
use vigie::event::{AlertKind, EffectBody, ReportRow, Scored};
use vigie::risk::params::{Reckoned, Reckoning};
use vigie::risk::{Params, Shard};

use crate::told::everyday;
use crate::{every_case, lively, rows, tell, today};

fn reckoning(score: Reckoned, cover: Reckoned) -> Params {
    Params { reckon: Reckoning { score, cover }, ..lively() }
}

/// A row without what is reckoned beside the ledger.
fn ledger_alone(row: ReportRow) -> ReportRow {
    ReportRow {
        scored: Scored::HEALTHY,
        insured_single_risk: Cents(0),
        insured_primary: Cents(0),
        insured_top_up: Cents(0),
        indemnifiable: Cents(0),
        retained: row.exposure,
        ..row
    }
}

/// What goes by the score, or by what covers carry.
const BESIDE: [AlertKind; 7] = [
    AlertKind::GradeWorsened,
    AlertKind::SuddenDeterioration,
    AlertKind::CoverStopAhead,
    AlertKind::OverdueBeyondExtension,
    AlertKind::CoverExpiring,
    AlertKind::DeclarationDue,
    AlertKind::CoverLost,
];

proptest! {
    #![proptest_config(every_case())]

    #[test]
    fn without_score_and_cover_the_ledger_is_the_same(all in everyday(1..60)) {
        let mut whole = Shard::new(lively());
        let mut alone = Shard::new(reckoning(Reckoned::No, Reckoned::No));
        let mut effects = Vec::new();
        prop_assert_eq!(tell(&mut whole, &all, &mut Vec::new()), tell(&mut alone, &all, &mut effects));
        let as_of = today(&whole).plus(40);
        let expected: Vec<ReportRow> = rows(&mut whole, as_of).into_iter().map(ledger_alone).collect();
        prop_assert_eq!(rows(&mut alone, as_of), expected);
        alone.advance(as_of.start(), &mut effects);
        alone.tell_exposures(&mut effects);
        for effect in &effects {
            match &effect.body {
                EffectBody::AlertRaised(notice) => prop_assert!(!BESIDE.contains(&notice.kind), "{:?}", notice.kind),
                EffectBody::ExposureUpdated(update) => prop_assert!(update.reasons.is_empty()),
                _ => {}
            }
        }
    }

    #[test]
    fn what_was_not_reckoned_for_a_while_is_known_all_the_same(all in everyday(1..60), at in 0..60_usize) {
        let mut whole = Shard::new(lively());
        let mut paused = Shard::new(reckoning(Reckoned::No, Reckoned::No));
        let (first, rest) = all.split_at(at.min(all.len()));
        tell(&mut whole, &all, &mut Vec::new());
        tell(&mut paused, first, &mut Vec::new());
        paused.change_params(lively());
        tell(&mut paused, rest, &mut Vec::new());
        let as_of = today(&whole).plus(40);
        let unscored = |row: ReportRow| ReportRow { scored: Scored::HEALTHY, ..row };
        let expected: Vec<ReportRow> = rows(&mut whole, as_of).into_iter().map(unscored).collect();
        let found: Vec<ReportRow> = rows(&mut paused, as_of).into_iter().map(unscored).collect();
        prop_assert_eq!(found, expected);
    }
}
