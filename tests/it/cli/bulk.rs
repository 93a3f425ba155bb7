//! `taskwarden export` and `taskwarden import` against a server that runs.

use std::process::Command;

use serde_json::{Value, json};

use super::binary;
use crate::harness::{Ended, PASSWORD, Server, run};

fn call(server: &Server, arguments: &[&str]) -> Ended {
    let mut command: Command = binary(arguments);
    command.args(["--url", &server.client.base]);
    run(command.env("TASKWARDEN_PASSWORD", PASSWORD))
}

#[test]
fn objects_go_out_as_lines_and_come_back() {
    let server = Server::start();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("users.ndjson");
    let file = file.to_str().unwrap();
    for number in 0..3 {
        let user = json!({"userName": format!("u{number}"), "n": number});
        server.client.put(&format!("managed/user/{number}"), &user).expect(201);
    }
    let exported = call(&server, &["export", "managed/user", "--filter", "n ge 1", "--to", file]);
    assert_eq!(
        (exported.code, exported.output.as_str()),
        (Some(0), ""),
        "{}",
        exported.errors
    );
    let lines = std::fs::read_to_string(file).unwrap();
    assert_eq!(lines.lines().count(), 2);
    let shown = call(&server, &["export", "managed/user", "--filter", "n ge 1"]);
    assert_eq!(shown.output, lines);

    server.client.delete("managed/user/1").expect(200);
    let failed = call(&server, &["import", "managed/user", file]);
    assert_eq!(failed.code, Some(1));
    assert!(failed.output.contains("line 2: "), "{}", failed.output);
    assert!(
        failed
            .output
            .ends_with("2 lines: 1 created, 0 updated, 0 skipped, 1 failed\n"),
        "{}",
        failed.output
    );
    assert_eq!(server.client.get("managed/user/1").expect(200)["n"], 1);

    let again = call(
        &server,
        &["import", "managed/user", file, "--if-exists", "skip", "--json"],
    );
    assert_eq!(again.code, Some(0), "{}", again.errors);
    let answer: Value = serde_json::from_str(&again.output).unwrap();
    assert_eq!((&answer["skipped"], &answer["failed"]), (&json!(2), &json!(0)));
}

#[test]
fn what_cannot_be_done_is_said_in_one_line() {
    let server = Server::start();
    let missing =
        run(binary(&["export", "managed/user", "--url", &server.client.base]).env_remove("TASKWARDEN_PASSWORD"));
    assert_eq!(missing.code, Some(1));
    assert!(missing.errors.contains("set TASKWARDEN_TOKEN"), "{}", missing.errors);
    let unknown = call(&server, &["export", "managed/nothing"]);
    assert!(
        unknown.code == Some(1) && unknown.errors.contains("answers 404"),
        "{}",
        unknown.errors
    );
    let wrong = call(&server, &["export", "managed/user", "--filter", "n ge"]);
    assert!(
        wrong.code == Some(1) && wrong.errors.contains("answers 400"),
        "{}",
        wrong.errors
    );
    let none = call(&server, &["import", "managed/user", "/nowhere/users.ndjson"]);
    assert!(
        none.code == Some(1) && none.errors.contains("cannot read /nowhere/users.ndjson"),
        "{}",
        none.errors
    );
    let stranger =
        run(binary(&["export", "managed/user", "--url", &server.client.base]).env("TASKWARDEN_TOKEN", "nobody"));
    assert!(
        stranger.code == Some(1) && stranger.errors.contains("answers 401"),
        "{}",
        stranger.errors
    );
    for ended in [missing, unknown, wrong, none, stranger] {
        assert_eq!(ended.errors.lines().count(), 1, "{}", ended.errors);
    }
}
