//! Owns the rows of an import while they are gathered: what was read, what was refused and mended, and why.

use std::collections::BTreeMap;
use std::hash::BuildHasher;
use std::path::{Path, PathBuf};

use hashbrown::{DefaultHashBuilder, HashTable, hash_table::Entry};
use indicatif::ProgressBar;
use serde::Serialize;

use super::map::Map;
use super::row::{Mended, Reason, Record, RowError, Told};
use super::table::{Table, shown};
use crate::base::Day;
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
    /// Ratings without a date.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub undated: Option<Undated>,
    /// Events written, by type.
    pub events: BTreeMap<&'static str, u64>,
}

/// Ratings that an extract gives without a date.
#[derive(Debug, Serialize)]
pub struct Undated {
    /// How many.
    pub ratings: u64,
    /// The day of which the map takes them to be.
    #[serde(serialize_with = "as_text")]
    pub as_of: Day,
}

fn as_text<S: serde::Serializer>(day: &Day, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(day)
}

/// Where a row stands.
#[derive(Debug, Clone, Copy)]
struct Place {
    file: usize,
    line: u64,
}

/// The rows of an import.
pub struct Gather<'a, R> {
    map: &'a Map,
    rows_max: usize,
    files: Vec<PathBuf>,
    records: Vec<R>,
    places: Vec<Place>,
    by_name: HashTable<u32>,
    hasher: DefaultHashBuilder,
    summary: Summary,
}

impl<'a, R: Record> Gather<'a, R> {
    /// Nothing yet; at most `rows_max` rows, not over [`ROWS_MAX`].
    pub fn new(map: &'a Map, rows_max: usize) -> Gather<'a, R> {
        Gather {
            map,
            rows_max: rows_max.min(ROWS_MAX),
            files: Vec::new(),
            records: Vec::new(),
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
        let name = path.display();
        for field in &self.map.may_be_absent {
            if let (None, Some(column)) = (table.column(*field), self.map.columns.get(field)) {
                say(bar, &format!("{name}:1: there is no column {column:?}: read without the {}", field.as_str()));
            }
        }
        let mut mended = Vec::new();
        while table.advance()? {
            self.summary.rows += 1;
            bar.set_position(self.summary.rows);
            if self.summary.rows > self.rows_max as u64 {
                let max = self.rows_max;
                return Err(CliError::Failed(format!("{name}:{}: over {max} rows; import in parts", table.line())));
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
    pub fn finish(self) -> (Vec<R>, Summary) {
        (self.records, self.summary)
    }

    fn take(&mut self, table: &Table, mended: &mut Vec<Mended>) -> Result<(), RowError> {
        let record = R::read(table, self.map, mended)?;
        let hash = |record: &R| self.hasher.hash_one(record.name());
        let is_same = |row: &u32| self.records[*row as usize].name() == record.name();
        let rehash = |row: &u32| hash(&self.records[*row as usize]);
        match self.by_name.entry(hash(&record), is_same, rehash) {
            Entry::Occupied(before) => {
                let before = *before.get() as usize;
                return Err(self.known(table, &record, before));
            }
            Entry::Vacant(place) => {
                place.insert(u32::try_from(self.records.len()).expect("rows are limited"));
            }
        }
        record.count(self.map, &mut self.summary);
        self.places.push(Place { file: self.files.len() - 1, line: table.line() });
        self.records.push(record);
        self.summary.used += 1;
        Ok(())
    }

    fn known(&self, table: &Table, record: &R, before: usize) -> RowError {
        let Place { file, line } = self.places[before];
        let at = format!("{}:{line}", self.files[file].display());
        let (place, column) = table.column(R::NAMED_BY).expect("a needed column");
        let cell = shown(table.cell(R::NAMED_BY).ok().flatten().unwrap_or_default());
        let (reason, message) = if self.records[before] == *record {
            (Reason::Duplicate, format!("{column}: {cell} is the same as at {at}: skipped"))
        } else {
            let why = format!("{}, with other content; keep one of the two", R::NAMED_WITHIN);
            (Reason::Conflict, format!("{column}: {cell} stands at {at} already, {why}"))
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
    use super::super::row::Invoice;
    use super::*;

    #[test]
    fn rows_are_taken_up_to_the_limit_and_not_past_it() {
        let map = Map::parse(
            "name = \"t\"\ndates = [\"%Y-%m-%d\"]\ncurrency = \"EUR\"\n[columns]\nbuyer = \"b\"\ndocument = \"d\"\n\
             issued_on = \"i\"\ndue_on = \"u\"\namount = \"a\"\n",
            None,
        )
        .expect("a map");
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("two.csv");
        std::fs::write(&path, "b,d,i,u,a\nB,1,2024-01-01,2024-01-31,5\nB,2,2024-01-01,2024-01-31,5\n")
            .expect("written");
        let mut enough = Gather::<Invoice>::new(&map, 2);
        enough.read(&path, &ProgressBar::hidden()).expect("read");
        assert_eq!(enough.finish().0.len(), 2);
        let mut one = Gather::<Invoice>::new(&map, 1);
        let error = one.read(&path, &ProgressBar::hidden()).expect_err("an error").to_string();
        assert_eq!(error, format!("{}:3: over 1 rows; import in parts", path.display()));
    }
}
