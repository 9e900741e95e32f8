//! A run that nothing disturbs gives, read committed, what `vigie replay` gives of the same events; and whoever says so is
//! tried: outputs and journals that are wrong in one thing are each found to be.

use vigie::runtime::journal::Entry;

use crate::broker::Broker;
use crate::client::OwnedRecord;
use crate::committed::Committed;
use crate::monitor::{MONITOR_MAX, Monitor};
use crate::oracle::{Verdict, by_a_replay, by_the_journal};
use crate::producer::{Events, Line, send};
use crate::scene::{Clock, Scene, Way, await_that};
use crate::settle::settle;

const EVENTS: usize = 4000;
const BUYERS: u32 = 120;

/// Sends events, has them read, and gives what is committed.
fn undisturbed(way: Way, clock: Clock) -> (Scene, Vec<Line>, Committed) {
    let broker = Broker::shared();
    let scene = Scene::new(broker, 4, way, clock);
    let lines = Events::of(&scene, 7, BUYERS).take(EVENTS);
    // What is there before it starts, and what comes while it runs, in several turns.
    let (before, after) = lines.split_at(EVENTS / 2);
    send(broker, &scene, before);
    let monitor = Monitor::ready(&scene, "a");
    for lines in after.chunks(EVENTS / 10) {
        await_that("all is read", MONITOR_MAX, || scene.lag(broker) == 0);
        send(broker, &scene, lines);
    }
    let (seen, summary) = settle(broker, &scene, vec![monitor], &lines);
    println!("{way:?}, {clock:?}: {} events; {summary:?}", lines.len());
    assert!(summary.outputs > 10 && summary.exposures > 100 && summary.dead_letters > 10, "{summary:?}");
    (scene, lines, seen)
}

#[test]
fn events_over_their_home_topics_give_what_a_replay_of_the_order_seen_gives() {
    undisturbed(Way::HomeTopics, Clock::Event);
}

#[test]
fn on_the_live_clock_the_outputs_are_those_that_the_journal_proves() {
    undisturbed(Way::HomeTopics, Clock::Live);
}

/// A wrong, and whether the replay finds it too.
type Wrong = (&'static str, fn(&mut Committed), bool);

/// What a bug would leave behind.
const WRONGS: &[Wrong] = &[
    ("an output outside the transaction: it is there twice", |seen| repeat_last(busiest(seen, "alerts")), true),
    ("an effect of an aborted turn is kept", |seen| keep_an_aborted_effect(busiest(seen, "alerts")), true),
    ("an output is lost", |seen| drop(busiest(seen, "alerts").remove(3)), true),
    ("the last output is lost", |seen| drop(busiest(seen, "alerts").pop()), true),
    ("the hash's order in one place: two outputs are exchanged", |seen| swap_buyers(busiest(seen, "alerts")), false),
    ("the wall clock in a rule: an output's time is another", |seen| retime(&mut busiest(seen, "alerts")[2]), true),
    ("an output is under another key", |seen| busiest(seen, "alerts")[2].key = Some(b"nobody".to_vec()), true),
    ("commit of last instead of last + 1: a record is read twice", |seen| rewrite(seen, read_last_twice), false),
    ("commit of last instead of last + 1: the group stands before the journal", step_back, false),
    ("a record is skipped", |seen| rewrite(seen, skip_one), false),
    ("a turn is missing from the journal", |seen| drop(seen.journal[0].remove(2)), false),
    ("a turn is in the journal twice", |seen| repeat_last(&mut seen.journal[0]), false),
    ("a byte of the journal is another", |seen| seen.journal[0][1].value.as_mut().unwrap()[9] ^= 1, false),
    ("a turn says another clock", |seen| rewrite(seen, |entry| entry.clock = None), false),
    ("a turn says another judgement", |seen| rewrite(seen, |entry| entry.judgements ^= 1), false),
    ("a turn says other outputs", |seen| rewrite(seen, |entry| entry.outputs.hash ^= 1), false),
    ("figures are lost", |seen| drop(busiest(seen, "exposures").remove(5)), false),
    ("figures are told twice", |seen| repeat_last(busiest(seen, "exposures")), false),
    ("figures are others", |seen| alter_figures(&mut busiest(seen, "exposures")[5]), false),
    ("a dead letter is lost", |seen| drop(busiest(seen, "dead-letters").remove(0)), true),
    ("a dead letter has lost a header", |seen| drop(busiest(seen, "dead-letters")[0].headers.pop()), false),
    ("a dead letter has another value", |seen| busiest(seen, "dead-letters")[0].value = None, false),
    ("a dead letter has another time", |seen| busiest(seen, "dead-letters")[0].timestamp = Some(0), false),
];

#[test]
fn events_on_one_topic_give_the_bytes_of_a_replay_and_every_wrong_is_found() {
    let (scene, lines, seen) = undisturbed(Way::OneTopic, Clock::Event);
    by_a_replay(&seen, &scene, &lines).unwrap();
    for (what, wrong, by_replay) in WRONGS {
        let mut tampered = seen.clone();
        wrong(&mut tampered);
        let verdict = by_the_journal(&tampered);
        assert!(matches!(verdict, Verdict::Wrong(_)), "{what}, and the journal's oracle finds {verdict:?}");
        if *by_replay {
            assert!(by_a_replay(&tampered, &scene, &lines).is_err(), "{what}, and the replay's oracle finds nothing");
        }
    }
    println!("{} wrongs were found", WRONGS.len());
}

/// The partition of an output topic that has most.
fn busiest<'a>(seen: &'a mut Committed, name: &str) -> &'a mut Vec<OwnedRecord> {
    let partitions = seen.outputs.get_mut(name).unwrap();
    partitions.iter_mut().max_by_key(|records| records.len()).unwrap()
}

fn repeat_last(records: &mut Vec<OwnedRecord>) {
    let last = records.last().unwrap().clone();
    records.push(OwnedRecord { offset: last.offset + 1, ..last });
}

/// As one that was never committed would look: of an id of its own.
fn keep_an_aborted_effect(records: &mut Vec<OwnedRecord>) {
    let mut kept = records[1].clone();
    let text = kept.text().replacen(r#""id":""#, r#""id":"f"#, 1);
    kept.value = Some(text.into_bytes());
    records.insert(2, kept);
}

fn swap_buyers(records: &mut [OwnedRecord]) {
    let at = records.windows(2).position(|pair| pair[0].key != pair[1].key).unwrap();
    let (first, second) = (records[at].offset, records[at + 1].offset);
    records.swap(at, at + 1);
    (records[at].offset, records[at + 1].offset) = (first, second);
}

fn retime(record: &mut OwnedRecord) {
    let text = record.text().replacen(r#""time":"20"#, r#""time":"21"#, 1);
    assert_ne!(text, record.text());
    record.value = Some(text.into_bytes());
}

fn alter_figures(record: &mut OwnedRecord) {
    let text = record.text().replacen(r#""open_invoices":"#, r#""open_invoices":1"#, 1);
    assert_ne!(text, record.text());
    record.value = Some(text.into_bytes());
}

fn step_back(seen: &mut Committed) {
    let position = seen.positions.values_mut().flatten().next().unwrap();
    *position -= 1;
}

/// Changes the second turn of partition 0 that read something, and names it anew in those after it.
fn rewrite(seen: &mut Committed, change: impl Fn(&mut Entry)) {
    let (mut previous, mut reading) = (None, 0);
    for record in &mut seen.journal[0] {
        let mut entry = Entry::decode(record.value.as_deref().unwrap()).unwrap();
        entry.previous = previous.unwrap_or(entry.previous);
        reading += usize::from(!entry.ranges.is_empty());
        if reading == 2 && !entry.ranges.is_empty() {
            change(&mut entry);
        }
        let mut bytes = Vec::new();
        entry.encode(&mut bytes);
        previous = Some(Entry::hash(&bytes));
        record.value = Some(bytes);
    }
}

fn read_last_twice(entry: &mut Entry) {
    entry.ranges[0].from -= 1;
    entry.ranges[0].records += 1;
    entry.counts.duplicate += 1;
}

fn skip_one(entry: &mut Entry) {
    entry.ranges[0].from += 1;
    entry.ranges[0].records -= 1;
}
