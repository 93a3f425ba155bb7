//! A table as a connected system: the same cases against a file of SQLite and a real PostgreSQL server.

mod filters;
mod trouble;
mod values;
mod whole;

use std::path::PathBuf;

use serde_json::{Value, json};

use super::postgres::{self, Postgres};
use crate::harness::{Server, encode};

/// The table of most tests, in both dialects.
const PEOPLE: [&str; 2] = [
    "CREATE TABLE people (id TEXT PRIMARY KEY, name TEXT NOT NULL, age INTEGER, score REAL, active BOOLEAN, photo BLOB,
        born TEXT, mail TEXT UNIQUE, pw TEXT, changed INTEGER);",
    "CREATE TABLE people (id text PRIMARY KEY, name varchar(50) NOT NULL, age integer, score double precision,
        active boolean, photo bytea, born timestamptz, mail text UNIQUE, pw text, changed bigint);",
];

/// Where the table is.
pub(super) enum Database {
    File(PathBuf),
    Server(Postgres),
}

/// A server of ours with a table as the system `db`.
pub(super) struct Place {
    server: Server,
    database: Database,
}

impl Database {
    /// Runs SQL as somebody else would.
    fn run(&self, sql: &str) -> String {
        match self {
            Self::Server(server) => server.run_sql(sql),
            Self::File(path) => {
                let connection = rusqlite::Connection::open(path).unwrap();
                connection.busy_timeout(std::time::Duration::from_secs(10)).unwrap();
                match sql.starts_with("SELECT") {
                    false => connection.execute_batch(sql).map(|()| String::new()).unwrap(),
                    true => connection
                        .query_row(sql, [], |row| row.get::<_, rusqlite::types::Value>(0))
                        .map(|value| match value {
                            rusqlite::types::Value::Text(text) => text,
                            rusqlite::types::Value::Integer(number) => number.to_string(),
                            other => format!("{other:?}"),
                        })
                        .unwrap(),
                }
            }
        }
    }
}

impl Place {
    fn is_file(&self) -> bool {
        matches!(self.database, Database::File(_))
    }

    /// The ids that a filter finds, sorted.
    fn ids(&self, container: &str, filter: &str) -> Vec<String> {
        let found = self.server.client.query(container, filter);
        let mut ids: Vec<String> = super::ids(&found).into_iter().map(str::to_owned).collect();
        ids.sort();
        ids
    }
}

/// Properties of the connector for a server.
fn of_server(port: u16) -> Value {
    json!({
        "jdbcDriver": "org.postgresql.Driver", "jdbcUrlTemplate": "jdbc:postgresql://%h:%p/%d", "host": "127.0.0.1",
        "port": port, "database": "postgres", "user": postgres::USER, "password": postgres::PASSWORD,
        "table": "people", "keyColumn": "id", "passwordColumn": "pw", "changeLogColumn": "changed",
        "quoting": "", "enableEmptyString": false, "rethrowAllSQLExceptions": true, "nativeTimestamps": true
    })
}

/// And for a file.
fn of_file() -> Value {
    json!({
        "url": "jdbc:sqlite:people.db", "driverClassName": "org.sqlite.JDBC", "table": "people", "keyColumn": "id",
        "passwordColumn": "pw", "changeLogColumn": "changed"
    })
}

/// The configuration of a table with these properties of the connector and of its objects.
fn system(connector: &Value, properties: &Value) -> Value {
    json!({
        "name": "db",
        "connectorRef": {
            "connectorName": "org.identityconnectors.databasetable.DatabaseTableConnector",
            "bundleName": "org.forgerock.openicf.connectors.databasetable-connector",
            "bundleVersion": "[1.1.0.0,1.6.0.0)"
        },
        "configurationProperties": connector,
        "objectTypes": {"account": {
            "id": "__ACCOUNT__", "type": "object", "nativeType": "__ACCOUNT__", "properties": properties
        }}
    })
}

/// What people have.
fn person() -> Value {
    json!({
        "id": {"type": "string", "nativeName": "__NAME__", "required": true},
        "name": {"type": "string", "nativeName": "NAME"},
        "age": {"type": "integer"}, "score": {"type": "number"}, "active": {"type": "boolean"},
        "photo": {"type": "string", "nativeType": "JAVA_TYPE_BYTE_ARRAY", "flags": ["NOT_RETURNED_BY_DEFAULT"]},
        "born": {"type": "string"}, "mail": {"type": "string"},
        "password": {"type": "string", "nativeName": "__PASSWORD__", "flags": ["NOT_READABLE"]}
    })
}

/// Does the same with a file and with a server. `connector` has properties of the connector that are otherwise.
fn on_both(
    tables: [&str; 2],
    properties: &Value,
    connector: &Value,
    files: &[(&str, &[u8])],
    test: impl Fn(&mut Place),
) {
    let with = |mut ours: Value| {
        ours.as_object_mut()
            .unwrap()
            .extend(connector.as_object().unwrap().clone());
        let text = system(&ours, properties).to_string();
        Server::with_files(&[files, &[("provisioner.openicf-db.json", text.as_bytes())]].concat())
    };
    let server = with(of_file());
    let database = Database::File(server.conf().join("people.db"));
    database.run(tables[0]);
    test(&mut Place { server, database });
    if let Some(postgres) = Postgres::start(tables[1]) {
        let server = with(of_server(postgres.port));
        let database = Database::Server(postgres);
        test(&mut Place { server, database });
    }
}

/// With the table of most tests.
fn with_people(test: impl Fn(&mut Place)) {
    on_both(PEOPLE, &person(), &json!({}), &[], test);
}

/// The message of an answer as it was before it was made fit for a page.
fn message(answer: &Value) -> String {
    let text = answer["message"].as_str().unwrap_or_default();
    text.replace("&#39;", "'").replace("&quot;", "\"")
}

const ACCOUNT: &str = "system/db/account";

fn with_rev(place: &Place, method: &str, path: &str, rev: &str, body: Option<&Value>) -> crate::harness::Answer {
    let rev = format!("\"{rev}\"");
    place.server.client.request(method, path, &[("If-Match", &rev)], body)
}

#[test]
fn rows_are_made_read_changed_renamed_and_removed() {
    with_people(|place| {
        let client = &place.server.client;
        let new =
            json!({"id": "j/d", "name": "Jöe", "age": 30, "active": true, "photo": "AAEC/w==", "password": "geheim"});
        let made = client
            .post(&format!("{ACCOUNT}?_action=create"), Some(&new))
            .expect(201);
        let path = format!("{ACCOUNT}/j%2Fd");
        assert_eq!(
            (&made["_id"], &made["id"], &made["name"], &made["age"], &made["active"]),
            (&json!("j/d"), &json!("j/d"), &json!("Jöe"), &json!(30), &json!(true))
        );
        for hidden in ["score", "mail", "photo", "password"] {
            assert_eq!(made.get(hidden), None, "{hidden}");
        }
        assert_eq!(
            client.get(&format!("{path}?_fields=photo")).expect(200)["photo"],
            "AAEC/w=="
        );
        assert_eq!(client.get(&path).expect(200), made);
        assert_eq!(client.query(ACCOUNT, "true")[0]["_rev"], made["_rev"]);
        let again = client
            .post(&format!("{ACCOUNT}?_action=create"), Some(&new))
            .expect(412);
        assert!(message(&again).contains("'j/d' exists already"), "{again}");

        // Put makes what is not there, and replaces what is; what was read can be sent back.
        client
            .put(&format!("{ACCOUNT}/eve"), &json!({"name": "Eve", "mail": "e@x"}))
            .expect(201);
        assert_eq!(client.put(&path, &made).expect(200), made);
        let whole = json!({"id": "j/d", "name": "Joe", "score": 2.5});
        let replaced = client.put(&path, &whole).expect(200);
        assert_eq!(
            (replaced.get("age"), replaced.get("active"), &replaced["score"]),
            (None, None, &json!(2.5))
        );
        assert_ne!(replaced["_rev"], made["_rev"]);
        // The photo was not shown and stays.
        assert_eq!(
            client.get(&format!("{path}?_fields=photo")).expect(200)["photo"],
            "AAEC/w=="
        );
        let patch = json!([{"operation": "increment", "field": "/score", "value": 1},
            {"operation": "replace", "field": "/born", "value": "2026-01-01T00:00:00.000Z"}]);
        let patched = client.patch(&path, &patch).expect(200);
        assert_eq!(
            (&patched["score"], &patched["born"]),
            (&json!(3.5), &json!("2026-01-01T00:00:00.000Z"))
        );

        // Who speaks of a state that is gone is told, and changes nothing.
        let (old, now) = (made["_rev"].as_str().unwrap(), patched["_rev"].as_str().unwrap());
        with_rev(place, "PUT", &path, old, Some(&whole)).expect(412);
        with_rev(place, "PATCH", &path, old, Some(&patch)).expect(412);
        with_rev(place, "DELETE", &path, old, None).expect(412);
        assert_eq!(client.get(&path).expect(200), patched);
        let renamed = with_rev(place, "PUT", &path, now, Some(&json!({"id": "joe", "name": "Joe"}))).expect(200);
        assert_eq!((&renamed["_id"], &renamed["id"]), (&json!("joe"), &json!("joe")));
        client.get(&path).expect(404);
        assert_eq!(
            client.get(&format!("{ACCOUNT}/joe?_fields=photo")).expect(200)["photo"],
            "AAEC/w=="
        );
        // Another's id and another's value are taken.
        let taken = client
            .put(&format!("{ACCOUNT}/joe"), &json!({"id": "eve", "name": "Joe"}))
            .expect(412);
        assert!(message(&taken).contains("exists already"), "{taken}");
        let taken = client.patch(
            &format!("{ACCOUNT}/joe"),
            &json!([{"operation": "add", "field": "/mail", "value": "e@x"}]),
        );
        let taken = taken.expect(412)["message"].to_string();
        assert!(taken.contains("mail") && !taken.contains("e@x"), "{taken}");

        let known = |user: &str, password: &str| {
            let body = json!({"username": user, "password": password});
            client.post(&format!("{ACCOUNT}?_action=authenticate"), Some(&body))
        };
        assert_eq!(known("joe", "geheim").expect(200), json!({"_id": "joe"}));
        for (user, password) in [("joe", "Geheim"), ("joe", ""), ("eve", ""), ("' OR 1=1 --", "geheim")] {
            known(user, password).expect(401);
        }
        client.delete(&format!("{ACCOUNT}/joe")).expect(200);
        client.get(&format!("{ACCOUNT}/joe")).expect(404);
        client.delete(&format!("{ACCOUNT}/joe")).expect(404);
        assert_eq!(place.database.run("SELECT count(*) FROM people"), "1");
    });
}

#[test]
fn what_a_table_does_not_take_is_refused_and_changes_nothing() {
    with_people(|place| {
        let client = &place.server.client;
        let refused = |object: Value, expected: &str| {
            let answer = client
                .post(&format!("{ACCOUNT}?_action=create"), Some(&object))
                .expect(400);
            assert!(message(&answer).contains(expected), "{answer}");
        };
        refused(json!({"id": "a"}), "name");
        refused(json!({"name": "a"}), "'id' is required");
        refused(json!({"id": "a", "name": "a\u{0}b"}), "a character of zero");
        refused(json!({"id": "a", "name": "a", "age": "1"}), "a whole number");
        refused(json!({"id": "a", "name": "a", "phone": "1"}), "no property 'phone'");
        refused(json!({"id": "a", "name": "a", "photo": "?"}), "Base64");
        if !place.is_file() {
            refused(json!({"id": "a", "name": "x".repeat(51)}), "up to 50 characters");
            refused(
                json!({"id": "a", "name": "a", "age": 3_000_000_000_i64}),
                "from -2147483648 to 2147483647",
            );
            refused(json!({"id": "a", "name": "a", "born": "yesterday"}), "a time such as");
            refused(
                json!({"id": "a", "name": "a", "born": "2026-02-30T00:00:00Z"}),
                "a time such as",
            );
        }
        let other = client
            .put(&format!("{ACCOUNT}/a"), &json!({"id": "b", "name": "a"}))
            .expect(400);
        assert!(message(&other).contains("the path says 'a'"), "{other}");
        client
            .get(&format!("{ACCOUNT}?_queryFilter=true&_pagedResultsCookie=x"))
            .expect(400);
        assert_eq!(place.database.run("SELECT count(*) FROM people"), "0");
    });
}

#[test]
fn queries_sort_page_and_count() {
    with_people(|place| {
        let rows: String = (0..250)
            .map(|number| {
                format!(
                    "INSERT INTO people (id, name, age) VALUES ('u{number:03}', 'n{}', {});",
                    number % 3,
                    number
                )
            })
            .collect();
        place.database.run(&format!("BEGIN; {rows} COMMIT;"));
        let client = &place.server.client;
        let filter = encode("name eq 'N1' and age lt 200");
        let (mut cookie, mut ids) = (String::new(), Vec::new());
        loop {
            let path = format!("{ACCOUNT}?_queryFilter={filter}&_pageSize=7&_totalPagedResultsPolicy=EXACT&{cookie}");
            let page = client.get(&path).expect(200);
            assert_eq!(page["totalPagedResults"], 67);
            ids.extend(
                page["result"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|object| object["_id"].to_string()),
            );
            let Some(next) = page["pagedResultsCookie"].as_str() else {
                break;
            };
            cookie = format!("_pagedResultsCookie={}", encode(next));
        }
        let expected: Vec<String> = (0..200)
            .filter(|n| n % 3 == 1)
            .map(|n| format!("\"u{n:03}\""))
            .collect();
        assert_eq!(ids, expected);
        let sorted = client
            .get(&format!("{ACCOUNT}?_queryFilter=true&_sortKeys=-age&_pageSize=2"))
            .expect(200);
        assert_eq!(super::ids(sorted["result"].as_array().unwrap()), ["u249", "u248"]);
        let all = client.get(&format!("{ACCOUNT}?_queryId=query-all-ids")).expect(200);
        assert_eq!(all["resultCount"], 250);
    });
}
