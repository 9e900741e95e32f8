//! Owns the bar that shows on a terminal how far the reading of files is.

use std::path::PathBuf;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How far the reading is, on a terminal.
pub fn bar(paths: &[PathBuf]) -> ProgressBar {
    const BAR: &str = "{bar:30} {binary_bytes} of {binary_total_bytes}, {binary_bytes_per_sec}, {eta} left";
    const SPINNER: &str = "{spinner} {binary_bytes}, {binary_bytes_per_sec}";
    // Unknown for standard input; a file that is missing shows as an error later.
    let total = paths.iter().try_fold(0, |total, path| std::fs::metadata(path).map(|file| total + file.len())).ok();
    let template = if total.is_some() { BAR } else { SPINNER };
    let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr());
    bar.set_style(ProgressStyle::with_template(template).expect("the template is right"));
    bar
}

/// How many of `total` things are done, on a terminal.
pub fn counted(total: u64, things: &str) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
    let template = format!("{{bar:30}} {{pos}} of {{len}} {things}, {{per_sec}}, {{eta}} left");
    bar.set_style(ProgressStyle::with_template(&template).expect("the template is right"));
    bar
}
