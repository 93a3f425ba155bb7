//! Everything that a task does joins one unit of work: all of it is there afterwards, or nothing.

use serde_json::{Value, json};

use super::{content, javascript, make, run, scan, server, user};
use crate::harness::Client;

/// Uses every verb, and keeps what it saw in between.
const EVERYTHING: &str = r#"
    var seen = {};
    seen.missing = openidm.read("managed/role/missing");
    var made = openidm.create("managed/role", "made-by-" + input.userName, {"step": 1});
    seen.made = made._id;
    seen.readBack = openidm.read("managed/role/" + made._id).step;
    seen.queried = openidm.query("managed/role", {"_queryFilter": "step eq 1"}).result.map(function (role) { return role._id; });
    openidm.patch("managed/role/" + made._id, null, [{"operation": "increment", "field": "/step", "value": 1}]);
    seen.patched = openidm.read("managed/role/" + made._id).step;
    var changed = openidm.read("managed/role/changed-" + input.userName);
    changed.by = input.userName;
    seen.updated = openidm.update("managed/role/changed-" + input.userName, changed._rev, changed).by;
    openidm.delete("managed/role/deleted-" + input.userName, null);
    seen.deleted = openidm.read("managed/role/deleted-" + input.userName);
    seen.left = openidm.query("managed/role", {"_queryFilter": "true"}).resultCount;
    openidm.patch(objectID, null, [{"operation": "add", "field": "/seen", "value": seen}]);
"#;

fn roles(client: &Client) -> Vec<Value> {
    client.query("managed/role", "true")
}

fn prepare(client: &Client, name: &str) {
    make(client, name, "x", &json!({}));
    client
        .put(&format!("managed/role/changed-{name}"), &json!({"by": "nobody"}))
        .expect(201);
    client
        .put(&format!("managed/role/deleted-{name}"), &json!({}))
        .expect(201);
}

#[test]
fn a_task_reads_its_own_writes_and_they_are_kept_together() {
    let server = server();
    let client = &server.client;
    prepare(client, "ann");
    run(client, &javascript(&format!("{EVERYTHING} true;"))).assert_all_well();
    let expected = json!({
        "missing": null, "made": "made-by-ann", "readBack": 1, "queried": ["made-by-ann"], "patched": 2,
        "updated": "ann", "deleted": null, "left": 2,
    });
    assert_eq!(user(client, "ann")["seen"], expected);
    assert_eq!(client.get("managed/role/made-by-ann").expect(200)["step"], 2);
    assert_eq!(client.get("managed/role/changed-ann").expect(200)["by"], "ann");
    client.get("managed/role/deleted-ann").expect(404);
}

#[test]
fn a_task_that_fails_in_the_end_leaves_no_trace() {
    for ending in [
        "throw {code: 409, message: 'changed my mind'};",
        "false;",
        "for (;;) {}",
        "null.x;",
    ] {
        let server = server();
        let client = &server.client;
        prepare(client, "ann");
        let (before, roles_before) = (user(client, "ann"), roles(client));
        let scanned = run(client, &javascript(&format!("{EVERYTHING} {ending}")));
        assert_eq!(scanned.count("failures"), 1, "{ending}");
        assert_eq!(content(user(client, "ann")), content(before), "{ending}");
        assert_eq!(roles(client), roles_before, "{ending}");
    }
}

/// While a task works, nobody sees what it has not finished; one that fails is no obstacle for its neighbours.
#[test]
fn tasks_of_one_scan_do_not_see_each_others_unfinished_work() {
    let server = server();
    let client = &server.client;
    for name in ["ann", "bob", "cid", "dora"] {
        prepare(client, name);
    }
    let source = format!("{EVERYTHING} if (input.userName === 'bob') throw {{code: 409, message: 'bob'}}; true;");
    let scanned = run(client, &javascript(&source));
    assert_eq!(scanned.failure("bob"), ("problem", "bob"));
    assert_eq!(scanned.count("successes"), 3);
    client.get("managed/role/made-by-bob").expect(404);
    client.get("managed/role/deleted-bob").expect(200);
    for name in ["ann", "cid", "dora"] {
        assert_eq!(
            user(client, name)["seen"]["queried"]
                .as_array()
                .unwrap()
                .iter()
                .filter(|id| **id == "made-by-bob")
                .count(),
            0
        );
        client.get(&format!("managed/role/made-by-{name}")).expect(200);
    }
}

#[test]
fn a_task_may_delete_its_own_object() {
    let server = server();
    let client = &server.client;
    make(client, "leaves", "x", &json!({}));
    run(client, &javascript("openidm.delete(objectID, null); true;")).assert_all_well();
    client.get("managed/user/leaves").expect(404);
    // And may change its mind about it.
    let before = make(client, "stays", "x", &json!({}));
    assert_eq!(
        run(client, &javascript("openidm.delete(objectID, null); false;"))
            .failure("stays")
            .0,
        "not-true"
    );
    assert_eq!(content(user(client, "stays")), content(before));
}

/// What cannot join a unit of work could not be taken back: a guest may look at it and no more.
#[test]
fn a_task_cannot_reach_what_would_escape_its_unit_of_work() {
    let server = server();
    let client = &server.client;
    make(client, "ann", "x", &json!({}));
    let job = json!({"enabled": true, "type": "cron", "schedule": "0 0 0 1 1 ? 2099", "invokeService": "taskscanner",
        "invokeContext": scan(&javascript("true;"))});
    client.put("scheduler/job/other", &job).expect(201);
    let source = r#"
        var outcome = {};
        function attempt(name, call) {
            try { call(); outcome[name] = "done"; } catch (error) { outcome[name] = error.code + " " + error.message; }
        }
        attempt("execute", function () { openidm.action("taskscanner", "execute", null, {name: "other"}); });
        attempt("cancel", function () { openidm.action("taskscanner/x", "cancel", null); });
        attempt("create", function () { openidm.create("scheduler/job", "mine", JOB); });
        attempt("update", function () { openidm.update("scheduler/job/mine", null, JOB); });
        attempt("delete", function () { openidm.delete("scheduler/job/other", null); });
        attempt("trigger", function () { openidm.action("scheduler/job/other", "trigger", null); });
        attempt("pauseJobs", function () { openidm.action("scheduler/job", "pauseJobs", null); });
        attempt("read", function () { openidm.read("scheduler/job/other"); });
        attempt("query", function () { openidm.query("taskscanner", {_queryFilter: "true"}); });
        openidm.patch(objectID, null, [{operation: "add", field: "/outcome", value: outcome}]);
        true;
    "#;
    run(client, &javascript(&source.replace("JOB", &job.to_string()))).assert_all_well();
    let outcome = user(client, "ann")["outcome"].clone();
    for name in [
        "execute",
        "cancel",
        "create",
        "update",
        "delete",
        "trigger",
        "pauseJobs",
    ] {
        let text = outcome[name].as_str().unwrap();
        assert!(
            text.starts_with("403 ") && text.contains("cannot take part in a unit of work"),
            "{name}: {text}"
        );
    }
    assert_eq!((&outcome["read"], &outcome["query"]), (&json!("done"), &json!("done")));
    client.get("scheduler/job/mine").expect(404);
    client.get("scheduler/job/other").expect(200);
    assert_eq!(client.query("taskscanner", "true").len(), 1);
}

/// The house's own collections cannot be reached through the managed objects.
#[test]
fn a_task_finds_only_what_is_mounted() {
    let server = server();
    let client = &server.client;
    make(client, "ann", "x", &json!({}));
    let source = r#"
        var outcome = ["rest/caller", "taskscanner/claim", "managed/unknown/x", "managed/../rest", "script/run", "config/x", "info/ping"]
            .map(function (path) { try { return openidm.read(path); } catch (error) { return error.code; } });
        openidm.patch(objectID, null, [{operation: "add", field: "/outcome", value: outcome}]);
        true;
    "#;
    run(client, &javascript(source)).assert_all_well();
    assert_eq!(
        user(client, "ann")["outcome"],
        json!([null, null, null, null, null, null, null])
    );
}

/// Somebody else changed what the task read: it runs again on the new state.
#[test]
fn a_scheduled_script_is_all_or_nothing_too() {
    let server = server();
    let client = &server.client;
    let schedule = |source: &str| {
        json!({"enabled": true, "type": "simple", "repeatInterval": 60_000, "repeatCount": 0, "invokeService": "script",
            "invokeContext": {"script": javascript(source), "input": {"n": 3}}})
    };
    let create = "for (var i = 0; i < object.n; i++) openidm.create('managed/role', 'NAME-' + i, {});";
    client
        .put("scheduler/job/whole", &schedule(&create.replace("NAME", "whole")))
        .expect(201);
    client
        .put(
            "scheduler/job/half",
            &schedule(&format!("{} throw 'half way'", create.replace("NAME", "half"))),
        )
        .expect(201);
    client
        .put(
            "scheduler/job/escape",
            &schedule(&format!(
                "{} openidm.action('taskscanner', 'execute', null, {{name: 'x'}});",
                create.replace("NAME", "escape")
            )),
        )
        .expect(201);
    server.settle();
    let mut names: Vec<String> = roles(client)
        .iter()
        .map(|role| role["_id"].as_str().unwrap().to_owned())
        .collect();
    names.sort();
    assert_eq!(names, ["whole-0", "whole-1", "whole-2"]);
}
