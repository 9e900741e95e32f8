//! What a running service answers over HTTP.

use std::io::{Read, Write};
use std::net::TcpStream;

use super::Outcome;

/// Its metrics.
pub fn page(port: u16) -> Outcome<String> {
    get(port, "/metrics")
}

/// Whether it is ready.
pub fn is_ready(port: u16) -> bool {
    get(port, "/ready").is_ok_and(|answer| answer.contains("200 OK"))
}

/// How many events it took, by its page.
pub fn applied(page: &str) -> u64 {
    let events = page.lines().filter(|line| line.starts_with("vigie_events_total{"));
    events.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum::<f64>() as u64
}

fn get(port: u16, path: &str) -> Outcome<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    write!(stream, "GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}
