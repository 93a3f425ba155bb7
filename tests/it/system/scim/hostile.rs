//! Services that misbehave: what they cost, and whom.

use serde_json::{Value, json};

use super::service::{Abilities, Service, Trouble};
use super::{start, system};
use crate::harness::{Server, pause};
use crate::system::csv_system;
use crate::system::hanging::answer_of;

/// The message of a read that fails.
fn failed(server: &Server, status: u16) -> String {
    let answer = answer_of(server, "system/scim/account/id-001", status);
    answer["message"].as_str().unwrap().to_owned()
}

#[test]
fn an_answer_that_is_none_fails_the_call_and_nothing_else() {
    let service = Service::start(Abilities::default()).with_users(3);
    let server = start(&service, json!({}));
    server.client.get("system/scim/account/id-001").expect(200);
    let check = |trouble: Trouble, status: u16, expected: &str| {
        service.trouble(trouble.clone());
        let message = failed(&server, status);
        assert!(message.contains(expected), "{trouble:?}: {message}");
        server.client.get("system/scim/account/id-001").expect(200);
    };
    let answer = |status: u16, body: &str| Trouble::Answer(status, "", body.to_owned());
    check(Trouble::Endless, 413, "more than 16777216 bytes");
    check(answer(200, "<html>"), 500, "no JSON (line 1, column 1)");
    check(answer(200, &"[".repeat(100_000)), 500, "no JSON");
    check(answer(200, ""), 500, "no id");
    check(answer(200, "[]"), 500, "no id");
    check(answer(200, "{\"id\": 7}"), 500, "no id");
    check(answer(500, "{\"detail\": \"out of cheese\"}"), 500, "out of cheese");
    check(answer(500, "<html>"), 500, "it answers 500");
    check(answer(418, ""), 500, "it answers 418");
    check(answer(403, "{\"detail\": \"not you\"}"), 403, "denies it: not you");
    check(
        answer(400, &json!({"detail": "x".repeat(100_000)}).to_string()),
        400,
        "xxx",
    );
    let list = |trouble: Trouble, status: u16, expected: &str| {
        service.trouble(trouble);
        let refused = server
            .client
            .get("system/scim/account?_queryFilter=true")
            .expect(status);
        assert!(refused["message"].as_str().unwrap().contains(expected), "{refused}");
    };
    list(answer(200, "{\"Resources\": []}"), 500, "no list");
    list(answer(200, "{\"totalResults\": 1, \"Resources\": 7}"), 500, "no list");
    list(answer(200, "{\"totalResults\": 1, \"Resources\": [{}]}"), 500, "no id");
    list(
        answer(400, "{\"detail\": \"too many\", \"scimType\": \"tooMany\"}"),
        413,
        "too many",
    );
    // Fewer objects than it promises are not all of them.
    list(
        answer(200, "{\"totalResults\": 1000, \"Resources\": []}"),
        500,
        "it has 1000 objects, and gives 0",
    );
    // It says the same page again and again.
    for _ in 0..2 {
        service.trouble(answer(
            200,
            "{\"totalResults\": 1000, \"Resources\": [{\"id\": \"a\"}]}",
        ));
    }
    list(
        answer(200, "{\"totalResults\": 1000, \"Resources\": [{\"id\": \"a\"}]}"),
        500,
        "the same objects",
    );
    assert_eq!(server.client.query("system/scim/account", "true").len(), 3);
}

#[test]
fn a_connection_that_breaks_is_tried_again_for_a_read_and_not_for_a_write() {
    let service = Service::start(Abilities::default()).with_users(1);
    let server = start(&service, json!({}));
    server.client.get("system/scim/account/id-001").expect(200);
    service.seen();
    service.trouble(Trouble::Cut);
    server.client.get("system/scim/account/id-001").expect(200);
    assert_eq!(service.calls().len(), 2);
    service.trouble(Trouble::Cut);
    let new = json!({"userName": "new"});
    let lost = server
        .client
        .post("system/scim/account?_action=create", Some(&new))
        .expect(503);
    assert!(lost["message"].as_str().unwrap().contains("broke"), "{lost}");
    assert_eq!(service.calls(), ["POST /scim/v2/Users"]);
    for _ in 0..4 {
        service.trouble(Trouble::Answer(502, "", String::new()));
    }
    assert!(failed(&server, 503).contains("answers 502"));
}

#[test]
fn a_service_that_is_silent_costs_those_who_ask_it_until_their_deadline() {
    let service = Service::start(Abilities::default()).with_users(1);
    let mut object = system(service.port, json!({}));
    object["operationTimeout"] = json!({"GET": 50});
    let server = Server::with_files(&[
        ("people.csv", b"uid,name\na,Ann\n"),
        ("provisioner.openicf-hr.json", csv_system().to_string().as_bytes()),
        ("provisioner.openicf-scim.json", object.to_string().as_bytes()),
    ]);
    server.client.get("system/scim/account/id-001").expect(200);
    for _ in 0..5 {
        service.trouble(Trouble::Silence);
        assert!(failed(&server, 503).contains("did not answer within 50 ms"));
        server.client.get("system/hr/account/a").expect(200);
    }
    assert!(failed(&server, 503).contains("left alone"));
    server.clock.advance(chrono::Duration::seconds(31));
    server.client.get("system/scim/account/id-001").expect(200);
}

#[test]
fn a_service_that_asks_for_rest_gets_it() {
    let service = Service::start(Abilities::default()).with_users(1);
    let server = start(&service, json!({}));
    server.client.get("system/scim/account/id-001").expect(200);
    service.seen();
    // A short rest: reads wait for it.
    service.trouble(Trouble::Answer(429, "Retry-After: 20\r\n", String::new()));
    std::thread::scope(|scope| {
        let call = scope.spawn(|| server.client.get("system/scim/account/id-001").expect(200));
        while service.state.lock().seen.is_empty() {
            pause();
        }
        server.clock.advance(chrono::Duration::seconds(10));
        pause();
        assert!(!call.is_finished());
        assert_eq!(service.state.lock().seen.len(), 1);
        while !call.is_finished() {
            server.clock.advance(chrono::Duration::seconds(1));
            pause();
        }
        call.join().unwrap();
    });
    assert_eq!(service.calls().len(), 2);
    // A long one: nobody waits that long, and nobody asks before.
    service.trouble(Trouble::Answer(503, "Retry-After: 600\r\n", String::new()));
    let message = failed(&server, 503);
    assert!(message.contains("asks to be left alone for 600 s"), "{message}");
    for _ in 0..10 {
        let message = failed(&server, 503);
        assert!(message.contains("asks to be left alone"), "{message}");
    }
    assert_eq!(service.calls().len(), 1);
    server.clock.advance(chrono::Duration::seconds(601));
    server.client.get("system/scim/account/id-001").expect(200);
    // A write that was sent away is not sent again by itself.
    service.seen();
    service.trouble(Trouble::Answer(429, "", String::new()));
    let new = json!({"userName": "new"});
    server
        .client
        .post("system/scim/account?_action=create", Some(&new))
        .expect(503);
    assert_eq!(service.calls(), ["POST /scim/v2/Users"]);
}

#[test]
fn a_service_cannot_send_us_elsewhere_by_what_it_says_of_itself() {
    let service = Service::start(Abilities::default()).with_users(1);
    let other = Service::start(Abilities::default()).with_users(1);
    let made: Value = json!({"id": "id-001", "userName": "x",
        "meta": {"location": format!("http://127.0.0.1:{}/scim/v2/Users/id-001", other.port)}});
    let server = start(&service, json!({}));
    service.trouble(Trouble::Answer(
        201,
        "Location: http://127.0.0.1:1/\r\n",
        made.to_string(),
    ));
    server
        .client
        .post("system/scim/account?_action=create", Some(&json!({"userName": "x"})))
        .expect(201);
    assert!(other.state.lock().seen.is_empty());
    // What was made without an id is not looked for.
    service.trouble(Trouble::Answer(201, "", String::new()));
    server
        .client
        .post("system/scim/account?_action=create", Some(&json!({"userName": "y"})))
        .expect(500);
}
