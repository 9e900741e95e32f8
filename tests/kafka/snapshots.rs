//! Snapshots that are damaged between runs, and a disk that takes no more of them: what is committed stays exact.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::broker::Broker;
use crate::dice::Dice;
use crate::level::{Level, rounds};
use crate::monitor::{Launch, MONITOR_MAX, Monitor};
use crate::scene::{Clock, Scene, Way, await_that};
use crate::settle::Trial;

const PARTITIONS: u32 = 4;
const BUYERS: u32 = 120;
const RATE: u64 = 400;
/// Damages of a round: each round has topics of its own.
const ROUND_MAX: u32 = 100;

const SAVED: &str = "vigie_snapshots_total{outcome=\"saved\"}";
const FAILED: &str = "vigie_snapshots_total{outcome=\"failed\"}";

/// What can happen to a snapshot.
const DAMAGES: [&str; 7] = ["bit", "cut", "empty", "exchanged", "garbage", "longer", "gone"];

#[test]
fn damaged_snapshots_are_passed_over_and_change_nothing() {
    let (broker, level, mut dice) = (Broker::shared(), Level::asked(), Dice::new("snapshots"));
    let (mut turn, mut passed_over) = (0, 0);
    let done = rounds(level, level.count(200, 10_000), ROUND_MAX, |damages| {
        let clock = if turn % 2 == 0 { Clock::Event } else { Clock::Live };
        turn += 1;
        let trial = Trial::start(broker, Scene::new(broker, PARTITIONS, Way::HomeTopics, clock), BUYERS, RATE);
        let mut left = damages;
        while left > 0 {
            let monitor = Monitor::ready(&trial.scene, "a");
            await_that("snapshots are taken", MONITOR_MAX, || monitor.metric(SAVED) >= f64::from(PARTITIONS));
            monitor.kill_hard();
            left -= damage_some(&trial.scene.snapshots(), left, &mut dice);
        }
        let monitor = Monitor::ready(&trial.scene, "a");
        passed_over += monitor.log_text().matches("is passed over").count();
        trial.settle(broker, "snapshots", vec![monitor]);
    });
    println!("{done} snapshots damaged; {passed_over} times one was passed over at a start");
    assert!(passed_over > 0, "no start has met a damaged snapshot");
}

/// Damages some of the snapshots that are there, at most `most`; says how many.
fn damage_some(folder: &Path, most: u32, dice: &mut Dice) -> u32 {
    let mut files = files_in(folder);
    files.sort();
    assert!(!files.is_empty(), "there are no snapshots in {}", folder.display());
    let count = dice.between(1..files.len() as u64 + 1).min(u64::from(most));
    for _ in 0..count {
        let file = files.swap_remove(dice.between(0..files.len() as u64) as usize);
        damage(&file, &files_in(folder), dice);
    }
    count as u32
}

fn damage(file: &Path, all: &[PathBuf], dice: &mut Dice) {
    let bytes = fs::read(file).unwrap();
    let damaged = match *dice.pick(&DAMAGES) {
        "bit" if !bytes.is_empty() => {
            let mut bytes = bytes;
            let at = dice.between(0..bytes.len() as u64) as usize;
            bytes[at] ^= 1 << dice.between(0..8);
            bytes
        }
        "cut" if !bytes.is_empty() => bytes[..dice.between(0..bytes.len() as u64) as usize].to_vec(),
        "exchanged" => {
            let other = dice.pick(all);
            let others = fs::read(other).unwrap();
            fs::write(other, &bytes).unwrap();
            others
        }
        "garbage" => (0..bytes.len()).map(|_| dice.draw() as u8).collect(),
        "longer" => [bytes, vec![0; dice.between(1..100) as usize]].concat(),
        "gone" => return fs::remove_file(file).unwrap(),
        _ => Vec::new(),
    };
    fs::write(file, damaged).unwrap();
}

fn files_in(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let (folders, files): (Vec<PathBuf>, Vec<PathBuf>) = entries.partition(|path| path.is_dir());
    let is_snapshot = |path: &PathBuf| path.to_str().is_some_and(|path| path.ends_with(".snapshot"));
    files.into_iter().filter(is_snapshot).chain(folders.iter().flat_map(|folder| files_in(folder))).collect()
}

#[test]
fn a_disk_that_takes_no_snapshot_stops_nothing_and_older_ones_serve() {
    let broker = Broker::shared();
    let trial = Trial::start(broker, Scene::new(broker, PARTITIONS, Way::OneTopic, Clock::Event), BUYERS, RATE);
    let monitor = Monitor::ready(&trial.scene, "a");
    await_that("snapshots are taken", MONITOR_MAX, || monitor.metric(SAVED) >= f64::from(PARTITIONS));
    monitor.terminate();
    let kept = files_in(&trial.scene.snapshots()).len();

    // Eight kilobytes: less than any snapshot here has.
    let full = Launch { file_blocks_max: Some(16), ..Launch::of("a") };
    let mut monitor = Monitor::start(&trial.scene, &full);
    monitor.await_ready();
    await_that("snapshots fail", MONITOR_MAX, || monitor.metric(FAILED) >= 2.0);
    let before = monitor.metric("vigie_events_total");
    await_that("processing goes on", MONITOR_MAX, || monitor.metric("vigie_events_total") > before + RATE as f64);
    assert_eq!(monitor.metric(SAVED), 0.0);
    assert!(files_in(&trial.scene.snapshots()).len() >= kept, "older snapshots are gone");
    monitor.kill_hard();

    let monitor = Monitor::ready(&trial.scene, "a");
    std::thread::sleep(Duration::from_millis(500));
    assert!(!monitor.log_text().contains("is passed over"), "{}", monitor.log_end());
    trial.settle(broker, "disk", vec![monitor]);
}
