//! Runs over what failed in another one.

use serde_json::{Value, json};

use super::{counts, execute, hold, id, long_run, make, refused, run, scan};
use crate::harness::{Client, Server};

const SOURCE: &str = "
    if (input.broken) throw 'broken';
    openidm.patch(objectID, null, [{operation: 'increment', field: '/count', value: 1}]);
    true;";

fn retry(client: &Client, run: &str) -> Value {
    client
        .post(&format!("taskscanner/{run}?_action=retry"), None)
        .expect(200)
}

#[test]
fn a_retry_takes_what_failed_and_nothing_else() {
    let server = Server::start();
    let client = &server.client;
    for number in 0..10 {
        make(
            client,
            &format!("u{number}"),
            &json!({"number": number, "count": 0, "broken": number >= 6}),
        );
    }
    // The filter would select everything again.
    let mut everything = scan(SOURCE, &json!({}));
    everything["scan"]["_queryFilter"] = "number pr".into();
    let first = execute(client, "scan", &everything);
    assert_eq!(counts(&run(client, &first)), (6, 4));
    let repair = json!([{"operation": "replace", "field": "/broken", "value": false}]);
    for user in ["u6", "u7"] {
        client.patch(&format!("managed/user/{user}"), &repair).expect(200);
    }
    // One that has gone, or does not match any more, is not taken.
    client.delete("managed/user/u9").expect(200);
    let answer = retry(client, &first);
    assert_eq!(answer["retries"], first.as_str());
    assert!(answer.get("notKept").is_none());
    let second = run(client, &id(&answer));
    assert_eq!(
        (counts(&second), &second["progress"]["total"]),
        ((2, 1), &json!(3)),
        "{second}"
    );
    assert_eq!(second["retries"], first.as_str());
    for user in client.query("managed/user", "true") {
        let number = user["number"].as_u64().unwrap();
        assert_eq!(user["count"], u64::from(number < 8), "{user}");
    }
    // What failed again can be tried again.
    client.patch("managed/user/u8", &repair).expect(200);
    let third = run(client, &id(&retry(client, &id(&second))));
    assert_eq!(counts(&third), (1, 0));
    let nothing = refused(
        client.post(&format!("taskscanner/{}?_action=retry", id(&third)), None),
        409,
    );
    assert!(nothing.contains("no object failed"), "{nothing}");
}

#[test]
fn a_run_that_goes_on_is_not_retried() {
    let server = Server::start();
    let client = &server.client;
    let id = long_run(client);
    hold(client, &id);
    let message = refused(client.post(&format!("taskscanner/{id}?_action=retry"), None), 409);
    assert!(message.contains("has not ended: it is ACTIVE"), "{message}");
    client
        .post(&format!("taskscanner/{id}?_action=cancel"), None)
        .expect(200);
    refused(client.post("taskscanner/none?_action=retry", None), 404);
    refused(
        client.post(&format!("taskscanner/{id}?_action=retry&force=true"), None),
        400,
    );
    assert_eq!(client.query("taskscanner", "true").len(), 1);
}

#[test]
fn a_run_whose_failures_are_taken_up_is_not_forgotten() {
    let server = Server::with_files(&[("taskwarden.toml", b"[taskscanner]\nmax-completed-runs = 1\n")]);
    let client = &server.client;
    for number in 0..300 {
        make(client, &format!("u{number:03}"), &json!({"broken": true}));
    }
    let source = "for (var i = 0, sum = 0; i < 30000; i++) sum += i; if (input.broken) throw 'broken'; true";
    let first = execute(client, "scan", &scan(source, &json!({"waitForCompletion": false})));
    assert_eq!(counts(&client.ended_run(&first)), (0, 300));
    let again = id(&retry(client, &first));
    client
        .post(&format!("taskscanner/{again}?_action=pause"), None)
        .expect(200);
    let mut nobody = scan("true", &json!({}));
    nobody["scan"]["_queryFilter"] = "userName eq \"nobody\"".into();
    for _ in 0..3 {
        server.advance(chrono::Duration::seconds(1));
        execute(client, "other", &nobody);
    }
    assert_eq!(counts(&run(client, &first)), (0, 300));
    client
        .post(&format!("taskscanner/{again}?_action=resume"), None)
        .expect(200);
    let ended = client.ended_run(&again);
    assert_eq!((counts(&ended), &ended["progress"]["total"]), ((0, 300), &json!(300)));
    // Now it is not needed any more.
    server.advance(chrono::Duration::seconds(1));
    execute(client, "other", &nobody);
    refused(client.get(&format!("taskscanner/{first}")), 404);
    refused(client.get(&format!("taskscanner/{first}/failure/u001")), 404);
    refused(client.post(&format!("taskscanner/{first}?_action=retry"), None), 404);
}
