//! A real broker for a test: started on free ports, killed, stopped, paused and started again, and gone with the test.
//!
//! The process started here is the script `docker/kafka-local/kafka run`. It runs the broker and kills it as soon as its
//! standard input ends. So the broker ends with the test, also where nothing is dropped: with a static, after `exit`, or
//! when the test itself is killed.

use std::fs;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{BufRead, BufReader, Read};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rdkafka::config::ClientConfig;

use crate::certificates::Certificates;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docker/kafka-local/kafka");

/// The folder of the brokers' data; each has a folder `PROCESS-NUMBER` in it.
const FOLDER: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/kafka");

/// Where ports are looked for: below the range that systems give to outgoing connections (from 32,768). In that range a
/// client that keeps trying to reach a broker that is down can end up connected to itself, and then holds the broker's port.
const PORTS: std::ops::Range<u16> = 20_000..32_000;

/// How often other ports are tried when somebody was quicker to take one.
const PORT_TRIES_MAX: u32 = 10;

/// How long a broker may take to end after SIGTERM.
const STOP_MAX: Duration = Duration::from_secs(30);

/// What the script exits with when a port is taken.
const PORT_TAKEN: i32 = 3;

/// How a broker differs from the plain one.
#[derive(Debug, Clone, Default)]
pub struct BrokerOptions {
    /// A second listener with TLS, for this user alone.
    pub secure: Option<User>,
    /// Settings of the broker, over those of `docker/kafka-local/server.properties`.
    pub settings: Vec<(String, String)>,
}

/// Who may log in at the listener with TLS, by PLAIN or SCRAM. Letters, digits, dots, dashes and underscores only.
#[derive(Debug, Clone)]
pub struct User {
    pub name: String,
    pub password: String,
}

/// A running broker, or one that was killed or stopped and can be started again.
#[derive(Debug)]
pub struct Broker {
    options: BrokerOptions,
    ports: Ports,
    data: PathBuf,
    certificates: Option<Certificates>,
    running: Option<Running>,
}

#[derive(Debug, Clone, Copy)]
struct Ports {
    plain: u16,
    controller: u16,
    secure: u16,
}

/// The script that watches over the broker, and the broker's own process.
#[derive(Debug)]
struct Running {
    script: Child,
    pid: u32,
}

/// Why the script ended before the broker was up: its exit code and what it wrote.
#[derive(Debug)]
struct NotStarted {
    code: Option<i32>,
    message: String,
}

impl Broker {
    /// Starts a broker on new data and free ports; panics with the broker's log when it does not start.
    pub fn start(options: BrokerOptions) -> Broker {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        if number == 0 {
            remove_data_of_dead_processes();
        }
        let data = Path::new(FOLDER).join(format!("{}-{number}", std::process::id()));
        fs::create_dir_all(&data).expect("the folder of the broker's data can be made");
        let certificates = options.secure.is_some().then(|| Certificates::new(&data));
        let mut broker = Broker { options, ports: Ports::free(), data, certificates, running: None };
        broker.write_settings();
        for _ in 0..PORT_TRIES_MAX {
            match broker.launch() {
                Ok(running) => {
                    broker.running = Some(running);
                    return broker;
                }
                Err(not_started) if not_started.code == Some(PORT_TAKEN) => broker.take_other_ports(),
                Err(not_started) => panic!("no broker: {}", not_started.message),
            }
        }
        panic!("no broker: other programs took the ports {PORT_TRIES_MAX} times");
    }

    /// The broker that all tests of this process share which do no harm to it; they name their topics by [`fresh`].
    ///
    /// [`fresh`]: crate::client::fresh
    pub fn shared() -> &'static Broker {
        static SHARED: LazyLock<Broker> = LazyLock::new(|| Broker::start(BrokerOptions::default()));
        &SHARED
    }

    /// Where clients reach it without TLS.
    pub fn bootstrap(&self) -> String {
        format!("127.0.0.1:{}", self.ports.plain)
    }

    /// Where clients reach it with TLS, when the options ask for that.
    pub fn secure_bootstrap(&self) -> String {
        assert!(self.options.secure.is_some(), "this broker was started without `secure`");
        format!("127.0.0.1:{}", self.ports.secure)
    }

    /// The certificate of the authority that signed the broker's, when the options ask for TLS.
    pub fn authority(&self) -> &Path {
        &self.certificates.as_ref().expect("this broker was started without `secure`").authority
    }

    /// The settings of a client without TLS.
    pub fn client(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", self.bootstrap());
        config
    }

    /// The settings of a client with TLS that knows the right user, password and authority.
    pub fn secure_client(&self, mechanism: &str) -> ClientConfig {
        let user = self.options.secure.as_ref().expect("this broker was started without `secure`");
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", self.secure_bootstrap())
            .set("security.protocol", "SASL_SSL")
            .set("ssl.ca.location", self.authority().to_str().unwrap())
            .set("sasl.mechanism", mechanism)
            .set("sasl.username", &user.name)
            .set("sasl.password", &user.password);
        config
    }

    /// The folder of its settings, logs and topics.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// SIGKILL, and waits until it is gone.
    pub fn kill_hard(&mut self) {
        // The script does it, as its input ends.
        drop(self.running.take());
    }

    /// SIGTERM, and waits until it is gone.
    pub fn stop(&mut self) {
        let Some(running) = self.running.take() else { return };
        signal("TERM", running.pid);
        let deadline = Instant::now() + STOP_MAX;
        while is_alive(running.pid) {
            assert!(
                Instant::now() < deadline,
                "the broker did not stop within {STOP_MAX:?}; see {}",
                self.data.display()
            );
            sleep(Duration::from_millis(20));
        }
    }

    /// Runs it again on the same ports and data; one that still runs is stopped first.
    pub fn restart(&mut self) {
        self.stop();
        for _ in 0..PORT_TRIES_MAX {
            match self.launch() {
                Ok(running) => {
                    self.running = Some(running);
                    return;
                }
                Err(not_started) if not_started.code == Some(PORT_TAKEN) => sleep(Duration::from_millis(500)),
                Err(not_started) => panic!("the broker did not start again: {}", not_started.message),
            }
        }
        panic!("the broker did not start again: its ports {:?} are taken", self.ports);
    }

    /// SIGSTOP: it holds its connections and answers nothing.
    pub fn pause(&mut self) {
        signal("STOP", self.pid());
    }

    /// SIGCONT.
    pub fn resume(&mut self) {
        signal("CONT", self.pid());
    }

    fn pid(&self) -> u32 {
        self.running.as_ref().expect("the broker runs").pid
    }

    fn take_other_ports(&mut self) {
        self.ports = Ports::free();
        // Formatted for the ports it had.
        for name in ["formatted", "topics"] {
            let path = self.data.join(name);
            let removed = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
            assert!(removed.is_ok() || !path.exists(), "{} cannot be removed", path.display());
        }
    }

    fn write_settings(&self) {
        let lines: Vec<String> = self.options.settings.iter().map(|(key, value)| format!("{key}={value}\n")).collect();
        fs::write(self.data.join("extra.properties"), lines.concat()).expect("the broker's settings can be written");
    }

    fn launch(&self) -> Result<Running, NotStarted> {
        let mut command = Command::new(SCRIPT);
        command
            .args(["run", &self.ports.plain.to_string()])
            .env("KAFKA_DATA", &self.data)
            .env("KAFKA_EXTRA", self.data.join("extra.properties"))
            .env("KAFKA_CONTROLLER_PORT", self.ports.controller.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        if let (Some(user), Some(certificates)) = (&self.options.secure, &self.certificates) {
            command
                .env("KAFKA_SASL_PORT", self.ports.secure.to_string())
                .env("KAFKA_CERTIFICATE", &certificates.broker)
                .env("KAFKA_USER", &user.name)
                .env("KAFKA_PASSWORD", &user.password);
        }
        let mut script = command.spawn().expect("docker/kafka-local/kafka can be run; it needs bash");
        let mut line = String::new();
        BufReader::new(script.stdout.take().expect("it is piped"))
            .read_line(&mut line)
            .expect("the script's output can be read");
        match line.trim().strip_prefix("ready ").map(str::parse) {
            Some(Ok(pid)) => Ok(Running { script, pid }),
            _ => {
                let mut message = String::new();
                script
                    .stderr
                    .take()
                    .expect("it is piped")
                    .read_to_string(&mut message)
                    .expect("the script writes UTF-8");
                let code = script.wait().expect("the script is a child of this process").code();
                Err(NotStarted { code, message })
            }
        }
    }
}

impl Drop for Broker {
    /// Ends it. The data of a test that fails stays until the next run of the tests.
    fn drop(&mut self) {
        self.kill_hard();
        if std::thread::panicking() {
            eprintln!("the broker's logs are in {}", self.data.display());
        } else if let Err(error) = fs::remove_dir_all(&self.data) {
            eprintln!("{} is left behind: {error}", self.data.display());
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.script.stdin.take());
        if let Err(error) = self.script.wait() {
            eprintln!("the script that runs the broker cannot be waited for: {error}");
        }
    }
}

impl Ports {
    /// Ports that nobody listens on now. Somebody may be quicker to take them: then the start is tried again.
    fn free() -> Ports {
        let mut taken = Vec::new();
        let mut next = || {
            let listener = free_listener();
            let port = listener.local_addr().expect("a listener has an address").port();
            // It stays open until all three are found, so that they differ.
            taken.push(listener);
            port
        };
        Ports { plain: next(), controller: next(), secure: next() }
    }
}

/// A port of loopback that nobody listens on now, for proxies and servers of a test.
pub fn free_port() -> u16 {
    free_listener().local_addr().expect("a listener has an address").port()
}

fn free_listener() -> TcpListener {
    loop {
        // The standard library's only chance: each of these hashers starts from another number.
        let chance = RandomState::new().build_hasher().finish();
        let port = PORTS.start + (chance % PORTS.len() as u64) as u16;
        if let Ok(listener) = TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
            return listener;
        }
    }
}

/// Sends a signal to a process that this one started, and that it has not waited for.
fn signal(name: &str, pid: u32) {
    // The shell's own `kill`: small systems have no other.
    let status = Command::new("sh").args(["-c", &format!("kill -{name} {pid}")]).status();
    assert!(status.is_ok_and(|status| status.success()), "SIG{name} cannot be sent to the broker, process {pid}");
}

fn is_alive(pid: u32) -> bool {
    let probe = format!("kill -0 {pid} 2>/dev/null");
    Command::new("sh").args(["-c", &probe]).status().is_ok_and(|status| status.success())
}

/// A shared broker's data has nobody to remove it, nor has that of a test which was killed.
fn remove_data_of_dead_processes() {
    let Ok(entries) = fs::read_dir(FOLDER) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let owner = name.to_str().and_then(|name| name.split('-').next()).and_then(|pid| pid.parse().ok());
        if owner.is_some_and(|pid| !is_alive(pid))
            && let Err(error) = fs::remove_dir_all(entry.path())
        {
            eprintln!("{} is left behind: {error}", entry.path().display());
        }
    }
}
