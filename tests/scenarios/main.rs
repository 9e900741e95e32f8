//! Runs the scenarios: lines of what happens to a buyer, and under them what the engine has to say about it.
//!
//! A scenario is a text in this folder that credit people can read. Lines with `=>` are what is expected; `make scenarios`
//! rewrites them from what the engine does now, and the difference is there to be read. The words are those of `language.rs`.

mod language;
mod stage;

use std::fs;
use std::path::{Path, PathBuf};

use stage::play;

fn scenarios() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios");
    let mut paths: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "txt"));
    paths.sort();
    paths
}

#[test]
fn every_scenario_plays_as_it_is_written() {
    #[expect(clippy::disallowed_methods, reason = "`UPDATE=1 cargo test` is the way to rewrite what is expected")]
    let update = std::env::var_os("UPDATE").is_some();
    let mut told = Vec::new();
    for path in scenarios() {
        let written = fs::read_to_string(&path).unwrap();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let played = play(&written).unwrap_or_else(|why| panic!("{name}: {why}"));
        if played == written {
            continue;
        }
        if update {
            fs::write(&path, played).unwrap();
        } else {
            told.push(format!("--- {name}\n{}", difference(&written, &played)));
        }
    }
    assert!(told.is_empty(), "\n{}\nto take it as it is now: make scenarios", told.join("\n"));
}

#[test]
fn every_kind_of_alert_and_every_refusal_of_the_ledger_has_a_scenario() {
    let text: String = scenarios().iter().map(|path| fs::read_to_string(path).unwrap()).collect();
    for kind in vigie::event::AlertKind::ALL {
        for turn in ["raised", "cleared"] {
            let line = format!("alert.{turn} {} ", kind.as_str());
            assert!(text.contains(&line), "no scenario shows {line}");
        }
    }
    for code in ["conflict", "not_open", "too_late"] {
        assert!(text.contains(&format!("=> refused {code} ")), "no scenario shows the refusal {code}");
    }
}

/// The lines that are written and not played, and the other way round, around the first of them.
fn difference(written: &str, played: &str) -> String {
    let (written, played): (Vec<&str>, Vec<&str>) = (written.lines().collect(), played.lines().collect());
    let same = written.iter().zip(&played).take_while(|(one, other)| one == other).count();
    let context = written[..same].iter().rev().take(3).rev().map(|line| format!("  {line}"));
    let missing = written[same..].iter().filter(|line| !played[same..].contains(line)).map(|line| format!("- {line}"));
    let new = played[same..].iter().filter(|line| !written[same..].contains(line)).map(|line| format!("+ {line}"));
    context.chain(missing).chain(new).collect::<Vec<_>>().join("\n")
}
