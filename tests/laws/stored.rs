//! Laws of stored state: what was restored goes on as what was stored would have, also where that went on meanwhile; and
//! bytes that are no state are refused, never a panic.

use proptest::prelude::*;
use vigie::base::{Day, Instant, Money};
use vigie::event::input::{ClockTick, InvoiceIssued};
use vigie::event::{Body, Effect};
use vigie::risk::stored::{StateHash, StoredError, Storing};
use vigie::risk::{Outcome, Params, Shard};

use crate::effects::written;
use crate::extremes::{filings, words};
use crate::forgetting::{RETENTION_DAYS, deals};
use crate::proposals::{Act, act, lending, policies, respond};
use crate::told::{DAY_S, EVERYDAY, FIRST_DAY, HOUR_S, Palette, Told, everyday, id, money, sequence};
use crate::{eur, every_case, lively, rows, today};

/// Many buyers with few events each, and some days among them: so that some are stored while others change.
const MANY: Palette = Palette {
    buyers: &[
        "B1",
        "B2",
        "B3",
        "B4",
        "B5",
        "B6",
        "B7",
        "B8",
        "a buyer whose id takes more than one cache line has to hold",
    ],
    ids: &["1", "2"],
    gaps_s: &[0, 0, 0, 1, 1, HOUR_S, DAY_S],
    ..EVERYDAY
};

/// A shard's params and its events, with what an arbiter does after each.
#[derive(Debug, Clone)]
struct Life {
    params: Params,
    all: Vec<Told>,
    acts: Vec<Act>,
    is_history_kept: bool,
}

fn lives() -> impl Strategy<Value = Life> {
    let forgetting = Params { retention_days: Some(RETENTION_DAYS), ..lively() };
    let told = prop_oneof![
        2 => (everyday(1..60), Just(lively())),
        2 => (lending(), policies()),
        2 => (sequence(MANY, 1..60), policies()),
        1 => (deals(), Just(forgetting.clone())),
        1 => (sequence(EVERYDAY, 1..60), Just(forgetting)),
    ];
    let acts = prop::collection::vec(act(), 128);
    let signal = (any::<prop::sample::Index>(), prop_oneof![filings(), words()]);
    let signals = prop::collection::vec(signal, 0..6);
    (told, signals, acts, any::<bool>()).prop_map(|((mut all, params), signals, acts, is_history_kept)| {
        for (at, signal) in signals {
            let at = at.index(all.len());
            all.insert(at, Told { time: all[at].time, ..signal });
        }
        Life { params, all, acts, is_history_kept }
    })
}

impl Life {
    fn begin(&self) -> Shard {
        self.carry_on(Shard::new(self.params.clone()))
    }

    fn carry_on(&self, mut shard: Shard) -> Shard {
        if self.is_history_kept {
            shard.keep_history();
        }
        shard
    }

    /// Tells the event at a place, and has the arbiter act.
    fn tell(&self, place: usize, shard: &mut Shard, effects: &mut Vec<Effect>) -> Outcome {
        let outcome = shard.apply(&self.all[place].event(), effects);
        respond(shard, self.acts[place % self.acts.len()], effects);
        outcome
    }
}

/// What a shard comes to after some months: what it tells, its rows, and its hashes.
type End = (Vec<String>, Vec<vigie::event::ReportRow>, u128, u64);

fn finish(mut shard: Shard, mut effects: Vec<Effect>) -> End {
    let end = today(&shard).plus(100).start();
    shard.advance(end, &mut effects);
    let (hash, judgements) = (shard.state_hash(), shard.judgements());
    shard.tell_exposures(&mut effects);
    (written(&effects), rows(&mut shard, end.day()), hash, judgements)
}

/// A stored state: the head, and the buyers in runs.
#[derive(Debug, Clone, Default)]
struct Stored {
    head: Vec<u8>,
    runs: Vec<Vec<u8>>,
}

impl Stored {
    /// Stores a shard at once, in runs of at least so many bytes.
    fn of(shard: &mut Shard, run_bytes: usize) -> Stored {
        let mut stored = Stored::default();
        shard.begin_storing();
        shard.store_head(&mut stored.head);
        while stored.go_on(shard, run_bytes) == Storing::More {}
        stored
    }

    fn go_on(&mut self, shard: &mut Shard, run_bytes: usize) -> Storing {
        let mut run = Vec::new();
        let storing = shard.store_some(run_bytes, &mut run);
        assert!(storing == Storing::Done || run.len() >= run_bytes, "a run that is too short");
        self.runs.push(run);
        storing
    }

    fn hash(&self) -> Result<u128, StoredError> {
        let mut hash = StateHash::of_head(&self.head);
        self.runs.iter().try_for_each(|run| hash.take_buyers(run))?;
        Ok(hash.finish())
    }

    /// Restores the shard, the last run first: their order means nothing.
    fn restore(&self) -> Result<Shard, StoredError> {
        let mut restoring = Shard::restore(&self.head)?;
        self.runs.iter().rev().try_for_each(|run| restoring.restore_buyers(run))?;
        let hash = restoring.state_hash();
        let shard = restoring.finish_restore()?;
        assert_eq!(hash, shard.state_hash(), "what was read is not what it was made of");
        Ok(shard)
    }
}

proptest! {
    #![proptest_config(every_case())]

    #[test]
    fn a_restored_shard_goes_on_as_the_stored_one_would_have(
        life in lives(),
        is_restored in prop::collection::vec(prop::bool::weighted(0.2), 64),
        run_bytes in prop::sample::select(vec![0, 1, 3_000, usize::MAX]),
    ) {
        let (mut undisturbed, mut effects) = (life.begin(), Vec::new());
        let (mut shard, mut effects_restored) = (life.begin(), Vec::new());
        for place in 0..life.all.len() {
            let outcome = life.tell(place, &mut undisturbed, &mut effects);
            prop_assert_eq!(life.tell(place, &mut shard, &mut effects_restored), outcome);
            if is_restored[place % is_restored.len()] {
                let stored = Stored::of(&mut shard, run_bytes);
                let restored = stored.restore().expect("what was stored can be restored");
                prop_assert_eq!(stored.hash(), Ok(shard.state_hash()));
                prop_assert_eq!(restored.state_hash(), undisturbed.state_hash());
                prop_assert_eq!(restored.judgements(), undisturbed.judgements());
                prop_assert_eq!((restored.clock(), restored.buyers()), (undisturbed.clock(), undisturbed.buyers()));
                shard = life.carry_on(restored);
            }
        }
        prop_assert_eq!(finish(undisturbed, effects), finish(shard, effects_restored));
    }

    #[test]
    fn what_is_stored_while_the_shard_goes_on_is_its_state_when_that_began(
        life in lives(),
        begun in any::<prop::sample::Index>(),
        head_after in 0..5_usize,
        slices in prop::collection::vec(prop::option::weighted(0.4, prop::sample::select(vec![0, 1, 2_000])), 64),
    ) {
        let begun = begun.index(life.all.len());
        let (mut undisturbed, mut effects) = (life.begin(), Vec::new());
        let (mut shard, mut effects_storing) = (life.begin(), Vec::new());
        let (mut stored, mut storing, mut as_of, mut told_by_then) = (Stored::default(), Storing::Done, 0, 0);
        for place in 0..life.all.len() {
            life.tell(place, &mut undisturbed, &mut effects);
            life.tell(place, &mut shard, &mut effects_storing);
            if place == begun {
                shard.begin_storing();
                (storing, as_of, told_by_then) = (Storing::More, shard.state_hash(), effects_storing.len());
            }
            if let (Storing::More, Some(bytes)) = (storing, slices[place % slices.len()]) {
                if stored.head.is_empty() && place >= begun + head_after {
                    shard.store_head(&mut stored.head);
                }
                // The head stands as it was until the last buyer is handed out.
                if !stored.head.is_empty() {
                    storing = stored.go_on(&mut shard, bytes);
                }
            }
        }
        if storing == Storing::More {
            // A day for everybody, in the middle of it.
            let next_day = today(&shard).plus(31).start();
            undisturbed.advance(next_day, &mut effects);
            shard.advance(next_day, &mut effects_storing);
            if stored.head.is_empty() {
                shard.store_head(&mut stored.head);
            }
            while stored.go_on(&mut shard, 1) == Storing::More {}
        }
        prop_assert_eq!(shard.store_some(1, &mut Vec::new()), Storing::Done);
        prop_assert_eq!(stored.hash(), Ok(as_of));
        prop_assert_eq!(finish(undisturbed, effects), finish(shard, effects_storing));

        let mut restored = life.carry_on(stored.restore().expect("what was stored can be restored"));
        prop_assert_eq!(restored.state_hash(), as_of);
        let (mut twin, mut effects_twin) = (life.begin(), Vec::new());
        for place in 0..=begun {
            life.tell(place, &mut twin, &mut effects_twin);
        }
        prop_assert_eq!(effects_twin.len(), told_by_then);
        let mut effects_restored = effects_twin.clone();
        for place in begun + 1..life.all.len() {
            life.tell(place, &mut twin, &mut effects_twin);
            life.tell(place, &mut restored, &mut effects_restored);
        }
        prop_assert_eq!(finish(twin, effects_twin), finish(restored, effects_restored));
    }

    #[test]
    fn what_is_cut_short_or_has_a_wrong_bit_is_refused_or_another_state_and_never_a_panic(
        life in lives(),
        cut in any::<prop::sample::Index>(),
        wrong in prop::collection::vec((any::<prop::sample::Index>(), 0..8_u32), 1..4),
    ) {
        let (mut shard, mut effects) = (life.begin(), Vec::new());
        for place in 0..life.all.len() {
            life.tell(place, &mut shard, &mut effects);
        }
        let whole = Stored::of(&mut shard, usize::MAX);
        let part = |bytes: &[u8]| bytes[..cut.index(bytes.len())].to_vec();
        let head_cut = Stored { head: part(&whole.head), ..whole.clone() };
        prop_assert!(head_cut.restore().is_err());
        if shard.buyers() > 0 {
            let run_cut = Stored { runs: vec![part(&whole.runs[0])], ..whole.clone() };
            prop_assert!(run_cut.restore().is_err());
        }
        let flip = |bytes: &[u8]| {
            let mut bytes = bytes.to_vec();
            let length = bytes.len();
            for (at, bit) in wrong.iter().filter(|_| length > 0) {
                bytes[at.index(length)] ^= 1 << bit;
            }
            bytes
        };
        for flipped in [
            Stored { head: flip(&whole.head), ..whole.clone() },
            Stored { runs: vec![flip(&whole.runs[0])], ..whole.clone() },
        ] {
            let is_same = flipped.head == whole.head && flipped.runs == whole.runs;
            prop_assert!(is_same || flipped.hash() != whole.hash(), "nobody would notice");
            // Whatever is taken for a state stores and hashes like one.
            if let Ok(mut other) = flipped.restore() {
                prop_assert_eq!(Stored::of(&mut other, 1).hash(), Ok(other.state_hash()));
            }
        }
    }

    #[test]
    fn bytes_of_any_kind_are_no_panic(head in prop::collection::vec(any::<u8>(), 0..300), run in prop::collection::vec(any::<u8>(), 0..300)) {
        let mut versioned = vec![vigie::risk::stored::FORMAT];
        versioned.extend(&head);
        for head in [head, versioned] {
            prop_assert!(Shard::restore(&head).is_err());
        }
        let mut whole = Vec::new();
        Shard::new(lively()).store_head(&mut whole);
        let mut framed = u32::try_from(run.len()).expect("short").to_le_bytes().to_vec();
        framed.extend(&run);
        for run in [&run, &framed] {
            let restored = Shard::restore(&whole).and_then(|mut restoring| {
                restoring.restore_buyers(run)?;
                restoring.finish_restore()
            });
            prop_assert!(run.is_empty() || restored.is_err());
        }
    }
}

fn invoice(subject: &'static str, number: &'static str, amount: Money, second: i64) -> Told {
    let issued_on = Day::from_number(FIRST_DAY);
    let time = issued_on.start().plus_nanos(second * 1_000_000_000);
    let body = Body::InvoiceIssued(InvoiceIssued {
        seller_id: "",
        invoice_id: id(number),
        amount,
        net_amount: None,
        currency: eur(),
        issued_on,
        due_on: issued_on.plus(30),
        order_id: None,
    });
    Told { time, id: number, source: "/erp", subject, body, shares: Vec::new() }
}

fn judgements(all: &[Told]) -> u64 {
    let mut shard = Shard::new(Params::new(eur()));
    all.iter().for_each(|told| assert_eq!(shard.apply(&told.event(), &mut Vec::new()), Outcome::Applied));
    shard.advance(Day::from_number(FIRST_DAY + 1).start(), &mut Vec::new());
    shard.judgements()
}

#[test]
fn judgements_tell_another_order_another_figure_another_buyer_and_another_time_apart() {
    let (ten, eleven) = (money(100_000), money(110_000));
    let all = [
        vec![invoice("A", "1", ten, 0), invoice("B", "2", ten, 1)],
        vec![invoice("B", "2", ten, 0), invoice("A", "1", ten, 1)],
        vec![invoice("A", "1", ten, 0), invoice("B", "2", eleven, 1)],
        vec![invoice("A", "1", ten, 0), invoice("C", "2", ten, 1)],
        vec![invoice("A", "1", ten, 0), invoice("B", "2", ten, 2)],
        vec![invoice("A", "1", ten, 0), invoice("B", "2", ten, 0)],
        vec![invoice("A", "1", ten, 0)],
        vec![],
    ];
    let mut hashes: Vec<u64> = all.iter().map(|all| judgements(all)).collect();
    assert_eq!(judgements(&all[0]), hashes[0], "the same gives another");
    assert_eq!(hashes.last(), Some(&0), "no judgement");
    hashes.sort_unstable();
    hashes.dedup();
    assert_eq!(hashes.len(), all.len());
}

#[test]
fn a_buyer_that_is_missing_or_comes_twice_is_noticed_and_so_is_another_format() {
    let mut shard = Shard::new(Params::new(eur()));
    for told in [invoice("A", "1", money(1), 0), invoice("B", "2", money(1), 1)] {
        shard.apply(&told.event(), &mut Vec::new());
    }
    let whole = Stored::of(&mut shard, 1);
    assert_eq!(whole.runs.len(), 2);
    assert!(whole.restore().is_ok());
    let missing = Stored { runs: whole.runs[..1].to_vec(), ..whole.clone() };
    assert_eq!(missing.restore().map(drop), Err(StoredError::Count { found: 1, counted: 2 }));
    let twice = Stored { runs: vec![whole.runs.concat(), whole.runs[0].clone()], ..whole.clone() };
    assert!(matches!(twice.restore(), Err(StoredError::Twice { .. })));
    let mut newer = whole.clone();
    newer.head[0] += 1;
    assert!(matches!(newer.restore(), Err(StoredError::Format { .. })));
    let mut longer = whole.clone();
    longer.head.push(0);
    assert!(matches!(longer.restore(), Err(StoredError::Head { .. })));
}

#[test]
fn storing_that_is_stopped_or_begun_anew_leaves_nothing_behind() {
    let mut shard = Shard::new(Params::new(eur()));
    for told in [invoice("A", "1", money(1), 0), invoice("B", "2", money(1), 1)] {
        shard.apply(&told.event(), &mut Vec::new());
    }
    shard.begin_storing();
    shard.apply(&invoice("B", "3", money(1), 2).event(), &mut Vec::new());
    shard.stop_storing();
    let mut run = Vec::new();
    assert_eq!((shard.store_some(1, &mut run), run.len()), (Storing::Done, 0));
    shard.begin_storing();
    assert_eq!(shard.store_some(1, &mut run), Storing::More);
    let tick = Told { body: Body::ClockTick(ClockTick {}), subject: "", ..invoice("A", "t", money(1), 9) };
    shard.apply(&tick.event(), &mut Vec::new());
    let again = Stored::of(&mut shard, usize::MAX);
    assert_eq!(again.hash(), Ok(shard.state_hash()));
    assert_eq!(again.restore().map(|restored| restored.clock()), Ok(Some(Instant::from_nanos(tick.time.nanos()))));
}
