//! Patches: what each operation makes of an object.

use serde_json::{Value, json};

use crate::harness::Server;

#[test]
fn each_operation_does_what_it_says() {
    let server = Server::start();
    let check = |before: Value, patch: Value, expected: Value| {
        let client = &server.client;
        client.put("managed/user/joe", &before);
        let mut patched = client.patch("managed/user/joe", &patch).expect(200);
        assert_eq!(client.get("managed/user/joe").expect(200), patched);
        let members = patched.as_object_mut().unwrap();
        members.shift_remove("_id");
        members.shift_remove("_rev");
        assert_eq!(patched, expected, "{patch}");
        client.delete("managed/user/joe").expect(200);
    };
    let add = |field: &str, value: Value| json!([{"operation": "add", "field": field, "value": value}]);
    check(json!({}), add("/a/b/c", json!(1)), json!({"a": {"b": {"c": 1}}}));
    check(json!({"a": [1]}), add("/a", json!([2])), json!({"a": [2]}));
    check(json!({"a": [1]}), add("/a/-", json!(2)), json!({"a": [1, 2]}));
    check(json!({}), add("/a/-", json!(2)), json!({"a": [2]}));
    check(json!({"a": {}}), add("a/1", json!(2)), json!({"a": {"1": 2}}));
    let replace = |field: &str, value: Value| json!([{"operation": "REPLACE", "field": field, "value": value}]);
    check(
        json!({"a": 1, "b": 2}),
        replace("/a", json!({"x": []})),
        json!({"a": {"x": []}, "b": 2}),
    );
    check(json!({"a": 1}), replace("/", json!({"b": 1})), json!({"b": 1}));
    check(json!({}), replace("/x%2Fy", json!(1)), json!({"x/y": 1}));
    let remove = |field: &str| json!([{"operation": "remove", "field": field}]);
    check(json!({"a": 1, "b": 2}), remove("/a"), json!({"b": 2}));
    check(json!({"b": 2}), remove("/a/b/c"), json!({"b": 2}));
    let remove_value = |value: Value| json!([{"operation": "remove", "field": "/a", "value": value}]);
    check(json!({"a": [1, 2, 1]}), remove_value(json!(1)), json!({"a": [2]}));
    check(json!({"a": "x"}), remove_value(json!("y")), json!({"a": "x"}));
    check(json!({"a": "x"}), remove_value(json!("x")), json!({}));
    let increment = |value: Value| json!([{"operation": "increment", "field": "/a", "value": value}]);
    check(json!({"a": 1}), increment(json!(-3)), json!({"a": -2}));
    check(json!({"a": 1}), increment(json!(0.5)), json!({"a": 1}));
    check(json!({"a": 1.5}), increment(json!(1)), json!({"a": 2.5}));
    check(json!({"a": [1, 2]}), increment(json!(10)), json!({"a": [11, 12]}));
    let transfer = |operation: &str| json!([{"operation": operation, "from": "/a", "field": "/b/c"}]);
    check(json!({"a": 1}), transfer("copy"), json!({"a": 1, "b": {"c": 1}}));
    check(json!({"a": 1}), transfer("move"), json!({"b": {"c": 1}}));
    check(json!({"x": 1}), transfer("move"), json!({"x": 1}));
}

#[test]
fn operations_apply_in_order_and_all_or_none() {
    let server = Server::start();
    let client = &server.client;
    let before = client.put("managed/user/joe", &json!({"n": 1})).expect(201);
    let patch = json!([
        {"operation": "add", "field": "/list", "value": []},
        {"operation": "add", "field": "/list/-", "value": 1},
        {"operation": "increment", "field": "/n", "value": 1},
        {"operation": "increment", "field": "/missing", "value": 1},
    ]);
    client.patch("managed/user/joe", &patch).expect(400);
    assert_eq!(client.get("managed/user/joe").expect(200), before);
    let patch = Value::from(patch.as_array().unwrap()[..3].to_vec());
    let after = client.patch("managed/user/joe", &patch).expect(200);
    assert_eq!((&after["n"], &after["list"]), (&json!(2), &json!([1])));
}

#[test]
fn a_patch_that_changes_nothing_leaves_the_revision() {
    let server = Server::start();
    let client = &server.client;
    let before = client.put("managed/user/joe", &json!({"n": 1})).expect(201);
    let nothing = [
        json!([]),
        json!([{"operation": "replace", "field": "/n", "value": 1}]),
        json!([{"operation": "remove", "field": "/m"}]),
        json!([{"operation": "increment", "field": "/n", "value": 0}]),
        json!([{"operation": "add", "field": "/m", "value": 1}, {"operation": "remove", "field": "/m"}]),
    ];
    for patch in nothing {
        assert_eq!(client.patch("managed/user/joe", &patch).expect(200), before, "{patch}");
    }
    client.patch("managed/user/nobody", &json!([])).expect(404);
}

#[test]
fn an_action_patches_for_clients_without_the_method() {
    let server = Server::start();
    let client = &server.client;
    client.put("managed/user/joe", &json!({"n": 1})).expect(201);
    let patch = json!([{"operation": "increment", "field": "/n", "value": 1}]);
    let answer = client.post("managed/user/joe?_action=patch", Some(&patch)).expect(200);
    assert_eq!(answer["n"], 2);
    assert_eq!(client.get("managed/user/joe").expect(200)["n"], 2);
}
