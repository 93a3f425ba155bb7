//! A real directory as a connected system.

use serde_json::{Value, json};

use super::ids;
use super::slapd::{ADMIN, PASSWORD, Slapd};
use crate::harness::{Server, encode};

/// A system of the directory on this port; `changes` are properties of the connector that are otherwise.
pub(super) fn system(port: u16, changes: Value) -> Value {
    let text = |native: &str| json!({"type": "string", "nativeName": native, "nativeType": "string"});
    let mut object = json!({
        "connectorRef": {"connectorName": "org.identityconnectors.ldap.LdapConnector"},
        "configurationProperties": {
            "host": "127.0.0.1", "port": port, "principal": ADMIN, "credentials": PASSWORD,
            "baseContexts": ["dc=example,dc=com"], "accountUserNameAttributes": ["uid"], "blockSize": 3
        },
        "objectTypes": {"account": {"id": "__ACCOUNT__", "nativeType": "__ACCOUNT__", "type": "object", "properties": {
            "dn": {"type": "string", "nativeName": "__NAME__", "required": true},
            "cn": text("cn"), "sn": text("sn"), "uid": text("uid"), "room": text("roomNumber"),
            "mail": {"type": "array", "items": {"type": "string"}, "nativeName": "mail"},
            "password": {"type": "string", "nativeName": "__PASSWORD__"},
            "photo": {"type": "string", "nativeName": "jpegPhoto", "nativeType": "JAVA_TYPE_BYTE_ARRAY",
                "flags": ["NOT_RETURNED_BY_DEFAULT"]}
        }}}
    });
    let properties = object["configurationProperties"].as_object_mut().unwrap();
    properties.extend(changes.as_object().unwrap().clone());
    object
}

pub(super) fn person(number: usize) -> String {
    format!(
        "dn: uid=u{number:02},ou=people,dc=example,dc=com\nobjectClass: inetOrgPerson\nuid: u{number:02}\n\
         cn: User {number}\nsn: Number{number}\nmail: u{number}@example.com\nuserPassword: pw{number}\n\n"
    )
}

pub(super) fn people(count: usize) -> String {
    (1..=count).map(person).collect()
}

fn start(slapd: &Slapd, changes: Value) -> Server {
    let object = system(slapd.port, changes).to_string();
    Server::with_files(&[("provisioner.openicf-ldap.json", object.as_bytes())])
}

pub(super) fn dn(number: usize) -> String {
    format!("uid=u{number:02},ou=people,dc=example,dc=com")
}

/// The texts of an array, in order.
fn sorted(array: &Value) -> Vec<&str> {
    let mut texts: Vec<&str> = array.as_array().unwrap().iter().filter_map(Value::as_str).collect();
    texts.sort_unstable();
    texts
}

/// The id of the one object that a filter finds.
fn id_of(server: &Server, filter: &str) -> String {
    let found = server.client.query("system/ldap/account", filter);
    assert_eq!(found.len(), 1, "{filter}");
    found[0]["_id"].as_str().unwrap().to_owned()
}

#[test]
fn entries_are_made_read_changed_renamed_and_removed() {
    let Some(slapd) = Slapd::start(&people(1)) else { return };
    let server = start(&slapd, json!({}));
    let client = &server.client;
    let new = json!({
        "dn": "uid=j\\2cd,ou=people,dc=example,dc=com", "cn": "Jöe (the *)", "sn": "Doe", "mail": ["a@x", "b@x"],
        "password": "geheim", "photo": "AAEC/w=="
    });
    let made = client
        .post("system/ldap/account?_action=create", Some(&new))
        .expect(201);
    let id = made["_id"].as_str().unwrap().to_owned();
    let path = format!("system/ldap/account/{id}");
    assert_eq!((&made["uid"], &made["cn"]), (&json!("j,d"), &json!("Jöe (the *)")));
    // A directory has values in no order.
    assert_eq!(sorted(&made["mail"]), ["a@x", "b@x"]);
    assert_eq!((made.get("password"), made.get("photo")), (None, None));
    assert_eq!(
        client.get(&format!("{path}?_fields=photo")).expect(200)["photo"],
        "AAEC/w=="
    );
    assert_eq!(client.get(&path).expect(200), made);
    client
        .post("system/ldap/account?_action=create", Some(&new))
        .expect(412);

    // What was read can be sent back, and changes nothing.
    assert_eq!(client.put(&path, &made).expect(200), made);
    let patch = json!([
        {"operation": "remove", "field": "/mail", "value": "a@x"},
        {"operation": "add", "field": "/mail/-", "value": "c@x"},
        {"operation": "replace", "field": "/room", "value": "12"}
    ]);
    let patched = client.patch(&path, &patch).expect(200);
    assert_eq!(
        (sorted(&patched["mail"]), &patched["room"]),
        (vec!["b@x", "c@x"], &json!("12"))
    );
    // A put replaces: the room is gone, the photo was not shown and stays.
    let mut whole = patched;
    whole.as_object_mut().unwrap().remove("room");
    whole["dn"] = json!("uid=joe,ou=people,dc=example,dc=com");
    whole["uid"] = json!("joe");
    let renamed = client.put(&path, &whole).expect(200);
    assert_eq!(
        (&renamed["_id"], &renamed["dn"], &renamed["uid"]),
        (&json!(id), &whole["dn"], &json!("joe"))
    );
    assert_eq!(renamed.get("room"), None);
    assert_eq!(
        client.get(&format!("{path}?_fields=photo")).expect(200)["photo"],
        "AAEC/w=="
    );

    let known = json!({"username": "joe", "password": "geheim"});
    assert_eq!(
        client
            .post("system/ldap/account?_action=authenticate", Some(&known))
            .expect(200)["_id"],
        json!(id)
    );
    for (user, password) in [("joe", "wrong"), ("joe", ""), ("nobody", "geheim"), ("*", "geheim")] {
        let body = json!({"username": user, "password": password});
        client
            .post("system/ldap/account?_action=authenticate", Some(&body))
            .expect(401);
    }
    client.delete(&path).expect(200);
    client.get(&path).expect(404);
    client.delete(&path).expect(404);
}

#[test]
fn where_the_name_is_the_id_a_put_makes_and_replaces() {
    let Some(slapd) = Slapd::start(&people(1)) else { return };
    let server = start(&slapd, json!({"uidAttribute": "dn"}));
    let client = &server.client;
    let path = |dn: &str| format!("system/ldap/account/{}", encode(dn));
    let ann = "uid=ann,ou=people,dc=example,dc=com";
    assert_eq!(
        client
            .put(&path(ann), &json!({"dn": ann, "cn": "Ann", "sn": "A"}))
            .expect(201)["_id"],
        ann
    );
    assert_eq!(
        client
            .put(&path(ann), &json!({"dn": ann, "uid": "ann", "cn": "Ann", "sn": "B"}))
            .expect(200)["sn"],
        "B"
    );
    assert_eq!(
        ids(&client.query("system/ldap/account", &format!("_id eq '{}'", dn(1)))),
        [dn(1)]
    );
    assert_eq!(
        ids(&client.query("system/ldap/account", &format!("dn eq '{ann}' and sn eq 'b'"))),
        [ann]
    );
    // Outside of the base contexts there is nothing.
    for outside in ["cn=admin,dc=other", "no name", "cn=config"] {
        client.get(&path(outside)).expect(404);
        assert_eq!(
            client
                .query("system/ldap/account", &format!("_id eq '{outside}'"))
                .len(),
            0
        );
    }
    let outside = json!({"dn": "uid=x,dc=other", "cn": "X", "sn": "X"});
    client
        .post("system/ldap/account?_action=create", Some(&outside))
        .expect(400);
}

#[test]
fn a_filter_finds_what_it_would_find_here() {
    let Some(slapd) = Slapd::start(&people(12)) else { return };
    let server = start(&slapd, json!({}));
    let all = server.client.query("system/ldap/account", "true");
    assert_eq!(all.len(), 12);
    let numbers = |found: &[Value]| -> Vec<String> {
        let mut numbers: Vec<String> = found
            .iter()
            .map(|object| object["uid"].as_str().unwrap().to_owned())
            .collect();
        numbers.sort_unstable();
        numbers
    };
    let check = |filter: &str, expected: &[&str]| {
        assert_eq!(
            numbers(&server.client.query("system/ldap/account", filter)),
            expected,
            "{filter}"
        );
    };
    check("cn eq 'USER 3'", &["u03"]);
    check("cn eq 'user  3'", &[]);
    check("cn sw 'user 1' and !(uid eq 'u01')", &["u10", "u11", "u12"]);
    check("mail ew '2@example.com'", &["u02", "u12"]);
    check("mail co '*'", &[]);
    check("sn gt 'number8'", &["u09"]);
    check("room pr", &[]);
    check("uid in '[\"u01\",\"u02\",\"x\"]'", &["u01", "u02"]);
    check("password eq 'pw1'", &[]);
    check("mail ca '[\"u5@example.com\"]'", &["u05"]);
    check("uid eq 5", &[]);
    check("false", &[]);
    check("/mail/0 eq 'u7@example.com'", &["u07"]);
}

#[test]
fn pages_go_on_also_when_the_server_started_anew() {
    let Some(slapd) = Slapd::start(&people(10)) else { return };
    let server = start(&slapd, json!({}));
    let other = start(&slapd, json!({}));
    let page = |server: &Server, size: usize, cookie: &Value| {
        let cookie = cookie.as_str().map(encode).unwrap_or_default();
        let query = format!("system/ldap/account?_queryFilter=true&_pageSize={size}&_pagedResultsCookie={cookie}");
        server.client.get(&query).expect(200)
    };
    let mut found = Vec::new();
    let mut cookie = Value::Null;
    // The last pages are asked of a server that knows nothing of the search.
    for turn in 0..10 {
        let answer = page(if turn < 2 { &server } else { &other }, 2, &cookie);
        found.extend(ids(answer["result"].as_array().unwrap()).into_iter().map(str::to_owned));
        cookie = answer["pagedResultsCookie"].clone();
        if cookie.is_null() {
            break;
        }
        if turn == 0 {
            // Somebody adds an entry and removes one that was shown.
            let gone = id_of(&server, "uid eq 'u01'");
            server.client.delete(&format!("system/ldap/account/{gone}")).expect(200);
        }
    }
    assert_eq!(found.len(), 10);
    found.sort_unstable();
    found.dedup();
    assert_eq!(found.len(), 10, "nobody twice");
}

#[test]
fn a_directory_that_does_not_let_us_in_is_said_to() {
    let Some(slapd) = Slapd::start(&people(1)) else { return };
    let server = start(&slapd, json!({"credentials": "wrong"}));
    let refused = server.client.get("system/ldap/account?_queryFilter=true").expect(503);
    assert!(
        refused["message"].as_str().unwrap().contains("refuses the credentials"),
        "{refused}"
    );
    let tested = server.client.post("system/ldap?_action=test", None).expect(200);
    assert_eq!(tested["ok"], false);
    assert!(!tested.to_string().contains("wrong"));
}

#[test]
fn what_the_directory_refuses_is_answered_with_its_words() {
    let Some(slapd) = Slapd::start(&people(1)) else { return };
    let server = start(&slapd, json!({}));
    let post = |body: Value| server.client.post("system/ldap/account?_action=create", Some(&body));
    let no_parent = json!({"dn": "uid=x,ou=none,dc=example,dc=com", "cn": "X", "sn": "X"});
    assert!(
        post(no_parent).expect(400)["message"]
            .as_str()
            .unwrap()
            .contains("no entry above")
    );
    let no_surname = json!({"dn": "uid=x,ou=people,dc=example,dc=com", "cn": "X"});
    assert!(
        post(no_surname).expect(400)["message"]
            .as_str()
            .unwrap()
            .contains("requires attribute")
    );
    let id = id_of(&server, "uid eq 'u01'");
    let path = format!("system/ldap/account/{id}");
    server
        .client
        .patch(&path, &json!([{"operation": "remove", "field": "/sn"}]))
        .expect(400);
    let unknown = server.client.put(
        "system/ldap/account/no-uuid",
        &json!({"dn": dn(7), "cn": "X", "sn": "X"}),
    );
    assert!(
        unknown.expect(400)["message"]
            .as_str()
            .unwrap()
            .contains("gives its objects their ids")
    );
    server.client.get("system/ldap/account/no-uuid").expect(404);
    // A user who may only read.
    let reader = start(&slapd, json!({"principal": dn(1), "credentials": "pw1"}));
    reader.client.delete(&path).expect(403);
    server.client.get(&path).expect(200);
}

#[test]
fn tls_trusts_whom_the_configuration_names_and_nobody_else() {
    let Some(slapd) = Slapd::start(&people(1)) else { return };
    let authority = slapd.authority.as_str();
    let count = |changes: Value| {
        let server = start(&slapd, changes);
        let tested = server.client.post("system/ldap?_action=test", None).expect(200);
        (tested["ok"] == true).then(|| server.client.query("system/ldap/account", "true").len())
    };
    let over_tls =
        |certificates: Value| json!({"port": slapd.tls_port, "ssl": true, "trustedCertificates": certificates});
    assert_eq!(count(over_tls(json!(authority))), Some(1));
    assert_eq!(
        count(json!({"startTLS": true, "trustedCertificates": [authority]})),
        Some(1)
    );
}

#[test]
fn a_certificate_of_a_stranger_is_refused() {
    let Some(slapd) = Slapd::start(&people(1)) else { return };
    let object = system(slapd.tls_port, json!({"ssl": true})).to_string();
    let server = Server::with_files(&[("provisioner.openicf-ldap.json", object.as_bytes())]);
    let refused = super::hanging::answer_of(&server, "system/ldap/account/x", 503);
    assert!(
        refused["message"]
            .as_str()
            .unwrap()
            .to_lowercase()
            .contains("certificate"),
        "{refused}"
    );
}

#[test]
fn what_others_change_is_seen() {
    let Some(slapd) = Slapd::start(&people(2)) else { return };
    let server = start(&slapd, json!({}));
    let id = id_of(&server, "uid eq 'u02'");
    slapd.modify(&format!("dn: {}\nchangetype: modify\nreplace: sn\nsn: Other\n", dn(2)));
    assert_eq!(
        server.client.get(&format!("system/ldap/account/{id}")).expect(200)["sn"],
        "Other"
    );
}
