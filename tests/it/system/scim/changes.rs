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
