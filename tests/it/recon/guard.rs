//! What keeps a run from doing harm: an empty source, a source that is gone, too many deletions.

use serde_json::{Map, Value, json};

use super::{configure, fill, links, mapping, objects, recon, server};

fn many(numbers: std::ops::Range<usize>) -> Value {
    numbers
        .map(|number| (format!("u{number:03}"), json!({"name": format!("n{number}")})))
        .collect::<Map<_, _>>()
        .into()
}

fn deleting() -> Value {
    json!({"policies": [{"situation": "SOURCE_MISSING", "action": "DELETE"}]})
}

#[test]
fn an_empty_source_deletes_nothing() {
    let server = server(&deleting());
    let client = &server.client;
    fill(client, "managed/user", &many(0..5));
    recon(client, "");
    let before = (objects(client, "managed/role"), links(client));
    for number in 0..5 {
        client.delete(&format!("managed/user/u{number:03}")).expect(200);
    }
    let run = recon(client, "");
    assert_eq!(
        (&run["state"], &run["stageDescription"]),
        (&json!("FAILED"), &json!("reconciliation failed"))
    );
    assert!(
        run["message"].as_str().unwrap().contains("allowEmptySourceSet"),
        "{run}"
    );
    assert_eq!((objects(client, "managed/role"), links(client)), before);

    // Who means it says so, for one run or in the mapping.
    let body = json!({"allowEmptySourceSet": true});
    let path = "recon?_action=recon&mapping=users_roles&waitForCompletion=true";
    let answer = client.post(path, Some(&body)).expect(200);
    assert_eq!(answer["state"], "SUCCESS");
    assert_eq!((objects(client, "managed/role"), links(client)), (json!({}), json!([])));
}

#[test]
fn a_run_stops_before_it_deletes_too_much() {
    let server = server(&deleting());
    let client = &server.client;
    fill(client, "managed/user", &many(0..40));
    recon(client, "");
    for number in 0..12 {
        client.delete(&format!("managed/user/u{number:03}")).expect(200);
    }
    let before = (objects(client, "managed/role"), links(client));
    let run = recon(client, "");
    assert_eq!(run["state"], "FAILED");
    let message = run["message"].as_str().unwrap();
    assert!(message.contains("would delete 12 of 40 target objects"), "{message}");
    assert!(message.contains("deletionGuard/maxPercent allows 25"), "{message}");
    assert_eq!((objects(client, "managed/role"), links(client)), before);
    assert_eq!(run["progress"]["target"]["deleted"], 0);
    assert_eq!(
        run["situationSummary"]["SOURCE_MISSING"], 0,
        "what was not done is not counted"
    );

    let run = recon(client, "&ignoreDeletionGuard=true");
    assert_eq!(
        (&run["state"], &run["progress"]["target"]["deleted"]),
        (&json!("SUCCESS"), &json!(12))
    );
    assert_eq!(run["situationSummary"]["SOURCE_MISSING"], 12);
    assert_eq!(objects(client, "managed/role"), many(12..40));
}

#[test]
fn a_mapping_sets_its_own_guard() {
    let server = server(&json!({}));
    let client = &server.client;
    fill(client, "managed/user", &many(0..5));
    recon(client, "");
    for number in 0..3 {
        client.delete(&format!("managed/user/u{number:03}")).expect(200);
    }
    let mut more = deleting();
    more["deletionGuard"] = json!({"maxDeletions": 2});
    configure(client, &[mapping(&more)]);
    let run = recon(client, "");
    assert!(
        run["message"].as_str().unwrap().contains("maxDeletions allows 2"),
        "{run}"
    );
    more["deletionGuard"] = json!({"enabled": false});
    configure(client, &[mapping(&more)]);
    assert_eq!(recon(client, "")["progress"]["target"]["deleted"], 3);
}

#[test]
fn a_source_that_does_not_answer_fails_the_run_and_nothing_is_deleted() {
    let server = server(&json!({}));
    let client = &server.client;
    fill(client, "managed/role", &many(0..3));
    let mut more = json!({"source": "managed/nothing", "policies": [{"situation": "UNASSIGNED", "action": "DELETE"}]});
    more["allowEmptySourceSet"] = json!(true);
    configure(client, &[mapping(&more)]);
    let run = recon(client, "");
    assert_eq!(run["state"], "FAILED");
    assert!(
        run["message"]
            .as_str()
            .unwrap()
            .contains("'managed/nothing' did not answer the query"),
        "{run}"
    );
    assert_eq!(objects(client, "managed/role"), many(0..3));
}
