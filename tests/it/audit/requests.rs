//! Requests and runs in the audit.

use serde_json::{Value, json};

use super::{entries, entry};
use crate::harness::{PASSWORD, Server, assert_like};

#[test]
fn a_request_is_an_access() {
    let server = Server::start();
    let client = &server.client;
    let headers = [("X-ForgeRock-TransactionId", "tx-1"), ("User-Agent", "tester")];
    let body = json!({"userName": "joe"});
    client
        .request("PUT", "managed/user/joe", &headers, Some(&body))
        .expect(201);
    let found = entry(client, "access", "/transactionId eq \"tx-1\"");
    assert_like(
        &found,
        &json!({
            "_id": "<text>",
            "timestamp": "<instant>",
            "eventName": "access",
            "transactionId": "tx-1",
            "userId": "openidm-admin",
            "trackingIds": [],
            "client": {"ip": "127.0.0.1", "port": "<number>"},
            "http": {"request": {
                "method": "PUT",
                "path": "/openidm/managed/user/joe",
                "headers": {"content-type": ["application/json"], "host": ["<text>"], "user-agent": ["tester"]},
            }},
            "request": {"protocol": "CREST", "operation": "UPDATE"},
            "response": {
                "status": "SUCCESSFUL", "statusCode": "201", "elapsedTime": 0, "elapsedTimeUnits": "MILLISECONDS",
            },
            "component": "rest",
        }),
    );
    let id = found["_id"].as_str().unwrap();
    assert_eq!(client.get(&format!("audit/access/{id}")).expect(200), found);
    client.get("audit/access/nothing").expect(404);

    let failed = [("X-Request-Id", "tx-2")];
    client.request("GET", "managed/user/nobody", &failed, None).expect(404);
    let found = entry(client, "access", "/transactionId eq \"tx-2\"");
    assert_eq!(
        (&found["request"]["operation"], &found["response"]["status"]),
        (&json!("READ"), &json!("FAILED"))
    );
    assert_eq!(found["response"]["detail"]["reason"], "Not Found");
    let action = [("X-Request-Id", "tx-3")];
    client
        .request("POST", "scheduler/job?_action=pauseJobs", &action, None)
        .expect(200);
    let found = entry(client, "access", "/transactionId eq \"tx-3\"");
    assert_eq!(
        found["request"],
        json!({"protocol": "CREST", "operation": "ACTION", "detail": {"action": "pauseJobs"}})
    );
}

/// Asking whether the server is alive is no access; who does not get in is told apart, and no secret is in anything.
#[test]
fn who_does_not_get_in_is_told_and_pings_are_not() {
    let server = Server::start();
    let client = &server.client;
    for path in ["/openidm/info/ping", "/healthz", "/readyz"] {
        assert_eq!(client.send("GET", path, &[], None).status, 200);
    }
    assert_eq!(client.send("GET", "/openidm/managed/user/joe", &[], None).status, 401);
    let headers = [
        ("X-OpenIDM-Username", "mallory"),
        ("X-OpenIDM-Password", "a wrong guess"),
    ];
    assert_eq!(
        client
            .send("GET", "/openidm/managed/user/joe?x=secret", &headers, None)
            .status,
        401
    );
    let found = entry(client, "authentication", "true");
    assert_eq!(
        (&found["principal"], &found["result"]),
        (&json!(["mallory"]), &json!("FAILED"))
    );
    assert_eq!(
        (&found["userId"], &found["response"]["statusCode"]),
        (&Value::Null, &json!("401"))
    );
    let all = serde_json::to_string(&[entries(client, "access", "true"), vec![found]]).unwrap();
    for secret in ["a wrong guess", PASSWORD, "x=secret"] {
        let shown = all.replace("\"userId\":\"openidm-admin\"", "");
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
    assert!(
        !all.contains("ping") && !all.contains("healthz") && !all.contains("mallory/"),
        "{all}"
    );
}

#[test]
fn a_run_of_a_schedule_is_an_access() {
    let server = Server::start();
    let client = &server.client;
    for (name, source) in [("good", "1;"), ("bad", "throw {code: 409, message: 'no'};")] {
        let job = json!({
            "type": "simple", "repeatCount": 0, "invokeService": "script", "persisted": true,
            "invokeContext": {"script": {"type": "text/javascript", "source": source}},
        });
        client.put(&format!("scheduler/job/{name}"), &job).expect(201);
    }
    server.settle();
    let runs = entries(client, "access", "/request/operation eq \"ScheduledTask\"");
    let of = |name: &str| {
        let task = format!("scheduler-service-group.{name}");
        runs.iter()
            .find(|run| run["request"]["detail"]["taskName"] == *task)
            .unwrap()
    };
    assert_eq!(
        (&of("good")["response"]["status"], &of("good")["userId"]),
        (&json!("SUCCESSFUL"), &json!("Scheduled good"))
    );
    assert_eq!(of("bad")["response"]["status"], "FAILED");
    assert_eq!(of("bad")["response"]["statusCode"], "409");
    assert_eq!(runs.len(), 2);
}

#[test]
fn entries_are_paged_and_sorted() {
    let server = Server::start();
    let client = &server.client;
    for number in 0..5 {
        let event = json!({"eventName": "mine", "number": number, "password": "hunter2"});
        client.post("audit/sync?_action=create", Some(&event)).expect(201);
    }
    let numbers = |page: &Value| -> Vec<i64> {
        let result = page["result"].as_array().unwrap().iter();
        result.map(|entry| entry["number"].as_i64().unwrap()).collect()
    };
    let first = client
        .get("audit/sync?_queryFilter=true&_pageSize=2&_totalPagedResultsPolicy=EXACT")
        .expect(200);
    assert_eq!((numbers(&first), &first["totalPagedResults"]), (vec![4, 3], &json!(5)));
    assert_eq!(first["result"][0]["password"], "********");
    let cookie = first["pagedResultsCookie"].as_str().unwrap();
    let next = client
        .get(&format!(
            "audit/sync?_queryFilter=true&_pageSize=2&_pagedResultsCookie={cookie}"
        ))
        .expect(200);
    assert_eq!(numbers(&next), [2, 1]);
    let sorted = client
        .get("audit/sync?_queryFilter=/number+gt+1&_sortKeys=number")
        .expect(200);
    assert_eq!(numbers(&sorted), [2, 3, 4]);
    let offset = client
        .get("audit/sync?_queryFilter=true&_pageSize=2&_pagedResultsOffset=3")
        .expect(200);
    assert_eq!(numbers(&offset), [1, 0]);
    assert_eq!(
        numbers(&client.get("audit/sync?_queryFilter=true").expect(200)),
        [4, 3, 2, 1, 0]
    );
}

#[test]
fn entries_are_made_but_never_changed() {
    let server = Server::start();
    let client = &server.client;
    let made = client
        .post(
            "audit/recon?_action=create",
            Some(&json!({"eventName": "recon", "userId": "robot"})),
        )
        .expect(201);
    assert_eq!(
        (&made["userId"], &made["timestamp"]),
        (&json!("robot"), &json!(crate::harness::BEGIN))
    );
    let path = format!("audit/recon/{}", made["_id"].as_str().unwrap());
    client
        .request("PUT", &path, &[("If-Match", "*")], Some(&json!({})))
        .expect(501);
    client.patch(&path, &json!([])).expect(501);
    client.delete(&path).expect(501);
    for (body, words) in [
        (json!({}), "/eventName"),
        (json!({"eventName": 7}), "/eventName"),
        (
            json!({"eventName": "x", "timestamp": "2020-01-01T00:00:00.000Z"}),
            "/timestamp",
        ),
        (json!({"eventName": "x", "_id": "y"}), "/_id"),
    ] {
        let answer = client.post("audit/recon?_action=create", Some(&body)).expect(400);
        assert!(answer["message"].as_str().unwrap().contains(words), "{answer}");
    }
    client.get("audit/nothing?_queryFilter=true").expect(404);
    client.get("audit?_queryFilter=true").expect(400);
    client.get("audit/access").expect(400);
    assert_eq!(entries(client, "recon", "true"), [made]);
}
