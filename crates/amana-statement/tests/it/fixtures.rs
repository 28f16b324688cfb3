//! Every file in `tests/fixtures` against the `.expected` file beside it.
//!
//! `good/`: the statements. `broken/`: the error in English, for a log, and in Arabic. Where they differ,
//! what came out is left in the target folder: after a wanted change, read the difference and put it in place.

use std::fs;
use std::path::{Path, PathBuf};

use crate::show::show;

pub(crate) fn files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(folder);
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e != "expected"))
        .collect();
    files.sort();
    files
}

fn expected_path(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap().to_os_string();
    name.push(".expected");
    path.with_file_name(name)
}

fn outcome(path: &Path) -> Result<String, String> {
    match amana_statement::parse(&fs::read(path).unwrap()) {
        Ok(statements) => Ok(show(&statements)),
        Err(error) => Err(format!("{error}\n{}\n{}\n", error.for_log(), error.arabic())),
    }
}

fn compare(folder: &str, at_least: usize, good: bool) {
    let files = files(folder);
    assert!(files.len() >= at_least, "fixtures are missing: {} in {folder}", files.len());
    for path in files {
        let (ok, text) = match outcome(&path) {
            Ok(text) => (true, text),
            Err(text) => (false, text),
        };
        assert_eq!(ok, good, "{}: {text}", path.display());
        let expected = fs::read_to_string(expected_path(&path)).unwrap_or_default();
        if text != expected {
            let name = expected_path(&path);
            let actual = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name.file_name().unwrap());
            fs::write(&actual, &text).unwrap();
            panic!("{} is not what came out: compare it with {}", name.display(), actual.display());
        }
    }
}

#[test]
fn good_files_give_their_statements() {
    compare("good", 19, true);
}

#[test]
fn broken_files_give_their_error() {
    compare("broken", 54, false);
}

/// The same content in other encodings says the same.
#[test]
fn encodings_make_no_difference() {
    let by_prefix = |prefix: &str| -> Vec<String> {
        files("good")
            .iter()
            .filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with(prefix))
            .map(|path| outcome(path).unwrap())
            .collect()
    };
    for prefix in ["ofx1-arabic-", "ofx2-arabic-", "camt053-v02"] {
        let all = by_prefix(prefix);
        assert_eq!(all.len(), 3, "{prefix}");
        assert!(all.iter().all(|text| *text == all[0]), "{prefix}");
    }
}
