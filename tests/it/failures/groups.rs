//! Failures in groups: what went wrong, and how often.

use serde_json::{Value, json};

use super::{counts, execute, make, refused, run, scan};
use crate::harness::{Server, encode};

const SOURCE: &str = "
    if (input.number % 3 === 0) throw {code: 409, message: 'user ' + input._id + ' has ' + input.number + ' things'};
    if (input.number % 3 === 1) for (;;) openidm.read(objectID);
    true;";

#[test]
fn failures_of_the_same_kind_are_counted_together() {
    let server = Server::start();
    let client = &server.client;
    for number in 0..9 {
        make(client, &format!("u{number}"), &json!({"number": number}));
    }
    let id = execute(client, "scan", &scan(SOURCE, &json!({})));
    assert_eq!(counts(&run(client, &id)), (3, 6));
    let groups = client.query(&format!("taskscanner/{id}/failureGroup"), "true");
    let of = |kind: &str| groups.iter().find(|group| group["kind"] == kind).unwrap();
    assert_eq!(groups.len(), 2, "{groups:?}");
    let (problem, refusal) = (of("problem"), of("refused"));
    assert_eq!((&problem["count"], &refusal["count"]), (&json!(3), &json!(3)));
    assert_eq!(problem["_id"], problem["fingerprint"]);
    assert_eq!(problem["lastAt"], "2026-06-01T12:00:00.000Z");
    let first = problem["firstObject"].as_str().unwrap();
    let message = problem["message"].as_str().unwrap();
    assert!(message.contains(&format!("user {first} has")), "{message}");
    // From a group to its failures.
    let fingerprint = problem["fingerprint"].as_str().unwrap();
    let failures = client.query(
        &format!("taskscanner/{id}/failure"),
        &format!("fingerprint eq \"{fingerprint}\""),
    );
    let objects: Vec<&Value> = failures.iter().map(|failure| &failure["objectId"]).collect();
    assert_eq!(objects, ["u0", "u3", "u6"]);
    let read = client
        .get(&format!("taskscanner/{id}/failureGroup/{fingerprint}"))
        .expect(200);
    assert_eq!(&read, problem);
    assert_eq!(
        client
            .query(&format!("taskscanner/{id}/failureGroup"), "count gt 3")
            .len(),
        0
    );
    refused(
        client.get(&format!("taskscanner/{id}/failureGroup/0123456789abcdef")),
        404,
    );
    refused(client.get("taskscanner/none/failureGroup?_queryFilter=true"), 404);
}

#[test]
fn a_cookie_leads_on_in_its_own_query_only() {
    let server = Server::start();
    let client = &server.client;
    for number in 0..9 {
        make(client, &format!("u{number}"), &json!({"number": number}));
    }
    let id = execute(client, "scan", &scan(SOURCE, &json!({})));
    let other = execute(client, "other", &scan(SOURCE, &json!({})));
    let page = |run: &str, filter: &str, cookie: &str| {
        let filter = encode(filter);
        client.get(&format!(
            "taskscanner/{run}/failure?_queryFilter={filter}&_pageSize=2&_pagedResultsCookie={cookie}"
        ))
    };
    let first = page(&id, "true", "").expect(200);
    let cookie = first["pagedResultsCookie"].as_str().unwrap();
    let second = page(&id, "true", cookie).expect(200);
    assert_ne!(first["result"][0]["_id"], second["result"][0]["_id"]);
    for refused in [
        page(&id, "kind eq \"problem\"", cookie),
        page(&other, "true", cookie),
        page(&id, "true", "00ff"),
    ] {
        let problem = refused.expect(400);
        let message = problem["message"].as_str().unwrap();
        assert!(message.contains("does not belong to this query"), "{message}");
    }
}

#[test]
fn another_script_makes_another_group() {
    let server = Server::start();
    let client = &server.client;
    make(client, "joe", &json!({}));
    let mut fingerprints = Vec::new();
    for source in ["throw 'no'", "throw 'no'", "throw 'no';"] {
        let id = execute(client, "scan", &scan(source, &json!({})));
        let failure = client.get(&format!("taskscanner/{id}/failure/joe")).expect(200);
        fingerprints.push(failure["fingerprint"].clone());
    }
    assert_eq!(fingerprints[0], fingerprints[1]);
    assert_ne!(fingerprints[1], fingerprints[2]);
}
