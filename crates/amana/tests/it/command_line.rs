//! Help, and mistakes on the command line.

use crate::process::{amana, amana_says};

/// Every command.
const COMMANDS: &[&[&str]] = &[
    &[],
    &["demo"],
    &["serve"],
    &["migrate"],
    &["doctor"],
    &["config"],
    &["config", "default"],
    &["config", "check"],
    &["messenger"],
    &["messenger", "setup"],
    &["agreement"],
    &["agreement", "list"],
    &["agreement", "request"],
    &["agreement", "show"],
    &["agreement", "accept"],
    &["agreement", "decline"],
    &["agreement", "suspend"],
    &["agreement", "resume"],
    &["agreement", "end"],
    &["agreement", "history"],
    &["agreement", "refused"],
    &["policy"],
    &["policy", "default"],
    &["policy", "schema"],
    &["policy", "check"],
    &["policy", "upload"],
    &["policy", "show"],
    &["policy", "history"],
    &["kill"],
    &["kill", "on"],
    &["kill", "off"],
    &["kill", "list"],
    &["dead"],
    &["dead", "list"],
    &["dead", "replay"],
    &["alarms"],
    &["alarms", "list"],
    &["alarms", "close"],
    &["audit"],
    &["bench"],
    &["keys"],
    &["keys", "rotate"],
    &["retention"],
    &["retention", "report"],
    &["customer"],
    &["customer", "erase"],
    &["sandbox"],
    &["sandbox", "bank"],
    &["sandbox", "messenger"],
];

#[test]
fn every_command_explains_itself() {
    for command in COMMANDS {
        let arguments: Vec<&str> = command.iter().copied().chain(["--help"]).collect();
        let said = amana_says(&arguments);
        assert_eq!(said.code, Some(0), "{command:?}");
        assert!(said.out.contains("Usage: amana") && said.err.is_empty(), "{command:?}: {}", said.out);
        // Every option and every command has a text behind or below it.
        let lines: Vec<&str> = said.out.lines().collect();
        for (at, line) in lines.iter().enumerate() {
            let option = line.trim_start();
            if option.starts_with("--") || option.starts_with("-h,") {
                let beside = option.split("  ").count() > 1;
                let below = lines.get(at + 1).is_some_and(|next| !next.trim().is_empty());
                assert!(beside || below, "{command:?}: `{line}` explains nothing");
            }
        }
    }
}

#[test]
fn the_commands_that_help_lists_are_those() {
    let said = amana_says(&["--help"]).out;
    for command in COMMANDS.iter().filter_map(|command| command.first()) {
        assert!(said.contains(&format!("  {command} ")), "no `{command}` in {said}");
    }
}

#[test]
fn mistakes_exit_with_2_and_say_what_is_expected() {
    for arguments in
        [&["serv"] as &[&str], &["demo", "--bank-port", "70000"], &["kill", "on", "--scope", "all"]]
    {
        let said = amana_says(arguments);
        assert_eq!(said.code, Some(2), "{arguments:?}");
        assert!(said.err.contains("error:") && said.out.is_empty(), "{}", said.err);
    }
}

#[test]
fn the_default_configuration_is_printed() {
    let said = amana_says(&["config", "default"]);
    assert_eq!((said.code, said.out.as_str()), (Some(0), include_str!("../../config.default.toml")));
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let mut child = amana().args(["config", "default"]).spawn().expect("the binary starts");
    drop(child.stdout.take());
    assert!(child.wait().expect("it ends").success());
}

/// A check needs neither a configuration nor a store.
#[test]
fn a_policy_is_checked_without_using_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let check = |text: &str, more: &[&str]| {
        let file = folder.path().join("policy.cedar");
        std::fs::write(&file, text).expect("written");
        let file = file.to_str().expect("text");
        amana_says(&[&["policy", "check", "harbor-bank", file], more].concat())
    };
    let default = amana_says(&["policy", "default"]).out;
    let said = check(&default, &[]);
    assert!(said.code == Some(0) && said.out.contains("proved"), "{}{}", said.out, said.err);
    let said = check(&default, &["--solver", "/nonexistent/cvc5"]);
    assert!(said.code == Some(0) && said.out.contains("simple check"), "{}{}", said.out, said.err);

    let said = check("permit (principal == Purpose::\"BankOffer\", action, resource);", &[]);
    assert_eq!(said.code, Some(1));
    assert!(
        said.err.contains("purpose: Purpose::\"BankOffer\"") && said.err.contains("permitted by: policy0"),
        "{}",
        said.err
    );
    let said = check("forbid (principal, action, resource)\nwhen { context.killd };", &[]);
    assert!(said.code == Some(1) && said.err.contains("line 2, column 8"), "{}", said.err);
    let schema = amana_says(&["policy", "schema"]);
    assert!(schema.out.contains("entity Purpose enum") && schema.code == Some(0), "{}", schema.out);
}
