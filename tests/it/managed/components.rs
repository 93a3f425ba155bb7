//! Hooks that are components: the script world, without an engine in between.

use serde_json::{Value, json};

use super::user;
use crate::harness::Server;

/// A component of the world `script`, written by hand. It refuses an input that has `forbidden` in it, traps at one that has
/// `explode`, and answers everything else with `answer`.
fn component(answer: &str) -> Vec<u8> {
    let escaped = answer.replace('\\', "\\\\").replace('"', "\\\"");
    let text = format!(
        r#"
(component
  (import "taskwarden:plugin/types@0.1.0" (instance $types
    (type $d (record (field "message" string) (field "detail" (option string))))
    (export "detail" (type $detail (eq $d)))
    (type $c (record (field "code" u16) (field "message" string) (field "detail" (option string))))
    (export "coded" (type $coded (eq $c)))
    (type $p (variant (case "bad-request" $detail) (case "forbidden" $detail) (case "not-found" $detail)
      (case "conflict" $detail) (case "precondition-failed" $detail) (case "internal" $detail)
      (case "unsupported" $detail) (case "unavailable" $detail) (case "other" $coded)))
    (export "problem" (type $problem (eq $p)))))
  (alias export $types "problem" (type $problem))
  (core module $code
    (memory (export "memory") 4)
    (global $top (mut i32) (i32.const 8192))
    (data (i32.const 1024) "{escaped}")
    (data (i32.const 4096) "a component says no")
    (data (i32.const 5120) "forbidden")
    (data (i32.const 5248) "explode")
    (func (export "realloc") (param i32 i32 i32 i32) (result i32)
      (local $at i32)
      (local.set $at (i32.and (i32.add (global.get $top) (i32.const 7)) (i32.const -8)))
      (global.set $top (i32.add (local.get $at) (local.get 3)))
      (local.get $at))
    (func $has (param $at i32) (param $length i32) (param $word i32) (param $size i32) (result i32)
      (local $from i32) (local $same i32)
      (loop $places
        (if (i32.gt_s (local.get $from) (i32.sub (local.get $length) (local.get $size))) (then (return (i32.const 0))))
        (local.set $same (i32.const 0))
        (block $other
          (loop $letters
            (br_if $other (i32.ne
              (i32.load8_u (i32.add (i32.add (local.get $at) (local.get $from)) (local.get $same)))
              (i32.load8_u (i32.add (local.get $word) (local.get $same)))))
            (local.set $same (i32.add (local.get $same) (i32.const 1)))
            (if (i32.eq (local.get $same) (local.get $size)) (then (return (i32.const 1))))
            (br $letters)))
        (local.set $from (i32.add (local.get $from) (i32.const 1)))
        (br $places))
      (i32.const 0))
    (func (export "run") (param $at i32) (param $length i32) (result i32)
      (if (call $has (local.get $at) (local.get $length) (i32.const 5248) (i32.const 7)) (then (unreachable)))
      (if (call $has (local.get $at) (local.get $length) (i32.const 5120) (i32.const 9))
        (then
          (i32.store8 (i32.const 0) (i32.const 1))
          (i32.store8 (i32.const 4) (i32.const 0))
          (i32.store (i32.const 8) (i32.const 4096))
          (i32.store (i32.const 12) (i32.const 19))
          (i32.store8 (i32.const 16) (i32.const 0)))
        (else
          (i32.store8 (i32.const 0) (i32.const 0))
          (i32.store (i32.const 4) (i32.const 1024))
          (i32.store (i32.const 8) (i32.const {length}))))
      (i32.const 0)))
  (core instance $instance (instantiate $code))
  (func $run (param "input" string) (result (result string (error $problem)))
    (canon lift (core func $instance "run") (memory (core memory $instance "memory"))
      (realloc (core func $instance "realloc"))))
  (export "run" (func $run)))
"#,
        length = answer.len()
    );
    wat::parse_str(text).unwrap()
}

fn server() -> Server {
    let hook = |file: &str| json!({"type": "application/wasm", "file": format!("script/{file}.wasm")});
    let types = json!({"objects": [
        user(
            json!({
                "name": {"type": "string"},
                "nick": {"type": "string", "onValidate": hook("judge"), "onRetrieve": hook("nick")},
            }),
            json!({"onCreate": hook("name"), "onDelete": hook("judge")}),
        ),
        {"name": "role"},
    ]});
    Server::with_files(&[
        ("managed.json", types.to_string().as_bytes()),
        (
            "script/name.wasm",
            &component(r#"{"object": {"name": "given by a component", "nick": "n"}}"#),
        ),
        ("script/judge.wasm", &component("null")),
        ("script/nick.wasm", &component("\"shown by a component\"")),
    ])
}

#[test]
fn a_component_changes_what_is_stored_and_what_is_shown() {
    let server = server();
    let client = &server.client;
    let made = client.put("managed/user/joe", &json!({"name": "Joe"})).expect(201);
    assert_eq!(made["name"], "given by a component");
    let read = client.get("managed/user/joe").expect(200);
    assert_eq!(
        (&read["name"], &read["nick"]),
        (&json!("given by a component"), &json!("shown by a component"))
    );
}

#[test]
fn a_component_judges_a_property_and_what_it_refuses_is_not_stored() {
    let server = server();
    let client = &server.client;
    client.put("managed/user/joe", &json!({})).expect(201);
    let before = client.get("managed/user/joe").expect(200);
    let nick = |nick: &str| json!([{"operation": "replace", "field": "/nick", "value": nick}]);
    let problem = client.patch("managed/user/joe", &nick("forbidden")).expect(400);
    assert_eq!(problem["message"], "a component says no");
    assert_eq!(client.get("managed/user/joe").expect(200), before);
    client.patch("managed/user/joe", &nick("fine")).expect(200);
    assert_ne!(client.get("managed/user/joe").expect(200)["_rev"], before["_rev"]);
}

#[test]
fn a_component_that_traps_fails_its_request_and_no_other() {
    let server = server();
    let client = &server.client;
    let problem = client.put("managed/user/explode", &json!({})).expect(500);
    assert!(
        problem["message"].as_str().unwrap().contains("managed/user onCreate"),
        "{problem}"
    );
    client.get("managed/user/explode").expect(404);
    client.put("managed/user/joe", &json!({})).expect(201);
    let deleted: Value = client.delete("managed/user/joe").expect(200);
    assert_eq!(deleted["_id"], "joe");
}
