//! Who is measured, and how each is started.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::str::FromStr;

use vigie::io::clock::pause;

use crate::support::broker::Broker;
use crate::support::process::{cpu_seconds, memory_peak, terminate};
use crate::support::{Outcome, PARTITIONS};

/// Threads of every side: the machine that the table is for has two cores.
pub const THREADS: u32 = 2;

/// Who does the job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Engine {
    /// Takes the records and does nothing.
    Floor,
    /// With everything switched off that the peers do not do.
    VigieReduced,
    /// As it is.
    Vigie,
    /// Kafka Streams, state in memory.
    StreamsMemory,
    /// Kafka Streams, state in RocksDB.
    StreamsRocksDb,
    /// Apache Flink, state on the heap.
    FlinkHeap,
    /// Apache Flink, state in RocksDB.
    FlinkRocksDb,
}

/// An engine, and how often it commits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Side {
    /// Who.
    pub engine: Engine,
    /// Milliseconds between commits: a turn, a commit interval, a checkpoint interval.
    pub commit_ms: u32,
}

/// Every engine: its name among the arguments, its name in the table.
const ENGINES: [(Engine, &str, &str); 7] = [
    (Engine::Floor, "floor", "floor: bare consumer loop"),
    (Engine::VigieReduced, "reduced", "vigie, reduced job"),
    (Engine::Vigie, "vigie", "vigie, whole"),
    (Engine::StreamsMemory, "streams-memory", "Kafka Streams, in memory"),
    (Engine::StreamsRocksDb, "streams-rocksdb", "Kafka Streams, RocksDB"),
    (Engine::FlinkHeap, "flink-heap", "Flink, heap"),
    (Engine::FlinkRocksDb, "flink-rocksdb", "Flink, RocksDB"),
];

/// How often a side commits where nothing else is said.
const COMMIT_MS: u32 = 100;

impl Side {
    /// All of them.
    pub fn all() -> Vec<Side> {
        ENGINES.iter().map(|(engine, ..)| Side { engine: *engine, commit_ms: COMMIT_MS }).collect()
    }

    /// As it stands in the table.
    pub fn title(self) -> String {
        let title = ENGINES.iter().find(|(engine, ..)| *engine == self.engine).map_or("", |(_, _, title)| title);
        if self.commit_ms == COMMIT_MS { title.to_owned() } else { format!("{title}, {} ms", self.commit_ms) }
    }

    /// As it is named in arguments, topics and folders.
    pub fn name(self) -> String {
        let name = ENGINES.iter().find(|(engine, ..)| *engine == self.engine).map_or("", |(_, name, _)| name);
        if self.commit_ms == COMMIT_MS { name.to_owned() } else { format!("{name}.{}", self.commit_ms) }
    }

    /// Whether it keeps state and tells alerts: all but the floor.
    pub fn does_the_job(self) -> bool {
        self.engine != Engine::Floor
    }

    /// Whether it is one of vigie's.
    pub fn is_vigie(self) -> bool {
        matches!(self.engine, Engine::Vigie | Engine::VigieReduced)
    }
}

impl FromStr for Side {
    type Err = String;

    fn from_str(text: &str) -> Result<Side, String> {
        let (name, commit_ms) = match text.split_once('.') {
            Some((name, ms)) => (name, ms.parse().map_err(|_| format!("{ms} is no number of milliseconds"))?),
            None => (text, COMMIT_MS),
        };
        let known = ENGINES.iter().find(|(_, known, _)| *known == name);
        let names = ENGINES.map(|(_, name, _)| name).join(", ");
        let (engine, ..) =
            known.ok_or_else(|| format!("{name} is no side; there are {names}, each with .MS or without"))?;
        Ok(Side { engine: *engine, commit_ms })
    }
}

/// Which clock vigie goes by; the others have none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// That of the events.
    Event,
    /// The wall's.
    Live,
}

/// One run of one side: what it reads, and where it keeps what it makes.
pub struct Run<'a> {
    /// The broker.
    pub broker: &'a Broker,
    /// Who runs.
    pub side: Side,
    /// The topic of all its input.
    pub input: String,
    /// Of its group, and what its topics begin with; another for each run.
    pub name: String,
    /// Where it keeps state.
    pub folder: PathBuf,
    /// Memory of a Java heap, as Java is told it.
    pub heap: String,
    /// The clock of vigie.
    pub clock: Clock,
    /// Where it says what goes wrong.
    pub log: PathBuf,
}

/// A process that runs; killed with its handle.
pub struct Running {
    child: Child,
    log: PathBuf,
}

impl<'a> Run<'a> {
    /// With so much memory for a Java heap.
    pub fn with_heap(self, heap: &str) -> Run<'a> {
        Run { heap: heap.to_owned(), ..self }
    }

    /// The topic that its alerts go to.
    pub fn output(&self) -> String {
        format!("{}.alerts", self.name)
    }

    /// Makes its topics.
    pub fn prepare(&self) -> Outcome<()> {
        if !self.side.is_vigie() {
            return super::kafka::make_topics(self.broker, &[&self.output()]);
        }
        fs::write(self.settings_file(), self.settings())?;
        let made = Command::new(env!("CARGO_BIN_EXE_vigie"))
            .args(["topics", "create", "--partitions", &PARTITIONS.to_string(), "--config"])
            .arg(self.settings_file())
            .stdout(Stdio::null())
            .status()?;
        if made.success() { Ok(()) } else { Err("the topics cannot be made".into()) }
    }

    /// Starts it.
    pub fn start(&self) -> Outcome<Running> {
        let mut command = match self.side.engine {
            Engine::Floor => {
                let mut command = Command::new(std::env::current_exe()?);
                command.args(["drain", &self.broker.address(), &self.input]);
                command
            }
            Engine::Vigie | Engine::VigieReduced => self.vigie(),
            Engine::StreamsMemory => self.peer("streams", "vigie.peers.streams.StreamsPeer", "memory")?,
            Engine::StreamsRocksDb => self.peer("streams", "vigie.peers.streams.StreamsPeer", "rocksdb")?,
            Engine::FlinkHeap => self.peer("flink", "vigie.peers.flink.FlinkPeer", "memory")?,
            Engine::FlinkRocksDb => self.peer("flink", "vigie.peers.flink.FlinkPeer", "rocksdb")?,
        };
        let log = File::options().create(true).append(true).open(&self.log)?;
        Ok(Running {
            child: command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn()?,
            log: self.log.clone(),
        })
    }

    fn vigie(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vigie"));
        command.arg("run").arg("--config").arg(self.settings_file());
        if self.side.engine == Engine::VigieReduced {
            command.arg("--params").arg(sources().join("reduced.toml"));
        }
        command
    }

    fn settings_file(&self) -> PathBuf {
        self.folder.join("vigie.toml")
    }

    /// Every setting of vigie that is not the default.
    fn settings(&self) -> String {
        let Run { name, input, .. } = self;
        let clock = if self.clock == Clock::Event { "event" } else { "live" };
        // The figures of all buyers go out beside the alerts; the reduced job has none of that, so each is told once.
        let exposures_ms = if self.side.engine == Engine::VigieReduced { 3_600_000 } else { 1_000 };
        format!(
            "brokers = \"{}\"\nprefix = \"\"\ngroup = \"{name}\"\ninstance = \"bench\"\nany_topic = true\nlog_level = \"warn\"\n\
             threads = {THREADS}\nclock = \"{clock}\"\nturn_ms = {}\nexposures_interval_ms = {exposures_ms}\n\
             snapshots = \"{}\"\nmetrics = \"off\"\n\n[topics]\ninvoices = \"{input}\"\npayments = \"{input}\"\n\
             signals = \"{input}\"\nlimits = \"{input}\"\ndecisions = \"{input}\"\nfx_rates = \"{input}\"\n\
             alerts = \"{}\"\nlimit_proposals = \"{name}.limit-proposals\"\nlimit_changes = \"{name}.limit-changes\"\n\
             order_decisions = \"{name}.order-decisions\"\nexposures = \"{name}.exposures\"\ndead_letters = \"{name}.dead-letters\"\njournal = \"{name}.journal\"\n",
            self.broker.address(),
            self.side.commit_ms,
            self.folder.join("snapshots").display(),
            self.output(),
        )
    }

    fn peer(&self, module: &str, class: &str, store: &str) -> Outcome<Command> {
        let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/peers").join(module);
        if !built.join("libs").is_dir() {
            return Err(format!("{} is not there: make bench-peers builds it", built.display()).into());
        }
        let mut command = Command::new("java");
        command.args(JVM).arg(format!("-Xmx{}", self.heap)).arg(format!("-Xms{}", self.heap));
        command.arg("-cp").arg(format!("{}/*:{}/libs/*", built.display(), built.display())).arg(class);
        command.args(["--brokers", &self.broker.address(), "--input", &self.input, "--output", &self.output()]);
        command.args(["--group", &self.name, "--store", store, "--commit-ms", &self.side.commit_ms.to_string()]);
        command.args(["--threads", &THREADS.to_string(), "--state-dir"]).arg(&self.folder);
        Ok(command)
    }
}

/// What both peers' Java is told beside the size of its heap. Flink asks for the opens on Java 17.
pub const JVM: [&str; 3] = [
    "-XX:+UseParallelGC",
    "--add-opens=java.base/java.util=ALL-UNNAMED",
    "--add-opens=java.base/java.lang=ALL-UNNAMED",
];

/// Where the peers and the settings of the reduced job lie.
pub fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peers")
}

impl Running {
    /// CPU seconds so far.
    pub fn cpu(&self) -> Outcome<f64> {
        Ok(cpu_seconds(self.child.id())?.0)
    }

    /// Whether it has ended; a side that should not have is an error.
    pub fn must_live(&mut self) -> Outcome<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => Err(format!("it ended: {status}; what it said is in {}", self.log.display()).into()),
        }
    }

    /// The most memory it had at once, in bytes.
    pub fn memory_peak(&self) -> Outcome<u64> {
        memory_peak(self.child.id())
    }

    /// Waits until it ends by itself; gives its CPU seconds.
    pub fn finish(mut self) -> Outcome<f64> {
        crate::support::process::cpu_until(&mut self.child, |_| Ok(false))
    }

    /// Ends it as an operator would.
    pub fn terminate(mut self) -> Outcome<()> {
        terminate(&mut self.child)
    }

    /// Ends it as a power cut would.
    pub fn kill(mut self) -> Outcome<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
        // What it held of ports and disk is free only a moment later.
        pause(100);
    }
}
