//! What a failure tells: what was called, with what, and nothing that is secret.

use serde_json::json;

use super::{execute, make, refused, scan};
use crate::harness::Server;

#[test]
fn a_failure_says_what_was_asked_of_the_host_and_keeps_its_secrets() {
    let server = Server::start();
    let client = &server.client;
    make(
        client,
        "boss",
        &json!({"clientSecret": "hunter2", "task": {"completed": "x"}}),
    );
    make(
        client,
        "joe",
        &json!({"password": "s3cret", "mail": {"$crypto": {"value": {"data": "ciphertext"}}}}),
    );
    let source = "
        var boss = openidm.read('managed/user/boss');
        openidm.patch(objectID, null, [
            {operation: 'replace', field: '/password', value: boss.clientSecret},
            {operation: 'add', field: '/seen', value: true},
        ]);
        logger.info('so far');
        openidm.read('managed/user/nobody');
        throw {code: 409, message: 'user 17 is not \"ready\"'};";
    let run = execute(client, "scan", &scan(source, &json!({})));
    let answer = client.get(&format!("taskscanner/{run}/failure/joe"));
    for secret in ["hunter2", "s3cret", "ciphertext", "$crypto"] {
        assert!(!answer.text.contains(secret), "{secret}: {}", answer.text);
    }
    let failure = answer.expect(200);
    assert_eq!(failure["objectId"], "joe");
    assert_eq!(failure["fingerprint"].as_str().unwrap().len(), 16);
    assert_eq!(failure["log"][0]["message"], "so far");
    let call = &failure["call"];
    assert_eq!(call["limits"]["fuel"], 1_000_000_000);
    assert!(failure["fuel"].as_u64().unwrap() > 1_000);
    assert_eq!(call["input"]["password"], "********");
    assert_eq!(
        (&call["run"], &call["job"], &call["tenant"]),
        (&json!(run), &json!("scan"), &json!("default"))
    );
    assert_eq!(call["now"], "2026-06-01T12:00:00.000Z");
    let script = &call["origin"]["script"];
    assert_eq!(
        (&script["type"], &script["source"]),
        (&json!("text/javascript"), &json!(source))
    );
    let transcript = call["transcript"].as_array().unwrap();
    let verbs: Vec<&str> = transcript.iter().map(|call| call["verb"].as_str().unwrap()).collect();
    assert_eq!(verbs, ["read", "patch", "read"]);
    assert_eq!(transcript[0]["answer"]["value"]["clientSecret"], "********");
    assert_eq!(transcript[1]["arguments"]["operations"][0]["value"], "********");
    assert_eq!(transcript[1]["arguments"]["operations"][1]["value"], true);
    assert_eq!(transcript[2]["answer"], json!({"absent": true}));
    // It is stored masked, not only shown so.
    let listed = client.get(&format!("taskscanner/{run}/failure?_queryFilter=true"));
    assert!(!listed.text.contains("hunter2"), "{}", listed.text);
}

#[test]
fn a_guest_that_asks_and_says_much_fills_nothing() {
    let server = Server::start();
    let client = &server.client;
    make(client, "joe", &json!({}));
    let source = "
        for (var i = 0; i < 300; i++) openidm.query('managed/user', {_queryFilter: 'userName eq \"' + 'x'.repeat(5000) + '\"'});
        throw 'enough';";
    let run = execute(client, "scan", &scan(source, &json!({})));
    let answer = client.get(&format!("taskscanner/{run}/failure/joe"));
    assert!(answer.text.len() < 100_000, "{}", answer.text.len());
    let call = &answer.expect(200)["call"];
    let recorded = call["transcript"].as_array().unwrap().len() as u64;
    assert!((1..=100).contains(&recorded));
    assert_eq!(recorded + call["callsNotRecorded"].as_u64().unwrap(), 300);
}

#[test]
fn failures_are_for_those_who_may_see_them() {
    let server = Server::start();
    let client = &server.client;
    make(client, "joe", &json!({}));
    let run = execute(client, "scan", &scan("throw 'no'", &json!({})));
    let body = json!({"name": "visitor", "roles": ["openidm-authorized"]});
    let made = client.post("internal/token", Some(&body)).expect(201);
    let bearer = format!("Bearer {}", made["token"].as_str().unwrap());
    for path in [
        "failure/joe",
        "failure?_queryFilter=true",
        "failureGroup?_queryFilter=true",
        "live",
    ] {
        let asked = |base: &str, headers: &[(&str, &str)]| {
            client
                .send("GET", &format!("{base}/taskscanner/{run}/{path}"), headers, None)
                .status
        };
        assert_eq!(asked("/openidm", &[("Authorization", &bearer)]), 403, "{path}");
        assert_eq!(asked("/openidm", &[]), 401, "{path}");
        // Another tenant's run does not even exist.
        assert_eq!(
            asked("/tenants/other/openidm", &[("Authorization", &bearer)]),
            404,
            "{path}"
        );
        assert_eq!(
            asked("/tenants/default/openidm", &[("Authorization", &bearer)]),
            403,
            "{path}"
        );
    }
    for action in ["retry", "pause", "resume", "threads&numberOfThreads=1"] {
        let headers = [("Authorization", bearer.as_str())];
        let path = format!("/openidm/taskscanner/{run}?_action={action}");
        assert_eq!(client.send("POST", &path, &headers, None).status, 403, "{action}");
    }
    refused(client.get("taskscanner/none/failure?_queryFilter=true"), 404);
    refused(client.get("taskscanner/none/failure/joe"), 404);
    refused(client.get(&format!("taskscanner/{run}/failure/jim")), 404);
}
