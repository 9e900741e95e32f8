//! The faults, on real Apache Kafka: what is committed must be exactly what an undisturbed run gives, whatever is killed.
//!
//! `make test` does a third of each count, `make faults` all of it, `make soak` that of a release. Each kind prints what it
//! did; `SEED=` repeats its chances.

use std::time::{Duration, Instant};

use vigie::runtime::Point;

use crate::broker::{Broker, BrokerOptions};
use crate::dice::Dice;
use crate::level::{Level, rounds};
use crate::monitor::{Launch, MONITOR_MAX, Monitor};
use crate::proxy::{Notice, Proxy, Release};
use crate::scene::{Clock, Scene, Way, await_that};
use crate::settle::Trial;

const PARTITIONS: u32 = 4;
const BUYERS: u32 = 120;
/// Events a second.
const RATE: u64 = 400;
/// Faults of a round: each round has topics of its own.
const ROUND_MAX: u32 = 50;

/// The next way for events to come in: each oracle has its turn.
fn scene(broker: &Broker, turn: u32) -> Scene {
    let (way, clock) = match turn % 3 {
        0 => (Way::OneTopic, Clock::Event),
        1 => (Way::HomeTopics, Clock::Live),
        _ => (Way::HomeTopics, Clock::Event),
    };
    Scene::new(broker, PARTITIONS, way, clock)
}

fn pause(dice: &mut Dice, milliseconds: std::ops::Range<u64>) {
    std::thread::sleep(Duration::from_millis(dice.between(milliseconds)));
}

#[test]
fn kills_of_the_monitor_at_any_moment_change_nothing() {
    let (broker, level, mut dice) = (Broker::shared(), Level::asked(), Dice::new("kills"));
    let (mut turn, mut ready_after) = (0, Vec::new());
    let done = rounds(level, level.count(30, 1000), level.count(15, ROUND_MAX), |kills| {
        let trial = Trial::start(broker, scene(broker, turn), BUYERS, RATE);
        turn += 1;
        for kill in 0..kills {
            let mut monitor = Monitor::start(&trial.scene, &Launch::of("a"));
            // Every third is killed at work, the others wherever they are.
            if kill % 3 == 0 {
                ready_after.push(monitor.await_ready());
            }
            pause(&mut dice, 50..3000);
            monitor.kill_hard();
        }
        trial.settle(broker, "kills", Vec::new());
    });
    ready_after.sort_unstable();
    let median = ready_after.get(ready_after.len() / 2);
    println!("{done} kills; ready again after {median:?} (median), {:?} (longest)", ready_after.last());
}

#[test]
fn a_break_at_any_named_point_changes_nothing() {
    let (broker, level, mut dice) = (Broker::shared(), Level::asked(), Dice::new("points"));
    let mut turn = 0;
    let done = rounds(level, level.count(3, 50), 1, |_| {
        let trial = Trial::start(broker, scene(broker, turn), BUYERS, RATE);
        turn += 1;
        let mut before = Monitor::ready(&trial.scene, "a");
        pause(&mut dice, 1500..2000);
        assert!(before.is_running(), "{}", before.log_end());
        before.kill_hard();
        for point in Point::ALL {
            break_at(&trial, point, &mut dice);
        }
        trial.settle(broker, "points", Vec::new());
    });
    println!("{done} breaks at each of {} points", Point::ALL.len());
}

/// Lets a monitor come to a point and break there.
fn break_at(trial: &Trial, point: Point, dice: &mut Dice) {
    let pass = match point {
        Point::BeforePoll | Point::AfterPoll | Point::AfterApply | Point::AfterBegin | Point::AfterSend => 40,
        Point::AfterJournal | Point::AfterOffsets | Point::CommitSent | Point::CommitAcknowledged => 40,
        Point::RecoveryBegun | Point::RecoveryPlanned | Point::RecoveryDone => u64::from(PARTITIONS),
        Point::BeforeSnapshotWrite
        | Point::AfterSnapshotWrite
        | Point::AfterSnapshotFsync
        | Point::AfterSnapshotRename => 3,
        Point::RecoveryRestored | Point::RecoveryEntry | Point::Assigned | Point::Revoked => 1,
    };
    let at = format!("{}:{}", point.as_str(), dice.between(1..pass + 1));
    let mut monitor = Monitor::start(&trial.scene, &Launch::of("a").fail_at(&at));
    // Partitions are taken away when somebody else comes.
    let other = (point == Point::Revoked).then(|| {
        monitor.await_ready();
        Monitor::start(&trial.scene, &Launch::of("b"))
    });
    let broke = monitor.await_break(MONITOR_MAX);
    assert!(broke.is_some(), "it never came to {at}:\n{}", monitor.log_end());
    if let Some(other) = other {
        other.kill_hard();
    }
}

#[test]
fn kills_of_the_broker_change_nothing() {
    let (mut broker, level) = (Broker::start(BrokerOptions::default()), Level::asked());
    let (mut dice, mut turn, mut revivals) = (Dice::new("broker"), 0, 0);
    let done = rounds(level, level.count(5, 200), 10, |kills| {
        let trial = Trial::start(&broker, scene(&broker, turn), BUYERS, RATE);
        turn += 1;
        let mut monitor = Monitor::ready(&trial.scene, "a");
        for _ in 0..kills {
            pause(&mut dice, 300..2500);
            broker.kill_hard();
            pause(&mut dice, 0..4000);
            broker.restart();
            await_that("the monitor goes on", MONITOR_MAX, || {
                revivals += u32::from(monitor.revive(&trial.scene));
                monitor.is_ready()
            });
        }
        trial.settle(&broker, "broker", vec![monitor]);
    });
    println!("{done} kills of the broker; {revivals} times the monitor ended and was started anew");
}

#[test]
fn a_broker_that_stops_cleanly_or_holds_still_changes_nothing() {
    let (mut broker, level) = (Broker::start(BrokerOptions::default()), Level::asked());
    let (mut dice, mut turn, mut revivals) = (Dice::new("still broker"), 0, 0);
    let done = rounds(level, level.count(6, 200), 10, |faults| {
        let trial = Trial::start(&broker, scene(&broker, turn), BUYERS, RATE);
        turn += 1;
        let mut monitor = Monitor::ready(&trial.scene, "a");
        for fault in 0..faults {
            pause(&mut dice, 300..2000);
            if fault % 2 == 0 {
                broker.pause();
                // Within the session and the transaction, and past them.
                pause(&mut dice, 500..8000);
                broker.resume();
            } else {
                broker.restart();
            }
            await_that("the monitor goes on", MONITOR_MAX, || {
                revivals += u32::from(monitor.revive(&trial.scene));
                monitor.is_ready()
            });
        }
        trial.settle(&broker, "still broker", vec![monitor]);
    });
    println!("{done} stops and halts of the broker; {revivals} times the monitor ended and was started anew");
}

#[test]
fn a_monitor_that_sleeps_past_its_session_and_its_transaction_changes_nothing_when_it_wakes() {
    let (broker, level, mut dice) = (Broker::shared(), Level::asked(), Dice::new("zombies"));
    let mut turn = 0;
    let done = rounds(level, level.count(3, 300), 3, |sleeps| {
        let trial = Trial::start(broker, scene(broker, turn), BUYERS, RATE);
        turn += 1;
        let mut awake = Monitor::ready(&trial.scene, "a");
        for sleep in 0..sleeps {
            pause(&mut dice, 300..1500);
            awake.pause();
            let name = if sleep % 2 == 0 { "b" } else { "a" };
            let mut other = Monitor::start(&trial.scene, &Launch::of(name));
            await_that("the other takes over", MONITOR_MAX, || {
                assert!(other.is_running(), "{}", other.log_end());
                other.is_ready() && other.metric("vigie_events_total") > 0.0
            });
            awake.resume();
            // Sleeper and successor meet; then the sleeper has to do alone, or the successor.
            pause(&mut dice, 200..2000);
            let sleeper = std::mem::replace(&mut awake, other);
            sleeper.kill_hard();
        }
        trial.settle(broker, "zombies", vec![awake]);
    });
    println!("{done} sleeps");
}

#[test]
fn members_that_come_and_go_change_nothing() {
    let (broker, level, mut dice) = (Broker::shared(), Level::asked(), Dice::new("members"));
    let seconds = match level {
        Level::Ci => 40,
        Level::Full => 120,
        Level::Soak => 600,
    };
    let mut turn = 0;
    let done = rounds(level, level.count(1, 24), 1, |_| {
        let mut scene = scene(broker, turn);
        scene.threads = 2;
        turn += 1;
        let trial = Trial::start(broker, scene, BUYERS, RATE);
        let mut members: [Option<Monitor>; 3] = [None, None, None];
        let (until, mut kills) = (Instant::now() + Duration::from_secs(seconds), 0);
        while Instant::now() < until {
            let place = dice.between(0..3) as usize;
            match members[place].take() {
                Some(member) if kills % 4 == 3 => member.terminate(),
                Some(member) => member.kill_hard(),
                None => members[place] = Some(Monitor::start(&trial.scene, &Launch::of(["a", "b", "c"][place]))),
            }
            kills += 1;
            pause(&mut dice, 1000..3000);
        }
        println!("members: {kills} comings and goings");
        trial.settle(broker, "members", members.into_iter().flatten().collect());
    });
    println!("{done} times {seconds} seconds of comings and goings");
}

#[test]
fn late_ends_of_transactions_change_nothing() {
    let (broker, level, mut dice) = (Broker::shared(), Level::asked(), Dice::new("late ends"));
    let (mut turn, mut codes) = (0, std::collections::BTreeMap::new());
    let done = rounds(level, level.count(20, 1000), 20, |ends| {
        let mut scene = scene(broker, turn);
        turn += 1;
        let proxy = Proxy::start(&broker.bootstrap());
        scene.brokers = proxy.bootstrap();
        scene.settings.push_str("[kafka.properties]\n\"socket.timeout.ms\" = \"1000\"\n");
        let trial = Trial::start(broker, scene, BUYERS, RATE);
        let mut monitor = Monitor::ready(&trial.scene, "a");
        for end in 0..ends {
            pause(&mut dice, 100..600);
            let notice = *dice.pick(&[Notice::Cut, Notice::Silence]);
            let release = match end % 3 {
                0 => Release::After(Duration::from_millis(dice.between(100..3000))),
                _ => Release::NextTransaction(Duration::from_millis(dice.between(0..40))),
            };
            let told = proxy.hold_next(notice, release);
            let held =
                told.recv_timeout(MONITOR_MAX).unwrap_or_else(|_| panic!("nothing ends:\n{}", monitor.log_end()));
            monitor.revive(&trial.scene);
            *codes.entry((held.has_next_begun, held.code)).or_insert(0) += 1;
        }
        proxy.let_pass();
        trial.settle(broker, "late ends", vec![monitor]);
    });
    println!("{done} late ends; (whether the next transaction had begun, what the broker said): {codes:?}");
}

#[test]
fn another_instance_takes_over_from_one_that_is_killed() {
    let (broker, level) = (Broker::shared(), Level::asked());
    let mut turn = 0;
    rounds(level, level.count(3, 30), 1, |_| {
        let mut scene = scene(broker, turn);
        scene.settings = scene.settings.replace("_timeout_ms = 3000", "_timeout_ms = 6000");
        scene.threads = 2;
        turn += 1;
        let trial = Trial::start(broker, scene, BUYERS, RATE);
        let first = Monitor::ready(&trial.scene, "a");
        let second = Monitor::start(&trial.scene, &Launch::of("b"));
        await_that("both have partitions", MONITOR_MAX, || {
            second.is_ready() && second.metric("vigie_events_total") > 0.0
        });
        first.kill_hard();
        let killed = Instant::now();
        // By then each partition has something that the dead has not read.
        std::thread::sleep(Duration::from_millis(500));
        let unread = trial.scene.input_ends(broker);
        await_that("the second has read what was there", MONITOR_MAX, || {
            let positions = trial.scene.positions(broker);
            unread.iter().all(|(at, end)| positions[at].unwrap_or(0) >= *end)
        });
        println!("takeover: {:?} after the kill, of which 6 s are the session's", killed.elapsed());
        trial.settle(broker, "takeover", vec![second]);
    });
}
