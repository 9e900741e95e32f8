//! Owns the writing of golden files: random files, and what the reference implementation makes of them.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::case::{Case, GOLDEN_SEEDS, Kind, case};
use crate::compare::{Settings, file};
use crate::reference::oracle;

/// The best that zstd does.
const ZSTD_LEVEL: i32 = 19;

/// Makes the golden files anew.
pub fn write(script: &Path, folder: &Path) -> Result<(), String> {
    fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    for seed in 1..=GOLDEN_SEEDS {
        for kind in [Kind::Conflicts, Kind::AnyOrder] {
            let case = case(seed, kind);
            let path = |ending: &str| folder.join(format!("{}-{seed:02}.{ending}.zst", kind.word()));
            pack(&path("events.jsonl"), &file(&case.lines))?;
            let answers = [answer(script, &case, None)?, answer(script, &case, Some(case.as_of.clone()))?];
            pack(&path("answers.json"), json!(answers).to_string().as_bytes())?;
            println!("{}: {} lines", path("events.jsonl").display(), case.lines.len());
        }
    }
    Ok(())
}

fn answer(script: &Path, case: &Case, as_of: Option<String>) -> Result<Value, String> {
    let settings = Settings { now: case.now.clone(), as_of, base: case.base.clone() };
    let answer = oracle(script, &case.lines, &settings)?;
    Ok(json!({
        "now": settings.now, "as_of": settings.as_of, "base": settings.base,
        "counts": answer.counts, "rows": answer.rows,
    }))
}

fn pack(path: &PathBuf, bytes: &[u8]) -> Result<(), String> {
    let told = |error: std::io::Error| format!("{}: {error}", path.display());
    let mut encoder = zstd::Encoder::new(fs::File::create(path).map_err(told)?, ZSTD_LEVEL).map_err(told)?;
    encoder.write_all(bytes).and_then(|()| encoder.finish()).map_err(told)?;
    Ok(())
}
