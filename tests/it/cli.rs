//! The command line of the real binary: what it prints, where, and with which code it ends.

mod bulk;
mod check;
mod cron;
mod demo;
mod serve;

use std::process::Command;

use crate::harness::{BINARY, run};

fn binary(arguments: &[&str]) -> Command {
    let mut command = Command::new(BINARY);
    command.args(arguments);
    command
}

#[test]
fn help_names_every_command() {
    let help = run(&mut binary(&["--help"]));
    assert_eq!((help.code, help.errors.as_str()), (Some(0), ""));
    for command in ["demo", "serve", "cron", "check", "export", "import", "replay"] {
        assert!(
            help.output.contains(&format!("\n  {command} ")),
            "{command} is missing in {}",
            help.output
        );
        let help = run(&mut binary(&[command, "--help"]));
        assert_eq!(help.code, Some(0));
        assert!(help.output.contains("Usage: "), "{}", help.output);
    }
    assert!(
        help.output.starts_with("A self-hosted WebAssembly plugin host"),
        "{}",
        help.output
    );
}

#[test]
fn the_version_is_told() {
    let version = run(&mut binary(&["--version"]));
    assert_eq!((version.code, version.output.as_str()), (Some(0), "taskwarden 0.1.0\n"));
}

#[test]
fn arguments_that_cannot_be_understood_end_with_2_and_say_why() {
    let check = |arguments: &[&str], words: &str| {
        let ended = run(&mut binary(arguments));
        assert_eq!(
            (ended.code, ended.output.as_str()),
            (Some(2), ""),
            "{arguments:?}: {ended:?}"
        );
        assert!(ended.errors.contains(words), "{arguments:?}: {}", ended.errors);
    };
    check(&[], "Usage: ");
    check(&["dance"], "unrecognized subcommand 'dance'");
    check(&["serve"], "--data <DATA>");
    check(
        &["serve", "--data", "x", "--listen", "nowhere"],
        "invalid value 'nowhere' for '--listen <LISTEN>'",
    );
    check(&["demo", "--users", "0"], "invalid value '0' for '--users <USERS>'");
    check(&["cron"], "<EXPRESSION>");
    check(&["cron", "0 0 * * * ?", "--count", "0"], "0 is not in 1..=1000");
    check(&["check"], "<FOLDER>");
    check(&["replay"], "<FAILURE>");
}
