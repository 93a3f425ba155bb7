//! A SCIM service as a connected system.

mod access;
mod changes;
mod hostile;
mod queries;
mod rules;
mod service;

use serde_json::{Value, json};

use self::rules::EXTRA;
use self::service::{Abilities, Service, TOKEN, Trouble};
use crate::harness::{Server, encode};

/// A system of the service on this port; `changes` are properties of the connector that are otherwise.
fn system(port: u16, changes: Value) -> Value {
    let text = |native: &str| json!({"type": "string", "nativeName": native, "nativeType": "string"});
    let mut object = json!({
        "name": "scim",
        "connectorRef": {
            "connectorName": "org.forgerock.openicf.connectors.scim.ScimConnector",
            "bundleName": "org.forgerock.openicf.connectors.scim-connector",
            "bundleVersion": "[1.5.0.0,1.6.0.0)"
        },
        "configurationProperties": {
            "SCIMEndpoint": format!("http://127.0.0.1:{port}/scim/v2/"), "SCIMVersion": 2,
            "authenticationMethod": "TOKEN", "authToken": TOKEN
        },
        "objectTypes": {
            "account": {"id": "__ACCOUNT__", "nativeType": "__ACCOUNT__", "type": "object", "properties": {
                "userName": {"type": "string", "nativeName": "__NAME__", "required": true},
                "givenName": text("name.givenName"), "familyName": text("name.familyName"),
                "name": {"type": "object", "nativeName": "name", "flags": ["NOT_RETURNED_BY_DEFAULT"]},
                "mail": {"type": "array", "items": {"type": "string"}, "nativeName": "emails.value"},
                "work": text("emails[type eq \"work\"].value"),
                "emails": {"type": "array", "items": {"type": "object"}, "nativeName": "emails",
                    "flags": ["NOT_RETURNED_BY_DEFAULT"]},
                "title": text("title"), "external": text("externalId"),
                "number": text(&format!("{EXTRA}:employeeNumber")),
                "active": {"type": "boolean", "nativeName": "active"},
                "level": {"type": "integer", "nativeName": "level"},
                "password": {"type": "string", "nativeName": "__PASSWORD__"}
            }},
            "group": {"id": "__GROUP__", "nativeType": "__GROUP__", "type": "object", "properties": {
                "displayName": {"type": "string", "nativeName": "displayName", "required": true},
                "members": {"type": "array", "items": {"type": "string"}, "nativeName": "members.value"}
            }}
        }
    });
    let properties = object["configurationProperties"].as_object_mut().unwrap();
    properties.extend(changes.as_object().unwrap().clone());
    object
}

fn start(service: &Service, changes: Value) -> Server {
    let object = system(service.port, changes).to_string();
    Server::with_files(&[("provisioner.openicf-scim.json", object.as_bytes())])
}

#[test]
fn users_come_change_and_go() {
    let service = Service::start(Abilities::default());
    let server = start(&service, json!({}));
    let client = &server.client;
    let new = json!({
        "userName": "Jöe", "givenName": "Joe", "familyName": "Doe", "work": "w@x", "number": "7", "active": true,
        "level": 3, "password": "geheim"
    });
    let made = client
        .post("system/scim/account?_action=create", Some(&new))
        .expect(201);
    let id = made["_id"].as_str().unwrap().to_owned();
    assert_eq!(
        made,
        json!({"_id": id, "userName": "Jöe", "givenName": "Joe", "familyName": "Doe", "mail": ["w@x"], "work": "w@x",
            "number": "7", "active": true, "level": 3})
    );
    let stored = service.state.lock().users[0].clone();
    assert_eq!(
        stored["schemas"],
        json!(["urn:ietf:params:scim:schemas:core:2.0:User", EXTRA])
    );
    assert_eq!(stored["emails"], json!([{"type": "work", "value": "w@x"}]));
    assert_eq!(stored["password"], "geheim");
    let path = format!("system/scim/account/{id}");
    assert_eq!(client.get(&path).expect(200), made);
    assert_eq!(
        client.get(&format!("{path}?_fields=name")).expect(200)["name"],
        json!({"givenName": "Joe", "familyName": "Doe"})
    );
    client
        .post("system/scim/account?_action=create", Some(&new))
        .expect(412);
    // The service gives the ids.
    client.put("system/scim/account/mine", &new).expect(400);

    // What was read can be sent back, and nothing is sent on.
    service.seen();
    assert_eq!(client.put(&path, &made).expect(200), made);
    assert!(service.calls().iter().all(|call| call.starts_with("GET")));
    let patch = json!([
        {"operation": "add", "field": "/mail/-", "value": "home@x"},
        {"operation": "replace", "field": "/familyName", "value": "D'oh"},
        {"operation": "remove", "field": "/number"},
        {"operation": "replace", "field": "/password", "value": "neu"}
    ]);
    let patched = client.patch(&path, &patch).expect(200);
    assert_eq!((&patched["familyName"], patched.get("number")), (&json!("D'oh"), None));
    let sent: Vec<_> = service
        .seen()
        .into_iter()
        .filter(|seen| seen.method == "PATCH")
        .collect();
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].if_match.as_deref(), Some("W/\"v\""));
    assert_eq!(
        sent[0].body["Operations"],
        json!([
            {"op": "replace", "path": "name.familyName", "value": "D'oh"},
            {"op": "replace", "path": "emails", "value": [{"type": "work", "value": "w@x"}, {"value": "home@x"}]},
            {"op": "remove", "path": format!("{EXTRA}:employeeNumber")},
            {"op": "replace", "path": "password", "value": "neu"}
        ])
    );
    assert_eq!(service.state.lock().users[0]["password"], "neu");
    // An object is a value, too.
    let whole = json!([{"operation": "replace", "field": "/emails", "value": [{"value": "z@x", "type": "work"}]},
        {"operation": "replace", "field": "/name/givenName", "value": "J"}]);
    let patched = client.patch(&path, &whole).expect(200);
    assert_eq!((&patched["work"], &patched["givenName"]), (&json!("z@x"), &json!("J")));
    assert_eq!(client.delete(&path).expect(200)["userName"], "Jöe");
    client.get(&path).expect(404);
    client.delete(&path).expect(404);
    client.patch(&path, &patch).expect(404);
}

#[test]
fn without_patch_a_whole_user_is_put_and_nothing_of_it_is_lost() {
    let abilities = Abilities {
        patch: false,
        ..Abilities::default()
    };
    let service = Service::start(abilities);
    let id = service.add_user(json!({"userName": "ann", "nickName": "unknown here", "password": "old",
        "groups": [{"value": "g"}], "emails": [{"value": "a@x", "primary": true}]}));
    let server = start(&service, json!({}));
    let path = format!("system/scim/account/{id}");
    let patch = json!([{"operation": "replace", "field": "/title", "value": "Dr"}]);
    assert_eq!(server.client.patch(&path, &patch).expect(200)["title"], "Dr");
    let sent: Vec<_> = service.seen().into_iter().filter(|seen| seen.method == "PUT").collect();
    assert_eq!(sent.len(), 1);
    assert_eq!(
        sent[0].body,
        json!({"userName": "ann", "nickName": "unknown here", "emails": [{"value": "a@x", "primary": true}],
            "id": id, "title": "Dr", "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"]})
    );
    assert_eq!(service.state.lock().users[0]["password"], "old");
    // Somebody else is faster: what they did is not overwritten, but read, and then changed.
    let again = json!([{"operation": "replace", "field": "/title", "value": "Prof"}]);
    for _ in 0..2 {
        let plenty = service.state.lock().users[0].to_string();
        service.trouble(Trouble::Answer(200, "", plenty));
    }
    let version = service.state.lock().users[0]["meta"]["version"].clone();
    service.trouble(Trouble::Overtaken);
    assert_eq!(server.client.patch(&path, &again).expect(200)["title"], "Prof");
    let sent: Vec<_> = service.seen().into_iter().filter(|seen| seen.method == "PUT").collect();
    let versions: Vec<_> = sent.iter().map(|seen| seen.if_match.as_deref()).collect();
    assert_eq!(versions, [version.as_str(), Some("W/\"overtaken\"")]);
    assert_eq!(
        (&sent[0].body["title"], &sent[1].body["title"]),
        (&json!("Prof"), &json!("Prof"))
    );
}

#[test]
fn members_of_a_group_come_and_go_one_by_one() {
    let service = Service::start(Abilities::default()).with_users(3);
    let server = start(&service, json!({}));
    let client = &server.client;
    let new = json!({"displayName": "Staff", "members": ["id-001", "id-002"]});
    let made = client.post("system/scim/group?_action=create", Some(&new)).expect(201);
    let path = format!("system/scim/group/{}", made["_id"].as_str().unwrap());
    // Somebody else adds one meanwhile, and it stays.
    let changed = json!({"displayName": "Staff", "members": ["id-002", "id-003"]});
    client.put(&path, &changed).expect(200);
    let sent: Vec<_> = service
        .seen()
        .into_iter()
        .filter(|seen| seen.method == "PATCH")
        .collect();
    assert_eq!(
        sent[0].body["Operations"],
        json!([{"op": "remove", "path": "members[value eq \"id-001\"]"},
            {"op": "add", "path": "members", "value": [{"value": "id-003"}]}])
    );
    assert_eq!(client.get(&path).expect(200)["members"], json!(["id-002", "id-003"]));
    assert_eq!(
        server.client.query("system/scim/group", "displayName eq 'staff'").len(),
        1
    );
}

#[test]
fn an_id_stays_an_id() {
    let service = Service::start(Abilities::default()).with_users(1);
    service.state.lock().users[0]["id"] = json!("a/../b?c#d e%2f");
    let server = start(&service, json!({}));
    let path = format!("system/scim/account/{}", encode("a/../b?c#d e%2f"));
    assert_eq!(server.client.get(&path).expect(200)["userName"], "u001");
    assert_eq!(service.calls(), ["GET /scim/v2/Users/a%2F..%2Fb%3Fc%23d%20e%252f"]);
    for id in [
        "..",
        ".",
        "../Groups",
        "..%2fGroups",
        "http://127.0.0.1/",
        "//evil",
        "\\..\\",
    ] {
        let path = format!("system/scim/account/{}", encode(id));
        server.client.get(&path).expect(404);
        server.client.delete(&path).expect(404);
        assert!(
            service
                .calls()
                .iter()
                .all(|call| call.starts_with("GET /scim/v2/Users/")),
            "{id}"
        );
    }
    // A service that answers with something else than what was asked for has not got it.
    service.trouble(Trouble::Answer(
        200,
        "",
        json!({"id": "other", "userName": "eve"}).to_string(),
    ));
    server.client.get("system/scim/account/me").expect(404);
}

#[test]
fn a_service_is_tested_and_describes_its_objects() {
    let service = Service::start(Abilities::default()).with_users(1);
    let server = start(&service, json!({}));
    let client = &server.client;
    let tested = client.post("system/scim?_action=test", None).expect(200);
    assert_eq!(
        (&tested["ok"], &tested["objectTypes"]),
        (&json!(true), &json!(["account", "group"]))
    );
    let reference = json!({"connectorRef": system(1, json!({}))["connectorRef"]});
    let mut object = client
        .post("system?_action=createCoreConfig", Some(&reference))
        .expect(200);
    let properties = system(service.port, json!({}))["configurationProperties"].clone();
    object["configurationProperties"]
        .as_object_mut()
        .unwrap()
        .extend(properties.as_object().unwrap().clone());
    let full = client
        .post("system?_action=createFullConfig", Some(&object))
        .expect(200);
    let account = &full["objectTypes"]["account"]["properties"];
    assert_eq!(account["emails"]["items"]["type"], "object");
    assert_eq!(
        account["employeeNumber"]["nativeName"],
        format!("{EXTRA}:employeeNumber")
    );
    assert_eq!(account["groups"]["flags"], json!(["NOT_CREATABLE", "NOT_UPDATEABLE"]));
    let mut whole = full;
    whole["configurationProperties"]["authToken"] = json!(TOKEN);
    whole["name"] = json!("other");
    client.put("config/provisioner.openicf/other", &whole).expect(201);
    assert_eq!(
        client.get("system/other/account/id-001").expect(200)["userName"],
        "u001"
    );
    client
        .post(
            "system/scim/account?_action=authenticate&username=u001&password=x",
            None,
        )
        .expect(404);
    let elsewhere = start(
        &service,
        json!({"SCIMEndpoint": format!("http://127.0.0.1:{}/other", service.port)}),
    );
    let tested = elsewhere.client.post("system/scim?_action=test", None).expect(200);
    assert_eq!(tested["ok"], false);
}

#[test]
fn what_a_service_cannot_be_is_refused_with_its_place() {
    let server = Server::start();
    let check = |pointer: &str, value: Value| {
        let mut object = system(1, json!({}));
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        object.pointer_mut(parent).unwrap()[name] = value;
        let refused = server
            .client
            .put("config/provisioner.openicf/scim", &object)
            .expect(400);
        assert_eq!(refused["detail"]["pointer"], pointer, "{refused}");
        assert!(!refused.to_string().contains(TOKEN));
    };
    check("/configurationProperties/SCIMEndpoint", json!("file:///etc/passwd"));
    check("/configurationProperties/SCIMVersion", json!(1));
    check("/configurationProperties/authenticationMethod", json!("DIGEST"));
    check("/configurationProperties/acceptSelfSignedCertificates", json!(true));
    check("/configurationProperties/authTokn", json!("x"));
    check("/objectTypes/account/nativeType", json!("__ALL__"));
    check("/objectTypes/account/properties/title/nativeName", json!("a b"));
    check("/objectTypes/account/properties/title/nativeName", json!("password"));
    check("/objectTypes/account/properties/title/nativeName", json!("ID"));
    server.client.get("config/provisioner.openicf/scim").expect(404);
    let kept = server
        .client
        .put("config/provisioner.openicf/scim", &system(1, json!({})))
        .expect(201);
    assert_eq!(kept["configurationProperties"]["authToken"], "********");
    // A type that the service has not got is its answer, not a failure.
    let service = Service::start(Abilities::default());
    let mut object = system(service.port, json!({}));
    object["objectTypes"]["group"]["nativeType"] = json!("Device");
    server
        .client
        .put("config/provisioner.openicf/scim", &object)
        .expect(200);
    let none = server.client.get("system/scim/group/1").expect(404);
    assert!(
        none["message"].as_str().unwrap().contains("it names User, Group"),
        "{none}"
    );
}

#[test]
fn the_example_of_the_manual_works() {
    let manual = include_str!("../../../docs/operations.md");
    let (_, section) = manual.split_once("### A SCIM service").unwrap();
    let (_, block) = section.split_once("```json").unwrap();
    let (block, _) = block.split_once("```").unwrap();
    let service = Service::start(Abilities::default());
    let mut object: Value = serde_json::from_str(block).unwrap();
    let properties = &mut object["configurationProperties"];
    properties["SCIMEndpoint"] = json!(format!("http://127.0.0.1:{}/scim/v2", service.port));
    properties["tokenEndpoint"] = json!(format!("http://127.0.0.1:{}/token", service.port));
    (properties["clientId"], properties["clientSecret"]) = (json!(service::CLIENT), json!(service::SECRET));
    let server = Server::start();
    server
        .client
        .put("config/provisioner.openicf/scim", &object)
        .expect(201);
    let new = json!({"userName": "joe", "givenName": "Joe", "mail": "j@x", "number": "7",
        "phones": [{"value": "1", "type": "work"}]});
    let mut made = server
        .client
        .post("system/scim/account?_action=create", Some(&new))
        .expect(201);
    made.as_object_mut().unwrap().shift_remove("_id");
    assert_eq!(made, new);
}
