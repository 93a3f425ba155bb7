//! Scans whose filter, object or marks are wrong: told when the job is stored.

use serde_json::{Value, json};

use super::{Empty, scan_with};
use crate::harness::Server;

#[test]
fn a_malformed_filter_is_refused_with_its_position() {
    let server = Empty::new();
    let check = |filter: &str, position: u64, words: &str| {
        let job = scan_with("/invokeContext/scan/_queryFilter", json!(filter));
        let detail = json!({"pointer": "/invokeContext/scan/_queryFilter", "position": position});
        server.refuses(("PUT", "scheduler/job/bad"), &job, 400, words, detail);
    };
    check(
        "/sunset/date lt \"${Time.now}\") AND !(/sunset/task-completed pr",
        29,
        "unmatched `)`",
    );
    check(
        "(/sunset/date lt \"${Time.now}\" AND !(/sunset/task-completed pr)",
        0,
        "unmatched `(`",
    );
    check("/sunset/date lt", 15, "expected");
    check("/sunset/date \"x\"", 13, "expected");
    check("/sunset/date lt 2020-01-01", 16, "expected");
    check("/sunset/date lt \"x", 16, "");
    check("a eq 1 and", 10, "");
    check("a eq 1 b eq 2", 7, "unexpected");
    check("a eq null", 5, "null");
    check("\"a\" eq 1", 0, "");
    check("!", 1, "");
    check("ä eq 'ö' x", 9, "");
}

#[test]
fn a_macro_that_is_not_understood_is_refused() {
    let server = Empty::new();
    let check = |filter: &str, words: &str| {
        let job = scan_with("/invokeContext/scan/_queryFilter", json!(filter));
        server.refuses_job(&job, "/invokeContext/scan/_queryFilter", words);
    };
    check("a lt \"${Time.then}\"", "unknown macro '${Time.then}' at position 6");
    check("a lt \"${Time.now+1d}\"", "with single spaces");
    check("a lt \"${Time.now + 1w}\"", "the macro at position 6 has no duration");
    check("a lt \"${Time.now + 4294967295y}\"", "leads out of the calendar");
}

#[test]
fn what_is_scanned_has_to_be_there() {
    let server = Empty::new();
    let check = |object: Value, words: &str| {
        server.refuses_job(
            &scan_with("/invokeContext/scan/object", object),
            "/invokeContext/scan/object",
            words,
        );
    };
    check(Value::Null, "'object' is required: the collection to scan");
    check(json!("managed/nobody"), "'managed/nobody' cannot be scanned");
    check(json!("managed"), "'managed' cannot be scanned");
    check(json!("managed/user/joe"), "cannot be scanned");
    check(json!("scheduler/job"), "'scheduler/job' cannot be scanned");
    check(json!("internal/token"), "cannot be scanned");
    check(json!("/managed/user"), "is not the path of a collection");
    check(json!(5), "a string is expected");
}

#[test]
fn a_mark_is_not_put_where_the_schema_has_no_place_for_it() {
    let types = json!({"objects": [{"name": "user", "schema": {"properties": {
        "task": {"type": "object", "properties": {
            "started": {"type": "string"}, "count": {"type": "integer"}, "completed": {"type": "string", "readOnly": true},
        }},
    }}}]});
    let server = Server::with_files(&[("managed.json", types.to_string().as_bytes())]);
    let check = |name: &str, place: &str, words: &str| {
        let pointer = format!("/invokeContext/scan/taskState/{name}");
        let job = scan_with(&pointer, json!(place));
        let problem = server.client.put("scheduler/job/bad", &job).expect(400);
        assert_eq!(problem["detail"]["pointer"], pointer, "{problem}");
        assert!(problem["message"].as_str().unwrap().contains(words), "{problem}");
        server.client.get("scheduler/job/bad").expect(404);
    };
    check("started", "/task/begun", "the schema has no property");
    check("started", "/task/count", "takes no text");
    check("started", "/task/started/at", "is no object");
    check("completed", "/task/completed", "is read-only");
}

#[test]
fn each_member_of_a_scan_is_checked() {
    let server = Empty::new();
    let check = |pointer: &str, value: Value, words: &str| {
        let pointer = format!("/invokeContext{pointer}");
        server.refuses_job(&scan_with(&pointer, value), &pointer, words);
    };
    check("/numberOfThread", json!(5), "did you mean 'numberOfThreads'?");
    check("/numberOfThreads", json!(0), "a whole number from 1 to 100 (threads)");
    check("/waitForCompletion", json!("true"), "true or false is expected");
    check("/maxRecords", json!(-1), "of at least 1 (objects)");
    check("/scan", Value::Null, "'scan' is required");
    check("/scan", json!([]), "an object is expected here, not an array");
    check("/scan/_queryFiltr", json!("true"), "did you mean '_queryFilter'?");
    check(
        "/scan/_queryId",
        json!("query-all"),
        "cannot be given together with _queryFilter",
    );
    check("/scan/taskState", Value::Null, "'taskState' is required");
    check(
        "/scan/taskState/started",
        json!("/"),
        "a mark cannot replace the whole object",
    );
    check("/scan/taskState/started", json!("/_id"), "belongs to the host");
    check("/scan/taskState/completed", json!("/task/started/at"), "two places");

    check("/task", Value::Null, "'task' is required");
    check("/task/script", Value::Null, "'script' is required");
    check(
        "/task/script",
        json!("true;"),
        "an object is expected here, not a string",
    );
    let job = scan_with("/invokeContext/scan/recovery", json!({"timeout": "10 minutes"}));
    server.refuses_job(
        &job,
        "/invokeContext/scan/recovery/timeout",
        "'10 minutes' is not a duration",
    );
    let job = scan_with("/invokeContext/scan/_queryFilter", Value::Null);
    server.refuses_job(
        &job,
        "/invokeContext/scan",
        "exactly one of _queryFilter, _queryId, _queryExpression is required",
    );
    server.refuses_job(
        &scan_with("/invokeContext", Value::Null),
        "/invokeContext",
        "an object is expected here, not null",
    );
}

#[test]
fn a_query_that_is_not_known_is_refused() {
    let server = Empty::new();
    for (name, words) in [
        ("_queryId", "'select' is not a query"),
        ("_queryExpression", "query expressions are not supported"),
    ] {
        let mut job = scan_with("/invokeContext/scan/_queryFilter", Value::Null);
        job["invokeContext"]["scan"][name] = json!("select");
        server.refuses_job(&job, &format!("/invokeContext/scan/{name}"), words);
    }
}
