//! What comes of a change at once: targets, links, and the changes that wait.

use serde_json::{Value, json};

use super::{configure, fill, links, mapping, objects, recon, script};
use crate::harness::{Server, pause};

/// A server whose mapping carries changes over.
fn server(more: &Value) -> Server {
    let server = Server::start();
    configure(&server.client, &[syncing(more)]);
    server
}

fn syncing(more: &Value) -> Value {
    let mut mapping =
        mapping(&json!({"enableSync": true, "policies": [{"situation": "SOURCE_MISSING", "action": "DELETE"}]}));
    mapping
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    mapping
}

fn rename(to: &str) -> Value {
    json!([{"operation": "replace", "field": "/name", "value": to}])
}

#[test]
fn a_change_is_carried_over_with_the_change() {
    let server = server(&json!({}));
    let client = &server.client;
    client.put("managed/user/a", &json!({"name": "Ann"})).expect(201);
    assert_eq!(
        (objects(client, "managed/role"), links(client)),
        (json!({"a": {"name": "Ann"}}), json!([["a", "a"]]))
    );
    client.patch("managed/user/a", &rename("Anna")).expect(200);
    assert_eq!(objects(client, "managed/role"), json!({"a": {"name": "Anna"}}));
    let linked = client
        .post("sync?_action=getLinkedResources&resourceName=managed/user/a", None)
        .expect(200);
    assert_eq!(
        (&linked[0]["resourceName"], &linked[0]["content"]["name"]),
        (&json!("managed/role/a"), &json!("Anna"))
    );
    assert_eq!(
        (&linked[0]["linkQualifier"], &linked[0]["linkType"]),
        (&json!("default"), &json!("users_roles"))
    );
    client.delete("managed/user/a").expect(200);
    assert_eq!((objects(client, "managed/role"), links(client)), (json!({}), json!([])));
    assert!(client.query("sync/queue", "true").is_empty());
    // A run finds nothing to do.
    client.put("managed/user/b", &json!({"name": "Bob"})).expect(201);
    let run = recon(client, "");
    assert_eq!(
        (
            &run["situationSummary"]["CONFIRMED"],
            &run["progress"]["target"]["unchanged"]
        ),
        (&json!(1), &json!(1))
    );
}

#[test]
fn a_mapping_without_implicit_synchronization_waits_for_a_run() {
    let server = server(&json!({"enableSync": false}));
    let client = &server.client;
    client.put("managed/user/a", &json!({"name": "Ann"})).expect(201);
    assert_eq!(objects(client, "managed/role"), json!({}));
}

#[test]
fn what_cannot_be_carried_over_waits_and_is_tried_again() {
    let failing = json!({"onCreate": script("openidm.create('managed/realm-name_user', null, {}); throw {code: 500, message: 'not yet'};")});
    let server = server(&failing);
    let client = &server.client;
    client.put("managed/user/a", &json!({"name": "Ann"})).expect(201);
    assert_eq!(objects(client, "managed/role"), json!({}));
    assert!(
        client.query("managed/realm-name_user", "true").is_empty(),
        "what the failed mapping wrote is gone"
    );
    let waiting = client.query("sync/queue", "true");
    assert_eq!(waiting.len(), 1);
    assert_eq!(
        (
            &waiting[0]["mapping"],
            &waiting[0]["resourceId"],
            &waiting[0]["attempts"]
        ),
        (&json!("users_roles"), &json!("a"), &json!(1))
    );
    assert!(waiting[0]["cause"].as_str().unwrap().contains("not yet"), "{waiting:?}");

    configure(client, &[syncing(&json!({}))]);
    for _ in 0..1_000 {
        if client.query("sync/queue", "true").is_empty() {
            break;
        }
        server.advance(chrono::Duration::seconds(6));
        pause();
    }
    assert_eq!(objects(client, "managed/role"), json!({"a": {"name": "Ann"}}));
    assert!(client.query("sync/queue", "true").is_empty());
}

#[test]
fn the_first_mapping_that_fails_stops_those_behind_it() {
    let server = Server::start();
    let client = &server.client;
    let of = |name: &str, more: Value| {
        let mut one = syncing(&more);
        one["name"] = json!(name);
        one
    };
    let fails = json!({"validSource": script("throw 'no'")});
    let first = of(
        "first",
        json!({"target": "managed/realm-name_user", "syncAfter": ["second"]}),
    );
    configure(client, &[first, of("second", fails)]);
    let body = json!({"newValue": {"_id": "a", "name": "Ann"}});
    let path = "sync?_action=notifyCreate&resourceContainer=managed/user&resourceId=a";
    let results = client.post(path, Some(&body)).expect(200);
    let shown: Vec<(&Value, &Value)> = results
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (&one["mapping"], &one["result"]))
        .collect();
    assert_eq!(
        shown,
        [
            (&json!("second"), &json!("FAILED")),
            (&json!("first"), &json!("SKIPPED"))
        ]
    );
    client.put("managed/user/a", &json!({"name": "Ann"})).expect(201);
    assert_eq!(client.query("sync/queue", "true").len(), 2);
    assert!(client.query("managed/realm-name_user", "true").is_empty());
    let same = json!({"newValue": {"name": "Ann"}, "oldValue": {"name": "Ann"}});
    let path = "sync?_action=notifyUpdate&resourceContainer=managed/user&resourceId=a";
    assert_eq!(client.post(path, Some(&same)).expect(200), json!([]));
}

#[test]
fn only_some_properties_trigger() {
    let server = server(&json!({"triggerSyncProperties": ["/name"]}));
    let client = &server.client;
    client
        .put("managed/user/a", &json!({"name": "Ann", "seen": 1}))
        .expect(201);
    client.patch("managed/role/a", &rename("changed here")).expect(200);
    let seen = json!([{"operation": "increment", "field": "/seen", "value": 1}]);
    client.patch("managed/user/a", &seen).expect(200);
    assert_eq!(objects(client, "managed/role")["a"]["name"], "changed here");
    client.patch("managed/user/a", &rename("Anna")).expect(200);
    assert_eq!(objects(client, "managed/role")["a"]["name"], "Anna");
}

#[test]
fn two_mappings_in_both_directions_come_to_rest() {
    let server = Server::start();
    let client = &server.client;
    let back = json!({
        "name": "roles_users", "source": "managed/role", "target": "managed/user", "links": "users_roles",
        "properties": [{"source": "_id", "target": "_id"}, {"source": "name", "target": "name"}],
    });
    configure(client, &[syncing(&json!({})), back]);
    fill(client, "managed/user", &json!({"a": {"name": "Ann"}}));
    fill(client, "managed/role", &json!({"b": {"name": "Bob"}}));
    client.patch("managed/role/a", &rename("Anna")).expect(200);
    client.patch("managed/user/b", &rename("Bobby")).expect(200);
    let both = json!({"a": {"name": "Anna"}, "b": {"name": "Bobby"}});
    assert_eq!(
        (objects(client, "managed/user"), objects(client, "managed/role")),
        (both.clone(), both)
    );
    assert_eq!(links(client), json!([["a", "a"], ["b", "b"]]));
    assert!(client.query("sync/queue", "true").is_empty());
}

#[test]
fn what_was_left_to_somebody_else_is_done_in_its_situation_only() {
    let server = server(&json!({"policies": [{"situation": "ABSENT", "action": "ASYNC"}]}));
    let client = &server.client;
    client.put("managed/user/a", &json!({"name": "Ann"})).expect(201);
    assert_eq!(objects(client, "managed/role"), json!({}));
    let path = |situation: &str| {
        format!("sync?_action=performAction&mapping=users_roles&action=CREATE&sourceId=a&situation={situation}")
    };
    client.post(&path("CONFIRMED"), None).expect(409);
    client.post(&path("LOST"), None).expect(400);
    assert_eq!(objects(client, "managed/role"), json!({}));
    assert_eq!(client.post(&path("ABSENT"), None).expect(200), json!({"status": "OK"}));
    assert_eq!(
        (objects(client, "managed/role"), links(client)),
        (json!({"a": {"name": "Ann"}}), json!([["a", "a"]]))
    );
    // It is done: another time it is in another situation.
    client.post(&path("ABSENT"), None).expect(409);
}
