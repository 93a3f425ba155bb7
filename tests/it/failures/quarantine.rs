//! Objects that fail again and again.

use serde_json::{Value, json};

use super::{counts, execute, make, refused, run, scan};
use crate::harness::{Client, Server, encode};

fn context() -> Value {
    let mut context = scan("if (input.bad) throw 'bad ' + input._id; true", &json!({}));
    context["scan"]["recovery"] = json!({"timeout": "0s", "maxAttempts": 2});
    context
}

/// Successes, failures and objects in quarantine of one more run.
fn again(client: &Client, job: &str) -> (u64, u64, Option<u64>) {
    let id = execute(client, job, &context());
    let run = run(client, &id);
    let (successes, failures) = counts(&run);
    (successes, failures, run["quarantined"].as_u64())
}

#[test]
fn an_object_in_quarantine_is_left_alone_until_it_is_released() {
    let server = Server::start();
    let client = &server.client;
    for user in ["a", "b", "c", "good"] {
        make(client, user, &json!({"bad": user != "good"}));
    }
    assert_eq!(again(client, "scan"), (1, 3, None));
    assert_eq!(client.query("taskscanner/quarantine", "true").len(), 0);
    assert_eq!(again(client, "scan"), (0, 3, None));
    assert_eq!(again(client, "scan"), (0, 0, Some(3)));
    // Another job has not failed with them.
    assert_eq!(again(client, "other"), (0, 3, None));

    let listed = client.query("taskscanner/quarantine", "true");
    assert_eq!(listed.len(), 3, "{listed:?}");
    let a = &listed[0];
    assert_eq!(
        (&a["_id"], &a["job"], &a["objectId"], &a["object"], &a["attempts"]),
        (
            &json!("scan:a"),
            &json!("scan"),
            &json!("a"),
            &json!("managed/user/a"),
            &json!(2)
        )
    );
    assert_eq!(a["lastFailure"]["kind"], "problem");
    assert!(a["lastFailure"]["message"].as_str().unwrap().contains("bad a"), "{a}");
    let read = client.get("taskscanner/quarantine/scan:a").expect(200);
    assert_eq!(read["lastFailure"], a["lastFailure"]);
    assert_eq!(client.query("taskscanner/quarantine", "objectId eq \"b\"").len(), 1);

    let released = client
        .post("taskscanner/quarantine/scan:a?_action=release", None)
        .expect(200);
    assert_eq!(released["released"], 1);
    refused(client.get("taskscanner/quarantine/scan:a"), 404);
    refused(client.post("taskscanner/quarantine/scan:a?_action=release", None), 404);
    // It begins to count anew.
    assert_eq!(again(client, "scan"), (0, 1, Some(2)));
    let filter = encode("job eq \"scan\" and objectId gt \"b\"");
    let released = client
        .post(
            &format!("taskscanner/quarantine?_action=release&_queryFilter={filter}"),
            None,
        )
        .expect(200);
    assert_eq!(released["released"], 1);
    assert_eq!(again(client, "scan"), (0, 2, Some(1)));
    let all = client
        .post("taskscanner/quarantine?_action=release&_queryFilter=true", None)
        .expect(200);
    assert_eq!(all["released"], 2, "{all}");
    assert_eq!(client.query("taskscanner/quarantine", "true").len(), 0);
}

#[test]
fn what_cannot_be_understood_releases_nothing() {
    let server = Server::start();
    let client = &server.client;
    make(client, "a", &json!({"bad": true}));
    assert_eq!(again(client, "scan"), (0, 1, None));
    assert_eq!(again(client, "scan"), (0, 1, None));
    for (path, words) in [
        ("taskscanner/quarantine?_action=release", "_queryFilter"),
        (
            "taskscanner/quarantine?_action=release&_queryFilter=x%20y%20z",
            "_queryFilter",
        ),
        (
            "taskscanner/quarantine?_action=release&_queryFilter=true&job=scan",
            "has no parameter",
        ),
        (
            "taskscanner/quarantine/scan:a?_action=release&_queryFilter=true",
            "it has none",
        ),
        ("taskscanner/quarantine?_action=free", "Unknown action"),
    ] {
        let message = refused(client.post(path, None), 400);
        assert!(message.contains(words), "{path}: {message}");
    }
    refused(client.get("taskscanner/quarantine"), 400);
    assert_eq!(client.query("taskscanner/quarantine", "true").len(), 1);
    for (attempts, words) in [
        (json!(0), "from 1 to 1000"),
        (json!(1001), "from 1 to 1000"),
        (json!("2"), "whole number"),
    ] {
        let mut context = context();
        context["scan"]["recovery"]["maxAttempts"] = attempts;
        let job = json!({
            "enabled": true, "type": "cron", "schedule": "0 0 0 1 1 ? 2099",
            "invokeService": "taskscanner", "invokeContext": context,
        });
        let answer = client.put("scheduler/job/wrong", &job);
        let detail = answer.json()["detail"]["pointer"].clone();
        assert_eq!(detail, "/invokeContext/scan/recovery/maxAttempts");
        let message = refused(answer, 400);
        assert!(message.contains(words), "{message}");
    }
}
