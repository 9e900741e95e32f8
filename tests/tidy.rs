//! Checks properties of the code itself: who may depend on whom, what is banned, how long a file may grow, what lies where.

use std::fs;
use std::path::{Path, PathBuf};

/// Each layer and the layers it may name. This table is the architecture.
const LAYERS: &[(&str, &[&str])] = &[
    ("base", &[]),
    ("event", &["base"]),
    ("risk", &["base", "event"]),
    ("wire", &["base", "event"]),
    ("runtime", &["base", "event", "risk", "wire"]),
    ("workload", &["base", "event", "wire"]),
    ("sim", &["base", "event", "risk", "wire", "runtime", "workload"]),
    ("view", &["base", "event", "wire"]),
    ("io", &["base", "event", "wire", "runtime", "view"]),
    ("cli", &["base", "event", "risk", "wire", "runtime", "workload", "sim", "view", "io"]),
    ("main.rs", &["cli"]),
    ("lib.rs", &[]),
];

/// Text that may not appear under a path, and what to do instead.
const BANNED: &[(&str, &str, &str)] = &[
    ("src/base", "serde", "stored forms are borsh, the wire's are in wire"),
    ("src/base", "f64", "money and rates are integers"),
    ("src/base", "std::fs", "the vocabulary does no I/O"),
    ("src/event", "serde", "JSON belongs to wire"),
    ("src/event", "f64", "money and rates are integers"),
    ("src/event", "std::fs", "the vocabulary does no I/O"),
    ("src/risk", "std::time", "time arrives on the event"),
    ("src/risk", "std::fs", "the core does no I/O"),
    ("src/risk", "std::io", "the core does no I/O"),
    ("src/risk", "std::env", "what changes results is in the params"),
    ("src/risk", "std::thread", "a shard lives in one thread"),
    ("src/risk", "Mutex", "a shard has one owner"),
    ("src/risk", "println!", "return an effect; the runtime tells"),
    ("src/risk", "tracing", "return an effect; the runtime logs"),
    ("src/risk", "serde", "stored forms are borsh, the wire's are in wire"),
    ("src/risk", "f32", "money and scores are integers"),
    ("src/risk", "f64", "money and scores are integers"),
    ("src/risk", "std::collections::Hash", "its order differs from run to run: use one with a fixed order"),
    ("src/risk", "RandomState", "its order differs from run to run: use one with a fixed order"),
    ("src/wire", "std::fs", "a codec does no I/O"),
    ("src/wire", "std::time", "a codec reads no clock"),
    ("src/view", "std::fs", "the read model is fed; it does no I/O"),
    ("src/view", "tokio", "the read model waits for nothing"),
    ("src/view", "std::time", "time arrives in the outputs"),
    ("src/runtime", "tokio", "the runtime is synchronous"),
    ("src/runtime", "std::fs", "files stand behind a port; io opens them"),
    ("src/runtime", "SystemTime", "the wall clock arrives through a port"),
    ("src/workload", "std::fs", "a workload is drawn from its seed; cli writes it"),
    ("src/workload", "std::time", "a workload is drawn from its seed"),
    ("src/sim", "std::time", "the simulator's time is its own"),
    ("", concat!("TO", "DO"), "do it or leave it out"),
    ("", concat!("FIX", "ME"), "resolve before merge"),
    ("", concat!("XX", "X:"), "resolve before merge"),
    ("", concat!("to", "do!("), "write it or leave it out"),
    ("", concat!("unim", "plemented!("), "write it or leave it out"),
    ("", concat!("db", "g!("), "remove before merge"),
    ("", concat!("#[ig", "nore"), "a test runs or goes"),
];

/// The client of Kafka stays behind the port; the tests on a broker look at it from outside.
const KAFKA_HOMES: &[&str] = &["src/io/kafka", "tests/kafka", "benches/peers/kafka.rs"];
/// The one file with unsafe code: what the client of Kafka offers in C alone.
const UNSAFE_HOME: &str = "src/io/kafka/queue.rs";
const LINES_MAX: usize = 600;

/// Everything that lies at the top of the repository; what begins with a dot aside.
const TOP_LEVEL: &[&str] = &[
    "ARCHITECTURE.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "Makefile",
    "OPERATIONS.md",
    "README.md",
    "benches",
    "clippy.toml",
    "deny.toml",
    "docker",
    "grafana",
    "params.toml",
    "schemas",
    "src",
    "target",
    "tests",
];

#[test]
fn the_code_is_tidy() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut errors = Vec::new();
    for folder in ["src", "tests", "benches"] {
        for path in rust_files(&root.join(folder)) {
            let name = path.strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/");
            check(&name, &fs::read_to_string(&path).unwrap(), &mut errors);
        }
    }
    assert!(errors.is_empty(), "\n{}", errors.join("\n"));
}

#[test]
fn nothing_else_lies_at_the_top_of_the_repository() {
    let names = fs::read_dir(env!("CARGO_MANIFEST_DIR")).unwrap().map(|entry| entry.unwrap().file_name());
    let mut strangers: Vec<String> = names
        .map(|name| name.to_str().unwrap().to_owned())
        .filter(|name| !name.starts_with('.') && !TOP_LEVEL.contains(&name.as_str()))
        .collect();
    strangers.sort();
    assert!(strangers.is_empty(), "at the top of the repository, and not of it: {strangers:?}");
}

#[test]
fn every_folder_of_the_source_is_a_layer_of_the_table() {
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).unwrap() {
        let name = entry.unwrap().file_name().to_str().unwrap().to_owned();
        assert!(LAYERS.iter().any(|(layer, _)| *layer == name), "src/{name} has no place in the table of layers");
    }
}

#[test]
fn what_is_untidy_is_reported() {
    let mut errors = Vec::new();
    check("src/risk/ledger.rs", "//! Ledger.\nuse crate::io::clock;\nlet a: f64;\n", &mut errors);
    check("src/io/http.rs", "//! Http.\nuse rdkafka::Message;\nuse crate::{base::Day, cli};\n", &mut errors);
    check("src/io/kafka/mod.rs", "//! Kafka.\nuse rdkafka::Message;\nuse crate::risk_free;\n", &mut errors);
    check("tests/kafka/main.rs", "//! Kafka.\nuse rdkafka::Message;\n", &mut errors);
    check("src/main.rs", "//! Main.\nvigie::risk::main()\n", &mut errors);
    check("src/io/kafka/group.rs", concat!("//! Group.\nuns", "afe { f() }\n"), &mut errors);
    check("tests/a.rs", concat!("// TO", "DO\n"), &mut errors);
    check("src/base/long.rs", &format!("//! Long.\n{}", "\n".repeat(LINES_MAX)), &mut errors);
    assert_eq!(
        errors,
        [
            "src/risk/ledger.rs:2: risk may not depend on io",
            "src/risk/ledger.rs:3: f64 is banned here: money and scores are integers",
            "src/io/http.rs:2: rdkafka stays in src/io/kafka and tests/kafka and benches/peers/kafka.rs",
            "src/io/http.rs:3: io may not depend on cli",
            "src/main.rs:2: main.rs may not depend on risk",
            "src/io/kafka/group.rs:2: unsafe code stays in src/io/kafka/queue.rs",
            "tests/a.rs: must start with a //! line saying what it owns",
            concat!("tests/a.rs:1: TO", "DO is banned here: do it or leave it out"),
            "src/base/long.rs: over 600 lines, split by responsibility",
        ]
    );
}

fn check(name: &str, text: &str, errors: &mut Vec<String>) {
    if text.lines().count() > LINES_MAX {
        errors.push(format!("{name}: over {LINES_MAX} lines, split by responsibility"));
    }
    if !text.starts_with("//!") {
        errors.push(format!("{name}: must start with a //! line saying what it owns"));
    }
    let layer = name.strip_prefix("src/").and_then(|rest| rest.split('/').next());
    let layer = layer.and_then(|layer| LAYERS.iter().find(|(own, _)| *own == layer));
    let is_word_list = name == file!().replace('\\', "/");
    for (index, line) in text.lines().enumerate() {
        let at = format!("{name}:{}", index + 1);
        if line.contains("rdkafka") && !KAFKA_HOMES.iter().any(|home| name.starts_with(home)) && !is_word_list {
            errors.push(format!("{at}: rdkafka stays in {}", KAFKA_HOMES.join(" and ")));
        }
        let is_code = !line.trim_start().starts_with("//");
        if line.contains("unsafe") && is_code && name != UNSAFE_HOME && !is_word_list {
            errors.push(format!("{at}: unsafe code stays in {UNSAFE_HOME}"));
        }
        for (path, banned, instead) in BANNED {
            if name.starts_with(path) && line.contains(banned) {
                errors.push(format!("{at}: {banned} is banned here: {instead}"));
            }
        }
        let Some((own, allowed)) = layer else { continue };
        for (other, _) in LAYERS {
            if other != own && !allowed.contains(other) && names_layer(line, other) {
                errors.push(format!("{at}: {own} may not depend on {other}"));
            }
        }
    }
}

/// Whether a line names a layer: `crate::io`, `vigie::io`, or `io` inside `crate::{base::Day, io}`.
fn names_layer(line: &str, layer: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    ["crate::", "vigie::"].iter().flat_map(|root| line.split(root).skip(1)).any(|rest| match rest.strip_prefix('{') {
        Some(list) => list.split([',', '{', '}']).any(|item| item.trim().split("::").next() == Some(layer)),
        None => rest.split(|c| !is_part(c)).next() == Some(layer),
    })
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    if !folder.is_dir() {
        return found;
    }
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(rust_files(&path));
        } else if path.extension().is_some_and(|ext| ext == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}
