//! What the figures depend on: the machine, the day, the versions and the settings of all sides.

use std::fs;
use std::process::Command;

use crate::Arguments;
use crate::side::{JVM, THREADS, sources};
use crate::support::{PARTITIONS, broker, micros, rfc3339};

/// All of it, as the table's head.
pub fn told(arguments: &Arguments) -> String {
    let processor = line("/proc/cpuinfo", "model name");
    let memory_kb: f64 = line("/proc/meminfo", "MemTotal").trim_end_matches(" kB").parse().unwrap_or(f64::NAN);
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let day = rfc3339((micros() / 1000) as i64)[..10].to_owned();
    format!(
        "{day}; {processor}, {cores} cores, {:.0} GB, Linux {}; vigie {}; broker and Kafka Streams {}, Flink {} with its Kafka \
         connector {}, {}. Each side has {THREADS} threads; {PARTITIONS} partitions, one broker beside it with a heap of {}; the \
         peers' Java has {} and a heap of {} ({} with {} buyers). {} events of {} buyers at most; medians of {} rounds.\n",
        memory_kb / 1e6,
        fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim(),
        env!("CARGO_PKG_VERSION"),
        version("kafka.version"),
        version("flink.version"),
        version("flink.kafka.version"),
        java(),
        broker::HEAP,
        JVM[0],
        arguments.heap,
        arguments.many_heap,
        arguments.many_buyers,
        arguments.events,
        arguments.buyers,
        arguments.runs,
    )
}

/// What a file of the system says after a name and a colon.
fn line(file: &str, name: &str) -> String {
    let text = fs::read_to_string(file).unwrap_or_default();
    let found = text.lines().find_map(|line| line.strip_prefix(name)?.trim_start().strip_prefix(':'));
    found.unwrap_or("not told").trim().to_owned()
}

/// A version that the peers are built with.
fn version(name: &str) -> String {
    let pom = fs::read_to_string(sources().join("pom.xml")).unwrap_or_default();
    let after = pom.split_once(&format!("<{name}>")).map(|(_, after)| after);
    after.and_then(|after| after.split_once('<')).map_or("not told", |(version, _)| version).to_owned()
}

fn java() -> String {
    let told = Command::new("java").arg("-version").output().map(|output| output.stderr).unwrap_or_default();
    String::from_utf8_lossy(&told).lines().next().unwrap_or("no Java").to_owned()
}
