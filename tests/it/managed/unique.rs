//! Unique properties: of two objects one has the value.

use serde_json::{Value, json};

use super::{failed, script, server, user};
use crate::harness::{Client, Server};

fn types() -> [Value; 1] {
    [user(
        json!({"userName": {"type": "string", "policies": [{"policyId": "unique"}]}, "n": {}, "misbehave": {}, "task": {}}),
        json!({}),
    )]
}

#[track_caller]
fn assert_taken(problem: &Value) {
    assert_eq!(failed(problem), [("userName".to_owned(), vec!["UNIQUE".to_owned()])]);
}

fn put(client: &Client, id: &str, name: &str) -> (u16, Value) {
    let answer = client.put(&format!("managed/user/{id}"), &json!({"userName": name}));
    (answer.status, answer.json())
}

#[test]
fn a_value_belongs_to_one_object_until_that_gives_it_up() {
    let server = server(&types());
    let client = &server.client;
    assert_eq!(put(client, "a", "Joe").0, 201);
    let (status, problem) = put(client, "b", "jOE");
    assert_eq!(status, 403);
    assert_taken(&problem);
    client.get("managed/user/b").expect(404);
    assert_eq!(put(client, "b", "Jim").0, 201);
    let patch = json!([{"operation": "replace", "field": "/userName", "value": "JOE"}]);
    assert_taken(&client.patch("managed/user/b", &patch).expect(403));
    let verdict = client
        .post(
            "policy/managed/user/*?_action=validateObject",
            Some(&json!({"userName": "joe"})),
        )
        .expect(200);
    assert_eq!(verdict["result"], false);
    let own = client
        .post(
            "policy/managed/user/a?_action=validateObject",
            Some(&json!({"userName": "joe"})),
        )
        .expect(200);
    assert_eq!(own["result"], true, "an object does not stand in its own way");
    // The same object may write its value again, in other letters too.
    assert_eq!(put(client, "a", "JOE").0, 200);
    // What is given up is free.
    assert_eq!(put(client, "a", "Ann").0, 200);
    assert_eq!(put(client, "b", "Joe").0, 200);
    client.delete("managed/user/a").expect(200);
    assert_eq!(put(client, "c", "Ann").0, 201);
    // Nothing is not a value.
    client.put("managed/user/d", &json!({})).expect(201);
    client.put("managed/user/e", &json!({"userName": null})).expect(403);
    client.put("managed/user/e", &json!({})).expect(201);
}

#[test]
fn of_many_that_want_a_value_at_the_same_time_one_gets_it() {
    let server = server(&types());
    let client = &server.client;
    for round in 0..10 {
        let name = format!("name{round}");
        let statuses: Vec<u16> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..6)
                .map(|number| {
                    let (client, name) = (client.clone(), name.clone());
                    scope.spawn(move || put(&client, &format!("r{round}n{number}"), &name).0)
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(
            statuses.iter().filter(|status| **status == 201).count(),
            1,
            "{statuses:?}"
        );
        assert_eq!(
            statuses.iter().filter(|status| **status == 403).count(),
            5,
            "{statuses:?}"
        );
    }
    assert_eq!(client.query("managed/user", "true").len(), 10);
}

/// The objects of a scan are committed in batches: there, too, the value goes to one of them.
#[test]
fn of_the_objects_of_a_scan_that_want_a_value_one_gets_it() {
    let server = server(&types());
    let client = &server.client;
    for number in 0..40 {
        client
            .put(&format!("managed/user/u{number}"), &json!({"misbehave": "x"}))
            .expect(201);
    }
    let source = "openidm.patch(objectID, null, [{operation: 'add', field: '/userName', value: 'chosen'}]); true;";
    let job = json!({
        "enabled": true, "type": "cron", "schedule": "0 0 0 1 1 ? 2099", "invokeService": "taskscanner",
        "invokeContext": {
            "waitForCompletion": true,
            "scan": {
                "_queryFilter": "misbehave pr and !(/task/completed pr)", "object": "managed/user",
                "taskState": {"started": "/task/started", "completed": "/task/completed"},
            },
            "task": {"script": script(source)},
        },
    });
    client.put("scheduler/job/scan", &job).expect(201);
    let run = client.post("taskscanner?_action=execute&name=scan", None).expect(200);
    let run = client.ended_run(run["_id"].as_str().unwrap());
    assert_eq!(
        (&run["progress"]["successes"], &run["progress"]["failures"]),
        (&json!(1), &json!(39)),
        "{run}"
    );
    assert_eq!(client.query("managed/user", "userName pr").len(), 1);
}

#[test]
fn a_task_may_swap_two_values() {
    let server = server(&[user(
        json!({"userName": {"type": "string", "unique": true}}),
        json!({"actions": {"swap": script(
            "openidm.patch('managed/user/a', null, [{operation: 'replace', field: '/userName', value: 'tmp'}]);
             openidm.patch('managed/user/b', null, [{operation: 'replace', field: '/userName', value: 'one'}]);
             openidm.patch('managed/user/a', null, [{operation: 'replace', field: '/userName', value: 'two'}]); 1"
        )}}),
    )]);
    let client = &server.client;
    put(client, "a", "one");
    put(client, "b", "two");
    client.post("managed/user?_action=swap", None).expect(200);
    assert_eq!(client.get("managed/user/a").expect(200)["userName"], "two");
    assert_eq!(put(client, "c", "tmp").0, 201);
    assert_eq!(put(client, "d", "one").0, 403);
}

/// A start that refuses a configuration says which objects are in the way; one without duplicates reserves what is there.
#[test]
fn what_was_not_unique_before_is_checked_when_it_becomes_so() {
    let folder = tempfile::tempdir().unwrap();
    let before = json!({"objects": [user(json!({"userName": {"type": "string"}}), json!({}))]});
    let after = json!({"objects": types()});
    let server = Server::in_folder(folder.path(), &before);
    put(&server.client, "a", "joe");
    put(&server.client, "b", "JOE");
    put(&server.client, "c", "ann");
    server.stop();
    let refused = Server::try_in_folder(folder.path(), &after).err().unwrap();
    for words in ["managed.json", "/objects/0/schema", "unique", r#"["a","b"]"#] {
        assert!(refused.contains(words), "{refused}");
    }
    let server = Server::in_folder(folder.path(), &before);
    put(&server.client, "b", "jim");
    server.stop();
    let server = Server::in_folder(folder.path(), &after);
    assert_eq!(put(&server.client, "d", "JIM").0, 403);
    assert_eq!(put(&server.client, "b", "jon").0, 200);
    assert_eq!(put(&server.client, "d", "JIM").0, 201);
}
