//! Owns what an error of Kafka means: each is classified once, here, by what is to be done about it.
//!
//! The table was measured on librdkafka 2.12.1, error by error. What its own advice calls fatal for a producer is never the
//! end of a service: a new producer and a look at what was committed say how things stand.

use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use crate::runtime::LogError;

/// What librdkafka says of an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) code: RDKafkaErrorCode,
    pub(super) is_fatal: bool,
    pub(super) requires_abort: bool,
    pub(super) is_retriable: bool,
}

/// What a call of a transaction that failed means. `doing` says in the words of an operator what was tried.
pub(super) fn of_transaction(error: &KafkaError, doing: &str) -> LogError {
    match error {
        KafkaError::Transaction(said) => {
            let verdict = Verdict {
                code: said.code(),
                is_fatal: said.is_fatal(),
                requires_abort: said.txn_requires_abort(),
                is_retriable: said.is_retriable(),
            };
            judge(verdict, &said.string(), doing)
        }
        // The half of a commit in which what was sent is waited for: nothing is decided yet.
        KafkaError::Flush(RDKafkaErrorCode::OperationTimedOut) => LogError::Retry(format!(
            "{doing}: the broker has not acknowledged all records in time; trying again, and if this lasts, look at the \
             broker's load and its in-sync replicas"
        )),
        KafkaError::Flush(code) => LogError::Abort(format!("{doing}: records were not delivered: {code}")),
        KafkaError::MessageProduction(code) => of_production(*code, doing),
        other => LogError::Fatal(format!("{doing}: {other}")),
    }
}

/// Fatal first, then what must be aborted, then what may be repeated; all else is beyond repair.
pub(super) fn judge(verdict: Verdict, said: &str, doing: &str) -> LogError {
    if let Some(advice) = needs_a_person(verdict.code) {
        return LogError::Fatal(format!("{doing}: {said}; {advice}"));
    }
    if verdict.is_fatal {
        return LogError::Fenced(format!(
            "{doing}: {said}; the producer is no longer valid: its transaction ran out of time, or another process uses the \
             same transactional id"
        ));
    }
    if verdict.requires_abort {
        return LogError::Abort(format!("{doing}: {said}"));
    }
    if verdict.is_retriable {
        return LogError::Retry(format!("{doing}: {said}"));
    }
    LogError::Fatal(format!("{doing}: {said}"))
}

/// What a record that was not taken or not delivered means.
pub(super) fn of_production(code: RDKafkaErrorCode, doing: &str) -> LogError {
    use RDKafkaErrorCode as Code;
    if let Some(advice) = needs_a_person(code) {
        return LogError::Fatal(format!("{doing}: {code}; {advice}"));
    }
    match code {
        Code::QueueFull => LogError::Retry(format!(
            "{doing}: the producer's queue is full; the broker takes records more slowly than they are made"
        )),
        Code::Fatal | Code::Fenced | Code::ProducerFenced | Code::InvalidProducerEpoch => {
            LogError::Fenced(format!("{doing}: {code}; the producer is no longer valid"))
        }
        other => LogError::Abort(format!("{doing}: {other}")),
    }
}

/// What an error that came instead of records means; `None`: the client mends it by itself.
pub(super) fn of_consumption(error: &KafkaError, instance: &str) -> Option<LogError> {
    use RDKafkaErrorCode as Code;
    let fatal = |code: &Code| match code {
        Code::FencedInstanceId => LogError::Fatal(format!(
            "another process runs as the instance {instance}: give each process its own `instance`, and stop this one or the other"
        )),
        Code::UnreleasedInstanceId => LogError::Fatal(format!(
            "the group still holds a place for the instance {instance}: wait until its session has ended, or give this process \
             another `instance`"
        )),
        code => LogError::Fatal(format!("the consumer of the group cannot go on: {code}; start the process again")),
    };
    match error {
        KafkaError::MessageConsumptionFatal(code) => Some(fatal(code)),
        KafkaError::MessageConsumption(code) | KafkaError::Global(code) => match code {
            Code::FencedInstanceId | Code::UnreleasedInstanceId | Code::GroupIdNotFound | Code::Fatal => {
                Some(fatal(code))
            }
            code => needs_a_person(*code).map(|advice| LogError::Fatal(format!("consuming: {code}; {advice}"))),
        },
        _ => None,
    }
}

/// What an error at a place in a topic means; `None`: the client mends it by itself.
pub(super) fn of_partition(code: RDKafkaErrorCode, topic: &str, partition: u32, offset: i64) -> Option<LogError> {
    use RDKafkaErrorCode as Code;
    match code {
        Code::AutoOffsetReset | Code::OffsetOutOfRange => Some(LogError::Fatal(format!(
            "{topic}, partition {partition}: offset {offset} is not there any more, or not yet: records were deleted before they \
             were read (retention), or the topic was made anew. Nothing was skipped. See the operations page: \"a partition stops\""
        ))),
        Code::UnknownTopicOrPartition | Code::UnknownTopic | Code::UnknownPartition => Some(LogError::Fatal(format!(
            "{topic} has no partition {partition} any more: the topic was deleted, or made anew with fewer partitions"
        ))),
        Code::InvalidMessage | Code::BadMessage | Code::BadCompression => Some(LogError::Fatal(format!(
            "{topic}, partition {partition}: the record at {offset} or after is damaged on the broker or on the way: {code}"
        ))),
        code => needs_a_person(code)
            .map(|advice| LogError::Fatal(format!("{topic}, partition {partition}: {code}; {advice}"))),
    }
}

/// What a question that was not answered means: asked again, unless nobody will ever answer it.
pub(super) fn of_question(error: &KafkaError, doing: &str) -> LogError {
    match error.rdkafka_error_code().and_then(needs_a_person) {
        Some(advice) => LogError::Fatal(format!("{doing}: {error}; {advice}")),
        None => LogError::Retry(format!("{doing}: {error}")),
    }
}

/// What to do about an error that no repetition mends, whatever the call.
fn needs_a_person(code: RDKafkaErrorCode) -> Option<&'static str> {
    use RDKafkaErrorCode as Code;
    Some(match code {
        Code::TopicAuthorizationFailed => {
            "allow this user to read the inputs and the journal, and to write the outputs and the journal"
        }
        Code::GroupAuthorizationFailed => "allow this user to read the group",
        Code::ClusterAuthorizationFailed => "allow this user to write idempotently",
        Code::TransactionalIdAuthorizationFailed => {
            "allow this user to write and describe transactional ids that begin with the prefix"
        }
        Code::MessageSizeTooLarge => {
            "raise max.message.bytes of the topic, and message.max.bytes in [kafka.properties]"
        }
        Code::InvalidTransactionTimeout => {
            "lower transaction_timeout_ms, or raise transaction.max.timeout.ms of the broker"
        }
        Code::UnsupportedVersion | Code::UnsupportedFeature => {
            "the broker is too old: Apache Kafka 2.5 or newer is needed"
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use RDKafkaErrorCode as Code;

    fn fatal(code: Code) -> Verdict {
        Verdict { code, is_fatal: true, requires_abort: false, is_retriable: false }
    }

    fn abortable(code: Code) -> Verdict {
        Verdict { is_fatal: false, requires_abort: true, ..fatal(code) }
    }

    fn retriable(code: Code) -> Verdict {
        Verdict { is_fatal: false, is_retriable: true, ..fatal(code) }
    }

    #[test]
    fn a_member_that_lost_its_place_aborts() {
        let codes = [
            Code::IllegalGeneration,
            Code::UnknownMemberId,
            Code::FencedInstanceId,
            Code::RebalanceInProgress,
            Code::StaleMemberEpoch,
        ];
        for code in codes {
            let answer = judge(abortable(code), "said", "sending positions");
            assert_eq!(answer, LogError::Abort("sending positions: said".to_owned()), "{code}");
        }
    }

    #[test]
    fn a_producer_that_was_replaced_or_timed_out_is_fenced() {
        for code in [Code::InvalidProducerEpoch, Code::InvalidTransactionalState, Code::ProducerFenced, Code::Fenced] {
            assert!(matches!(judge(fatal(code), "said", "committing"), LogError::Fenced(_)), "{code}");
        }
        for code in [Code::Fatal, Code::Fenced] {
            assert!(matches!(of_production(code, "sending"), LogError::Fenced(_)), "{code}");
        }
    }

    #[test]
    fn fatal_comes_before_abort_and_abort_before_retry() {
        let all = Verdict { code: Code::ProducerFenced, is_fatal: true, requires_abort: true, is_retriable: true };
        assert!(matches!(judge(all, "", ""), LogError::Fenced(_)));
        assert!(matches!(judge(Verdict { is_fatal: false, ..all }, "", ""), LogError::Abort(_)));
    }

    #[test]
    fn a_commit_that_takes_too_long_is_repeated_whichever_half_it_was() {
        let answer = judge(retriable(Code::OperationTimedOut), "timed out", "committing");
        assert_eq!(answer, LogError::Retry("committing: timed out".to_owned()));
        let answer = of_transaction(&KafkaError::Flush(Code::OperationTimedOut), "committing");
        assert!(matches!(answer, LogError::Retry(_)));
        let answer = of_transaction(&KafkaError::Flush(Code::Fail), "committing");
        assert!(matches!(answer, LogError::Abort(_)));
    }

    #[test]
    fn what_is_neither_fatal_nor_abortable_nor_retriable_is_beyond_repair() {
        let plain = Verdict { is_retriable: false, ..retriable(Code::State) };
        assert!(matches!(judge(plain, "said", "beginning"), LogError::Fatal(_)));
        assert!(matches!(of_transaction(&KafkaError::Canceled, "beginning"), LogError::Fatal(_)));
    }

    #[test]
    fn a_missing_right_and_too_large_a_record_stop_and_say_what_to_do() {
        let answer = judge(abortable(Code::TopicAuthorizationFailed), "denied", "sending");
        assert!(matches!(&answer, LogError::Fatal(text) if text.contains("allow this user")), "{answer:?}");
        let answer = of_transaction(&KafkaError::MessageProduction(Code::MessageSizeTooLarge), "sending");
        assert!(matches!(&answer, LogError::Fatal(text) if text.contains("max.message.bytes")), "{answer:?}");
        let answer = of_transaction(&KafkaError::MessageProduction(Code::QueueFull), "sending");
        assert!(matches!(answer, LogError::Retry(_)));
    }

    #[test]
    fn a_second_process_of_the_same_instance_stops_this_one() {
        let answer = of_consumption(&KafkaError::MessageConsumptionFatal(Code::FencedInstanceId), "vigie-1-0");
        let Some(LogError::Fatal(text)) = answer else { panic!("{answer:?}") };
        assert!(text.starts_with("another process runs as the instance vigie-1-0"), "{text}");
        for code in [Code::UnreleasedInstanceId, Code::GroupIdNotFound, Code::StaleMemberEpoch] {
            assert!(matches!(
                of_consumption(&KafkaError::MessageConsumptionFatal(code), "i"),
                Some(LogError::Fatal(_))
            ));
        }
    }

    #[test]
    fn what_the_consumer_mends_by_itself_is_no_error() {
        for code in [Code::BrokerTransportFailure, Code::AllBrokersDown, Code::OperationTimedOut, Code::Resolve] {
            assert_eq!(of_consumption(&KafkaError::MessageConsumption(code), "i"), None);
            assert_eq!(of_partition(code, "t", 0, 0), None);
        }
    }

    #[test]
    fn a_lost_record_stops_and_is_never_skipped() {
        for code in [Code::AutoOffsetReset, Code::OffsetOutOfRange] {
            let answer = of_partition(code, "vigie.invoices", 3, 42);
            let Some(LogError::Fatal(text)) = answer else { panic!("{answer:?}") };
            assert!(text.starts_with("vigie.invoices, partition 3: offset 42 is not there"), "{text}");
        }
    }

    #[test]
    fn a_question_is_asked_again_unless_it_is_not_ours_to_ask() {
        let answer = of_question(&KafkaError::OffsetFetch(Code::UnstableOffsetCommit), "asking");
        assert!(matches!(answer, LogError::Retry(_)));
        let answer = of_question(&KafkaError::OffsetFetch(Code::GroupAuthorizationFailed), "asking");
        assert!(matches!(answer, LogError::Fatal(_)));
    }
}
