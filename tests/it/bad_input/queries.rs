//! Query strings that are not understood.

use serde_json::json;

use super::Empty;
use crate::harness::encode;

#[test]
fn an_unknown_parameter_is_refused_by_its_name() {
    let server = Empty::new();
    let check = |request: (&str, &str), parameter: &str| {
        let words = format!("Unrecognized request parameter '{parameter}'");
        server.refuses_bytes(request, b"", 400, &words, json!({"parameter": parameter}));
    };
    for collection in ["managed/user", "scheduler/job", "scheduler/trigger", "taskscanner"] {
        check(
            ("GET", &format!("{collection}?_queryFilter=true&_pagesize_=5")),
            "_pagesize_",
        );
        check(("GET", &format!("{collection}?_querFilter=true")), "_querFilter");
        check(("GET", &format!("{collection}/one?_queryfields=a")), "_queryfields");
    }
    check(("DELETE", "managed/user/one?_pageSize=1"), "_pageSize");
    server.refuses(
        ("PUT", "managed/user/one?_action=create"),
        &json!({}),
        400,
        "'_action'",
        json!({"parameter": "_action"}),
    );
    server.refuses(
        ("POST", "managed/user?_queryFilter=true"),
        &json!({}),
        400,
        "'_queryFilter'",
        json!({}),
    );
}

#[test]
fn a_parameter_with_a_value_that_is_none_is_refused() {
    let server = Empty::new();
    for collection in ["managed/user", "scheduler/job", "scheduler/trigger", "taskscanner"] {
        let check = |query: &str, parameter: &str, words: &str| {
            let path = format!("{collection}?{query}");
            server.refuses_bytes(("GET", &path), b"", 400, words, json!({"parameter": parameter}));
        };
        check("_queryFilter=true&_pageSize=ten", "_pageSize", "'ten'");
        check("_queryFilter=true&_pageSize=-1", "_pageSize", "'-1'");
        check(
            "_queryFilter=true&_pageSize=5&_pageSize=5",
            "_pageSize",
            "more than once",
        );
        check("_queryFilter=true&_pagedResultsOffset=x", "_pagedResultsOffset", "'x'");
        check(
            "_queryFilter=true&_pagedResultsOffset=1&_pagedResultsCookie=x",
            "_pagedResultsOffset",
            "mutually exclusive",
        );
        check(
            "_queryFilter=true&_totalPagedResultsPolicy=SOME",
            "_totalPagedResultsPolicy",
            "NONE, ESTIMATE or EXACT",
        );
        check("_queryFilter=true&_sortKeys=a,,b", "_sortKeys", "sort key 2 is empty");
        check(
            "_queryFilter=true&_prettyPrint=maybe",
            "_prettyPrint",
            "neither true nor false",
        );
        check(
            "_queryFilter=true&_queryId=query-all-ids",
            "_queryFilter",
            "mutually exclusive",
        );
        check("_queryExpression=select", "_queryExpression", "not supported");
    }
}

#[test]
fn a_malformed_filter_is_refused_with_its_position() {
    let server = Empty::new();
    for collection in ["managed/user", "scheduler/job", "scheduler/trigger", "taskscanner"] {
        let check = |filter: &str, position: u64, found: &str| {
            let path = format!("{collection}?_queryFilter={}", encode(filter));
            let words = format!(
                "The value '{filter}' for parameter '_queryFilter' could not be parsed as a valid query filter"
            );
            let detail = json!({"parameter": "_queryFilter", "position": position, "found": found});
            server.refuses_bytes(("GET", &path), b"", 400, &words, detail);
        };
        check("a eq", 4, "unexpected end");
        check("a eq 1)", 6, "unmatched `)`");
        check("(a eq 1", 0, "unmatched `(`");
        check("", 0, "unexpected end");
        check("a eq 1e5", 5, "unexpected `1e5`");
    }
    let deep = format!("{}a pr{}", "(".repeat(64), ")".repeat(64));
    server.refuses_bytes(
        ("GET", &format!("managed/user?_queryFilter={}", encode(&deep))),
        b"",
        400,
        "",
        json!({}),
    );
    let many = vec!["a eq 1"; 1001].join(" or ");
    server.refuses_bytes(
        ("GET", &format!("managed/user?_queryFilter={}", encode(&many))),
        b"",
        400,
        "1000",
        json!({}),
    );
    let long = format!("a eq '{}'", "x".repeat(33_000));
    server.refuses_bytes(
        ("GET", &format!("managed/user?_queryFilter={}", encode(&long))),
        b"",
        414,
        "",
        json!({}),
    );
}

#[test]
fn a_query_that_is_not_known_is_refused() {
    let server = Empty::new();
    server.refuses_bytes(
        ("GET", "managed/user?_queryId=for-userName"),
        b"",
        400,
        "there is no query 'for-userName'",
        json!({}),
    );
    server.refuses_bytes(
        ("GET", "scheduler/job?_queryId=all"),
        b"",
        400,
        "only query-id of 'query-all-ids' is supported.",
        json!({}),
    );
    server.refuses_bytes(
        ("GET", "taskscanner?_queryId=all"),
        b"",
        400,
        "there is no query 'all'",
        json!({}),
    );
}

#[test]
fn a_cookie_of_another_query_is_refused() {
    let server = Empty::new();
    let client = &server.0.client;
    let words = "the paged results cookie does not belong to this query";
    for cookie in ["1", "not-a-cookie", "%00", "AVTZa_kNXIq9b2E"] {
        let path = format!("managed/user?_queryFilter=true&_pageSize=1&_pagedResultsCookie={cookie}");
        server.refuses_bytes(("GET", &path), b"", 400, words, json!({}));
    }
    let path = "taskscanner?_queryFilter=true&_pageSize=1&_pagedResultsCookie=x";
    server.refuses_bytes(("GET", path), b"", 400, words, json!({}));
    let path = "internal/token?_queryFilter=true&_pageSize=1&_pagedResultsCookie=1";
    server.refuses_bytes(("GET", path), b"", 400, words, json!({}));
    for id in ["a", "b"] {
        client.put(&format!("managed/user/{id}"), &json!({})).expect(201);
    }
    let first = client.get("managed/user?_queryFilter=true&_pageSize=1").expect(200);
    let cookie = first["pagedResultsCookie"].as_str().unwrap();
    let with = |query: &str| client.get(&format!("managed/{query}&_pageSize=1&_pagedResultsCookie={cookie}"));
    assert_eq!(with("user?_queryFilter=true").expect(200)["result"][0]["_id"], "b");
    for other in [
        "user?_queryFilter=_id+pr",
        "user?_queryFilter=true&_sortKeys=_id",
        "role?_queryFilter=true",
    ] {
        let problem = with(other).expect(400);
        assert!(
            problem["message"].as_str().unwrap().contains(words),
            "{other}: {problem}"
        );
    }
}

#[test]
fn fields_that_are_none_are_refused() {
    let server = Empty::new();
    for path in [
        "managed/user/one?_fields=%25zz",
        "managed/user?_queryFilter=true&_fields=a,%25zz",
    ] {
        server.refuses_bytes(("GET", path), b"", 400, "_fields", json!({}));
    }
    let many = vec!["a"; 1001].join(",");
    server.refuses_bytes(
        ("GET", &format!("managed/user?_queryFilter=true&_fields={many}")),
        b"",
        400,
        "1000",
        json!({}),
    );
}
