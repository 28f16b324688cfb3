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
    &["kill"],
    &["kill", "on"],
    &["kill", "off"],
    &["kill", "list"],
    &["dead"],
    &["dead", "list"],
    &["dead", "replay"],
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
