//! Owns the command `vigie token`: makes tokens for the file of them.

use clap::Subcommand;

use super::CliError;
use crate::io::clock;
use crate::io::http::guard::{self, ScopeSet};

/// Days that a token may hold, at most.
const DAYS_MAX: i64 = 3650;

/// Makes tokens, for people and programs that use the API or the console.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  \
    vigie token new --name m.keller --scopes read,decide --days 90")]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Prints a new token, which is not to be had again, and the line of it for the file of tokens.
    New(NewArguments),
}

#[derive(Debug, clap::Args)]
struct NewArguments {
    /// Whose it is: decisions are written under this name.
    #[arg(long, value_name = "NAME")]
    name: String,
    /// What they may do: of read, decide and admin, with commas.
    #[arg(long, value_name = "SCOPES", default_value = "read")]
    scopes: String,
    /// How many days it holds. Default: until its line is taken out.
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(i32).range(1..=DAYS_MAX))]
    days: Option<i32>,
}

/// Runs the command.
///
/// # Errors
/// When the name or the scopes cannot be, or the machine gives no random numbers.
pub fn run(arguments: &Arguments) -> Result<(), CliError> {
    let Action::New(new) = &arguments.action;
    let scopes = ScopeSet::parse(&new.scopes).map_err(|wrong| {
        CliError::Wrong(format!("--scopes should be of read, decide and admin, with commas, and has {wrong:?}"))
    })?;
    let last_day = new.days.map(|days| clock::wall_clock().day().plus(days));
    let made = guard::new_token(&new.name, scopes, last_day).map_err(CliError::Wrong)?;
    eprintln!("The token of {}, shown this once, and its line for the file of tokens:", new.name);
    println!("{}\n{}", made.token, made.line);
    Ok(())
}
