//! Owns the file in which the demo keeps what its engine told.

use std::io::Write as _;
use std::path::Path;

use crate::cli::CliError;
use crate::io::files::{FileError, Output};
use crate::runtime::Record;

/// The outputs that are kept, one event a line, where somebody wants them.
pub struct Kept(Option<Output>);

impl Kept {
    /// Begins the file, if one is named.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn begin(path: Option<&Path>) -> Result<Kept, CliError> {
        if path == Some(Path::new("-")) {
            let text = "--outputs is -, and standard output says where the demo is: name a file";
            return Err(CliError::Wrong(text.to_owned()));
        }
        Ok(Kept(path.map(Output::create).transpose()?))
    }

    /// Keeps an output.
    ///
    /// # Errors
    /// When the disk is full, or the system refuses.
    pub fn take(&mut self, record: &Record<'_>) -> Result<(), CliError> {
        // What has no value takes a key out of a compacted topic, and is no event.
        let (Some(file), Some(value)) = (&mut self.0, record.value) else { return Ok(()) };
        let written = file.write_all(value).and_then(|()| file.write_all(b"\n"));
        written.map_err(|error| FileError::system("write", file.path(), error).into())
    }

    /// Gives the file its name.
    ///
    /// # Errors
    /// As [`Kept::take`].
    pub fn finish(self) -> Result<(), CliError> {
        Ok(self.0.map(Output::finish).transpose().map(|_| ())?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::{Headers, TopicId};

    fn record(value: Option<&[u8]>) -> Record<'_> {
        let (topic, key) = (TopicId(0), Some(&b"B"[..]));
        Record { topic, partition: 0, offset: 0, time_ms: 0, key, value, headers: Headers::Listed(&[]) }
    }

    #[test]
    fn every_event_is_a_line_of_the_file_and_a_removed_row_is_none() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("outputs.jsonl");
        let mut kept = Kept::begin(Some(&path)).expect("begun");
        for value in [Some(&b"{}"[..]), None, Some(&b"[]"[..])] {
            kept.take(&record(value)).expect("kept");
        }
        kept.finish().expect("finished");
        assert_eq!(std::fs::read_to_string(&path).expect("there"), "{}\n[]\n");
    }

    #[test]
    fn without_a_file_nothing_is_kept_and_standard_output_is_refused() {
        let mut kept = Kept::begin(None).expect("begun");
        kept.take(&record(Some(b"{}"))).expect("kept nowhere");
        kept.finish().expect("finished");
        assert!(
            matches!(Kept::begin(Some(Path::new("-"))), Err(CliError::Wrong(text)) if text.contains("name a file"))
        );
    }
}
