//! Bearer tokens: made over REST, shown once, revoked.

use serde_json::json;

use crate::harness::Server;

#[test]
fn a_token_signs_in_until_it_is_revoked_and_is_shown_only_once() {
    let server = Server::start();
    let client = &server.client;
    let made = client
        .post("internal/token", Some(&json!({"name": "deployer"})))
        .expect(201);
    let (id, token) = (made["_id"].as_str().unwrap(), made["token"].as_str().unwrap());
    let bearer = format!("Bearer {token}");
    let sign_in = || {
        client.send(
            "GET",
            "/openidm/managed/user?_queryFilter=true",
            &[("Authorization", &bearer)],
            None,
        )
    };
    assert_eq!(sign_in().status, 200);
    let listed = client.get("internal/token?_queryFilter=true");
    assert!(!listed.text.contains(token), "{}", listed.text);
    assert!(!listed.text.contains("hash"), "{}", listed.text);
    assert_eq!(listed.expect(200)["result"][0]["name"], "deployer");
    client.delete(&format!("internal/token/{id}")).expect(200);
    assert_eq!(sign_in().status, 401);
}

#[test]
fn a_token_ends_at_its_time() {
    let server = Server::start();
    let body = json!({"name": "visitor", "expires": "2026-06-01T13:00:00.000Z"});
    let made = server.client.post("internal/token", Some(&body)).expect(201);
    let bearer = format!("Bearer {}", made["token"].as_str().unwrap());
    let sign_in = || {
        server.client.send(
            "GET",
            "/openidm/scheduler/job?_queryFilter=true",
            &[("Authorization", &bearer)],
            None,
        )
    };
    assert_eq!(sign_in().status, 200);
    server.advance(chrono::Duration::minutes(61));
    assert_eq!(sign_in().status, 401);
}

#[test]
fn a_token_that_cannot_be_understood_is_not_made() {
    let server = Server::start();
    for (body, pointer) in [
        (json!({}), "/name"),
        (json!({"name": 1}), "/name"),
        (json!({"name": "x", "roles": "openidm-admin"}), "/roles"),
        (json!({"name": "x", "roles": ["openidm-king"]}), "/roles"),
        (json!({"name": "x", "expires": "soon"}), "/expires"),
        (json!({"name": "x", "forever": true}), "/forever"),
    ] {
        let problem = server.client.post("internal/token", Some(&body)).expect(400);
        assert_eq!(problem["detail"]["pointer"], pointer, "{problem}");
    }
    assert_eq!(
        server.client.query("internal/token", "true"),
        Vec::<serde_json::Value>::new()
    );
}

#[test]
fn tokens_are_listed_like_everything_else() {
    let server = Server::start();
    let client = &server.client;
    for name in ["c", "a", "b"] {
        client.post("internal/token", Some(&json!({"name": name}))).expect(201);
    }
    let names = |query: &str| {
        let page = client.get(&format!("internal/token?{query}")).expect(200);
        let tokens = page["result"].as_array().unwrap().iter();
        let names: String = tokens.map(|token| token["name"].as_str().unwrap()).collect();
        (names, page)
    };
    assert_eq!(names("_queryFilter=true&_sortKeys=-name").0, "cba");
    assert_eq!(names("_queryFilter=name+gt+%22a%22&_sortKeys=name").0, "bc");
    assert_eq!(names("_queryId=query-all").0.len(), 3);
    let (first, page) = names("_queryFilter=true&_sortKeys=name&_pageSize=2&_totalPagedResultsPolicy=EXACT");
    assert_eq!((first.as_str(), &page["totalPagedResults"]), ("ab", &json!(3)));
    let cookie = page["pagedResultsCookie"].as_str().unwrap();
    let (last, page) = names(&format!(
        "_queryFilter=true&_sortKeys=name&_pageSize=2&_pagedResultsCookie={cookie}"
    ));
    assert_eq!((last.as_str(), &page["pagedResultsCookie"]), ("c", &json!(null)));
    assert_eq!(
        client
            .get("internal/token?_queryFilter=true&_countOnly=true")
            .expect(200),
        json!({"resultCount": 3})
    );
}
