//! The service `sync`: a schedule that reconciles.

use serde_json::{Value, json};

use super::{fill, objects, server};

fn job(invoke_context: Value) -> Value {
    json!({
        "enabled": true, "persisted": true, "type": "cron", "schedule": "0 30 * * * ?",
        "invokeService": "sync", "invokeContext": invoke_context,
    })
}

#[test]
fn a_schedule_reconciles() {
    let server = server(&json!({}));
    let client = &server.client;
    fill(client, "managed/user", &json!({"a": {"name": "A"}}));
    let stored = client
        .put(
            "scheduler/job/nightly",
            &job(json!({"action": "reconcile", "mapping": "users_roles"})),
        )
        .expect(201);
    assert_eq!(stored["invokeService"], "org.forgerock.openidm.sync");
    server.advance(chrono::Duration::hours(1));
    assert_eq!(objects(client, "managed/role"), json!({"a": {"name": "A"}}));
    let runs = client.get("recon").expect(200);
    assert_eq!(
        (
            &runs["reconciliations"][0]["state"],
            runs["reconciliations"].as_array().unwrap().len()
        ),
        (&json!("SUCCESS"), 1)
    );
}

#[test]
fn a_schedule_that_could_not_reconcile_is_refused() {
    let server = server(&json!({}));
    let check = |context: Value, pointer: &str| {
        let answer = server.client.put("scheduler/job/a", &job(context)).expect(400);
        assert_eq!(answer["detail"]["pointer"], pointer, "{answer}");
    };
    check(json!({"action": "reconcile"}), "/invokeContext/mapping");
    check(
        json!({"action": "reconcile", "mapping": "other"}),
        "/invokeContext/mapping",
    );
    check(
        json!({"action": "wreck", "mapping": "users_roles"}),
        "/invokeContext/action",
    );
    check(
        json!({"action": "reconcile", "mapping": "users_roles", "map": 1}),
        "/invokeContext/map",
    );
    server.client.get("scheduler/job/a").expect(404);
}
