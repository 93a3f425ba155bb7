//! Requests that are wrong whatever they are about: paths, methods, headers, sizes.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use serde_json::json;

use super::{Empty, plain};
use crate::harness::PASSWORD;

#[test]
fn a_body_over_the_limit_is_refused() {
    let server = Empty::with_files(&[("taskwarden.toml", b"[rest]\nbody-bytes = 1000\n")]);
    let body = json!({"text": "x".repeat(1000)});
    let words = "the body is longer than 1000 bytes";
    server.refuses(("PUT", "managed/user/large"), &body, 413, words, json!({}));
    server.refuses(("POST", "managed/user?_action=create"), &body, 413, words, json!({}));
    server.refuses(("PUT", "scheduler/job/large"), &body, 413, words, json!({}));
    server.refuses(("PATCH", "managed/user/large"), &body, 413, words, json!({}));
    let just_so = "x".repeat(1000 - json!({"text": ""}).to_string().len());
    server
        .0
        .client
        .put("managed/user/fits", &json!({"text": just_so}))
        .expect(201);
}

/// Sends what no well-behaved client sends: a request line, headers and whatever follows. Answers status and body.
fn send_raw(server: &Empty, request_line: &str, headers: &str, body: &str) -> (u16, String) {
    let address = server.0.client.base.strip_prefix("http://").unwrap();
    let mut connection = TcpStream::connect(address).unwrap();
    let head = format!(
        "{request_line} HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nConnection: close\r\n\
         X-OpenIDM-Username: openidm-admin\r\nX-OpenIDM-Password: {PASSWORD}\r\n{headers}\r\n"
    );
    connection.write_all(format!("{head}{body}").as_bytes()).unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
    (status.unwrap_or_else(|| panic!("no status in {answer:?}")), answer)
}

#[test]
fn a_body_over_the_limit_is_refused_where_its_length_is_not_said() {
    let server = Empty::with_files(&[("taskwarden.toml", b"[rest]\nbody-bytes = 1000\n")]);
    let chunk = format!("258\r\n{}\r\n", " ".repeat(600));
    let chunks = format!("{chunk}{chunk}0\r\n\r\n");
    let chunked = "Transfer-Encoding: chunked\r\n";
    let (status, answer) = send_raw(&server, "PUT /openidm/managed/user/large", chunked, &chunks);
    assert_eq!(status, 413, "{answer}");
    assert!(answer.contains("the body is longer than 1000 bytes"), "{answer}");
    server.assert_empty("chunked");
}

#[test]
fn the_limit_without_a_setting_is_four_megabytes() {
    let server = Empty::new();
    // The length that is said is enough to refuse it: nothing of the body has to come.
    let length = "Content-Length: 4194305\r\n";
    let (status, answer) = send_raw(&server, "PUT /openidm/managed/user/large", length, "");
    assert_eq!(status, 413, "{answer}");
    assert!(answer.contains("the body is longer than 4194304 bytes"), "{answer}");
    server.assert_empty("large");
}

#[test]
fn a_path_that_leads_nowhere_is_not_found() {
    let server = Empty::new();
    let paths = [
        "nothing",
        "nothing/at/all",
        "config/schedule/x",
        "repo/managed/user",
        "info",
        "managed",
    ];
    for path in paths {
        server.refuses_bytes(
            ("GET", path),
            b"",
            404,
            &format!("Resource '{path}' not found"),
            json!({}),
        );
    }
    let answer = server.0.client.send("GET", "/elsewhere", &[], None);
    assert_eq!(
        plain(answer.expect(404)["message"].as_str().unwrap()),
        "Resource '/elsewhere' not found"
    );
}

#[test]
fn a_path_that_is_none_is_refused() {
    let server = Empty::new();
    server.refuses(("PUT", "managed//user/x"), &json!({}), 400, "empty element", json!({}));
    server.refuses(
        ("PUT", "managed/user/%FF"),
        &json!({}),
        400,
        "does not decode to UTF-8",
        json!({}),
    );
    server.refuses(
        ("PUT", "managed/user/%00"),
        &json!({}),
        400,
        "control character",
        json!({}),
    );
    server.refuses(
        ("PUT", &format!("managed/user/{}", "x".repeat(513))),
        &json!({}),
        400,
        "longer than 512 bytes",
        json!({}),
    );
}

#[test]
fn a_header_that_is_not_understood_is_refused() {
    let server = Empty::new();
    let check = |method: &str, name: &str, value: &str, status: u16| {
        let body = (method == "PUT").then(|| json!({}));
        let answer = server
            .0
            .client
            .request(method, "managed/user/x", &[(name, value)], body.as_ref());
        assert_eq!(answer.status, status, "{method} {name}: {value}: {}", answer.text);
        server.assert_empty(name);
    };
    for version in [
        "",
        "2.0",
        "resource=two",
        "resource=1.0.0",
        "Resource=1.0",
        "protocol=3.0",
        "resource=1.0,",
    ] {
        check("PUT", "Accept-API-Version", version, 400);
    }
    check("PUT", "If-Modified-Since", "Wed, 21 Oct 2015 07:28:00 GMT", 409);
    check("PUT", "If-Unmodified-Since", "Wed, 21 Oct 2015 07:28:00 GMT", 409);
    check("PUT", "If-None-Match", "7", 400);
    check("PUT", "If-Match", "*", 404);
    check("PUT", "If-Match", "7", 404);
    check("GET", "If-Match", "7", 412);
    check("GET", "If-None-Match", "*", 412);
}

#[test]
fn a_method_that_is_not_known_is_refused() {
    let server = Empty::new();
    for method in ["TRACE", "BREW"] {
        let (status, answer) = send_raw(&server, &format!("{method} /openidm/managed/user/x"), "", "");
        assert_eq!(status, 501, "{answer}");
    }
    let overridden = server.0.client.request(
        "POST",
        "managed/user/x",
        &[("X-HTTP-Method-Override", "BREW")],
        Some(&json!({})),
    );
    assert_eq!(overridden.status, 501, "{}", overridden.text);
    server.assert_empty("methods");
}

#[test]
fn what_is_asked_of_a_collection_and_meant_for_one_of_it_is_refused_and_the_other_way_round() {
    let server = Empty::new();
    let object = json!({});
    let patch = json!([]);
    for collection in ["scheduler/job", "managed/user"] {
        for (method, body) in [("PUT", Some(&object)), ("GET", None), ("DELETE", None)] {
            let answer = server.0.client.request(method, collection, &[], body);
            assert_eq!(answer.status, 400, "{method} {collection}: {}", answer.text);
        }
        let answer = server.0.client.get(&format!("{collection}/x?_queryFilter=true"));
        assert_eq!(answer.status, 400, "{collection}: {}", answer.text);
        let answer = server
            .0
            .client
            .post(&format!("{collection}/x?_action=create"), Some(&object));
        assert_eq!(answer.status, 400, "{collection}: {}", answer.text);
        server.assert_empty(collection);
    }
    assert_eq!(server.0.client.patch("managed/user", &patch).status, 400);
    assert_eq!(server.0.client.get("scheduler/trigger").status, 400);
    assert_eq!(server.0.client.get("internal/token").status, 400);
    // What a known resource does not support at all: behaviour 1.1, 1.11 and 2.6.
    for (method, path, body) in [
        ("PATCH", "scheduler/job/x", Some(&patch)),
        ("PUT", "scheduler/trigger/x", Some(&object)),
        ("PUT", "taskscanner/x", Some(&object)),
        ("PATCH", "internal/token/x", Some(&patch)),
    ] {
        let answer = server.0.client.request(method, path, &[], body);
        assert_eq!(answer.status, 501, "{method} {path}: {}", answer.text);
    }
    // Where there is nothing at all.
    assert_eq!(server.0.client.put("nothing/x", &object).status, 404);
    assert_eq!(server.0.client.put("managed/nothing/x", &object).status, 404);
}

#[test]
fn a_url_that_is_too_long_is_refused() {
    let server = Empty::new();
    for (length, status) in [(33_000, 414), (1_000_000, 431)] {
        let path = format!("GET /openidm/managed/user?_queryFilter={}", "x".repeat(length));
        let (found, answer) = send_raw(&server, &path, "", "");
        assert_eq!(found, status, "{answer}");
    }
}

#[test]
fn who_sends_a_body_that_is_far_too_long_reads_why_it_is_refused() {
    let server = Empty::new();
    let body = "x".repeat(32 * 1024 * 1024);
    let length = format!("Content-Length: {}\r\n", body.len());
    let (status, answer) = send_raw(&server, "PUT /openidm/managed/user/large", &length, &body);
    assert_eq!(status, 413, "{answer}");
    assert!(answer.contains("the body is longer than 4194304 bytes"), "{answer}");
    server.assert_empty("large");
}
