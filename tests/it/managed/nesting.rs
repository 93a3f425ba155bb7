//! Scripts that make others run: all of it is one unit of work, and nobody escapes his limits that way.

use serde_json::json;

use super::{script, server, user};

#[test]
fn a_write_of_a_hook_runs_the_hooks_of_what_it_writes() {
    let server = server(&[
        user(
            json!({"name": {}}),
            json!({"postCreate": script("openidm.create('managed/group', object._id, {from: object.name});")}),
        ),
        json!({"name": "group", "onCreate": script("object.also = 'group'; openidm.create('managed/role', object._id, {});")}),
    ]);
    let client = &server.client;
    client.put("managed/user/joe", &json!({"name": "Joe"})).expect(201);
    let group = client.get("managed/group/joe").expect(200);
    assert_eq!((&group["from"], &group["also"]), (&json!("Joe"), &json!("group")));
    client.get("managed/role/joe").expect(200);
    // The last one fails: then nothing of all that is there.
    client.delete("managed/user/joe").expect(200);
    client.delete("managed/group/joe").expect(200);
    let again = json!({"_id": "joe", "name": "Joe"});
    let problem = client.post("managed/user?_action=create", Some(&again)).expect(412);
    assert!(
        problem["message"].as_str().unwrap().contains("exists already"),
        "{problem}"
    );
    client.get("managed/user/joe").expect(404);
    client.get("managed/group/joe").expect(404);
}

#[test]
fn nesting_without_end_ends_with_a_clear_error() {
    let server = server(&[user(
        json!({"n": {"type": "integer"}}),
        json!({"onCreate": script("openidm.create('managed/user', null, {n: object.n + 1});")}),
    )]);
    let client = &server.client;
    let problem = client.put("managed/user/joe", &json!({"n": 0})).expect(500);
    let message = problem["message"].as_str().unwrap();
    assert!(message.contains("nested more than 4 deep"), "{problem}");
    assert!(client.query("managed/user", "true").is_empty());
}

/// A loop in a hook uses up the fuel of who made it run: catching the error does not help.
#[test]
fn what_hooks_use_is_taken_from_the_guest_that_causes_them() {
    let server = server(&[
        user(
            json!({"n": {}}),
            json!({"actions": {"spend": script(
                "var caught = 0; for (var i = 0; i < 1000; i++) { try { openidm.create('managed/group', null, {}); } catch (error) { caught++; } } caught"
            )}}),
        ),
        json!({"name": "group", "onCreate": script("for (;;) {}")}),
    ]);
    let client = &server.client;
    let problem = client.post("managed/user?_action=spend", None).expect(500);
    let message = problem["message"].as_str().unwrap();
    assert!(
        message.contains("out-of-fuel") || message.contains("out-of-time"),
        "{problem}"
    );
    assert!(client.query("managed/group", "true").is_empty());
    // And the server is there for everybody else.
    client.put("managed/role/alive", &json!({})).expect(201);
}

#[test]
fn a_hook_does_what_its_tenant_may_whatever_the_guest_may_that_causes_it() {
    let server = server(&[user(
        json!({"name": {}, "task": {}}),
        json!({"onUpdate": script("openidm.create('managed/role', 'by-hook', {});")}),
    )]);
    let client = &server.client;
    client.put("managed/user/joe", &json!({"name": "joe"})).expect(201);
    let patch = "openidm.patch(objectID, null, [{operation: 'replace', field: '/name', value: 'jim'}]); true;";
    let job = |source: &str| {
        json!({
            "enabled": true, "type": "cron", "schedule": "0 0 0 1 1 ? 2099", "invokeService": "taskscanner",
            "invokeContext": {
                "waitForCompletion": true,
                "scan": {
                    "_queryFilter": "name pr and !(/task/completed pr)", "object": "managed/user",
                    "taskState": {"started": "/task/started", "completed": "/task/completed"},
                },
                "task": {"script": {"type": "text/javascript", "source": source, "grants": []}},
            },
        })
    };
    let run = |source: &str| {
        client.put("scheduler/job/scan", &job(source));
        let run = client.post("taskscanner?_action=execute&name=scan", None).expect(200);
        client.ended_run(run["_id"].as_str().unwrap())["progress"]["successes"].clone()
    };
    assert_eq!(run("openidm.create('managed/role', 'by-guest', {}); true;"), 0);
    client.get("managed/role/by-guest").expect(404);
    assert_eq!(run(patch), 1);
    client.get("managed/role/by-hook").expect(200);
}
