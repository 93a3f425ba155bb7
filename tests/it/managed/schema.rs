//! What a schema lets in, and what of it is shown.

use serde_json::{Value, json};

use super::{server, user};
use crate::harness::encode;

#[test]
fn a_property_that_no_schema_knows_is_refused_with_its_place() {
    let server = server(&[user(
        json!({
            "name": {"type": "string"},
            "address": {"type": "object", "properties": {"city": {"type": "string"}}},
            "free": {"type": "object", "additionalProperties": true, "properties": {}},
            "list": {"type": "array", "items": {"type": "object", "properties": {"n": {"type": "integer"}}}},
            "any": {},
        }),
        json!({}),
    )]);
    let client = &server.client;
    let check = |body: Value, pointer: &str| {
        let problem = client.put("managed/user/joe", &body).expect(400);
        assert_eq!(problem["detail"]["pointer"], pointer, "{problem}");
        client.get("managed/user/joe").expect(404);
    };
    check(json!({"nmae": "joe"}), "/nmae");
    check(json!({"address": {"town": "x"}}), "/address/town");
    check(json!({"list": [{"n": 1}, {"m": 1}]}), "/list/1/m");
    let right =
        json!({"name": "joe", "address": {"city": "x"}, "free": {"a": {"b": 1}}, "list": [{"n": 1}], "any": [1]});
    let stored = client.put("managed/user/joe", &right).expect(201);
    let patch = json!([{"operation": "add", "field": "/address/town", "value": "y"}]);
    let problem = client.patch("managed/user/joe", &patch).expect(400);
    assert_eq!(problem["detail"]["pointer"], "/address/town");
    assert_eq!(client.get("managed/user/joe").expect(200), stored);
}

#[test]
fn an_open_schema_takes_any_other_property() {
    let server = server(&[json!({
        "name": "user",
        "schema": {"properties": {"n": {"type": "integer"}}, "additionalProperties": true},
    })]);
    server
        .client
        .put("managed/user/joe", &json!({"x": {"y": 1}, "n": 1}))
        .expect(201);
    server.client.put("managed/user/joe", &json!({"n": "1"})).expect(403);
}

#[test]
fn a_default_fills_what_a_creation_leaves_out_and_nothing_else() {
    let server = server(&[user(
        json!({"status": {"type": "string", "default": "active"}, "n": {"type": "integer", "default": 7}}),
        json!({}),
    )]);
    let client = &server.client;
    let made = client.put("managed/user/joe", &json!({"n": 1})).expect(201);
    assert_eq!((&made["status"], &made["n"]), (&json!("active"), &json!(1)));
    let updated = client.put("managed/user/joe", &json!({"n": 2})).expect(200);
    assert_eq!(updated.get("status"), None, "an update says all that there is");
}

#[test]
fn what_is_private_is_never_shown_to_callers_from_outside_and_stays_when_they_do_not_name_it() {
    let server = server(&[user(
        json!({
            "name": {"type": "string"},
            "pin": {"type": "string", "scope": "private"},
            "deep": {"type": "object", "properties": {"secret": {"type": "string", "scope": "private"}, "open": {}}},
        }),
        json!({"actions": {"peek": super::script(
            "var me = openidm.read('managed/user/joe'); [me.pin, me.deep ? me.deep.secret : null]"
        )}}),
    )]);
    let client = &server.client;
    let peek = || client.post("managed/user/joe?_action=peek", None).expect(200);
    let body = json!({"name": "joe", "pin": "1234", "deep": {"secret": "x", "open": 1}});
    let made = client.put("managed/user/joe", &body).expect(201);
    let shown = json!({"name": "joe", "deep": {"open": 1}});
    let without_names = |mut value: Value| {
        value.as_object_mut().unwrap().retain(|name, _| !name.starts_with('_'));
        value
    };
    assert_eq!(without_names(made), shown);
    assert_eq!(without_names(client.get("managed/user/joe").expect(200)), shown);
    assert_eq!(without_names(client.query("managed/user", "true").remove(0)), shown);
    assert!(!client.get("managed/user/joe?_fields=pin,deep").text.contains("1234"));
    assert!(
        !client
            .get("managed/user/joe?_fields=deep/secret")
            .text
            .contains("\"x\"")
    );
    assert_eq!(peek(), json!(["1234", "x"]), "scripts of the house see it");

    // An update from outside cannot name what it does not see: it stays.
    let updated = client
        .put("managed/user/joe", &json!({"name": "jo", "deep": {"open": 2}}))
        .expect(200);
    assert_eq!(updated.get("pin"), None);
    assert_eq!(peek(), json!(["1234", "x"]));
    // It can be set and removed by name.
    let patch = json!([
        {"operation": "replace", "field": "/pin", "value": "9"},
        {"operation": "remove", "field": "/deep/secret"},
    ]);
    client.patch("managed/user/joe", &patch).expect(200);
    assert_eq!(peek(), json!(["9", null]));
}

#[test]
fn what_is_private_cannot_be_probed() {
    let server = server(&[user(
        json!({"pin": {"type": "string", "scope": "private"}, "copy": {}, "n": {}}),
        json!({}),
    )]);
    let client = &server.client;
    client.put("managed/user/joe", &json!({"pin": "1234"})).expect(201);
    for filter in [
        r#"/pin eq "1234""#,
        "pin pr",
        r#"!(pin sw "9")"#,
        r#"n pr or /pin/x eq 1"#,
    ] {
        let answer = client.get(&format!("managed/user?_queryFilter={}", encode(filter)));
        assert_eq!(
            answer.expect(403)["detail"]["pointer"]
                .as_str()
                .map(|at| at.starts_with("/pin")),
            Some(true)
        );
    }
    client.get("managed/user?_queryFilter=true&_sortKeys=-pin").expect(403);
    client
        .post(
            &format!("managed/user?_action=patch&_queryFilter={}", encode("pin pr")),
            Some(&json!([])),
        )
        .expect(403);
    let before = client.get("managed/user/joe").expect(200);
    for patch in [
        json!([{"operation": "copy", "from": "/pin", "field": "/copy"}]),
        json!([{"operation": "move", "from": "/pin", "field": "/copy"}]),
        json!([{"operation": "remove", "field": "/pin", "value": "1234"}]),
        json!([{"operation": "transform", "field": "/copy", "value": {"script": super::script("object.pin || null")}}]),
    ] {
        assert_eq!(client.patch("managed/user/joe", &patch).expect(200), before, "{patch}");
    }
    client
        .patch(
            "managed/user/joe",
            &json!([{"operation": "increment", "field": "/pin", "value": 1}]),
        )
        .expect(400);
}

#[test]
fn what_is_read_only_is_changed_by_scripts_alone() {
    let server = server(&[user(
        json!({"name": {}, "count": {"type": "integer", "readOnly": true}}),
        json!({"onUpdate": super::script("object.count = (oldObject.count || 0) + 1;")}),
    )]);
    let client = &server.client;
    client.put("managed/user/joe", &json!({"count": 1})).expect(403);
    client.put("managed/user/joe", &json!({"name": "a"})).expect(201);
    let updated = client.put("managed/user/joe", &json!({"name": "b"})).expect(200);
    assert_eq!(updated["count"], 1);
    // As it was read, it may come back.
    let again = client
        .put("managed/user/joe", &json!({"name": "c", "count": 1}))
        .expect(200);
    assert_eq!(again["count"], 2);
    let problem = client
        .put("managed/user/joe", &json!({"name": "d", "count": 9}))
        .expect(403);
    assert_eq!(problem["detail"]["pointer"], "/count");
    let patch = json!([{"operation": "increment", "field": "/count", "value": 1}]);
    client.patch("managed/user/joe", &patch).expect(403);
    assert_eq!(client.get("managed/user/joe").expect(200), again);
}

#[test]
fn a_virtual_property_is_computed_and_one_on_demand_is_asked_for() {
    let server = server(&[user(
        json!({
            "first": {"type": "string"},
            "last": {"type": "string"},
            "full": {
                "type": "string", "isVirtual": true, "returnByDefault": true,
                "onRetrieve": super::script("object.first + ' ' + object.last"),
            },
            "costly": {"isVirtual": true, "onRetrieve": super::script("propertyName + '!'")},
            "notes": {"type": "string", "returnByDefault": false},
        }),
        json!({}),
    )]);
    let client = &server.client;
    let made = client
        .put(
            "managed/user/joe",
            &json!({"first": "Joe", "last": "Doe", "full": "forged", "notes": "n"}),
        )
        .expect(201);
    assert_eq!(
        (&made["full"], made.get("notes"), made.get("costly")),
        (&json!("Joe Doe"), None, None)
    );
    let read = client.get("managed/user/joe").expect(200);
    assert_eq!(read, made);
    let asked = client.get("managed/user/joe?_fields=notes,costly").expect(200);
    assert_eq!((&asked["notes"], &asked["costly"]), (&json!("n"), &json!("costly!")));
    assert_eq!(client.query("managed/user", "true")[0]["full"], "Joe Doe");
    assert!(
        client.query("managed/user", r#"full sw "Joe""#).is_empty(),
        "it is not stored"
    );
    // What was read can be written back, and is the same object.
    assert_eq!(
        client
            .put(
                "managed/user/joe",
                &json!({"first": "Joe", "last": "Doe", "full": "Joe Doe", "notes": "n"})
            )
            .expect(200),
        read
    );
}
