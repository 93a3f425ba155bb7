//! Requests that are wrong whatever they are about: paths, methods, headers, sizes.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use serde_json::{Value, json};

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

#[test]
fn a_body_over_the_limit_is_refused_where_its_length_is_not_said() {
    let server = Empty::with_files(&[("taskwarden.toml", b"[rest]\nbody-bytes = 1000\n")]);
    let address = server.0.client.base.strip_prefix("http://").unwrap();
    let mut connection = TcpStream::connect(address).unwrap();
    let head = format!(
        "PUT /openidm/managed/user/large HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nConnection: close\r\n\
         X-OpenIDM-Username: openidm-admin\r\nX-OpenIDM-Password: {PASSWORD}\r\nTransfer-Encoding: chunked\r\n\r\n"
    );
    connection.write_all(head.as_bytes()).unwrap();
    let chunk = format!("258\r\n{}\r\n", " ".repeat(600));
    connection
        .write_all(format!("{chunk}{chunk}0\r\n\r\n").as_bytes())
        .unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(answer.contains("the body is longer than 1000 bytes"), "{answer}");
    server.assert_empty("chunked");
}

#[test]
fn the_limit_without_a_setting_is_four_megabytes() {
    let server = Empty::new();
    let body = json!({"text": "x".repeat(4 * 1024 * 1024)});
    server.refuses(
        ("PUT", "managed/user/large"),
        &body,
        413,
        "the body is longer than 4194304 bytes",
        json!({}),
    );
}

#[test]
fn a_path_that_leads_nowhere_is_not_found() {
    let server = Empty::new();
    for path in [
        "nothing",
        "nothing/at/all",
        "config/schedule/x",
        "system/ldap",
        "repo/managed/user",
        "info",
        "managed",
    ] {
        let (get, _) = (("GET", path), ());
        let status = if path == "managed" { 404 } else { 404 };
        server.refuses_bytes(get, b"", status, &format!("Resource '{path}' not found"), json!({}));
    }
    let answer = server.0.client.send("GET", "/elsewhere", &[], None);
    assert_eq!(answer.status, 404);
    assert_eq!(
        plain(answer.json()["message"].as_str().unwrap()),
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
        let body = if method == "GET" { None } else { Some(&Value::Null) };
        let body = body.map(|_| json!({}));
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
        let answer = server.0.client.request(method, "managed/user/x", &[], None);
        assert_eq!(answer.status, 501, "{method}: {}", answer.text);
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
