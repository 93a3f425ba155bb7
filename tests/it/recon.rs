//! `recon`, `repo/link` and what schedules do with them, between managed objects.

mod cases;
mod documents;
mod duplicates;
mod guard;
mod implicit;
mod killed;
mod mapping;
mod on_sync;
mod plan;
mod properties;
mod requests;
mod schedule;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::harness::{Client, Server, pause};

/// The source and the target of most tests.
const SOURCE: &str = "managed/user";
const TARGET: &str = "managed/role";

/// A mapping from users to roles that carries over the name and the id, with more members.
fn mapping(more: &Value) -> Value {
    let mut mapping = json!({
        "name": "users_roles",
        "source": SOURCE,
        "target": TARGET,
        // Runs are looked at here, not what comes with each change.
        "enableSync": false,
        "properties": [{"source": "_id", "target": "_id"}, {"source": "name", "target": "name"}],
    });
    mapping
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    mapping
}

/// A script of a mapping.
fn script(source: &str) -> Value {
    json!({"type": "text/javascript", "source": source})
}

/// Puts mappings in force.
#[track_caller]
fn configure(client: &Client, mappings: &[Value]) {
    let answer = client.put("config/sync", &json!({"mappings": mappings}));
    assert!(matches!(answer.status, 200 | 201), "{}", answer.text);
}

/// A server with one mapping.
fn server(more: &Value) -> Server {
    let server = Server::start();
    configure(&server.client, &[mapping(more)]);
    server
}

/// Runs a reconciliation to its end and answers it. `parameters` begin with `&`.
#[track_caller]
fn recon(client: &Client, parameters: &str) -> Value {
    let path = format!("recon?_action=recon&mapping=users_roles&waitForCompletion=true{parameters}");
    let answer = client.post(&path, None).expect(200);
    client
        .get(&format!("recon/{}", answer["_id"].as_str().unwrap()))
        .expect(200)
}

/// The entries of a run.
fn entries(client: &Client, run: &Value) -> Vec<Value> {
    client.query(&format!("recon/assoc/{}/entry", run["_id"].as_str().unwrap()), "true")
}

/// Makes the objects of a container.
fn fill(client: &Client, container: &str, objects: &Value) {
    for (id, object) in objects.as_object().unwrap() {
        client.put(&format!("{container}/{id}"), object).expect(201);
    }
}

/// The objects of a container by their ids.
fn objects(client: &Client, container: &str) -> Value {
    let mut all = BTreeMap::new();
    for mut object in client.query(container, "true") {
        let members = object.as_object_mut().unwrap();
        let id = members.remove("_id").unwrap();
        members.remove("_rev");
        all.insert(id.as_str().unwrap().to_owned(), object);
    }
    json!(all)
}

/// Links as pairs of first and second id.
fn links(client: &Client) -> Value {
    let mut all: Vec<(String, String)> = client
        .query("repo/link", "true")
        .iter()
        .map(|link| (text(&link["firstId"]), text(&link["secondId"])))
        .collect();
    all.sort();
    json!(all)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn link(client: &Client, first: &str, second: &str) {
    let link = json!({"linkType": "users_roles", "linkQualifier": "default", "firstId": first, "secondId": second});
    client.post("repo/link?_action=create", Some(&link)).expect(201);
}

/// Forgets all objects and links.
fn clear(client: &Client) {
    for container in [SOURCE, TARGET, "repo/link"] {
        for object in client.query(container, "true") {
            client
                .delete(&format!("{container}/{}", text(&object["_id"])))
                .expect(200);
        }
    }
}

/// Asks until a run has ended, and answers it.
fn ended(client: &Client, id: &str) -> Value {
    for _ in 0..6_000 {
        let run = client.get(&format!("recon/{id}")).expect(200);
        if run["state"] != "ACTIVE" {
            return run;
        }
        pause();
    }
    panic!("the run {id} does not end");
}
