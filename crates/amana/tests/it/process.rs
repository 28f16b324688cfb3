//! Processes of the binary: started, waited for with a bound, ended with the test.

use amana_flow::limits::{DOOR_OPEN_S, ECHO_WAIT_AFTER_START_S, ECHO_WAIT_S};
use serde_json::Value;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// How long anything may take to start, on a machine that builds something else beside.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// How long a message that was on its way when the gateway was killed may hold its conversation: from the new start on
/// its echo is waited for, and the platform asked; at the latest once its webhooks have come in for a while it is sent
/// again, and if that is in doubt too, the echo of that is waited for. The rest is work, for which a busy machine has
/// the time of two starts.
pub(crate) const DOUBT: Duration = Duration::from_secs(
    ECHO_WAIT_AFTER_START_S.unsigned_abs()
        + DOOR_OPEN_S.unsigned_abs()
        + ECHO_WAIT_S.unsigned_abs()
        + 2 * PATIENCE.as_secs(),
);

/// The keys of an `[[institution]]` block that say who answers for consents: without them no gateway starts.
pub(crate) const CONTROLLER: &str = r#"address = "1 Harbor Street, Springfield"
contact = "privacy@harbor.example"
jurisdiction = "US"
retention = "7 years after a consent's end"
storage = "United States"
privacy_notice = "https://harbor.example/privacy""#;

/// The binary.
pub(crate) fn amana() -> Command {
    amana_at(Path::new(env!("CARGO_BIN_EXE_amana")))
}

/// The binary at another place.
pub(crate) fn amana_at(path: &Path) -> Command {
    let mut command = Command::new(path);
    // Whatever stands in the environment of who runs the tests is not theirs.
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("AMANA_")) {
        command.env_remove(name);
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// What a command that ends by itself said.
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// Runs a command to its end.
pub(crate) fn run(mut command: Command) -> Said {
    let mut child = command.spawn().expect("the binary starts");
    let (mut out, mut err) = (child.stdout.take().expect("piped"), child.stderr.take().expect("piped"));
    let reading = std::thread::spawn(move || {
        let mut text = String::new();
        let _ = err.read_to_string(&mut text);
        text
    });
    let other = std::thread::spawn(move || {
        let mut text = String::new();
        let _ = out.read_to_string(&mut text);
        text
    });
    let status = wait(&mut child, PATIENCE).unwrap_or_else(|| {
        let _ = child.kill();
        panic!("the command did not end");
    });
    Said { code: status.code(), out: other.join().expect("read"), err: reading.join().expect("read") }
}

/// Runs the binary with these arguments to its end.
pub(crate) fn amana_says(arguments: &[&str]) -> Said {
    let mut command = amana();
    command.args(arguments);
    run(command)
}

fn wait(child: &mut Child, patience: Duration) -> Option<ExitStatus> {
    let until = Instant::now() + patience;
    while Instant::now() < until {
        if let Some(status) = child.try_wait().expect("a child") {
            return Some(status);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    None
}

/// A process that runs until it is told to stop.
pub(crate) struct Running {
    child: Child,
    lines: Receiver<String>,
    log: std::sync::Arc<std::sync::Mutex<String>>,
}

impl Running {
    /// Starts the command.
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command.spawn().expect("the binary starts");
        let (sender, lines) = channel();
        let out = BufReader::new(child.stdout.take().expect("piped"));
        std::thread::spawn(move || {
            for line in out.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        let log = std::sync::Arc::new(std::sync::Mutex::new(String::new()));
        let err = BufReader::new(child.stderr.take().expect("piped"));
        let to = log.clone();
        std::thread::spawn(move || {
            for line in err.lines().map_while(Result::ok) {
                let mut log = to.lock().expect("log");
                log.push_str(&line);
                log.push('\n');
            }
        });
        Self { child, lines, log }
    }

    /// The next line of standard output.
    pub(crate) fn line(&mut self) -> String {
        self.lines.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("no line came; the log: {}", self.log()))
    }

    /// The next line, as JSON.
    pub(crate) fn json(&mut self) -> Value {
        let line = self.line();
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("not JSON: {line}"))
    }

    /// Its number.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// What was logged so far.
    pub(crate) fn log(&self) -> String {
        self.log.lock().expect("log").clone()
    }

    /// Stops it with Ctrl-C, and gives its status and how long it took.
    pub(crate) fn interrupt(mut self) -> (ExitStatus, Duration) {
        self.signal("-INT");
        let begun = Instant::now();
        let status = wait(&mut self.child, PATIENCE).expect("it stops");
        (status, begun.elapsed())
    }

    /// Kills it without a word (kill -9).
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("gone");
    }

    /// Ends it as a defect would (SIGABRT), and gives its status.
    pub(crate) fn abort(mut self) -> ExitStatus {
        self.signal("-ABRT");
        wait(&mut self.child, PATIENCE).expect("it ends")
    }

    /// Whether it has ended.
    pub(crate) fn is_over(&mut self) -> bool {
        self.child.try_wait().expect("a child").is_some()
    }

    /// Waits until it has ended by itself: its status and its log.
    pub(crate) fn ended(mut self) -> (ExitStatus, String) {
        let status = wait(&mut self.child, PATIENCE).expect("it ends");
        // What it said last is read by a thread of its own, which holds the log until it has read all.
        let until = Instant::now() + Duration::from_secs(5);
        while std::sync::Arc::strong_count(&self.log) > 1 && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(5));
        }
        (status, self.log())
    }

    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let done = Command::new("kill").args([name, &pid]).status().expect("`kill` runs");
        assert!(done.success());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A demonstration that runs.
pub(crate) struct Demo {
    pub(crate) process: Running,
    pub(crate) gateway: String,
    pub(crate) bank: String,
    pub(crate) chat: String,
}

impl Demo {
    /// Starts one with these ports (gateway, bank, chat) and arguments.
    pub(crate) fn start(folder: &Path, ports: [u16; 3], more: &[&str]) -> Self {
        let mut command = amana();
        command.arg("demo").arg("--json").arg("--data-dir").arg(folder).args(more);
        for (flag, port) in ["--gateway-port", "--bank-port", "--chat-port"].iter().zip(ports) {
            command.arg(flag).arg(port.to_string());
        }
        let mut process = Running::start(command);
        let ready = process.json();
        let of =
            |name: &str| ready[name].as_str().unwrap_or_else(|| panic!("no `{name}`: {ready}")).to_owned();
        Self { gateway: of("gateway"), bank: of("bank"), chat: of("chat"), process }
    }

    /// The ports, for starting again at the same places.
    pub(crate) fn ports(&self) -> [u16; 3] {
        [&self.gateway, &self.bank, &self.chat]
            .map(|url| url.rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port"))
    }
}

/// A folder that is gone with the test.
pub(crate) fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("data");
    (folder, path)
}
