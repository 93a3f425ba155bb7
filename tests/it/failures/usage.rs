//! What a run used, and which objects used most of it.

use serde_json::{Value, json};

use super::{execute, make, run, scan};
use crate::harness::Server;

#[test]
fn the_objects_that_used_most_are_known_by_name() {
    let server = Server::start();
    let client = &server.client;
    for number in 0..25 {
        make(client, &format!("u{number:02}"), &json!({"number": number}));
    }
    let source = "for (var i = 0, sum = 0; i < input.number * 2000; i++) sum += i;
        if (input.number === 24) throw 'too much'; true;";
    let id = execute(client, "scan", &scan(source, &json!({})));
    let usage = run(client, &id)["usage"].clone();
    let ids: Vec<&Value> = usage["costliest"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["objectId"])
        .collect();
    // Those that fail use something too.
    let expected: Vec<String> = (15..25).rev().map(|number| format!("u{number:02}")).collect();
    assert_eq!(ids, expected.iter().collect::<Vec<_>>());
    assert_eq!(usage["slowest"].as_array().unwrap().len(), 10);
    let fuel = |one: &Value| one["fuel"].as_u64().unwrap();
    let costliest = usage["costliest"].as_array().unwrap();
    assert!(costliest.is_sorted_by(|a, b| fuel(a) >= fuel(b)));
    assert_eq!(usage["fuel"]["max"], costliest[0]["fuel"]);
    for one in costliest {
        assert!(
            one["memory"].as_u64().unwrap() > 0 && one["durationMicros"].as_u64().unwrap() > 0,
            "{one}"
        );
    }
}
