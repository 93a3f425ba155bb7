//! The task scanner as the platform's document shows it (`tests/docs/taskscanner.http`), and what the document says in
//! words.

mod asking;
mod document;
mod people;
mod running;

use serde_json::{Value, json};

use crate::harness::{Client, PASSWORD, Transcript};

/// The collection of the document.
const USERS: &str = "managed/realm-name_user";

/// The document, with a name and a password in every call.
fn document(client: &Client) -> Transcript {
    let credentials = [
        ("X-OpenIDM-Username", "openidm-admin"),
        ("X-OpenIDM-Password", PASSWORD),
    ];
    Transcript::open("taskscanner", client, &credentials)
}

/// The job of the document, which fires long after the test; `changes` are members of its `invokeContext`.
fn sunset(changes: Value) -> Value {
    let mut job = json!({
        "type": "simple", "repeatInterval": 3_600_000, "startTime": "2030-01-01T00:00:00Z", "persisted": true,
        "invokeService": "taskscanner",
        "invokeContext": {
            "numberOfThreads": 5,
            "scan": {
                "_queryFilter": r#"((/sunset/date lt "${Time.now}") AND !(/sunset/task-completed pr))"#,
                "object": USERS,
                "taskState": {"started": "/sunset/task-started", "completed": "/sunset/task-completed"},
                "recovery": {"timeout": "10m"},
            },
            "task": {"script": {"type": "application/wasm", "plugin": "sunset-task@0.1.0"}},
        },
    });
    let context = job["invokeContext"].as_object_mut().unwrap();
    context.extend(changes.as_object().unwrap().clone());
    job
}

/// Inline JavaScript as a task.
fn script(source: &str) -> Value {
    json!({"script": {"type": "text/javascript", "source": source}})
}

/// Executes a scan and answers its id.
fn execute(client: &Client, name: &str) -> String {
    let answer = client
        .post(&format!("taskscanner?_action=execute&name={name}"), None)
        .expect(200);
    answer["_id"].as_str().unwrap().to_owned()
}

/// The counters of a scan: state, total, successes, failures.
fn progress(run: &Value) -> (&str, u64, u64, u64) {
    let count = |name: &str| run["progress"][name].as_u64().unwrap();
    assert_eq!(count("processed"), count("successes") + count("failures"));
    (
        run["progress"]["state"].as_str().unwrap(),
        count("total"),
        count("successes"),
        count("failures"),
    )
}
