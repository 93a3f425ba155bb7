//! Runs that are killed: no target object twice, no link lost, and a second run changes nothing.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{configure, ended, mapping, script, text};
use crate::harness::{Client, Process, encode, pause};

const USERS: usize = 1_600;
const WRITERS: usize = 8;

fn populate(client: &Client) {
    std::thread::scope(|scope| {
        for writer in 0..WRITERS {
            scope.spawn(move || {
                for number in (writer..USERS).step_by(WRITERS) {
                    let user = json!({"name": format!("n{number}"), "number": number});
                    client.put(&format!("managed/user/u{number:05}"), &user).expect(201);
                }
            });
        }
    });
}

/// Everything is there exactly once.
#[track_caller]
fn assert_once(client: &Client) {
    let roles = client.query("managed/role", "true");
    let of: BTreeSet<String> = roles.iter().map(|role| text(&role["of"])).collect();
    assert_eq!((roles.len(), of.len()), (USERS, USERS), "each user has one role");
    assert!(
        roles.iter().all(|role| role["hooks"] == 1),
        "the script ran once for each"
    );
    let links = client.query("repo/link", "true");
    let firsts: BTreeSet<String> = links.iter().map(|link| text(&link["firstId"])).collect();
    let seconds: BTreeSet<String> = links.iter().map(|link| text(&link["secondId"])).collect();
    assert_eq!(
        (links.len(), firsts.len(), seconds.len()),
        (USERS, USERS, USERS),
        "each has one link"
    );
}

#[test]
fn a_run_that_is_killed_again_and_again_makes_every_target_once() {
    let data = tempfile::tempdir().unwrap();
    let mut process = Process::serve(data.path());
    let types = json!({"objects": [{"name": "user"}, {"name": "role"}]});
    process.client.put("config/managed", &types).expect(200);
    // The ids of target objects are the server's, so that a second attempt would make a second object.
    let more = json!({
        "properties": [{"source": "name", "target": "name"}, {"source": "_id", "target": "of"}],
        "onCreate": script("for (var i = 0, sum = 0; i < 3000; i++) sum += i; target.hooks = (target.hooks || 0) + 1;"),
    });
    configure(&process.client, &[mapping(&more)]);
    populate(&process.client);
    let started = process
        .client
        .post("recon?_action=recon&mapping=users_roles", None)
        .expect(200);
    let id = text(&started["_id"]);
    let mut met = 0;
    for pauses in [0, 0, 20, 3, 45, 9, 0, 60, 33] {
        (0..pauses).for_each(|_| pause());
        let run = process.client.get(&format!("recon/{id}")).expect(200);
        met += usize::from(run["state"] == "ACTIVE");
        process.kill();
        process = Process::serve(data.path());
    }
    assert!(met >= 4, "only {met} kills met the run");
    let client = &process.client;
    let run = ended(client, &id);
    assert_eq!(run["state"], "SUCCESS", "{run:#}");
    assert_eq!(run["situationSummary"]["ABSENT"], USERS, "{run:#}");
    assert_eq!(
        run["progress"]["source"]["existing"],
        json!({"processed": USERS, "total": USERS.to_string()})
    );
    assert_once(client);
    // Each object was told once, in the commit of its page; so were the beginning and the end.
    let told = |kind: &str| {
        let filter = encode(&format!("/reconId eq \"{id}\" and entryType eq \"{kind}\""));
        let page = format!("audit/recon?_queryFilter={filter}&_pageSize=1&_totalPagedResultsPolicy=EXACT");
        client.get(&page).expect(200)["totalPagedResults"].clone()
    };
    assert_eq!(
        (told("start"), told("entry"), told("summary")),
        (json!(1), json!(USERS), json!(1))
    );
    let second = client
        .post("recon?_action=recon&mapping=users_roles&waitForCompletion=true", None)
        .expect(200);
    let second: Value = client.get(&format!("recon/{}", text(&second["_id"]))).expect(200);
    assert_eq!(second["situationSummary"]["CONFIRMED"], USERS, "{second:#}");
    let target = &second["progress"]["target"];
    assert_eq!(
        (&target["unchanged"], &target["created"], &target["updated"]),
        (&json!(USERS), &json!(0), &json!(0))
    );
    assert_once(client);
}

#[test]
fn a_cancellation_that_was_answered_survives_a_kill() {
    let data = tempfile::tempdir().unwrap();
    let process = Process::serve(data.path());
    let types = json!({"objects": [{"name": "user"}, {"name": "role"}]});
    process.client.put("config/managed", &types).expect(200);
    let slow = script("for (var i = 0, sum = 0; i < 200000; i++) sum += i; true");
    configure(&process.client, &[mapping(&json!({"validSource": slow}))]);
    populate(&process.client);
    let started = process
        .client
        .post("recon?_action=recon&mapping=users_roles", None)
        .expect(200);
    let id = text(&started["_id"]);
    let answer = process
        .client
        .post(&format!("recon/{id}?_action=cancel"), None)
        .expect(200);
    assert_eq!(answer["status"], "INITIATED");
    process.kill();
    let process = Process::serve(data.path());
    assert_eq!(ended(&process.client, &id)["state"], "CANCELED");
}
