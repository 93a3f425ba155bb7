//! What of the configuration a kill, a restart and a stop leave.

use serde_json::json;

use super::schedule;
use crate::harness::{Process, pause, run};

#[test]
fn what_was_answered_is_there_after_a_kill() {
    let data = tempfile::tempdir().unwrap();
    let process = Process::serve(data.path());
    let object = schedule(json!({"startTime": "2099-01-01T00:00:00"}));
    let made = process.client.put("config/schedule/a", &object).expect(201);
    let types = json!({"objects": [{"name": "user"}, {"name": "device"}]});
    process.client.put("config/managed", &types).expect(200);
    process.client.put("config/schedule/b", &object).expect(201);
    process.client.delete("config/schedule/b").expect(200);
    process.kill();
    assert!(data.path().join("conf/default/schedule-a.json").exists());
    let process = Process::serve(data.path());
    let client = &process.client;
    assert_eq!(client.get("config/schedule/a").expect(200), made);
    client.get("scheduler/job/a").expect(200);
    client.get("config/schedule/b").expect(404);
    client.get("scheduler/job/b").expect(404);
    client.put("managed/device/d", &json!({})).expect(201);
}

/// A restart is no change: the trigger goes on where it was. A file that changed meanwhile makes a new one, and one that
/// is gone takes its job along.
#[test]
fn triggers_survive_a_restart_unless_their_file_has_changed() {
    let data = tempfile::tempdir().unwrap();
    let process = Process::serve(data.path());
    let client = &process.client;
    let script = json!({"script": {"type": "text/javascript", "source": "1;"}});
    for name in ["same", "changed", "gone"] {
        let object = schedule(json!({"persisted": true, "invokeContext": script}));
        client.put(&format!("config/schedule/{name}"), &object).expect(201);
    }
    let fired = |client: &crate::harness::Client, name: &str| {
        let job = client.get(&format!("scheduler/job/{name}")).expect(200);
        (job["previousRunDate"].clone(), job["nextRunDate"].clone())
    };
    let before: Vec<_> = ["same", "changed", "gone"]
        .map(|name| {
            (0..6_000)
                .find_map(|_| {
                    let (previous, next) = fired(client, name);
                    if previous.is_null() {
                        pause();
                        return None;
                    }
                    Some((previous, next))
                })
                .unwrap()
        })
        .into();
    assert!(process.terminate().success());
    let conf = data.path().join("conf/default");
    let changed = schedule(json!({"persisted": true, "repeatInterval": 7_200_000, "startTime": "2099-01-01T00:00:00"}));
    std::fs::write(conf.join("schedule-changed.json"), changed.to_string()).unwrap();
    std::fs::remove_file(conf.join("schedule-gone.json")).unwrap();
    let process = Process::serve(data.path());
    assert_eq!(fired(&process.client, "same"), before[0]);
    assert_eq!(
        fired(&process.client, "changed"),
        (json!(null), json!("2099-01-01T00:00:00.000Z"))
    );
    process.client.get("scheduler/job/gone").expect(404);
}

#[test]
fn a_job_that_fired_once_does_not_fire_again_after_a_restart() {
    let data = tempfile::tempdir().unwrap();
    let process = Process::serve(data.path());
    let object = schedule(json!({"persisted": true, "repeatCount": 0}));
    let types = json!({"objects": [{"name": "user"}, {"name": "role"}]});
    process.client.put("config/managed", &types).expect(200);
    process.client.put("config/schedule/once", &object).expect(201);
    let vanished = |client: &crate::harness::Client| {
        (0..6_000).any(|_| {
            pause();
            client.get("scheduler/job/once").status == 404
        })
    };
    assert!(vanished(&process.client));
    process.kill();
    let process = Process::serve(data.path());
    process.client.get("scheduler/job/once").expect(404);
    assert_eq!(process.client.query("managed/role", "true").len(), 1);
    process.client.get("config/schedule/once").expect(200);
}

/// Without its types a server would say that objects are not there, so it does not start.
#[test]
fn a_broken_managed_json_keeps_a_server_from_starting() {
    let data = tempfile::tempdir().unwrap();
    let process = Process::serve(data.path());
    process
        .client
        .put("config/managed", &json!({"objects": [{"name": "a"}]}))
        .expect(200);
    process.kill();
    let file = data.path().join("conf/default/managed.json");
    std::fs::write(&file, "{\"objects\": [\n{\"name\": 7}]}").unwrap();
    let mut command = std::process::Command::new(crate::harness::BINARY);
    let ended = run(command
        .args(["serve", "--listen", "127.0.0.1:0", "--data"])
        .arg(data.path()));
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let expected = format!("taskwarden: {}: /objects/0/name has to be a text\n", file.display());
    assert_eq!(ended.errors, expected);
}
