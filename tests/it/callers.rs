//! Who is let in, and what somebody who is not learns: nothing.

use chrono::Duration;
use serde_json::{Value, json};

use crate::harness::{Answer, PASSWORD, Server};

/// What needs a caller: some of every kind, also what does not exist and what is wrong.
const CALLS: [(&str, &str, Option<&str>); 20] = [
    ("GET", "/openidm/managed/user?_queryFilter=true", None),
    ("GET", "/openidm/managed/user/joe", None),
    ("PUT", "/openidm/managed/user/mallory", Some("{}")),
    ("POST", "/openidm/managed/user?_action=create", Some("{}")),
    ("PATCH", "/openidm/managed/user/joe", Some("[]")),
    ("DELETE", "/openidm/managed/user/joe", None),
    ("GET", "/openidm/scheduler/job?_queryFilter=true", None),
    ("PUT", "/openidm/scheduler/job/mine", Some("{}")),
    ("POST", "/openidm/scheduler/job?_action=pauseJobs", None),
    (
        "POST",
        "/openidm/scheduler/job?_action=validateQuartzCronExpression",
        Some("{}"),
    ),
    ("GET", "/openidm/scheduler/trigger?_queryFilter=true", None),
    ("POST", "/openidm/taskscanner?_action=execute&name=x", None),
    ("GET", "/openidm/taskscanner?_queryFilter=true", None),
    ("POST", "/openidm/internal/token", Some("{\"name\": \"mallory\"}")),
    ("GET", "/openidm/internal/user/openidm-admin", None),
    ("GET", "/openidm/nothing", None),
    ("GET", "/openidm", None),
    ("PUT", "/openidm/managed/user/mallory", Some("{malformed")),
    ("GET", "/openidm/managed/user?_queryFilter=malformed", None),
    ("POST", "/openidm/info/ping", None),
];

/// The only words for everybody who is not let in.
fn denied() -> Value {
    json!({"code": 401, "reason": "Unauthorized", "message": "Access Denied"})
}

fn send(server: &Server, (method, path, body): (&str, &str, Option<&str>), headers: &[(&str, &str)]) -> Answer {
    let mut all = headers.to_vec();
    all.extend(body.map(|_| ("Content-Type", "application/json")));
    server.client.send(method, path, &all, body.map(str::as_bytes))
}

fn read(server: &Server, headers: &[(&str, &str)]) -> Answer {
    send(server, CALLS[0], headers)
}

fn basic(text: &str) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let letters = |chunk: &[u8]| {
        let bits = chunk
            .iter()
            .chain(&[0; 2])
            .take(3)
            .fold(0_usize, |bits, byte| bits << 8 | usize::from(*byte));
        let letter = |at: usize| {
            if at <= chunk.len() {
                char::from(LETTERS[bits >> (18 - 6 * at) & 63])
            } else {
                '='
            }
        };
        (0..4).map(letter).collect::<String>()
    };
    format!("Basic {}", text.as_bytes().chunks(3).map(letters).collect::<String>())
}

#[test]
fn nobody_gets_more_than_a_sign_of_life() {
    let server = Server::start();
    for (path, member, value) in [
        ("/openidm/info/ping", "state", "ACTIVE_READY"),
        ("/healthz", "status", "ok"),
        ("/readyz", "status", "ready"),
    ] {
        assert_eq!(
            send(&server, ("GET", path, None), &[]).expect(200)[member],
            value,
            "{path}"
        );
    }
    for call in CALLS {
        let answer = send(&server, call, &[]);
        assert_eq!(
            answer.header("WWW-Authenticate"),
            Some("Bearer realm=\"openidm\""),
            "{call:?}"
        );
        assert_eq!(answer.expect(401), denied(), "{call:?}");
    }
    // Names that a guest may not even use to sign in.
    let anonymous = [("X-OpenIDM-Username", "anonymous"), ("X-OpenIDM-Password", "anonymous")];
    assert_eq!(read(&server, &anonymous).expect(401), denied());
    assert_eq!(server.client.query("managed/user", "true"), Vec::<Value>::new());
    assert_eq!(server.client.query("internal/token", "true"), Vec::<Value>::new());
}

#[test]
fn every_wrong_credential_gets_the_same_words() {
    let server = Server::start();
    let user = "X-OpenIDM-Username";
    let password = "X-OpenIDM-Password";
    let long = "x".repeat(5_000);
    let wrong = basic("openidm-admin:wrong");
    let token = server
        .client
        .post("internal/token", Some(&json!({"name": "a"})))
        .expect(201);
    let mut forged = format!("Bearer {}", token["token"].as_str().unwrap());
    let last = forged.pop().unwrap();
    forged.push(if last == 'a' { 'b' } else { 'a' });
    let attempts: [&[(&str, &str)]; 16] = [
        &[(user, "openidm-admin"), (password, "wrong")],
        &[(user, "openidm-admin"), (password, "")],
        &[(user, "openidm-admin"), (password, &long)],
        &[(user, "OPENIDM-ADMIN"), (password, PASSWORD)],
        &[(user, "nobody"), (password, PASSWORD)],
        &[(user, ""), (password, "")],
        &[(user, "openidm-admin")],
        &[(password, PASSWORD)],
        &[("Authorization", &wrong)],
        &[("Authorization", "Basic !")],
        &[("Authorization", "Basic")],
        &[("Authorization", "Bearer tw_nothing_nothing")],
        &[("Authorization", "Bearer ")],
        &[("Authorization", &forged)],
        &[("Authorization", "Digest username=openidm-admin")],
        &[("Authorization", PASSWORD)],
    ];
    let expected = denied().to_string();
    for headers in attempts {
        let answer = read(&server, headers);
        assert_eq!(
            (answer.status, answer.text.as_str()),
            (401, expected.as_str()),
            "{headers:?}"
        );
    }
    assert_eq!(
        read(&server, &[(user, "openidm-admin"), (password, PASSWORD)]).status,
        200
    );
}

#[test]
fn a_password_can_come_in_three_ways() {
    let server = Server::start();
    let header = basic(&format!("openidm-admin:{PASSWORD}"));
    assert_eq!(read(&server, &[("Authorization", &header)]).status, 200);
    assert_eq!(
        read(&server, &[("Authorization", &header.replace("Basic", "basic"))]).status,
        200
    );
    let headers = [
        ("x-openidm-username", "openidm-admin"),
        ("X-OPENIDM-PASSWORD", PASSWORD),
    ];
    assert_eq!(read(&server, &headers).status, 200);
}

#[test]
fn more_than_one_credential_is_ambiguous() {
    let server = Server::start();
    let token = server
        .client
        .post("internal/token", Some(&json!({"name": "a"})))
        .expect(201);
    let bearer = format!("Bearer {}", token["token"].as_str().unwrap());
    let header = basic(&format!("openidm-admin:{PASSWORD}"));
    let user = ("X-OpenIDM-Username", "openidm-admin");
    let password = ("X-OpenIDM-Password", PASSWORD);
    let ambiguous: [&[(&str, &str)]; 5] = [
        &[user, password, ("Authorization", &bearer)],
        &[user, password, ("Authorization", &header)],
        &[user, ("Authorization", &bearer)],
        &[("Authorization", &bearer), ("Authorization", &bearer)],
        &[user, user, password],
    ];
    for headers in ambiguous {
        let problem = read(&server, headers).expect(400);
        assert!(
            problem["message"]
                .as_str()
                .unwrap()
                .contains("more than one credential"),
            "{problem}"
        );
    }
}

#[test]
fn a_caller_without_the_role_may_nothing_and_learns_nothing() {
    let server = Server::start();
    let body = json!({"name": "visitor", "roles": ["openidm-authorized"]});
    let token = server.client.post("internal/token", Some(&body)).expect(201);
    let bearer = format!("Bearer {}", token["token"].as_str().unwrap());
    let refused = json!({"code": 403, "reason": "Forbidden", "message": "Access denied"});
    for call in CALLS {
        // What is malformed is said to whoever has signed in.
        let is_malformed = call.1.contains("malformed") || call.2.is_some_and(|body| body.contains("malformed"));
        let is_wrong = is_malformed || call.1 == "/openidm/info/ping";
        let answer = send(&server, call, &[("Authorization", &bearer)]);
        if is_wrong {
            assert!(matches!(answer.status, 400 | 403), "{call:?}: {}", answer.text);
        } else {
            assert_eq!(answer.expect(403), refused, "{call:?}");
        }
    }
    assert_eq!(
        send(
            &server,
            ("GET", "/openidm/info/ping", None),
            &[("Authorization", &bearer)]
        )
        .status,
        200
    );
    assert_eq!(server.client.query("managed/user", "true"), Vec::<Value>::new());
    assert_eq!(server.client.query("internal/token", "true").len(), 1);
}

#[test]
fn a_name_is_closed_for_a_minute_after_ten_wrong_passwords() {
    let server = Server::start();
    let attempt = |user: &str, password: &str| {
        read(
            &server,
            &[("X-OpenIDM-Username", user), ("X-OpenIDM-Password", password)],
        )
        .status
    };
    for name in ["openidm-admin", "nobody"] {
        for number in 0..10 {
            assert_eq!(attempt(name, &format!("wrong {number}")), 401, "{name} {number}");
        }
        // Known or not: it looks the same.
        assert_eq!(attempt(name, "wrong"), 429, "{name}");
    }
    // The right one was not used before, so it has to wait as well; tokens do not.
    assert_eq!(attempt("openidm-admin", PASSWORD), 429);
    server.advance(Duration::seconds(61));
    assert_eq!(attempt("openidm-admin", PASSWORD), 200);
    assert_eq!(attempt("nobody", PASSWORD), 401);
}

#[test]
fn who_signed_in_before_is_not_locked_out_by_strangers() {
    let server = Server::start();
    server.client.get("managed/user?_queryFilter=true").expect(200);
    for number in 0..12 {
        let wrong = format!("wrong {number}");
        read(
            &server,
            &[("X-OpenIDM-Username", "openidm-admin"), ("X-OpenIDM-Password", &wrong)],
        );
    }
    server.client.get("managed/user?_queryFilter=true").expect(200);
}
