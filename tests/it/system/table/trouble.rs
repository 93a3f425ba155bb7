//! Several writers, servers that go away, and what is said about all that.

use serde_json::{Value, json};

use super::{ACCOUNT, Database, PEOPLE, Place, message, of_file, of_server, person, system, with_people};
use crate::harness::Server;
use crate::system::hanging::answer_of;
use crate::system::postgres::{PASSWORD, Postgres};

#[test]
fn increments_of_two_writers_add_up() {
    with_people(|place| {
        let client = &place.server.client;
        client
            .put(&format!("{ACCOUNT}/a"), &json!({"name": "Ann", "age": 0}))
            .expect(201);
        let patch = json!([{"operation": "increment", "field": "/age", "value": 1}]);
        let done: usize = std::thread::scope(|scope| {
            let writers: Vec<_> = (0..2)
                .map(|_| {
                    scope.spawn(|| {
                        (0..20)
                            .filter(|_| client.patch(&format!("{ACCOUNT}/a"), &patch).status == 200)
                            .count()
                    })
                })
                .collect();
            writers.into_iter().map(|writer| writer.join().unwrap()).sum()
        });
        assert_eq!(client.get(&format!("{ACCOUNT}/a")).expect(200)["age"], done);
        assert_eq!(done, 40);
    });
}

#[test]
fn of_many_who_make_the_same_row_one_does() {
    with_people(|place| {
        let client = &place.server.client;
        let mut statuses: Vec<u16> = std::thread::scope(|scope| {
            let make = |number: usize| {
                let body = json!({"id": "a", "name": format!("n{number}")});
                client.post(&format!("{ACCOUNT}?_action=create"), Some(&body)).status
            };
            let writers: Vec<_> = (0..4).map(|number| scope.spawn(move || make(number))).collect();
            writers.into_iter().map(|writer| writer.join().unwrap()).collect()
        });
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 412, 412, 412]);
    });
}

fn with_server(port: u16, changes: &Value) -> Server {
    let mut connector = of_server(port);
    connector
        .as_object_mut()
        .unwrap()
        .extend(changes.as_object().unwrap().clone());
    let text = system(&connector, &person()).to_string();
    Server::with_files(&[("provisioner.openicf-db.json", text.as_bytes())])
}

#[test]
fn a_server_that_stops_is_left_alone_and_nothing_that_was_answered_is_lost() {
    let Some(mut postgres) = Postgres::start(PEOPLE[1]) else {
        return;
    };
    let server = with_server(postgres.port, &json!({}));
    let client = &server.client;
    for number in 0..30 {
        client
            .put(&format!("{ACCOUNT}/u{number}"), &json!({"name": "n"}))
            .expect(201);
    }
    postgres.stop();
    // A write is sent once, and not again.
    let write = client.put(&format!("{ACCOUNT}/late"), &json!({"name": "n"})).status;
    assert_eq!(write, 503);
    let lost = answer_of(&server, &format!("{ACCOUNT}/u1"), 503);
    assert_eq!(lost["detail"]["system"], "db");
    let open = answer_of(&server, &format!("{ACCOUNT}/u1"), 503);
    assert!(message(&open).contains("left alone"), "{open}");
    // Others do not notice.
    client.get("managed/user?_queryFilter=true").expect(200);
    postgres.resume();
    client.get(&format!("{ACCOUNT}/u1")).expect(503);
    server.clock.advance(chrono::Duration::seconds(31));
    client.get(&format!("{ACCOUNT}/u1")).expect(200);
    assert_eq!(
        client.query(ACCOUNT, "true").len(),
        30,
        "what was answered is there, and nothing else"
    );
    client
        .put(&format!("{ACCOUNT}/late"), &json!({"name": "n"}))
        .expect(201);
}

#[test]
fn a_connection_that_ended_while_nobody_used_it_is_no_reason_to_fail() {
    let Some(mut postgres) = Postgres::start(PEOPLE[1]) else {
        return;
    };
    let server = with_server(postgres.port, &json!({}));
    let client = &server.client;
    client.put(&format!("{ACCOUNT}/a"), &json!({"name": "n"})).expect(201);
    postgres.stop();
    postgres.resume();
    client.put(&format!("{ACCOUNT}/b"), &json!({"name": "n"})).expect(201);
    postgres.stop();
    postgres.resume();
    client.get(&format!("{ACCOUNT}/b")).expect(200);
}

#[test]
fn a_write_that_waits_for_others_ends_at_its_deadline_and_leaves_nothing() {
    with_people(|place| {
        let client = &place.server.client;
        client.put(&format!("{ACCOUNT}/a"), &json!({"name": "old"})).expect(201);
        let mut object = client.get("config/provisioner.openicf/db").expect(200);
        object["operationTimeout"] = json!({"CREATE": 500, "UPDATE": 500});
        client.put("config/provisioner.openicf/db", &object).expect(200);
        let hold = Hold::new(place);
        let server = &place.server;
        std::thread::scope(|scope| {
            let write = scope.spawn(|| client.put(&format!("{ACCOUNT}/a"), &json!({"name": "new"})));
            while !write.is_finished() {
                server.clock.advance(chrono::Duration::milliseconds(100));
                crate::harness::pause();
            }
            let late = write.join().unwrap().expect(503);
            assert!(message(&late).contains("within 500 ms"), "{late}");
        });
        hold.release();
        assert_eq!(client.get(&format!("{ACCOUNT}/a")).expect(200)["name"], "old");
        client
            .put(&format!("{ACCOUNT}/a"), &json!({"name": "newer"}))
            .expect(200);
    });
}

/// Somebody who keeps the row, or the file, from others.
enum Hold {
    File(rusqlite::Connection),
    Server(std::process::Child),
}

impl Hold {
    fn new(place: &Place) -> Self {
        match &place.database {
            Database::File(path) => {
                let connection = rusqlite::Connection::open(path).unwrap();
                connection.execute_batch("BEGIN IMMEDIATE").unwrap();
                Self::File(connection)
            }
            Database::Server(server) => {
                Self::Server(server.hold("BEGIN; SELECT 1 FROM people WHERE id = 'a' FOR UPDATE;\n"))
            }
        }
    }

    fn release(self) {
        match self {
            Self::File(connection) => connection.execute_batch("ROLLBACK").unwrap(),
            Self::Server(mut child) => {
                drop(child.stdin.take());
                drop(child.wait());
            }
        }
    }
}

#[test]
fn secrets_are_in_no_answer() {
    let Some(postgres) = Postgres::start(PEOPLE[1]) else {
        return;
    };
    let server = with_server(postgres.port, &json!({"password": "tr0ub4dor"}));
    let client = &server.client;
    let refused = client.put(&format!("{ACCOUNT}/a"), &json!({"name": "n", "password": "xyzzy"}));
    assert_eq!(refused.status, 503, "{}", refused.text);
    let tested = client.post("system/db?_action=test", None);
    let shown = client.get("config/provisioner.openicf/db");
    for answer in [&refused, &tested, &shown] {
        for secret in ["tr0ub4dor", "xyzzy", PASSWORD] {
            assert!(!answer.text.contains(secret), "{}", answer.text);
        }
    }
    assert_eq!(tested.json()["ok"], false);
    assert!(
        refused.text.contains("refuses the credentials of the configuration"),
        "{}",
        refused.text
    );

    // Nor are values that a constraint refuses.
    let server = with_server(postgres.port, &json!({}));
    postgres.run_sql("ALTER TABLE people ADD CHECK (length(pw) > 7), ADD UNIQUE (pw);");
    let put = |id: &str, password: &str| {
        let body = json!({"name": "n", "password": password});
        server.client.put(&format!("{ACCOUNT}/{id}"), &body)
    };
    put("a", "long enough").expect(201);
    for (id, password, status) in [("b", "xyzzy", 400), ("c", "long enough", 409)] {
        let refused = put(id, password);
        assert_eq!(refused.status, status, "{}", refused.text);
        assert!(!refused.text.contains(password), "{}", refused.text);
    }
}

#[test]
fn a_table_that_is_not_there_or_not_ours_is_said_to_be() {
    let Some(postgres) = Postgres::start(PEOPLE[1]) else {
        return;
    };
    postgres.run_sql(
        "CREATE ROLE guest LOGIN PASSWORD 'guest'; GRANT SELECT ON people TO guest;
        INSERT INTO people (id, name) VALUES ('a', 'Ann');",
    );
    let check = |changes: Value, expected: &str| {
        let server = with_server(postgres.port, &changes);
        let missing = server.client.get(&format!("{ACCOUNT}/a")).expect(500);
        assert!(message(&missing).contains(expected), "{missing}");
        let tested = server.client.post("system/db?_action=test", None).expect(200);
        assert!(
            message(&json!({"message": tested["error"]})).contains(expected),
            "{tested}"
        );
    };
    check(json!({"table": "peple"}), "there is no table 'peple'");
    check(json!({"table": "hr.people"}), "there is no table 'hr.people'");
    check(json!({"keyColumn": "uid"}), "the table has no column 'uid'");
    check(json!({"database": "absent"}), "database \"absent\" does not exist");
    check(
        json!({"table": "PEOPLE", "quoting": "DOUBLE"}),
        "there is no table 'PEOPLE'",
    );
    let server = with_server(postgres.port, &json!({"user": "guest", "password": "guest"}));
    server.client.get(&format!("{ACCOUNT}/a")).expect(200);
    let denied = server
        .client
        .put(&format!("{ACCOUNT}/b"), &json!({"name": "n"}))
        .expect(403);
    assert!(message(&denied).contains("permission denied"), "{denied}");
    // A table that changes is looked at again.
    let server = with_server(postgres.port, &json!({}));
    server.client.get(&format!("{ACCOUNT}/a")).expect(200);
    postgres.run_sql("ALTER TABLE people RENAME COLUMN score TO points;");
    server.client.get(&format!("{ACCOUNT}/a")).expect(500);
    postgres.run_sql("ALTER TABLE people RENAME COLUMN points TO score;");
    server.client.get(&format!("{ACCOUNT}/a")).expect(200);
}

#[test]
fn a_file_that_is_no_database_is_said_to_be() {
    let text = system(&of_file(), &person()).to_string();
    let server = Server::with_files(&[("provisioner.openicf-db.json", text.as_bytes())]);
    let missing = answer_of(&server, &format!("{ACCOUNT}/a"), 503);
    assert!(message(&missing).contains("cannot be opened"), "{missing}");
    assert!(!server.conf().join("people.db").exists(), "nothing is made by asking");
    std::fs::write(
        server.conf().join("people.db"),
        "uid,name\na,Ann, and more than a hundred bytes of this and that\n".repeat(20),
    )
    .unwrap();
    let wrong = server.client.get(&format!("{ACCOUNT}/a")).expect(500);
    assert!(message(&wrong).contains("not a database"), "{wrong}");
    // Not where the operator did not allow it, also through a link.
    std::fs::remove_file(server.conf().join("people.db")).unwrap();
    let outside = tempfile::tempdir().unwrap();
    let hidden = outside.path().join("hidden.db");
    rusqlite::Connection::open(&hidden)
        .unwrap()
        .execute_batch(PEOPLE[0])
        .unwrap();
    std::os::unix::fs::symlink(&hidden, server.conf().join("people.db")).unwrap();
    server.client.get(&format!("{ACCOUNT}/a")).expect(403);
}

#[test]
fn a_file_that_takes_the_place_of_another_is_read() {
    let text = system(&of_file(), &person()).to_string();
    let server = Server::with_files(&[("provisioner.openicf-db.json", text.as_bytes())]);
    for name in ["Ann", "Bob"] {
        let made = server.conf().join("new.db");
        let file = rusqlite::Connection::open(&made).unwrap();
        file.execute_batch(PEOPLE[0]).unwrap();
        file.execute("INSERT INTO people (id, name) VALUES ('a', ?)", [name])
            .unwrap();
        drop(file);
        std::fs::rename(made, server.conf().join("people.db")).unwrap();
        assert_eq!(server.client.get(&format!("{ACCOUNT}/a")).expect(200)["name"], name);
    }
}

#[test]
fn a_server_with_a_certificate_is_spoken_to_with_tls() {
    let Some(mut postgres) = Postgres::start(PEOPLE[1]) else {
        return;
    };
    let url = |mode: &str| format!("jdbc:postgresql://%h:%p/%d?sslmode={mode}");
    // A server without TLS is none to speak TLS to.
    let server = with_server(postgres.port, &json!({"jdbcUrlTemplate": url("verify-full")}));
    let refused = answer_of(&server, &format!("{ACCOUNT}/a"), 503);
    assert!(message(&refused).contains("TLS"), "{refused}");
    let authority = postgres.with_tls();
    let trusting = json!({"jdbcUrlTemplate": url("verify-full"), "trustedCertificates": [authority]});
    let server = with_server(postgres.port, &trusting);
    server
        .client
        .put(&format!("{ACCOUNT}/a"), &json!({"name": "Ann"}))
        .expect(201);
    assert_eq!(postgres.run_sql("SELECT count(*) FROM pg_stat_ssl WHERE ssl"), "1");
    // One that nobody vouches for is not trusted.
    let server = with_server(postgres.port, &json!({"jdbcUrlTemplate": url("verify-full")}));
    let refused = answer_of(&server, &format!("{ACCOUNT}/a"), 503);
    assert!(message(&refused).contains("certificate"), "{refused}");
    let template = json!({"jdbcUrlTemplate": url("require")});
    let mut object = server.client.get("config/provisioner.openicf/db").expect(200);
    object["configurationProperties"]["jdbcUrlTemplate"] = template["jdbcUrlTemplate"].clone();
    let refused = server.client.put("config/provisioner.openicf/db", &object).expect(400);
    assert_eq!(refused["detail"]["pointer"], "/configurationProperties/jdbcUrlTemplate");
}
