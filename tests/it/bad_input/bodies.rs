//! Bodies that are no JSON, or not the JSON that is wanted.

use serde_json::json;

use super::Empty;

const PUTS: [(&str, &str); 4] = [
    ("PUT", "scheduler/job/bad"),
    ("PUT", "managed/user/bad"),
    ("POST", "scheduler/job?_action=create"),
    ("POST", "managed/user?_action=create"),
];

#[test]
fn malformed_json_is_refused_with_line_and_column() {
    let server = Empty::new();
    let check = |body: &[u8], line: u64, column: u64, words: &str| {
        for request in PUTS {
            server.refuses_bytes(request, body, 400, words, json!({"line": line, "column": column}));
        }
    };
    check(b"{\n  \"enabled\": true,\n}", 2, 18, "a comma before `}`: leave it out");
    check(b"{\"a\": 1 \"b\": 2}", 1, 9, "a comma is missing");
    check(b"{\n\t\"a\": \"x\\{y\"\n}", 2, 9, "write \"{\" for a brace");
    check(b"{'a': 1}", 1, 2, "single quotes around a name: write \"");
    check(b"{\"a\": tru}", 1, 7, "a string without quotes: write \"tru\"");
    check(b"{\"a\": 01}", 1, 7, "0");
    check(b"{\"a\": NaN}", 1, 7, "`NaN` is no JSON: write a number or `null`");
    check(
        b"{\"a\": 1} {}",
        1,
        10,
        "after the end of the JSON: write one value only",
    );
    check(
        b"{\"a\": [1, 2}",
        1,
        12,
        "write `]`, for what starts at line 1, column 7",
    );
    check(b"{\"a\": \"\xff\"}", 1, 8, "UTF-8");
    check(b"{\"a\": 1 /* one */}", 1, 9, "JSON has no comments");
    check("\u{feff}{}".as_bytes(), 1, 1, "a byte order mark: leave it out");
    check(b"{", 1, 2, "the text ends inside an object");
}

#[test]
fn a_name_that_occurs_twice_is_refused() {
    let server = Empty::new();
    for request in PUTS {
        let body = b"{\"enabled\": true, \"list\": [{\"a\": 1,\n\"a\": 2}]}";
        let detail = json!({"line": 2, "column": 1, "pointer": "/list/0/a"});
        server.refuses_bytes(request, body, 400, "\"a\"", detail);
    }
}

#[test]
fn json_without_end_is_refused() {
    let server = Empty::new();
    let deep = format!("{{\"a\": {}{}}}", "[".repeat(100), "]".repeat(100));
    server.refuses_bytes(
        PUTS[1],
        deep.as_bytes(),
        400,
        "too many objects and arrays inside each other",
        json!({"line": 1}),
    );
    let deeper = "[".repeat(100_000);
    server.refuses_bytes(
        PUTS[1],
        deeper.as_bytes(),
        400,
        "too many objects and arrays inside each other",
        json!({"line": 1}),
    );
}

#[test]
fn json_that_is_no_object_makes_no_resource() {
    let server = Empty::new();
    for request in PUTS {
        for body in ["[]", "1", "null", "\"text\"", "true"] {
            server.refuses_bytes(
                request,
                body.as_bytes(),
                400,
                "the body has to be a JSON object",
                json!({}),
            );
        }
        for body in ["", " \r\n"] {
            server.refuses_bytes(
                request,
                body.as_bytes(),
                400,
                "the body is empty: a JSON object is required",
                json!({}),
            );
        }
    }
}

#[test]
fn a_body_of_another_type_is_refused() {
    let server = Empty::new();
    for content_type in [
        None,
        Some("text/plain"),
        Some("application/x-www-form-urlencoded"),
        Some("application/json; charset=latin1"),
    ] {
        for (method, path) in PUTS {
            let mut headers = vec![
                ("X-OpenIDM-Username", "openidm-admin"),
                ("X-OpenIDM-Password", crate::harness::PASSWORD),
            ];
            headers.extend(content_type.map(|value| ("Content-Type", value)));
            let answer = server
                .0
                .client
                .send(method, &format!("/openidm/{path}"), &headers, Some(b"{\"a\": 1}"));
            let problem = answer.expect(400);
            assert_eq!(
                problem["detail"]["header"], "Content-Type",
                "{content_type:?}: {problem}"
            );
            server.assert_empty(path);
        }
    }
}
