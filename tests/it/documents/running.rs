//! What a scan does with its objects.

use chrono::Duration;
use serde_json::{Value, json};

use super::people::People;
use super::{USERS, execute, progress, script, sunset};
use crate::harness::{Server, pause};

const NOW: &str = "2026-06-01T12:00:00.000Z";

/// Executes a job of the document with these changes, and answers the run once it has ended.
fn run(server: &Server, changes: Value) -> Value {
    let stored = server.client.put("scheduler/job/sunset", &sunset(changes));
    assert!(matches!(stored.status, 200 | 201), "{}", stored.text);
    server.client.ended_run(&execute(&server.client, "sunset"))
}

#[test]
fn a_component_does_what_the_script_does() {
    let server = Server::start();
    let mut people = People::make(&server.client);
    let first = run(&server, json!({}));
    assert_eq!(progress(&first), ("COMPLETED", 3, 3, 0));
    people.assert_deactivated_at(NOW);
    people.look_again();
    assert_eq!(progress(&run(&server, json!({}))), ("COMPLETED", 0, 0, 0));
    people.assert_unchanged();
}

#[test]
fn a_script_in_a_file_does_what_the_script_in_line_does() {
    let source = "openidm.patch(objectID, null, [
        {operation: 'replace', field: '/active', value: false},
        {operation: 'replace', field: '/accountStatus', value: status},
    ]); true;";
    let server = Server::with_files(&[("script/sunset.js", source.as_bytes())]);
    let people = People::make(&server.client);
    let file =
        json!({"script": {"type": "text/javascript", "file": "script/sunset.js", "globals": {"status": "inactive"}}});
    assert_eq!(progress(&run(&server, json!({"task": file}))), ("COMPLETED", 3, 3, 0));
    people.assert_deactivated_at(NOW);
}

#[test]
fn a_scan_that_is_waited_for_has_ended_when_the_id_is_answered() {
    let server = Server::start();
    let people = People::make(&server.client);
    server
        .client
        .put("scheduler/job/sunset", &sunset(json!({"waitForCompletion": true})))
        .expect(201);
    let id = execute(&server.client, "sunset");
    let ended = server.client.get(&format!("taskscanner/{id}")).expect(200);
    assert_eq!(progress(&ended), ("COMPLETED", 3, 3, 0));
    people.assert_deactivated_at(NOW);
}

#[test]
fn a_claim_is_respected_until_its_time_is_up() {
    let server = Server::start();
    let mut people = People::none(&server.client);
    let claimed = |at: &str| json!({"date": "2020-01-01T00:00:00.000Z", "task-started": at, "task-completed": null});
    people.add(USERS, "a-moment-ago", claimed("2026-06-01T11:50:00.001Z"), false);
    people.add(USERS, "ten-minutes-ago", claimed("2026-06-01T11:50:00.000Z"), true);
    people.add(USERS, "long-ago", claimed("2020-01-01T00:00:00.000Z"), true);
    assert_eq!(progress(&run(&server, json!({}))), ("COMPLETED", 3, 2, 0));
    people.assert_deactivated_at(NOW);
    people.look_again();
    people
        .users
        .iter_mut()
        .for_each(|user| user.is_meant = user.path.ends_with("a-moment-ago"));
    server.advance(Duration::milliseconds(1));
    assert_eq!(progress(&run(&server, json!({}))), ("COMPLETED", 1, 1, 0));
    people.assert_deactivated_at("2026-06-01T12:00:00.001Z");
}

#[test]
fn only_true_is_a_success() {
    let server = Server::start();
    let results = ["true", "false", "\"true\"", "1", "null", "undefined", "({})", "[true]"];
    for (number, result) in results.iter().enumerate() {
        let user = json!({"result": result, "sunset": {"date": "2020-01-01T00:00:00.000Z"}});
        server.client.put(&format!("{USERS}/{number}"), &user).expect(201);
    }
    let source = "openidm.patch(objectID, null, [{operation: 'add', field: '/changed', value: true}]); eval('(' + input.result + ')');";
    let run = run(&server, json!({"task": script(source)}));
    assert_eq!(progress(&run), ("COMPLETED", 8, 1, 7));
    let done = server.client.query(USERS, "/sunset/task-completed pr");
    assert_eq!((done.len(), &done[0]["result"]), (1, &json!("true")));
    // What failed has changed nothing.
    assert_eq!(server.client.query(USERS, "changed pr").len(), 1);
}

#[test]
fn at_most_so_many_objects_are_processed() {
    let server = Server::start();
    People::make(&server.client);
    assert_eq!(
        progress(&run(&server, json!({"maxRecords": 2}))),
        ("COMPLETED", 2, 2, 0)
    );
    assert_eq!(
        progress(&run(&server, json!({"maxRecords": 2}))),
        ("COMPLETED", 1, 1, 0)
    );
}

#[test]
fn the_time_in_a_filter_can_be_moved_and_text_behind_it_counts() {
    let server = Server::start();
    for (name, date) in [
        ("past", "2026-05-31T11:00:00.000Z"),
        ("today", "2026-06-01T13:00:00.000Z"),
        ("later", "2026-06-03T00:00:00.000Z"),
    ] {
        server
            .client
            .put(&format!("{USERS}/{name}"), &json!({"sunset": {"date": date}}))
            .expect(201);
    }
    let scan = |filter: &str| {
        let mut job = sunset(json!({}));
        job["invokeContext"]["scan"]["_queryFilter"] = json!(filter);
        job["invokeContext"]["task"] = script("true;");
        let stored = server.client.put("scheduler/job/sunset", &job);
        assert!(matches!(stored.status, 200 | 201), "{}", stored.text);
        server.client.ended_run(&execute(&server.client, "sunset"));
        let mut done: Vec<String> = server
            .client
            .query(USERS, "/sunset/task-completed pr")
            .iter()
            .map(|user| user["_id"].as_str().unwrap().to_owned())
            .collect();
        let reset = json!([{"operation": "remove", "field": "/sunset/task-completed"}, {"operation": "remove", "field": "/sunset/task-started"}]);
        done.iter()
            .for_each(|id| drop(server.client.patch(&format!("{USERS}/{id}"), &reset).expect(200)));
        done.sort();
        done
    };
    assert_eq!(scan(r#"/sunset/date lt "${Time.now}""#), ["past"]);
    assert_eq!(scan(r#"/sunset/date lt "${Time.now + 1d}""#), ["past", "today"]);
    assert_eq!(scan(r#"/sunset/date lt "${Time.now - 1M}""#), Vec::<String>::new());
    assert_eq!(
        scan(r#"/sunset/date gt "${Time.now - 2d}" and /sunset/date lt "${Time.now + 3d}" and !(_id eq "today")"#),
        ["later", "past"]
    );
}

/// Makes users by the hundred: more than a scan claims ahead of its work.
fn crowd(server: &Server, hundreds: usize) {
    let source =
        "for (var i = 0; i < 100; i++) openidm.create('managed/realm-name_user', input + '-' + i, {n: 0}); true;";
    for number in 0..hundreds {
        let job = json!({
            "type": "simple", "repeatCount": 0, "invokeService": "script",
            "invokeContext": {"script": {"type": "text/javascript", "source": source}, "input": number.to_string()},
        });
        server
            .client
            .put(&format!("scheduler/job/crowd-{number}"), &job)
            .expect(201);
    }
    server.settle();
}

#[test]
fn a_scan_of_several_pages_takes_each_object_once() {
    let server = Server::start();
    crowd(&server, 17);
    let mut job = sunset(json!({
        "task": script("openidm.patch(objectID, null, [{operation: 'increment', field: '/n', value: 1}]); true;"),
    }));
    job["invokeContext"]["scan"]["_queryFilter"] = json!("!(/sunset/task-completed pr)");
    server.client.put("scheduler/job/sunset", &job).expect(201);
    let run = server.client.ended_run(&execute(&server.client, "sunset"));
    assert_eq!(progress(&run), ("COMPLETED", 1700, 1700, 0));
    assert_eq!(
        server.client.query(USERS, "n eq 1 and /sunset/task-completed pr").len(),
        1700
    );
}

#[test]
fn a_scan_that_has_claimed_all_it_may_can_be_cancelled() {
    let server = Server::start();
    crowd(&server, 17);
    let slow = script("for (var i = 0; i < 500000; i++) {} true;");
    let mut job = sunset(json!({"numberOfThreads": 1, "task": slow}));
    job["invokeContext"]["scan"]["_queryFilter"] = json!("true");
    server.client.put("scheduler/job/sunset", &job).expect(201);
    let id = execute(&server.client, "sunset");
    while server.client.query(USERS, "/sunset/task-started pr").len() < 1500 {
        pause();
    }
    let answer = server
        .client
        .post(&format!("taskscanner/{id}?_action=cancel"), None)
        .expect(200);
    assert_eq!(answer["status"], "SUCCESS");
    let run = server.client.ended_run(&id);
    let (state, total, successes, failures) = progress(&run);
    assert_eq!((state, total, failures), ("CANCELLED", 1700, 0));
    let marked = server.client.query(USERS, "/sunset/task-started pr").len() as u64;
    assert_eq!(marked, successes);
}

#[test]
fn an_object_that_cannot_be_marked_costs_itself_only() {
    let server = Server::start();
    let client = &server.client;
    let users = [
        ("a", json!({})),
        ("b", json!({"sunset": "a text"})),
        ("c", json!({"sunset": [1]})),
        ("d", json!({"sunset": {"task-started": 5}})),
    ];
    for (name, user) in &users {
        client.put(&format!("{USERS}/{name}"), user).expect(201);
    }
    let mut job = sunset(json!({"task": script("true;")}));
    job["invokeContext"]["scan"]["_queryFilter"] = json!("true");
    client.put("scheduler/job/sunset", &job).expect(201);
    let run = client.ended_run(&execute(client, "sunset"));
    assert_eq!(progress(&run), ("COMPLETED", 4, 2, 2), "{run}");
    let failures = client.query(&format!("taskscanner/{}/failure", run["_id"].as_str().unwrap()), "true");
    let told: Vec<(&Value, &Value)> = failures
        .iter()
        .map(|failure| (&failure["objectId"], &failure["kind"]))
        .collect();
    assert_eq!(told, [(&json!("b"), &json!("mark")), (&json!("c"), &json!("mark"))]);
    assert!(
        failures[0]["message"]
            .as_str()
            .unwrap()
            .contains("/sunset/task-started cannot be set")
    );
    for (name, user) in &users[1..3] {
        assert_eq!(
            client.get(&format!("{USERS}/{name}")).expect(200)["sunset"],
            user["sunset"]
        );
    }
}

#[test]
fn a_task_may_delete_its_object() {
    let server = Server::start();
    People::make(&server.client);
    let task = json!({"task": script("openidm.delete(objectID, null); true;")});
    assert_eq!(progress(&run(&server, task)), ("COMPLETED", 3, 3, 0));
    assert_eq!(server.client.query(USERS, "true").len(), 3);
}
