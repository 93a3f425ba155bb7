//! Schedules that come from the configuration.

use chrono::Duration;
use serde_json::{Value, json};

use super::schedule;
use crate::harness::Server;

fn scan() -> Value {
    json!({
        "type": "simple", "repeatInterval": 60_000, "persisted": true, "invokeService": "taskscanner",
        "invokeContext": {
            "scan": {"_queryFilter": "true", "object": "managed/user", "taskState": {"started": "/s", "completed": "/c"}},
            "task": {"script": {"type": "text/javascript", "source": "true;"}},
        },
    })
}

#[test]
fn a_configured_schedule_fires_and_its_changes_make_a_new_trigger() {
    let server = Server::start();
    let client = &server.client;
    let object = schedule(json!({"repeatInterval": 10_000}));
    client.put("config/schedule/a", &object).expect(201);
    server.settle();
    server.advance(Duration::seconds(10));
    assert_eq!(client.query("managed/role", "true").len(), 2);
    let triggered = client.get("scheduler/job/a").expect(200)["triggers"][0]["serialized"]["timesTriggered"].clone();
    assert_eq!(triggered, 2);
    // The same content again is no change.
    client.put("config/schedule/a", &object).expect(200);
    let job = client.get("scheduler/job/a").expect(200);
    assert_eq!(job["triggers"][0]["serialized"]["timesTriggered"], 2);
    let patch = json!([{"operation": "replace", "field": "/startTime", "value": "2026-06-01T13:00:00"}]);
    client.patch("config/schedule/a", &patch).expect(200);
    let job = client.get("scheduler/job/a").expect(200);
    assert_eq!(job["triggers"][0]["serialized"]["timesTriggered"], 0);
    assert_eq!(job["nextRunDate"], "2026-06-01T13:00:00.000Z");
    client.delete("config/schedule/a").expect(200);
    client.get("scheduler/job/a").expect(404);
    server.advance(Duration::hours(2));
    assert_eq!(client.query("managed/role", "true").len(), 2);
}

/// Jobs of the configuration are changed there and nowhere else; what is done with them at run time is not a change.
#[test]
fn a_configured_job_is_not_changed_through_the_scheduler() {
    let server = Server::start();
    let client = &server.client;
    let object = schedule(json!({"persisted": true}));
    client.put("config/schedule/a", &object).expect(201);
    for answer in [client.put("scheduler/job/a", &object), client.delete("scheduler/job/a")] {
        let answer = answer.expect(403);
        assert!(
            answer["message"].as_str().unwrap().contains("config/schedule/a"),
            "{answer}"
        );
    }
    client.get("scheduler/job/a").expect(200);
    for action in ["pause", "resume", "trigger"] {
        client
            .post(&format!("scheduler/job/a?_action={action}"), None)
            .expect(200);
    }
    // And the other way round: what was made over REST is not taken over.
    client.put("scheduler/job/b", &object).expect(201);
    let answer = client.put("config/schedule/b", &object).expect(409);
    assert!(
        answer["message"].as_str().unwrap().contains("scheduler/job"),
        "{answer}"
    );
    client.get("config/schedule/b").expect(404);
    assert_eq!(super::file(&server, "schedule-b.json"), None);
    super::write(&server, "schedule-b.json", &object.to_string());
    server.look();
    assert!(super::listed(&server, "schedule/b").unwrap()["problem"].is_object());
    client.delete("scheduler/job/b").expect(200);
    // Nothing is wrong with the file, so it is tried again.
    server.look();
    assert_eq!(super::listed(&server, "schedule/b").unwrap().get("problem"), None);
    client.get("scheduler/job/b").expect(200);
}

/// A job that has fired for the last time is gone; that it may not be made through the scheduler stays.
#[test]
fn a_configured_job_that_has_vanished_is_still_the_configurations() {
    let server = Server::start();
    let client = &server.client;
    let object = schedule(json!({"repeatCount": 0}));
    client.put("config/schedule/once", &object).expect(201);
    server.settle();
    client.get("scheduler/job/once").expect(404);
    client.put("scheduler/job/once", &object).expect(403);
    client.get("config/schedule/once").expect(200);
    server.look();
    server.settle();
    assert_eq!(client.query("managed/role", "true").len(), 1);
}

#[test]
fn a_scan_of_a_configured_schedule_is_called_by_its_configuration() {
    let server = Server::start();
    let client = &server.client;
    client.put("managed/user/joe", &json!({})).expect(201);
    client.put("config/schedule/sunset", &scan()).expect(201);
    server.settle();
    let runs = client.query("taskscanner", "true");
    assert_eq!((runs.len(), &runs[0]["name"]), (1, &json!("schedule/sunset")));
    assert_eq!(runs[0]["progress"]["successes"], 1);
    let id = client
        .post("taskscanner?_action=execute&name=schedule/sunset", None)
        .expect(200)["_id"]
        .clone();
    let run = client.ended_run(id.as_str().unwrap());
    assert_eq!(run["name"], "schedule/sunset");
}

#[test]
fn a_schedule_moves_between_the_store_and_memory() {
    let server = Server::start();
    let client = &server.client;
    for persisted in [true, false, true] {
        let status = client
            .put("config/schedule/a", &schedule(json!({"persisted": persisted})))
            .status;
        assert!(matches!(status, 200 | 201), "{status}");
        assert_eq!(client.get("scheduler/job/a").expect(200)["persisted"], persisted);
        assert_eq!(client.query("scheduler/job", "true").len(), 1);
    }
    client.delete("config/schedule/a").expect(200);
    client.put("scheduler/job/a", &schedule(json!({}))).expect(201);
}
