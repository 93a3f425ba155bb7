//! What of the audit is kept, and for how long.

use serde_json::json;

use super::{entries, entry};
use crate::harness::{Process, Server};

/// A change and its entry are one commit; so are the entries of the configuration on the disk when their change is
/// answered.
#[test]
fn entries_of_changes_survive_a_kill() {
    let data = tempfile::tempdir().unwrap();
    let process = Process::serve(data.path());
    process.client.put("managed/user/joe", &json!({"a": 1})).expect(201);
    process
        .client
        .put("config/managed", &json!({"objects": [{"name": "user"}]}))
        .expect(200);
    process.kill();
    let process = Process::serve(data.path());
    assert_eq!(
        entry(&process.client, "activity", "true")["objectId"],
        "managed/user/joe"
    );
    assert_eq!(entry(&process.client, "config", "true")["objectId"], "config/managed");
}

#[test]
fn accesses_survive_a_stop() {
    let data = tempfile::tempdir().unwrap();
    let process = Process::serve(data.path());
    let header = [("X-Request-Id", "before-the-stop")];
    process
        .client
        .request("GET", "managed/user/joe", &header, None)
        .expect(404);
    assert!(process.terminate().success());
    let process = Process::serve(data.path());
    entry(&process.client, "access", "/transactionId eq \"before-the-stop\"");
}

#[test]
fn entries_are_bounded() {
    let settings: &[u8] = b"[audit]\nentry-bytes = 2000\n";
    let server = Server::with_files(&[("taskwarden.toml", settings)]);
    let client = &server.client;
    client
        .put("managed/user/joe", &json!({"text": "x".repeat(100_000)}))
        .expect(201);
    client.get(&format!("managed/user/{}", "y".repeat(500))).expect(404);
    let found = entry(client, "activity", "true");
    assert_eq!(
        (&found["after"], &found["changedFields"]),
        (&json!({"leftOutBytes": 100_011}), &json!(["/text"]))
    );
    for topic in ["activity", "access"] {
        for entry in entries(client, topic, "true") {
            assert!(entry.to_string().len() < 2_100, "{entry}");
        }
    }
}
