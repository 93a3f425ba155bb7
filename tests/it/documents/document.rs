//! The document, call by call.

use chrono::Duration;
use serde_json::{Value, json};

use super::people::People;
use super::{USERS, document, progress, script, sunset};
use crate::harness::{PASSWORD, Server, Transcript};

#[test]
fn the_document_works_call_by_call_with_a_name_and_a_password() {
    let server = Server::start();
    walk(
        &server,
        &[
            ("X-OpenIDM-Username", "openidm-admin"),
            ("X-OpenIDM-Password", PASSWORD),
        ],
    );
}

#[test]
fn the_document_works_call_by_call_with_a_token() {
    let server = Server::start();
    let token = server
        .client
        .post("internal/token", Some(&json!({"name": "documents"})))
        .expect(201);
    let bearer = format!("Bearer {}", token["token"].as_str().unwrap());
    walk(&server, &[("Authorization", &bearer)]);
}

fn walk(server: &Server, credentials: &[(&str, &str)]) {
    let mut document = Transcript::open("taskscanner", &server.client, credentials);
    document.call("create a scanning task");
    // A schedule without a start fires at once: it finds nobody yet.
    server.settle();
    server.advance(Duration::seconds(1));
    let mut people = People::make(&server.client);

    document.call("trigger a scanning task");
    server.client.ended_run(document.names.get("first"));
    people.assert_deactivated_at("2026-06-01T12:00:01.000Z");
    document.call("read a scanning task");
    document.call("cancel a scanning task that has already completed");

    server.advance(Duration::seconds(1));
    people.look_again();
    document.call("create a second scanning task");
    server.settle();
    server.advance(Duration::seconds(1));
    document.call("trigger the second scanning task");
    server.client.ended_run(document.names.get("second"));
    people.assert_unchanged();
    document.call("list the scanning tasks");
}

#[test]
fn a_scan_in_progress_is_cancelled_as_in_the_document() {
    let server = Server::start();
    let client = &server.client;
    let mut document = document(client);
    document.call("create a scanning task");
    server.settle();
    server.advance(Duration::seconds(1));
    for number in 0..100 {
        let user = json!({"active": true, "sunset": {"date": "2020-01-01T00:00:00.000Z"}});
        client.put(&format!("{USERS}/{number:02}"), &user).expect(201);
    }
    // The same task, as slow as some are.
    let source = "for (var i = 0; i < 500000; i++) {} openidm.patch(objectID, null, [{operation: 'replace', field: '/active', value: false}]); true;";
    let slow = sunset(json!({"numberOfThreads": 1, "task": script(source)}));
    client.put("scheduler/job/sunsetTask", &slow).expect(200);
    document.call("trigger a scanning task");
    wait_for_an_active_run(client, document.names.get("first"));
    document.call("list the scanning tasks while one is active");
    document.call("cancel a scanning task");
    let run = client
        .get(&format!("taskscanner/{}", document.names.get("first")))
        .expect(200);
    let (state, total, successes, failures) = progress(&run);
    assert_eq!(
        (state, total, failures, &run["ended"]),
        ("CANCELLED", 100, 0, &json!("2026-06-01T12:00:01.000Z"))
    );
    assert!(successes < 100, "{run}");
    document.call("cancel a scanning task that has already completed");

    // What had its turn is done, what had not is as if nothing had been.
    let users = client.query(USERS, "true");
    let is_done = |user: &&Value| user["active"] == false && user["sunset"].get("task-completed").is_some();
    let is_untouched =
        |user: &&Value| user["active"] == true && user["sunset"] == json!({"date": "2020-01-01T00:00:00.000Z"});
    assert_eq!(users.iter().filter(is_done).count() as u64, successes);
    assert_eq!(users.iter().filter(is_untouched).count() as u64, 100 - successes);
}

fn wait_for_an_active_run(client: &crate::harness::Client, id: &str) {
    for _ in 0..1_000 {
        match client.get(&format!("taskscanner/{id}")).expect(200)["progress"]["state"].as_str() {
            Some("INITIALIZED") => crate::harness::pause(),
            Some("ACTIVE") => return,
            state => panic!("the run is {state:?}"),
        }
    }
    panic!("the run does not begin");
}

#[test]
fn a_body_as_it_is_printed_says_what_would_be_right_and_stores_nothing() {
    let server = Server::start();
    let mut document = document(&server.client);
    document.call("create a scanning task, as it is printed");
    document.call("create a scanning task, as it is printed but for the JSON");
    server.client.get("scheduler/job/printedTask").expect(404);
    assert!(server.client.query("scheduler/job", "true").is_empty());
    assert!(server.client.query("taskscanner", "true").is_empty());
}

#[test]
fn the_schedule_scans_on_time_and_sees_the_time_of_each_run() {
    let server = Server::start();
    document(&server.client).call("create a scanning task");
    server.settle();
    let mut people = People::make(&server.client);
    people.add(
        USERS,
        "within-the-hour",
        json!({"date": "2026-06-01T12:59:59.999Z"}),
        true,
    );
    people.add(USERS, "on-the-hour", json!({"date": "2026-06-01T13:00:00.000Z"}), false);
    server.advance(Duration::milliseconds(3_599_999));
    people.assert_unchanged();
    server.advance(Duration::milliseconds(1));
    people.assert_deactivated_at("2026-06-01T13:00:00.000Z");

    people.look_again();
    people
        .users
        .iter_mut()
        .for_each(|user| user.is_meant = user.path.ends_with("on-the-hour"));
    server.advance(Duration::hours(1));
    people.assert_deactivated_at("2026-06-01T14:00:00.000Z");
    let runs = server.client.query("taskscanner", "true");
    let successes: Vec<&Value> = runs.iter().map(|run| &run["progress"]["successes"]).collect();
    assert_eq!(successes, [0, 4, 1]);
    let job = server.client.get("scheduler/job/sunsetTask").expect(200);
    assert_eq!(job["previousRunDate"], "2026-06-01T14:00:00.000Z");
    assert_eq!(job["nextRunDate"], "2026-06-01T15:00:00.000Z");
    assert_eq!(job.pointer("/triggers/0/serialized/timesTriggered"), Some(&json!(3)));
}
