//! Which scans can be started, and what can be asked about those that were.

use chrono::Duration;
use serde_json::{Value, json};

use super::{USERS, execute, script, sunset};
use crate::harness::{Answer, Server, encode};

#[track_caller]
fn refuse(answer: Answer, status: u16, message: &str) {
    let problem = answer.expect(status);
    assert!(problem["message"].as_str().unwrap().contains(message), "{problem}");
}

#[test]
fn only_scanning_tasks_that_are_enabled_can_be_executed() {
    let server = Server::start();
    let client = &server.client;
    let mut disabled = sunset(json!({}));
    disabled["enabled"] = json!(false);
    client.put("scheduler/job/disabled", &disabled).expect(201);
    let other = json!({
        "schedule": "0 0 0 * * ?", "invokeService": "script",
        "invokeContext": {"script": {"type": "text/javascript", "source": "true;"}},
    });
    client.put("scheduler/job/other", &other).expect(201);
    let execute = |name: &str| client.post(&format!("taskscanner?_action=execute{name}"), None);
    refuse(
        execute("&name=nothing"),
        400,
        "Error obtaining named config: &#39;nothing&#39;",
    );
    refuse(
        execute("&name=schedule/nothing"),
        400,
        "Error obtaining named config: &#39;schedule/nothing&#39;",
    );
    refuse(execute("&name=other"), 400, "is not a scanning task");
    refuse(execute("&name=disabled"), 400, "is disabled");
    refuse(execute("&name="), 400, "&#39;name&#39; is missing");
    refuse(execute(""), 400, "&#39;name&#39; is missing");
    assert!(client.query("taskscanner", "true").is_empty());
}

#[test]
fn a_scan_bears_the_name_by_which_it_was_executed() {
    let server = Server::start();
    server
        .client
        .put("scheduler/job/sunset", &sunset(json!({})))
        .expect(201);
    for name in ["sunset", "schedule/sunset"] {
        let run = server.client.ended_run(&execute(&server.client, name));
        assert_eq!(run["name"], name);
    }
}

#[test]
fn what_is_not_there_and_what_cannot_be_done_is_refused() {
    let server = Server::start();
    let client = &server.client;
    let unknown = "Task with id &#39;nobody&#39; not found.";
    refuse(client.get("taskscanner/nobody"), 404, unknown);
    refuse(client.post("taskscanner/nobody?_action=cancel", None), 404, unknown);
    refuse(client.get("taskscanner"), 400, "_queryFilter=true");
    refuse(
        client.post("taskscanner?_action=cancel", None),
        400,
        "Unknown action: cancel",
    );
    refuse(
        client.post("taskscanner/nobody?_action=execute", None),
        400,
        "Action &#39;execute&#39; on Task &#39;nobody&#39; not supported",
    );
    client.put("taskscanner/nobody", &json!({})).expect(501);
    client.post("taskscanner?_action=create", Some(&json!({}))).expect(501);
    client.patch("taskscanner/nobody", &json!([])).expect(501);
    client.delete("taskscanner/nobody").expect(501);
}

#[test]
fn scans_are_filtered_sorted_and_paged() {
    let server = Server::start();
    let client = &server.client;
    for (name, users) in [("a", 1), ("b", 0), ("c", 2)] {
        for number in 0..users {
            let user = json!({"sunset": {"date": "2020-01-01T00:00:00.000Z"}});
            client.put(&format!("{USERS}/{name}-{number}"), &user).expect(201);
        }
        client
            .put(
                &format!("scheduler/job/{name}"),
                &sunset(json!({"task": script("true;")})),
            )
            .expect(201);
        client.ended_run(&execute(client, name));
        server.advance(Duration::seconds(1));
    }
    let names = |query: &str| {
        let answer = client.get(&format!("taskscanner?{query}")).expect(200);
        let runs = answer["result"].as_array().unwrap();
        let names: Vec<String> = runs
            .iter()
            .map(|run| run["name"].as_str().unwrap().to_owned())
            .collect();
        (
            names,
            answer["pagedResultsCookie"].clone(),
            answer["totalPagedResults"].clone(),
        )
    };
    let filtered = |filter: &str| names(&format!("_queryFilter={}", encode(filter))).0;
    assert_eq!(filtered("true"), ["a", "b", "c"]);
    assert_eq!(filtered("/progress/successes gt 0"), ["a", "c"]);
    assert_eq!(filtered(r#"started ge "2026-06-01T12:00:01" and name co "B""#), ["b"]);
    assert_eq!(
        names("_queryFilter=true&_sortKeys=-progress/total,name").0,
        ["c", "a", "b"]
    );
    let first = names("_queryFilter=true&_pageSize=2&_totalPagedResultsPolicy=EXACT");
    assert_eq!(
        (first.0.as_slice(), &first.2),
        (["a".to_owned(), "b".to_owned()].as_slice(), &json!(3))
    );
    let second = names(&format!(
        "_queryFilter=true&_pageSize=2&_pagedResultsCookie={}",
        first.1.as_str().unwrap()
    ));
    assert_eq!(
        (second.0.as_slice(), second.1),
        (["c".to_owned()].as_slice(), Value::Null)
    );
    assert_eq!(names("_queryFilter=true&_pagedResultsOffset=2").0, ["c"]);
    let fields = client
        .get("taskscanner?_queryFilter=name+eq+%22c%22&_fields=progress/state,ended")
        .expect(200);
    let id = fields["result"][0]["_id"].clone();
    assert_eq!(
        fields["result"],
        json!([{"_id": id, "state": "COMPLETED", "ended": "2026-06-01T12:00:02.000Z"}])
    );
}

#[test]
fn the_oldest_of_too_many_ended_scans_is_forgotten() {
    let server = Server::with_files(&[("taskwarden.toml", b"[taskscanner]\nmax-completed-runs = 2\n")]);
    let client = &server.client;
    client.put("scheduler/job/sunset", &sunset(json!({}))).expect(201);
    let ids: Vec<String> = (0..4)
        .map(|_| {
            server.advance(Duration::seconds(1));
            let id = execute(client, "sunset");
            client.ended_run(&id);
            id
        })
        .collect();
    // Room is made when a run begins: two that have ended stay beside it.
    let kept: Vec<Value> = client
        .query("taskscanner", "true")
        .iter()
        .map(|run| run["_id"].clone())
        .collect();
    assert_eq!(kept, ids[1..]);
    client.get(&format!("taskscanner/{}", ids[0])).expect(404);
}
