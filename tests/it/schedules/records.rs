//! What is on record of schedules: runs with their logs, due instants, counters; and what can be done with them.

use chrono::Duration;
use serde_json::{Value, json};

use super::{active, advance_seconds, at, runs, server, slow, testlog};
use crate::harness::{Client, Server, encode, pause};

fn query(client: &Client, resource: &str, filter: &str, more: &str) -> Vec<Value> {
    let answer = client.get(&format!("scheduler/{resource}?_queryFilter={}{more}", encode(filter)));
    answer.expect(200)["result"].as_array().unwrap().clone()
}

/// A job that fires each second from the next one on.
fn every_second(server: &Server, name: &str, changes: Value) {
    let mut job = testlog(json!({"schedule": "* * * * * ?", "startTime": "2026-06-01T12:00:01Z", "persisted": true}));
    job.as_object_mut()
        .unwrap()
        .extend(changes.as_object().unwrap().clone());
    server.client.put(&format!("scheduler/job/{name}"), &job).expect(201);
}

#[test]
fn a_run_is_on_record_with_its_log_and_its_fuel() {
    let server = server();
    let source =
        "logger.info('for {}', 'you'); logger.debug('not kept'); java.lang.System.out.println('hello'); ({a: 1});";
    let script = json!({"script": {"type": "text/javascript", "source": source}});
    every_second(&server, "logs", json!({"invokeContext": script}));
    advance_seconds(&server, 1);
    let found = query(&server.client, "run", r#"job eq "logs""#, "");
    assert_eq!(found.len(), 1);
    let run = server
        .client
        .get(&format!("scheduler/run/{}", found[0]["_id"].as_str().unwrap()))
        .expect(200);
    assert_eq!(run, found[0]);
    assert_eq!(
        (&run["state"], &run["origin"], &run["scheduled"], &run["latenessMs"]),
        (&json!("succeeded"), &json!("schedule"), &json!(at(1)), &json!(0))
    );
    assert_eq!(run["result"], json!({"a": 1}));
    assert_eq!(run["log"][0], json!({"level": "info", "message": "for you"}));
    assert!(
        run["log"].to_string().contains("hello") && !run["log"].to_string().contains("not kept"),
        "{run}"
    );
    assert!(run["fuel"].as_u64().unwrap() > 1_000, "{run}");
    let instants = query(&server.client, "occurrence", r#"job eq "logs""#, "");
    assert_eq!(
        (&instants[0]["run"], &instants[0]["outcome"]),
        (&run["_id"], &json!("fired"))
    );
}

#[test]
fn a_run_that_fails_says_why() {
    let server = server();
    let script =
        json!({"script": {"type": "text/javascript", "source": "logger.warn('soon'); throw new Error('not today');"}});
    every_second(&server, "fails", json!({"invokeContext": script}));
    advance_seconds(&server, 1);
    let run = &query(&server.client, "run", r#"state eq "failed""#, "")[0];
    assert!(run["message"].as_str().unwrap().contains("not today"), "{run}");
    assert_eq!(run["log"][0], json!({"level": "warn", "message": "soon"}));
}

#[test]
fn instants_are_paged_sorted_and_counted() {
    let server = server();
    every_second(&server, "a", json!({"misfirePolicy": "doNothing"}));
    every_second(&server, "b", json!({}));
    advance_seconds(&server, 5);
    server.advance(Duration::minutes(2));
    let of = |more: &str| query(&server.client, "occurrence", r#"job eq "a""#, more);
    let all = of("");
    assert_eq!(all.len(), 6);
    assert_eq!(
        (&all[5]["outcome"], &all[5]["reason"], &all[5]["count"]),
        (&json!("skipped"), &json!("misfire"), &json!(120))
    );
    assert_eq!((&all[5]["from"], &all[5]["to"]), (&json!(at(6)), &json!(at(125))));
    assert_eq!(of("&_pageSize=2").as_slice(), &all[..2]);
    assert_eq!(of("&_pageSize=2&_sortKeys=-from")[0], all[5]);
    assert_eq!(
        query(&server.client, "occurrence", r#"outcome eq "coalesced""#, "")[0]["job"],
        "b"
    );
    let statistics = server.client.get("scheduler/statistics/b").expect(200);
    assert_eq!(
        (&statistics["fired"], &statistics["coalesced"]),
        (&json!(6), &json!(119))
    );
    assert_eq!(query(&server.client, "statistics", "skipped gt 0", "")[0]["_id"], "a");
    // They are the host's to write.
    server.client.put("scheduler/occurrence/x", &json!({})).expect(501);
    server.client.delete("scheduler/run/x").expect(501);
}

#[test]
fn what_was_skipped_can_be_made_up_for() {
    let server = server();
    every_second(&server, "a", json!({"misfirePolicy": "doNothing"}));
    server.advance(Duration::minutes(1));
    assert_eq!(runs(&server.client), Vec::<f64>::new());
    let backfill = |more: &str| {
        let path = format!("scheduler/job/a?_action=backfill&from={}&to={}{more}", at(10), at(12));
        server.client.post(&path, None)
    };
    let answer = backfill("").expect(200);
    assert_eq!((&answer["instants"], &answer["runs"]), (&json!(3), &json!(3)));
    server.settle();
    assert_eq!(runs(&server.client).len(), 3);
    let mut instants: Vec<Value> = query(&server.client, "run", r#"origin eq "backfill""#, "&_sortKeys=scheduled");
    assert_eq!(
        instants
            .iter_mut()
            .map(|run| run["scheduled"].take())
            .collect::<Vec<_>>(),
        [at(10), at(11), at(12)]
    );
    assert_eq!(backfill("").expect(200)["runs"], 0);
    assert_eq!(backfill("&force=true").expect(200)["runs"], 3);
    backfill("&force=perhaps").expect(400);
    server
        .client
        .post("scheduler/job/a?_action=backfill&from=now", None)
        .expect(400);
    server
        .client
        .post(
            "scheduler/job/none?_action=backfill&from=2026-06-01T12:00:00Z&to=2026-06-01T12:00:00Z",
            None,
        )
        .expect(404);
}

/// The state of the only run of a job.
fn state(client: &Client, id: &str) -> Value {
    client.get(&format!("scheduler/run/{id}")).expect(200)["state"].clone()
}

#[test]
fn a_run_is_ended_before_its_time_and_leaves_nothing_behind() {
    let server = server();
    let client = &server.client;
    let source = "openidm.create('managed/role', 'trace', {}); while (true) {}";
    let script = json!({"script": {"type": "text/javascript", "source": source}});
    let job = testlog(json!({"type": "simple", "repeatCount": 0, "persisted": true, "invokeContext": script}));
    client.put("scheduler/job/endless", &job).expect(201);
    let id = loop {
        let found = query(client, "run", r#"job eq "endless" and state eq "started""#, "");
        if let Some(run) = found.first() {
            break run["_id"].as_str().unwrap().to_owned();
        }
        pause();
    };
    let answer = client
        .post(&format!("scheduler/run/{id}?_action=cancel"), None)
        .expect(200);
    assert_eq!(answer, json!({"_id": id, "status": "SUCCESS"}));
    server.settle();
    assert_eq!(state(client, &id), "cancelled");
    client.get("managed/role/trace").expect(404);
    client
        .post(&format!("scheduler/run/{id}?_action=cancel"), None)
        .expect(409);
    client.post("scheduler/run/none?_action=cancel", None).expect(404);
    client
        .post(&format!("scheduler/run/{id}?_action=restart"), None)
        .expect(400);
}

#[test]
fn a_scan_of_a_schedule_is_ended_through_its_run() {
    let server = server();
    let client = &server.client;
    client.put("scheduler/job/slow", &slow(&server, json!({}))).expect(201);
    let scan = active(client, 1).remove(0);
    client
        .post(&format!("scheduler/run/{scan}?_action=cancel"), None)
        .expect(200);
    server.settle();
    assert_eq!(state(client, &scan), "cancelled");
    let scan = client.get(&format!("taskscanner/{scan}")).expect(200);
    assert_eq!(scan["progress"]["state"], "CANCELLED");
}

#[test]
fn the_platforms_lists_of_triggers_are_there() {
    let server = server();
    every_second(&server, "a", json!({}));
    let waiting = server.client.get("scheduler/waitingTriggers").expect(200);
    assert_eq!(waiting["names"], json!(["scheduler-service-group.trigger-a"]));
    let acquired = server.client.get("scheduler/acquiredTriggers").expect(200);
    assert_eq!(acquired["node1"], json!([]));
    server.client.get("scheduler/otherTriggers").expect(404);
    server.client.get("scheduler").expect(404);
}
