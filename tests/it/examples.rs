//! What lies in `examples/` works as it is.

use std::path::Path;

use serde_json::{Value, json};

use crate::harness::Server;

#[test]
fn the_sunset_example_deactivates_who_is_past_the_date() {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/sunset");
    let read = |file: &str| std::fs::read(example.join(file)).unwrap();
    let (types, settings, script) = (
        read("conf/managed.json"),
        read("conf/taskwarden.toml"),
        read("conf/script/sunset.js"),
    );
    let server = Server::with_files(&[
        ("managed.json", &types),
        ("taskwarden.toml", &settings),
        ("script/sunset.js", &script),
    ]);
    let client = &server.client;
    let user = |date: &str| json!({"userName": "u", "active": true, "sunset": {"date": date}});
    client
        .put("managed/user/past", &user("2026-05-31T00:00:00.000Z"))
        .expect(201);
    client
        .put("managed/user/future", &user("2026-06-02T00:00:00.000Z"))
        .expect(201);
    let job: Value = serde_json::from_slice(&read("job.json")).unwrap();
    client.put("scheduler/job/sunset", &job).expect(201);
    // Three in the morning in Oslo is one o'clock in UTC.
    assert_eq!(
        client.get("scheduler/job/sunset").expect(200)["nextRunDate"],
        "2026-06-02T01:00:00.000Z"
    );
    server.advance(chrono::Duration::hours(13));
    let past = client.get("managed/user/past").expect(200);
    assert_eq!(
        (&past["active"], &past["accountStatus"]),
        (&json!(false), &json!("inactive"))
    );
    // By then the other date had passed as well.
    assert_eq!(client.get("managed/user/future").expect(200)["active"], false);
}

#[test]
fn the_example_of_a_csv_file_is_a_system() {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/csv/conf");
    let read = |file: &str| std::fs::read(example.join(file)).unwrap();
    let (system, people) = (read("provisioner.openicf-hr.json"), read("people.csv"));
    let server = Server::with_files(&[("provisioner.openicf-hr.json", &system), ("people.csv", &people)]);
    let found = server.client.query("system/hr/account", "floor gt 2");
    assert_eq!(found.len(), 2);
    let patch = json!([{"operation": "replace", "field": "/floor", "value": 4}]);
    assert_eq!(
        server.client.patch("system/hr/account/1002", &patch).expect(200)["sn"],
        "Doe"
    );
}

#[test]
fn the_example_of_a_table_is_a_system() {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/sql");
    let system = std::fs::read(example.join("conf/provisioner.openicf-staff.json")).unwrap();
    let server = Server::with_files(&[("provisioner.openicf-staff.json", &system)]);
    let file = rusqlite::Connection::open(server.conf().join("staff.db")).unwrap();
    let table = std::fs::read_to_string(example.join("staff.sql")).unwrap();
    file.execute_batch(&table).unwrap();
    let found = server
        .client
        .query("system/staff/account", "active eq true and mail pr");
    assert_eq!(found.len(), 2);
    let patch = json!([{"operation": "replace", "field": "/active", "value": false}]);
    assert_eq!(
        server.client.patch("system/staff/account/1002", &patch).expect(200)["sn"],
        "Doe"
    );
    let new = json!({"givenName": "Eve", "sn": "New", "active": true});
    let made = server.client.post("system/staff/account?_action=create", Some(&new));
    assert_eq!(made.expect(201)["_id"], "1004");
}
