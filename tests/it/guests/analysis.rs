//! An analysis runs the very same scripts: it tells what they would do, and nothing that they try gets out.

use serde_json::{Value, json};

use super::{Scanned, javascript, make, prepared, run, scan, server, user};
use crate::harness::Client;

/// Tries every import that a script has, on its object and beside it.
const EVERY_IMPORT: &str = r#"
    openidm.create("managed/role", "escaped", {"by": input.userName});
    openidm.create("managed/role", null, {"by": input.userName});
    openidm.update("managed/role/there", null, {"by": input.userName});
    openidm.patch("managed/role/there", null, [{"operation": "add", "field": "/touched", "value": true}]);
    openidm.delete("managed/role/doomed", null);
    openidm.action(objectID, "patch", [{"operation": "add", "field": "/acted", "value": true}]);
    openidm.query("managed/role", {"_queryFilter": "true"});
    logger.error("an analysis logs too");
    console.log(identityServer.getProperty("openidm.node.id"), Math.random(), new Date());
    openidm.patch(objectID, null, [{"operation": "replace", "field": "/active", "value": false}]);
    true;
"#;

/// Analyses the job `scan` with this script.
fn analyse(client: &Client, script: &Value) -> Scanned {
    prepared(client, &scan(script));
    Scanned::execute(client, "taskscanner?_action=execute&name=scan&analyze=true")
}

fn everything(client: &Client) -> (Vec<Value>, Vec<Value>) {
    (
        client.query("managed/user", "true"),
        client.query("managed/role", "true"),
    )
}

#[test]
fn a_script_that_tries_everything_changes_nothing_in_an_analysis() {
    let server = server();
    let client = &server.client;
    make(client, "ann", "x", &json!({"active": true}));
    for role in ["there", "doomed"] {
        client
            .put(&format!("managed/role/{role}"), &json!({"n": 1}))
            .expect(201);
    }
    let before = everything(client);
    let analysis = analyse(client, &javascript(EVERY_IMPORT));
    analysis.assert_all_well();
    assert_eq!(everything(client), before, "revisions included");
    assert_eq!(analysis.run["planned"], json!({"changes": 4, "deletions": 1}));

    let id = analysis.run["_id"].as_str().unwrap();
    let plan = client.query(&format!("taskscanner/{id}/plan"), "outcome eq \"changed\"");
    assert_eq!(plan.len(), 1);
    let entry = client.get(&format!("taskscanner/{id}/plan/ann")).expect(200);
    assert_eq!(entry["_id"], "ann");
    assert!(entry.get("steps").is_none(), "{entry}");
    let changes = entry["changes"].as_array().unwrap();
    let of = |path: &str| changes.iter().find(|change| change["path"] == path).unwrap();
    assert_eq!(of("managed/role/escaped")["operation"], "create");
    assert_eq!(of("managed/role/escaped")["content"], json!({"by": "ann"}));
    assert_eq!(of("managed/role/doomed")["operation"], "delete");
    let there = json!([
        {"operation": "remove", "field": "/n"},
        {"operation": "add", "field": "/by", "value": "ann"},
        {"operation": "add", "field": "/touched", "value": true},
    ]);
    assert_eq!(of("managed/role/there")["patch"], there);
    let own = of("managed/user/ann")["patch"].as_array().unwrap();
    let off = json!({"operation": "replace", "field": "/active", "value": false});
    let marks = own.iter().find(|operation| operation["field"] == "/task").unwrap();
    assert!(own.contains(&off) && marks["value"]["completed"].is_string(), "{own:?}");
}

#[test]
fn a_plan_is_applied_as_it_was_shown_and_once() {
    let server = server();
    let client = &server.client;
    for name in ["ann", "bob", "cyd"] {
        make(client, name, "x", &json!({"active": true}));
    }
    let script = javascript(
        "openidm.patch(objectID, null, [{'operation': 'replace', 'field': '/active', 'value': false}]); true;",
    );
    let analysis = analyse(client, &script);
    // Bob moves on; and the job becomes another one, which does not matter to a plan.
    client
        .put(
            "managed/user/bob",
            &json!({"userName": "bob", "misbehave": "x", "active": true, "n": 2}),
        )
        .expect(200);
    prepared(client, &scan(&javascript("throw 'not this one';")));
    let id = analysis.run["_id"].as_str().unwrap();
    let applied = Scanned::execute(client, &format!("taskscanner/{id}?_action=apply"));
    assert_eq!(
        (
            applied.count("total"),
            applied.count("successes"),
            applied.count("failures")
        ),
        (3, 2, 1)
    );
    assert_eq!(applied.run["applies"], id);
    assert_eq!(applied.failure("bob").0, "moved");
    assert_eq!(user(client, "ann")["active"], false);
    assert!(user(client, "ann")["task"]["completed"].is_string());
    let bob = user(client, "bob");
    assert_eq!((&bob["active"], &bob["n"]), (&json!(true), &json!(2)));
    let before = everything(client);

    let again = client
        .post(&format!("taskscanner/{id}?_action=apply"), None)
        .expect(409);
    assert!(again["message"].as_str().unwrap().contains("already"), "{again}");
    let by = applied.run["_id"].as_str().unwrap();
    client
        .post(&format!("taskscanner/{by}?_action=apply"), None)
        .expect(400);
    client.post("taskscanner/nobody?_action=apply", None).expect(404);
    assert_eq!(everything(client), before);
    assert_eq!(
        client.get(&format!("taskscanner/{id}")).expect(200)["planned"]["appliedBy"],
        by
    );
}

#[test]
fn a_guard_stops_a_run_before_it_deletes() {
    let server = server();
    let client = &server.client;
    for number in 0..30 {
        make(client, &format!("user-{number}"), "x", &json!({}));
    }
    let contents = || -> Vec<Value> {
        let mut users = client.query("managed/user", "true");
        users
            .iter_mut()
            .for_each(|user| drop(user.as_object_mut().unwrap().shift_remove("_rev")));
        users
    };
    let before = contents();
    let stopped = run(client, &javascript("openidm.delete(objectID, null); true;"));
    assert_eq!(stopped.run["progress"]["state"], "ERROR");
    let message = stopped.run["message"].as_str().unwrap();
    assert!(
        message.contains("would delete 30 documents, and its guard allows 10"),
        "{message}"
    );
    assert_eq!(contents(), before, "nobody is gone, and nobody bears a claim");

    let mut allowed = scan(&javascript("openidm.delete(objectID, null); true;"));
    allowed["guard"] = json!({"deletions": {"percent": 100}});
    prepared(client, &allowed);
    Scanned::execute(client, "taskscanner?_action=execute&name=scan").assert_all_well();
    assert!(client.query("managed/user", "true").is_empty());
}

#[test]
fn an_estimate_tells_what_a_run_would_cost_and_changes_nothing() {
    let server = server();
    let client = &server.client;
    for number in 0..40 {
        make(client, &format!("user-{number}"), "x", &json!({}));
    }
    let before = everything(client);
    prepared(
        client,
        &scan(&javascript(
            "openidm.patch(objectID, null, [{'operation': 'add', 'field': '/a', 'value': 1}]); true;",
        )),
    );
    let estimate = client
        .post("taskscanner?_action=estimate&name=scan&sample=10", None)
        .expect(200);
    assert_eq!(
        (&estimate["total"], &estimate["sample"], &estimate["failures"]),
        (&json!(40), &json!(10), &json!(0))
    );
    assert!(estimate["usage"]["fuel"]["p99"].as_u64().unwrap() > 0, "{estimate}");
    assert!(estimate["predictedMs"].is_u64(), "{estimate}");
    assert_eq!(everything(client), before);
    let runs = client.query("taskscanner", "true");
    assert!(runs.is_empty(), "an estimate is no run: {runs:?}");
}

#[test]
fn what_cannot_be_analysed_is_refused() {
    let server = server();
    let client = &server.client;
    prepared(client, &scan(&javascript("true")));
    for (call, message) in [
        ("execute&name=scan&analyze=perhaps", "analyze must be true or false"),
        ("estimate&name=scan&sample=0", "sample must be 1 to 1000"),
        ("estimate&name=scan&sample=many", "sample must be 1 to 1000"),
        ("estimate", "The parameter &#39;name&#39; is missing"),
    ] {
        let refused = client.post(&format!("taskscanner?_action={call}"), None).expect(400);
        assert!(refused["message"].as_str().unwrap().contains(message), "{refused}");
    }
    let mut wrong = scan(&javascript("true"));
    wrong["guard"] = json!({"deletions": {"percent": 500}});
    let job = super::job(&wrong);
    let refused = client.put("scheduler/job/scan", &job).expect(400);
    assert!(
        refused.to_string().contains("/invokeContext/guard/deletions/percent"),
        "{refused}"
    );
}
