//! What a recovery must not go on without: where records of an input or of the journal are gone, the partition stops, says
//! what to do, and puts out nothing; the others go on.

use std::fs;

use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;
use rdkafka::{Offset, TopicPartitionList};

use crate::broker::Broker;
use crate::client::WAIT_MAX;
use crate::monitor::{Launch, MONITOR_MAX, Monitor};
use crate::producer::{Events, Line, send};
use crate::scene::{Clock, OUTPUTS, Scene, Way, await_that};

const EVENTS: usize = 2000;

/// Runs a scene with two partitions half through its events, ends the monitor, and takes its snapshots away.
fn half_way(broker: &Broker) -> (Scene, Vec<Line>) {
    let scene = Scene::new(broker, 2, Way::OneTopic, Clock::Event);
    let mut lines = Events::of(&scene, 3, 60).take(EVENTS);
    let rest = lines.split_off(EVENTS / 2);
    let monitor = Monitor::ready(&scene, "a");
    send(broker, &scene, &lines);
    await_that("all is read", MONITOR_MAX, || scene.lag(broker) == 0);
    monitor.terminate();
    fs::remove_dir_all(scene.snapshots()).unwrap();
    (scene, rest)
}

fn delete_before(broker: &Broker, topic: &str, partition: i32, offset: i64) {
    let admin: AdminClient<DefaultClientContext> = broker.client().create().unwrap();
    let options = AdminOptions::new().operation_timeout(Some(WAIT_MAX)).request_timeout(Some(WAIT_MAX));
    let mut until = TopicPartitionList::new();
    until.add_partition_offset(topic, partition, Offset::Offset(offset)).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let deleted = runtime.block_on(admin.delete_records(&until, &options)).unwrap();
    for element in deleted.elements() {
        element.error().unwrap();
    }
}

/// Starts it again: partition 0 must stop with these words, and nothing of it may go out; partition 1 must go on.
fn stops_partition_0(broker: &Broker, scene: &Scene, rest: &[Line], words: &str) {
    let ends = || OUTPUTS.map(|name| scene.ends(broker, name));
    let before = ends();
    send(broker, scene, rest);
    let monitor = Monitor::start(scene, &Launch::of("a"));
    await_that("partition 0 is stopped", MONITOR_MAX, || monitor.log_text().contains("partition 0 is stopped: "));
    await_that("partition 1 goes on", MONITOR_MAX, || {
        let positions = scene.positions(broker);
        positions[&(0, 1)] == Some(scene.ends(broker, "invoices")[1])
    });
    assert!(!monitor.is_ready(), "it says that it is ready, and a partition is stopped");
    let log = monitor.log_text();
    let line = log.lines().find(|line| line.contains("partition 0 is stopped: ")).unwrap();
    assert!(line.contains(words) && line.contains("--group"), "{line}");
    assert!(!log.contains("partition 1 is stopped"), "{}", monitor.log_end());
    let after = ends();
    assert!(before.iter().zip(&after).all(|(before, after)| before[0] == after[0]), "{before:?}, then {after:?}");
    assert!(before.iter().zip(&after).any(|(before, after)| before[1] < after[1]), "{before:?}, then {after:?}");
    monitor.terminate();
}

#[test]
fn records_of_an_input_that_are_gone_stop_their_partition_alone() {
    let broker = Broker::shared();
    let (scene, rest) = half_way(broker);
    delete_before(broker, &scene.topic("invoices"), 0, 100);
    stops_partition_0(broker, &scene, &rest, "begins at offset 100");
}

#[test]
fn entries_of_the_journal_that_are_gone_stop_their_partition_alone() {
    let broker = Broker::shared();
    let (scene, rest) = half_way(broker);
    delete_before(broker, &scene.topic("journal"), 0, 2);
    stops_partition_0(broker, &scene, &rest, "its journal begins at turn");
}
