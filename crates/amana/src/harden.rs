//! What a process that dies leaves behind: nothing of what it held.
//!
//! A gateway has bank data in its memory while it answers. So its memory is never written to disk by the system (no
//! core dump), no other process of the same user may look into it, and a panic says where it was and not what it said:
//! the message of a panic can quote the value that was at hand (`byte index 3 is not a char boundary … of "…"`).
//!
//! It is no protection against root, who can read any process's memory, nor against memory that was swapped out.

use std::panic::{Location, PanicHookInfo};

/// Before anything else: no core dumps, no debugger of the same user, and panics without their message.
pub(crate) fn harden() {
    std::panic::set_hook(Box::new(report));
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, setrlimit};
        let none = Rlimit { current: Some(0), maximum: Some(0) };
        // Lowering a limit is allowed to everybody; where it fails there is nothing to do about it.
        let _ = setrlimit(Resource::Core, none);
    }
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        // A core pattern that is a pipe ignores the limit of 0 bytes; a process that is not dumpable is left alone.
        let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    }
}

/// Where it was, on standard error, beside the log: a panic can come before there is one.
fn report(panic: &PanicHookInfo<'_>) {
    use std::io::Write as _;
    let (file, line) =
        panic.location().map_or(("an unknown place", 0), |at: &Location<'_>| (at.file(), at.line()));
    let thread = std::thread::current();
    let thread = thread.name().unwrap_or("without a name");
    tracing::error!(file, line, thread, "a part of the program panicked; what it said is not logged");
    let _ = writeln!(
        std::io::stderr().lock(),
        "amana: a panic at {file}:{line} in thread `{thread}`; what it said is not shown, since it may quote data"
    );
    let trace = std::backtrace::Backtrace::capture();
    if trace.status() == std::backtrace::BacktraceStatus::Captured {
        let _ = writeln!(std::io::stderr().lock(), "{trace}");
    }
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    /// Tells the child that it is to panic.
    const CHILD: &str = "AMANA_HARDEN_CHILD";

    /// Not a test of its own: the process that panics, with something in its hand.
    #[test]
    fn child() {
        if std::env::var_os(CHILD).is_none() {
            return;
        }
        super::harden();
        let held = String::from("Kq7Zx4Wvé");
        let here = std::thread::spawn(move || {
            // As a slip of ours would: the standard library quotes the whole text.
            let cut = held.len() - 1;
            held[..cut].len()
        });
        assert!(here.join().is_err());
        let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
        println!("limits: {limits}");
        std::process::abort();
    }

    /// Goal: a panic and an abort leave a place, and neither the value nor a file.
    #[test]
    fn abuse_11_a_panic_says_where_and_not_what_and_no_core_is_dumped() {
        let folder = tempfile::tempdir().expect("a folder");
        let program = std::env::current_exe().expect("a program");
        let out = Command::new("sh")
            .args([
                "-c",
                "ulimit -c unlimited 2>/dev/null; exec \"$0\" --exact harden::tests::child --nocapture",
            ])
            .arg(program)
            .current_dir(folder.path())
            .env(CHILD, "1")
            .env("RUST_BACKTRACE", "1")
            .stdin(Stdio::null())
            .output()
            .expect("runs");
        let said = String::from_utf8_lossy(&[out.stdout, out.stderr].concat()).into_owned();
        assert!(said.contains("harden.rs") && said.contains("a panic at"), "{said}");
        assert!(!said.contains("Kq7Zx4Wv"), "{said}");
        #[cfg(unix)]
        {
            use std::os::unix::process::ExitStatusExt as _;
            assert!(out.status.signal().is_some() && !out.status.core_dumped(), "{:?}", out.status);
        }
        #[cfg(target_os = "linux")]
        {
            let line = said.lines().find(|l| l.contains("Max core file size")).expect("a limit");
            assert_eq!(line.split_whitespace().filter(|w| *w == "0").count(), 2, "{line}");
        }
        assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0, "no file is left");
    }
}
