//! The harness itself: brokers come and go, transactions hide what they abort, records outlive a kill.

use std::fs;
use std::time::{Duration, Instant};

use rdkafka::config::ClientConfig;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::Producer;

use crate::broker::{Broker, BrokerOptions, User, free_port};
use crate::certificates::Certificates;
use crate::client::{OwnedRecord, Record, WAIT_MAX, fresh, producer, send_all};

fn texts(records: &[OwnedRecord]) -> Vec<&str> {
    records.iter().map(OwnedRecord::text).collect()
}

#[test]
fn a_reader_of_what_is_committed_sees_no_aborted_record() {
    let broker = Broker::shared();
    let topic = fresh("transactions");
    broker.create_topic(&topic, 2, &[]);
    let producer = broker.transactional(&fresh("writer"));

    producer.begin_transaction().unwrap();
    send_all(&producer, &[Record::new(&topic, 0, "a"), Record::new(&topic, 1, "b")]);
    producer.commit_transaction(WAIT_MAX).unwrap();
    producer.begin_transaction().unwrap();
    send_all(&producer, &[Record::new(&topic, 0, "never"), Record::new(&topic, 1, "never")]);
    producer.flush(WAIT_MAX).unwrap();
    producer.abort_transaction(WAIT_MAX).unwrap();
    producer.begin_transaction().unwrap();
    send_all(&producer, &[Record::new(&topic, 0, "c")]);
    producer.commit_transaction(WAIT_MAX).unwrap();
    producer.begin_transaction().unwrap();
    send_all(&producer, &[Record::new(&topic, 0, "open")]);
    producer.flush(WAIT_MAX).unwrap();

    assert_eq!(texts(&broker.read_committed(&topic)), ["a", "c", "b"]);
    assert_eq!(texts(&broker.read_uncommitted(&topic)), ["a", "never", "c", "open", "b", "never"]);
}

#[test]
fn a_record_comes_back_as_it_was_written() {
    let broker = Broker::shared();
    let topic = fresh("records");
    broker.create_topic(&topic, 3, &[("cleanup.policy", "compact"), ("min.insync.replicas", "1")]);
    let full =
        Record::new(&topic, 2, "value").key("key").header("name", "text").header("name", "again").timestamp(1_000);
    let bare = Record { topic: topic.clone(), key: Some(b"gone".to_vec()), partition: 0, ..Record::default() };
    broker.produce(&[full.clone(), bare]);

    let records = broker.read_committed(&topic);
    assert_eq!(records.len(), 2);
    assert_eq!((records[0].key.as_deref(), &records[0].value, records[0].partition), (Some(&b"gone"[..]), &None, 0));
    assert!(records[0].headers.is_empty());
    let expected = OwnedRecord {
        topic: full.topic,
        partition: full.partition,
        offset: 0,
        timestamp: full.timestamp,
        key: full.key,
        value: full.value,
        headers: full.headers,
    };
    assert_eq!(records[1], expected);
}

#[test]
fn many_records_are_written_and_read_in_order() {
    let broker = Broker::shared();
    let topic = fresh("bulk");
    broker.create_topic(&topic, 4, &[]);
    let value = |number: i32| format!("{number:07}");
    let records: Vec<Record> = (0..120_000).map(|number| Record::new(&topic, number % 4, value(number))).collect();
    broker.produce(&records);

    let read = broker.read_committed(&topic);
    assert_eq!(read.len(), records.len());
    let expected =
        (0..4).flat_map(|partition| (0..30_000).map(move |index| (partition, i64::from(index), index * 4 + partition)));
    for (record, (partition, offset, number)) in read.iter().zip(expected) {
        assert_eq!((record.partition, record.offset, record.text()), (partition, offset, value(number).as_str()));
    }
}

#[test]
fn records_and_what_was_aborted_outlive_a_broker_that_is_killed_paused_or_stopped() {
    let mut broker = Broker::start(BrokerOptions::default());
    let topic = fresh("kept");
    broker.create_topic(&topic, 1, &[]);
    let bootstrap = broker.bootstrap();
    let producer = broker.transactional("writer");
    producer.begin_transaction().unwrap();
    send_all(&producer, &[Record::new(&topic, 0, "before the kill")]);
    producer.commit_transaction(WAIT_MAX).unwrap();
    producer.begin_transaction().unwrap();
    send_all(&producer, &[Record::new(&topic, 0, "left open")]);
    producer.flush(WAIT_MAX).unwrap();

    broker.kill_hard();
    broker.restart();
    assert_eq!(broker.bootstrap(), bootstrap);
    // The one that takes over the id aborts what the first left open.
    let successor = broker.transactional("writer");
    successor.begin_transaction().unwrap();
    send_all(&successor, &[Record::new(&topic, 0, "after the kill")]);
    successor.commit_transaction(WAIT_MAX).unwrap();
    assert_eq!(texts(&broker.read_committed(&topic)), ["before the kill", "after the kill"]);

    broker.pause();
    let unanswered = successor.client().fetch_metadata(Some(&topic), Duration::from_millis(300));
    assert!(
        matches!(unanswered, Err(KafkaError::MetadataFetch(_))),
        "a paused broker answered: {:?}",
        unanswered.err()
    );
    broker.resume();
    broker.produce(&[Record::new(&topic, 0, "after the pause")]);

    broker.stop();
    broker.restart();
    assert_eq!(texts(&broker.read_committed(&topic)), ["before the kill", "after the kill", "after the pause"]);
    let data = broker.data().to_owned();
    drop(broker);
    assert!(!data.exists());
}

#[test]
fn a_broker_with_tls_lets_in_its_user_and_no_one_else() {
    let user = User { name: "vigie".to_owned(), password: "right".to_owned() };
    let broker = Broker::start(BrokerOptions { secure: Some(user), ..BrokerOptions::default() });
    for mechanism in ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] {
        let producer = producer(&mut broker.secure_client(mechanism));
        let metadata = producer.client().fetch_metadata(None, WAIT_MAX).unwrap();
        assert_eq!(metadata.brokers().len(), 1, "{mechanism}");

        let mut config = broker.secure_client(mechanism);
        let (code, reason) = first_error(config.set("sasl.password", "wrong"));
        assert_eq!(code, RDKafkaErrorCode::Authentication, "{mechanism}: {reason}");
        assert!(reason.contains("Authentication failed"), "{mechanism}: {reason}");
    }

    let stranger = Certificates::of_a_stranger(broker.data());
    let (code, reason) = first_error(broker.secure_client("PLAIN").set("ssl.ca.location", stranger.to_str().unwrap()));
    assert_eq!(code, RDKafkaErrorCode::SSL, "{reason}");
    assert!(reason.contains("certificate verify failed"), "{reason}");
}

/// The first error that a client tells which cannot log in.
fn first_error(config: &mut ClientConfig) -> (RDKafkaErrorCode, String) {
    let producer = producer(config);
    let deadline = Instant::now() + WAIT_MAX;
    loop {
        if let Some((error, reason)) = producer.context().told().into_iter().next() {
            return (error.rdkafka_error_code().expect("what the client tells has a code"), reason);
        }
        assert!(Instant::now() < deadline, "the client told no error within {WAIT_MAX:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_start_on_a_taken_port_says_so() {
    let port = free_port();
    let _holder = std::net::TcpListener::bind(("127.0.0.1", port)).unwrap();
    let data = format!("{}/taken-{}", env!("CARGO_TARGET_TMPDIR"), std::process::id());
    let output = std::process::Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/docker/kafka-local/kafka"))
        .args(["start", &port.to_string()])
        .env("KAFKA_DATA", &data)
        .output()
        .unwrap();
    fs::remove_dir_all(&data).unwrap();
    assert_eq!(output.status.code(), Some(3));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains(&format!("port {port} is taken")), "{told}");
}

#[test]
fn the_image_of_compose_is_of_the_version_of_the_jars() {
    let read = |path: &str| fs::read_to_string(format!("{}/docker/{path}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let pom = read("kafka-local/pom.xml");
    let version = pom.split("<kafka.version>").nth(1).and_then(|rest| rest.split('<').next()).unwrap();
    assert!(read("compose.yml").contains(&format!("image: apache/kafka:{version}\n")), "the jars are of {version}");
}
