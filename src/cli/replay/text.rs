//! Owns how tables for a person are laid out: lines, columns, grouped figures.

use crate::base::money::grouped;

/// A name and its value.
pub fn line(out: &mut String, name: &str, value: &str) {
    out.push_str(&format!("  {name:<24}{value:>24}\n"));
}

/// Rows of equal length in columns: the first to the left, the others to the right.
pub fn columns(out: &mut String, rows: Vec<Vec<String>>) {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..rows[0].len()).map(width).collect();
    for row in &rows {
        out.push_str(&format!("  {:<1$}", row[0], widths[0]));
        for (cell, width) in row.iter().zip(&widths).skip(1) {
            out.push_str(&format!("  {cell:>width$}"));
        }
        out.push('\n');
    }
}

/// An amount in cents.
pub fn money(cents: i128) -> String {
    grouped(cents * 100)
}

/// A count.
pub fn thousands(count: u64) -> String {
    let text = grouped(i128::from(count) * 10_000);
    text.strip_suffix(".00").unwrap_or(&text).to_owned()
}

/// A text, cut where it would break the table.
pub fn shortened(id: &str) -> String {
    const CHARS_MAX: usize = 24;
    let mut chars = id.chars();
    let head: String = chars.by_ref().take(CHARS_MAX).collect();
    if chars.next().is_some() { format!("{head}…") } else { head }
}
