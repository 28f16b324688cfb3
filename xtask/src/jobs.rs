//! Runs what is independent side by side, the longest first, and shows the output of what failed.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use anyhow::Result;

use crate::results::Results;
use crate::run::Ended;

/// What a job comes to.
type Outcome = Result<(Results, Ended)>;

/// Something that runs tests.
pub(crate) struct Job<'a> {
    name: String,
    work: Box<dyn FnOnce() -> Outcome + Send + 'a>,
}

impl<'a> Job<'a> {
    /// A job that is called `name` in the record of times.
    pub(crate) fn new(name: impl Into<String>, work: impl FnOnce() -> Outcome + Send + 'a) -> Self {
        Self { name: name.into(), work: Box::new(work) }
    }
}

/// Runs all of them, as many at once as there are cores (and two on one core: much of a test is waiting). The rows come
/// in the order of `jobs`. The file `times` says how long each took the last time, and is written anew.
///
/// # Errors
/// The first error of a job (not a failed test); the others are finished first.
pub(crate) fn run(jobs: Vec<Job<'_>>, times: &Path) -> Result<Results> {
    let known = read_times(times);
    let mut waiting: Vec<(usize, Job)> = jobs.into_iter().enumerate().collect();
    // Taken from the end. What never ran is taken for long.
    waiting.sort_by_key(|(place, job)| {
        (known.get(&job.name).copied().unwrap_or(u64::MAX), std::cmp::Reverse(*place))
    });
    let lanes = std::thread::available_parallelism().map_or(2, |cores| cores.get().max(2));
    let (waiting, done) = (Mutex::new(waiting), Mutex::new(Vec::new()));
    let work = || {
        loop {
            let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let Some((place, job)) = next else { return };
            let outcome = (job.work)();
            if let Ok((results, ended)) = &outcome
                && results.failed() > 0
            {
                println!("==> output of {}, which failed:\n{}", job.name, ended.output);
            }
            done.lock().unwrap_or_else(PoisonError::into_inner).push((place, job.name, outcome));
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..lanes {
            scope.spawn(work);
        }
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(place, ..)| *place);
    let (mut all, mut took) = (Results::default(), known);
    let mut error = None;
    for (_, name, outcome) in done {
        match outcome {
            Ok((results, ended)) => {
                took.insert(name, u64::try_from(ended.elapsed.as_millis()).unwrap_or(u64::MAX));
                all.add(results);
            }
            Err(failed) => error = error.or(Some(failed)),
        }
    }
    write_times(times, &took);
    error.map_or(Ok(all), Err)
}

/// Lines `MILLISECONDS NAME`. A file that is not there or not readable means that nothing is known.
fn read_times(file: &Path) -> BTreeMap<String, u64> {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let line =
        |line: &str| line.split_once(' ').and_then(|(ms, name)| Some((name.to_owned(), ms.parse().ok()?)));
    text.lines().filter_map(line).collect()
}

fn write_times(file: &Path, times: &BTreeMap<String, u64>) {
    let text = times.iter().fold(String::new(), |mut text, (name, ms)| {
        let _ = writeln!(text, "{ms} {name}");
        text
    });
    // Without it the next run is slower, not wrong.
    let _ = std::fs::write(file, text);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::Suite;
    use std::time::Duration;

    fn job<'a>(name: &'a str, ms: u64, order: &'a Mutex<Vec<String>>) -> Job<'a> {
        Job::new(name, move || {
            order.lock().unwrap().push(name.to_owned());
            let elapsed = Duration::from_millis(ms);
            let suites = vec![Suite::step(name, true, elapsed)];
            let ended = Ended { success: true, output: String::new(), elapsed };
            Ok((Results { suites, failures: Vec::new() }, ended))
        })
    }

    /// Goal: what took longest begins first the next time; the rows stay in their order.
    #[test]
    fn the_longest_begins_first() {
        let folder = tempfile::tempdir().expect("temp dir");
        let times = folder.path().join("times");
        let order = Mutex::new(Vec::new());
        let jobs =
            || vec![job("short", 1, &order), job("long", 90_000, &order), job("middle", 30_000, &order)];
        run(jobs(), &times).expect("runs");
        assert_eq!(read_times(&times)["long"], 90_000);
        order.lock().unwrap().clear();
        let results = run(jobs(), &times).expect("runs");
        assert_ne!(order.lock().unwrap()[0], "short");
        assert_eq!(order.lock().unwrap()[2], "short");
        let rows: Vec<_> = results.suites.iter().map(|suite| suite.name.as_str()).collect();
        assert_eq!(rows, ["short", "long", "middle"]);
    }

    /// Goal: an error of one job is the run's, after the others.
    #[test]
    fn an_error_is_not_lost() {
        let folder = tempfile::tempdir().expect("temp dir");
        let order = Mutex::new(Vec::new());
        let bad = Job::new("bad", || anyhow::bail!("cannot start"));
        let failed = run(vec![bad, job("good", 1, &order)], &folder.path().join("times"));
        assert_eq!(failed.expect_err("fails").to_string(), "cannot start");
        assert_eq!(order.lock().unwrap().len(), 1);
    }
}
