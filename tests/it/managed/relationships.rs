//! Relationships over REST: in objects, beside them, in scripts, after a kill.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use super::{script, server};
use crate::harness::{Client, PASSWORD, Process, pause};

/// Users with a manager and reports.
fn user() -> Value {
    let one = |reverse: &str| {
        json!({"type": "relationship", "reverseRelationship": true, "reversePropertyName": reverse, "validate": true,
            "resourceCollection": [{"path": "managed/user"}]})
    };
    json!({"name": "user", "schema": {"properties": {
        "name": {"type": "string"},
        "manager": one("reports"),
        "reports": {"type": "array", "items": one("manager")},
    }}})
}

fn people(client: &Client, ids: &[&str]) {
    for id in ids {
        client
            .put(&format!("managed/user/{id}"), &json!({ "name": id }))
            .expect(201);
    }
}

fn manager(of: &str) -> Value {
    json!([{"operation": "replace", "field": "/manager", "value": {"_ref": format!("managed/user/{of}")}}])
}

type Pairs = Vec<(String, String)>;

/// Of each user its manager, and the reports of each user, both sorted; the two have to say the same.
fn ends(client: &Client) -> (Pairs, Pairs) {
    let (mut up, mut down) = (Vec::new(), Vec::new());
    let users = client.get("managed/user?_queryFilter=true&_fields=*_ref").expect(200);
    let id = |value: &Value| value["_refResourceId"].as_str().unwrap().to_owned();
    for user in users["result"].as_array().unwrap() {
        let own = user["_id"].as_str().unwrap().to_owned();
        if !user["manager"].is_null() {
            up.push((own.clone(), id(&user["manager"])));
        }
        down.extend(
            user["reports"]
                .as_array()
                .unwrap()
                .iter()
                .map(|report| (id(report), own.clone())),
        );
    }
    up.sort();
    down.sort();
    (up, down)
}

#[test]
fn relationships_are_made_read_and_ended_over_rest() {
    let server = server(&[user()]);
    let client = &server.client;
    people(client, &["ann", "joe"]);
    client.patch("managed/user/joe", &manager("ann")).expect(200);
    let query = |path: &str| client.get(path).expect(200);
    let joe = query("managed/user/joe?_fields=name,manager/name");
    assert_eq!(
        (
            &joe["_id"],
            &joe["name"],
            &joe["manager"]["name"],
            &joe["manager"]["_ref"]
        ),
        (&json!("joe"), &json!("joe"), &json!("ann"), &json!("managed/user/ann"))
    );
    assert_eq!(
        query("managed/user/joe").as_object().unwrap().len(),
        3,
        "only when it is asked for"
    );
    let reports = query("managed/user/ann/reports?_queryFilter=true");
    assert_eq!(
        (&reports["resultCount"], &reports["result"][0]["_ref"]),
        (&json!(1), &json!("managed/user/joe"))
    );
    let id = reports["result"][0]["_id"].as_str().unwrap();
    client.delete(&format!("managed/user/ann/reports/{id}")).expect(200);
    assert_eq!(ends(client), (vec![], vec![]));
    let made = client.post(
        "managed/user/ann/reports?_action=create",
        Some(&json!({"_ref": "managed/user/joe"})),
    );
    assert!(
        made.header("Location")
            .is_some_and(|at| at.ends_with(&format!("managed/user/ann/reports/{id}"))),
        "{made:?}"
    );
    made.expect(201);
    client
        .put(
            &format!("managed/user/ann/reports/{id}"),
            &json!({"_ref": "managed/user/joe"}),
        )
        .expect(200);
    for action in ["triggerSyncCheck", "patch"] {
        let path = format!("managed/user?_action={action}&_queryFilter=manager+pr");
        let problem = client.post(&path, Some(&json!([]))).expect(400);
        assert!(
            problem["message"]
                .as_str()
                .unwrap()
                .contains("filtered or sorted by a relationship"),
            "{problem}"
        );
    }
    client.delete("managed/user/ann").expect(200);
    assert_eq!(query("managed/user/joe?_fields=manager")["manager"], json!(null));
    client.get(&format!("managed/user/joe/manager/{id}")).expect(404);
}

#[test]
fn scripts_read_and_make_relationships_in_their_unit_of_work() {
    let mut user = user();
    user["actions"] = json!({
        "adopt": script("openidm.patch(resourceName, null, [{operation: 'add', field: '/reports/-', value: {_ref: 'managed/user/' + request.content.who}}]);
            openidm.read(resourceName, null, ['reports/name']).reports.map(function (one) { return one.name; })"),
        "fail": script("openidm.patch(resourceName, null, [{operation: 'remove', field: '/reports'}]); throw {code: 400, message: 'no'};"),
    });
    user["onUpdate"] = script("if (object.name === 'vain') object.manager = null;");
    let server = server(&[user]);
    let client = &server.client;
    people(client, &["ann", "joe"]);
    let answer = client
        .post("managed/user/ann?_action=adopt", Some(&json!({"who": "joe"})))
        .expect(200);
    assert_eq!(answer, json!(["joe"]));
    client.post("managed/user/ann?_action=fail", None).expect(400);
    assert_eq!(ends(client).0, [("joe".to_owned(), "ann".to_owned())]);
    client
        .post("managed/user/ann?_action=adopt", Some(&json!({"who": "nobody"})))
        .expect(400);
    // A hook may decide about relationships.
    let vain = json!([{"operation": "replace", "field": "/name", "value": "vain"}]);
    client.patch("managed/user/joe", &vain).expect(200);
    assert_eq!(ends(client), (vec![], vec![]));
}

#[test]
fn a_kill_leaves_both_ends_in_agreement() {
    let folder = tempfile::tempdir().unwrap();
    let (data, conf) = (folder.path().join("data"), folder.path().join("conf"));
    std::fs::create_dir_all(&conf).unwrap();
    std::fs::write(conf.join("managed.json"), json!({"objects": [user()]}).to_string()).unwrap();
    let process = Process::serve_with(&data, &conf);
    let names = ["a", "b", "c", "d"];
    people(&process.client, &names);
    let working = process.client.clone();
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    let worker = std::thread::spawn(move || {
        let mut last = BTreeMap::new();
        for round in 0.. {
            let (who, of) = (names[round % 4], names[(round / 4 + round + 1) % 4]);
            let text = manager(of).to_string();
            let headers = [
                ("X-OpenIDM-Username", "openidm-admin"),
                ("X-OpenIDM-Password", PASSWORD),
                ("Content-Type", "application/json"),
            ];
            let path = format!("/openidm/managed/user/{who}");
            match working.try_send("PATCH", &path, &headers, Some(text.as_bytes())) {
                Ok(answer) if answer.status == 200 => last.insert(who, of),
                _ => {
                    // Nobody knows what became of the last one.
                    last.remove(who);
                    break;
                }
            };
            counted.fetch_add(1, Ordering::Relaxed);
        }
        last
    });
    while count.load(Ordering::Relaxed) < 25 {
        pause();
    }
    process.kill();
    let answered = worker.join().unwrap();
    let process = Process::serve_with(&data, &conf);
    let (up, down) = ends(&process.client);
    assert_eq!(up, down);
    assert!(answered.len() >= 3);
    for (who, of) in answered {
        assert!(up.contains(&(who.to_owned(), of.to_owned())), "{who} {of}: {up:?}");
    }
}
