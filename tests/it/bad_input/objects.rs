//! Managed objects that cannot be stored, and patches that cannot be applied.

use serde_json::{Value, json};

use super::{Empty, plain};
use crate::harness::Server;

#[test]
fn an_unknown_type_is_not_found() {
    let server = Empty::new();
    let words = "Resource 'managed/robot' not found";
    for (method, path) in [
        ("GET", "managed/robot/r2"),
        ("DELETE", "managed/robot/r2"),
        ("GET", "managed/robot?_queryFilter=true"),
    ] {
        server.refuses_bytes((method, path), b"", 404, words, json!({}));
    }
    server.refuses(("PUT", "managed/robot/r2"), &json!({}), 404, words, json!({}));
    server.refuses(
        ("POST", "managed/robot?_action=create"),
        &json!({}),
        404,
        words,
        json!({}),
    );
    server.refuses(("PATCH", "managed/robot/r2"), &json!([]), 404, words, json!({}));
}

#[test]
fn an_object_has_one_id() {
    let server = Empty::new();
    let words = "an id cannot be changed";
    server.refuses(("PUT", "managed/user/a"), &json!({"_id": "b"}), 400, words, json!({}));
    server.refuses(
        ("PUT", "managed/user/a"),
        &json!({"_id": 1}),
        400,
        "`_id` is a text",
        json!({}),
    );
    server.refuses(
        ("POST", "managed/user?_action=create"),
        &json!({"_id": ""}),
        400,
        "at least one character",
        json!({}),
    );
    server.refuses(
        ("POST", "managed/user?_action=create"),
        &json!({"_id": "a\nb"}),
        400,
        "no control characters",
        json!({}),
    );
    server.refuses(
        ("POST", "managed/user/a?_action=create"),
        &json!({}),
        400,
        "is an object",
        json!({}),
    );
    server.refuses(("PUT", "managed/user"), &json!({}), 400, "is a type", json!({}));
    server.refuses(("PUT", "managed/user/a/b"), &json!({}), 400, "is an object", json!({}));
}

#[test]
fn an_object_has_a_size() {
    let server = Empty::new();
    let large = json!({"text": "x".repeat(1024 * 1024)});
    server.refuses(
        ("PUT", "managed/user/large"),
        &large,
        413,
        "the object is larger than 1048576 bytes",
        json!({}),
    );
}

#[test]
fn an_unknown_action_is_refused() {
    let server = Empty::new();
    server.refuses(
        ("POST", "managed/user?_action=promote"),
        &json!({}),
        501,
        "the action 'promote' is not supported",
        json!({}),
    );
    server.refuses(
        ("POST", "managed/user/a?_action=promote"),
        &json!({}),
        501,
        "the action 'promote'",
        json!({}),
    );
    server.refuses(
        ("POST", "managed/user?_action="),
        &json!({}),
        400,
        "'_action' is empty",
        json!({}),
    );
}

#[test]
fn a_patch_that_is_none_is_refused_with_its_pointer() {
    let server = Server::start();
    let before = server
        .client
        .put("managed/user/joe", &json!({"n": 1, "list": [1, 2], "text": "a"}))
        .expect(201);
    let check = |patch: Value, pointer: &str, words: &str| {
        for send in [
            server.client.patch("managed/user/joe", &patch),
            server.client.post("managed/user/joe?_action=patch", Some(&patch)),
        ] {
            let problem = send.expect(400);
            let message = plain(problem["message"].as_str().unwrap());
            assert!(message.contains(words), "{patch}: {message}");
            assert!(pointer.is_empty() || message.contains(pointer), "{patch}: {message}");
        }
        assert_eq!(server.client.get("managed/user/joe").expect(200), before, "{patch}");
    };
    let one = |operation: Value| json!([{"operation": "replace", "field": "/new", "value": 1}, operation]);
    check(json!({"n": 2}), "/", "a patch is an array of operations");
    check(
        one(json!("remove")),
        "/1",
        "an operation is an object with `operation` and `field`",
    );
    check(
        one(json!({"field": "/n", "value": 1})),
        "/1/operation",
        "write one of add, remove, replace",
    );
    check(
        one(json!({"operation": "delete", "field": "/n"})),
        "/1/operation",
        "write one of add, remove, replace",
    );
    check(
        one(json!({"operation": "replace", "value": 1})),
        "/1/field",
        "write the field to change",
    );
    check(one(json!({"operation": "replace", "field": "/n"})), "/1/value", "");
    check(
        one(json!({"operation": "replace", "field": "/n", "value": 1, "path": "/n"})),
        "/1/path",
        "",
    );
    check(
        one(json!({"operation": "remove", "field": "/n", "from": "/m"})),
        "/1/from",
        "",
    );
    check(one(json!({"operation": "move", "field": "/m"})), "/1/from", "");
    check(
        one(json!({"operation": "replace", "field": "/%zz", "value": 1})),
        "/1/field",
        "",
    );
    check(
        one(json!({"operation": "increment", "field": "/none", "value": 1})),
        "",
        "The field '/none' does not exist",
    );
    check(
        one(json!({"operation": "increment", "field": "/text", "value": 1})),
        "",
        "The field '/text' is not a number",
    );
    check(
        one(json!({"operation": "replace", "field": "/list/0", "value": 1})),
        "",
        "Position-based operation is not allowed: /list/0",
    );
    check(
        one(json!({"operation": "copy", "from": "/n", "field": "/text"})),
        "",
        "the field '/text' exists already",
    );
    check(
        one(json!({"operation": "replace", "field": "/_id", "value": "jim"})),
        "",
        "the field '/_id' cannot be patched",
    );
    check(
        one(json!({"operation": "remove", "field": "/_rev"})),
        "",
        "the field '/_rev' cannot be patched",
    );
    check(
        one(json!({"operation": "add", "field": "/text/a", "value": 1})),
        "",
        "/text",
    );
    check(
        one(json!({"operation": "transform", "field": "/n", "value": {}})),
        "",
        "Expecting a script member",
    );
    check(one(json!({"operation": "remove", "field": "/"})), "", "name a field");
    let many: Vec<Value> = (0..1001)
        .map(|_| json!({"operation": "remove", "field": "/x"}))
        .collect();
    check(many.into(), "", "at most 1000 operations");
}
