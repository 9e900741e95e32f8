//! A broker of a benchmark's own, on loopback, ended with it.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::{Outcome, PARTITIONS};

/// Memory of the broker's heap: its page cache is the system's.
pub const HEAP: &str = "2g";

/// Beside the settings in docker/kafka-local: nothing goes because it is old, whatever time its event says.
const SETTINGS: &str = "log.retention.ms=-1\n";

/// A running broker.
pub struct Broker {
    child: Child,
    /// Where it listens on loopback; the controller is on the next.
    pub port: u16,
    data: PathBuf,
}

impl Broker {
    /// Starts one with new data, tuned for load, and waits until it answers.
    pub fn start() -> Outcome<Broker> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("docker/kafka-local/kafka");
        let jars = Command::new(&script).arg("jars").status()?;
        if !jars.success() {
            return Err("the jars of Kafka are not to be had".into());
        }
        let port = 21_000 + (std::process::id() % 5000) as u16 * 2;
        let data = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("bench-{port}"));
        std::fs::create_dir_all(&data)?;
        let settings = data.join("bench.properties");
        std::fs::write(&settings, SETTINGS)?;
        let mut child = Command::new(script)
            .args(["run", &port.to_string()])
            .env("KAFKA_DATA", &data)
            .env("KAFKA_HEAP", HEAP)
            .env("KAFKA_TUNED_FOR", "load")
            .env("KAFKA_EXTRA", &settings)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().ok_or("no output")?).read_line(&mut line)?;
        if !line.starts_with("ready") {
            return Err(format!("the broker said {line:?}").into());
        }
        Ok(Broker { child, port, data })
    }

    /// Where clients find it.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Where its topics lie, a folder a partition.
    pub fn topics_folder(&self) -> PathBuf {
        self.data.join("topics")
    }

    /// Makes all topics of a service.
    pub fn make_topics(&self, prefix: &str) -> Outcome<()> {
        let made = Command::new(env!("CARGO_BIN_EXE_vigie"))
            .args(["topics", "create", "--brokers", &self.address(), "--prefix", prefix])
            .args(["--partitions", &PARTITIONS.to_string()])
            .stdout(Stdio::null())
            .status()?;
        if made.success() { Ok(()) } else { Err("the topics cannot be made".into()) }
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        // Its standard input ends with the handle, and with that the broker.
        drop(self.child.stdin.take());
        self.child.wait().ok();
        // Gigabytes of records, of use to nobody.
        std::fs::remove_dir_all(&self.data).ok();
    }
}
