//! Times the read side: how long until it is ready and what memory it takes, and how long an order check takes over HTTP.
//!
//! `cargo bench --bench read_side [-- BUYERS feed checks kafka]`: 80,000 buyers where nobody says how many; the words choose
//! what is measured. `feed` reads rows in this process, `checks` asks over keep-alive connections on loopback, at planned times
//! so that a wait counts for all who wait, behind the guard with a token and its rates off, and `kafka` starts a broker of its
//! own (Java and Maven are needed) and `vigie serve` on it. Run otherwise than by `cargo bench`, it does next to nothing.

#[allow(dead_code, reason = "each benchmark takes what it needs")]
mod support;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::sync::Arc;

use serde_json::{Value, json};
use support::broker::Broker;
use support::page::is_ready;
use support::process::{memory_peak, terminate};
use support::sending::{record, send};
use support::{Outcome, micros};
use vigie::base::Currency;
use vigie::event::Topic;
use vigie::io::clock::{Stopwatch, pause, wall_clock};
use vigie::io::http::api::{CHANGES_MAX, NotWritten, Outlet, ReadSide, Writing};
use vigie::io::http::guard::{Access, AccessSettings, Limits, ScopeSet, guarded, new_token};
use vigie::io::http::{HttpServer, ServerSettings, read_side};
use vigie::io::kafka::{Sender, Settings};
use vigie::io::metrics::read_side::ReadSideMetrics;
use vigie::io::read_side::Feeder;
use vigie::view::{CheckRules, Fed};

/// As the binary: what an allocator adds is part of the answer.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Buyers of a wholesaler.
const BUYERS: u32 = 80_000;
/// Buyers, and seconds of asking, where nobody asked for a measurement.
const OF_A_TEST: (u32, u64) = (200, 1);
/// Order checks a second, and for how long.
const CHECKS_PER_SECOND: u64 = 5_000;
const CHECK_SECONDS: u64 = 20;
/// Connections that ask, each on a thread of its own.
const CONNECTIONS: u64 = 32;
const PREFIX: &str = "vigie";

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let is_bench = arguments.iter().any(|argument| argument == "--bench");
    let (buyers, seconds) = if is_bench { (BUYERS, CHECK_SECONDS) } else { OF_A_TEST };
    let buyers = arguments.iter().find_map(|argument| argument.parse().ok()).unwrap_or(buyers);
    let words = ["feed", "checks", "kafka"];
    let named = arguments.iter().any(|argument| words.contains(&&**argument));
    let wants = |word: &str| if named { arguments.iter().any(|argument| argument == word) } else { is_bench };
    if wants("feed") || wants("checks") || !is_bench {
        let feeder = feed(buyers)?;
        if wants("checks") || !is_bench {
            checks(feeder, buyers, seconds)?;
        }
    }
    if wants("kafka") {
        kafka(buyers)?;
    }
    Ok(())
}

fn euro() -> Currency {
    Currency::parse("EUR").expect("a currency")
}

fn buyer_id(number: u32) -> String {
    format!("B-{number:07}")
}

/// Rows as the engine writes them: one of the published example, for each of so many buyers.
fn rows(buyers: u32) -> Outcome<impl Iterator<Item = (String, String)>> {
    let schema: Value = serde_json::from_str(include_str!("../schemas/exposure.updated.json"))?;
    let mut row = schema["examples"][0].clone();
    (row["subject"], row["data"]["buyer_id"]) = (json!("@buyer"), json!("@buyer"));
    row["data"]["name"] = json!("The House of @buyer");
    let row = row.to_string();
    println!("a row of figures has {} bytes", row.len());
    Ok((0..buyers).map(move |number| (buyer_id(number), row.replace("@buyer", &buyer_id(number)))))
}

/// Feeds the rows in this process.
fn feed(buyers: u32) -> Outcome<Feeder> {
    let before = resident()?;
    let rows: Vec<(String, String)> = rows(buyers)?.collect();
    let of_rows = resident()?.saturating_sub(before);
    let feeder = Feeder::new(ReadSideMetrics::alone(euro()), CHANGES_MAX);
    let stopwatch = Stopwatch::start();
    for (buyer_id, row) in &rows {
        feeder.take(Fed::Exposures, "vigie.exposures", &record(0, Some(buyer_id.as_bytes()), 0, row.as_bytes()));
    }
    feeder.caught_up();
    let seconds = stopwatch.seconds();
    if feeder.model.buyers() != buyers as usize {
        return Err(format!("{} of {buyers} buyers were taken", feeder.model.buyers()).into());
    }
    let bytes = resident()?.saturating_sub(before + of_rows);
    println!("{buyers} buyers fed in {seconds:.2} s, {} MB, {} bytes a buyer", bytes >> 20, bytes / u64::from(buyers));
    Ok(feeder)
}

/// Bytes of this process that are in memory.
fn resident() -> Outcome<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("the system does not tell VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? * 1024)
}

/// Writes nothing: plain checks ask for nothing to be written.
struct NoOutlet;

impl Outlet for NoOutlet {
    fn write(&self, _: Topic, _: &str, _: Vec<u8>) -> Writing {
        Box::pin(async { Err(NotWritten("a benchmark writes nothing".to_owned())) })
    }
}

/// Asks order checks, at planned times.
fn checks(feeder: Feeder, buyers: u32, seconds: u64) -> Outcome<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("tokens");
    let token = new_token("bench", ScopeSet::ALL, None)?;
    std::fs::write(&path, &token.line)?;
    let access = Access::open(&AccessSettings::Guarded { tokens: Some(path), oidc: None, certificates: None })?;
    let side = ReadSide {
        model: Arc::clone(&feeder.model),
        changes: feeder.changes.clone(),
        outlet: Box::new(NoOutlet),
        metrics: Arc::clone(&feeder.metrics),
        base: euro(),
        rules: CheckRules::default(),
        stories: &[],
        now: Box::new(wall_clock),
    };
    let off = Limits {
        requests_per_second_max: 0,
        changes_per_second_max: 0,
        failures_per_minute_max: 0,
        ..Limits::default()
    };
    let router = guarded(read_side(side, feeder, None), access, off);
    let settings = ServerSettings { threads: 2, ..ServerSettings::plain("127.0.0.1:0") };
    let server = HttpServer::start_with(&settings, router)?;
    let address = server.address();

    let begin = micros() + 200_000;
    let asking: Vec<_> = (0..CONNECTIONS)
        .map(|place| {
            let token = token.token.clone();
            std::thread::spawn(move || {
                let plan = Plan { begin, place, count: CHECKS_PER_SECOND * seconds / CONNECTIONS, buyers };
                ask(TcpStream::connect(address), &token, &plan).map_err(|error| error.to_string())
            })
        })
        .collect();
    let mut took = Vec::new();
    for thread in asking {
        took.extend(thread.join().map_err(|_| "a thread that asks panicked")??);
    }
    let span = (micros() - begin) as f64 / 1e6;
    took.sort_unstable();
    let at = |share: f64| took[((took.len() - 1) as f64 * share) as usize] as f64 / 1000.0;
    println!(
        "{} order checks, {:.0} a second of {CHECKS_PER_SECOND} planned: p50 {:.2} ms, p99 {:.2} ms, p99.9 {:.2} ms, longest {:.2} ms",
        took.len(),
        took.len() as f64 / span,
        at(0.5),
        at(0.99),
        at(0.999),
        at(1.0)
    );
    server.stop();
    Ok(())
}

/// When a connection asks, and about whom.
struct Plan {
    begin: u64,
    place: u64,
    count: u64,
    buyers: u32,
}

/// Asks over one connection; gives the microseconds from when each was planned to its answer.
#[expect(clippy::disallowed_methods, reason = "whoever asks waits for the planned time, to a microsecond")]
fn ask(stream: std::io::Result<TcpStream>, token: &str, plan: &Plan) -> Outcome<Vec<u64>> {
    let mut stream = stream?;
    stream.set_nodelay(true)?;
    let mut answers = BufReader::new(stream.try_clone()?);
    let mut took = Vec::with_capacity(plan.count as usize);
    let mut body = Vec::new();
    for number in 0..plan.count {
        let turn = number * CONNECTIONS + plan.place;
        let planned = plan.begin + turn * 1_000_000 / CHECKS_PER_SECOND;
        let wait = planned.saturating_sub(micros());
        if wait > 0 {
            std::thread::sleep(std::time::Duration::from_micros(wait));
        }
        // Neighbours in time are strangers by id.
        let buyer = buyer_id((turn.wrapping_mul(0x9E37_79B1) % u64::from(plan.buyers)) as u32);
        let order = format!(r#"{{"buyer_id":"{buyer}","amount":"25000.00","currency":"EUR"}}"#);
        let length = order.len();
        let head = "POST /v1/order-checks HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n";
        let request = format!("{head}authorization: Bearer {token}\r\ncontent-length: {length}\r\n\r\n{order}");
        stream.write_all(request.as_bytes())?;
        read_answer(&mut answers, &mut body)?;
        took.push(micros() - planned);
    }
    Ok(took)
}

fn read_answer(answers: &mut BufReader<TcpStream>, body: &mut Vec<u8>) -> Outcome<()> {
    let mut line = String::new();
    let mut length = None;
    let mut is_ok = false;
    loop {
        line.clear();
        answers.read_line(&mut line)?;
        let text = line.trim_end();
        is_ok |= text.starts_with("HTTP/1.1 200");
        if let Some(value) = text.to_ascii_lowercase().strip_prefix("content-length:") {
            length = Some(value.trim().parse::<usize>()?);
        }
        if text.is_empty() {
            break;
        }
    }
    body.resize(length.ok_or("an answer has no length")?, 0);
    answers.read_exact(body)?;
    if is_ok { Ok(()) } else { Err(String::from_utf8_lossy(body).into_owned().into()) }
}

/// Starts `vigie serve` on a broker that has the rows.
fn kafka(buyers: u32) -> Outcome<()> {
    let broker = Broker::start()?;
    broker.make_topics(&format!("{PREFIX}."))?;
    let mut sender = Sender::open(&Settings::new(&broker.address(), "rows"))?;
    for (buyer_id, row) in rows(buyers)? {
        send(&mut sender, &format!("{PREFIX}.exposures"), &buyer_id, 0, row.as_bytes())?;
    }
    sender.flush(std::time::Duration::from_secs(60))?;
    let port = broker.port + 2_000;
    let stopwatch = Stopwatch::start();
    let mut child = Command::new(env!("CARGO_BIN_EXE_vigie"))
        .args(["serve", "--brokers", &broker.address(), "--prefix", &format!("{PREFIX}.")])
        .args(["--listen", &format!("127.0.0.1:{port}")])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    while !is_ready(port) {
        if let Some(status) = child.try_wait()? {
            return Err(format!("vigie serve has ended: {status}").into());
        }
        pause(5);
    }
    let seconds = stopwatch.seconds();
    println!(
        "vigie serve is ready with {buyers} buyers after {seconds:.2} s, {} MB at most",
        memory_peak(child.id())? >> 20
    );
    terminate(&mut child)
}
