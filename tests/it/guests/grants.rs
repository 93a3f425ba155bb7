//! Grants: a component touches the object in hand and what its job grants it. Nothing else.

use serde_json::{Value, json};

use super::{content, javascript, make, misbehaving, run, server, user};

#[test]
fn what_is_not_granted_cannot_be_read() {
    let server = server();
    let client = &server.client;
    client
        .put("managed/role/secret", &json!({"word": "sesame"}))
        .expect(201);
    let read_other = |id: &str, grants: &[&str]| {
        make(client, id, "read-other", &json!({"path": "managed/role/secret"}));
        run(client, &misbehaving(grants)).assert_all_well();
        user(client, id)["seen"].clone()
    };
    for (id, grants) in [
        ("none", &[][..]),
        ("another-verb", &["managed/role/*: patch, query"]),
        ("another-object", &["managed/role/public: read"]),
        ("the-container", &["managed/role: read"]),
        ("another-type", &["managed/user/*: *"]),
    ] {
        let seen = read_other(id, grants);
        let text = seen.as_str().unwrap_or_else(|| panic!("{id} saw {seen}"));
        assert!(
            text.contains("no grant for read on managed/role/secret"),
            "{id} saw {text}"
        );
    }
    for (id, grants) in [
        ("this-object", &["managed/role/secret: read"][..]),
        ("below", &["managed/role/*: read"]),
        ("all", &["*: *"]),
    ] {
        assert_eq!(read_other(id, grants)["word"], "sesame", "{id}");
    }
}

/// Other objects of the collection that is scanned are as far away as anything else.
#[test]
fn the_object_in_hand_opens_no_door_to_its_neighbours() {
    let server = server();
    let client = &server.client;
    client
        .put("managed/user/neighbour", &json!({"userName": "neighbour", "count": 0}))
        .expect(201);
    make(
        client,
        "reader",
        "read-other",
        &json!({"path": "managed/user/neighbour"}),
    );
    make(
        client,
        "writer",
        "increment",
        &json!({"counter": "managed/user/neighbour"}),
    );
    make(client, "itself", "read-other", &json!({"path": "managed/user/itself"}));
    let scanned = run(client, &misbehaving(&[]));
    assert!(
        user(client, "reader")["seen"]
            .as_str()
            .is_some_and(|seen| seen.contains("no grant"))
    );
    assert_eq!(
        scanned.failure("writer"),
        ("refused", "no grant for patch on managed/user/neighbour")
    );
    assert_eq!(user(client, "neighbour")["count"], 0);
    assert_eq!(user(client, "itself")["seen"]["userName"], "itself");
}

#[test]
fn a_granted_counter_that_three_hundred_objects_increment_ends_at_three_hundred() {
    const OBJECTS: usize = 300;
    let server = server();
    let client = &server.client;
    client.put("managed/role/total", &json!({"count": 0})).expect(201);
    for number in 0..OBJECTS {
        make(
            client,
            &format!("user-{number:03}"),
            "increment",
            &json!({"counter": "managed/role/total"}),
        );
    }
    let scanned = run(client, &misbehaving(&["managed/role/total: patch"]));
    scanned.assert_all_well();
    assert_eq!(scanned.count("successes"), OBJECTS as u64);
    assert_eq!(client.get("managed/role/total").expect(200)["count"], OBJECTS);
}

/// What the inline script tries on the object in hand and on another, and what it may do with an empty list of grants.
const TRIES: &str = r#"
    var outcome = {};
    function attempt(name, call) {
        try { call(); outcome[name] = "allowed"; } catch (error) { outcome[name] = error.code; }
    }
    attempt("read", function () { openidm.read(objectID); });
    attempt("patch", function () { openidm.patch(objectID, null, [{operation: "add", field: "/patched", value: true}]); });
    attempt("update", function () { openidm.update(objectID, null, openidm.read(objectID)); });
    attempt("delete", function () { openidm.delete(objectID, null); });
    attempt("action", function () { openidm.action(objectID, "triggerSyncCheck", null); });
    attempt("query", function () { openidm.query("managed/user", {_queryFilter: "true"}); });
    attempt("create", function () { openidm.create("managed/user", null, {}); });
    attempt("read another", function () { openidm.read("managed/role/secret"); });
    attempt("read nothing", function () { openidm.read("managed/role/missing"); });
    attempt("read a job", function () { openidm.read("scheduler/job/scan"); });
    openidm.patch(objectID, null, [{operation: "add", field: "/outcome", value: outcome}]);
    true;
"#;

#[test]
fn an_inline_script_is_narrowed_by_the_grants_of_its_job() {
    let server = server();
    let client = &server.client;
    client
        .put("managed/role/secret", &json!({"word": "sesame"}))
        .expect(201);
    make(client, "narrow", "x", &json!({}));
    let mut script = javascript(TRIES);
    script["grants"] = json!([]);
    run(client, &script).assert_all_well();
    let expected = json!({
        "read": "allowed", "patch": "allowed", "update": "allowed",
        "delete": 403, "action": 403, "query": 403, "create": 403,
        "read another": 403, "read nothing": 403, "read a job": 403,
    });
    assert_eq!(user(client, "narrow")["outcome"], expected);
}

/// Without a list it acts with the rights of the job's owner, as existing scripts expect.
#[test]
fn an_inline_script_without_grants_may_do_what_its_owner_may() {
    let server = server();
    let client = &server.client;
    client
        .put("managed/role/secret", &json!({"word": "sesame"}))
        .expect(201);
    make(client, "wide", "x", &json!({}));
    run(
        client,
        &javascript(&TRIES.replace("attempt(\"delete\"", "if (false) attempt(\"delete\"")),
    )
    .assert_all_well();
    let outcome = user(client, "wide")["outcome"].clone();
    let refused: Vec<&String> = outcome
        .as_object()
        .unwrap()
        .iter()
        .filter(|(_, code)| **code == 403)
        .map(|(name, _)| name)
        .collect();
    assert_eq!(refused, Vec::<&String>::new(), "{outcome}");
    assert_eq!(client.query("managed/user", "true").len(), 2);
}

/// A script that gives up because of a missing grant is recorded as refused, with what it asked for.
#[test]
fn a_refusal_that_ends_a_script_is_recorded_as_one() {
    let server = server();
    let client = &server.client;
    let before = make(client, "u", "x", &json!({}));
    let mut script = javascript(
        "openidm.patch(objectID, null, [{operation: 'add', field: '/x', value: 1}]); openidm.delete('managed/user/v', null); true;",
    );
    script["grants"] = json!(["managed/role/*: *"]);
    let scanned = run(client, &script);
    assert_eq!(
        scanned.failure("u"),
        ("refused", "no grant for delete on managed/user/v")
    );
    assert_eq!(content(user(client, "u")), content(before));
}

#[test]
fn a_grant_that_cannot_be_understood_is_refused_with_its_place() {
    let server = server();
    let context = |grant: Value| {
        let mut script = misbehaving(&[]);
        script["grants"] = json!([grant]);
        let job = json!({"enabled": true, "type": "cron", "schedule": "0 0 0 1 1 ? 2099", "invokeService": "taskscanner",
            "invokeContext": super::scan(&script)});
        let answer = server.client.put("scheduler/job/bad", &job);
        (answer.status, answer.json()["message"].as_str().unwrap().to_owned())
    };
    for (grant, expected) in [
        (json!("managed/user"), "write `path: verb, verb`"),
        (json!("managed/user/*: reed"), "`reed` is not a verb"),
        (json!(7), "grants"),
    ] {
        let (status, message) = context(grant);
        assert_eq!(status, 400, "{message}");
        assert!(
            message.contains(expected) && message.contains("/invokeContext/task/script/grants"),
            "{message}"
        );
    }
    server.client.get("scheduler/job/bad").expect(404);
}
