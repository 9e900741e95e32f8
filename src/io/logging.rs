//! Owns the log of the process: lines of text or JSON on standard error, with times in UTC.
//!
//! No secret and no buyer's name goes into it: whoever logs names partitions, topics and offsets.

use std::io::{self, IsTerminal};

use tracing::Subscriber;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

/// How a line of the log looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// How much is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum LogLevel {
    /// What stopped.
    Error,
    /// And what may need somebody.
    Warn,
    /// And what happens once in a while.
    #[default]
    Info,
    /// And what happens often.
    Debug,
    /// And each step.
    Trace,
}

impl LogFormat {
    /// Every format, by name.
    pub const NAMES: &[(&str, LogFormat)] = &[("text", LogFormat::Text), ("json", LogFormat::Json)];
}

impl LogLevel {
    /// Every level, by name.
    pub const NAMES: &[(&str, LogLevel)] = &[
        ("error", LogLevel::Error),
        ("warn", LogLevel::Warn),
        ("info", LogLevel::Info),
        ("debug", LogLevel::Debug),
        ("trace", LogLevel::Trace),
    ];

    /// What is let through. The crates that this one is built on are heard from `warn` on, and all they say with `trace`.
    const fn directives(self) -> &'static str {
        match self {
            LogLevel::Error => "error",
            LogLevel::Warn => "warn",
            LogLevel::Info => "warn,vigie=info",
            LogLevel::Debug => "warn,vigie=debug",
            LogLevel::Trace => "debug,vigie=trace",
        }
    }
}

/// Logging was begun before in this process.
#[derive(Debug, thiserror::Error)]
#[error("the log of this process has been set up already")]
pub struct LogBegun;

/// Begins to log to standard error. Panics are logged too, so that a log of JSON stays one.
///
/// # Errors
/// When it was begun before.
pub fn begin(format: LogFormat, level: LogLevel) -> Result<(), LogBegun> {
    let subscriber = subscriber(format, level, io::stderr().is_terminal(), io::stderr);
    tracing::subscriber::set_global_default(subscriber).map_err(|_| LogBegun)?;
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        let message = panic.payload_as_str().unwrap_or("no message");
        tracing::error!(place, "panic: {message}");
    }));
    Ok(())
}

fn subscriber<W>(format: LogFormat, level: LogLevel, colours: bool, writer: W) -> Box<dyn Subscriber + Send + Sync>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let builder = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(level.directives()))
        .with_writer(writer)
        .with_ansi(colours && format == LogFormat::Text);
    match format {
        LogFormat::Text => Box::new(builder.finish()),
        LogFormat::Json => Box::new(builder.json().flatten_event(true).finish()),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::base::Instant;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("unlocked").write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(format: LogFormat, level: LogLevel) -> String {
        let lines = Lines::default();
        let writer = lines.clone();
        tracing::subscriber::with_default(subscriber(format, level, false, move || writer.clone()), || {
            tracing::info!(partition = 3, "recovered");
            tracing::debug!("a detail");
            tracing::info!(target: "hyper", "of no interest");
            tracing::warn!(target: "object_store", "of interest");
        });
        let bytes = lines.0.lock().expect("unlocked").clone();
        String::from_utf8(bytes).expect("UTF-8")
    }

    #[test]
    fn a_line_of_json_has_its_time_in_utc_its_level_and_its_fields() {
        let text = logged(LogFormat::Json, LogLevel::Info);
        let lines: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect();
        assert_eq!(lines.len(), 2, "{text}");
        assert_eq!((&lines[0]["level"], &lines[0]["message"]), (&"INFO".into(), &"recovered".into()));
        assert_eq!(lines[0]["partition"], 3);
        let time = lines[0]["timestamp"].as_str().expect("a time");
        assert!(Instant::parse(time).is_some() && time.ends_with('Z'), "{time}");
        assert_eq!(lines[1]["target"], "object_store");
    }

    #[test]
    fn a_line_of_text_has_no_colours_in_a_pipe_and_details_only_where_asked() {
        let text = logged(LogFormat::Text, LogLevel::Debug);
        assert!(
            text.contains(" INFO ") && text.contains("recovered partition=3") && text.contains("a detail"),
            "{text}"
        );
        assert!(!text.contains('\u{1b}'), "{text:?}");
        assert!(!logged(LogFormat::Text, LogLevel::Warn).contains("recovered"));
    }

    #[test]
    fn every_level_lets_through_what_it_names() {
        for (name, level) in LogLevel::NAMES {
            let directives = level.directives();
            assert!(directives.ends_with(name), "{name}: {directives}");
            assert_eq!(EnvFilter::new(directives).to_string().split(',').count(), directives.split(',').count());
        }
    }
}
