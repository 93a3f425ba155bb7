//! A run while it goes on: pausing it, going on, its threads, and watching it.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;

use serde_json::{Value, json};

use super::{counted, counts, execute, hold, long_run, make, refused, run, scan};
use crate::harness::{PASSWORD, Process, Server, pause};

fn say(client: &crate::harness::Client, id: &str, what: &str) -> crate::harness::Answer {
    client.post(&format!("taskscanner/{id}?_action={what}"), None)
}

#[test]
fn a_run_can_be_paused_and_goes_on() {
    let server = Server::start();
    let client = &server.client;
    let id = long_run(client);
    let said = say(client, &id, "pause").expect(200);
    assert_eq!(said, json!({"_id": id, "status": "SUCCESS", "paused": true}));
    counted(client, &id);
    let shown = run(client, &id);
    assert_eq!(shown["progress"]["state"], "ACTIVE", "{shown}");
    assert_eq!(shown.as_object().unwrap().keys().next_back().unwrap(), "paused");
    assert_eq!(client.query("taskscanner", "paused eq true").len(), 1);
    let live = client.get(&format!("taskscanner/{id}/live")).expect(200);
    assert_eq!(
        (
            &live["state"],
            &live["paused"],
            &live["numberOfThreads"],
            &live["ended"]
        ),
        (&json!("ACTIVE"), &json!(true), &json!(4), &Value::Null)
    );
    assert_eq!(
        (&live["progress"]["total"], &live["etaMs"]),
        (&json!(400), &Value::Null)
    );
    let said = say(client, &id, "threads&numberOfThreads=2").expect(200);
    assert_eq!((&said["numberOfThreads"], &said["paused"]), (&json!(2), &json!(true)));
    assert_eq!(
        client.get(&format!("taskscanner/{id}/live")).expect(200)["numberOfThreads"],
        2
    );
    let said = say(client, &id, "resume").expect(200);
    assert_eq!((&said["paused"], &said["numberOfThreads"]), (&json!(false), &json!(2)));
    let ended = client.ended_run(&id);
    assert_eq!(
        (&ended["progress"]["state"], counts(&ended)),
        (&json!("COMPLETED"), (400, 0))
    );
    assert!(ended.get("paused").is_none(), "{ended}");
    let live = client.get(&format!("taskscanner/{id}/live")).expect(200);
    assert_eq!((&live["state"], &live["ended"]), (&json!("COMPLETED"), &ended["ended"]));
    assert_eq!(live["fuel"], ended["usage"]["fuel"]);
}

#[test]
fn a_paused_run_can_be_cancelled() {
    let server = Server::start();
    let client = &server.client;
    let id = long_run(client);
    say(client, &id, "pause").expect(200);
    assert_eq!(say(client, &id, "cancel").expect(200)["status"], "SUCCESS");
    let ended = run(client, &id);
    assert_eq!(ended["progress"]["state"], "CANCELLED", "{ended}");
    for user in client.query("managed/user", "true") {
        assert_eq!(
            user["task"]["started"].is_string(),
            user["task"]["completed"].is_string(),
            "{user}"
        );
    }
    for what in ["pause", "resume", "threads&numberOfThreads=2"] {
        let message = refused(say(client, &id, what), 409);
        assert!(message.contains("has ended: it is CANCELLED"), "{what}: {message}");
    }
    assert_eq!(run(client, &id), ended);
}

#[test]
fn what_cannot_be_said_is_refused() {
    let server = Server::start();
    let client = &server.client;
    make(client, "joe", &json!({}));
    let id = execute(client, "scan", &scan("true", &json!({})));
    for what in ["pause", "resume", "threads&numberOfThreads=2"] {
        refused(say(client, "none", what), 404);
        let message = refused(say(client, &id, what), 409);
        assert!(message.contains("COMPLETED"), "{message}");
    }
    for threads in ["0", "101", "-1", "two", "1.5", ""] {
        let message = refused(say(client, &id, &format!("threads&numberOfThreads={threads}")), 400);
        assert!(message.contains("from 1 to 100"), "{threads}: {message}");
    }
    assert!(refused(say(client, &id, "threads"), 400).contains("from 1 to 100"));
    assert!(refused(say(client, &id, "pause&now=true"), 400).contains("has no parameter"));
    let content = client.post(
        &format!("taskscanner/{id}?_action=pause"),
        Some(&json!({"paused": true})),
    );
    assert!(refused(content, 400).contains("takes no content"));
    refused(client.get("taskscanner/none/live"), 404);
}

#[test]
fn a_paused_run_stays_paused_over_a_kill() {
    let data = tempfile::tempdir().unwrap();
    let process = Process::serve(data.path());
    let id = long_run(&process.client);
    say(&process.client, &id, "threads&numberOfThreads=3").expect(200);
    hold(&process.client, &id);
    process.kill();
    let process = Process::serve(data.path());
    counted(&process.client, &id);
    let live = process.client.get(&format!("taskscanner/{id}/live")).expect(200);
    assert_eq!(
        (&live["paused"], &live["numberOfThreads"]),
        (&json!(true), &json!(3)),
        "{live}"
    );
    let before = process.client.get(&format!("taskscanner/{id}")).expect(200);
    assert_eq!(
        (&before["paused"], &before["progress"]["state"]),
        (&json!(true), &json!("ACTIVE"))
    );
    for _ in 0..20 {
        pause();
    }
    assert_eq!(process.client.get(&format!("taskscanner/{id}")).expect(200), before);
    say(&process.client, &id, "resume").expect(200);
    assert_eq!(counts(&process.client.ended_run(&id)), (400, 0));
}

#[test]
fn a_run_can_be_watched_until_it_ends() {
    let data = tempfile::tempdir().unwrap();
    let process = Process::serve(data.path());
    let id = long_run(&process.client);
    let address = process.client.base.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    stream
        .set_read_timeout(Some(std::time::Duration::from_secs(60)))
        .unwrap();
    let request = format!(
        "GET /openidm/taskscanner/{id}/live HTTP/1.1\r\nhost: {address}\r\naccept: text/event-stream\r\n\
         x-openidm-username: openidm-admin\r\nx-openidm-password: {PASSWORD}\r\nconnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let lines: Vec<String> = BufReader::new(stream).lines().map(Result::unwrap).collect();
    assert!(
        lines.iter().any(|line| line == "content-type: text/event-stream"),
        "{lines:?}"
    );
    let events: Vec<Value> = lines
        .iter()
        .filter_map(|line| line.strip_prefix("data: "))
        .map(|text| serde_json::from_str(text).unwrap())
        .collect();
    let last = events.last().unwrap();
    assert_eq!(
        (&last["state"], &last["progress"]["successes"]),
        (&json!("COMPLETED"), &json!(400)),
        "{last}"
    );
    assert!(last["ended"].is_string());
    assert!(events[..events.len() - 1].iter().all(|event| event["ended"].is_null()));
    let done = |event: &Value| event["progress"]["processed"].as_u64().unwrap();
    assert!(events.is_sorted_by(|a, b| done(a) <= done(b)), "{events:?}");
}
