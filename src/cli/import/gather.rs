//! Owns the invoices of an import while they are gathered: what was read, what was refused and mended, and why.

use std::collections::BTreeMap;
use std::hash::BuildHasher;
use std::path::{Path, PathBuf};

use hashbrown::{DefaultHashBuilder, HashTable, hash_table::Entry};
use indicatif::ProgressBar;
use serde::Serialize;

use super::map::{Field, Map};
use super::row::{self, Invoice, Mended, Reason, RowError, Told};
use super::table::Table;
use crate::cli::CliError;

/// The most rows of one import: they are held in memory, to be put in order.
pub const ROWS_MAX: usize = 5_000_000;

/// What an import did, in numbers. `rows` is always `used` and all of `refused`.
#[derive(Debug, Default, Serialize)]
pub struct Summary {
    /// Rows read.
    pub rows: u64,
    /// Rows that became events.
    pub used: u64,
    /// Rows refused, by reason.
    pub refused: BTreeMap<&'static str, u64>,
    /// Rows that a rule of the map mended, by rule.
    pub mended: BTreeMap<&'static str, u64>,
    /// Rows used, by currency.
    pub currencies: BTreeMap<String, u64>,
    /// Events written, by type.
    pub events: BTreeMap<&'static str, u64>,
}

/// Where a row stands.
#[derive(Debug, Clone, Copy)]
struct Place {
    file: usize,
    line: u64,
}

/// The invoices of an import.
pub struct Gather<'a> {
    map: &'a Map,
    rows_max: usize,
    files: Vec<PathBuf>,
    invoices: Vec<Invoice>,
    places: Vec<Place>,
    by_name: HashTable<u32>,
    hasher: DefaultHashBuilder,
    summary: Summary,
}

impl<'a> Gather<'a> {
    /// Nothing yet; at most `rows_max` rows, not over [`ROWS_MAX`].
    pub fn new(map: &'a Map, rows_max: usize) -> Gather<'a> {
        Gather {
            map,
            rows_max: rows_max.min(ROWS_MAX),
            files: Vec::new(),
            invoices: Vec::new(),
            places: Vec::new(),
            by_name: HashTable::new(),
            hasher: DefaultHashBuilder::default(),
            summary: Summary::default(),
        }
    }

    /// Reads a file. Each row that is refused or mended is told on standard error in one line, past the progress bar.
    ///
    /// # Errors
    /// When the file cannot be read to its end, lacks a column, or makes too many rows.
    pub fn read(&mut self, path: &Path, bar: &ProgressBar) -> Result<(), CliError> {
        let mut table = Table::open(path, self.map)?;
        self.files.push(path.to_owned());
        let shown = path.display();
        for field in &self.map.may_be_absent {
            if let (None, Some(column)) = (table.column(*field), self.map.columns.get(field)) {
                say(bar, &format!("{shown}:1: there is no column {column:?}: read without the {}", field.as_str()));
            }
        }
        let mut mended = Vec::new();
        while table.advance()? {
            self.summary.rows += 1;
            bar.set_position(self.summary.rows);
            if self.summary.rows > self.rows_max as u64 {
                let max = self.rows_max;
                return Err(CliError::Failed(format!("{shown}:{}: over {max} rows; import in parts", table.line())));
            }
            mended.clear();
            match self.take(&table, &mut mended) {
                Ok(()) => self.count_mended(&table, &mended, bar),
                Err(error) => self.count_refused(&table, &error, bar),
            }
        }
        Ok(())
    }

    /// What was gathered, in the order in which it was read, and the numbers so far.
    pub fn finish(self) -> (Vec<Invoice>, Summary) {
        (self.invoices, self.summary)
    }

    fn take(&mut self, table: &Table, mended: &mut Vec<Mended>) -> Result<(), RowError> {
        let invoice = row::read(table, self.map, mended)?;
        let name = |invoice: &Invoice| self.hasher.hash_one((&invoice.buyer, &invoice.seller, &invoice.document));
        let is_same = |row: &u32| {
            let other = &self.invoices[*row as usize];
            (&other.buyer, &other.seller, &other.document) == (&invoice.buyer, &invoice.seller, &invoice.document)
        };
        let rehash = |row: &u32| name(&self.invoices[*row as usize]);
        match self.by_name.entry(name(&invoice), is_same, rehash) {
            Entry::Occupied(before) => {
                let before = *before.get() as usize;
                return Err(self.known(table, &invoice, before));
            }
            Entry::Vacant(place) => {
                place.insert(u32::try_from(self.invoices.len()).expect("rows are limited"));
            }
        }
        *self.summary.currencies.entry(invoice.currency.to_string()).or_default() += 1;
        self.places.push(Place { file: self.files.len() - 1, line: table.line() });
        self.invoices.push(invoice);
        self.summary.used += 1;
        Ok(())
    }

    fn known(&self, table: &Table, invoice: &Invoice, before: usize) -> RowError {
        let Place { file, line } = self.places[before];
        let at = format!("{}:{line}", self.files[file].display());
        let (place, column) = table.column(Field::Document).expect("a needed column");
        let document = super::table::shown(&invoice.document);
        let (reason, message) = if self.invoices[before] == *invoice {
            (Reason::Duplicate, format!("{column}: {document} is the same as at {at}: skipped"))
        } else {
            let why = "of the same buyer and seller, with other content; keep one of the two";
            (Reason::Conflict, format!("{column}: {document} stands at {at} already, {why}"))
        };
        RowError { reason, column: place + 1, message, told: Told::Said }
    }

    fn count_mended(&mut self, table: &Table, mended: &[Mended], bar: &ProgressBar) {
        for mend in mended {
            *self.summary.mended.entry(mend.rule.as_str()).or_default() += 1;
            say(bar, &format!("{}: mended: {}", self.at(table, mend.column), mend.message));
        }
    }

    fn count_refused(&mut self, table: &Table, error: &RowError, bar: &ProgressBar) {
        *self.summary.refused.entry(error.reason.as_str()).or_default() += 1;
        if error.told == Told::Said {
            say(bar, &format!("{}: refused: {}", self.at(table, error.column), error.message));
        }
    }

    fn at(&self, table: &Table, column: usize) -> String {
        let file = self.files.last().expect("a file is being read");
        format!("{}:{}:{column}", file.display(), table.line())
    }
}

fn say(bar: &ProgressBar, line: &str) {
    bar.suspend(|| eprintln!("{line}"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_taken_up_to_the_limit_and_not_past_it() {
        let map = Map::parse(
            "name = \"t\"\ndates = [\"%Y-%m-%d\"]\ncurrency = \"EUR\"\n[columns]\nbuyer = \"b\"\ndocument = \"d\"\n\
             issued_on = \"i\"\ndue_on = \"u\"\namount = \"a\"\n",
        )
        .expect("a map");
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("two.csv");
        std::fs::write(&path, "b,d,i,u,a\nB,1,2024-01-01,2024-01-31,5\nB,2,2024-01-01,2024-01-31,5\n")
            .expect("written");
        let mut enough = Gather::new(&map, 2);
        enough.read(&path, &ProgressBar::hidden()).expect("read");
        assert_eq!(enough.finish().0.len(), 2);
        let error = Gather::new(&map, 1).read(&path, &ProgressBar::hidden()).expect_err("an error").to_string();
        assert_eq!(error, format!("{}:3: over 1 rows; import in parts", path.display()));
    }
}
