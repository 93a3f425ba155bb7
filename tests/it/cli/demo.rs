//! `taskwarden demo`: sample data, the sunset scan, what happened.

use std::path::Path;
use std::process::Command;

use super::binary;
use crate::harness::{Process, demo_cache, run};

fn demo(users: usize) -> Command {
    let mut command = binary(&["demo", "--listen", "127.0.0.1:0", "--users", &users.to_string()]);
    command
        .env("XDG_CACHE_HOME", demo_cache())
        .env("TASKWARDEN_LOG", "warn");
    command
}

/// The folder of a demonstration, from the line that names it.
fn folder(line: &str) -> &Path {
    let folder = line
        .strip_prefix("Starting Taskwarden on ")
        .and_then(|rest| rest.strip_suffix(" (removed at the end) …"));
    Path::new(folder.unwrap_or_else(|| panic!("{line}")))
}

/// The number in a line such as `  processed           60`.
#[track_caller]
fn number(output: &str, name: &str) -> u64 {
    let line = output
        .lines()
        .find_map(|line| line.trim_start().strip_prefix(name))
        .unwrap_or_else(|| panic!("no {name}: {output}"));
    line.split_whitespace().next().unwrap().parse().unwrap()
}

#[test]
fn a_demonstration_shows_what_happened_and_ends() {
    let ended = run(demo(200).arg("--once"));
    let output = &ended.output;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    // Three of ten sample users are past their sunset.
    let numbers = ["processed", "successes", "failures"].map(|name| number(output, name));
    assert_eq!(numbers, [60, 60, 0], "{output}");
    assert!(number(output, "rate") > 0 && number(output, "fuel") > 0, "{output}");
    assert_eq!(output.matches("/active ").count(), 3, "three users are shown: {output}");
    assert!(
        output.contains("true -> false") && output.contains("\"active\" -> \"inactive\""),
        "{output}"
    );
    assert!(!output.contains("listening on"), "{output}");
    assert!(
        !folder(output.lines().next().unwrap()).exists(),
        "its folder is removed"
    );
}

#[test]
fn a_demonstration_goes_on_serving_until_it_is_stopped() {
    let server = Process::start(demo(50).env("TASKWARDEN_ADMIN_PASSWORD", crate::harness::PASSWORD));
    let runs = server.client.query("taskscanner", "name eq \"sunsetTask\"");
    assert_eq!(runs.len(), 1);
    assert_eq!(runs[0]["progress"]["successes"], 15, "{}", runs[0]);
    assert_eq!(server.client.query("managed/user", "active eq false").len(), 15);
    let folder = folder(&server.greeting[0]).to_owned();
    assert!(folder.exists());
    let status = server.terminate();
    assert_eq!(status.code(), Some(0), "{status}");
    assert!(!folder.exists(), "its folder is removed");
}

#[test]
fn a_demonstration_without_a_port_says_so_before_it_loads_anything() {
    let data = tempfile::tempdir().unwrap();
    let server = Process::serve(data.path());
    let address = server.client.base.strip_prefix("http://").unwrap();
    let ended = run(binary(&["demo", "--users", "5000000", "--listen", address]).env("XDG_CACHE_HOME", demo_cache()));
    assert_eq!((ended.code, ended.output.as_str()), (Some(1), ""), "{ended:?}");
    assert!(
        ended
            .errors
            .starts_with(&format!("taskwarden: cannot listen on {address}: ")),
        "{}",
        ended.errors
    );
    assert_eq!(ended.errors.lines().count(), 1, "{}", ended.errors);
}
