//! Queries over schedules and triggers.

use serde_json::{Value, json};

use super::{at, server, testlog};
use crate::harness::{Client, Server, encode};

/// Twelve schedules of different kinds, `job-00` to `job-11`; none of them fires.
fn twelve() -> Server {
    let server = server();
    for number in 0..12 {
        let kind = match number % 3 {
            0 => json!({"schedule": format!("{number} 0 0 * * ?"), "persisted": true}),
            1 => json!({"type": "simple", "repeatInterval": 1000 * number, "startTime": "2030-01-01T00:00:00Z"}),
            _ => json!({"schedule": "0 0 0 * * ?", "enabled": false}),
        };
        server
            .client
            .put(&format!("scheduler/job/job-{number:02}"), &testlog(kind))
            .expect(201);
    }
    server
}

fn ids(answer: &Value) -> Vec<&str> {
    answer["result"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["_id"].as_str().unwrap())
        .collect()
}

fn select(client: &Client, filter: &str, more: &str) -> Value {
    client
        .get(&format!("scheduler/job?_queryFilter={}{more}", encode(filter)))
        .expect(200)
}

#[test]
fn a_filter_looks_at_every_property() {
    let server = twelve();
    let check = |filter: &str, expected: &[u32]| {
        let expected: Vec<String> = expected.iter().map(|number| format!("job-{number:02}")).collect();
        assert_eq!(ids(&select(&server.client, filter, "")), expected, "{filter}");
    };
    check("false", &[]);
    check("persisted eq true", &[0, 3, 6, 9]);
    check("enabled eq false", &[2, 5, 8, 11]);
    check("type eq \"simple\" and repeatInterval gt 4000", &[7, 10]);
    check("_id sw \"job-1\"", &[10, 11]);
    check("!(nextRunDate pr)", &[2, 5, 8, 11]);
    check("nextRunDate lt \"2027\" and _id ge \"job-06\"", &[6, 9]);
    check("/invokeContext/script/file co \"TESTLOG\" and schedule sw \"9\"", &[9]);
    check(
        "invokeService eq \"org.forgerock.openidm.script\" and enabled eq 1",
        &[],
    );
}

#[test]
fn a_page_goes_on_where_the_last_one_ended() {
    let server = twelve();
    let page = |query: &str| {
        server
            .client
            .get(&format!("scheduler/job?_queryFilter=true&_fields=_id&{query}"))
            .expect(200)
    };
    let first = page("_pageSize=5&_pagedResultsOffset=1");
    assert_eq!(ids(&first), ["job-01", "job-02", "job-03", "job-04", "job-05"]);
    let envelope: Vec<&String> = first.as_object().unwrap().keys().collect();
    let members = [
        "result",
        "resultCount",
        "pagedResultsCookie",
        "totalPagedResultsPolicy",
        "totalPagedResults",
        "remainingPagedResults",
    ];
    assert_eq!(envelope, members);
    assert_eq!(first["resultCount"], 5);
    assert_eq!(
        (&first["totalPagedResultsPolicy"], &first["totalPagedResults"]),
        (&json!("NONE"), &json!(-1))
    );
    let after = |page: &Value| {
        format!(
            "_pageSize=5&_pagedResultsCookie={}",
            page["pagedResultsCookie"].as_str().unwrap()
        )
    };
    // What is stored in between is neither a reason to leave something out nor to show it twice.
    server
        .client
        .put(
            "scheduler/job/job-00a",
            &testlog(json!({"schedule": "0 0 0 * * ?", "enabled": false})),
        )
        .expect(201);
    let second = page(&after(&first));
    assert_eq!(ids(&second), ["job-06", "job-07", "job-08", "job-09", "job-10"]);
    let third = page(&after(&second));
    assert_eq!(
        (ids(&third), &third["pagedResultsCookie"]),
        (vec!["job-11"], &Value::Null)
    );
    let refused = server
        .client
        .get("scheduler/job?_queryFilter=true&_pageSize=5&_pagedResultsCookie=nonsense");
    refused.expect(400);
    let counted = page("_pageSize=5&_totalPagedResultsPolicy=EXACT");
    assert_eq!(
        (&counted["totalPagedResultsPolicy"], &counted["totalPagedResults"]),
        (&json!("EXACT"), &json!(13))
    );
    let beyond = page("_pageSize=5&_pagedResultsOffset=99");
    assert_eq!((ids(&beyond).len(), &beyond["pagedResultsCookie"]), (0, &Value::Null));
}

#[test]
fn an_order_has_several_keys_and_ends_with_the_id() {
    let server = twelve();
    let check = |keys: &str, expected: [u32; 5]| {
        let answer = select(&server.client, "true", &format!("&_pageSize=5&_sortKeys={keys}"));
        let expected: Vec<String> = expected.iter().map(|number| format!("job-{number:02}")).collect();
        assert_eq!(ids(&answer), expected, "{keys}");
    };
    check("-_id", [11, 10, 9, 8, 7]);
    check("enabled,-_id", [11, 8, 5, 2, 10]);
    check("-type,repeatInterval", [1, 4, 7, 10, 0]);
    // What has none comes first, or last the other way round.
    check("nextRunDate", [2, 5, 8, 11, 0]);
    check("-nextRunDate", [1, 4, 7, 10, 9]);
}

#[test]
fn fields_choose_members() {
    let server = twelve();
    let get = |path: &str| server.client.get(path).expect(200);
    let one = get("scheduler/job/job-00?_fields=enabled,nextRunDate,nothing,triggers/0/state");
    let expected = json!({"_id": "job-00", "enabled": true, "nextRunDate": at(10 * 3600), "state": "NORMAL"});
    assert_eq!(one, expected);
    let all = get("scheduler/job?_queryId=query-all-ids");
    assert_eq!(all["result"][3], json!({"_id": "job-03"}));
    let problem = server.client.get("scheduler/job?_queryId=query-all").expect(400);
    assert_eq!(
        problem["message"],
        "only query-id of &#39;query-all-ids&#39; is supported."
    );
}

#[test]
fn triggers_are_listed_without_those_that_sleep() {
    let server = twelve();
    let get = |query: &str| server.client.get(&format!("scheduler/trigger?{query}")).expect(200);
    let all = get("_queryFilter=true&_fields=name");
    assert_eq!(all["resultCount"], 8);
    let first = json!({"_id": "scheduler-service-group.trigger-job-00", "_rev": all["result"][0]["_rev"], "name": "trigger-job-00"});
    assert_eq!(all["result"][0], first);
    let some = get(&format!(
        "_queryFilter={}&_pageSize=1&_sortKeys=-_id",
        encode("/serialized/type eq \"CronTriggerImpl\"")
    ));
    assert_eq!(ids(&some), ["scheduler-service-group.trigger-job-09"]);
    let paused = get(&format!("_queryFilter={}", encode("state eq \"PAUSED\"")));
    assert_eq!(paused["resultCount"], 0);
    let trigger = server
        .client
        .get("scheduler/trigger/scheduler-service-group.trigger-job-00");
    assert_eq!(
        trigger.header("ETag").unwrap().trim_matches('"'),
        trigger.json()["_rev"]
    );
}
