//! Runs one long command as a step: progress lines with the elapsed time, its output kept, an upper bound on its time,
//! and its whole process group ended on Ctrl-C, time-out or error.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::limits;
use crate::stop::Stop;

/// Extra environment variables of a step.
pub(crate) type Env = BTreeMap<String, String>;

/// A command to be run once.
pub(crate) struct Step {
    title: String,
    words: Vec<OsString>,
    folder: Option<PathBuf>,
    env: Env,
    limit: Duration,
    quiet: bool,
}

/// How a step ended.
pub(crate) struct Ended {
    /// Whether it exited with 0.
    pub(crate) success: bool,
    /// Everything that it printed, both streams, in the order in which the lines came.
    pub(crate) output: String,
    /// How long it took.
    pub(crate) elapsed: Duration,
}

impl Ended {
    /// The last lines of the output, for an error message.
    pub(crate) fn tail(&self) -> String {
        let lines: Vec<&str> = self.output.lines().collect();
        let from = lines.len().saturating_sub(30);
        lines.iter().skip(from).map(|line| format!("  | {line}")).collect::<Vec<_>>().join("\n")
    }
}

impl Step {
    /// A step that prints `title`, runs `words` (the program first) and may last `limit`.
    pub(crate) fn new<W: Into<OsString>>(
        title: impl Into<String>,
        words: impl IntoIterator<Item = W>,
        limit: Duration,
    ) -> Self {
        Self {
            title: title.into(),
            words: words.into_iter().map(Into::into).collect(),
            folder: None,
            env: Env::new(),
            limit,
            quiet: false,
        }
    }

    /// Runs in `folder`.
    pub(crate) fn folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = Some(folder.into());
        self
    }

    /// Adds environment variables.
    pub(crate) fn env(mut self, env: &Env) -> Self {
        self.env.extend(env.clone());
        self
    }

    /// Keeps the output back: it is shown only by whoever reports a failure.
    pub(crate) fn quiet(mut self) -> Self {
        self.quiet = true;
        self
    }

    /// Runs the step to its end.
    ///
    /// # Errors
    /// When the program cannot be started, when it outlives its limit, and when the person asked to stop. In the last
    /// two cases its whole process group has been ended.
    pub(crate) fn run(&self, stop: &Stop) -> Result<Ended> {
        let Some((program, arguments)) = self.words.split_first() else { bail!("a step without a program") };
        println!("==> {}", self.title);
        let started = Instant::now();
        let mut command = Command::new(program);
        command.args(arguments).envs(&self.env).stdin(Stdio::null());
        // One pipe for both streams, so that lines stay in the order in which they were printed.
        let (reader, writer) = std::io::pipe().context("cannot make a pipe")?;
        command.stdout(writer.try_clone().context("cannot make a pipe")?).stderr(writer);
        // A group of its own: Ctrl-C in the terminal reaches only this process, which then stops the children in order.
        command.process_group(0);
        if let Some(folder) = &self.folder {
            command.current_dir(folder);
        }
        let child = command
            .spawn()
            .with_context(|| format!("{}: cannot start `{}`", self.title, program.to_string_lossy()))?;
        // The command holds this side's copies of the pipe: without them, the reader sees the end.
        drop(command);
        let mut group = Group { child };
        let kept = Arc::new(Mutex::new(String::new()));
        let reader = read_lines(reader, Arc::clone(&kept), self.quiet);

        let mut beat = started;
        let status = loop {
            if let Some(status) = group.child.try_wait().context("cannot wait for the child process")? {
                break status;
            }
            if stop.asked() {
                group.end();
                bail!("{}: stopped on request after {}", self.title, seconds(started.elapsed()));
            }
            if started.elapsed() > self.limit {
                group.end();
                let kept = kept.lock().unwrap_or_else(PoisonError::into_inner).clone();
                let ended = Ended { success: false, output: kept, elapsed: started.elapsed() };
                bail!("{}: not done after {}; ended\n{}", self.title, seconds(self.limit), ended.tail());
            }
            if beat.elapsed() > limits::HEARTBEAT {
                beat = Instant::now();
                println!("    … {} ({} so far)", self.title, seconds(started.elapsed()));
            }
            std::thread::sleep(limits::POLL);
        };
        // The step is over when its program is: whatever it left running in its group would hold the pipes open.
        group.end();
        let _ = reader.join();
        let output = kept.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let elapsed = started.elapsed();
        let word = if status.success() { "ok" } else { "FAILED" };
        println!("    {word}: {} ({})", self.title, seconds(elapsed));
        Ok(Ended { success: status.success(), output, elapsed })
    }
}

/// A child and the process group that it leads.
struct Group {
    child: Child,
}

impl Group {
    /// Asks the group to end, waits a bounded time, then kills it. Harmless when nothing is left of it.
    fn end(&mut self) {
        signal_group("TERM", self.child.id());
        let asked = Instant::now();
        while asked.elapsed() < limits::CHILD_STOP_WAIT {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                break;
            }
            std::thread::sleep(limits::POLL);
        }
        signal_group("KILL", self.child.id());
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.end();
        }
    }
}

/// Sends a signal to a process group. The shell's own `kill` is used: the standard library has none, and this
/// workspace forbids `unsafe`.
fn signal_group(signal: &str, leader: u32) {
    let _ = Command::new("sh")
        .args(["-c", &format!("kill -{signal} -{leader}")])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
}

fn read_lines(pipe: impl Read + Send + 'static, kept: Arc<Mutex<String>>, quiet: bool) -> JoinHandle<()> {
    std::thread::spawn(move || {
        let mut lines = BufReader::new(pipe);
        let mut line = Vec::new();
        while lines.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
            let text = String::from_utf8_lossy(&line).into_owned();
            if !quiet {
                let mut out = std::io::stdout().lock();
                // A closed terminal must not stop the tests.
                let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
            }
            kept.lock().unwrap_or_else(PoisonError::into_inner).push_str(&text);
            line.clear();
        }
    })
}

/// `83.4 s` below two minutes, `12 min 05 s` above.
pub(crate) fn seconds(time: Duration) -> String {
    if time.as_secs() < 120 {
        format!("{:.1} s", time.as_secs_f64())
    } else {
        format!("{} min {:02} s", time.as_secs() / 60, time.as_secs() % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: a step reports exit code and both streams.
    #[test]
    fn a_step_keeps_both_streams_and_the_exit_code() {
        let step = Step::new("t", ["sh", "-c", "echo out; echo err >&2; exit 3"], Duration::from_secs(10));
        let ended = step.quiet().run(&Stop::default()).expect("runs");
        assert!(!ended.success);
        assert!(ended.output.contains("out\n") && ended.output.contains("err\n"), "{}", ended.output);
    }

    /// Goal: a step that hangs is ended, and with it the processes that it started.
    #[test]
    fn a_step_over_its_limit_is_ended_with_its_children() {
        let folder = tempfile::tempdir().expect("temp dir");
        let script = "sleep 600 & echo $! > pid; wait";
        let step = Step::new("t", ["sh", "-c", script], Duration::from_millis(400)).folder(folder.path());
        let message = step.quiet().run(&Stop::default()).err().expect("too slow").to_string();
        assert!(message.contains("not done after"), "{message}");
        let pid = std::fs::read_to_string(folder.path().join("pid")).expect("pid");
        let alive = Command::new("sh")
            .args([
                "-c",
                &format!(
                    "kill -0 {} 2>/dev/null && ! grep -q '^State:.Z' /proc/{}/status",
                    pid.trim(),
                    pid.trim()
                ),
            ])
            .status()
            .expect("sh");
        assert!(!alive.success(), "the child of the step is still alive");
    }

    /// Goal: times read well at both scales.
    #[test]
    fn times_are_printed_in_the_fitting_unit() {
        assert_eq!(seconds(Duration::from_millis(1_250)), "1.2 s");
        assert_eq!(seconds(Duration::from_secs(725)), "12 min 05 s");
    }
}
