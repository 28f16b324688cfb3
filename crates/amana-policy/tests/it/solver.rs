//! Programs that are no solver, or a bad one: nothing is accepted on their word.

use crate::support::bank;
use amana_policy::{DEFAULT, Rejected, Solver, accept};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/solvers").join(name)
}

#[tokio::test]
async fn a_false_solver_is_found_out() {
    for name in ["always-unsat.sh", "always-sat.sh", "always-unknown.sh", "babbles.sh", "dies.sh"] {
        let solver = Solver::new(script(name)).within(Duration::from_secs(15));
        for text in [DEFAULT, "permit (principal, action, resource);"] {
            let answer = accept(&bank(), text, &solver).await;
            assert!(matches!(answer, Err(Rejected::Solver(_))), "{name}: {answer:?}");
        }
    }
}

#[tokio::test]
async fn a_file_that_is_no_program_accepts_nothing() {
    // It is there, so the simple check must not take its place.
    let answer = accept(&bank(), DEFAULT, &Solver::new(env!("CARGO_MANIFEST_PATH"))).await;
    assert!(matches!(answer, Err(Rejected::Solver(_))), "{answer:?}");
}

#[tokio::test]
async fn a_solver_that_hangs_is_killed_and_nothing_accepted() {
    let folder = tempfile::tempdir().expect("a folder");
    let program = folder.path().join("cvc5");
    std::os::unix::fs::symlink(script("hangs.sh"), &program).expect("a link");
    let started = Instant::now();
    let answer = accept(&bank(), DEFAULT, &Solver::new(&program).within(Duration::from_secs(2))).await;
    let Err(Rejected::Solver(why)) = answer else { panic!("accepted") };
    assert!(why.contains("longer than 2s"), "{why}");
    assert!(started.elapsed() < Duration::from_secs(20));

    let pid = std::fs::read_to_string(folder.path().join("cvc5.pid")).expect("it ran");
    let alive = || {
        // A process that waits to be collected is dead: its state is Z.
        let state = Command::new("ps").args(["-o", "stat=", "-p", pid.trim()]).output().expect("ps runs");
        let state = String::from_utf8_lossy(&state.stdout).trim().to_owned();
        !state.is_empty() && !state.starts_with('Z')
    };
    while alive() {
        assert!(started.elapsed() < Duration::from_secs(20), "the solver still runs");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
