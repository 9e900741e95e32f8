//! The read side on a real broker: `vigie serve` beside a running engine, decisions and holds there and back, restarts, and a
//! broker that goes away.

use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use vigie::base::{Day, Instant as Moment};
use vigie::wire::partition_of;

use crate::broker::{Broker, BrokerOptions, free_port};
use crate::client::Record;
use crate::monitor::{MONITOR_MAX, Monitor};
use crate::producer::{Events, send};
use crate::scene::{Clock, Scene, Way, await_that};

/// What no log, metric or answer may hold.
const CANARY: &str = "canary-7d2f";

/// A process of the read side.
struct Server {
    child: Child,
    port: u16,
    log: PathBuf,
    token: Option<String>,
}

/// An answer: status, headers and body.
struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {} {}", self.head, self.body))
    }
}

impl Server {
    /// Starts `vigie serve`; it is not ready yet.
    fn start(scene: &Scene, name: &str, flags: &[&str]) -> Server {
        let port = free_port();
        let listen = format!("127.0.0.1:{port}");
        let flags = [&["--listen", &*listen], flags].concat();
        Server::of(command(scene, &["serve"], &flags), scene, name, port)
    }

    fn of(mut command: Command, scene: &Scene, name: &str, port: u16) -> Server {
        let log = scene.folder().join(format!("{name}.log"));
        let file = std::fs::File::create(&log).unwrap();
        command.stdin(Stdio::null()).stdout(file.try_clone().unwrap()).stderr(file);
        Server { child: command.spawn().unwrap(), port, log, token: None }
    }

    fn ready(scene: &Scene, name: &str, flags: &[&str]) -> Server {
        let mut server = Server::start(scene, name, flags);
        server.await_ready();
        server
    }

    fn await_ready(&mut self) {
        let deadline = Instant::now() + MONITOR_MAX;
        while self.get("/ready").is_none_or(|answer| answer.status != 200) {
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none(), "it has ended ({ended:?}):\n{}", self.log());
            assert!(Instant::now() < deadline, "it was not ready within {MONITOR_MAX:?}:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Asks; `None` where nobody answers.
    fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Option<Answer> {
        use std::io::{Read, Write};
        let mut stream = std::net::TcpStream::connect(("127.0.0.1", self.port)).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(30))).ok()?;
        let mut head = format!("{method} {path} HTTP/1.1\r\nHost: localhost:{}\r\nConnection: close\r\n", self.port);
        let token = self.token.as_ref().map(|token| format!("Bearer {token}"));
        let own = [("content-type", "application/json")];
        let token = token.as_deref().map(|token| ("authorization", token));
        for (name, value) in headers.iter().chain(own.iter().filter(|_| method == "POST")).chain(&token) {
            head += &format!("{name}: {value}\r\n");
        }
        write!(stream, "{head}content-length: {}\r\n\r\n{body}", body.len()).ok()?;
        let mut text = String::new();
        stream.read_to_string(&mut text).ok()?;
        let (head, body) = text.split_once("\r\n\r\n")?;
        let status = head.split(' ').nth(1)?.parse().ok()?;
        let is_chunked = head.to_lowercase().contains("transfer-encoding: chunked");
        let body = if is_chunked { unchunked(body) } else { body.to_owned() };
        Some(Answer { status, head: head.to_owned(), body })
    }

    fn get(&self, path: &str) -> Option<Answer> {
        self.ask("GET", path, &[], "")
    }

    /// What is answered to who may ask.
    fn told(&self, path: &str) -> Value {
        let answer = self.get(path).expect("an answer");
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        answer.json()
    }

    fn post(&self, path: &str, headers: &[(&str, &str)], body: &Value) -> Answer {
        self.ask("POST", path, headers, &body.to_string()).expect("an answer")
    }

    /// SIGTERM; it has to end by itself, and well.
    fn terminate(mut self) {
        let pid = self.child.id();
        assert!(Command::new("sh").args(["-c", &format!("kill -TERM {pid}")]).status().unwrap().success());
        let deadline = Instant::now() + MONITOR_MAX;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < deadline, "it does not end:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        };
        assert!(status.success(), "it ended badly on SIGTERM ({status}):\n{}", self.log());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It fails only where it has ended already.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn unchunked(mut body: &str) -> String {
    let mut whole = String::new();
    while let Some((size, rest)) = body.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).unwrap();
        if size == 0 {
            break;
        }
        whole += &rest[..size];
        body = &rest[size + 2..];
    }
    whole
}

fn command(scene: &Scene, words: &[&str], flags: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vigie"));
    command.current_dir(scene.folder()).args(words).args(flags);
    command.args(["--brokers", &scene.brokers, "--prefix", &scene.prefix, "--group", &scene.group]);
    command
}

fn now() -> Moment {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Moment::from_nanos(since.as_nanos() as i64)
}

/// Sends an event about a buyer to a topic.
fn tell(broker: &Broker, scene: &Scene, topic: &str, name: &str, buyer_id: &str, data: &Value) {
    static NUMBER: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let event = json!({"specversion": "1.0", "id": format!("t{number}"), "source": "test", "type": name,
        "subject": buyer_id, "time": now().to_string(), "data": data});
    let partition = partition_of(buyer_id.as_bytes(), scene.partitions);
    broker.produce(&[Record::new(&scene.topic(topic), partition as i32, event.to_string()).key(buyer_id)]);
}

/// A named buyer with a limit, that does so badly that a lower one is proposed.
fn ailing(broker: &Broker, scene: &Scene, buyer_id: &str) {
    let today: Day = now().day();
    let say = |topic, name, data: Value| tell(broker, scene, topic, name, buyer_id, &data);
    say("signals", "buyer.described", json!({"name": "Ailing & Sons", "segment": "named", "country": "FR"}));
    say("limits", "limit.set", json!({"amount": "50000", "currency": "EUR"}));
    let (issued, due) = (today.plus(-150).to_string(), today.plus(-120).to_string());
    say(
        "invoices",
        "invoice.issued",
        json!({"invoice_id": "F1", "amount": "20000", "currency": "EUR", "issued_on": issued, "due_on": due}),
    );
    say("signals", "rating.changed", json!({"agency": "agency", "grade": 10}));
    say("signals", "insolvency.opened", json!({"procedure": "safeguard", "opened_on": today.to_string()}));
}

/// The answers that a restart may not change.
fn pages(server: &Server) -> Vec<String> {
    let mut pages = Vec::new();
    for list in [
        "/v1/buyers?limit=40&sort=-exposure",
        "/v1/alerts?state=all&limit=40",
        "/v1/proposals?state=all&limit=40",
        "/v1/limit-changes?limit=40",
    ] {
        let mut path = list.to_owned();
        loop {
            let page = server.get(&path).expect("an answer");
            assert_eq!(page.status, 200, "{path}: {}", page.body);
            let next = page.json()["next"].as_str().map(|next| format!("{list}&cursor={next}"));
            pages.push(page.body);
            match next {
                Some(next) => path = next,
                None => break,
            }
        }
    }
    pages
}

#[test]
fn a_decision_made_over_http_changes_the_limit_and_closes_its_proposal() {
    let broker = Broker::shared();
    let scene = Scene::new(broker, 2, Way::HomeTopics, Clock::Live);
    let monitor = Monitor::ready(&scene, "a");
    let server = Server::ready(&scene, "serve", &[]);
    assert_eq!(server.told("/v1/buyers")["total"], 0);
    ailing(broker, &scene, "B-1");
    await_that("the buyer appears", MONITOR_MAX, || server.told("/v1/buyers")["total"] == 1);
    await_that("its insolvency is an alert", MONITOR_MAX, || {
        server.told("/v1/alerts?kind=insolvency_opened")["total"] == 1
    });
    await_that("a lower limit is proposed", MONITOR_MAX, || server.told("/v1/proposals")["total"] != 0);
    // Until it stands still: what is said of a buyer may come in several turns.
    let decide = || {
        let proposal = server.told("/v1/proposals")["items"][0].clone();
        let path = format!("/v1/proposals/{}/decision", proposal["proposal_id"].as_str().unwrap());
        let tag = format!("\"{}\"", proposal["version"]);
        let answer = server.post(&path, &[("if-match", &tag)], &json!({"decision": "approve", "reason": "insolvent"}));
        assert!(answer.status == 202 || answer.status == 412 || answer.status == 409, "{}", answer.body);
        (answer, proposal)
    };
    let is_changed = || server.told("/v1/limit-changes?buyer_id=B-1")["total"] == 2;
    let (mut answer, mut proposal) = decide();
    let deadline = Instant::now() + MONITOR_MAX;
    while !is_changed() {
        assert!(
            Instant::now() < deadline,
            "no limit was changed: {} {}",
            answer.body,
            server.told("/v1/proposals?state=all")
        );
        if server.told("/v1/proposals")["items"][0]["version"] != proposal["version"] && !is_changed() {
            (answer, proposal) = decide();
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    let change = server.told("/v1/limit-changes?buyer_id=B-1")["items"][0].clone();
    assert_eq!((&change["cause"], &change["old_limit"]), (&json!("approved"), &json!("50000.00")));
    assert_eq!((&change["new_limit"], &change["decided_by"]), (&proposal["proposed_limit"], &json!("local")));
    await_that("the proposal closes", MONITOR_MAX, || server.told("/v1/proposals")["total"] == 0);
    let closed = server.told("/v1/proposals?state=closed")["items"][0].clone();
    assert_eq!((&closed["outcome"], &closed["decided_by"]), (&json!("approved"), &json!("local")));
    let location = format!("/v1/decisions/{}", answer.json()["decision_id"].as_str().unwrap());
    assert!(answer.head.to_lowercase().contains(&format!("location: {location}")), "{}", answer.head);
    await_that("the decision is told", MONITOR_MAX, || server.get(&location).is_some_and(|told| told.status == 200));
    assert_eq!(server.told(&location)["state"], "closed");
    server.terminate();
    monitor.terminate();
}

#[test]
fn of_two_orders_that_do_not_both_fit_one_is_held() {
    let broker = Broker::shared();
    let scene = Scene::new(broker, 2, Way::HomeTopics, Clock::Live);
    let monitor = Monitor::ready(&scene, "a");
    let server = Server::ready(&scene, "serve", &[]);
    tell(broker, &scene, "limits", "limit.set", "B-2", &json!({"amount": "1000", "currency": "EUR"}));
    await_that("the limit is known", MONITOR_MAX, || {
        server.get("/v1/buyers/B-2").is_some_and(|page| page.status == 200 && page.json()["row"]["limit"] == "1000.00")
    });
    let order = |order_id: &str| json!({"buyer_id": "B-2", "amount": "600", "currency": "EUR", "order_id": order_id, "hold": true});
    let hold = |order_id: &str| server.post("/v1/order-checks", &[], &order(order_id));
    let answers = std::thread::scope(|scope| {
        let asked = ["O-1", "O-2"].map(|order_id| scope.spawn(move || (order_id, hold(order_id))));
        asked.map(|asked| asked.join().unwrap())
    });
    let granted = |order_id: &str| {
        // Where the engine took long, its word is there when it is asked for again.
        let mut granted = None;
        await_that("the engine decides", MONITOR_MAX, || {
            granted = hold(order_id).json()["hold"]["granted"].as_bool();
            granted.is_some()
        });
        granted.unwrap()
    };
    for (order_id, answer) in &answers {
        assert_eq!(answer.status, 200, "{order_id}: {}", answer.body);
        assert_eq!(answer.json()["answer"], "accept", "each fits by itself");
    }
    assert!(granted("O-1") != granted("O-2"), "{} and {}", answers[0].1.body, answers[1].1.body);
    assert_eq!(broker.read_committed(&scene.topic("order-decisions")).len(), 2);
    assert_eq!(broker.read_committed(&scene.topic("invoices")).len(), 2, "asked again, nothing is written");
    server.terminate();
    monitor.terminate();
}

#[test]
fn a_restart_changes_no_answer_and_run_with_serve_gives_the_same() {
    let broker = Broker::shared();
    let scene = Scene::new(broker, 3, Way::HomeTopics, Clock::Event);
    let lines = Events::of(&scene, 11, 60).take(6000);
    let monitor = Monitor::ready(&scene, "a");
    send(broker, &scene, &lines);
    await_that("all is read", MONITOR_MAX, || scene.lag(broker) == 0);
    monitor.terminate();

    let first = Server::ready(&scene, "first", &[]);
    let (expected, metrics) = (pages(&first), first.get("/metrics").unwrap().body);
    assert!(first.told("/v1/alerts?state=all")["total"].as_u64().unwrap() > 5, "too little happened");
    assert!(first.told("/v1/limit-changes")["total"].as_u64().unwrap() > 45, "too few for a second page");
    assert!(metrics.contains("vigie_"), "{metrics}");
    first.terminate();
    let second = Server::ready(&scene, "second", &[]);
    assert_eq!(pages(&second), expected);
    second.terminate();

    let (port, listen) = (free_port(), free_port());
    let (metrics, listen_at) = (format!("127.0.0.1:{port}"), format!("127.0.0.1:{listen}"));
    let snapshots = scene.snapshots().display().to_string();
    let flags = [
        "--serve",
        "--listen",
        &listen_at,
        "--metrics",
        &metrics,
        "--clock",
        "event",
        "--instance",
        "a",
        "--snapshots",
        &snapshots,
    ];
    let mut both = Server::of(command(&scene, &["run"], &flags), &scene, "both", listen);
    both.await_ready();
    assert_eq!(pages(&both), expected);
    let page = both.get("/metrics").unwrap().body;
    assert!(page.contains("vigie_read_side") || page.contains("vigie_http"), "{page}");
    let engine = Server { child: Command::new("true").spawn().unwrap(), port, log: PathBuf::new(), token: None };
    assert_eq!(engine.get("/ready").map(|answer| answer.status), Some(200), "the engine's own address answers too");
    both.terminate();
}

#[test]
fn it_is_ready_when_it_has_read_what_was_there_and_waits_while_kafka_is_away() {
    let mut broker = Broker::start(BrokerOptions::default());
    let scene = Scene::new(&broker, 1, Way::HomeTopics, Clock::Live);
    let row = |number: u32| {
        let schema = include_str!("../../schemas/exposure.updated.json");
        let mut event = serde_json::from_str::<Value>(schema).unwrap()["examples"][0].clone();
        let buyer_id = format!("B-{number}");
        (event["subject"], event["data"]["buyer_id"]) = (json!(buyer_id), json!(buyer_id));
        Record::new(&scene.topic("exposures"), 0, event.to_string()).key(buyer_id)
    };
    broker.produce(&(0..500).map(row).collect::<Vec<_>>());
    broker.stop();

    let mut server = Server::start(&scene, "serve", &[]);
    await_that("it answers that it lives", MONITOR_MAX, || server.get("/live").is_some_and(|a| a.status == 200));
    let ready = server.get("/ready").expect("an answer");
    assert_eq!(ready.status, 503, "{}", ready.body);
    assert!(!ready.body.is_empty());
    await_that("it says that Kafka is away", MONITOR_MAX, || server.log().contains("tried again"));
    let order = json!({"buyer_id": "B-1", "amount": "1", "currency": "EUR", "order_id": "o", "hold": true});
    assert_eq!(server.post("/v1/order-checks", &[], &order).status, 503);
    broker.restart();
    server.await_ready();
    assert_eq!(server.told("/v1/buyers")["total"], 500, "ready means that all of it is read");

    broker.stop();
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(server.told("/v1/buyers")["total"], 500, "what is known is answered");
    broker.restart();
    broker.produce(&[row(500)]);
    await_that("it goes on", MONITOR_MAX, || server.told("/v1/buyers")["total"] == 501);
    server.terminate();
}

fn ended(scene: &Scene, flags: &[&str]) -> Output {
    command(scene, &["serve"], flags).output().unwrap()
}

#[test]
fn it_listens_for_others_only_where_it_knows_who_asks_and_no_secret_gets_out() {
    let broker = Broker::shared();
    let scene = Scene::new(broker, 1, Way::HomeTopics, Clock::Live);
    let refused = ended(&scene, &["--listen", "0.0.0.0:0"]);
    let told = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(2), "{told}");
    assert!(told.contains("--tokens"), "{told}");

    let token = |name: &str, scopes: &str| {
        let output = Command::new(env!("CARGO_BIN_EXE_vigie"))
            .args(["token", "new", "--name", name, "--scopes", scopes])
            .output()
            .unwrap();
        assert!(output.status.success());
        let text = String::from_utf8(output.stdout).unwrap();
        let (token, line) = text.trim().split_once('\n').unwrap_or_else(|| panic!("{text}"));
        (token.to_owned(), line.to_owned())
    };
    let (decides, reads) = (token("m.keller", "read,decide"), token("erp", "read"));
    std::fs::write(scene.folder().join("tokens"), format!("{}\n{}\n", decides.1, reads.1)).unwrap();
    let mut server = Server::start(&scene, "serve", &["--tokens", "tokens", "--log-level", "trace"]);
    server.token = Some(decides.0.clone());
    server.await_ready();
    assert_eq!(server.told("/v1/me")["name"], "m.keller");
    let mut pages = String::new();
    let basic = format!("Basic {CANARY}");
    for (path, header) in [
        ("/v1/buyers", format!("Bearer {CANARY}")),
        ("/v1/buyers", basic),
        ("/metrics", format!("Bearer {CANARY}")),
        (&*format!("/v1/buyers/{CANARY}"), format!("Bearer {}", reads.0)),
        (&*format!("/v1/buyers?q={CANARY}"), format!("Bearer {}", reads.0)),
        (&*format!("/{CANARY}"), format!("Bearer {}", reads.0)),
        ("/live", format!("Bearer {CANARY}")),
    ] {
        server.token = None;
        let answer = server.ask("GET", path, &[("authorization", &header), ("cookie", CANARY)], "").expect("an answer");
        if header.contains(CANARY) && path != "/live" {
            assert_eq!(answer.status, 401, "{path}: {}", answer.body);
        }
        pages += &(answer.head + &answer.body);
    }
    server.token = Some(reads.0.clone());
    let body = json!({"until": "2026-12-15"});
    let snooze = server.post("/v1/alerts/x/snooze", &[("idempotency-key", CANARY)], &body);
    assert_eq!(snooze.status, 403, "{}", snooze.body);
    pages += &server.get("/metrics").unwrap().body;
    for path in ["/v1/me", "/", "/openapi.json", "/ready"] {
        pages += &server.get(path).unwrap().body;
    }
    let log = server.log();
    for secret in [CANARY, &decides.0, &reads.0] {
        assert!(!pages.contains(secret), "an answer says {secret}");
        let line = log.lines().find(|line| line.contains(secret));
        assert!(line.is_none(), "the log says {secret}: {line:?}");
    }
    server.terminate();
}
