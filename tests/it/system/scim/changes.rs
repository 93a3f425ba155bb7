//! Changes of a SCIM service: liveSync and reconciliation.

use serde_json::{Value, json};

use super::service::{Abilities, Service, decoded};
use super::system;
use crate::system::live_sync::{live_sync, names, with_mapping};

const STAGE: &str = "repo/synchronisation/pooledSyncStage/SYSTEMSCIMACCOUNT";

#[test]
fn what_changes_in_a_service_reaches_the_mappings_once() {
    for abilities in [
        Abilities::default(),
        Abilities {
            filter: false,
            ..Abilities::default()
        },
    ] {
        let has_filter = abilities.filter;
        let service = Service::start(abilities).with_users(3);
        let object = system(service.port, json!({})).to_string();
        let files = [("provisioner.openicf-scim.json", object.as_bytes())];
        let server = with_mapping(&files, "system/scim/account", "userName");
        // The first time, only the place is remembered.
        let first = live_sync(&server, "system/scim/account");
        assert_eq!(first["_id"], "SYSTEMSCIMACCOUNT");
        assert_eq!(
            first["connectorData"]["syncToken"]["stamp"],
            "2026-06-01T00:00:02.000000000Z"
        );
        assert_eq!(names(&server), Vec::<String>::new());
        let new = |name: &str| drop(service.add_user(json!({"userName": name})));
        new("four");
        new("five");
        service.seen();
        live_sync(&server, "system/scim/account");
        assert_eq!(names(&server), ["five", "four"]);
        if has_filter {
            let asked = decoded(&service.calls()[0]);
            assert!(
                asked.contains("filter=meta.lastModified ge \"2026-06-01T00:00:02Z\""),
                "{asked}"
            );
        }
        // Nothing is new.
        let before = server.client.get(STAGE).expect(200)["connectorData"].clone();
        live_sync(&server, "system/scim/account");
        assert_eq!(server.client.get(STAGE).expect(200)["connectorData"], before);
        // Another one within the same second is not lost, and what was handed over is not handed over again.
        service.state.lock().second -= 1;
        new("six");
        let path = format!("system/scim/account/{}", "id-004");
        service.state.lock().second -= 1;
        let patch = json!([{"operation": "replace", "field": "/userName", "value": "vier"}]);
        server.client.patch(&path, &patch).expect(200);
        live_sync(&server, "system/scim/account");
        assert_eq!(names(&server), ["five", "six", "vier"]);
    }
}

#[test]
fn a_service_that_does_not_say_when_objects_changed_has_no_live_sync() {
    let service = Service::start(Abilities::default()).with_users(1);
    service.state.lock().users[0]["meta"] = json!({});
    let object = system(service.port, json!({})).to_string();
    let files = [("provisioner.openicf-scim.json", object.as_bytes())];
    let server = with_mapping(&files, "system/scim/account", "userName");
    let path = "system?_action=liveSync&source=system/scim/account";
    let refused = server.client.post(path, None).expect(404);
    assert!(
        refused["message"].as_str().unwrap().contains("meta.lastModified"),
        "{refused}"
    );
    server.client.get(STAGE).expect(404);
    // A token of something else is not taken.
    let stage = json!({"connectorData": {"nativeType": "string", "syncToken": "7"}});
    if server.client.put(STAGE, &stage).status == 201 {
        server.client.post(path, None).expect(400);
    }
}

#[test]
fn a_service_is_reconciled_and_objects_that_are_gone_are_found() {
    let service = Service::start(Abilities::default()).with_users(60);
    let object = system(service.port, json!({})).to_string();
    let files = [("provisioner.openicf-scim.json", object.as_bytes())];
    let server = with_mapping(&files, "system/scim/account", "userName");
    let recon = || -> Value {
        let path = "recon?_action=recon&mapping=people&waitForCompletion=true";
        let run = server.client.post(path, None).expect(200);
        let run = server
            .client
            .get(&format!("recon/{}", run["_id"].as_str().unwrap()))
            .expect(200);
        assert_eq!(run["state"], "SUCCESS", "{run}");
        run
    };
    recon();
    assert_eq!(names(&server).len(), 60);
    service.state.lock().users.drain(..2);
    recon();
    assert_eq!((names(&server).len(), names(&server)[0].as_str()), (58, "u003"));
}

#[test]
fn a_reconciliation_writes_to_a_service_what_is_missing_there_and_nothing_twice() {
    let service = Service::start(Abilities::default());
    service.add_user(json!({"userName": "ANN"}));
    let object = system(service.port, json!({})).to_string();
    let action = |situation: &str, action: &str| json!({"situation": situation, "action": action});
    let mappings = json!({"mappings": [{
        "name": "out", "source": "managed/role", "target": "system/scim/account", "enableSync": false,
        "properties": [{"source": "name", "target": "userName"}, {"source": "title", "target": "title"}],
        "correlationQuery": {"type": "text/javascript",
            "source": "({_queryFilter: 'userName eq \"' + source.name + '\"'})"},
        "policies": [action("ABSENT", "CREATE"), action("CONFIRMED", "UPDATE"), action("FOUND", "UPDATE"),
            action("SOURCE_MISSING", "DELETE"), action("MISSING", "CREATE")]
    }]})
    .to_string();
    let server = crate::harness::Server::with_files(&[
        ("provisioner.openicf-scim.json", object.as_bytes()),
        ("sync.json", mappings.as_bytes()),
    ]);
    let client = &server.client;
    for name in ["ann", "bob"] {
        let role = json!({"name": name, "title": "T"});
        client.put(&format!("managed/role/{name}"), &role).expect(201);
    }
    for writes in [true, false] {
        service.seen();
        let path = "recon?_action=recon&mapping=out&waitForCompletion=true";
        let run = client.post(path, None).expect(200);
        let run = client
            .get(&format!("recon/{}", run["_id"].as_str().unwrap()))
            .expect(200);
        assert_eq!(
            (&run["state"], &run["statusSummary"]["FAILURE"]),
            (&json!("SUCCESS"), &json!(0)),
            "{run}"
        );
        let users = service.state.lock().users.clone();
        assert_eq!(users.len(), 2, "{run}");
        assert!(users.iter().all(|user| user["title"] == "T"), "{users:?}");
        assert_eq!(service.calls().iter().any(|call| !call.starts_with("GET")), writes);
    }
}
