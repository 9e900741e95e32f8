//! Owns the command `vigie schema`.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::CliError;
use crate::io::files::{FileError, Output};
use crate::wire::schema;

/// Writes the JSON Schemas and the AsyncAPI document, as built from the code.
///
/// Without --output it prints the AsyncAPI document, which refers to the schemas as files beside it.
///
/// Example: vigie schema --output schemas
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Arguments {
    /// The folder to write to: asyncapi.yaml, and a schema for each type; it is made where there is none
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
}

/// Runs the command.
///
/// # Errors
/// When a file cannot be written.
pub fn run(arguments: &Arguments) -> Result<(), CliError> {
    match &arguments.output {
        Some(folder) => write_files(folder),
        None => write_file(Path::new("-"), &schema::asyncapi()).map_err(CliError::from),
    }
}

fn write_files(folder: &Path) -> Result<(), CliError> {
    std::fs::create_dir_all(folder).map_err(|error| FileError::system("make the folder", folder, error))?;
    let files = schema::files();
    for file in &files {
        write_file(&folder.join(&file.name), &file.text)?;
    }
    eprintln!("{} files written to {}", files.len(), folder.display());
    Ok(())
}

fn write_file(path: &Path, text: &str) -> Result<(), FileError> {
    let mut output = Output::create(path)?;
    output.write_all(text.as_bytes()).map_err(|error| FileError::system("write", path, error))?;
    output.finish()
}
