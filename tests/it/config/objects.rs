//! The verbs on configuration objects, and what is refused.

use serde_json::json;

use super::{file, listed, schedule, write};
use crate::harness::Server;

#[test]
fn an_object_is_made_read_replaced_patched_and_deleted_with_its_file() {
    let server = Server::start();
    let client = &server.client;
    let first = schedule(json!({"startTime": "2027-01-01T00:00:00"}));
    let made = client.put("config/schedule/a-b", &first);
    assert_eq!(made.header("location"), Some("/openidm/config/schedule/a-b"));
    let made = made.expect(201);
    assert_eq!(made["_id"], "schedule/a-b");
    assert_eq!(file(&server, "schedule-a-b.json"), Some(first));
    assert_eq!(client.get("config/schedule/a-b").expect(200), made);

    // What was read can be sent back, and changes nothing.
    let again = client.put("config/schedule/a-b", &made).expect(200);
    assert_eq!(again, made);

    let second = schedule(json!({"startTime": "2028-01-01T00:00:00"}));
    let replaced = client.put("config/schedule/a-b", &second).expect(200);
    assert_ne!(replaced["_rev"], made["_rev"]);
    assert_eq!(file(&server, "schedule-a-b.json"), Some(second));

    let patch = json!([{"operation": "replace", "field": "/enabled", "value": false}]);
    let patched = client.patch("config/schedule/a-b", &patch).expect(200);
    assert_eq!(patched["enabled"], false);
    assert_eq!(file(&server, "schedule-a-b.json").unwrap()["enabled"], false);

    let deleted = client.delete("config/schedule/a-b").expect(200);
    assert_eq!(deleted, patched);
    assert_eq!(file(&server, "schedule-a-b.json"), None);
    client.get("config/schedule/a-b").expect(404);
    client.delete("config/schedule/a-b").expect(404);
    client.patch("config/schedule/a-b", &patch).expect(404);
}

#[test]
fn conditions_are_kept() {
    let server = Server::start();
    let client = &server.client;
    let object = schedule(json!({}));
    let send = |method: &str, header: (&str, &str)| {
        client
            .request(method, "config/schedule/a", &[header], Some(&object))
            .status
    };
    assert_eq!(send("PUT", ("If-Match", "*")), 404);
    assert_eq!(send("PUT", ("If-None-Match", "*")), 201);
    assert_eq!(send("PUT", ("If-None-Match", "*")), 412);
    assert_eq!(send("PUT", ("If-Match", "\"0000\"")), 412);
    let rev = client.get("config/schedule/a").expect(200)["_rev"].clone();
    assert_eq!(send("PUT", ("If-Match", rev.as_str().unwrap())), 200);
    // Somebody edits the file; the next request knows without waiting for the next look.
    write(
        &server,
        "schedule-a.json",
        &schedule(json!({"persisted": true})).to_string(),
    );
    assert_eq!(send("PUT", ("If-Match", rev.as_str().unwrap())), 412);
    assert_eq!(send("DELETE", ("If-Match", rev.as_str().unwrap())), 412);
    assert_eq!(client.get("config/schedule/a").expect(200)["persisted"], true);
}

#[test]
fn the_list_and_queries_show_what_there_is() {
    let server = Server::start();
    let client = &server.client;
    for name in ["b", "a"] {
        let schedule = schedule(json!({"enabled": name == "a"}));
        client.put(&format!("config/schedule/{name}"), &schedule).expect(201);
    }
    let list = client.get("config").expect(200);
    let expected = json!([
        {"_id": "managed", "pid": "managed", "factoryPid": null},
        {"_id": "schedule/a", "pid": "schedule.a", "factoryPid": "schedule"},
        {"_id": "schedule/b", "pid": "schedule.b", "factoryPid": "schedule"},
    ]);
    assert_eq!(list["configurations"], expected);
    let ids = |path: &str, filter: &str| -> Vec<String> {
        let found = client.query(path, filter);
        found
            .iter()
            .map(|object| object["_id"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(ids("config", "true"), ["managed", "schedule/a", "schedule/b"]);
    assert_eq!(ids("config", "/enabled eq true"), ["schedule/a"]);
    assert_eq!(ids("config/schedule", "true"), ["schedule/a", "schedule/b"]);
    let page = client.get("config?_queryFilter=true&_pageSize=2&_sortKeys=-_id&_totalPagedResultsPolicy=EXACT");
    let page = page.expect(200);
    assert_eq!(
        (&page["result"][0]["_id"], &page["totalPagedResults"]),
        (&json!("schedule/b"), &json!(3))
    );
    let cookie = page["pagedResultsCookie"].as_str().expect("there is a third object");
    let rest = client.get(&format!(
        "config?_queryFilter=true&_pageSize=2&_sortKeys=-_id&_pagedResultsCookie={cookie}"
    ));
    let rest = rest.expect(200);
    assert_eq!(
        (&rest["result"][0]["_id"], &rest["resultCount"]),
        (&json!("managed"), &json!(1))
    );
    client.get("config/nothing?_queryFilter=true").expect(404);
}

/// Nothing of a request that is refused is in force or in a file, and the answer says where it is wrong.
#[test]
fn a_bad_object_changes_neither_file_nor_force() {
    let server = Server::start();
    let client = &server.client;
    let good = schedule(json!({}));
    let made = client.put("config/schedule/a", &good).expect(201);
    let types = client.get("config/managed").expect(200);
    for (path, body, words) in [
        ("config/schedule/a", schedule(json!({"type": "daily"})), "/type"),
        ("config/schedule/a", schedule(json!({"enabeld": true})), "/enabeld"),
        ("config/schedule/a", schedule(json!({"_id": "schedule/b"})), "/_id"),
        (
            "config/schedule/a",
            schedule(json!({"invokeContext": {"script": {"type": "text/javascript", "source": "}"}}})),
            "/invokeContext/script/source",
        ),
        (
            "config/managed",
            json!({"objects": [{"name": "user"}, {"name": "User"}]}),
            "/objects/1/name",
        ),
        ("config/managed", json!({}), "/objects"),
    ] {
        let answer = client.put(path, &body).expect(400);
        assert!(answer["message"].as_str().unwrap().contains(words), "{answer}");
    }
    let bad = json!([{"operation": "remove", "field": "/invokeService"}]);
    client.patch("config/schedule/a", &bad).expect(400);
    assert_eq!(client.get("config/schedule/a").expect(200), made);
    assert_eq!(file(&server, "schedule-a.json"), Some(good));
    assert_eq!(client.get("config/managed").expect(200), types);
    client.get("scheduler/job/a").expect(200);
    assert_eq!(listed(&server, "schedule/a").unwrap().get("problem"), None);
}

#[test]
fn names_that_mean_nothing_are_refused_with_what_would() {
    let server = Server::start();
    let client = &server.client;
    let refused = |path: &str, words: &str| {
        let answer = client.put(path, &json!({})).expect(400);
        assert!(answer["message"].as_str().unwrap().contains(words), "{path}: {answer}");
    };
    refused(
        "config/ui",
        "known are managed, provisioner.openicf/NAME, sync, schedule/NAME",
    );
    refused("config/schedule", "name one, as in config/schedule/NAME");
    refused("config/managed/user", "there is one object of the type managed");
    refused("config/schedule/a%2Fb", "no slash");
    refused("config/schedule/a/b", "config/TYPE or config/TYPE/NAME");
    refused(&format!("config/schedule/{}", "x".repeat(201)), "200 bytes");
    let posted = client
        .post("config/schedule?_action=create", Some(&schedule(json!({}))))
        .expect(400);
    assert!(
        posted["message"].as_str().unwrap().contains("PUT config/TYPE"),
        "{posted}"
    );
    client.get("config/ui").expect(404);
    client.get("config/schedule").expect(404);
    let files: Vec<_> = std::fs::read_dir(server.conf()).unwrap().collect();
    assert_eq!(files.len(), 1, "{files:?}");
}

/// Types of managed objects come and go without a restart; what is stored of a type that goes is kept.
#[test]
fn managed_types_are_changed_at_run_time() {
    let server = Server::start();
    let client = &server.client;
    client.put("managed/user/joe", &json!({"userName": "joe"})).expect(201);
    client.put("managed/device/d", &json!({})).expect(404);
    let types = json!({"objects": [{"name": "device"}]});
    client.put("config/managed", &types).expect(200);
    assert_eq!(file(&server, "managed.json"), Some(types));
    client.put("managed/device/d", &json!({})).expect(201);
    client.get("managed/user/joe").expect(404);
    let add = json!([{"operation": "add", "field": "/objects/-", "value": {"name": "user", "indexes": ["/userName"]}}]);
    client.patch("config/managed", &add).expect(200);
    assert_eq!(client.query("managed/user", "userName eq \"joe\"").len(), 1);
}

#[test]
fn what_is_built_in_can_be_replaced_and_comes_back() {
    let data = tempfile::tempdir().unwrap();
    let process = crate::harness::Process::serve(data.path());
    let client = &process.client;
    let built_in = client.get("config/managed").expect(200);
    assert_eq!(built_in["objects"][0]["name"], "user");
    client.delete("config/managed").expect(400);
    client
        .put("config/managed", &json!({"objects": [{"name": "device"}]}))
        .expect(200);
    client.get("managed/user?_queryFilter=true").expect(404);
    client.delete("config/managed").expect(200);
    assert_eq!(client.get("config/managed").expect(200), built_in);
    client.get("managed/user?_queryFilter=true").expect(200);
}

#[test]
fn a_configuration_that_is_read_only_changes_by_its_files_only() {
    let settings: &[u8] = b"[configuration]\nread-only = true\n";
    let server = Server::with_files(&[("taskwarden.toml", settings)]);
    let client = &server.client;
    let object = schedule(json!({}));
    client.put("config/schedule/a", &object).expect(403);
    client.delete("config/managed").expect(403);
    client.patch("config/managed", &json!([])).expect(403);
    assert_eq!(file(&server, "schedule-a.json"), None);
    write(&server, "schedule-a.json", &object.to_string());
    server.look();
    client.get("config/schedule/a").expect(200);
}
