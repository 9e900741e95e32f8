//! Owns the reading of golden files: random files kept with what the reference implementation made of them, so that no Python is needed.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::case::{GOLDEN_SEEDS, Kind};
use crate::compare::{Answer, Settings};

/// One kept file.
pub struct Golden {
    pub name: String,
    pub kind: Kind,
    pub lines: Vec<Vec<u8>>,
    /// Settings, and what the reference implementation answers with them.
    pub answers: Vec<(Settings, Answer)>,
}

/// Every golden file.
pub fn read(folder: &Path) -> Result<Vec<Golden>, String> {
    let mut found = Vec::new();
    for kind in [Kind::Conflicts, Kind::AnyOrder] {
        for seed in 1..=GOLDEN_SEEDS {
            let name = format!("{}-{seed:02}", kind.word());
            let events = unpack(&folder.join(format!("{name}.events.jsonl.zst")))?;
            let answers = unpack(&folder.join(format!("{name}.answers.json.zst")))?;
            let answers: Vec<Value> = serde_json::from_slice(&answers).map_err(|error| format!("{name}: {error}"))?;
            let mut lines: Vec<Vec<u8>> = events.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
            lines.pop();
            found.push(Golden { name, kind, lines, answers: answers.iter().map(kept_answer).collect() });
        }
    }
    Ok(found)
}

fn kept_answer(kept: &Value) -> (Settings, Answer) {
    let word = |name: &str| kept[name].as_str().map(str::to_owned);
    let settings = Settings {
        now: word("now").expect("a golden file says what now is"),
        as_of: word("as_of"),
        base: word("base").expect("a golden file has a base currency"),
    };
    let rows = serde_json::from_value(kept["rows"].clone()).expect("rows are objects");
    (settings, Answer { rows, counts: serde_json::from_value(kept["counts"].clone()).expect("counts are numbers") })
}

fn unpack(path: &PathBuf) -> Result<Vec<u8>, String> {
    let told = |error: std::io::Error| format!("{}: {error}", path.display());
    let mut bytes = Vec::new();
    let mut decoder = zstd::Decoder::new(fs::File::open(path).map_err(told)?).map_err(told)?;
    decoder.read_to_end(&mut bytes).map_err(told)?;
    Ok(bytes)
}
