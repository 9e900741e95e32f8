//! Owns the command `vigie replay`.

use super::CliError;

/// To be described.
#[derive(Debug, clap::Args)]
pub struct Arguments {}

/// Runs the command.
///
/// # Errors
/// When it cannot do its work.
pub fn run(_arguments: &Arguments) -> Result<(), CliError> {
    Ok(())
}
