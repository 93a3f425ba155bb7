//! Pausing and resuming, and what happens to the fires in between.

use chrono::Duration;
use serde_json::{Value, json};

use super::{active, advance_seconds, cancel, runs, server, slow, testlog};
use crate::harness::Client;

fn act(client: &Client, path: &str) {
    assert_eq!(client.post(path, None).expect(200), json!({"success": true}), "{path}");
}

fn state(client: &Client, job: &str) -> (Value, Value) {
    let trigger = client
        .get(&format!("scheduler/trigger/scheduler-service-group.trigger-{job}"))
        .expect(200);
    (trigger["state"].clone(), trigger["previousState"].clone())
}

#[test]
fn a_paused_schedule_remembers_its_state() {
    let server = server();
    let client = &server.client;
    client
        .put("scheduler/job/one", &testlog(json!({"schedule": "0 0 0 * * ?"})))
        .expect(201);
    assert_eq!(state(client, "one"), (json!("NORMAL"), Value::Null));
    for _ in 0..2 {
        act(client, "scheduler/job/one?_action=pause");
        assert_eq!(state(client, "one"), (json!("PAUSED"), json!("NORMAL")));
    }
    for _ in 0..2 {
        act(client, "scheduler/job/one?_action=resume");
        assert_eq!(state(client, "one").0, "NORMAL");
    }
}

#[test]
fn what_a_pause_made_a_schedule_miss_follows_its_policy() {
    let one = ("scheduler/job/held?_action=pause", "scheduler/job/held?_action=resume");
    let all = ("scheduler/job?_action=pauseJobs", "scheduler/job?_action=resumeJobs");
    let check = |changes: Value, (pause, resume): (&str, &str), expected: &[f64]| {
        let server = server();
        let client = &server.client;
        client.put("scheduler/job/held", &testlog(changes.clone())).expect(201);
        server.settle();
        act(client, pause);
        advance_seconds(&server, 2);
        server.advance(Duration::seconds(58));
        assert_eq!(runs(client), [0.0]);
        act(client, resume);
        server.settle();
        advance_seconds(&server, 10);
        assert_eq!(runs(client), expected, "{changes} {pause}");
    };
    let ten = "0/10 * * * * ?";
    for turns in [one, all] {
        check(json!({"schedule": ten, "persisted": true}), turns, &[0.0, 60.0, 70.0]);
        check(
            json!({"schedule": ten, "misfirePolicy": "doNothing"}),
            turns,
            &[0.0, 70.0],
        );
        check(
            json!({"type": "simple", "repeatInterval": 10_000}),
            turns,
            &[0.0, 60.0, 70.0],
        );
    }
}

#[test]
fn while_all_are_paused_new_schedules_are_paused_as_well() {
    let server = server();
    let client = &server.client;
    act(client, "scheduler/job?_action=pauseJobs");
    for (name, persisted) in [("stored", true), ("in-memory", false)] {
        let job = testlog(json!({"schedule": "* * * * * ?", "persisted": persisted}));
        let stored = client.put(&format!("scheduler/job/{name}"), &job).expect(201);
        assert_eq!(stored["triggers"][0]["state"], "PAUSED", "{name}");
    }
    advance_seconds(&server, 2);
    assert!(runs(client).is_empty());
    act(client, "scheduler/job?_action=resumeJobs");
    server.settle();
    assert_eq!(state(client, "stored").0, "NORMAL");
    assert_eq!(state(client, "in-memory").0, "NORMAL");
    advance_seconds(&server, 1);
    assert_eq!(runs(client).iter().filter(|at| **at == 3.0).count(), 2);
}

#[test]
fn a_run_that_goes_on_is_not_cut_off_by_a_pause() {
    let server = server();
    let client = &server.client;
    client
        .put("scheduler/job/slow", &slow(&server, json!({"repeatInterval": 1000})))
        .expect(201);
    let scans = active(client, 1);
    act(client, "scheduler/job?_action=pauseJobs");
    assert_eq!(active(client, 1), scans);
    server.clock.advance(Duration::seconds(5));
    cancel(client, &scans[0]);
    server.settle();
    assert_eq!(state(client, "slow").0, "PAUSED");
    assert_eq!(client.query("taskscanner", "true").len(), 1);
    act(client, "scheduler/job?_action=resumeJobs");
    let next = active(client, 1);
    client.delete("scheduler/job/slow").expect(200);
    cancel(client, &next[0]);
    server.settle();
}

#[test]
fn a_held_schedule_can_be_triggered_by_hand() {
    let server = server();
    let client = &server.client;
    client
        .put("scheduler/job/held", &testlog(json!({"schedule": "* * * * * ?"})))
        .expect(201);
    server.settle();
    act(client, "scheduler/job/held?_action=pause");
    advance_seconds(&server, 1);
    act(client, "scheduler/job/held?_action=trigger");
    server.settle();
    assert_eq!(runs(client), [0.0, 1.0]);
    assert_eq!(state(client, "held").0, "PAUSED");
}
