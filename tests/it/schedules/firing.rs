//! Firing on time, under a clock that the test moves.

use chrono::Duration;
use serde_json::{Value, json};

use super::{active, advance_seconds, at, cancel, runs, server, slow, testlog};

#[test]
fn a_simple_schedule_fires_by_interval_and_vanishes_after_its_last_time() {
    let server = server();
    let job = testlog(json!({"type": "simple", "repeatInterval": 2500, "repeatCount": 2, "persisted": true}));
    let stored = server.client.put("scheduler/job/thrice", &job).expect(201);
    assert_eq!(
        (&stored["repeatInterval"], &stored["repeatCount"]),
        (&json!(2500), &json!(2))
    );
    server.settle();
    for _ in 0..4 {
        server.advance(Duration::milliseconds(1250));
    }
    assert_eq!(runs(&server.client), [0.0, 2.5, 5.0]);
    server.client.get("scheduler/job/thrice").expect(404);
    assert!(server.client.query("scheduler/job", "true").is_empty());
    assert!(server.client.query("scheduler/trigger", "true").is_empty());
    advance_seconds(&server, 5);
    assert_eq!(runs(&server.client).len(), 3);
}

#[test]
fn a_simple_schedule_shows_how_often_it_fired() {
    let server = server();
    let job = testlog(json!({"type": "simple", "repeatInterval": 1000}));
    server.client.put("scheduler/job/counted", &job).expect(201);
    server.settle();
    advance_seconds(&server, 3);
    let job = server.client.get("scheduler/job/counted").expect(200);
    let trigger = &job["triggers"][0]["serialized"];
    assert_eq!(
        (&trigger["timesTriggered"], &trigger["repeatCount"]),
        (&json!(4), &json!(-1))
    );
    assert_eq!(
        (&job["previousRunDate"], &job["nextRunDate"]),
        (&json!(at(3)), &json!(at(4)))
    );
}

#[test]
fn without_an_interval_the_repeats_follow_at_once() {
    let server = server();
    let job = testlog(json!({"type": "simple", "repeatInterval": 0, "repeatCount": 3}));
    server.client.put("scheduler/job/burst", &job).expect(201);
    server.settle();
    assert_eq!(runs(&server.client), [0.0; 4]);
    server.client.get("scheduler/job/burst").expect(404);
}

#[test]
fn start_and_end_bound_the_fires() {
    // What is stored at 12:00:00 UTC, which is 14:00:00 in the server's zone: the fires within the next ten seconds.
    let check = |changes: Value, expected: &[f64]| {
        let server = server();
        let stored = server
            .client
            .put("scheduler/job/bounded", &testlog(changes.clone()))
            .expect(201);
        for name in ["startTime", "endTime"] {
            assert_eq!(stored[name], changes[name], "shown as it was given");
        }
        server.settle();
        advance_seconds(&server, 10);
        assert_eq!(runs(&server.client), expected, "{changes}");
    };
    let every_second =
        |start: Value, end: Value| json!({"schedule": "* * * * * ?", "startTime": start, "endTime": end});
    let every_other = |start: Value, end: Value| json!({"type": "simple", "repeatInterval": 2000, "startTime": start, "endTime": end});
    let all = Value::Null;
    check(
        every_second(json!("2026-06-01T14:00:08+02:00"), all.clone()),
        &[8.0, 9.0, 10.0],
    );
    check(
        every_second(json!("2026-06-01T14:00:08"), all.clone()),
        &[8.0, 9.0, 10.0],
    );
    check(every_second(all.clone(), json!("2026-06-01T12:00:02Z")), &[0.0, 1.0]);
    check(
        every_second(json!("2026-06-01T17:30:03+05:30"), json!("2026-06-01T17:30:05+05:30")),
        &[3.0, 4.0],
    );
    check(every_other(json!("2026-06-01T14:00:05"), all), &[5.0, 7.0, 9.0]);
    check(
        every_other(json!("2020-01-01T00:00:01Z"), json!("2026-06-01T12:00:04Z")),
        &[0.0, 2.0],
    );
    check(
        every_other(json!("2026-06-01T12:00:08Z"), json!("2026-06-01T12:00:10Z")),
        &[8.0],
    );
}

#[test]
fn a_cron_schedule_fires_by_the_wall_clock_of_its_zone() {
    let server = server();
    let put = |name: &str, zone: Value| {
        let job = testlog(json!({"schedule": "0 30 14 * * ?", "timeZone": zone}));
        server.client.put(&format!("scheduler/job/{name}"), &job).expect(201)
    };
    let by_default = put("of-the-server", Value::Null);
    assert_eq!(by_default["nextRunDate"], "2026-06-01T12:30:00.000Z");
    assert_eq!(by_default.get("timeZone"), None);
    let own = put("of-its-own", json!("America/Los_Angeles"));
    assert_eq!(own["nextRunDate"], "2026-06-01T21:30:00.000Z");
    assert_eq!(own["timeZone"], "America/Los_Angeles");
    assert_eq!(
        own.pointer("/triggers/0/serialized/cronEx/timeZone").unwrap(),
        "America/Los_Angeles"
    );
    server.advance(Duration::minutes(29));
    assert!(runs(&server.client).is_empty());
    server.advance(Duration::minutes(1));
    assert_eq!(runs(&server.client), [1800.0]);
    // On the first of November the clocks of Los Angeles go back, and 14:30 is an hour later in UTC.
    server.clock.advance(Duration::days(152));
    server.settle();
    let next = server.client.get("scheduler/job/of-its-own").expect(200)["nextRunDate"].clone();
    assert_eq!(next, "2026-10-31T21:30:00.000Z");
    server.advance(Duration::hours(9));
    let next = server.client.get("scheduler/job/of-its-own").expect(200)["nextRunDate"].clone();
    assert_eq!(next, "2026-11-01T22:30:00.000Z");
}

#[test]
fn a_cron_schedule_whose_last_time_has_passed_vanishes() {
    let server = server();
    let job = testlog(json!({"schedule": "5 0 14 1 6 ? 2026", "persisted": true}));
    server.client.put("scheduler/job/once", &job).expect(201);
    advance_seconds(&server, 6);
    assert_eq!(runs(&server.client), [5.0]);
    server.client.get("scheduler/job/once").expect(404);
}

#[test]
fn fires_that_were_missed_are_made_up_for_once_or_not_at_all() {
    let check = |changes: Value, expected: &[f64]| {
        let server = server();
        server
            .client
            .put("scheduler/job/late", &testlog(changes.clone()))
            .expect(201);
        server.settle();
        // The clock leaps: the host was busy elsewhere, or asleep.
        server.advance(Duration::seconds(65));
        server.advance(Duration::seconds(5));
        assert_eq!(runs(&server.client), expected, "{changes}");
    };
    let ten = "0/10 * * * * ?";
    check(json!({"schedule": ten}), &[0.0, 65.0, 70.0]);
    check(
        json!({"schedule": ten, "misfirePolicy": "fireAndProceed"}),
        &[0.0, 65.0, 70.0],
    );
    check(json!({"schedule": ten, "misfirePolicy": "doNothing"}), &[0.0, 70.0]);
    // A simple schedule counts its interval from there.
    check(json!({"type": "simple", "repeatInterval": 10_000}), &[0.0, 65.0]);
}

#[test]
fn a_run_that_goes_on_holds_the_next_one_back() {
    let server = server();
    server
        .client
        .put("scheduler/job/slow", &slow(&server, json!({"repeatInterval": 1000})))
        .expect(201);
    let first = active(&server.client, 1);
    let blocked = server.client.get("scheduler/job/slow").expect(200);
    assert_eq!(blocked["triggers"][0]["state"], "BLOCKED");
    assert_eq!(blocked["triggers"][0]["nodeId"], "node1");
    server.clock.advance(Duration::seconds(1));
    server
        .client
        .post("scheduler/job/slow?_action=trigger", None)
        .expect(200);
    assert_eq!(active(&server.client, 1), first);
    cancel(&server.client, &first[0]);
    // What was asked for and what was due follow one after the other.
    let second = active(&server.client, 1);
    assert_ne!(second, first);
    cancel(&server.client, &second[0]);
    let third = active(&server.client, 1);
    assert!(third != first && third != second);
    cancel(&server.client, &third[0]);
    server.settle();
    assert_eq!(server.client.query("taskscanner", "true").len(), 3);
}

#[test]
fn a_schedule_that_allows_it_runs_several_times_at_once() {
    let server = server();
    let changes = json!({"repeatInterval": 1000, "concurrentExecution": true});
    server
        .client
        .put("scheduler/job/slow", &slow(&server, changes))
        .expect(201);
    active(&server.client, 1);
    server.clock.advance(Duration::seconds(1));
    let two = active(&server.client, 2);
    let running = server
        .client
        .post("scheduler/job?_action=listCurrentlyExecutingJobs", None)
        .expect(200);
    assert_eq!(running.as_array().unwrap().len(), 2);
    assert_eq!(
        server.client.get("scheduler/job/slow").expect(200)["triggers"][0]["state"],
        "NORMAL"
    );
    server.client.delete("scheduler/job/slow").expect(200);
    // The runs of a schedule that is gone are not cut off.
    assert_eq!(active(&server.client, 2), two);
    two.iter().for_each(|run| cancel(&server.client, run));
    server.settle();
}

#[test]
fn a_schedule_that_moves_between_disk_and_memory_fires_once() {
    let server = server();
    for persisted in [true, false, true] {
        let job =
            testlog(json!({"schedule": "0/10 * * * * ?", "startTime": "2026-06-01T12:00:01Z", "persisted": persisted}));
        let stored = server.client.put("scheduler/job/nomad", &job);
        assert!(matches!(stored.status, 200 | 201), "{}", stored.text);
        assert_eq!(server.client.query("scheduler/job", "true").len(), 1);
        assert_eq!(server.client.query("scheduler/trigger", "true").len(), 1);
    }
    server.advance(Duration::seconds(10));
    assert_eq!(runs(&server.client), [10.0]);
}
