//! A generated portfolio is the same on every machine, in order but for its known disorder, and what its truth says it is.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use bumpalo::Bump;
use vigie::base::{Currency, Day, Instant};
use vigie::event::{Body, Event, Topic};
use vigie::risk::{Outcome, Params, Shard};
use vigie::wire::{DecodeRules, decode_value, encode_event};
use vigie::workload::render::buyer_id;
use vigie::workload::{DISTRESS_ONE_IN, LATE_SECONDS_MAX, PRESETS, Plan, Portfolio, Workload};

fn plan(preset: &str, seed: u64) -> Plan {
    let preset = PRESETS.iter().find(|one| one.name == preset).expect("a preset");
    Plan::new(preset, seed)
}

fn lines(plan: Plan) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut sink = |event: &Event<'_>| {
        encode_event(event, &mut bytes);
        bytes.push(b'\n');
        Ok::<(), Infallible>(())
    };
    Workload::new(plan).stream(&mut sink).expect("memory takes every line");
    bytes
}

fn split(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty())
}

fn rules() -> DecodeRules {
    DecodeRules::new(eur(), Instant::parse("2199-01-01T00:00:00Z").expect("an instant"))
}

fn eur() -> Currency {
    Currency::parse("EUR").expect("a currency")
}

/// Decodes every line and hands it over.
fn each(bytes: &[u8], mut take: impl FnMut(&[u8], &Event<'_>)) {
    let rules = rules();
    let mut scratch = Bump::new();
    for line in split(bytes) {
        scratch.reset();
        match decode_value(line, &rules, &scratch) {
            Ok(event) => take(line, &event),
            Err(refusal) => panic!("{refusal}: {}", String::from_utf8_lossy(line)),
        }
    }
}

/// What a shard makes of the lines, and the shard.
fn applied(bytes: &[u8]) -> (BTreeMap<&'static str, u64>, Shard) {
    let mut shard = Shard::new(Params::new(eur()));
    let mut outcomes = BTreeMap::new();
    let mut effects = Vec::new();
    each(bytes, |line, event| {
        effects.clear();
        let name = match shard.apply(event, &mut effects) {
            Outcome::Applied => "applied",
            Outcome::Duplicate => "duplicate",
            Outcome::Refused(refusal) => panic!("{refusal}: {}", String::from_utf8_lossy(line)),
        };
        *outcomes.entry(name).or_default() += 1;
    });
    (outcomes, shard)
}

#[test]
fn a_seed_gives_the_same_bytes_on_every_machine_and_another_seed_gives_others() {
    let hash = |seed| xxhash_rust::xxh3::xxh3_64(&lines(plan("small", seed)));
    let first = hash(1);
    assert_eq!(hash(1), first);
    assert_ne!(hash(2), first);
    // Whoever changes what is generated changes this number with it.
    assert_eq!(first, SMALL_HASH, "{first:#x}");
}
const SMALL_HASH: u64 = 0x76b6_703c_2c4b_cd1f;

#[test]
fn time_runs_forward_but_for_a_few_late_events_and_exact_duplicates() {
    let bytes = lines(plan("wholesaler", 1).with_buyers(1000).expect("a plan"));
    let (mut latest, mut late, mut all) = (Instant::MIN, 0, 0);
    each(&bytes, |line, event| {
        all += 1;
        if event.time < latest {
            late += 1;
            let seconds = (latest.nanos() - event.time.nanos()) / 1_000_000_000;
            assert!(seconds <= i64::from(LATE_SECONDS_MAX), "{}", String::from_utf8_lossy(line));
        }
        latest = latest.max(event.time);
    });
    let distinct: BTreeSet<&[u8]> = split(&bytes).collect();
    let twice = all - distinct.len();
    assert!((all / 1000..=all * 4 / 1000).contains(&late), "{late} late of {all}");
    assert!((all / 3000..=all * 2 / 1000).contains(&twice), "{twice} twice of {all}");
}

#[test]
fn a_small_portfolio_is_whole_and_every_event_of_it_is_accepted() {
    let bytes = lines(plan("small", 1));
    let (outcomes, shard) = applied(&bytes);
    let all: u64 = outcomes.values().sum();
    assert!((9_000..=12_000).contains(&all), "{all} events");
    assert_eq!(shard.buyers(), 200);

    let mut seen = BTreeSet::new();
    let mut duplicate_documents = 0;
    each(&bytes, |line, event| {
        let is_document = matches!(
            event.body,
            Body::InvoiceIssued(_)
                | Body::InvoiceCredited(_)
                | Body::OrderPlaced(_)
                | Body::PaymentReceived(_)
                | Body::PaymentAllocated(_)
                | Body::CoverGranted(_)
                | Body::IncidentReported(_)
        );
        duplicate_documents += u64::from(!seen.insert(line.to_vec()) && is_document);
    });
    assert!(duplicate_documents > 0);
    assert_eq!(outcomes.get("duplicate"), Some(&duplicate_documents));
}

#[test]
fn an_invoice_takes_about_three_hundred_bytes_and_its_id_fourteen() {
    let (mut count, mut total) = (0, 0);
    each(&lines(plan("small", 3)), |line, event| {
        if let Body::InvoiceIssued(invoice) = &event.body {
            count += 1;
            total += line.len();
            assert_eq!(invoice.invoice_id.as_str().len(), 14, "{}", invoice.invoice_id.as_str());
            assert!(invoice.net_amount.is_none_or(|net| net <= invoice.amount));
        }
    });
    assert!((270..=330).contains(&(total / count)), "{} bytes", total / count);
}

#[test]
fn a_wholesaler_sees_every_type_but_decisions_and_holds() {
    let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
    let (mut sellers, mut currencies, mut terms) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    let (mut bundled, mut billed_orders) = (0, 0);
    each(&lines(plan("wholesaler", 5).with_buyers(3000).expect("a plan")), |_, event| {
        *counts.entry(event.body.spec().name).or_default() += 1;
        match &event.body {
            Body::InvoiceIssued(invoice) => {
                sellers.insert(invoice.seller_id.to_owned());
                currencies.insert(invoice.currency.to_string());
                terms.insert(invoice.due_on.since(invoice.issued_on));
                billed_orders += u32::from(invoice.order_id.is_some());
            }
            Body::PaymentReceived(payment) => {
                bundled += u32::from(payment.allocations.is_some_and(|all| all.len() > 1))
            }
            _ => {}
        }
    });
    for spec in Body::SPECS {
        let is_left_out = spec.topic == Some(Topic::Decisions) || spec.name == "order.held";
        assert_eq!(counts.contains_key(spec.name), !is_left_out, "{}", spec.name);
    }
    assert_eq!(counts["buyer.described"], 3000);
    assert_eq!(counts["clock.tick"], 366);
    assert_eq!(sellers.len(), 12);
    assert_eq!(currencies, ["CHF", "EUR", "GBP", "PLN", "USD"].map(str::to_owned).into());
    assert_eq!(terms, [14, 30, 45, 60, 90].into());
    assert!(bundled > 100, "{bundled}");
    assert!(billed_orders > 1000, "{billed_orders}");
}

#[test]
fn a_million_on_a_small_scale_ends_with_ten_open_invoices_a_buyer() {
    let plan = plan("million", 1).with_buyers(1000).expect("a plan");
    let (_, mut shard) = applied(&lines(plan));
    let mut open = 0;
    shard.report(plan.from().plus(plan.days().into()), &mut |row| open += row.open_invoices);
    assert!((9_000..=11_000).contains(&open), "{open}");
}

/// What became of a buyer that slides, as its events tell.
#[derive(Default)]
struct Slide {
    opened: Option<(Day, &'static str)>,
    dues: BTreeMap<String, Day>,
    delays_before: Vec<i32>,
    delays_after: Vec<i32>,
}

fn mean(delays: &[i32]) -> i32 {
    delays.iter().sum::<i32>() / delays.len().max(1) as i32
}

#[test]
fn exactly_the_one_in_a_hundred_of_the_truth_slide_into_insolvency_and_leave_invoices_unpaid() {
    let plan = plan("wholesaler", 9).with_buyers(2500).expect("a plan");
    let portfolio = Portfolio::new(plan);
    let day = |index| portfolio.calendar().day(index);
    let mut slides: BTreeMap<String, Slide> = BTreeMap::new();
    let truth: BTreeMap<String, _> = (0..plan.buyers())
        .filter_map(|number| portfolio.distress(number).map(|distress| (buyer_id(number), distress)))
        .collect();
    assert_eq!(truth.len() as u32, plan.buyers() / DISTRESS_ONE_IN);

    let bytes = lines(plan);
    each(&bytes, |_, event| match &event.body {
        Body::InsolvencyOpened(opened) => {
            let slide = slides.entry(event.subject.to_owned()).or_default();
            slide.opened = Some((opened.opened_on, opened.procedure.as_str()));
        }
        Body::InvoiceIssued(invoice) if truth.contains_key(event.subject) => {
            let slide = slides.entry(event.subject.to_owned()).or_default();
            slide.dues.insert(invoice.invoice_id.as_str().to_owned(), invoice.due_on);
        }
        Body::PaymentReceived(payment) if truth.contains_key(event.subject) => {
            let slide = slides.entry(event.subject.to_owned()).or_default();
            let onset = day(truth[event.subject].onset);
            for allocation in payment.allocations.unwrap_or_default() {
                let Some(due) = slide.dues.get(allocation.invoice_id.as_str()) else { continue };
                let delay = payment.received_on.since(*due);
                let is_before = payment.received_on < onset;
                if is_before { slide.delays_before.push(delay) } else { slide.delays_after.push(delay) }
            }
        }
        _ => {}
    });
    assert!(slides.keys().eq(truth.keys()));
    for (buyer, distress) in &truth {
        let told = slides[buyer].opened;
        assert_eq!(told, Some((day(distress.insolvency), distress.procedure.as_str())), "{buyer}");
    }
    let all = |pick: fn(&Slide) -> &Vec<i32>| -> Vec<i32> { slides.values().flat_map(pick).copied().collect() };
    let (before, after) = (mean(&all(|slide| &slide.delays_before)), mean(&all(|slide| &slide.delays_after)));
    assert!(after > before + 8, "{before} days before the onset, {after} after");

    let (_, mut shard) = applied(&bytes);
    let mut left_open = BTreeSet::new();
    shard.report(day(plan.days()), &mut |row| {
        if row.open_invoices > 0 || row.written_off.0 > 0 {
            left_open.insert(row.buyer_id);
        }
    });
    for (buyer, distress) in &truth {
        let pays_again = distress.procedure.as_str() == "conciliation";
        assert!(pays_again || left_open.contains(buyer), "{buyer} {distress:?}");
    }
}

fn vigie(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_vigie")).arg("generate").args(arguments).output().expect("the command runs")
}

fn read(path: &Path) -> String {
    let mut text = String::new();
    vigie::io::files::open(path).expect("opened").read_to_string(&mut text).expect("read");
    text
}

#[test]
fn the_command_writes_events_compressed_and_the_truth_beside_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let (events, truth) = (folder.path().join("events.jsonl.zst"), folder.path().join("truth.jsonl"));
    let (events_name, truth_name) = (events.to_str().expect("a name"), truth.to_str().expect("a name"));
    let output = vigie(&["--preset", "small", "--seed", "7", "--output", events_name, "--truth", truth_name]);
    assert!(output.status.success(), "{output:?}");
    assert!(output.stdout.is_empty());
    let summary = String::from_utf8(output.stderr).expect("text");
    let written = read(&events);
    assert_eq!(written.as_bytes(), lines(plan("small", 7)));
    let last = summary.lines().last().expect("a summary");
    let expected = format!("{} events of 200 buyers, {} bytes", written.lines().count(), written.len());
    assert_eq!(last.split_whitespace().collect::<Vec<_>>().join(" "), expected);

    let truth = read(&truth);
    assert_eq!(truth.lines().count(), 2, "{truth}");
    for line in truth.lines() {
        let row: serde_json::Value = serde_json::from_str(line).expect("JSON");
        let of = |key: &str| row[key].as_str().unwrap_or_else(|| panic!("{key}: {line}")).to_owned();
        let slide = Day::parse(&of("insolvency")).expect("a day").since(Day::parse(&of("onset")).expect("a day"));
        assert!((60..=180).contains(&slide), "{line}");
        let opened =
            written.lines().find(|event| event.contains("insolvency.opened") && event.contains(&of("buyer_id")));
        assert!(opened.is_some_and(|event| event.contains(&of("procedure")) && event.contains(&of("insolvency"))));
    }
    assert_eq!(std::fs::read_dir(folder.path()).expect("listed").count(), 2);
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_vigie"))
        .args(["generate", "--preset", "small", "--buyers", "2000"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command runs");
    let mut first = String::new();
    BufReader::new(child.stdout.take().expect("piped")).read_line(&mut first).expect("a line");
    assert!(first.contains("clock.tick"), "{first}");
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{output:?}");
    assert!(output.stderr.is_empty(), "{output:?}");
}

#[test]
fn wrong_flags_are_told_with_exit_code_2() {
    for (arguments, says) in [
        (&["--preset", "huge"][..], "choose one of small, wholesaler, million"),
        (&["--preset", "small", "--buyers", "0"], "0 is not in 1..=10000000"),
        (&["--preset", "small", "--days", "3651"], "3651 is not in 1..=3650"),
        (&["--preset", "small", "--from", "2025-02-30"], "write a day of 1970 to 2199 as YYYY-MM-DD"),
        (&["--preset", "small", "--from", "2199-01-01"], "begin by 2196-10-22"),
        (&["--preset", "small", "--truth", "-"], "--output and --truth both name -: name two files"),
        (&["--preset", "small", "--seed", "x"], "--seed <SEED>"),
        (&[], "--preset"),
    ] {
        let output = vigie(arguments);
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {text}");
        assert!(text.contains(says), "{arguments:?}: {text}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
    }
}

#[test]
fn a_file_that_cannot_be_written_is_told_with_exit_code_1() {
    let folder = tempfile::tempdir().expect("a folder");
    let missing = folder.path().join("missing").join("events.jsonl");
    let output = vigie(&["--preset", "small", "--output", missing.to_str().expect("a name")]);
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(text.contains("cannot write") && text.contains("events.jsonl"), "{text}");
}
