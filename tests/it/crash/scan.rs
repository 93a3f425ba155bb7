//! Scans that are killed: every object is changed exactly once.

use serde_json::{Value, json};

use super::{COUNT, Kill, assert_once, execute, kill, kill_repeatedly, populate, progress, scan, users};
use crate::harness::{Process, pause};

#[test]
fn a_scan_that_is_killed_again_and_again_changes_every_user_exactly_once() {
    const USERS: usize = 3_000;
    /// At once after the start, at once after being taken up again, within a page, at its end, a little later.
    const KILLS: [Kill; 12] = [
        kill(0, 0),
        kill(0, 0),
        kill(0, 2),
        kill(1, 0),
        kill(1, 1),
        kill(0, 0),
        kill(1, 3),
        kill(150, 0),
        kill(1, 7),
        kill(0, 13),
        kill(300, 2),
        kill(1, 0),
    ];
    let data = tempfile::tempdir().unwrap();
    let process = Process::serve(data.path());
    populate(&process.client, USERS);
    let run = execute(&process.client, &scan("!(/task/completed pr)", COUNT));
    let (process, met) = kill_repeatedly(process, data.path(), &run, &KILLS);
    assert!(met >= 8, "only {met} kills met the run");
    let ended = process.client.ended_run(&run);
    assert_once(&process.client, &ended, USERS);
    assert!(process.client.query("managed/user", "!(/task/completed pr)").is_empty());
    assert_eq!(process.client.query("taskscanner", "true").len(), 1);
}

/// Where the filter goes on matching, only the run's own memory keeps it from repeating itself.
#[test]
fn a_scan_whose_filter_goes_on_matching_repeats_nothing_after_a_kill() {
    const USERS: usize = 1_200;
    const KILLS: [Kill; 5] = [kill(1, 0), kill(0, 1), kill(1, 2), kill(100, 0), kill(1, 5)];
    let data = tempfile::tempdir().unwrap();
    let process = Process::serve(data.path());
    populate(&process.client, USERS);
    let run = execute(&process.client, &scan("true", COUNT));
    let (process, met) = kill_repeatedly(process, data.path(), &run, &KILLS);
    assert!(met >= 3, "only {met} kills met the run");
    let ended = process.client.ended_run(&run);
    assert_once(&process.client, &ended, USERS);
}

#[test]
fn failures_are_counted_and_recorded_once_across_kills() {
    const USERS: usize = 900;
    const KILLS: [Kill; 4] = [kill(1, 0), kill(1, 1), kill(0, 0), kill(1, 3)];
    let source = format!("if (input.number % 3 === 0) throw {{code: 409, message: 'every third'}};\n{COUNT}");
    let data = tempfile::tempdir().unwrap();
    let process = Process::serve(data.path());
    populate(&process.client, USERS);
    let run = execute(&process.client, &scan("!(/task/completed pr)", &source));
    let (process, met) = kill_repeatedly(process, data.path(), &run, &KILLS);
    assert!(met >= 2, "only {met} kills met the run");
    let ended = process.client.ended_run(&run);
    let progress = &ended["progress"];
    assert_eq!(
        (&progress["successes"], &progress["failures"]),
        (&json!(USERS * 2 / 3), &json!(USERS / 3)),
        "{ended}"
    );
    let failures = process.client.query(&format!("taskscanner/{run}/failure"), "true");
    // Failures come in pages.
    assert!(failures.len() == USERS / 3, "{} failures", failures.len());
    for user in users(&process.client) {
        let is_third = user["number"].as_u64().unwrap() % 3 == 0;
        assert_eq!(user["count"], if is_third { 0 } else { 1 }, "{user}");
        assert_eq!(user["task"]["completed"].is_string(), !is_third, "{user}");
    }
}

#[test]
fn a_counter_that_all_objects_share_ends_at_their_number_across_kills() {
    const USERS: usize = 400;
    const KILLS: [Kill; 5] = [kill(0, 5), kill(1, 0), kill(0, 0), kill(1, 2), kill(1, 1)];
    let source = format!(
        r#"openidm.patch("managed/user/total", null, [{{operation: "increment", field: "/sum", value: 1}}]);{COUNT}"#
    );
    let data = tempfile::tempdir().unwrap();
    let process = Process::serve(data.path());
    populate(&process.client, USERS);
    process
        .client
        .put("managed/user/total", &json!({"userName": "total", "sum": 0}))
        .expect(201);
    let run = execute(&process.client, &scan("number pr", &source));
    let (process, met) = kill_repeatedly(process, data.path(), &run, &KILLS);
    assert!(met >= 2, "only {met} kills met the run");
    let ended = process.client.ended_run(&run);
    assert_once(&process.client, &ended, USERS);
    assert_eq!(process.client.get("managed/user/total").expect(200)["sum"], USERS);
}

#[test]
fn a_scan_with_a_greatest_number_of_records_does_not_begin_to_count_anew() {
    const USERS: usize = 1_500;
    const RECORDS: usize = 1_000;
    let data = tempfile::tempdir().unwrap();
    let process = Process::serve(data.path());
    populate(&process.client, USERS);
    let mut context = scan("!(/task/completed pr)", COUNT);
    context["maxRecords"] = json!(RECORDS);
    let run = execute(&process.client, &context);
    let (process, met) = kill_repeatedly(process, data.path(), &run, &[kill(300, 0), kill(1, 0)]);
    assert!(met >= 1, "no kill met the run");
    let ended = process.client.ended_run(&run);
    let changed = users(&process.client).iter().filter(|user| user["count"] == 1).count();
    assert_eq!(
        (changed, &ended["progress"]["successes"]),
        (RECORDS, &json!(RECORDS)),
        "{ended}"
    );
}

/// Stopped in order, the run waits for the next start too.
#[test]
fn a_scan_goes_on_after_a_stop_in_order() {
    const USERS: usize = 1_000;
    let data = tempfile::tempdir().unwrap();
    let process = Process::serve(data.path());
    populate(&process.client, USERS);
    let run = execute(&process.client, &scan("!(/task/completed pr)", COUNT));
    while progress(&process.client, &run).0 == 0 {
        pause();
    }
    assert!(
        progress(&process.client, &run).1,
        "it was over before it could be stopped"
    );
    let status = process.terminate();
    assert!(status.success(), "{status}");
    let process = Process::serve(data.path());
    let ended = process.client.ended_run(&run);
    assert_once(&process.client, &ended, USERS);
}

#[test]
fn a_cancelled_scan_stays_cancelled_after_a_kill() {
    const USERS: usize = 800;
    let data = tempfile::tempdir().unwrap();
    let process = Process::serve(data.path());
    populate(&process.client, USERS);
    let run = execute(&process.client, &scan("!(/task/completed pr)", COUNT));
    while progress(&process.client, &run).0 == 0 {
        pause();
    }
    let answer = process
        .client
        .post(&format!("taskscanner/{run}?_action=cancel"), None)
        .expect(200);
    assert_eq!(answer["status"], "SUCCESS", "{answer}");
    let before = process.client.get(&format!("taskscanner/{run}")).expect(200);
    process.kill();
    let process = Process::serve(data.path());
    assert_eq!(process.client.get(&format!("taskscanner/{run}")).expect(200), before);
    assert_eq!(before["progress"]["state"], "CANCELLED");
    let done = |user: &&Value| user["count"] == 1;
    assert_eq!(
        users(&process.client).iter().filter(done).count(),
        before["progress"]["successes"].as_u64().unwrap() as usize
    );
    // Its open claims were given back, so that the next run need not wait for them.
    let again = process
        .client
        .post("taskscanner?_action=execute&name=scan", None)
        .expect(200);
    process.client.ended_run(again["_id"].as_str().unwrap());
    assert!(users(&process.client).iter().all(|user| user["count"] == 1));
}
