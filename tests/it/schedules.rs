//! Schedules: as the platform's document shows them (`tests/docs/schedules.http`), firing on time, held and resumed.

mod actions;
mod document;
mod firing;
mod holding;
mod listing;
mod records;

use chrono::Duration;
use host_model::clock::{parse_wire_time, wire_time};
use serde_json::{Value, json};

use crate::harness::{Client, Server, pause};

/// Writes down when it runs.
const TESTLOG: &str = "var now = java.lang.System.currentTimeMillis();
java.lang.System.out.println('Job executing at: ' + now);
openidm.create('managed/role', null, {at: now});";

/// A server with the document's script file, in the document's time zone.
fn server() -> Server {
    let settings: &[u8] = b"[node]\ntime-zone = \"Africa/Johannesburg\"\n";
    Server::with_files(&[("taskwarden.toml", settings), ("script/testlog.js", TESTLOG.as_bytes())])
}

/// A job that runs the script file; `changes` say when.
fn testlog(changes: Value) -> Value {
    let mut job = json!({
        "invokeService": "script",
        "invokeContext": {"script": {"type": "text/javascript", "file": "script/testlog.js"}},
    });
    job.as_object_mut()
        .unwrap()
        .extend(changes.as_object().unwrap().clone());
    job
}

/// When the script ran: the seconds after the test's beginning, in order.
fn runs(client: &Client) -> Vec<f64> {
    let begin = parse_wire_time(crate::harness::BEGIN).unwrap().timestamp_millis();
    let mut runs: Vec<i64> = client
        .query("managed/role", "true")
        .iter()
        .map(|run| run["at"].as_i64().unwrap())
        .collect();
    runs.sort_unstable();
    runs.iter().map(|at| (at - begin) as f64 / 1000.0).collect()
}

/// Moves the time on second by second.
fn advance_seconds(server: &Server, count: usize) {
    (0..count).for_each(|_| server.advance(Duration::seconds(1)));
}

/// The instant some seconds after the test's beginning.
fn at(seconds: i64) -> String {
    wire_time(parse_wire_time(crate::harness::BEGIN).unwrap() + Duration::seconds(seconds))
}

/// A job whose runs go on until they are cancelled: a scan of more users than anybody has patience for.
fn slow(server: &Server, changes: Value) -> Value {
    for number in 0..300 {
        server
            .client
            .put(&format!("managed/user/{number}"), &json!({}))
            .expect(201);
    }
    let mut job = json!({
        "type": "simple", "repeatInterval": 3_600_000, "persisted": true, "invokeService": "taskscanner",
        "invokeContext": {
            "numberOfThreads": 1,
            "scan": {"_queryFilter": "true", "object": "managed/user", "taskState": {"started": "/s", "completed": "/c"}},
            "task": {"script": {"type": "text/javascript", "source": "for (var i = 0; i < 500000; i++) {} true;"}},
        },
    });
    job.as_object_mut()
        .unwrap()
        .extend(changes.as_object().unwrap().clone());
    job
}

/// The ids of the scans that go on, once there are so many.
fn active(client: &Client, count: usize) -> Vec<String> {
    for _ in 0..1_000 {
        let runs = client.query("taskscanner", r#"/progress/state eq "ACTIVE""#);
        if runs.len() == count {
            return runs.iter().map(|run| run["_id"].as_str().unwrap().to_owned()).collect();
        }
        pause();
    }
    panic!("there are not {count} active scans");
}

/// Ends a scan.
fn cancel(client: &Client, run: &str) {
    let answer = client
        .post(&format!("taskscanner/{run}?_action=cancel"), None)
        .expect(200);
    assert_eq!(
        answer["status"],
        "SUCCESS",
        "{:?}",
        client.get(&format!("taskscanner/{run}"))
    );
}
