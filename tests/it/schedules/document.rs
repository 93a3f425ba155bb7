//! The document, call by call.

use serde_json::{Value, json};

use super::{active, advance_seconds, cancel, runs, server, slow, testlog};
use crate::harness::{PASSWORD, Transcript};

#[test]
fn the_document_works_call_by_call() {
    let server = server();
    let client = &server.client;
    let credentials = [
        ("X-OpenIDM-Username", "openidm-admin"),
        ("X-OpenIDM-Password", PASSWORD),
    ];
    let mut document = Transcript::open("schedules", client, &credentials);
    document.call("validate a cron expression");
    document.call("define a schedule");
    server.settle();
    assert_eq!(runs(client), [0.0]);
    advance_seconds(&server, 1);
    document.call("define a schedule without an id");
    server.settle();
    advance_seconds(&server, 1);
    document.call("view a schedule");
    assert_eq!(runs(client), [0.0, 1.0, 1.0, 2.0, 2.0]);

    let created = format!("scheduler/job/{}", document.names.get("created"));
    assert_eq!(client.get(&created).expect(200), client.delete(&created).expect(200));
    client.get(&created).expect(404);
    let reconcile = testlog(json!({"enabled": false, "schedule": "0 0 * * * ?"}));
    client
        .put("scheduler/job/reconcile_systemLdapAccounts_managedUser", &reconcile)
        .expect(201);
    document.call("query the ids of all schedules");
    document.call("query the state of all schedules");
    document.call("disable a schedule");
    advance_seconds(&server, 2);
    assert_eq!(runs(client).len(), 5);
    assert_eq!(document.call("delete a schedule"), without_triggers(&document));
    client.get("scheduler/job/testlog-schedule").expect(404);
}

/// What the document shows when the schedule is disabled is what it shows when that is deleted.
fn without_triggers(document: &Transcript) -> Value {
    document.expected("disable a schedule")
}

#[test]
fn the_actions_of_the_document_work() {
    let server = server();
    let client = &server.client;
    let credentials = [
        ("X-OpenIDM-Username", "openidm-admin"),
        ("X-OpenIDM-Password", PASSWORD),
    ];
    let mut document = Transcript::open("schedules", client, &credentials);
    document.call("define a schedule");
    server.settle();
    document.call("trigger a schedule");
    server.settle();
    assert_eq!(runs(client), [0.0, 0.0]);
    document.call("query all triggers");
    document.call("read a trigger");

    client.put("scheduler/job/slow", &slow(&server, json!({}))).expect(201);
    let scans = active(client, 1);
    document.call("list running jobs");
    document.call("query the triggers that have been acquired");
    document.call("query the triggers that have not been acquired");
    cancel(client, &scans[0]);
    server.settle();
    let none = client
        .post("scheduler/job?_action=listCurrentlyExecutingJobs", None)
        .expect(200);
    assert_eq!(none, json!([]));

    document.call("pause a schedule");
    advance_seconds(&server, 2);
    document.call("resume a schedule");
    server.settle();
    assert_eq!(runs(client), [0.0, 0.0, 2.0, 2.0]);

    document.call("pause all schedules");
    advance_seconds(&server, 2);
    assert_eq!(runs(client).len(), 4);
    document.call("resume all schedules");
    server.settle();
    assert_eq!(runs(client)[4..], [4.0, 4.0]);
}
