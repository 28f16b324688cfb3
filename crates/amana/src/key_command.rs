//! A master key that somebody else keeps: a program of the operator's wraps and unwraps the root key, with a key
//! management service or an HSM behind it, and the key itself never comes to us.
//!
//! The program is run with `wrap CONTEXT` or `unwrap CONTEXT` after its own arguments (once at a start, three times at
//! the first), without our environment's variables and never through a shell:
//!
//! | | standard input | standard output |
//! |---|---|---|
//! | `wrap` | the root key, 64 hexadecimal digits | one line of printable ASCII, as the service writes it |
//! | `unwrap` | that line | the root key, 64 hexadecimal digits |
//!
//! Exit code 0 says that it is done; anything else that it is not, and the first line of standard error is shown to the
//! operator. `CONTEXT` (`amana/root/v1`) should be bound to what is encrypted where the service can do that.

use crate::config::VARIABLE_PREFIX;
use crate::limits::{KEY_COMMAND_BYTES_MAX, KEY_COMMAND_POLL, KEY_COMMAND_TIME};
use amana_core::Entropy;
use amana_store::{MasterKey, MasterKeyError};
use std::io::{Read, Write as _};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::Instant;
use zeroize::Zeroizing;

/// The characters of the program's complaint that are shown.
const COMPLAINT_CHARS_MAX: usize = 200;

/// The program and its own arguments.
#[derive(Debug)]
pub(crate) struct CommandKey {
    program: String,
    arguments: Vec<String>,
}

impl CommandKey {
    /// This program. `None` for an empty list.
    pub(crate) fn new(command: &[String]) -> Option<Self> {
        let (program, arguments) = command.split_first()?;
        Some(Self { program: program.clone(), arguments: arguments.to_vec() })
    }

    fn failed(&self, why: impl std::fmt::Display) -> MasterKeyError {
        MasterKeyError::Away(format!("the command `{}` {why}", self.program))
    }

    /// Runs it; what it printed.
    fn run(&self, what: &str, context: &[u8], input: &[u8]) -> Result<Zeroizing<Vec<u8>>, MasterKeyError> {
        let context = String::from_utf8_lossy(context);
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).args([what, &context]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // Our other secrets are none of its business.
        for (name, _) in
            std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with(VARIABLE_PREFIX))
        {
            command.env_remove(name);
        }
        // Of its own, so that what it starts ends with it.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let started = Instant::now();
        let mut child = command
            .spawn()
            .map_err(|error| self.failed(format_args!("cannot be run: {}", crate::files::plain(&error))))?;
        // A line is less than what a pipe holds; a program that does not read it has said no in another way.
        if let Some(mut pipe) = child.stdin.take() {
            let mut line = Zeroizing::new(Vec::with_capacity(input.len() + 1));
            line.extend_from_slice(input);
            line.push(b'\n');
            let _ = pipe.write_all(&line);
        }
        let printed = reader(child.stdout.take());
        let complained = reader(child.stderr.take());
        let late =
            || self.failed(format_args!("was not done with `{what}` after {} s", KEY_COMMAND_TIME.as_secs()));
        let status = wait(&mut child, started)
            .map_err(|error| {
                self.failed(format_args!("cannot be waited for: {}", crate::files::plain(&error)))
            })?
            .ok_or_else(late)?;
        // What it left behind may hold the pipes open.
        let all = |from: mpsc::Receiver<Zeroizing<Vec<u8>>>| {
            let left = KEY_COMMAND_TIME.saturating_sub(started.elapsed());
            from.recv_timeout(left).map_err(|_| end_group(&child))
        };
        let printed = all(printed).map_err(|()| late())?;
        if !status.success() {
            let complaint = all(complained).unwrap_or_default();
            let complaint = String::from_utf8_lossy(&complaint);
            let first = complaint.trim().lines().next().unwrap_or("it did not say why");
            let first: String = first.chars().filter(|c| !c.is_control()).take(COMPLAINT_CHARS_MAX).collect();
            return Err(self.failed(format_args!("ended `{what}` with {status}: {first}")));
        }
        Ok(printed)
    }
}

impl MasterKey for CommandKey {
    fn wrap(&self, context: &[u8], root: &[u8; 32], _: &dyn Entropy) -> Result<Vec<u8>, MasterKeyError> {
        let root = Zeroizing::new(hex::encode(root));
        let printed = self.run("wrap", context, root.as_bytes())?;
        let line = printed.trim_ascii();
        if line.is_empty() || !line.iter().all(|byte| (b' '..=b'~').contains(byte)) {
            return Err(self.failed("must print one line of printable ASCII for `wrap`"));
        }
        Ok(line.to_vec())
    }

    fn unwrap(&self, context: &[u8], wrapped: &[u8]) -> Result<Zeroizing<[u8; 32]>, MasterKeyError> {
        // What a master key in a file wrapped is bytes.
        if !wrapped.iter().all(|byte| (b' '..=b'~').contains(byte)) {
            return Err(MasterKeyError::Wrong);
        }
        let printed = self.run("unwrap", context, wrapped)?;
        let mut root = Zeroizing::new([0; 32]);
        hex::decode_to_slice(printed.trim_ascii(), root.as_mut_slice())
            .map_err(|_| self.failed("must print the root key for `unwrap`, as 64 hexadecimal digits"))?;
        Ok(root)
    }
}

/// All that comes out of a pipe, up to the limit, once it is all; what is too long is cut off and then is no key.
fn reader(pipe: Option<impl Read + Send + 'static>) -> mpsc::Receiver<Zeroizing<Vec<u8>>> {
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        let mut read = Zeroizing::new(Vec::with_capacity(KEY_COMMAND_BYTES_MAX));
        let limit = u64::try_from(KEY_COMMAND_BYTES_MAX).unwrap_or(u64::MAX);
        if let Some(pipe) = pipe {
            let _ = pipe.take(limit).read_to_end(&mut read);
        }
        // Nobody listens any more when it came too late.
        let _ = tell.send(read);
    });
    told
}

/// How it ended; `None`, and killed with all that it started, when its time was over.
fn wait(child: &mut Child, started: Instant) -> std::io::Result<Option<ExitStatus>> {
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if started.elapsed() > KEY_COMMAND_TIME {
            end_group(child);
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        std::thread::sleep(KEY_COMMAND_POLL);
    }
}

/// Ends all that the program started.
fn end_group(child: &Child) {
    #[cfg(unix)]
    if let Some(group) = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw) {
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
    #[cfg(not(unix))]
    let _ = child;
}

#[cfg(test)]
mod tests {
    use super::*;
    use amana_store::{Keys, MemoryCustody, RootError};
    use std::sync::Arc;

    /// A key management service of one line: it turns the digits round, and remembers the context.
    fn shell(script: &str) -> CommandKey {
        let command = ["sh", "-c", script, "kms"].map(str::to_owned);
        CommandKey::new(&command).expect("not empty")
    }

    const ROUND: &str = r#"read -r line; case "$1" in
        wrap) echo "$2:$line" | tr 0-9a-f f-j0-9a-e ;;
        unwrap) echo "$line" | tr f-j0-9a-e 0-9a-f | sed "s|^.*:||" ;;
    esac"#;

    #[test]
    fn the_root_key_is_under_somebody_elses_key_and_opens_again() {
        let custody = Arc::new(MemoryCustody::default());
        let keys = |script: &str| Keys::new(Arc::new(shell(script)), custody.clone());
        let entropy = &crate::ambient::OsEntropy;
        let made = keys(ROUND).keyring(true, entropy).expect("made").expect("there");
        let again = keys(ROUND).keyring(false, entropy).expect("opened").expect("there");
        let sealed = made.deployment().seal(b"c", b"text", entropy).expect("sealed");
        assert_eq!(*again.deployment().open(b"c", &sealed).expect("the same root key"), *b"text");

        let why = |script: &str| match keys(script).keyring(false, entropy) {
            Err(RootError::Away(why)) => why,
            Err(other) => other.to_string(),
            Ok(_) => "it opened".to_owned(),
        };
        assert!(why("echo 'the token is over' >&2; exit 3").contains("exit status: 3: the token is over"));
        assert!(why("echo 1234").contains("as 64 hexadecimal digits"), "{}", why("echo 1234"));
        assert!(why("exit 1").contains("it did not say why"));
        // More than is read: it is ended by that.
        assert!(why("yes 00").contains("ended `unwrap`"), "{}", why("yes 00"));
    }

    /// A service's agent that stays keeps the pipe open. Not waited for to its end, which is a minute and a half away.
    #[test]
    fn what_it_leaves_behind_is_not_waited_for_for_ever() {
        let started = Instant::now();
        let why = shell("sleep 90 & echo 00").unwrap(b"c", b"x").expect_err("late").to_string();
        assert!(why.contains("was not done with `unwrap` after 30 s"), "{why}");
        assert!(started.elapsed() < KEY_COMMAND_TIME * 2);
    }

    #[test]
    fn our_own_variables_are_not_the_programs() {
        let script = "env | grep -c '^AMANA_' >&2; exit 1";
        let why = shell(script).unwrap(b"c", b"x").expect_err("no key").to_string();
        assert!(why.ends_with(": 0"), "{why}");
    }

    #[test]
    fn what_does_not_open_again_is_not_kept() {
        let custody = Arc::new(MemoryCustody::default());
        let keys = Keys::new(Arc::new(shell(r#"[ "$1" = wrap ] && echo gone"#)), custody.clone());
        assert!(matches!(keys.keyring(true, &crate::ambient::OsEntropy), Err(RootError::Away(_))));
        assert_eq!(amana_store::Custody::root(&*custody), Ok(None));
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let key = CommandKey::new(&["/nowhere/kms".to_owned()]).expect("not empty");
        let why = key.unwrap(b"c", b"x").expect_err("cannot be run").to_string();
        assert!(why.contains("`/nowhere/kms` cannot be run"), "{why}");
        assert!(CommandKey::new(&[]).is_none());
    }
}
