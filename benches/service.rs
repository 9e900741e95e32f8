//! Times the service on a real Kafka against the floor that any consumer stands on: CPU time an event of `vigie run`, all of
//! it, and of a bare loop that takes the same topic in batches and does nothing; then milliseconds from an event produced to
//! the alert it raises readable, and seconds from a start after kill -9 to ready.
//!
//! `cargo bench --bench service [-- EVENTS cost instances recovery latency]` starts a broker of its own (Java and Maven are needed) and
//! prints both sides; the words choose what is measured.

#[allow(dead_code, reason = "each benchmark takes what it needs")]
mod support;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use support::broker::Broker;
use support::page::{applied, is_ready, page};
use support::process::{cpu_seconds, cpu_until, terminate};
use support::sending::{record, send};
use support::{Outcome, PARTITIONS, median, micros, rfc3339};
use vigie::io::clock::{Stopwatch, pause, wall_clock};
use vigie::io::kafka::{CommittedReader, Sender, Settings, drain};
use vigie::runtime::{CommittedLog, Records, TopicId};
use vigie::wire::{Route, route};

/// Events where no number is given.
const EVENTS: u64 = 5_000_000;
/// Pairs of runs, one of each side.
const PAIRS: usize = 3;
/// Events a second while latencies are taken, and for how long.
const RATE: u64 = 20_000;
const RATE_SECONDS: u64 = 20;
/// Buyers of a wholesaler.
const BUYERS: u64 = 80_000;
/// What comes in a minute at 5,000 events a second.
const MINUTE_EVENTS: u64 = 300_000;
/// For runs that do not depend on the time of day.
const EVENT_CLOCK: [&str; 3] = ["--clock", "event", "--any-topic"];
/// Every so many events one raises an alert.
const PROBE_EVERY: u64 = 100;
/// How long the workers of a process may take to share their partitions.
const SETTLING_MS: u64 = 5000;

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [mode, brokers, topic] = &arguments[..]
        && mode == "drain"
    {
        println!("{}", drain(&Settings::new(brokers, "drain"), topic)?);
        return Ok(());
    }
    let events = arguments.iter().find_map(|argument| argument.parse().ok()).unwrap_or(EVENTS);
    let broker = Broker::start()?;
    let wants = |what: &str| {
        let named =
            arguments.iter().any(|argument| ["cost", "instances", "recovery", "latency"].contains(&argument.as_str()));
        !named || arguments.iter().any(|argument| argument == what)
    };
    if wants("cost") {
        costs(&broker, Stream::Plain, events)?;
        costs(&broker, Stream::Wholesaler, events)?;
    }
    if wants("instances") {
        instances(&broker, events)?;
    }
    if wants("recovery") {
        recovery(&broker)?;
    }
    if wants("latency") {
        latency(&broker, 100)?;
        latency(&broker, 10)?;
    }
    Ok(())
}

/// What is preloaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stream {
    /// Invoices, each paid whole some time later, of 80,000 buyers in turn, within a year.
    Plain,
    /// What `vigie generate --preset wholesaler` makes, of a thousand days: limits, covers, disputes, ratings, insolvencies too.
    Wholesaler,
}

/// CPU time of both sides, interleaved.
fn costs(broker: &Broker, stream: Stream, events: u64) -> Outcome<()> {
    let prefix = format!("{stream:?}.").to_lowercase();
    let topic = format!("{prefix}invoices");
    broker.make_topics(&prefix)?;
    let sent = match stream {
        Stream::Plain => preload_plain(broker, &topic, events)?,
        Stream::Wholesaler => preload(broker, &topic, events)?,
    };
    println!("{stream:?}: {sent} records preloaded in {PARTITIONS} partitions");
    let (mut floors, mut services) = (Vec::new(), Vec::new());
    for pair in 0..PAIRS {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["drain", &broker.address(), &topic])
            .stdout(Stdio::piped())
            .spawn()?;
        let since = Stopwatch::start();
        let floor = cpu_until(&mut child, |_| Ok(false))?;
        let seconds = since.seconds();
        let folder = tempfile::tempdir()?;
        let mut service = Service::start(broker, &EVENT_CLOCK, &prefix, &format!("cost-{pair}"), folder.path())?;
        let since = Stopwatch::start();
        let cpu = cpu_until(&mut service.child, |_| Ok(page(service.port).is_ok_and(|page| applied(&page) >= sent)))?;
        let wall = since.seconds();
        let nanos = |seconds: f64| seconds * 1e9 / sent as f64;
        println!(
            "floor {:.0} ns an event ({:.0} events/s), vigie run {:.0} ns ({:.0} events/s): {:.2} times",
            nanos(floor),
            sent as f64 / seconds,
            nanos(cpu),
            sent as f64 / wall,
            cpu / floor
        );
        floors.push(floor);
        services.push(cpu);
        drop(service);
    }
    println!(
        "median of {PAIRS}: vigie run takes {:.2} times the CPU time of the floor",
        median(services) / median(floors)
    );
    Ok(())
}

/// CPU time an event of one, two and four processes that share the partitions, all of them together.
fn instances(broker: &Broker, events: u64) -> Outcome<()> {
    let prefix = "instances.";
    broker.make_topics(prefix)?;
    let sent = preload_plain(broker, &format!("{prefix}invoices"), events)?;
    let mut nanos: [Vec<f64>; 3] = Default::default();
    for round in 0..PAIRS {
        for (count, nanos) in [1_u16, 2, 4].into_iter().zip(&mut nanos) {
            let folder = tempfile::tempdir()?;
            let group = format!("instances-{count}-{round}");
            let start = |number: u16| {
                let name = format!("instance-{number}");
                let more = [&EVENT_CLOCK[..], &["--instance", &name, "--threads", "1"]].concat();
                Service::start_at(broker, broker.port + 10_000 + number, &more, prefix, &group, folder.path())
            };
            let services = (0..count).map(start).collect::<Outcome<Vec<_>>>()?;
            let taken =
                || services.iter().map(|service| page(service.port).map_or(0, |page| applied(&page))).sum::<u64>();
            while taken() < sent {
                pause(200);
            }
            let cpu = services.iter().map(|service| Ok(cpu_seconds(service.child.id())?.0)).sum::<Outcome<f64>>()?;
            nanos.push(cpu * 1e9 / sent as f64);
        }
    }
    let [one, two, four] = nanos.map(median);
    println!(
        "{sent} records, 12 partitions, median of {PAIRS}: one instance {one:.0} ns of CPU time an event, two {two:.0} \
         ({:+.1} %), four {four:.0} ({:+.1} %), starts and all",
        (two / one - 1.0) * 100.0,
        (four / one - 1.0) * 100.0
    );
    Ok(())
}

/// Seconds from a start after kill -9 to ready: every buyer of a wholesaler with ten open invoices, and a minute of events
/// since the snapshots.
fn recovery(broker: &Broker) -> Outcome<()> {
    broker.make_topics("recovery.")?;
    let mut sender = Sender::open(&Settings::new(&broker.address(), "bench"))?;
    let mut invoices = |numbers: std::ops::Range<u64>| -> Outcome<()> {
        for number in numbers {
            let buyer = format!("B-{:05}", number % BUYERS);
            let value = format!(
                r#"{{"specversion":"1.0","id":"e-{number}","source":"bench","type":"invoice.issued","time":"2026-01-01T00:00:00Z","subject":"{buyer}","data":{{"invoice_id":"F-{number}","amount":"100.50","currency":"EUR","issued_on":"2026-01-01","due_on":"2099-01-01"}}}}"#
            );
            send(&mut sender, "recovery.invoices", &buyer, number as i64, value.as_bytes())?;
        }
        Ok(sender.flush(Duration::from_secs(60))?)
    };
    let folder = tempfile::tempdir()?;
    let start = || Service::start(broker, &EVENT_CLOCK, "recovery.", "recovery", folder.path());
    let reach = |service: &Service, count: u64| {
        while page(service.port).map_or(0, |page| applied(&page)) < count {
            pause(20);
        }
    };
    let open = BUYERS * 10;
    invoices(0..open)?;
    let mut service = start()?;
    reach(&service, open);
    service.terminate()?;
    let mut seconds = Vec::new();
    for round in 0..PAIRS as u64 {
        let since_snapshots = open + round * MINUTE_EVENTS..open + (round + 1) * MINUTE_EVENTS;
        let mut service = start()?;
        invoices(since_snapshots)?;
        reach(&service, MINUTE_EVENTS);
        service.child.kill()?;
        service.child.wait()?;
        let since = Stopwatch::start();
        let mut service = start()?;
        while !is_ready(service.port) {
            pause(5);
        }
        seconds.push(since.seconds());
        service.terminate()?;
    }
    println!(
        "ready {:.2} s after a start (median of {PAIRS}): {BUYERS} buyers, {open} open invoices and more, {MINUTE_EVENTS} events \
         since the snapshots",
        median(seconds)
    );
    Ok(())
}

/// Milliseconds from an event produced to its alert readable by a reader of committed records.
fn latency(broker: &Broker, turn_ms: u32) -> Outcome<()> {
    let prefix = format!("latency{turn_ms}.");
    broker.make_topics(&prefix)?;
    let turn = turn_ms.to_string();
    let folder = tempfile::tempdir()?;
    let live = ["--any-topic", "--turn-ms", &turn];
    let service = Service::start(broker, &live, &prefix, &format!("latency-{turn_ms}"), folder.path())?;
    while page(service.port).is_err() || !is_ready(service.port) {
        pause(50);
    }
    // The workers join the group one after another, and share the partitions anew with each.
    pause(SETTLING_MS);
    let settings = Settings::new(&broker.address(), "bench");
    let watch = |partition: u32| {
        let (settings, name) = (settings.clone(), format!("{prefix}alerts"));
        std::thread::spawn(move || watch_alerts(&settings, &name, partition).map_err(|error| error.to_string()))
    };
    let watching: Vec<_> = (0..PARTITIONS).map(watch).collect();
    let sent = send_at_rate(&settings, &format!("{prefix}invoices"))?;
    let page = page(service.port)?;
    let mean_ms = |name: &str| {
        let value = |part: &str| {
            let line = page.lines().find_map(|line| line.strip_prefix(&format!("{name}_{part} ")));
            line.and_then(|value| value.parse::<f64>().ok()).unwrap_or(f64::NAN)
        };
        value("sum") * 1000.0 / value("count")
    };
    println!(
        "of itself it says: {:.1} ms a turn with its commit, {:.1} ms a commit, {:.1} ms from a record to its commit (means)",
        mean_ms("vigie_turn_seconds"),
        mean_ms("vigie_commit_seconds"),
        mean_ms("vigie_event_to_output_seconds")
    );
    let mut first = std::collections::BTreeMap::new();
    for reader in watching {
        for (number, at) in reader.join().map_err(|_| "a reader panicked")?? {
            first.entry(number).or_insert(at);
        }
    }
    let mut waits: Vec<u64> = first.iter().filter_map(|(id, at)| Some(at - sent.get(*id as usize)?)).collect();
    waits.sort_unstable();
    let of = |share: f64| waits[((waits.len() - 1) as f64 * share) as usize] as f64 / 1000.0;
    println!(
        "turn {turn_ms} ms, {RATE} events/s: {} of {} probes told; p50 {:.1}, p90 {:.1}, p99 {:.1}, p99.9 {:.1}, max {:.1} ms",
        waits.len(),
        sent.len(),
        of(0.5),
        of(0.9),
        of(0.99),
        of(0.999),
        of(1.0)
    );
    Ok(())
}

/// Sends events at their planned times; gives when each probe was to be sent, in microseconds.
fn send_at_rate(settings: &Settings, topic: &str) -> Outcome<Vec<u64>> {
    let mut sender = Sender::open(settings)?;
    let mut planned = Vec::new();
    let begun = micros();
    for number in 0..RATE * RATE_SECONDS {
        let due = begun + number * 1_000_000 / RATE;
        while micros() < due {
            sender.flush(Duration::ZERO).ok();
            pause(1);
        }
        let now_ms = wall_clock().nanos() / 1_000_000;
        let (time, today) = (rfc3339(now_ms), &rfc3339(now_ms)[..10]);
        let (buyer, kind, data) = if number % PROBE_EVERY == 0 {
            planned.push(due);
            let data = format!(r#"{{"procedure":"liquidation","opened_on":"{today}"}}"#);
            (format!("probe-{}", planned.len() - 1), "insolvency.opened", data)
        } else {
            let data = format!(
                r#"{{"invoice_id":"F-{number}","amount":"100.50","currency":"EUR","issued_on":"{today}","due_on":"2099-01-01"}}"#
            );
            (format!("B-{}", number % 80_000), "invoice.issued", data)
        };
        let value = format!(
            r#"{{"specversion":"1.0","id":"e-{number}","source":"bench","type":"{kind}","time":"{time}","subject":"{buyer}","data":{data}}}"#
        );
        send(&mut sender, topic, &buyer, now_ms, value.as_bytes())?;
    }
    sender.flush(Duration::from_secs(30))?;
    Ok(planned)
}

/// Reads the alerts of a partition as they come until none came for a while; gives each probe's number and when it was read.
fn watch_alerts(settings: &Settings, topic: &str, partition: u32) -> Outcome<Vec<(u64, u64)>> {
    let mut reader = CommittedReader::open(settings, &[topic.to_owned()])?;
    let (mut seen, mut last, mut next) = (Vec::new(), Stopwatch::start(), 0);
    while seen.is_empty() && last.seconds() < 60.0 || last.seconds() < 5.0 {
        let mut records = Records::default();
        next = reader.read(TopicId(0), partition, next, i64::MAX, &mut records)?;
        let now = micros();
        for record in records.iter() {
            let text = std::str::from_utf8(record.key.unwrap_or_default())?;
            let number = text.strip_prefix("probe-").map(str::parse).transpose()?;
            seen.extend(number.map(|number: u64| (number, now)));
            last = Stopwatch::start();
        }
    }
    Ok(seen)
}

/// Writes invoices and payments to a topic, as fast as it takes; gives how many records there are.
fn preload_plain(broker: &Broker, topic: &str, events: u64) -> Outcome<u64> {
    let mut sender = Sender::open(&Settings::new(&broker.address(), "preload"))?;
    for number in 0..events {
        let pair = number / 2;
        let buyer = format!("B-{:05}", pair.wrapping_mul(0x9e37_79b9_7f4a_7c15) % BUYERS);
        let ms = 1_735_689_600_000 + (number as i64) * 360 * 86_400_000 / events as i64;
        let (time, amount) = (rfc3339(ms), 100 + pair % 10_000);
        let (kind, data) = if number % 2 == 0 {
            let data = format!(
                r#"{{"invoice_id":"F-{pair}","amount":"{amount}.50","currency":"EUR","issued_on":"{0}","due_on":"2026-06-30"}}"#,
                &time[..10]
            );
            ("invoice.issued", data)
        } else {
            let data = format!(
                r#"{{"payment_id":"P-{pair}","amount":"{amount}.50","currency":"EUR","received_on":"{0}","allocations":[{{"invoice_id":"F-{pair}","amount":"{amount}.50"}}]}}"#,
                &time[..10]
            );
            ("payment.received", data)
        };
        let value = format!(
            r#"{{"specversion":"1.0","id":"e-{number}","source":"bench","type":"{kind}","time":"{time}","subject":"{buyer}","data":{data}}}"#
        );
        send(&mut sender, topic, &buyer, number as i64, value.as_bytes())?;
    }
    sender.flush(Duration::from_secs(60))?;
    Ok(events)
}

/// Writes generated events to a topic, as fast as it takes; gives how many records there are.
fn preload(broker: &Broker, topic: &str, events: u64) -> Outcome<u64> {
    let mut generated = Command::new(env!("CARGO_BIN_EXE_vigie"))
        .args(["generate", "--preset", "wholesaler", "--days", "1000", "--seed", "1", "--output", "-"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let lines = BufReader::new(generated.stdout.take().ok_or("no output")?);
    let mut sender = Sender::open(&Settings::new(&broker.address(), "preload"))?;
    let mut sent = 0;
    for (number, line) in lines.split(b'\n').take(events as usize).enumerate() {
        let line = line?;
        match route(&line) {
            Route::Buyer(buyer) => {
                send(&mut sender, topic, &buyer, number as i64, &line)?;
                sent += 1;
            }
            _ => {
                for partition in 0..PARTITIONS {
                    sender.send(topic, &record(partition, None, number as i64, &line))?;
                    sent += 1;
                }
            }
        }
    }
    sender.flush(Duration::from_secs(60))?;
    generated.kill()?;
    generated.wait()?;
    Ok(sent)
}

/// A running `vigie run`; killed with it.
struct Service {
    child: Child,
    port: u16,
}

impl Service {
    fn start(broker: &Broker, more: &[&str], prefix: &str, group: &str, folder: &Path) -> Outcome<Service> {
        let more = [more, &["--instance", "bench", "--threads", "2"]].concat();
        Service::start_at(broker, broker.port + 10_000, &more, prefix, group, folder)
    }

    fn start_at(
        broker: &Broker,
        port: u16,
        more: &[&str],
        prefix: &str,
        group: &str,
        folder: &Path,
    ) -> Outcome<Service> {
        let child = Command::new(env!("CARGO_BIN_EXE_vigie"))
            .args(["run", "--brokers", &broker.address(), "--prefix", prefix, "--group", group])
            .args(["--metrics", &format!("127.0.0.1:{port}"), "--log-level", "warn"])
            .arg("--snapshots")
            .arg(folder)
            .args(more)
            .spawn()?;
        Ok(Service { child, port })
    }

    /// Ends it as an operator would.
    fn terminate(&mut self) -> Outcome<()> {
        terminate(&mut self.child)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
