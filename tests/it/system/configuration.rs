//! What configures a connected system, and what is refused.

use serde_json::{Value, json};

use super::{csv_system, with_people};
use crate::harness::Server;

#[test]
fn systems_come_and_go_with_the_configuration() {
    let server = with_people("uid,name\na,Ann\n");
    let client = &server.client;
    client.get("system/hr/account/a").expect(200);
    let mut disabled = csv_system();
    disabled["enabled"] = json!(false);
    client.put("config/provisioner.openicf/hr", &disabled).expect(200);
    let message = client.get("system/hr/account/a").expect(503)["message"].clone();
    assert_eq!(message, "System: hr is not available. It is disabled");
    client.put("config/provisioner.openicf/hr", &csv_system()).expect(200);
    client.get("system/hr/account/a").expect(200);
    // Two configurations cannot be one system.
    let twice = client
        .put("config/provisioner.openicf/other", &csv_system())
        .expect(400);
    assert_eq!(twice["detail"]["pointer"], "/name");
    client.delete("config/provisioner.openicf/hr").expect(200);
    client.get("system/hr/account/a").expect(503);
}

#[test]
fn what_cannot_work_is_refused_and_not_kept() {
    let server = Server::start();
    let client = &server.client;
    let check = |pointer: &str, value: Value| {
        let mut object = csv_system();
        *object.pointer_mut(pointer).unwrap() = value;
        let refused = client.put("config/provisioner.openicf/hr", &object).expect(400);
        assert_eq!(refused["detail"]["pointer"], pointer, "{refused}");
    };
    check("/connectorRef/connectorName", json!("org.example.Mainframe"));
    check("/configurationProperties/csvFile", json!("/etc/passwd"));
    check("/configurationProperties/csvFile", json!("../taskwarden.redb"));
    check("/configurationProperties/headerUid", json!(""));
    check("/objectTypes/account/nativeType", json!("__GROUP__"));
    check("/objectTypes/account/properties/age/type", json!("date"));
    let mut unknown = csv_system();
    unknown["configurationProperties"]["charset"] = json!("UTF-8");
    let refused = client.put("config/provisioner.openicf/hr", &unknown).expect(400);
    assert_eq!(refused["detail"]["pointer"], "/configurationProperties/charset");
    client.get("config/provisioner.openicf/hr").expect(404);
    assert_eq!(client.post("system?_action=test", None).expect(200), json!([]));
}

#[test]
fn credentials_are_not_shown() {
    let server = Server::start();
    let client = &server.client;
    let object = super::ldap::system(1, json!({}));
    let kept = client.put("config/provisioner.openicf/ldap", &object).expect(201);
    assert_eq!(kept["configurationProperties"]["credentials"], "********");
    let read = client.get("config/provisioner.openicf/ldap").expect(200);
    assert!(!read.to_string().contains(super::slapd::PASSWORD), "{read}");
    // What was shown can be written back.
    client.put("config/provisioner.openicf/ldap", &read).expect(200);
}

#[test]
fn systems_are_tested_and_described() {
    let server = with_people("uid,name\na,Ann\n");
    let client = &server.client;
    let tested = client.post("system?_action=test", None).expect(200);
    let expected = json!([{
        "name": "hr", "enabled": true, "config": "config/provisioner.openicf/hr", "objectTypes": ["account"],
        "connectorRef": csv_system()["connectorRef"], "ok": true
    }]);
    assert_eq!(tested, expected);
    assert_eq!(client.post("system/hr?_action=test", None).expect(200), expected[0]);
    std::fs::write(server.conf().join("people.csv"), "").unwrap();
    let ill = client.post("system/hr?_action=test", None).expect(200);
    assert_eq!(ill["ok"], false);
    assert!(ill["error"].as_str().unwrap().contains("the file is empty"), "{ill}");

    let known = client.post("system?_action=availableConnectors", None).expect(200);
    let names: Vec<&Value> = known["connectorRef"]
        .as_array()
        .unwrap()
        .iter()
        .map(|known| &known["connectorName"])
        .collect();
    assert!(
        names.contains(&&csv_system()["connectorRef"]["connectorName"]),
        "{known}"
    );
    // A configuration grows from its connector: core, then full, then it is tested.
    let reference = json!({"connectorRef": csv_system()["connectorRef"]});
    let mut object = client
        .post("system?_action=createCoreConfig", Some(&reference))
        .expect(200);
    object["configurationProperties"]["csvFile"] = json!("new.csv");
    std::fs::write(server.conf().join("new.csv"), "uid,mail\n1,a@x\n").unwrap();
    let full = client
        .post("system?_action=createFullConfig", Some(&object))
        .expect(200);
    assert_eq!(full["objectTypes"]["account"]["properties"]["mail"]["type"], "string");
    assert_eq!(
        client.post("system?_action=testConfig", Some(&full)).expect(200)["ok"],
        true
    );
    client.put("config/provisioner.openicf/new", &full).expect(201);
    assert_eq!(client.get("system/new/account/1").expect(200)["mail"], "a@x");

    client.post("system?_action=explode", None).expect(400);
    client.post("system/hr?_action=explode", None).expect(400);
    client.post("system?_action=testConfig", None).expect(400);
}

#[test]
fn an_operation_can_be_denied() {
    let mut object = csv_system();
    object["operationOptions"] = json!({
        "DELETE": {"denied": true, "onDeny": "THROW_EXCEPTION"},
        "UPDATE": {"objectFeatures": {"__ACCOUNT__": {"denied": true, "onDeny": "DO_NOTHING"}}}
    });
    let server = Server::with_files(&[
        ("people.csv", b"uid,name\na,Ann\n"),
        ("provisioner.openicf-hr.json", object.to_string().as_bytes()),
    ]);
    let client = &server.client;
    client.delete("system/hr/account/a").expect(403);
    let kept = client
        .put("system/hr/account/a", &json!({"uid": "a", "name": "Eve"}))
        .expect(200);
    assert_eq!(kept["name"], "Ann");
    assert_eq!(super::people(&server), "uid,name\na,Ann\n");
}
