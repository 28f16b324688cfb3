//! A wrong configuration, from outside: the file, the key, what is wrong, what to do.

use crate::process::{amana, amana_says, run};

#[test]
fn a_file_that_is_not_there_is_named() {
    for command in [&["serve"] as &[&str], &["migrate"], &["doctor"], &["config", "check"], &["kill", "list"]]
    {
        let arguments: Vec<&str> = command.iter().copied().chain(["--config", "nowhere.toml"]).collect();
        let said = amana_says(&arguments);
        assert_eq!(said.code, Some(1), "{command:?}");
        let all = format!("{}{}", said.out, said.err);
        assert!(all.contains("nowhere.toml") && all.contains("amana config default"), "{command:?}: {all}");
    }
}

#[test]
fn broken_toml_gives_the_line_and_not_what_stands_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("amana.toml");
    std::fs::write(&path, "[messenger]\napp_id = \"1\"\napp_secret = \"hidden\n").expect("written");
    let said = amana_says(&["serve", "--config", &path.display().to_string()]);
    assert_eq!(said.code, Some(1));
    assert!(said.err.contains("amana.toml: line 3: it is not TOML"), "{}", said.err);
    assert!(!said.err.contains("hidden"), "{}", said.err);
}

#[test]
fn everything_wrong_is_said_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("amana.toml");
    std::fs::write(&path, "[server]\nlisten = \"here\"\n[store]\nurll = \"x\"\n").expect("written");
    let mut command = amana();
    command.arg("serve").arg("--config").arg(&path).env("AMANA_LOG__FORMAT", "xml");
    let said = run(command);
    assert_eq!(said.code, Some(1));
    for needle in [
        "`server.listen` is `here`",
        "`store.urll` is not a known key; did you mean `store.url`?",
        "`messenger.app_secret` is missing",
        "`institution` is missing",
        "the variable AMANA_LOG__FORMAT: `log.format` is `xml`",
    ] {
        assert!(said.err.contains(needle), "no `{needle}` in: {}", said.err);
    }
}
