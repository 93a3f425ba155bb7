//! Revisions: what a client knows decides what it may do.

use serde_json::{Value, json};

use crate::harness::{Answer, Server};

struct Joe(Server);

impl Joe {
    /// An object at its second revision, which comes along.
    fn new() -> (Self, String, String) {
        let server = Server::start();
        let old = server.client.put("managed/user/joe", &json!({"n": 1})).expect(201);
        let new = server.client.put("managed/user/joe", &json!({"n": 2})).expect(200);
        let rev = |object: &Value| object["_rev"].as_str().unwrap().to_owned();
        (Self(server), rev(&old), rev(&new))
    }

    fn request(&self, method: &str, header: &str, value: &str, body: Option<&Value>) -> Answer {
        self.0
            .client
            .request(method, "managed/user/joe", &[(header, value)], body)
    }

    fn n(&self) -> Value {
        self.0.client.get("managed/user/joe").expect(200)["n"].clone()
    }
}

#[test]
fn an_update_applies_to_the_revision_that_it_names() {
    let (joe, old, new) = Joe::new();
    let patch = json!([{"operation": "increment", "field": "/n", "value": 10}]);
    for (method, body) in [
        ("PUT", Some(json!({"n": 9}))),
        ("PATCH", Some(patch.clone())),
        ("DELETE", None),
    ] {
        for stale in [&*old, "nonsense", "W/\"x\""] {
            joe.request(method, "If-Match", stale, body.as_ref()).expect(412);
        }
        assert_eq!(joe.n(), 2, "{method}");
    }
    // With quotes or without them; after that the revision is another one.
    joe.request("PATCH", "If-Match", &format!("\"{new}\""), Some(&patch))
        .expect(200);
    assert_eq!(joe.n(), 12);
    joe.request("PUT", "If-Match", &new, Some(&json!({"n": 3}))).expect(412);
    joe.request("PUT", "If-Match", "*", Some(&json!({"n": 3}))).expect(200);
    assert_eq!(joe.n(), 3);
    let rev = joe.0.client.get("managed/user/joe").header("ETag").unwrap().to_owned();
    joe.request("DELETE", "If-Match", &rev, None).expect(200);
    joe.request("PUT", "If-Match", "*", Some(&json!({}))).expect(404);
    joe.request("DELETE", "If-Match", "*", None).expect(404);
}

#[test]
fn a_client_can_ask_for_a_new_object_only() {
    let (joe, _, new) = Joe::new();
    joe.request("PUT", "If-None-Match", "*", Some(&json!({"n": 9})))
        .expect(412);
    assert_eq!(joe.n(), 2);
    joe.request("PUT", "If-None-Match", &new, Some(&json!({"n": 9})))
        .expect(400);
    joe.0.client.delete("managed/user/joe").expect(200);
    joe.request("PUT", "If-None-Match", "*", Some(&json!({"n": 9})))
        .expect(201);
    assert_eq!(joe.n(), 9);
}

#[test]
fn an_object_that_the_client_knows_is_not_sent_again() {
    let (joe, old, new) = Joe::new();
    for known in [
        new.clone(),
        format!("\"{new}\""),
        format!("W/\"{new}\""),
        format!("\"{old}\", \"{new}\""),
    ] {
        let answer = joe.request("GET", "If-None-Match", &known, None);
        assert_eq!((answer.status, answer.text.as_str()), (304, ""), "{known}");
        assert_eq!(answer.header("ETag").unwrap().trim_matches('"'), new);
    }
    assert_eq!(joe.request("GET", "If-None-Match", &old, None).expect(200)["n"], 2);
    joe.0
        .client
        .request("GET", "managed/user/nobody", &[("If-None-Match", &new)], None)
        .expect(404);
}

#[test]
fn conditions_that_make_no_sense_are_refused() {
    let (joe, _, new) = Joe::new();
    let refused = [
        ("GET", "If-None-Match", "*"),
        ("GET", "If-Match", &*new),
        ("POST", "If-Match", "*"),
        ("POST", "If-None-Match", "*"),
        ("PATCH", "If-None-Match", "*"),
        ("DELETE", "If-None-Match", &*new),
    ];
    for (method, header, value) in refused {
        let body = (method == "POST" || method == "PATCH").then(|| json!([]));
        joe.request(method, header, value, body.as_ref()).expect(412);
    }
    let both = [("If-Match", "*"), ("If-None-Match", "*")];
    joe.0
        .client
        .request("PUT", "managed/user/joe", &both, Some(&json!({})))
        .expect(412);
    joe.request("GET", "If-Modified-Since", "Wed, 21 Oct 2015 07:28:00 GMT", None)
        .expect(409);
    assert_eq!(joe.n(), 2);
}
