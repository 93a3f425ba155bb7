//! What the task scanner does with failures, and what can be said to it while it runs.

mod groups;
mod quarantine;
mod replay;
mod retry;
mod steering;
mod transcript;
mod usage;

use serde_json::{Value, json};

use crate::harness::Client;

/// A scan over the users that are not done.
fn scan(source: &str, changes: &Value) -> Value {
    let mut scan = json!({
        "waitForCompletion": true,
        "numberOfThreads": 4,
        "scan": {
            "_queryFilter": "!(/task/completed pr)",
            "object": "managed/user",
            "taskState": {"started": "/task/started", "completed": "/task/completed"},
            "recovery": {"timeout": "0s"},
        },
        "task": {"script": {"type": "text/javascript", "source": source}},
    });
    for (name, value) in changes.as_object().into_iter().flatten() {
        scan[name] = value.clone();
    }
    scan
}

/// Stores a job with this scan and executes it. The id of the run.
fn execute(client: &Client, job: &str, scan: &Value) -> String {
    let job_content = json!({
        "enabled": true, "persisted": true, "type": "cron", "schedule": "0 0 0 1 1 ? 2099",
        "invokeService": "taskscanner", "invokeContext": scan,
    });
    let stored = client.put(&format!("scheduler/job/{job}"), &job_content);
    assert!(matches!(stored.status, 200 | 201), "{}", stored.text);
    id(&client
        .post(&format!("taskscanner?_action=execute&name={job}"), None)
        .expect(200))
}

fn id(answer: &Value) -> String {
    answer["_id"].as_str().unwrap().to_owned()
}

fn make(client: &Client, user: &str, more: &Value) {
    let mut content = json!({"userName": user});
    for (name, value) in more.as_object().into_iter().flatten() {
        content[name] = value.clone();
    }
    client.put(&format!("managed/user/{user}"), &content).expect(201);
}

fn run(client: &Client, id: &str) -> Value {
    client.get(&format!("taskscanner/{id}")).expect(200)
}

/// Successes and failures of a run.
fn counts(run: &Value) -> (u64, u64) {
    let count = |name: &str| run["progress"][name].as_u64().unwrap();
    (count("successes"), count("failures"))
}

/// A run that goes on for as long as it is not told to end: each object takes its time, and there are many.
fn long_run(client: &Client) -> String {
    for number in 0..400 {
        make(client, &format!("user-{number:03}"), &json!({}));
    }
    let source = "for (var i = 0, sum = 0; i < 30000; i++) sum += i; true;";
    execute(client, "long", &scan(source, &json!({"waitForCompletion": false})))
}

/// Pauses a run and waits until it holds still.
fn hold(client: &Client, id: &str) {
    let said = client
        .post(&format!("taskscanner/{id}?_action=pause"), None)
        .expect(200);
    assert_eq!((&said["status"], &said["paused"]), (&json!("SUCCESS"), &json!(true)));
    counted(client, id);
}

/// Waits until a run has counted its objects: a pause may be said, and a process be started again, before that.
fn counted(client: &Client, id: &str) {
    while run(client, id)["progress"]["state"] == "INITIALIZED" {
        crate::harness::pause();
    }
}

/// A message, if the answer has this status.
#[track_caller]
fn refused(answer: crate::harness::Answer, status: u16) -> String {
    assert_eq!(answer.status, status, "{}", answer.text);
    answer.json()["message"].as_str().unwrap().to_owned()
}
