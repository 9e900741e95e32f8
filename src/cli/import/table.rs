//! Owns the reading of a CSV file: its header, its records, and where in the file each stands.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use csv::{ByteRecord, ReaderBuilder, Terminator};

use super::map::{Field, Map};
use crate::cli::CliError;
use crate::io::files::{self, FileError};

/// The longest record in bytes, give or take a buffer: more is a quote that was never closed.
const RECORD_BYTES_MAX: usize = 1 << 20;
/// Bytes that the reader of CSV takes at a time.
const BUFFER_BYTES: usize = 1 << 16;
/// Characters of a text from the file that an error shows.
const SHOWN_CHARS_MAX: usize = 60;
/// Column names that an error shows.
const SHOWN_NAMES_MAX: usize = 40;

/// A CSV file that is being read.
pub struct Table {
    path: PathBuf,
    reader: csv::Reader<Bounded>,
    record: ByteRecord,
    names: Vec<String>,
    places: [Option<usize>; Field::ALL.len()],
    further: Vec<usize>,
    line: u64,
}

impl Table {
    /// Opens a file and finds the map's columns in its header.
    ///
    /// # Errors
    /// When it cannot be read, is empty, or lacks a column.
    pub fn open(path: &Path, map: &Map) -> Result<Table, CliError> {
        // A line end after the last record makes every record end in one, so that lines can be counted back from it.
        let input = files::open(path)?.chain(&b"\n"[..]);
        let bounded = Bounded { input: Box::new(input), left: RECORD_BYTES_MAX };
        let reader = ReaderBuilder::new()
            .delimiter(map.delimiter)
            .terminator(Terminator::Any(b'\n'))
            .has_headers(false)
            .flexible(true)
            .buffer_capacity(BUFFER_BYTES)
            .from_reader(bounded);
        let mut table = Table {
            path: path.to_owned(),
            reader,
            record: ByteRecord::new(),
            names: Vec::new(),
            places: [None; Field::ALL.len()],
            further: Vec::new(),
            line: 0,
        };
        table.read_header(map)?;
        Ok(table)
    }

    /// Goes to the next record that is not an empty line. False at the end.
    ///
    /// # Errors
    /// When the file cannot be read on.
    pub fn advance(&mut self) -> Result<bool, CliError> {
        loop {
            self.reader.get_mut().left = RECORD_BYTES_MAX;
            let begin = self.reader.position().line();
            let more = self.reader.read_byte_record(&mut self.record).map_err(|error| self.broken(begin, error))?;
            if !more {
                return Ok(false);
            }
            let ends_in_fields = self.record.iter().flatten().filter(|byte| **byte == b'\n').count() as u64;
            self.line = self.reader.position().line() - 1 - ends_in_fields;
            if self.record.len() > 1 || !self.record[0].trim_ascii().is_empty() {
                return Ok(true);
            }
        }
    }

    /// The line on which the record begins.
    pub const fn line(&self) -> u64 {
        self.line
    }

    /// Cells of the record, and of the header.
    pub fn widths(&self) -> (usize, usize) {
        (self.record.len(), self.names.len())
    }

    /// The place of a field's column, counted from 0, and its name; `None` where the file has no such column.
    pub fn column(&self, field: Field) -> Option<(usize, &str)> {
        let place = self.places[field as usize]?;
        Some((place, &self.names[place]))
    }

    /// The cell of a field without the blanks around it; `None` where the file has no such column.
    ///
    /// # Errors
    /// When it is not UTF-8: what it holds, as far as it can be shown.
    pub fn cell(&self, field: Field) -> Result<Option<&str>, String> {
        self.places[field as usize].map(|place| self.text(place)).transpose()
    }

    /// The place, counted from 0, and the name of one of the map's further columns, in the order in which it has them.
    pub fn further_column(&self, index: usize) -> (usize, &str) {
        let place = self.further[index];
        (place, &self.names[place])
    }

    /// The cell of one of the map's further columns, in the order in which it has them, without the blanks around it.
    ///
    /// # Errors
    /// When it is not UTF-8: what it holds, as far as it can be shown.
    pub fn further_cell(&self, index: usize) -> Result<&str, String> {
        self.text(self.further[index])
    }

    fn text(&self, place: usize) -> Result<&str, String> {
        let bytes = self.record.get(place).unwrap_or_default();
        std::str::from_utf8(bytes).map(str::trim).map_err(|_| shown(&String::from_utf8_lossy(bytes)))
    }

    fn read_header(&mut self, map: &Map) -> Result<(), CliError> {
        let path = self.path.display().to_string();
        if !self.advance()? {
            return Err(CliError::Failed(format!("{path}: is empty: its first line should name the columns")));
        }
        let utf8 = |cell: &[u8]| std::str::from_utf8(cell).map(|text| text.trim().to_owned());
        let names: Result<Vec<String>, _> = self.record.iter().map(utf8).collect();
        self.names = names.map_err(|_| {
            CliError::Failed(format!("{path}:{}: the names of the columns are not UTF-8; convert the file", self.line))
        })?;
        for (field, column) in &map.columns {
            let place = self.find(column)?;
            if place.is_none() && !map.may_be_absent.contains(field) {
                return Err(CliError::Failed(self.no_column(field.as_str(), column)));
            }
            self.places[*field as usize] = place;
        }
        for (column, what) in map.further_columns() {
            let place = self.find(column)?.ok_or_else(|| CliError::Failed(self.no_column(&what, column)))?;
            self.further.push(place);
        }
        Ok(())
    }

    fn find(&self, column: &str) -> Result<Option<usize>, CliError> {
        let mut places = (0..self.names.len()).filter(|place| self.names[*place] == *column);
        let place = places.next();
        if places.next().is_some() {
            let (path, line) = (self.path.display(), self.line);
            return Err(CliError::Failed(format!("{path}:{line}: two columns are called {column:?}; rename one")));
        }
        Ok(place)
    }

    fn no_column(&self, what: &str, column: &str) -> String {
        let mut names: Vec<String> = self.names.iter().take(SHOWN_NAMES_MAX).map(|name| shown(name)).collect();
        if self.names.len() > SHOWN_NAMES_MAX {
            names.push("...".to_owned());
        }
        format!(
            "{}:{}: there is no column {column:?}, the map's {what}; the first line names {}: is it the header, and the \
             delimiter the map's?",
            self.path.display(),
            self.line,
            names.join(", ")
        )
    }

    fn broken(&self, line: u64, error: csv::Error) -> CliError {
        match error.into_kind() {
            csv::ErrorKind::Io(error) if error.get_ref().is_some_and(|inner| inner.is::<TooLong>()) => {
                CliError::Failed(format!("{}:{line}: {TooLong}", self.path.display()))
            }
            csv::ErrorKind::Io(source) => FileError::system("read", &self.path, source).into(),
            other => CliError::Failed(format!("cannot read {}: {other:?}", self.path.display())),
        }
    }
}

/// A text from the file as an error shows it: quoted, cut where it is long.
pub fn shown(text: &str) -> String {
    match text.char_indices().nth(SHOWN_CHARS_MAX) {
        Some((end, _)) => format!("{:?}...", &text[..end]),
        None => format!("{text:?}"),
    }
}

/// A reader that gives up on a record without an end.
struct Bounded {
    input: Box<dyn Read>,
    left: usize,
}

impl Read for Bounded {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            return Err(io::Error::other(TooLong));
        }
        let count = self.input.read(bytes)?;
        self.left = self.left.saturating_sub(count);
        Ok(count)
    }
}

#[derive(Debug)]
struct TooLong;

impl std::error::Error for TooLong {}

impl std::fmt::Display for TooLong {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "a record of over {RECORD_BYTES_MAX} bytes begins here: is a quote not closed?")
    }
}
