//! `onSync` and `triggerSyncCheck`: what is made of what came of a change.

use serde_json::{Value, json};

use super::{configure, links, mapping, objects, script};
use crate::harness::{Client, Server, encode};

/// A server whose users have the hook, with one mapping from users to roles.
fn server(on_sync: &str, more: &Value) -> Server {
    let types = json!({"objects": [{"name": "user", "onSync": script(on_sync)}, {"name": "role"}, {"name": "note"}]});
    let server = Server::with_files(&[("managed.json", types.to_string().as_bytes())]);
    map(&server.client, more);
    server
}

fn map(client: &Client, more: &Value) {
    let mut one =
        mapping(&json!({"enableSync": true, "policies": [{"situation": "SOURCE_MISSING", "action": "DELETE"}]}));
    one.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    configure(client, &[one]);
}

const NOTES: &str = "openidm.create('managed/note', null, {success: success, action: action, details: syncDetails,
    same: syncResults.success === success && syncResults.action === action, method: request.method,
    old: oldObject && oldObject.name, new: newObject && newObject.name});";

const REFUSES: &str =
    "if (!success) throw {code: 409, message: 'carried over by nobody: ' + syncDetails[0].cause.message};";

fn fails() -> Value {
    json!({"onCreate": script("openidm.create('managed/note', 'left', {}); throw {code: 503, message: 'no target'};"),
           "onUpdate": script("throw {code: 503, message: 'no target'};")})
}

#[test]
fn onsync_sees_each_change_and_what_came_of_it() {
    let server = server(NOTES, &json!({}));
    let client = &server.client;
    client.put("managed/user/a", &json!({"name": "Ann"})).expect(201);
    client.put("managed/user/a", &json!({"name": "Anna"})).expect(200);
    client.put("managed/user/a", &json!({"name": "Anna"})).expect(200);
    client.delete("managed/user/a").expect(200);
    let mut notes = client.query("managed/note", "true");
    notes.sort_by_key(|note| note["action"].to_string());
    let seen: Vec<Value> = notes
        .iter()
        .map(|note| {
            json!([
                note["action"],
                note["method"],
                note["old"],
                note["new"],
                note["success"],
                note["same"]
            ])
        })
        .collect();
    assert_eq!(
        json!(seen),
        json!([
            ["notifyCreate", "create", null, "Ann", true, true],
            ["notifyDelete", "delete", "Anna", null, true, true],
            ["notifyUpdate", "update", "Ann", "Anna", true, true],
        ]),
        "what changes nothing is told to nobody"
    );
    let details = &notes[0]["details"][0];
    assert_eq!(
        (
            &details["result"],
            &details["mapping"],
            &details["details"][0]["action"]
        ),
        (&json!("SUCCESSFUL"), &json!("users_roles"), &json!("CREATE"))
    );
    configure(client, &[]);
    client.put("managed/user/b", &json!({"name": "Bob"})).expect(201);
    let alone = client.query("managed/note", "new eq \"Bob\"");
    assert_eq!((&alone[0]["success"], &alone[0]["details"]), (&json!(true), &json!([])));
}

#[test]
fn a_change_that_onsync_refuses_is_not_made() {
    let server = server(REFUSES, &fails());
    let client = &server.client;
    let before = |what: &str| {
        assert_eq!(objects(client, "managed/role"), json!({}), "{what}");
        assert!(client.query("managed/note", "true").is_empty(), "{what}");
        assert!(
            client.query("sync/queue", "true").is_empty(),
            "{what}: nothing waits either"
        );
        assert_eq!(links(client), json!([]), "{what}");
    };
    let problem = client.put("managed/user/a", &json!({"name": "Ann"})).expect(409);
    assert_eq!(problem["message"], "carried over by nobody: no target");
    client.get("managed/user/a").expect(404);
    before("create");

    map(client, &json!({}));
    let made = client.put("managed/user/a", &json!({"name": "Ann"})).expect(201);
    map(client, &fails());
    let patch = json!([{"operation": "replace", "field": "/name", "value": "Anna"}]);
    client.patch("managed/user/a", &patch).expect(409);
    assert_eq!(client.get("managed/user/a").expect(200), made, "with its revision");
    assert_eq!(objects(client, "managed/role"), json!({"a": {"name": "Ann"}}));
}

#[test]
fn without_a_word_of_onsync_a_mapping_that_fails_fails_nothing_else() {
    let server = server("1", &fails());
    let client = &server.client;
    client.put("managed/user/a", &json!({"name": "Ann"})).expect(201);
    assert_eq!(client.query("sync/queue", "true").len(), 1);
}

#[test]
fn an_object_is_looked_at_again_without_a_change_of_it() {
    let server = server(NOTES, &json!({"enableSync": false}));
    let client = &server.client;
    let made = client.put("managed/user/a", &json!({"name": "Ann"})).expect(201);
    // Of a mapping that minds few properties as well.
    map(client, &json!({"triggerSyncProperties": ["/other"]}));
    let check = |path: &str| client.post(&format!("{path}?_action=triggerSyncCheck"), None);
    let answer = check("managed/user/a").expect(200);
    assert_eq!(answer, json!({"status": "OK", "countTriggered": 1}));
    assert_eq!(objects(client, "managed/role"), json!({"a": {"name": "Ann"}}));
    assert_eq!(client.get("managed/user/a").expect(200), made);
    let seen = client.query("managed/note", "action eq \"notifyUpdate\"");
    assert_eq!(
        (seen.len(), &seen[0]["old"], &seen[0]["new"]),
        (1, &json!("Ann"), &json!("Ann"))
    );
    check("managed/user/nobody").expect(404);
}

#[test]
fn a_check_of_a_type_looks_at_what_its_query_finds() {
    let server = server("1", &json!({"enableSync": false}));
    let client = &server.client;
    for id in ["a", "b", "c"] {
        client
            .put(&format!("managed/user/{id}"), &json!({ "name": id }))
            .expect(201);
    }
    map(client, &json!({}));
    let check = |query: &str| client.post(&format!("managed/user?_action=triggerSyncCheck{query}"), None);
    let filtered = format!("&_queryFilter={}", encode("name ge \"b\""));
    assert_eq!(check(&filtered).expect(200)["countTriggered"], 2);
    assert_eq!(links(client), json!([["b", "b"], ["c", "c"]]));
    check("&_queryFilter=name").expect(400);
    check(&format!("{filtered}&_queryId=query-all")).expect(400);
    assert_eq!(check("").expect(200)["countTriggered"], 3);
    assert_eq!(links(client), json!([["a", "a"], ["b", "b"], ["c", "c"]]));
}

#[test]
fn a_check_that_onsync_refuses_leaves_nothing() {
    let server = server(REFUSES, &json!({"enableSync": false}));
    let client = &server.client;
    client.put("managed/user/a", &json!({"name": "Ann"})).expect(201);
    map(client, &fails());
    client.post("managed/user/a?_action=triggerSyncCheck", None).expect(409);
    assert_eq!(links(client), json!([]));
    assert!(client.query("sync/queue", "true").is_empty());
}
