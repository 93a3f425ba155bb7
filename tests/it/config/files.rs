//! Files that somebody edits: taken up while the server runs, or refused with their place.

use serde_json::json;

use super::{file, listed, schedule, write};
use crate::harness::{Process, Server, pause};

#[test]
fn an_edited_file_is_taken_up() {
    let server = Server::start();
    let client = &server.client;
    write(
        &server,
        "schedule-a.json",
        &schedule(json!({"enabled": true})).to_string(),
    );
    client.get("config/schedule/a").expect(404);
    server.look();
    assert_eq!(client.get("config/schedule/a").expect(200)["enabled"], true);
    assert_eq!(client.get("scheduler/job/a").expect(200)["enabled"], true);

    write(
        &server,
        "schedule-a.json",
        &schedule(json!({"enabled": false})).to_string(),
    );
    server.look();
    assert_eq!(client.get("config/schedule/a").expect(200)["enabled"], false);
    assert_eq!(client.get("scheduler/job/a").expect(200)["triggers"], json!([]));

    std::fs::remove_file(server.conf().join("schedule-a.json")).unwrap();
    server.look();
    client.get("config/schedule/a").expect(404);
    client.get("scheduler/job/a").expect(404);
}

#[test]
fn a_bad_file_is_shown_and_the_last_good_content_stays_in_force() {
    let server = Server::start();
    let client = &server.client;
    let good = schedule(json!({}));
    client.put("config/schedule/a", &good).expect(201);
    server.settle();
    let in_force = client.get("config/schedule/a").expect(200);
    let job = client.get("scheduler/job/a").expect(200);
    for (text, words, place) in [
        (
            "{\"enabled\": true,\n  \"type\" 7}",
            "line 2, column 10",
            json!({"line": 2, "column": 10}),
        ),
        (
            &schedule(json!({"repeatInterval": "often"})).to_string(),
            "/repeatInterval",
            json!({"pointer": "/repeatInterval"}),
        ),
        ("[]", "an object is expected", json!({})),
    ] {
        write(&server, "schedule-a.json", text);
        write(&server, "schedule-other.json", &good.to_string());
        server.look();
        let problem = listed(&server, "schedule/a").unwrap()["problem"].clone();
        assert!(problem["message"].as_str().unwrap().contains(words), "{problem}");
        assert_eq!(
            (&problem["file"], &problem["lastGoodInForce"]),
            (&json!("schedule-a.json"), &json!(true))
        );
        for (name, value) in place.as_object().unwrap() {
            assert_eq!(&problem[name], value, "{problem}");
        }
        assert_eq!(client.get("config/schedule/a").expect(200), in_force);
        assert_eq!(client.get("scheduler/job/a").expect(200), job);
        // The others are taken up all the same.
        client.get("config/schedule/other").expect(200);
    }
    // A file that is good again is in force again, and the problem is gone; so it is with a PUT.
    write(&server, "schedule-a.json", &good.to_string());
    server.look();
    assert_eq!(listed(&server, "schedule/a").unwrap().get("problem"), None);
    assert_eq!(client.get("scheduler/job/a").expect(200), job);
    write(&server, "schedule-a.json", "{");
    server.look();
    client.put("config/schedule/a", &good).expect(200);
    assert_eq!(listed(&server, "schedule/a").unwrap().get("problem"), None);
    assert_eq!(file(&server, "schedule-a.json"), Some(good));
}

#[test]
fn a_file_of_a_type_that_is_not_known_is_shown() {
    let server = Server::with_files(&[("ui-themes.json", b"{}"), ("schedule-.json", b"{}")]);
    let problem = listed(&server, "ui/themes").unwrap()["problem"].clone();
    assert!(
        problem["message"]
            .as_str()
            .unwrap()
            .contains("known are managed, provisioner.openicf/NAME, sync, schedule/NAME"),
        "{problem}"
    );
    assert_eq!(problem["lastGoodInForce"], false);
    let list = server.client.get("config").expect(200);
    let items = list["configurations"].as_array().unwrap();
    assert!(
        items.iter().any(|item| item["problem"]["file"] == "schedule-.json"),
        "{list}"
    );
    server.client.get("config/ui/themes").expect(404);
}

#[test]
fn a_bad_file_at_the_start_keeps_no_other_from_being_served() {
    let good = schedule(json!({})).to_string();
    let server = Server::with_files(&[
        ("schedule-bad.json", b"{\"type\": \"cron\", \"schedule\": \"never\"}"),
        ("schedule-good.json", good.as_bytes()),
    ]);
    let client = &server.client;
    client.get("scheduler/job/good").expect(200);
    client.get("scheduler/job/bad").expect(404);
    client.get("config/schedule/bad").expect(404);
    let problem = listed(&server, "schedule/bad").unwrap()["problem"].clone();
    assert_eq!(
        (&problem["pointer"], &problem["lastGoodInForce"]),
        (&json!("/schedule"), &json!(false))
    );
    // A PUT puts it right, and a DELETE takes it away.
    client.put("config/schedule/bad", &schedule(json!({}))).expect(201);
    client.get("scheduler/job/bad").expect(200);
    write(&server, "schedule-worse.json", "{");
    server.look();
    client.delete("config/schedule/worse").expect(200);
    assert_eq!(
        (listed(&server, "schedule/worse"), file(&server, "schedule-worse.json")),
        (None, None)
    );
}

/// The folder is looked at without anybody asking.
#[test]
fn the_folder_is_watched() {
    let folder = tempfile::tempdir().unwrap();
    let (data, conf) = (folder.path().join("data"), folder.path().join("conf"));
    std::fs::create_dir_all(&conf).unwrap();
    std::fs::write(conf.join("taskwarden.toml"), "[configuration]\npoll-seconds = 1\n").unwrap();
    let process = Process::serve_with(&data, &conf);
    std::fs::write(conf.join("managed.json"), r#"{"objects": [{"name": "device"}]}"#).unwrap();
    for _ in 0..6_000 {
        if process.client.get("managed/device?_queryFilter=true").status == 200 {
            return;
        }
        pause();
    }
    panic!("a changed file is not taken up");
}

#[test]
fn placeholders_stand_for_properties_and_are_stored_as_they_were_written() {
    let settings: &[u8] = b"[node]\nid = \"blue\"\n[properties]\n\"when.blue\" = 7200000\nname = \"x\"\n";
    let server = Server::with_files(&[("taskwarden.toml", settings)]);
    let client = &server.client;
    let object = schedule(json!({
        "repeatInterval": "&{when.&{openidm.node.id}}",
        "enabled": "&{openidm.scheduler.execute.persistent.schedules}",
        "invokeContext": {
            "script": {"type": "text/javascript", "source": "1;"},
            "input": {"a": "&{name}-&{openidm.node.id}", "b": "&{no.such}", "c": "${name}"},
        },
    }));
    let made = client.put("config/schedule/a", &object).expect(201);
    assert_eq!(made["repeatInterval"], "&{when.&{openidm.node.id}}");
    assert_eq!(file(&server, "schedule-a.json"), Some(object));
    let job = client.get("scheduler/job/a").expect(200);
    assert_eq!(
        (&job["repeatInterval"], &job["enabled"]),
        (&json!(7_200_000), &json!(true))
    );
    let input = &job["invokeContext"]["input"];
    assert_eq!(*input, json!({"a": "x-blue", "b": "&{no.such}", "c": "${name}"}));
}
