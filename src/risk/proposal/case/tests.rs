//! Tests of the reckoning of a proposal, by tables.

use super::*;
use crate::base::Currency;

fn money(units: i64) -> Money {
    Money::from_units(units * UNIT).expect("an amount")
}

fn base(units: u64) -> BaseAmount {
    whole(units).amount()
}

fn percent(text: &str) -> Percent {
    Percent::parse(text).expect("a percentage")
}

/// Grade A, unnamed, a limit of 100,000 EUR, nothing shipped, no cover.
fn case<'a>(levels: &'a ProposalLevels, loss: &'a LossLevels) -> Case<'a> {
    Case {
        levels,
        loss,
        plight: Plight { insolvency: None, grade: Grade::A },
        segment: Segment::Unnamed,
        limit: LimitAmount { amount: money(100_000), currency: Currency::parse("EUR").expect("a currency") },
        granted: money(100_000),
        rate: Rate::ONE,
        shipped: BaseAmount::ZERO,
        peak: BaseUnits::ZERO,
        cover: CoverSide::default(),
    }
}

/// The documented levels, with nothing retained asked for, so that grades speak alone.
fn by_grade_alone() -> ProposalLevels {
    ProposalLevels { retained_named: [1_000_000_000; 6], retained_unnamed: [1_000_000_000; 6], ..Default::default() }
}

fn proposed(case: &Case<'_>) -> Option<i64> {
    case.call().map(|call| call.proposed.units() / UNIT)
}

#[test]
fn the_grade_and_the_segment_say_how_much_of_the_limit_is_kept() {
    let (levels, loss) = (by_grade_alone(), LossLevels::default());
    for (segment, kept) in [
        (Segment::Named, [None, None, None, Some(75_000), Some(50_000), Some(0)]),
        (Segment::Unnamed, [None, None, None, Some(60_000), Some(30_000), Some(0)]),
    ] {
        for (grade, kept) in Grade::ALL.iter().zip(kept) {
            let plight = Plight { insolvency: None, grade: *grade };
            assert_eq!(proposed(&Case { plight, segment, ..case(&levels, &loss) }), kept, "{segment:?} {grade:?}");
        }
    }
}

#[test]
fn the_same_grade_does_not_cut_twice() {
    let (levels, loss) = (by_grade_alone(), LossLevels::default());
    let plight = Plight { insolvency: None, grade: Grade::D };
    let once = Case { plight, ..case(&levels, &loss) };
    let limit = LimitAmount { amount: once.call().expect("a call").proposed, ..once.limit };
    assert_eq!(proposed(&Case { limit, ..once.clone() }), None);
    let plight = Plight { insolvency: None, grade: Grade::E };
    assert_eq!(proposed(&Case { limit, plight, ..once }), Some(30_000));
}

#[test]
fn an_insolvency_leaves_nothing_but_what_is_shipped_rounded_up() {
    let (levels, loss) = (ProposalLevels::default(), LossLevels::default());
    let plight = Plight { insolvency: Some(Procedure::Receivership), grade: Grade::A };
    let call = |shipped| proposed(&Case { plight, shipped: base(shipped), ..case(&levels, &loss) });
    assert_eq!([call(0), call(1), call(40_000), call(40_001)], [Some(0), Some(1_000), Some(40_000), Some(41_000)]);
    // A cut of a tenth is worth a proposal, one of less is not; nothing is cut below what is shipped.
    assert_eq!([call(90_000), call(90_001), call(200_000)], [Some(90_000), None, None]);
    let allowed = ProposalLevels { below_shipped: BelowShipped::Allowed, ..levels.clone() };
    assert_eq!(proposed(&Case { levels: &allowed, plight, shipped: base(200_000), ..case(&levels, &loss) }), Some(0));
}

#[test]
fn from_a_grade_on_cover_and_what_may_be_retained_bound_the_limit() {
    let levels = ProposalLevels { keep_unnamed_pct: [100; 6], keep_named_pct: [100; 6], ..Default::default() };
    let loss = LossLevels::default();
    let of = |grade, segment, room: u64| {
        let rooms = vec![Room { amount: whole(room), insured_pct: percent("90") }];
        let plight = Plight { insolvency: None, grade };
        proposed(&Case { plight, segment, cover: CoverSide { rooms, ..Default::default() }, ..case(&levels, &loss) })
    };
    assert_eq!(of(Grade::C, Segment::Unnamed, 0), None);
    assert_eq!(of(Grade::D, Segment::Unnamed, 0), Some(10_000));
    assert_eq!(of(Grade::D, Segment::Named, 0), None);
    assert_eq!(of(Grade::E, Segment::Named, 0), Some(25_000));
    assert_eq!(of(Grade::E, Segment::Named, 50_000), Some(70_000));
    // The whole limit is insured, and the tenth that is not may be retained.
    assert_eq!(of(Grade::D, Segment::Unnamed, 100_000), None);
    assert_eq!(of(Grade::F, Segment::Unnamed, 100_000), Some(90_000));
}

#[test]
fn what_is_at_risk_is_what_a_limit_used_in_full_leaves_uninsured() {
    let (levels, loss) = (ProposalLevels::default(), LossLevels::default());
    let rooms = vec![
        Room { amount: whole(20_000), insured_pct: percent("90") },
        Room { amount: whole(10_000), insured_pct: percent("50") },
    ];
    let cover = CoverSide { indemnifiable: whole(27_000), rooms, was_cut: false };
    let case = Case { shipped: base(40_000), cover, ..case(&levels, &loss) };
    let at_risk = |limit| case.at_risk(money(limit)).units() / i128::from(UNIT);
    // 40,000 are shipped and 27,000 of them would be paid; then 18,000 of 20,000, then 5,000 of 10,000, then nothing.
    assert_eq!([0, 40_000, 60_000, 70_000, 100_000].map(at_risk), [13_000, 13_000, 15_000, 20_000, 50_000]);
}

#[test]
fn limits_go_by_steps_of_their_size() {
    for (limit, expected) in
        [(0, 100), (9_999, 100), (10_000, 100), (20_000, 200), (49_999, 200), (50_000, 500), (100_000, 1_000)]
    {
        assert_eq!(step(limit, 100), expected, "{limit}");
    }
    assert_eq!([step(1_000_000, 100), step(999_999, 1), step(3, 1)], [10_000, 5_000, 1]);
    assert_eq!(step(100_000_000_000_000, 100), 1_000_000_000_000);
}

#[test]
fn a_proposed_limit_is_rounded_down_in_its_own_currency_and_never_under_what_is_shipped() {
    let (levels, loss) = (by_grade_alone(), LossLevels::default());
    let plight = Plight { insolvency: None, grade: Grade::E };
    let rate = Rate::parse("0.7").expect("a rate");
    let dollars = |amount, shipped| {
        let limit = LimitAmount { amount, currency: Currency::parse("USD").expect("a currency") };
        proposed(&Case { plight, limit, granted: amount, rate, shipped: base(shipped), ..case(&levels, &loss) })
    };
    // 30 % of 123,456 is 37,036.8; 28,000 EUR are 40,000 USD, and one more is over that.
    assert_eq!(dollars(money(123_456), 0), Some(37_000));
    assert_eq!([dollars(money(123_456), 28_000), dollars(money(123_456), 28_001)], [Some(40_000), Some(41_000)]);
}

#[test]
fn small_cuts_are_not_worth_a_proposal() {
    let (levels, loss) = (by_grade_alone(), LossLevels::default());
    let plight = Plight { insolvency: None, grade: Grade::F };
    let of = |amount| {
        let limit = LimitAmount { amount: money(amount), ..case(&levels, &loss).limit };
        proposed(&Case { plight, limit, granted: money(amount), ..case(&levels, &loss) })
    };
    assert_eq!([of(999), of(1_000)], [None, Some(0)]);
}

#[test]
fn a_cut_that_costs_more_margin_than_it_saves_is_spared_unless_it_is_bad() {
    let (levels, loss) = (by_grade_alone(), LossLevels::default());
    let of =
        |grade, peak| Case { plight: Plight { insolvency: None, grade }, peak: whole(peak), ..case(&levels, &loss) };
    let call = of(Grade::D, 60_000).call().expect("nothing used is cut");
    // 8 % x 80 % of the 40,000 that are no longer at risk.
    assert_eq!((call.expected_loss_avoided, call.margin_lost), (Cents(256_000), Cents(0)));
    // The buyer has used 6,400 of what is cut: 10 % margin, four times a year.
    let call = of(Grade::D, 66_400).call().expect("as much as it saves");
    assert_eq!((call.expected_loss_avoided, call.margin_lost), (Cents(256_000), Cents(256_000)));
    assert_eq!(proposed(&of(Grade::D, 66_401)), None);
    let told = ProposalLevels { weigh_margin: Weighing::Told, ..levels.clone() };
    assert_eq!(proposed(&Case { levels: &told, ..of(Grade::D, 66_401) }), Some(60_000));
    // What was used over the limit is not lost by the cut.
    let call = of(Grade::E, 1_000_000).call().expect("bad enough");
    assert_eq!(call.margin_lost, Cents(2_800_000));
    let insolvent = Plight { insolvency: Some(Procedure::Safeguard), grade: Grade::A };
    assert_eq!(proposed(&Case { plight: insolvent, ..of(Grade::A, 1_000_000) }), Some(0));
}

#[test]
fn nothing_is_decided_without_asking_unless_segment_grade_and_amount_say_so() {
    let loss = LossLevels::default();
    let levels = ProposalLevels {
        auto_segments: vec![Segment::Unnamed],
        auto_grades: vec![Grade::E],
        auto_up_to: 70_000,
        ..by_grade_alone()
    };
    let mode = |levels, grade, segment| {
        let plight = Plight { insolvency: None, grade };
        Case { plight, segment, ..case(levels, &loss) }.call().map(|call| call.mode)
    };
    assert_eq!(mode(&levels, Grade::E, Segment::Unnamed), Some(ProposalMode::Auto));
    assert_eq!(mode(&levels, Grade::E, Segment::Named), Some(ProposalMode::Review));
    assert_eq!(mode(&levels, Grade::D, Segment::Unnamed), Some(ProposalMode::Review));
    let less = ProposalLevels { auto_up_to: 69_999, ..levels.clone() };
    assert_eq!(mode(&less, Grade::E, Segment::Unnamed), Some(ProposalMode::Review));
    assert_eq!(mode(&by_grade_alone(), Grade::E, Segment::Unnamed), Some(ProposalMode::Review));
}

#[test]
fn who_may_call_is_known_before_any_figure() {
    let levels = ProposalLevels::default();
    let may = |grade, segment, insolvency| Plight { insolvency, grade }.may_call(&levels, segment);
    assert!(!may(Grade::C, Segment::Named, None) && may(Grade::D, Segment::Unnamed, None));
    assert!(may(Grade::D, Segment::Named, None) && may(Grade::A, Segment::Named, Some(Procedure::Liquidation)));
    assert!(!may(Grade::C, Segment::Unnamed, None));
}
