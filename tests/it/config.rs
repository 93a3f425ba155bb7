//! `config/…`: configuration objects over REST and in files, with schedules that come from them.

mod files;
mod objects;
mod schedules;
mod secrets;
mod survival;

use serde_json::{Value, json};

use crate::harness::Server;

/// A schedule that writes down when it runs; `changes` say when.
fn schedule(changes: Value) -> Value {
    let mut schedule = json!({
        "type": "simple",
        "repeatInterval": 3_600_000,
        "invokeService": "script",
        "invokeContext": {"script": {"type": "text/javascript", "source": "openidm.create('managed/role', null, {}); 1;"}},
    });
    schedule
        .as_object_mut()
        .unwrap()
        .extend(changes.as_object().unwrap().clone());
    schedule
}

/// Writes a file of the configuration folder, as somebody at the machine would.
fn write(server: &Server, file: &str, content: &str) {
    std::fs::write(server.conf().join(file), content).unwrap();
}

/// The content of a file of the configuration folder; none if there is none.
fn file(server: &Server, file: &str) -> Option<Value> {
    let text = std::fs::read_to_string(server.conf().join(file)).ok()?;
    Some(serde_json::from_str(&text).unwrap())
}

/// What `GET config` says of an object.
fn listed(server: &Server, id: &str) -> Option<Value> {
    let list = server.client.get("config").expect(200);
    let mut items = list["configurations"].as_array().unwrap().iter();
    items.find(|item| item["_id"] == id).cloned()
}
