//! What keeps a server from starting: one clear line and a non-zero exit, and nobody else is disturbed.

use std::path::Path;
use std::process::Command;

use serde_json::json;

use crate::harness::{BINARY, PASSWORD, Process, run, share_cache};

/// Tries to serve, and answers the one line that it says.
#[track_caller]
fn refused(data: &Path, listen: &str) -> String {
    share_cache(data);
    let mut command = Command::new(BINARY);
    command
        .args(["serve", "--listen", listen, "--data"])
        .arg(data)
        .env("TASKWARDEN_ADMIN_PASSWORD", PASSWORD);
    let ended = run(&mut command);
    assert_eq!((ended.code, ended.output.as_str()), (Some(1), ""), "{ended:?}");
    assert_eq!(ended.errors.lines().count(), 1, "{}", ended.errors);
    ended.errors.trim_end().to_owned()
}

#[test]
fn a_second_process_on_the_same_folder_says_so_and_the_first_goes_on() {
    let data = tempfile::tempdir().unwrap();
    let first = Process::serve(data.path());
    first
        .client
        .put("managed/user/a", &json!({"userName": "a"}))
        .expect(201);
    let line = refused(data.path(), "127.0.0.1:0");
    assert!(
        line.starts_with("taskwarden: ") && line.contains("default.redb"),
        "{line}"
    );
    assert!(line.contains("in use") || line.contains("another process"), "{line}");
    first
        .client
        .put("managed/user/b", &json!({"userName": "b"}))
        .expect(201);
    assert_eq!(first.client.query("managed/user", "true").len(), 2);
}

#[test]
fn a_port_that_is_taken_is_named() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let first = Process::serve(one.path());
    let address = first.client.base.strip_prefix("http://").unwrap();
    let line = refused(other.path(), address);
    assert!(line.contains(address) && line.contains("in use"), "{line}");
    first.client.get("managed/user/nobody").expect(404);
}

#[test]
fn a_file_that_is_no_database_is_named_and_left_alone() {
    let data = tempfile::tempdir().unwrap();
    let file = data.path().join("default.redb");
    let content = "not a database ".repeat(1_000);
    std::fs::write(&file, &content).unwrap();
    let line = refused(data.path(), "127.0.0.1:0");
    assert!(line.contains("default.redb"), "{line}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), content);
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let data = tempfile::tempdir().unwrap();
    let file = data.path().join("a-file");
    std::fs::write(&file, "").unwrap();
    let mut command = Command::new(BINARY);
    command
        .args(["serve", "--listen", "127.0.0.1:0", "--data"])
        .arg(file.join("data"));
    let ended = run(&mut command);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert_eq!(ended.errors.lines().count(), 1, "{}", ended.errors);
    assert!(ended.errors.contains("a-file"), "{}", ended.errors);
}
