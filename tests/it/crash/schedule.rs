//! Schedules that are killed: a fired time never fires twice, and what was cut off goes on.

use serde_json::{Value, json};

use super::{COUNT, assert_once, populate, progress, scan};
use crate::harness::{Client, Process, pause};

/// The only run there is, once there is one.
fn only_run(client: &Client) -> String {
    for _ in 0..1_000 {
        let runs = client.query("taskscanner", "true");
        if let [run] = &runs[..] {
            return run["_id"].as_str().unwrap().to_owned();
        }
        assert!(runs.is_empty(), "{runs:?}");
        pause();
    }
    panic!("the schedule does not fire");
}

fn serialized(client: &Client) -> Value {
    client.get("scheduler/job/hourly").expect(200)["triggers"][0]["serialized"].clone()
}

#[test]
fn a_scheduled_scan_that_is_killed_goes_on_and_its_time_does_not_fire_again() {
    const USERS: usize = 1_000;
    let data = tempfile::tempdir().unwrap();
    let mut process = Process::serve(data.path());
    populate(&process.client, USERS);
    let job = json!({
        "enabled": true, "persisted": true, "type": "simple", "repeatInterval": 3_600_000, "concurrentExecution": false,
        "invokeService": "taskscanner", "invokeContext": scan("!(/task/completed pr)", COUNT),
    });
    process.client.put("scheduler/job/hourly", &job).expect(201);
    let run = only_run(&process.client);
    let fired = serialized(&process.client);
    assert_eq!(fired["timesTriggered"], 1, "{fired}");
    let mut met = 0;
    for more in [0, 1, 0, 1] {
        let (before, _) = progress(&process.client, &run);
        let goes_on = loop {
            let (processed, goes_on) = progress(&process.client, &run);
            if !goes_on || processed >= before + more {
                break goes_on;
            }
            pause();
        };
        met += usize::from(goes_on);
        process.kill();
        process = Process::serve(data.path());
        assert_eq!(only_run(&process.client), run);
        let shown = serialized(&process.client);
        for name in ["timesTriggered", "previousFireTime", "nextFireTime"] {
            assert_eq!(shown[name], fired[name], "{name}");
        }
    }
    assert!(met >= 3, "only {met} kills met the run");
    let ended = process.client.ended_run(&run);
    assert_once(&process.client, &ended, USERS);
    assert_eq!(only_run(&process.client), run);
    wait_for_idle(&process.client);
    assert_eq!(serialized(&process.client)["timesTriggered"], 1);
}

/// The end of the schedule's run follows the end of its scan.
fn wait_for_idle(client: &Client) {
    for _ in 0..1_000 {
        let running = client
            .post("scheduler/job?_action=listCurrentlyExecutingJobs", None)
            .expect(200);
        if running.as_array().is_some_and(Vec::is_empty) {
            return;
        }
        pause();
    }
    panic!("the run of the job does not end");
}

/// An effect of a free-standing script is one commit: a kill leaves all of it or nothing.
#[test]
fn a_scheduled_script_that_is_killed_has_had_its_effect_once_or_not_at_all() {
    let source = r#"
        for (var i = 0; i < 40; i++) {
            openidm.patch("managed/user/total", null, [{operation: "increment", field: "/sum", value: 1}]);
            for (var j = 0, sum = 0; j < 20000; j++) sum += j;
        }
    "#;
    let data = tempfile::tempdir().unwrap();
    let mut process = Process::serve(data.path());
    process
        .client
        .put("managed/user/total", &json!({"userName": "total", "sum": 0}))
        .expect(201);
    let mut fired = 0;
    for pauses in [0, 2, 5, 10] {
        let job = json!({
            "enabled": true, "persisted": true, "recoverable": true, "type": "simple", "repeatInterval": 3_600_000,
            "invokeService": "script",
            "invokeContext": {"script": {"type": "text/javascript", "source": source}},
        });
        process
            .client
            .put(&format!("scheduler/job/script-{pauses}"), &job)
            .expect(201);
        fired += 1;
        (0..pauses).for_each(|_| pause());
        process.kill();
        process = Process::serve(data.path());
        let sum = || {
            process.client.get("managed/user/total").expect(200)["sum"]
                .as_u64()
                .unwrap()
        };
        assert_eq!(sum() % 40, 0, "half an effect");
        // What was fired is run again, because the job is recoverable; what was not fired yet is fired now.
        for _ in 0..3_000 {
            if sum() >= 40 * fired {
                break;
            }
            pause();
        }
        wait_for_idle(&process.client);
        assert_eq!(sum(), 40 * fired);
    }
}

#[test]
fn a_job_that_is_not_persisted_is_forgotten() {
    let data = tempfile::tempdir().unwrap();
    let process = Process::serve(data.path());
    for (name, persisted) in [("kept", true), ("forgotten", false)] {
        let mut job = super::by_hand(&scan("true", "true;"));
        job["persisted"] = json!(persisted);
        process.client.put(&format!("scheduler/job/{name}"), &job).expect(201);
    }
    process.kill();
    let process = Process::serve(data.path());
    let kept = process.client.get("scheduler/job/kept").expect(200);
    assert_eq!(kept["schedule"], "0 0 0 1 1 ? 2099");
    assert!(kept["nextRunDate"].is_string(), "{kept}");
    process.client.get("scheduler/job/forgotten").expect(404);
}
