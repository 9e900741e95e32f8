//! The composition root: arguments, validated configuration, one file per command. Wiring only.

mod backtest;
pub mod config;
mod dead_letters;
mod demo;
mod generate;
mod import;
mod inspect;
mod load;
mod params;
mod progress;
mod replay;
mod run;
mod schema;
mod serve;
mod simulate;
mod token;
mod topics;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Watches trade-credit risk as it happens: exact exposure, cover and alerts of every buyer.
#[derive(Debug, Parser)]
#[command(name = "vigie", version, about, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Demo(demo::Arguments),
    Run(run::Arguments),
    Serve(serve::Arguments),
    Replay(replay::Arguments),
    Backtest(backtest::Arguments),
    Import(import::Arguments),
    Generate(generate::Arguments),
    Load(load::Arguments),
    Topics(topics::Arguments),
    Inspect(inspect::Arguments),
    Simulate(simulate::Arguments),
    DeadLetters(dead_letters::Arguments),
    Schema(schema::Arguments),
    Token(token::Arguments),
}

/// Why a command ends without having done its work.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// It tried and failed: exit code 1.
    #[error("{0}")]
    Failed(String),
    /// The arguments or the configuration are wrong: exit code 2.
    #[error("{0}")]
    Wrong(String),
}

impl From<crate::io::files::FileError> for CliError {
    fn from(error: crate::io::files::FileError) -> CliError {
        CliError::Failed(error.to_string())
    }
}

/// Runs the command that the process was started with.
#[must_use]
pub fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Run(arguments) => run::run(&arguments),
        Command::Serve(arguments) => serve::run(&arguments),
        Command::Replay(arguments) => replay::run(&arguments),
        Command::Backtest(arguments) => backtest::run(&arguments),
        Command::Import(arguments) => import::run(&arguments),
        Command::Generate(arguments) => generate::run(&arguments),
        Command::Load(arguments) => load::run(&arguments),
        Command::Topics(arguments) => topics::run(&arguments),
        Command::Inspect(arguments) => inspect::run(&arguments),
        Command::Simulate(arguments) => simulate::run(&arguments),
        Command::DeadLetters(arguments) => dead_letters::run(&arguments),
        Command::Schema(arguments) => schema::run(&arguments),
        Command::Token(arguments) => token::run(&arguments),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("vigie: {error}");
            ExitCode::from(match error {
                CliError::Failed(_) => 1,
                CliError::Wrong(_) => 2,
            })
        }
    }
}
