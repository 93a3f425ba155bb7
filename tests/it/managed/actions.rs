//! Actions of objects and types, and the scripts of patches.

use serde_json::{Value, json};

use super::{script, server, user};
use crate::harness::encode;

#[test]
fn a_patch_on_a_type_changes_what_a_query_finds_or_nothing() {
    let server = server(&[user(json!({"n": {"type": "integer", "maximum": 3}}), json!({}))]);
    let client = &server.client;
    for n in 1..4 {
        client.put(&format!("managed/user/u{n}"), &json!({"n": n})).expect(201);
    }
    let increment = json!([{"operation": "increment", "field": "/n", "value": 1}]);
    let act = |filter: &str| {
        let path = format!("managed/user?_action=patch&_queryFilter={}", encode(filter));
        client.post(&path, Some(&increment))
    };
    let numbers = || {
        let mut found: Vec<Value> = client
            .query("managed/user", "true")
            .iter()
            .map(|user| user["n"].clone())
            .collect();
        found.sort_by_key(Value::as_i64);
        found
    };
    let answer = act("n lt 3").expect(200);
    assert_eq!(
        (&answer["resultCount"], &answer["result"][0]["n"]),
        (&json!(2), &json!(2))
    );
    assert_eq!(numbers(), [2, 3, 3]);
    act("true").expect(403);
    assert_eq!(numbers(), [2, 3, 3], "all or nothing");
    assert_eq!(act("n gt 100").expect(200)["resultCount"], 0);
    client.post("managed/user?_action=patch", Some(&increment)).expect(400);
    act("n lt").expect(400);
}

#[test]
fn a_scripted_action_answers_what_its_script_says_and_keeps_what_it_did() {
    let server = server(&[user(
        json!({"n": {"type": "integer"}}),
        json!({"actions": {
            "add": script(
                "if (object) openidm.patch(resourceName, null, [{operation: 'increment', field: '/n', value: request.content.by}]);
                 ({who: object && object._id, parameters: request.additionalParameters, action: request.action})"
            ),
            "fail": script("openidm.create('managed/role', 'x', {}); throw {code: 418, message: 'no'};"),
        }}),
    )]);
    let client = &server.client;
    client.put("managed/user/joe", &json!({"n": 1})).expect(201);
    let answer = client
        .post("managed/user/joe?_action=add&p=q", Some(&json!({"by": 5})))
        .expect(200);
    assert_eq!(answer, json!({"who": "joe", "parameters": {"p": "q"}, "action": "add"}));
    assert_eq!(client.get("managed/user/joe").expect(200)["n"], 6);
    assert_eq!(
        client.post("managed/user?_action=add", None).expect(200)["who"],
        json!(null)
    );
    client
        .post("managed/user/nobody?_action=add", Some(&json!({"by": 1})))
        .expect(404);
    assert_eq!(
        client.post("managed/user?_action=fail", None).expect(418)["message"],
        "no"
    );
    client.get("managed/role/x").expect(404);
    client.post("managed/user?_action=dance", None).expect(501);
    let checked = client.post("managed/user?_action=triggerSyncCheck", None).expect(200);
    assert_eq!(
        checked,
        json!({"status": "OK", "countTriggered": 0}),
        "no mapping has this type as its source"
    );
}

#[test]
fn the_script_of_a_transform_makes_a_value_of_a_value() {
    let server = server(&[]);
    let client = &server.client;
    client.put("managed/role/joe", &json!({"n": 4, "x": "y"})).expect(201);
    let transform = |field: &str, source: &str| {
        let patch = json!([
            {"operation": "increment", "field": "/n", "value": 1},
            {"operation": "transform", "field": field, "value": {"script": script(source)}},
        ]);
        client.patch("managed/role/joe", &patch)
    };
    assert_eq!(transform("/n", "content * 2").expect(200)["n"], 10);
    assert_eq!(transform("/x", "null").expect(200).get("x"), None);
    assert_eq!(
        transform("/new", "[content, object.n]").expect(200)["new"],
        json!([null, 12])
    );
    let before = client.get("managed/role/joe").expect(200);
    let problem = transform("/n", "throw new Error('boom')").expect(400);
    assert!(
        problem["message"]
            .as_str()
            .unwrap()
            .starts_with("Failed to eval script"),
        "{problem}"
    );
    let problem = transform("/n", "var = 1").expect(400);
    assert_eq!(
        (&problem["detail"]["pointer"], &problem["detail"]["line"]),
        (&json!("/1/value/script/source"), &json!(1))
    );
    assert_eq!(client.get("managed/role/joe").expect(200), before);
}
