//! Tables together with the rest: reconciliation into managed objects and back, and liveSync.

use serde_json::{Value, json};

use super::{ACCOUNT, PEOPLE, Place, on_both, person};

fn action(situation: &str, action: &str) -> Value {
    json!({"situation": situation, "action": action})
}

fn mappings() -> String {
    let policies = json!([
        action("ABSENT", "CREATE"),
        action("CONFIRMED", "UPDATE"),
        action("FOUND", "UPDATE"),
        action("SOURCE_MISSING", "DELETE"),
        action("MISSING", "CREATE"),
        action("UNQUALIFIED", "DELETE"),
        action("UNASSIGNED", "IGNORE"),
    ]);
    let both = |name: &str| json!({"source": name, "target": name});
    json!({"mappings": [
        {
            "name": "in", "source": ACCOUNT, "target": "managed/user", "enableSync": false, "policies": policies,
            "properties": [{"source": "id", "target": "_id"}, both("name"), both("age"), both("active")]
        },
        {
            "name": "out", "source": "managed/role", "target": ACCOUNT, "enableSync": false, "policies": policies,
            "correlationQuery": {"type": "text/javascript", "source": "({'_queryFilter': '/id eq \"' + source._id + '\"'})"},
            "properties": [{"source": "_id", "target": "id"}, both("name"), both("age")]
        },
        {
            "name": "live", "source": ACCOUNT, "target": "managed/realm-name_user", "policies": policies,
            "properties": [{"source": "id", "target": "_id"}, both("name")]
        }
    ]})
    .to_string()
}

fn with_mappings(test: impl Fn(&mut Place)) {
    on_both(
        PEOPLE,
        &person(),
        &json!({}),
        &[("sync.json", mappings().as_bytes())],
        test,
    );
}

fn recon(place: &Place, mapping: &str) -> Value {
    let client = &place.server.client;
    let path = format!("recon?_action=recon&mapping={mapping}&waitForCompletion=true");
    let run = client.post(&path, None).expect(200);
    let run = client
        .get(&format!("recon/{}", run["_id"].as_str().unwrap()))
        .expect(200);
    assert_eq!(run["state"], "SUCCESS", "{run}");
    run
}

#[test]
fn a_table_is_reconciled_into_managed_objects_and_back() {
    with_mappings(|place| {
        let rows: String = (0..120)
            .map(|number| format!("INSERT INTO people (id, name, age) VALUES ('u{number}', 'n{number}', {number});"))
            .collect();
        place.database.run(&format!("BEGIN; {rows} COMMIT;"));
        recon(place, "in");
        let client = &place.server.client;
        assert_eq!(client.query("managed/user", "true").len(), 120);
        assert_eq!(client.get("managed/user/u7").expect(200)["age"], 7);
        place
            .database
            .run("UPDATE people SET name = 'new' WHERE id = 'u7'; DELETE FROM people WHERE id = 'u8';");
        recon(place, "in");
        assert_eq!(client.get("managed/user/u7").expect(200)["name"], "new");
        client.get("managed/user/u8").expect(404);

        // Back: what is there is found, what is not is made, and a second run changes nothing.
        for (id, age) in [("u7", 70), ("r1", 1), ("r2", 2)] {
            client
                .put(&format!("managed/role/{id}"), &json!({"name": id, "age": age}))
                .expect(201);
        }
        recon(place, "out");
        assert_eq!(place.database.run("SELECT age FROM people WHERE id = 'u7'"), "70");
        assert_eq!(place.database.run("SELECT count(*) FROM people"), "121");
        let before = client.query(ACCOUNT, "true");
        recon(place, "out");
        assert_eq!(client.query(ACCOUNT, "true"), before);
        client.delete("managed/role/r1").expect(200);
        recon(place, "out");
        client.get(&format!("{ACCOUNT}/r1")).expect(404);
        assert_eq!(place.database.run("SELECT count(*) FROM people"), "120");
    });
}

#[test]
fn changes_of_a_table_reach_the_mappings() {
    with_mappings(|place| {
        let client = &place.server.client;
        let sync = || client.post(&format!("{ACCOUNT}?_action=liveSync"), None).expect(200);
        let names = || {
            let mut names: Vec<String> = client
                .query("managed/realm-name_user", "true")
                .iter()
                .map(|object| object["name"].as_str().unwrap().to_owned())
                .collect();
            names.sort();
            names.join(" ")
        };
        let set = |id: &str, name: &str, changed: usize| {
            place.database.run(&format!(
                "DELETE FROM people WHERE id = '{id}'; INSERT INTO people (id, name, changed) VALUES ('{id}', '{name}', {changed});"
            ));
        };
        set("a", "Ann", 1);
        sync();
        assert_eq!(names(), "", "what was there before is for reconciliation");
        set("b", "Bob", 1);
        set("c", "Cid", 2);
        sync();
        assert_eq!(names(), "Bob Cid");
        set("c", "Cilla", 2);
        set("d", "Dan", 3);
        set("e", "Eve", 1);
        let stage = sync();
        assert_eq!(
            names(),
            "Bob Cilla Dan",
            "a stamp that is older than those that were read is passed over"
        );
        assert_eq!(
            stage["connectorData"]["syncToken"]["stamp"]
                .to_string()
                .trim_matches('"'),
            "3"
        );
        // Nothing new is nothing new.
        assert_eq!(sync()["connectorData"], stage["connectorData"]);
        let rows: String = (0..1300)
            .map(|number| format!("INSERT INTO people (id, name, changed) VALUES ('n{number}', 'n', 10);"))
            .collect();
        place.database.run(&format!("BEGIN; {rows} COMMIT;"));
        sync();
        assert_eq!(client.query("managed/realm-name_user", "true").len(), 1303);
        // In the order of numbers, and not of their texts.
        set("z", "Zoe", 9);
        set("y", "Yve", 11);
        let stage = sync();
        assert_eq!(client.query("managed/realm-name_user", "true").len(), 1304);
        assert_eq!(
            stage["connectorData"]["syncToken"]["stamp"]
                .to_string()
                .trim_matches('"'),
            "11"
        );
    });
}

#[test]
fn a_time_can_tell_of_changes_as_well() {
    let tables = [
        "CREATE TABLE people (id TEXT PRIMARY KEY, name TEXT, pw TEXT, changed TEXT DEFAULT CURRENT_TIMESTAMP);",
        "CREATE TABLE people (id text PRIMARY KEY, name text, pw text, changed timestamptz DEFAULT now());",
    ];
    let properties = json!({"id": {"type": "string", "nativeName": "__NAME__"}, "name": {"type": "string"}});
    on_both(
        tables,
        &properties,
        &json!({}),
        &[("sync.json", mappings().as_bytes())],
        |place| {
            let client = &place.server.client;
            let sync = || client.post(&format!("{ACCOUNT}?_action=liveSync"), None).expect(200);
            let names = || client.query("managed/realm-name_user", "true").len();
            sync();
            place.database.run(
                "INSERT INTO people (id, name) VALUES ('a', 'Ann'); INSERT INTO people (id, name) VALUES ('b', 'Bob');",
            );
            sync();
            assert_eq!(names(), 2);
            // In the same second, where seconds are all that the database counts.
            place.database.run("INSERT INTO people (id, name) VALUES ('0', 'Zoe');");
            sync();
            assert_eq!(names(), 3);
        },
    );
}
