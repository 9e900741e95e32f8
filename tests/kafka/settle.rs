//! The end of a trial: everything is read and told, everybody is stopped, and the oracles are asked.

use std::sync::Arc;
use std::time::Duration;

use crate::broker::Broker;
use crate::committed::{Committed, Watcher, aborted};
use crate::monitor::{MONITOR_MAX, Monitor};
use crate::oracle::{Summary, Verdict, by_a_replay, by_replays_of_the_order, by_the_journal};
use crate::producer::{Events, Line, LiveProducer};
use crate::scene::{Clock, Scene, Way, await_that};

/// Times that figures may be found waiting after a stop.
const TRIES_MAX: u32 = 5;
/// How long nothing may come any more before a monitor is stopped.
const QUIET: Duration = Duration::from_millis(600);

/// A scene with a sender and a reader that are there all the time.
pub struct Trial {
    pub scene: Arc<Scene>,
    live: LiveProducer,
    watcher: Watcher,
}

impl Trial {
    /// Begins to send so many events a second about so many buyers.
    pub fn start(broker: &Broker, scene: Scene, buyers: u32, rate: u64) -> Trial {
        let scene = Arc::new(scene);
        let live = LiveProducer::start(broker, &scene, Events::of(&scene, u64::from(buyers), buyers), rate);
        let watcher = Watcher::start(broker, &scene);
        Trial { scene, live, watcher }
    }

    /// Ends the sender, lets the monitors finish, and asks the oracles; panics where something is wrong.
    pub fn settle(self, broker: &Broker, name: &str, monitors: Vec<Monitor>) -> Summary {
        let Trial { scene, live, watcher } = self;
        let lines = live.finish();
        let (seen, summary) = settle(broker, &scene, monitors, &lines);
        watcher.finish(&seen).unwrap_or_else(|complaint| panic!("{name}: {complaint}"));
        let in_vain = aborted(broker, &scene);
        println!("{name}: {} events; {summary:?}; {in_vain} records of aborted transactions", lines.len());
        summary
    }
}

/// Lets the monitors finish and asks the oracles; panics where something is wrong.
pub fn settle(broker: &Broker, scene: &Scene, mut monitors: Vec<Monitor>, lines: &[Line]) -> (Committed, Summary) {
    let mut unfinished = String::new();
    for _ in 0..TRIES_MAX {
        if monitors.is_empty() {
            monitors.push(Monitor::ready(scene, "a"));
        }
        await_that("all is read", MONITOR_MAX, || {
            for monitor in &mut monitors {
                monitor.revive(scene);
                assert!(!monitor.log_text().contains("is stopped: "), "a partition is stopped:\n{}", monitor.log_end());
            }
            scene.lag(broker) == 0
        });
        let mut ends = Vec::new();
        await_that("all is told", MONITOR_MAX, || {
            std::thread::sleep(QUIET);
            let before = std::mem::replace(&mut ends, scene.ends(broker, "exposures"));
            before == ends
        });
        monitors.drain(..).for_each(Monitor::terminate);
        let seen = Committed::read(broker, scene);
        match by_the_journal(&seen) {
            Verdict::Exact(summary) => {
                if scene.clock == Clock::Event {
                    let compared = match scene.way {
                        Way::OneTopic => by_a_replay(&seen, scene, lines),
                        Way::HomeTopics => by_replays_of_the_order(&seen, scene),
                    };
                    compared.unwrap_or_else(|complaint| panic!("{complaint}"));
                }
                return (seen, summary);
            }
            Verdict::Unfinished(text) => unfinished = text,
            Verdict::Wrong(complaint) => panic!("{complaint}"),
        }
    }
    panic!("after {TRIES_MAX} stops there is still something to do: {unfinished}");
}
