//! Changes of objects and of the configuration in the audit.

use serde_json::json;

use super::{entries, entry};
use crate::harness::Server;

const MASK: &str = "********";

#[test]
fn a_change_of_an_object_is_an_activity_with_what_it_was_and_is() {
    let server = Server::start();
    let client = &server.client;
    let path = "managed/user/joe";
    let made = client
        .put(path, &json!({"userName": "joe", "password": "hunter2"}))
        .expect(201);
    let patch = json!([{"operation": "replace", "field": "/mail", "value": "joe@example.com"}]);
    client
        .request("PATCH", path, &[("X-Request-Id", "tx")], Some(&patch))
        .expect(200);
    // What changes nothing is no activity.
    client.patch(path, &patch).expect(200);
    client
        .put(path, &json!({"userName": "joe", "password": "other"}))
        .expect(200);
    client.delete(path).expect(200);
    let all = entries(client, "activity", "/objectId eq \"managed/user/joe\"");
    let operations: Vec<_> = all.iter().map(|entry| entry["operation"].as_str().unwrap()).collect();
    assert_eq!(operations, ["DELETE", "UPDATE", "PATCH", "CREATE"]);
    let [delete, update, patched, create] = &all[..] else {
        panic!("{all:?}")
    };
    assert_eq!(
        (&create["before"], &create["after"]),
        (&json!(null), &json!({"userName": "joe", "password": MASK}))
    );
    assert_eq!(
        (&create["passwordChanged"], &create["revision"]),
        (&json!(true), &json!(null))
    );
    assert_eq!(patched["changedFields"], json!(["/mail"]));
    assert_eq!(
        (&patched["passwordChanged"], &patched["revision"]),
        (&json!(false), &made["_rev"])
    );
    assert_eq!(
        (&patched["transactionId"], &patched["userId"]),
        (&json!("tx"), &json!("openidm-admin"))
    );
    assert_eq!(
        (&update["changedFields"], &update["status"]),
        (&json!(["/password", "/mail"]), &json!("SUCCESS"))
    );
    assert_eq!(
        (&delete["after"], &delete["before"]["userName"]),
        (&json!(null), &json!("joe"))
    );
    assert!(!serde_json::to_string(&all).unwrap().contains("hunter2"));
    // Everything that one request did can be found.
    assert_eq!(
        entry(client, "access", "/transactionId eq \"tx\"")["request"]["operation"],
        "PATCH"
    );
}

/// Many objects that come at once are each told, in the commit that takes them in; a line that is refused is not.
#[test]
fn an_import_is_an_activity_for_each_object() {
    let server = Server::start();
    let headers = [
        ("X-OpenIDM-Username", "openidm-admin"),
        ("X-OpenIDM-Password", crate::harness::PASSWORD),
        ("Content-Type", "application/x-ndjson"),
        ("X-Request-Id", "many"),
    ];
    let lines = b"{\"_id\": \"a\"}\n{\"_id\": \"a\"}\n{\"_id\": \"b\"}\n";
    let path = "/openidm/managed/user?_action=import";
    let report = server.client.send("POST", path, &headers, Some(lines)).expect(200);
    assert_eq!(report["created"], 2, "{report}");
    let told = entries(&server.client, "activity", "/transactionId eq \"many\"");
    let objects: Vec<_> = told.iter().map(|entry| entry["objectId"].as_str().unwrap()).collect();
    assert_eq!(objects, ["managed/user/b", "managed/user/a"]);
}

#[test]
fn what_is_refused_is_no_activity() {
    let server = Server::start();
    let client = &server.client;
    client.put("managed/user/joe", &json!({"n": 1})).expect(201);
    let before = entries(client, "activity", "true");
    client
        .request("PUT", "managed/user/joe", &[("If-Match", "\"7\"")], Some(&json!({})))
        .expect(412);
    client
        .patch(
            "managed/user/joe",
            &json!([{"operation": "increment", "field": "/x", "value": 1}]),
        )
        .expect(400);
    client.delete("managed/user/nobody").expect(404);
    assert_eq!(entries(client, "activity", "true"), before);
}

fn scan(source: &str) -> serde_json::Value {
    json!({
        "type": "simple", "repeatCount": 0, "persisted": true, "invokeService": "taskscanner",
        "invokeContext": {
            "scan": {"_queryFilter": "true", "object": "managed/user", "taskState": {"started": "/s", "completed": "/c"}},
            "task": {"script": {"type": "text/javascript", "source": source}},
        },
    })
}

const PATCHES: &str = "openidm.patch(objectID, null, [{operation: 'replace', field: '/done', value: true}]);
    if (input.fails) throw 'no'; true;";

/// What guests change is kept where it is asked for, in the commit of the change: a guest that fails leaves no entry.
#[test]
fn changes_of_guests_are_kept_where_they_are_wanted() {
    for (setting, expected) in [("all", 1), ("requests", 0), ("off", 0)] {
        let settings = format!("[audit]\nactivity = \"{setting}\"\n");
        let server = Server::with_files(&[("taskwarden.toml", settings.as_bytes())]);
        let client = &server.client;
        client.put("managed/user/good", &json!({})).expect(201);
        client.put("managed/user/bad", &json!({"fails": true})).expect(201);
        let made = entries(client, "activity", "/operation eq \"CREATE\"").len();
        assert_eq!(made, if setting == "off" { 0 } else { 2 });
        client.put("scheduler/job/scan", &scan(PATCHES)).expect(201);
        server.settle();
        let run = client.query("taskscanner", "true").remove(0);
        assert_eq!(
            (&run["progress"]["successes"], &run["progress"]["failures"]),
            (&json!(1), &json!(1))
        );
        let patched = entries(client, "activity", "/operation eq \"PATCH\"");
        assert_eq!(patched.len(), expected, "{setting}: {patched:?}");
        for entry in patched {
            assert_eq!(
                (&entry["objectId"], &entry["transactionId"]),
                (&json!("managed/user/good"), &run["_id"])
            );
        }
    }
}

#[test]
fn types_can_be_left_out_and_objects_not_shown() {
    let settings: &[u8] = b"[audit]\nactivity-without = [\"role\"]\nactivity-objects = false\naccess = \"writes\"\n";
    let server = Server::with_files(&[("taskwarden.toml", settings)]);
    let client = &server.client;
    client.put("managed/role/r", &json!({})).expect(201);
    client.put("managed/user/u", &json!({"a": 1})).expect(201);
    let found = entry(client, "activity", "true");
    assert_eq!(
        (&found["objectId"], &found["changedFields"]),
        (&json!("managed/user/u"), &json!(["/a"]))
    );
    assert_eq!((found.get("before"), found.get("after")), (None, None));
    let operations = entries(client, "access", "true");
    assert!(
        operations.iter().all(|entry| entry["request"]["operation"] == "UPDATE"),
        "{operations:?}"
    );
    assert_eq!(operations.len(), 2);
}

#[test]
fn a_change_of_the_configuration_is_told_without_its_secrets() {
    let server = Server::start();
    let client = &server.client;
    let schedule = |password: &str| {
        json!({
            "type": "simple", "repeatInterval": 1000, "enabled": false, "invokeService": "script",
            "invokeContext": {"script": {"type": "text/javascript", "source": "1;"}, "input": {"password": password}},
        })
    };
    client.put("config/schedule/a", &schedule("hunter2")).expect(201);
    client.put("config/schedule/a", &schedule("hunter3")).expect(200);
    client.put("config/schedule/a", &json!({"type": "bad"})).expect(400);
    std::fs::remove_file(server.conf().join("schedule-a.json")).unwrap();
    server.look();
    let all = entries(client, "config", "true");
    let told: Vec<_> = all
        .iter()
        .map(|entry| (entry["operation"].as_str().unwrap(), entry["userId"].as_str().unwrap()))
        .collect();
    let expected = [
        ("DELETE", "configuration file"),
        ("UPDATE", "openidm-admin"),
        ("CREATE", "openidm-admin"),
    ];
    assert_eq!(told, expected);
    assert_eq!(
        (&all[1]["objectId"], &all[1]["changedFields"]),
        (&json!("config/schedule/a"), &json!(["/invokeContext"]))
    );
    assert_eq!(all[1]["before"]["invokeContext"]["input"]["password"], MASK);
    assert!(!serde_json::to_string(&all).unwrap().contains("hunter"));
}
