//! Create, read, update, delete.

use serde_json::{Value, json};

use crate::harness::{Server, assert_like};

#[test]
fn an_object_is_created_read_updated_and_deleted() {
    let server = Server::start();
    let client = &server.client;
    let user = json!({"userName": "bjensen", "mail": "bjensen@example.com"});
    let created = client.put("managed/user/bjensen", &user);
    assert_eq!(created.header("Location"), Some("/openidm/managed/user/bjensen"));
    assert_eq!(created.header("Content-Type"), Some("application/json;charset=UTF-8"));
    assert_eq!(created.header("Cache-Control"), Some("no-cache"));
    let tag = created.header("ETag").unwrap().trim_matches('"').to_owned();
    let created = created.expect(201);
    assert_like(
        &created,
        &json!({"_id": "bjensen", "_rev": tag, "userName": "bjensen", "mail": "bjensen@example.com"}),
    );

    let read = client.get("managed/user/bjensen");
    assert_eq!(read.header("ETag").unwrap().trim_matches('"'), tag);
    assert_eq!(read.expect(200), created);

    let updated = client.put("managed/user/bjensen", &json!({"sn": "Jensen"}));
    assert_eq!(updated.header("Location"), None);
    let updated = updated.expect(200);
    assert_like(&updated, &json!({"_id": "bjensen", "_rev": "<rev>", "sn": "Jensen"}));
    assert_ne!(updated["_rev"], created["_rev"]);

    assert_eq!(client.delete("managed/user/bjensen").expect(200), updated);
    client.get("managed/user/bjensen").expect(404);
    let problem = client.delete("managed/user/bjensen").expect(404);
    let expected =
        json!({"code": 404, "reason": "Not Found", "message": "Resource &#39;managed/user/bjensen&#39; not found"});
    assert_like(&problem, &expected);
}

#[test]
fn the_server_chooses_an_id_when_the_client_does_not() {
    let server = Server::start();
    let client = &server.client;
    for path in ["managed/user?_action=create", "managed/user"] {
        let created = client.post(path, Some(&json!({"n": 1})));
        let location = created.header("Location").unwrap().to_owned();
        let created = created.expect(201);
        assert_like(&created, &json!({"_id": "<uuid>", "_rev": "<rev>", "n": 1}));
        assert_eq!(
            location,
            format!("/openidm/managed/user/{}", created["_id"].as_str().unwrap())
        );
    }
    assert_eq!(client.query("managed/user", "true").len(), 2);
    let named = client.post("managed/user?_action=create", Some(&json!({"_id": "joe", "n": 1})));
    assert_like(&named.expect(201), &json!({"_id": "joe", "_rev": "<rev>", "n": 1}));
    client
        .post("managed/user?_action=create", Some(&json!({"_id": "joe"})))
        .expect(412);
}

#[test]
fn an_object_that_is_read_can_be_sent_back() {
    let server = Server::start();
    let client = &server.client;
    let created = client.put("managed/user/joe", &json!({"n": 1})).expect(201);
    // The same content is no change, whatever the order of its members.
    assert_eq!(client.put("managed/user/joe", &created).expect(200), created);
    let mut changed = created.clone();
    changed["n"] = json!(2);
    let updated = client.put("managed/user/joe", &changed).expect(200);
    assert_eq!((&updated["n"], &updated["_id"]), (&json!(2), &json!("joe")));
    assert_ne!(updated["_rev"], created["_rev"]);
}

#[test]
fn an_id_may_hold_what_paths_cannot() {
    let server = Server::start();
    let client = &server.client;
    let ids = [
        ("uid%3Djoe%2Cdc%3Dx%2Fy", "uid=joe,dc=x/y"),
        ("with%20space", "with space"),
        ("a+b", "a+b"),
        ("%C3%A9t%C3%A9", "été"),
        ("100%25", "100%"),
        ("%2E%2E", ".."),
        ("Joe", "Joe"),
        ("joe", "joe"),
    ];
    for (path, id) in ids {
        let created = client.put(&format!("managed/user/{path}"), &json!({"mine": id}));
        let location = created.header("Location").unwrap().to_owned();
        assert_eq!(created.expect(201)["_id"], id);
        let answer = client.send("GET", &location, &credentials(), None);
        assert_eq!(answer.expect(200)["mine"], id, "{location}");
    }
    assert_eq!(client.query("managed/user", "true").len(), ids.len());
    // A type is found without regard to case, an object is not.
    assert_eq!(client.get("MANAGED/User/Joe").expect(200)["_id"], "Joe");
    client.get("managed/user/JOE").expect(404);
}

fn credentials() -> [(&'static str, &'static str); 2] {
    [
        ("X-OpenIDM-Username", "openidm-admin"),
        ("X-OpenIDM-Password", crate::harness::PASSWORD),
    ]
}

#[test]
fn what_is_stored_comes_back_to_the_letter() {
    let server = Server::start();
    let text = r#"{"z":1,"a":[],"m":{"y":null,"x":{}},"":"","big":12345678901234567890,"small":-9223372036854775808,"ratio":0.1,"exponent":1.5e300,"text":"\u0000\"\\\n\té\ud83d\ude00","x/y":{"~1":[[1,[2]]]}}"#;
    let sent: Value = serde_json::from_str(text).unwrap();
    server.client.put("managed/user/exact", &sent).expect(201);
    let read = server.client.get("managed/user/exact").expect(200);
    let mut expected = json!({"_id": "exact", "_rev": "<rev>"});
    expected
        .as_object_mut()
        .unwrap()
        .extend(sent.as_object().unwrap().clone());
    assert_like(&read, &expected);
}

#[test]
fn fields_choose_what_an_answer_shows() {
    let server = Server::start();
    let client = &server.client;
    let user =
        json!({"name": {"given": "Babs", "family": "Jensen"}, "mail": null, "tags": ["a", {"b": 1}], "active": true});
    let created = client.put("managed/user/babs", &user).expect(201);
    let rev = created["_rev"].clone();
    let check = |fields: &str, expected: Value| {
        let mut whole = json!({"_id": "babs", "_rev": rev});
        whole
            .as_object_mut()
            .unwrap()
            .extend(expected.as_object().unwrap().clone());
        let read = client.get(&format!("managed/user/babs?_fields={fields}")).expect(200);
        assert_like(&read, &whole);
        let found = client
            .get(&format!("managed/user?_queryFilter=true&_fields={fields}"))
            .expect(200);
        assert_like(&found["result"][0], &whole);
    };
    check("_id", json!({}));
    check("active,mail,nothing", json!({"active": true, "mail": null}));
    check("name/given,/name", json!({"given": "Babs", "name": user["name"]}));
    check("tags/1/b&_fields=tags/0", json!({"b": 1, "0": "a"}));
    check("", user.clone());
    check("*", user);
    // Writing verbs show what is asked for as well.
    let patch = json!([{"operation": "replace", "field": "/active", "value": false}]);
    let patched = client.patch("managed/user/babs?_fields=active", &patch).expect(200);
    assert_like(&patched, &json!({"_id": "babs", "_rev": "<rev>", "active": false}));
    let deleted = client.delete("managed/user/babs?_fields=active").expect(200);
    assert_like(&deleted, &json!({"_id": "babs", "_rev": "<rev>", "active": false}));
}

#[test]
fn an_answer_can_be_pretty_or_a_single_value() {
    let server = Server::start();
    let client = &server.client;
    client
        .put("managed/user/joe", &json!({"name": "Joe \"J\"", "n": [1]}))
        .expect(201);
    let pretty = client.get("managed/user/joe?_prettyPrint=true&_fields=n");
    assert!(pretty.text.contains("\n  \"n\": [\n"), "{}", pretty.text);
    let text = client.get("managed/user/joe?_fields=name&_mimeType=text/plain");
    assert_eq!((text.status, text.text.as_str()), (200, "Joe \"J\""));
    assert_eq!(text.header("Content-Type"), Some("text/plain;charset=UTF-8"));
    client
        .get("managed/user/joe?_fields=name&_mimeType=image/png")
        .expect(400);
}

#[test]
fn other_methods_say_what_they_can() {
    let server = Server::start();
    let client = &server.client;
    client.put("managed/user/joe", &json!({"n": 1})).expect(201);
    let head = client.request("HEAD", "managed/user/joe", &[], None);
    assert_eq!((head.status, head.text.as_str()), (200, ""));
    assert!(head.header("ETag").is_some());
    let options = client.request("OPTIONS", "managed/user/joe", &[], None);
    assert_eq!(options.status, 200);
    for method in ["GET", "PUT", "POST", "PATCH", "DELETE"] {
        assert!(options.header("Allow").unwrap().contains(method), "{method}");
    }
    let patch = json!([{"operation": "increment", "field": "/n", "value": 1}]);
    let overridden = client.request(
        "POST",
        "managed/user/joe",
        &[("X-HTTP-Method-Override", "PATCH")],
        Some(&patch),
    );
    assert_eq!(overridden.expect(200)["n"], 2);
}

#[test]
fn types_do_not_know_each_other() {
    let server = Server::start();
    let client = &server.client;
    client.put("managed/user/same", &json!({"is": "user"})).expect(201);
    client.put("managed/role/same", &json!({"is": "role"})).expect(201);
    client.delete("managed/role/same").expect(200);
    assert_eq!(client.get("managed/user/same").expect(200)["is"], "user");
    assert!(client.query("managed/role", "true").is_empty());
}
