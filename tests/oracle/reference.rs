//! Owns the reference implementation's side: its program, run as it stands.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::compare::{Answer, Settings, counts, file, rows, run};

/// What the reference implementation makes of a file.
pub fn oracle(script: &Path, lines: &[Vec<u8>], settings: &Settings) -> Result<Answer, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let events = folder.path().join("events.jsonl");
    fs::write(&events, file(lines)).map_err(|error| error.to_string())?;
    let mut command = Command::new("python3");
    command.arg(script).arg(events).args(["--now", &settings.now, "--base", &settings.base]);
    if let Some(as_of) = &settings.as_of {
        command.args(["--as-of", as_of]);
    }
    let output = run(command)?;
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    let last = told.lines().last().unwrap_or_default();
    let summary = serde_json::from_str(last).map_err(|error| format!("the counts {last:?}: {error}"))?;
    Ok(Answer { rows: rows(&String::from_utf8_lossy(&output.stdout))?, counts: counts(&summary)? })
}
