//! Replays invoices and payments through the built binary, on one core where it can, and prints what it made of them.
//!
//! `cargo bench --bench replay [-- LINES]`: the number of lines; beside the speed it prints the state hash, which says
//! whether the work was the same.

use std::error::Error;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::Command;

/// Lines replayed where no number is given.
const LINES: u64 = 2_000_000;
/// Buyers that they are about.
const BUYERS: u64 = 20_000;

fn main() -> Result<(), Box<dyn Error>> {
    let lines = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(LINES);
    let folder = tempfile::tempdir()?;
    let events = folder.path().join("events.jsonl");
    write_events(&events, lines)?;
    let megabytes = std::fs::metadata(&events)?.len() / 1_000_000;
    println!("{lines} lines, {megabytes} MB, {BUYERS} buyers");
    for threads in ["1", "2", "4"] {
        let output = Command::new(env!("CARGO_BIN_EXE_vigie"))
            .args(["replay", "--summary", "-", "--now", "2030-01-01T00:00:00Z", "--threads", threads])
            .arg(&events)
            .output()?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
        }
        let summary: serde_json::Value = serde_json::from_slice(&output.stdout)?;
        let value = |name: &str| summary[name].to_string();
        println!(
            "threads {threads}: {} events/s, {} applied, state {}",
            value("events_per_second"),
            value("applied"),
            value("state_hash")
        );
    }
    Ok(())
}

/// Invoices, each paid in part or whole somewhat later, of buyers in turn; a day passes every so often.
fn write_events(path: &Path, lines: u64) -> std::io::Result<()> {
    let mut out = BufWriter::new(File::create(path)?);
    for line in 0..lines {
        let pair = line / 2;
        let buyer = pair.wrapping_mul(0x9e37_79b9_7f4a_7c15) % BUYERS;
        let second = line * 86_400 * 360 / lines;
        let (day, second) = (second / 86_400, second % 86_400);
        let (month, day) = (day / 30 + 1, (day % 30).min(27) + 1);
        let date = format!("2025-{month:02}-{day:02}");
        let head = format!(r#"{{"specversion":"1.0","id":"e-{line}","source":"erp/fr","type":"#,);
        let time = format!("{date}T{:02}:{:02}:{:02}Z", second / 3600, second / 60 % 60, second % 60);
        let (type_name, data) = if line % 2 == 0 {
            let due = format!("2026-{month:02}-{day:02}");
            let data = format!(
                r#"{{"invoice_id":"F-{pair}","amount":"{}.50","currency":"EUR","issued_on":"{date}","due_on":"{due}"}}"#,
                100 + pair % 10_000
            );
            ("invoice.issued", data)
        } else {
            let data = format!(
                concat!(
                    r#"{{"payment_id":"P-{pair}","amount":"{amount}.25","currency":"EUR","received_on":"{date}","#,
                    r#""allocations":[{{"invoice_id":"F-{pair}","amount":"{amount}.25"}}]}}"#
                ),
                pair = pair,
                amount = 100 + pair % 10_000,
                date = date
            );
            ("payment.received", data)
        };
        writeln!(
            out,
            r#"{head}"{type_name}","subject":"buyer-{buyer:06}","time":"{time}","datacontenttype":"application/json","data":{data}}}"#
        )?;
    }
    out.flush()
}
