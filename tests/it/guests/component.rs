//! A component that misbehaves in every way it can: each costs its object only.

use serde_json::json;

use super::{assert_alive, content, make, misbehaving, run, server, user};

/// What the guest does, how the call ends, and what is said about it.
const WAYS: [(&str, &str, &str); 13] = [
    ("loop", "out-of-fuel", "used up its 1000000000 units of fuel"),
    (
        "memory",
        "out-of-memory",
        "asked for more than 67108864 bytes of memory",
    ),
    ("recursion", "trap", "call stack exhausted"),
    ("trap", "trap", "unreachable"),
    ("panic", "trap", "unreachable"),
    ("no", "problem", "this task says no"),
    ("false", "not-true", "returned false: only true counts as done"),
    ("write-then-trap", "trap", "unreachable"),
    ("write-then-no", "problem", "this task says no"),
    ("hostcalls", "refused", "more than 10000 host calls"),
    ("log-flood", "refused", "more than 10000 host calls"),
    (
        "big-write",
        "problem",
        "the object would become larger than 4194304 bytes",
    ),
    ("big-output", "problem", "xxx"),
];

#[test]
fn a_component_that_misbehaves_costs_its_object_only() {
    const WELL_BEHAVED: usize = 20;
    let server = server();
    let client = &server.client;
    let mut before = Vec::new();
    for (mode, _, _) in WAYS {
        let size = if mode == "big-write" { 9 << 20 } else { 2 << 20 };
        before.push(make(client, mode, mode, &json!({"size": size})));
    }
    for number in 0..WELL_BEHAVED {
        make(client, &format!("good-{number}"), "none", &json!({}));
    }

    let scanned = run(client, &misbehaving(&[]));

    assert_eq!(
        (scanned.count("successes"), scanned.count("failures")),
        (WELL_BEHAVED as u64, WAYS.len() as u64)
    );
    for ((mode, kind, message), before) in WAYS.into_iter().zip(before) {
        let failure = scanned.failure(mode);
        assert_eq!(failure.0, kind, "{mode}: {}", failure.1);
        assert!(failure.1.contains(message), "{mode}: {}", failure.1);
        let after = user(client, mode);
        assert!(after["task"]["completed"].is_null(), "{after}");
        assert_eq!(content(after), content(before), "{mode}");
    }
    for number in 0..WELL_BEHAVED {
        let good = user(client, &format!("good-{number}"));
        assert!(
            good["touched"] == true && good["task"]["completed"].is_string(),
            "{good}"
        );
    }
    assert_alive(client);
}

#[test]
fn a_failure_tells_what_the_call_used_and_logged() {
    let server = server();
    make(&server.client, "no", "no", &json!({}));
    make(&server.client, "log-flood", "log-flood", &json!({}));
    let scanned = run(&server.client, &misbehaving(&[]));
    let no = &scanned.failures["no"];
    assert_eq!(no["objectId"], "no");
    assert_eq!(no["detail"]["code"], 409, "{no}");
    assert_eq!(no["detail"]["reason"], "Conflict", "{no}");
    assert_eq!(no["at"], "2026-06-01T12:00:00.000Z");
    assert!(no["fuel"].as_u64() > Some(0) && no["memory"].as_u64() > Some(0), "{no}");
    let flood = &scanned.failures["log-flood"];
    let lines = flood["log"].as_array().unwrap();
    assert!(!lines.is_empty() && lines.len() <= 1_000, "{} lines", lines.len());
    assert_eq!(lines[0], json!({"level": "info", "message": "a line among very many"}));
    let id = scanned.run["_id"].as_str().unwrap();
    // Read alone, it says in addition what its run knows.
    let mut alone = server.client.get(&format!("taskscanner/{id}/failure/no")).expect(200);
    for name in ["run", "job", "tenant", "logLevel", "origin"] {
        let known = alone["call"].as_object_mut().unwrap().remove(name);
        assert!(known.is_some_and(|known| !known.is_null()), "{name}");
    }
    assert_eq!(&alone, no);
    server.client.get(&format!("taskscanner/{id}/failure/yes")).expect(404);
    server.client.get("taskscanner/none/failure/no").expect(404);
}

/// Ten thousand failures of a run are kept: each of them has to be small.
#[test]
fn a_guest_cannot_fill_the_database_with_its_failure() {
    const LARGEST: usize = 100 << 10;
    let server = server();
    make(&server.client, "big-output", "big-output", &json!({"size": 2 << 20}));
    make(&server.client, "log-flood", "log-flood", &json!({}));
    let scanned = run(&server.client, &misbehaving(&[]));
    for (id, failure) in &scanned.failures {
        let size = failure.to_string().len();
        assert!(size < LARGEST, "the failure of {id} has {size} bytes");
    }
    assert_eq!(scanned.failures.len(), 2);
}

#[test]
fn objects_that_failed_are_tried_again_by_the_next_run() {
    let server = server();
    let client = &server.client;
    make(client, "reformed", "trap", &json!({}));
    assert_eq!(run(client, &misbehaving(&[])).failure("reformed").0, "trap");
    client
        .patch(
            "managed/user/reformed",
            &json!([{"operation": "replace", "field": "/misbehave", "value": "none"}]),
        )
        .expect(200);
    run(client, &misbehaving(&[])).assert_all_well();
    assert_eq!(user(client, "reformed")["touched"], true);
}

#[test]
fn input_that_the_guest_cannot_read_is_a_failure_of_that_object() {
    let server = server();
    let client = &server.client;
    make(client, "unknown", "a-way-that-does-not-exist", &json!({}));
    make(client, "good", "none", &json!({}));
    let scanned = run(client, &misbehaving(&[]));
    let (kind, message) = scanned.failure("unknown");
    assert_eq!(kind, "problem", "{message}");
    assert!(message.contains("a-way-that-does-not-exist"), "{message}");
    assert_eq!(scanned.count("successes"), 1);
}
