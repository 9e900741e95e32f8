//! Owns how tables look on a terminal of 120 columns.

use super::tables::Table;

/// Columns of the terminal.
const WIDTH: usize = 120;
/// Blanks between two columns.
const GAP: usize = 2;

/// The facts and tables as text.
#[must_use]
pub fn render(facts: &[(&str, String)], tables: &[Table]) -> String {
    let mut out = String::new();
    let widest = facts.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    for (name, text) in facts {
        let start = format!("{name:widest$}  ");
        push_wrapped(&mut out, &start, text);
    }
    for table in tables {
        push_table(&mut out, table);
    }
    out
}

fn push_table(out: &mut String, table: &Table) {
    let widths: Vec<usize> = (0..table.head.len()).map(|column| width_of(table, column)).collect();
    out.push_str(&format!("\n{}\n", table.title));
    for cells in std::iter::once(&table.head).chain(&table.rows) {
        let mut line = format!("  {:width$}", cells[0], width = widths[0]);
        for (cell, width) in cells.iter().zip(&widths).skip(1) {
            line.push_str(&format!("{:GAP$}{cell:>width$}", ""));
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    for note in &table.notes {
        push_wrapped(out, "  ", note);
    }
}

fn width_of(table: &Table, column: usize) -> usize {
    let cells = std::iter::once(&table.head).chain(&table.rows).map(|cells| cells[column].chars().count());
    cells.max().unwrap_or(0)
}

/// Writes a text behind its start, broken at blanks, the further lines indented as far.
fn push_wrapped(out: &mut String, start: &str, text: &str) {
    let indent = start.chars().count();
    let mut line = start.to_owned();
    for word in text.split(' ') {
        let used = line.chars().count();
        if used > indent && used + word.chars().count() > WIDTH {
            out.push_str(line.trim_end());
            out.push('\n');
            line = " ".repeat(indent);
        }
        line.push_str(word);
        line.push(' ');
    }
    out.push_str(line.trim_end());
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_under_each_other_and_long_notes_are_broken() {
        let cells = |texts: [&str; 2]| texts.map(str::to_owned).to_vec();
        let table = Table {
            title: "T".to_owned(),
            head: cells(["name", "n"]),
            rows: vec![cells(["a", "1,000"]), cells(["longer", "-"])],
            notes: vec!["word ".repeat(40)],
        };
        let text = render(&[("files", "a".to_owned())], &[table]);
        assert!(text.starts_with("files  a\n\nT\n  name        n\n  a       1,000\n  longer      -\n  word"), "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
        assert_eq!(text.matches("word").count(), 40);
    }
}
