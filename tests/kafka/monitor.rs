//! The monitor under test: `vigie run` as a process of its own, killed, stopped for a while, ended, and asked how it is.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::broker::free_port;
use crate::scene::{Clock, Scene, Way};

/// How long a monitor may take to be ready, to die or to end, however slow the machine.
pub const MONITOR_MAX: Duration = Duration::from_secs(300);

/// How a monitor is to be started.
#[derive(Debug, Clone, Default)]
pub struct Launch {
    /// Its name in the group.
    pub instance: String,
    /// The point at which it breaks, and the pass: `after_send:3`.
    pub fail_point: Option<String>,
    /// The largest file that it may write, in blocks of 512 bytes.
    pub file_blocks_max: Option<u32>,
}

impl Launch {
    pub fn of(instance: &str) -> Launch {
        Launch { instance: instance.to_owned(), ..Launch::default() }
    }

    pub fn fail_at(self, point: &str) -> Launch {
        Launch { fail_point: Some(point.to_owned()), ..self }
    }
}

/// A process of `vigie run`.
#[derive(Debug)]
pub struct Monitor {
    child: Child,
    instance: String,
    port: u16,
    log: PathBuf,
    copies: Vec<JoinHandle<()>>,
    begun: Instant,
}

impl Monitor {
    /// Starts it; it is not ready yet.
    pub fn start(scene: &Scene, launch: &Launch) -> Monitor {
        let port = free_port();
        let log = scene.folder().join(format!("{}.log", launch.instance));
        let mut command = command(scene, launch, port);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("vigie can be started");
        let copies = vec![copy(child.stdout.take().unwrap(), &log), copy(child.stderr.take().unwrap(), &log)];
        Monitor { child, instance: launch.instance.clone(), port, log, copies, begun: Instant::now() }
    }

    /// Starts it and waits until it is ready.
    pub fn ready(scene: &Scene, instance: &str) -> Monitor {
        let mut monitor = Monitor::start(scene, &Launch::of(instance));
        monitor.await_ready();
        monitor
    }

    /// Waits until every partition that it owns is live; gives the time since its start.
    pub fn await_ready(&mut self) -> Duration {
        let deadline = Instant::now() + MONITOR_MAX;
        while !self.is_ready() {
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!("the monitor ended ({status}) before it was ready:\n{}", self.log_end());
            }
            assert!(Instant::now() < deadline, "the monitor was not ready within {MONITOR_MAX:?}:\n{}", self.log_end());
            std::thread::sleep(Duration::from_millis(10));
        }
        self.begun.elapsed()
    }

    pub fn is_ready(&self) -> bool {
        self.get("/ready")
            .is_some_and(|answer| answer.starts_with("HTTP/1.1 200") || answer.starts_with("HTTP/1.0 200"))
    }

    /// The sum of a metric over its labels; 0 where there is none.
    pub fn metric(&self, name: &str) -> f64 {
        let page = self.get("/metrics").unwrap_or_default();
        let is_of = |line: &&str| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' ']));
        let value = |line: &str| line.rsplit(' ').next().and_then(|text| text.parse::<f64>().ok());
        page.lines().filter(is_of).filter_map(value).sum()
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Does what a supervisor does: starts it anew where it has ended because Kafka says that another has its name; says
    /// whether it did. To end for any other reason is wrong.
    pub fn revive(&mut self, scene: &Scene) -> bool {
        if self.is_running() {
            return false;
        }
        let end = self.log_end();
        assert!(end.contains("another process runs as the instance"), "the monitor has ended:\n{end}");
        assert!(!self.log_text().contains("panic"), "the monitor has panicked:\n{end}");
        *self = Monitor::start(scene, &Launch::of(&self.instance));
        true
    }

    /// SIGKILL, and waits until it is gone.
    pub fn kill_hard(mut self) {
        self.end();
    }

    /// SIGSTOP.
    pub fn pause(&self) {
        self.signal("STOP");
    }

    /// SIGCONT.
    pub fn resume(&self) {
        self.signal("CONT");
    }

    /// SIGTERM; it has to end by itself, and well.
    pub fn terminate(mut self) {
        self.signal("TERM");
        let status = self.await_end(MONITOR_MAX).unwrap_or_else(|| panic!("it does not end:\n{}", self.log_end()));
        assert!(status.success(), "the monitor ended badly on SIGTERM ({status}):\n{}", self.log_end());
    }

    /// Waits until it breaks where it was told to; anything else that ends it is wrong. `None`: it goes on.
    pub fn await_break(&mut self, most: Duration) -> Option<ExitStatus> {
        let status = self.await_end(most)?;
        assert_eq!(status.signal(), Some(6), "the monitor ended otherwise ({status}):\n{}", self.log_end());
        Some(status)
    }

    /// Waits until it has ended, however it does.
    pub fn await_end(&mut self, most: Duration) -> Option<ExitStatus> {
        let deadline = Instant::now() + most;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return Some(status);
            }
            if Instant::now() > deadline {
                return None;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// The end of what it logged.
    pub fn log_end(&self) -> String {
        const LINES: usize = 40;
        let text = self.log_text();
        let lines: Vec<&str> = text.lines().collect();
        format!("{}\n(whole: {})", lines[lines.len().saturating_sub(LINES)..].join("\n"), self.log.display())
    }

    /// All that it logged, and those before it of its name.
    pub fn log_text(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    fn signal(&self, name: &str) {
        let pid = self.child.id();
        // The shell's own `kill`: small systems have no other.
        let status = Command::new("sh").args(["-c", &format!("kill -{name} {pid}")]).status();
        assert!(status.is_ok_and(|status| status.success()), "SIG{name} cannot be sent to the monitor, process {pid}");
    }

    fn get(&self, path: &str) -> Option<String> {
        const ANSWER_MAX: Duration = Duration::from_secs(5);
        let address = ([127, 0, 0, 1], self.port).into();
        let mut stream = TcpStream::connect_timeout(&address, ANSWER_MAX).ok()?;
        stream.set_read_timeout(Some(ANSWER_MAX)).ok()?;
        stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n").as_bytes()).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        Some(answer)
    }

    fn end(&mut self) {
        // It fails only where it has ended already.
        self.child.kill().ok();
        self.child.wait().ok();
        for copy in self.copies.drain(..) {
            copy.join().ok();
        }
    }
}

impl Drop for Monitor {
    fn drop(&mut self) {
        self.end();
    }
}

fn command(scene: &Scene, launch: &Launch, port: u16) -> Command {
    let binary = env!("CARGO_BIN_EXE_vigie");
    let mut command = match launch.file_blocks_max {
        None => Command::new(binary),
        Some(blocks) => {
            // Without the trap the system ends the process where it only should refuse the write.
            let mut shell = Command::new("sh");
            shell.args(["-c", &format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\""), binary]);
            shell
        }
    };
    let config = scene.folder().join("vigie.toml");
    std::fs::write(&config, &scene.settings).unwrap();
    command
        .current_dir(scene.folder())
        .arg("run")
        .args(["--brokers", &scene.brokers, "--prefix", &scene.prefix, "--group", &scene.group])
        .args(["--instance", &launch.instance, "--threads", &scene.threads.to_string(), "--turn-ms", "20"])
        .args(["--clock", if scene.clock == Clock::Event { "event" } else { "live" }])
        .args(["--metrics", &format!("127.0.0.1:{port}")])
        .arg("--snapshots")
        .arg(scene.snapshots())
        .arg("--config")
        .arg(config);
    if scene.way == Way::OneTopic {
        command.arg("--any-topic");
    }
    if let Some(point) = &launch.fail_point {
        command.env("VIGIE_FAIL_POINT", point);
    }
    command
}

/// Copies what a process writes to the end of a file, from outside, so that a limit on its files does not concern its log.
fn copy(mut from: impl Read + Send + 'static, to: &Path) -> JoinHandle<()> {
    let mut file: File = OpenOptions::new().create(true).append(true).open(to).unwrap();
    std::thread::spawn(move || {
        if let Err(error) = std::io::copy(&mut from, &mut file) {
            eprintln!("the monitor's log is cut short: {error}");
        }
    })
}
