//! A process that is killed at any moment: what was acknowledged is there, and what was under way goes on as if nothing
//! had been.

mod acknowledged;
mod firing;
mod ledger;
mod scan;
mod schedule;
mod start;

use serde_json::{Value, json};

use crate::harness::{Client, Process, pause};

/// Clients that fill a server at once: the commits of several share an fsync.
const WRITERS: usize = 8;

/// How far a run gets before it is killed: so many objects more than at the last kill, and then so many pauses.
#[derive(Clone, Copy, Debug)]
struct Kill {
    more: u64,
    pauses: usize,
}

const fn kill(more: u64, pauses: usize) -> Kill {
    Kill { more, pauses }
}

fn id(number: usize) -> String {
    format!("user-{number:05}")
}

/// Makes users, each with a count of 0 and an empty journal.
fn populate(client: &Client, users: usize) {
    std::thread::scope(|scope| {
        for writer in 0..WRITERS {
            scope.spawn(move || {
                for number in (writer..users).step_by(WRITERS) {
                    let user = json!({"userName": id(number), "number": number, "count": 0, "journal": []});
                    client.put(&format!("managed/user/{}", id(number)), &user).expect(201);
                }
            });
        }
    });
}

/// An action whose every execution shows in its object. The sum makes it slow enough to be killed in between.
const COUNT: &str = r#"
    for (var i = 0, sum = 0; i < 10000; i++) sum += i;
    openidm.patch(objectID, null, [
        {operation: "increment", field: "/count", value: 1},
        {operation: "add", field: "/journal/-", value: "run at " + Date.now()}
    ]);
    true;
"#;

/// A scan over the users that match.
fn scan(filter: &str, source: &str) -> Value {
    json!({
        "waitForCompletion": false,
        "numberOfThreads": 4,
        "scan": {
            "_queryFilter": filter,
            "object": "managed/user",
            "taskState": {"started": "/task/started", "completed": "/task/completed"},
            // Long enough that nobody but the run that made a claim may take it up again.
            "recovery": {"timeout": "1h"},
        },
        "task": {"script": {"type": "text/javascript", "source": source}},
    })
}

/// A job that does not fire by itself.
fn by_hand(invoke_context: &Value) -> Value {
    json!({
        "enabled": true, "persisted": true, "type": "cron", "schedule": "0 0 0 1 1 ? 2099",
        "invokeService": "taskscanner", "invokeContext": invoke_context,
    })
}

/// Stores a scan and begins it. The id of the run.
fn execute(client: &Client, invoke_context: &Value) -> String {
    client.put("scheduler/job/scan", &by_hand(invoke_context)).expect(201);
    let run = client.post("taskscanner?_action=execute&name=scan", None).expect(200);
    run["_id"].as_str().unwrap().to_owned()
}

/// How many objects a run has had its turn with, and whether it goes on.
fn progress(client: &Client, run: &str) -> (u64, bool) {
    let run = client.get(&format!("taskscanner/{run}")).expect(200);
    let goes_on = matches!(run["progress"]["state"].as_str(), Some("INITIALIZED" | "ACTIVE"));
    (run["progress"]["processed"].as_u64().unwrap(), goes_on)
}

/// Kills the process again and again while a run goes on. What runs in the end, and how many kills met the run.
fn kill_repeatedly(mut process: Process, data: &std::path::Path, run: &str, kills: &[Kill]) -> (Process, usize) {
    let (mut last, mut met) = (0, 0);
    for Kill { more, pauses } in kills.iter().copied() {
        let goes_on = loop {
            let (processed, goes_on) = progress(&process.client, run);
            assert!(
                processed >= last,
                "{processed} objects were processed, and before the kill it had been {last}"
            );
            if !goes_on || processed >= last + more {
                last = processed;
                break goes_on;
            }
            pause();
        };
        (0..pauses).for_each(|_| pause());
        process.kill();
        met += usize::from(goes_on);
        process = Process::serve(data);
    }
    (process, met)
}

/// All users, in the order of their numbers.
fn users(client: &Client) -> Vec<Value> {
    let mut users = client.query("managed/user", "number pr");
    users.sort_by_key(|user| user["number"].as_u64());
    users
}

/// Every user was worked on exactly once, and the run counts them so.
#[track_caller]
fn assert_once(client: &Client, run: &Value, expected: usize) {
    let progress = &run["progress"];
    assert_eq!(progress["state"], "COMPLETED", "{run}");
    let users = users(client);
    assert_eq!(users.len(), expected);
    let wrong: Vec<&Value> = users
        .iter()
        .filter(|user| {
            let entries = user["journal"].as_array().map_or(0, Vec::len);
            user["count"] != 1 || entries != 1 || !user["task"]["completed"].is_string()
        })
        .collect();
    assert!(
        wrong.is_empty(),
        "{} of {expected} were not changed exactly once, the first is {}",
        wrong.len(),
        wrong[0]
    );
    let (successes, failures) = (&progress["successes"], &progress["failures"]);
    assert_eq!(
        (successes, failures, &progress["total"]),
        (&json!(expected), &json!(0), &json!(expected)),
        "{run}"
    );
}
