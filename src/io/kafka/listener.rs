//! Owns what the clients of Kafka say on their own account: passed on to the log of the process, and kept where it matters.

use std::sync::{Mutex, MutexGuard, PoisonError};

use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::DeliveryResult;
use rdkafka::producer::ProducerContext;

use crate::io::clock::Stopwatch;

/// Listens to one client.
#[derive(Debug, Default)]
pub(super) struct Listener {
    heard: Mutex<Heard>,
}

#[derive(Debug, Default)]
struct Heard {
    /// The first trouble on the way to a broker since it was last taken.
    trouble: Option<String>,
    /// The first record that was not delivered since it was last taken.
    undelivered: Option<(RDKafkaErrorCode, String)>,
    /// Why the broker cannot be used, as last told.
    reason: Option<(RDKafkaErrorCode, String)>,
    /// Lines of the log.
    lines: u64,
    /// Since when each kind of line of the log was told last: there are some dozens of kinds.
    told: Vec<(String, Stopwatch)>,
}

/// A line of one kind is told at most once in so many seconds.
const REPEATED_SECONDS: f64 = 10.0;

impl Listener {
    /// Takes what went wrong on the way to a broker since the last call.
    pub(super) fn take_trouble(&self) -> Option<String> {
        self.heard().trouble.take()
    }

    /// Takes the first record that was not delivered since the last call.
    pub(super) fn take_undelivered(&self) -> Option<(RDKafkaErrorCode, String)> {
        self.heard().undelivered.take()
    }

    /// Why the broker cannot be used, as last told.
    pub(super) fn reason(&self) -> Option<(RDKafkaErrorCode, String)> {
        self.heard().reason.clone()
    }

    /// How many lines a client has written to its log.
    #[cfg(test)]
    pub(super) fn lines(&self) -> u64 {
        self.heard().lines
    }

    /// Notes an error that a client told.
    pub(super) fn note_error(&self, error: &KafkaError, reason: &str) {
        let Some(code) = error.rdkafka_error_code() else { return };
        let mut heard = self.heard();
        if is_trouble(code) {
            heard.trouble.get_or_insert_with(|| reason.to_owned());
        }
        // That all brokers are down says less than why the last one is.
        if code != RDKafkaErrorCode::AllBrokersDown || heard.reason.is_none() {
            heard.reason = Some((code, reason.to_owned()));
        }
        drop(heard);
        // Said in the client's log too, and there with less repetition: a client that has no broker says it all the time.
        tracing::debug!(target: "kafka", "{reason}");
    }

    /// Notes a line of a client's log.
    pub(super) fn note_line(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        self.heard().lines += 1;
        if is_trouble_line(facility, line) {
            self.heard().trouble.get_or_insert_with(|| line.to_owned());
        }
        use RDKafkaLogLevel as Level;
        if matches!(level, Level::Error | Level::Warning | Level::Notice | Level::Info) && self.is_repeated(facility) {
            tracing::debug!(target: "kafka", "{facility} {line}");
            return;
        }
        match level {
            // Settings that are for the other kind of client: all are given to both.
            _ if facility == "CONFWARN" => tracing::trace!(target: "kafka", "{facility} {line}"),
            Level::Emerg | Level::Alert | Level::Critical | Level::Error => {
                tracing::error!(target: "kafka", "{facility} {line}");
            }
            Level::Warning => tracing::warn!(target: "kafka", "{facility} {line}"),
            Level::Notice | Level::Info => tracing::info!(target: "kafka", "{facility} {line}"),
            Level::Debug => tracing::trace!(target: "kafka", "{facility} {line}"),
        }
    }

    /// Whether a line of this kind was told a moment ago: one that comes again and again is told now and then.
    fn is_repeated(&self, facility: &str) -> bool {
        let mut heard = self.heard();
        let last = heard.told.iter().rposition(|(told, since)| told == facility && since.seconds() < REPEATED_SECONDS);
        if last.is_none() {
            heard.told.retain(|(told, _)| told != facility);
            heard.told.push((facility.to_owned(), Stopwatch::start()));
        }
        last.is_some()
    }

    fn heard(&self) -> MutexGuard<'_, Heard> {
        // What was heard is whole at any time: nothing that holds it can panic.
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether an error means that a request may have been sent, and answered to nobody.
fn is_trouble(code: RDKafkaErrorCode) -> bool {
    use RDKafkaErrorCode as Code;
    matches!(
        code,
        Code::BrokerTransportFailure
            | Code::AllBrokersDown
            | Code::OperationTimedOut
            | Code::TimedOutQueue
            | Code::RequestTimedOut
    )
}

/// Whether a line of the log means the same. `FAIL`: a connection ended; `REQTMOUT`: requests were not answered in time.
fn is_trouble_line(facility: &str, line: &str) -> bool {
    // A connection to a broker that was never up had nothing under way.
    facility == "REQTMOUT" || (facility == "FAIL" && !line.contains("in state CONNECT"))
}

impl ClientContext for Listener {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        self.note_line(level, facility, line);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.note_error(&error, reason);
    }

    fn stats_raw(&self, _: &[u8]) {}
}

impl ConsumerContext for Listener {}

impl ProducerContext for Listener {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        use rdkafka::message::Message;
        if let Err((error, message)) = result {
            let code = error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Fail);
            // What an abort takes out of the queue is not meant to arrive.
            if matches!(code, RDKafkaErrorCode::PurgeQueue | RDKafkaErrorCode::PurgeInflight) {
                return;
            }
            let place = format!("{}, partition {}", message.topic(), message.partition());
            self.heard().undelivered.get_or_insert((code, place));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_that_ended_is_trouble_until_it_is_taken() {
        let listener = Listener::default();
        let line = "127.0.0.1:9092/1: Disconnected (after 17ms in state UP) (_TRANSPORT): error log suppressed";
        listener.note_line(RDKafkaLogLevel::Debug, "FAIL", line);
        listener.note_line(RDKafkaLogLevel::Warning, "REQTMOUT", "Timed out 1 in-flight");
        assert_eq!(listener.take_trouble().as_deref(), Some(line));
        assert_eq!(listener.take_trouble(), None);
        listener.note_line(RDKafkaLogLevel::Warning, "REQTMOUT", "Timed out 1 in-flight");
        assert_eq!(listener.take_trouble().as_deref(), Some("Timed out 1 in-flight"));
    }

    #[test]
    fn a_broker_that_was_never_reached_is_no_trouble() {
        let listener = Listener::default();
        let line = "b:9092/2: Connect to ipv4#127.0.0.1:1 failed: Connection refused (after 0ms in state CONNECT)";
        listener.note_line(RDKafkaLogLevel::Error, "FAIL", line);
        listener.note_line(RDKafkaLogLevel::Debug, "BRKMAIN", "Enter main broker thread");
        assert_eq!(listener.take_trouble(), None);
    }

    #[test]
    fn the_reason_is_that_of_the_last_broker_and_not_that_all_are_down() {
        let listener = Listener::default();
        listener.note_error(&KafkaError::Global(RDKafkaErrorCode::Authentication), "wrong password");
        listener.note_error(&KafkaError::Global(RDKafkaErrorCode::AllBrokersDown), "1/1 brokers are down");
        assert_eq!(listener.reason(), Some((RDKafkaErrorCode::Authentication, "wrong password".to_owned())));
        assert_eq!(listener.take_trouble().as_deref(), Some("1/1 brokers are down"));
    }
}
