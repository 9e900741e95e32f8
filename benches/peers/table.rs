//! What was measured: each line as it comes, and one table at the end, as text and as Markdown.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::side::{Engine, Side};
use crate::support::median;

/// What is measured of a side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Figure {
    /// Events a second, flat out, in the steady state.
    Rate,
    /// CPU microseconds an event, in the steady state.
    Cpu,
    /// The same with the start and the warm-up.
    WholeCpu,
    /// From the start of the process to the last event committed.
    WholeSeconds,
    /// Median latency at the lower rate, in milliseconds.
    LowerP50,
    /// Its 99th percentile.
    LowerP99,
    /// Median latency at the higher rate.
    HigherP50,
    /// Its 99th percentile.
    HigherP99,
    /// The most memory it had, in MB, flat out.
    MemoryAtCost,
    /// The most memory it had, in MB, with few buyers.
    MemoryFew,
    /// The same with many.
    MemoryMany,
    /// From the start after kill -9 to the first new alert that can be read, in seconds.
    Recovery,
    /// Bytes that the broker keeps an event, beside the event.
    Bytes,
}

/// A figure: its heading, its decimals, and whether the table has it.
const FIGURES: [(Figure, &str, usize, bool); 13] = [
    (Figure::Rate, "events/s", 0, true),
    (Figure::Cpu, "CPU µs/event", 2, true),
    (Figure::WholeCpu, "CPU µs/event with start", 2, false),
    (Figure::WholeSeconds, "s from start to end", 1, false),
    (Figure::LowerP50, "p50 ms at 20,000/s", 0, true),
    (Figure::LowerP99, "p99 ms at 20,000/s", 0, true),
    (Figure::HigherP50, "p50 ms at 100,000/s", 0, true),
    (Figure::HigherP99, "p99 ms at 100,000/s", 0, true),
    (Figure::MemoryAtCost, "MB flat out", 0, false),
    (Figure::MemoryFew, "MB, 80,000 buyers", 0, true),
    (Figure::MemoryMany, "MB, 1,000,000 buyers", 0, true),
    (Figure::Recovery, "recovery s", 2, true),
    (Figure::Bytes, "Kafka bytes/event", 1, true),
];

/// All figures, of every run.
#[derive(Debug, Default)]
pub struct Table {
    figures: BTreeMap<(Side, Figure), Vec<f64>>,
    notes: Vec<String>,
}

impl Table {
    /// Takes what a run gave, and says it.
    pub fn tell(&mut self, side: Side, figures: &[(Figure, f64)]) {
        let mut line = format!("  {:<26}", side.title());
        for (figure, value) in figures {
            self.figures.entry((side, *figure)).or_default().push(*value);
            let (_, heading, decimals, _) = told(*figure);
            let _ = write!(line, "  {} {heading}", number(*value, *decimals));
        }
        println!("{line}");
    }

    /// Something that the table cannot say, such as a rate that a side does not hold.
    pub fn note(&mut self, note: String) {
        println!("  note: {note}");
        self.notes.push(note);
    }

    /// The table: medians, each with how many times that of vigie's reduced job it is.
    pub fn markdown(&self) -> String {
        let has = |figure: Figure| self.figures.keys().any(|(_, of)| *of == figure);
        let columns: Vec<_> = FIGURES.iter().filter(|(figure, _, _, is_told)| *is_told && has(*figure)).collect();
        let mut out = String::from("| |");
        for (_, heading, ..) in &columns {
            let _ = write!(out, " {heading} |");
        }
        out.push_str("\n| --- |");
        out.push_str(&" --- |".repeat(columns.len()));
        out.push('\n');
        let mut sides: Vec<Side> = self.figures.keys().map(|(side, _)| *side).collect();
        sides.dedup();
        for side in sides {
            let _ = write!(out, "| {} |", side.title());
            for (figure, _, decimals, _) in &columns {
                let cell = self.median(side, *figure).map_or("–".to_owned(), |value| {
                    let ratio = self.vigie(*figure).map(|vigie| format!(" ({:.2}×)", value / vigie));
                    format!("{}{}", number(value, *decimals), ratio.unwrap_or_default())
                });
                let _ = write!(out, " {cell} |");
            }
            out.push('\n');
        }
        for note in &self.notes {
            let _ = write!(out, "\n{note}\n");
        }
        out
    }

    /// What ratios are to: vigie at the same job, or whole where that was not measured.
    fn vigie(&self, figure: Figure) -> Option<f64> {
        let mut vigies = self.figures.keys().filter(|(side, of)| *of == figure && side.is_vigie());
        let reduced = vigies.clone().find(|(side, _)| side.engine == Engine::VigieReduced);
        let (side, _) = reduced.or_else(|| vigies.next())?;
        self.median(*side, figure)
    }

    fn median(&self, side: Side, figure: Figure) -> Option<f64> {
        self.figures.get(&(side, figure)).map(|values| median(values.clone()))
    }
}

fn told(figure: Figure) -> &'static (Figure, &'static str, usize, bool) {
    FIGURES.iter().find(|(known, ..)| *known == figure).expect("every figure is in the list")
}

/// With commas between thousands.
fn number(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    let (whole, rest) = text.split_at(text.find('.').unwrap_or(text.len()));
    let digits: Vec<char> = whole.chars().collect();
    let mut out = String::new();
    for (index, digit) in digits.iter().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) && digits[index - 1].is_ascii_digit() {
            out.push(',');
        }
        out.push(*digit);
    }
    out + rest
}
