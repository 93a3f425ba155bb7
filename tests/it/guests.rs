//! Guests are strangers: whatever one does costs the object it was called for, and leaves nothing behind but a failure.

mod analysis;
mod component;
mod grants;
mod javascript;
mod surroundings;
mod unit_of_work;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::harness::{Client, Server};

/// The guest that does on request what a guest can do wrong.
const MISBEHAVING: &[u8] = include_bytes!("../../plugins/dist/misbehaving-task.wasm");

/// A server whose configuration has that guest.
fn server() -> Server {
    Server::with_files(&[("script/misbehaving.wasm", MISBEHAVING)])
}

fn misbehaving(grants: &[&str]) -> Value {
    json!({"type": "application/wasm", "file": "script/misbehaving.wasm", "grants": grants})
}

fn javascript(source: &str) -> Value {
    json!({"type": "text/javascript", "source": source})
}

/// What a scan of all users with a member `misbehave` came to.
struct Scanned {
    run: Value,
    /// By the ids of their objects.
    failures: BTreeMap<String, Value>,
}

impl Scanned {
    fn count(&self, name: &str) -> u64 {
        self.run["progress"][name].as_u64().unwrap()
    }

    /// Why an object failed: the kind and the message.
    #[track_caller]
    fn failure(&self, id: &str) -> (&str, &str) {
        let failure = self.failures.get(id).unwrap_or_else(|| panic!("{id} did not fail"));
        (failure["kind"].as_str().unwrap(), failure["message"].as_str().unwrap())
    }

    #[track_caller]
    fn assert_all_well(&self) {
        assert!(self.failures.is_empty(), "{:?}", self.failures);
        assert_eq!(self.run["progress"]["state"], "COMPLETED", "{}", self.run);
    }
}

fn scan(script: &Value) -> Value {
    json!({
        "waitForCompletion": true,
        "scan": {
            "_queryFilter": "misbehave pr and !(/task/completed pr)",
            "object": "managed/user",
            "taskState": {"started": "/task/started", "completed": "/task/completed"},
        },
        "task": {"script": script},
    })
}

/// A job that does such a scan, and not by itself.
fn job(scan: &Value) -> Value {
    json!({
        "enabled": true, "type": "cron", "schedule": "0 0 0 1 1 ? 2099",
        "invokeService": "taskscanner", "invokeContext": scan,
    })
}

/// Stores the job `scan`.
#[track_caller]
fn prepared(client: &Client, scan: &Value) {
    let stored = client.put("scheduler/job/scan", &job(scan));
    assert!(matches!(stored.status, 200 | 201), "{}", stored.text);
}

/// Runs a script on every user with a member `misbehave`, and waits for the end.
fn run(client: &Client, script: &Value) -> Scanned {
    prepared(client, &scan(script));
    Scanned::execute(client, "taskscanner?_action=execute&name=scan")
}

impl Scanned {
    /// Starts a run by this call, and waits for its end.
    #[track_caller]
    fn execute(client: &Client, call: &str) -> Self {
        let started = client.post(call, None).expect(200);
        let id = started["_id"].as_str().unwrap();
        let run = client.ended_run(id);
        let failures = client.query(&format!("taskscanner/{id}/failure"), "true");
        let failures = failures
            .into_iter()
            .map(|failure| (failure["_id"].as_str().unwrap().to_owned(), failure));
        Self {
            run,
            failures: failures.collect(),
        }
    }
}

/// Makes a user, whose answer is given back.
fn make(client: &Client, id: &str, misbehave: &str, more: &Value) -> Value {
    let mut user = json!({"userName": id, "misbehave": misbehave});
    user.as_object_mut()
        .unwrap()
        .extend(more.as_object().cloned().unwrap_or_default());
    client.put(&format!("managed/user/{id}"), &user).expect(201)
}

fn user(client: &Client, id: &str) -> Value {
    client.get(&format!("managed/user/{id}")).expect(200)
}

/// A user without what the house itself writes into it.
fn content(mut user: Value) -> Value {
    for name in ["_rev", "task"] {
        user.as_object_mut().unwrap().remove(name);
    }
    user
}

/// The server is there, for everybody.
#[track_caller]
fn assert_alive(client: &Client) {
    assert_eq!(
        client.send("GET", "/openidm/info/ping", &[], None).expect(200)["state"],
        "ACTIVE_READY"
    );
    client.put("managed/role/alive", &json!({})).expect(201);
    client.delete("managed/role/alive").expect(200);
}
