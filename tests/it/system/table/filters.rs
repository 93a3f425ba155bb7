//! A filter finds in a table what it finds among managed objects, and nothing of it is SQL.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{ACCOUNT, Place, message, on_both, with_people};
use crate::harness::encode;

/// Objects whose values are told apart by how texts, numbers and times are compared.
fn objects() -> BTreeMap<&'static str, Value> {
    BTreeMap::from([
        (
            "a",
            json!({"name": "Joe", "age": 30, "score": 1.5, "active": true, "born": "2026-01-01T00:00:00.000Z", "mail": "joe@x"}),
        ),
        (
            "b",
            json!({"name": "joe k", "age": -3, "score": 0.1, "active": false, "born": "2025-12-31T23:59:59.999Z"}),
        ),
        ("c", json!({"name": "\u{212a}elvin"})),
        (
            "d",
            json!({"name": "\u{130}stanbul", "age": 2_147_483_647, "born": "2026-01-01T00:00:00.123456Z"}),
        ),
        ("e", json!({"name": "100%_\\", "score": 1e300})),
        ("f", json!({"name": "", "active": true, "score": -0.0})),
        (
            "g",
            json!({"name": "Straße", "mail": "É", "born": "1969-07-20T20:17:40.000Z"}),
        ),
        ("h", json!({"name": "O'Brien\"; DROP TABLE people; --", "age": 0})),
        ("K", json!({"name": "σς", "age": 31, "mail": "k"})),
    ])
}

fn filters() -> Vec<String> {
    let literals = [
        "'joe'",
        "'JOE K'",
        "'k'",
        "'i'",
        "'\u{130}'",
        "'é'",
        "'σΣ'",
        "'%'",
        "'_'",
        "'\\\\'",
        "''",
        "'STRASSE'",
        "'straß'",
        "'2026-01-01T00:00:00.000Z'",
        "'2026-01-01T00:00:00Z'",
        "'2026'",
        "30",
        "30.0",
        "-3",
        "0.1",
        "1.4999999",
        "9007199254740993",
        "true",
        "false",
        "\"o'brien\\\"\"",
    ];
    let mut filters = vec!["true".to_owned(), "false".to_owned()];
    for field in ["name", "age", "score", "active", "born", "mail", "_id"] {
        filters.push(format!("{field} pr"));
        filters.push(format!("!({field} pr)"));
        filters.push(format!("{field} in '[\"joe\", 30, true, \"\", \"K\"]'"));
        for operator in ["eq", "co", "sw", "lt", "le", "gt", "ge"] {
            filters.extend(literals.iter().map(|literal| format!("{field} {operator} {literal}")));
        }
    }
    // Together, and their opposites.
    let pairs: Vec<String> = filters
        .windows(40)
        .step_by(37)
        .map(|window| format!("({}) and !({}) or {}", window[0], window[19], window[39]))
        .collect();
    filters.extend(pairs);
    filters
}

#[test]
fn a_filter_finds_in_a_table_what_it_finds_in_managed_objects() {
    with_people(|place| {
        let client = &place.server.client;
        for (id, object) in objects() {
            client.put(&format!("{ACCOUNT}/{id}"), &object).expect(201);
            client.put(&format!("managed/user/{id}"), &object).expect(201);
        }
        for filter in filters() {
            assert_eq!(
                place.ids(ACCOUNT, &filter),
                place.ids("managed/user", &filter),
                "{filter}"
            );
        }
    });
}

#[test]
fn a_filter_does_not_tell_what_cannot_be_read() {
    with_people(|place| {
        place
            .database
            .run("INSERT INTO people (id, name, pw) VALUES ('a', 'Ann', 'geheim');");
        for filter in ["password pr", "password sw 'g'", "password eq 'geheim'", "pw pr"] {
            assert_eq!(place.ids(ACCOUNT, filter), Vec::<String>::new(), "{filter}");
        }
    });
}

const HOSTILE: [&str; 8] = [
    "'; DROP TABLE people; --",
    "a' OR '1'='1",
    "\"; DROP TABLE people; --",
    "$1::text",
    "?1",
    "\\'; DELETE FROM people; --",
    "%' ESCAPE '!' --",
    "x') RETURNING pw --",
];

fn lives(place: &Place, count: usize) {
    assert_eq!(place.database.run("SELECT count(*) FROM people"), count.to_string());
}

#[test]
fn values_are_never_sql() {
    with_people(|place| {
        let client = &place.server.client;
        client
            .put(&format!("{ACCOUNT}/innocent"), &json!({"name": "innocent"}))
            .expect(201);
        for (count, hostile) in HOSTILE.iter().enumerate() {
            let path = format!("{ACCOUNT}/{}", encode(hostile));
            client.get(&path).expect(404);
            client.delete(&path).expect(404);
            let made = client
                .put(&path, &json!({"name": hostile, "mail": hostile}))
                .expect(201);
            assert_eq!((&made["_id"], &made["name"]), (&json!(hostile), &json!(hostile)));
            lives(place, count + 2);
            let literal = json!(hostile).to_string();
            for operator in ["eq", "co", "sw"] {
                assert_eq!(place.ids(ACCOUNT, &format!("name {operator} {literal}")), [*hostile]);
            }
            assert_eq!(place.ids(ACCOUNT, &format!("name ew {literal}")), [*hostile]);
            assert_eq!(place.ids(ACCOUNT, &format!("_id eq {literal}")), [*hostile]);
            let patch = json!([{"operation": "replace", "field": "/born", "value": hostile}]);
            assert_eq!(
                client.patch(&path, &patch).status,
                if place.is_file() { 200 } else { 400 }
            );
            let body = json!({"username": hostile, "password": hostile});
            client
                .post(&format!("{ACCOUNT}?_action=authenticate"), Some(&body))
                .expect(401);
            lives(place, count + 2);
        }
        for hostile in HOSTILE {
            client.delete(&format!("{ACCOUNT}/{}", encode(hostile))).expect(200);
        }
        lives(place, 1);
    });
}

#[test]
fn names_are_never_sql() {
    let odd = "we\"ird; DROP TABLE people; --";
    let quoted = odd.replace('"', "\"\"");
    let table = format!(
        "CREATE TABLE \"o\"\"dd\" (\"Key\" text PRIMARY KEY, \"{quoted}\" text, \"select\" text);
        CREATE TABLE people (id text);"
    );
    let properties = json!({
        "key": {"type": "string", "nativeName": "Key"}, "odd": {"type": "string", "nativeName": odd},
        "word": {"type": "string", "nativeName": "select"}
    });
    let connector = json!({
        "table": "o\"dd", "keyColumn": "Key", "passwordColumn": null, "changeLogColumn": null, "quoting": "DOUBLE"
    });
    on_both([&table, &table], &properties, &connector, &[], |place| {
        let client = &place.server.client;
        let made = client
            .put(&format!("{ACCOUNT}/a"), &json!({"odd": "1", "word": "2"}))
            .expect(201);
        assert_eq!(
            (&made["key"], &made["odd"], &made["word"]),
            (&json!("a"), &json!("1"), &json!("2"))
        );
        assert_eq!(place.ids(ACCOUNT, "odd eq '1' and word pr"), ["a"]);
        client.put(&format!("{ACCOUNT}/a"), &json!({"odd": "3"})).expect(200);
        lives(place, 0);
        // A column that is not there is nobody's, whatever it is called.
        for hostile in ["id\" FROM people; --", "1; DROP TABLE people", "KEY"] {
            let mut object = client.get("config/provisioner.openicf/db").expect(200);
            object["objectTypes"]["account"]["properties"]["odd"]["nativeName"] = json!(hostile);
            client.put("config/provisioner.openicf/db", &object).expect(200);
            let missing = client.get(&format!("{ACCOUNT}/a")).expect(500);
            assert!(message(&missing).contains("the table has no column"), "{missing}");
            lives(place, 0);
        }
    });
}
