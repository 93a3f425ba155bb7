//! Runs that are killed: no target object twice, no link lost, and a second run changes nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use super::{configure, ended, mapping, script, text};
use crate::harness::{Client, Dice, PASSWORD, Process, encode, kills, pause};

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

/// As many kills as fit into half a minute where the tests run by themselves.
const KILLS: u64 = 12;

/// Kills of one run; then the next one begins on fresh data.
const KILLS_EACH: u64 = 6;

/// Users become roles by a run and with each change; roles become devices with each change, also with those of the run.
fn both_mappings() -> [Value; 2] {
    let named = json!([{"source": "name", "target": "name"}, {"source": "_id", "target": "of"}]);
    let users_roles = mapping(&json!({
        "enableSync": true,
        "properties": named,
        "onCreate": script("for (var i = 0, sum = 0; i < 3000; i++) sum += i; target.hooks = (target.hooks || 0) + 1;"),
    }));
    let mut roles_devices = mapping(&json!({"enableSync": true, "properties": named}));
    roles_devices["name"] = json!("roles_devices");
    roles_devices["source"] = json!("managed/role");
    roles_devices["target"] = json!("managed/device");
    [users_roles, roles_devices]
}

#[test]
fn runs_and_changes_that_are_killed_at_any_moment_leave_nothing_twice_and_nothing_lost() {
    let kills = kills(KILLS);
    let (mut left, mut dice, mut met) = (kills, Dice(kills), 0);
    while left > 0 {
        let (done, met_now) = one_run(left.min(KILLS_EACH), &mut dice);
        left -= done;
        met += met_now;
    }
    // Most of them meet the run while it is at work.
    assert!(met * 2 >= kills, "only {met} of {kills} kills met a run");
}

/// Kills one run again and again while somebody changes its source, lets it end, and looks at everything. How many kills
/// there were, and how many met the run.
fn one_run(kills: u64, dice: &mut Dice) -> (u64, u64) {
    let data = tempfile::tempdir().unwrap();
    let mut process = Process::serve(data.path());
    let types = json!({"objects": [{"name": "user"}, {"name": "role"}, {"name": "device"}]});
    process.client.put("config/managed", &types).expect(200);
    // The first ones are there before there is a mapping that could carry them over.
    populate(&process.client);
    configure(&process.client, &both_mappings());
    let started = process
        .client
        .post("recon?_action=recon&mapping=users_roles", None)
        .expect(200);
    let id = text(&started["_id"]);
    let (mut done, mut met, mut last) = (0, 0, 0);
    for _ in 0..kills {
        let goal = last + dice.below(USERS as u64 / KILLS_EACH);
        let (next, processed, goes_on) = one_life(process, data.path(), &id, goal, dice);
        process = next;
        last = processed;
        done += 1;
        met += u64::from(goes_on);
        if !goes_on {
            break;
        }
    }
    let client = &process.client;
    assert_eq!(ended(client, &id)["state"], "SUCCESS");
    let second = client
        .post("recon?_action=recon&mapping=users_roles&waitForCompletion=true", None)
        .expect(200);
    let second = client.get(&format!("recon/{}", text(&second["_id"]))).expect(200);
    let progress = &second["progress"];
    assert_eq!(
        (
            &progress["target"]["created"],
            &progress["target"]["updated"],
            &progress["links"]["created"]
        ),
        (&json!(0), &json!(0), &json!(0)),
        "{second:#}"
    );
    assert!(client.query("sync/queue", "true").is_empty());
    assert_pairs(client, "users_roles", "managed/user", "managed/role");
    assert_pairs(client, "roles_devices", "managed/role", "managed/device");
    let roles = client.query("managed/role", "true");
    assert!(
        roles.iter().all(|role| role["hooks"] == 1),
        "the script ran once for each"
    );
    (done, met)
}

/// Lets a server work, and changes users meanwhile, until the run has come so far and a little further; then it is killed.
/// The next server, how far the run was, and whether it went on.
fn one_life(process: Process, data: &Path, run: &str, goal: u64, dice: &mut Dice) -> (Process, u64, bool) {
    let (client, is_over) = (process.client.clone(), AtomicBool::new(false));
    let (mut own, pauses) = (Dice(dice.below(u64::MAX)), dice.below(4));
    let (processed, goes_on) = std::thread::scope(|scope| {
        scope.spawn(|| change_users(&client, &is_over, &mut own));
        let seen = wait_for(&process.client, run, goal);
        (0..pauses).for_each(|_| pause());
        process.kill();
        is_over.store(true, Ordering::Relaxed);
        seen
    });
    (Process::serve(data), processed, goes_on)
}

fn wait_for(client: &Client, run: &str, goal: u64) -> (u64, bool) {
    loop {
        let shown = client.get(&format!("recon/{run}")).expect(200);
        let processed = shown["progress"]["source"]["existing"]["processed"].as_u64().unwrap();
        let goes_on = shown["state"] == "ACTIVE";
        if !goes_on || processed >= goal {
            return (processed, goes_on);
        }
        pause();
    }
}

/// Renames users and makes new ones until the server is gone.
fn change_users(client: &Client, is_over: &AtomicBool, dice: &mut Dice) {
    let headers = [
        ("X-OpenIDM-Username", "openidm-admin"),
        ("X-OpenIDM-Password", PASSWORD),
        ("Content-Type", "application/json"),
    ];
    while !is_over.load(Ordering::Relaxed) {
        let name = format!("c{}", dice.below(1 << 40));
        let (method, id, body) = if dice.chance(20) {
            ("PUT", format!("late{}", dice.below(1 << 40)), json!({"name": name}))
        } else {
            let patch = json!([{"operation": "replace", "field": "/name", "value": name}]);
            ("PATCH", format!("u{:05}", dice.below(USERS as u64)), patch)
        };
        let path = format!("/openidm/managed/user/{id}");
        // It may be gone in the middle of an answer; who is overtaken by the run too often is told so.
        let answer = client.try_send(method, &path, &headers, Some(body.to_string().as_bytes()));
        if let Ok(answer) = answer {
            assert!(matches!(answer.status, 200 | 201 | 409), "{}", answer.text);
        }
    }
}

/// Each object of the source has one of the target, which says so, and one link to it; there is nothing else.
#[track_caller]
fn assert_pairs(client: &Client, mapping: &str, source: &str, target: &str) {
    let by_id = |objects: Vec<Value>| -> BTreeMap<String, Value> {
        objects
            .into_iter()
            .map(|object| (text(&object["_id"]), object))
            .collect()
    };
    let (sources, targets) = (by_id(client.query(source, "true")), by_id(client.query(target, "true")));
    assert!(sources.len() >= USERS, "{mapping}: {} in the source", sources.len());
    assert_eq!(sources.len(), targets.len(), "{mapping}: one for each");
    let links: BTreeMap<String, String> = client
        .query("repo/link", "true")
        .iter()
        .filter(|link| link["linkType"] == mapping)
        .map(|link| (text(&link["firstId"]), text(&link["secondId"])))
        .collect();
    assert!(links.keys().eq(sources.keys()), "{mapping}: each has a link");
    let linked: BTreeSet<&String> = links.values().collect();
    assert!(linked.into_iter().eq(targets.keys()), "{mapping}: each is linked once");
    for (id, target) in &links {
        let (source, target) = (&sources[id], &targets[target]);
        assert_eq!(
            (&target["of"], &target["name"]),
            (&json!(id), &source["name"]),
            "{mapping}"
        );
    }
}
