//! Whole requests, as the documents show them.

use http::header::CONTENT_TYPE;
use serde_json::json;

use super::*;

fn call(method: Method, url: &str, lines: &[(&'static str, &str)], body: &str) -> Result<Call, Problem> {
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, "application/json".parse().unwrap());
    for (name, value) in lines {
        headers.insert(*name, value.parse().unwrap());
    }
    Ask::of(method, path, query, &headers)?.call(Payload::plain(&headers, body.as_bytes()))
}

fn once(method: Method, url: &str, lines: &[(&'static str, &str)], body: &str) -> Request {
    match call(method, url, lines, body).unwrap() {
        Call::Once(request) => request,
        other => panic!("{url} became {other:?}"),
    }
}

fn path(text: &str) -> ResourcePath {
    ResourcePath::parse(text).unwrap()
}

#[test]
fn a_post_creates_in_the_container() {
    for url in [
        "scheduler/job",
        "scheduler/job?_action=create",
        "scheduler/job?_ACTION=Create",
    ] {
        let request = once(Method::Post, url, &[], "{\"enabled\": true}");
        assert_eq!(request.path, path("scheduler/job"));
        let Verb::Create(create) = request.verb else {
            panic!("{url}")
        };
        assert_eq!((create.id, create.content), (None, json!({"enabled": true})), "{url}");
    }
}

#[test]
fn a_put_that_may_only_create_names_the_id_in_the_container() {
    let request = once(Method::Put, "scheduler/job/my%2Fjob", &[("if-none-match", "*")], "{}");
    assert_eq!(request.path, path("scheduler/job"));
    let Verb::Create(create) = request.verb else {
        panic!("not a create")
    };
    assert_eq!(create.id.as_deref(), Some("my/job"));
}

#[test]
fn a_bare_put_is_both() {
    let found = call(
        Method::Put,
        "scheduler/job/x",
        &[("accept-api-version", "resource=2.0")],
        "{\"a\": 1}",
    )
    .unwrap();
    let Call::Upsert(upsert) = found else {
        panic!("{found:?}")
    };
    let (create, update) = (upsert.create(), upsert.update());
    assert_eq!(
        (create.path, update.path),
        (path("scheduler/job"), path("scheduler/job/x"))
    );
    assert_eq!(
        (create.version, update.version),
        (Some(ApiVersion { major: 2, minor: 0 }), create.version)
    );
    let (Verb::Create(create), Verb::Update(update)) = (create.verb, update.verb) else {
        panic!("other verbs")
    };
    assert_eq!((create.id.as_deref(), update.rev), (Some("x"), None));
    assert_eq!((create.content, update.content), (json!({"a": 1}), json!({"a": 1})));
}

#[test]
fn a_put_that_names_a_revision_updates() {
    let request = once(Method::Put, "managed/user/1", &[("if-match", "\"7\"")], "{}");
    let Verb::Update(update) = request.verb else {
        panic!("not an update")
    };
    assert_eq!(update.rev.as_deref(), Some("7"));
    assert_eq!(request.path, path("managed/user/1"));
}

#[test]
fn an_action_gets_every_parameter_that_is_not_the_languages() {
    let request = once(
        Method::Post,
        "recon?_action=recon&mapping=a_b&_x=1&_fields=_id",
        &[],
        "",
    );
    let Verb::Action(action) = request.verb else {
        panic!("not an action")
    };
    assert_eq!(action.name, "recon");
    let expected = [("mapping", "a_b"), ("_x", "1")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(action.parameters, expected);
    assert_eq!(action.content, None);
    assert!(!action.fields.is_all());
}

#[test]
fn a_query_with_a_page_size_is_one_request_and_without_it_is_many() {
    let request = once(Method::Get, "managed/user?_queryFilter=true&_pageSize=2", &[], "");
    assert!(matches!(request.verb, Verb::Query(query) if query.page_size == Some(2)));
    let found = call(Method::Get, "managed/user?_queryFilter=true", &[], "").unwrap();
    assert!(matches!(found, Call::Everything { query, .. } if query.page_size.is_none()));
}

#[test]
fn what_cannot_be_understood_is_refused_before_the_body() {
    let check = |method: Method, url: &str, lines: &[(&'static str, &str)], expected: u16| {
        let found = call(method, url, lines, "{").map(|_| ()).unwrap_err();
        assert_eq!(found.code.number(), expected, "{url}: {found}");
    };
    check(Method::Get, "a//b", &[], 400);
    check(Method::Get, "a?_queryFilterr=true", &[], 400);
    check(Method::Get, "a?_action=x", &[], 400);
    check(Method::Put, "a/b?_queryFilter=true", &[], 400);
    check(Method::Delete, "a/b?_pageSize=1", &[], 400);
    check(Method::Post, "a?_action=create&_pageSize=1", &[], 400);
    check(Method::Get, "a", &[("accept-api-version", "2")], 400);
    check(Method::Get, "a", &[("if-match", "1")], 412);
    check(Method::Get, "a", &[("if-modified-since", "x")], 409);
    check(Method::Get, &"x".repeat(MAX_URL + 1), &[], 414);
    check(
        Method::Get,
        &format!("a?_queryFilter={}", "x".repeat(MAX_URL)),
        &[],
        414,
    );
}

#[test]
fn a_put_needs_a_name() {
    for lines in [&[][..], &[("if-none-match", "*")]] {
        assert_eq!(
            call(Method::Put, "/", lines, "{}")
                .map(|_| ())
                .unwrap_err()
                .code
                .number(),
            400
        );
    }
}

#[test]
fn a_patch_carries_its_revision_and_operations() {
    let body = "[{\"operation\": \"remove\", \"field\": \"a\"}]";
    let request = once(Method::Patch, "managed/user/1", &[("if-match", "7")], body);
    let Verb::Patch(patch) = request.verb else {
        panic!("not a patch")
    };
    assert_eq!((patch.rev.as_deref(), patch.operations.len()), (Some("7"), 1));
}
