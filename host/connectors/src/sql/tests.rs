//! The connector against a file: filters find what they would find here, whatever the rows hold.

use std::path::Path;

use host_resource::Filter;
use host_resource::filter::Literal;

use proptest::prelude::*;
use rusqlite::Connection;
use rusqlite::types::Value as Native;
use serde_json::json;

use super::*;
use crate::condition;
use crate::definition::Definition;
use crate::mapping::{self, Wanted};
use crate::strategy;

struct Fixture {
    folder: tempfile::TempDir,
    connector: SqlConnector,
    kind: Arc<ObjectType>,
}

fn fixture(table: &str) -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    database(folder.path()).execute_batch(table).unwrap();
    let object = json!({
        "connectorRef": {"connectorName": "org.identityconnectors.databasetable.DatabaseTableConnector"},
        "configurationProperties": {
            "url": "jdbc:sqlite:people.db", "table": "people", "keyColumn": "ID", "changeLogColumn": "stamp"
        },
        "objectTypes": {"account": {"nativeType": "__ACCOUNT__", "type": "object", "properties": {
            "id": {"type": "string", "nativeName": "__NAME__"},
            "text": {"type": "string", "nativeName": "T"},
            "whole": {"type": "integer", "nativeName": "i"},
            "number": {"type": "number", "nativeName": "r"},
            "flag": {"type": "boolean", "nativeName": "f"},
            "any": {"type": "string", "nativeName": "x"},
            "bytes": {"type": "string", "nativeName": "b", "nativeType": "JAVA_TYPE_BYTE_ARRAY"},
        }}},
    });
    let definition = Definition::parse("db", &object).unwrap();
    let folders = AllowedFolders::new(folder.path().to_owned(), []);
    let settings = Settings::parse(&definition.properties, &folders, std::time::Duration::from_secs(5)).unwrap();
    Fixture {
        kind: Arc::clone(definition.object_type("account").unwrap()),
        connector: SqlConnector::new(settings, folders, definition.types.values()),
        folder,
    }
}

const TABLE: &str =
    "CREATE TABLE people (id TEXT PRIMARY KEY, t TEXT, i INTEGER, r REAL, f INTEGER, x, b BLOB, stamp INTEGER)";

fn database(folder: &Path) -> Connection {
    Connection::open(folder.join("people.db")).unwrap()
}

impl Fixture {
    /// What a filter finds, page by page.
    async fn found(&self, filter: &Filter, limit: usize) -> Vec<String> {
        let mut ids = Vec::new();
        let mut after = None;
        loop {
            let (kind, wanted) = (Arc::clone(&self.kind), Wanted::default().and(filter));
            let (filter, natives) = (Arc::new(filter.clone()), wanted.natives(&self.kind));
            let last = Arc::clone(&filter);
            let search = Search {
                accept: Arc::new(move |entry| {
                    let object = mapping::object(&kind, entry, &wanted);
                    condition::matches(&last, &object).then(|| mapping::answer(&entry.uid, None, object))
                }),
                filter,
                attributes: natives,
                limit,
                after,
            };
            let found = self.connector.search(&self.kind, search).await.unwrap();
            assert!(found.objects.len() <= limit);
            ids.extend(found.objects.into_iter().map(|object| object.id));
            match found.position {
                Some(position) => after = Some(position),
                None => return ids,
            }
        }
    }

    /// What it would find if every row were looked at here.
    async fn expected(&self, filter: &Filter) -> Vec<String> {
        let mut expected = Vec::new();
        for id in self.found(&Filter::Literal(true), 100).await {
            let entry = self.connector.get(&self.kind, &id).await.unwrap().unwrap();
            if condition::matches(
                filter,
                &mapping::object(&self.kind, &entry, &Wanted::default().and(filter)),
            ) {
                expected.push(id);
            }
        }
        expected
    }
}

fn text() -> impl Strategy<Value = String> + Clone {
    prop::sample::select(vec![
        "", "a", "A", "ab", "aB", "b", "k", "\u{212a}", "K", "i", "\u{130}", "I", "i\u{307}", "é", "É", "ß", "1", "12",
        "-3", "1.5", "0.1", "1e3", "true", "%", "_", "a%b", "\\", "'", "\"", "AAE=", "aae=", "σ", "ς",
    ])
    .prop_map(str::to_owned)
}

fn native() -> impl Strategy<Value = Native> {
    prop_oneof![
        1 => Just(Native::Null),
        6 => text().prop_map(Native::Text),
        1 => Just(Native::Text("a\0b".to_owned())),
        3 => prop::sample::select(vec![0, 1, 12, -3, i64::MAX, 1 << 53, (1 << 53) + 1]).prop_map(Native::Integer),
        2 => prop::sample::select(vec![1.5, 0.1, -3.0, 1e300, f64::INFINITY]).prop_map(Native::Real),
        1 => prop::sample::select(vec![vec![0, 1], b"a".to_vec(), vec![]]).prop_map(Native::Blob),
    ]
}

fn literal() -> impl Strategy<Value = Literal> + Clone {
    prop_oneof![
        5 => text().prop_map(|text| Literal::text(&text)),
        2 => prop::sample::select(vec![0, 1, 12, -3, i64::MAX, 1 << 53]).prop_map(Literal::Integer),
        2 => prop::sample::select(vec![1.5, 0.1, 1.0, 1e300, -2.5]).prop_map(Literal::Double),
        1 => any::<bool>().prop_map(Literal::Boolean),
    ]
}

fn filter() -> impl Strategy<Value = Filter> {
    strategy::filter(
        vec![
            "id", "_id", "text", "whole", "number", "flag", "any", "bytes", "absent", "text/0",
        ],
        literal(),
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn a_filter_finds_what_it_would_find_here_whatever_the_rows_hold(
        rows in prop::collection::vec((text(), prop::collection::vec(native(), 6)), 1..12),
        filters in prop::collection::vec(filter(), 60),
        limit in 1_usize..5,
    ) {
        let fixture = fixture(TABLE);
        let database = database(fixture.folder.path());
        for (at, (id, cells)) in rows.iter().enumerate() {
            let id = if at % 4 == 3 { at.to_string() } else { id.clone() };
            let mut cells = cells.clone();
            cells.insert(0, Native::Text(id));
            // What a table does not take is not in it.
            drop(database.execute(
                "INSERT OR IGNORE INTO people (id, t, i, r, f, x, b) VALUES (?, ?, ?, ?, ?, ?, ?)",
                rusqlite::params_from_iter(cells),
            ));
        }
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            for filter in filters {
                let expected = fixture.expected(&filter).await;
                prop_assert_eq!(fixture.found(&filter, limit).await, expected, "{}", filter);
            }
            Ok(())
        })?;
    }
}

#[tokio::test]
async fn pages_go_on_behind_the_same_key_also_when_rows_come_and_go() {
    let fixture = fixture(TABLE);
    let database = database(fixture.folder.path());
    let insert = |id: &str| {
        database.execute("INSERT INTO people (id) VALUES (?)", [id]).unwrap();
    };
    ["a", "c", "e", "g"].into_iter().for_each(insert);
    let page = |after: Option<Vec<u8>>| {
        let search = Search {
            filter: Arc::new(Filter::Literal(true)),
            accept: Arc::new(|entry| Some(mapping::answer(&entry.uid, None, json!({})))),
            attributes: Arc::from([]),
            limit: 2,
            after,
        };
        fixture.connector.search(&fixture.kind, search)
    };
    let first = page(None).await.unwrap();
    database.execute("DELETE FROM people WHERE id = 'c'", []).unwrap();
    ["b", "d"].into_iter().for_each(insert);
    let second = page(first.position).await.unwrap();
    let ids: Vec<&str> = second.objects.iter().map(|object| object.id.as_str()).collect();
    assert_eq!(ids, ["d", "e"]);
    for wrong in [&b"x"[..], b"", b"null", b"{}"] {
        assert!(matches!(page(Some(wrong.to_vec())).await, Err(Error::Position(_))));
    }
}

#[tokio::test]
async fn a_key_that_is_not_unique_is_noticed_and_nothing_is_left_out_in_silence() {
    let fixture = fixture("CREATE TABLE people (id, t, i, r, f, x, b, stamp)");
    let database = database(fixture.folder.path());
    for _ in 0..2 {
        database
            .execute("INSERT INTO people (id, t) VALUES ('a', 't')", [])
            .unwrap();
    }
    let (connector, kind) = (&fixture.connector, &fixture.kind);
    let is_told = |error: Error| error.to_string().contains("the column 'id' has to be unique");
    assert!(is_told(connector.get(kind, "a").await.unwrap_err()));
    assert!(is_told(connector.delete(kind, "a", None).await.unwrap_err()));
    let search = Search {
        filter: Arc::new(Filter::Literal(true)),
        accept: Arc::new(|entry| Some(mapping::answer(&entry.uid, None, json!({})))),
        attributes: Arc::from([]),
        limit: 9,
        after: None,
    };
    assert!(is_told(connector.search(kind, search).await.unwrap_err()));
    assert_eq!(
        database.query_row("SELECT count(*) FROM people", [], |row| row.get(0)),
        Ok(2)
    );
}

#[tokio::test]
async fn a_change_is_told_until_the_token_moves_also_when_many_have_one_stamp() {
    let fixture = fixture(TABLE);
    let database = database(fixture.folder.path());
    let set = |id: &str, text: &str, stamp: i64| {
        let sql = "INSERT OR REPLACE INTO people (id, t, stamp) VALUES (?, ?, ?)";
        database.execute(sql, rusqlite::params![id, text, stamp]).unwrap();
    };
    let (connector, kind) = (&fixture.connector, &fixture.kind);
    let empty = connector.latest_token(kind).await.unwrap();
    set("a", "1", 1);
    set("b", "1", 1);
    let told = async |token: &Value, limit: usize| {
        let page = connector.sync(kind, token, limit).await.unwrap();
        let ids: Vec<String> = page.deltas.iter().map(|delta| delta.uid.clone()).collect();
        (ids.join(" "), page.token, page.has_more)
    };
    assert_eq!(told(&empty, 9).await.0, "a b");
    let token = connector.latest_token(kind).await.unwrap();
    assert_eq!(told(&token, 9).await.0, "");
    // The same stamp, and another state.
    set("a", "2", 1);
    set("c", "1", 2);
    assert_eq!(told(&token, 9).await.0, "a c");
    let (first, middle, has_more) = told(&token, 1).await;
    assert_eq!((first.as_str(), has_more), ("a", true));
    assert_eq!(told(&middle, 9).await.0, "c");
    // All at once, as a load does it.
    let token = connector.latest_token(kind).await.unwrap();
    for number in 0..1000 {
        set(&format!("n{number:04}"), "1", 3);
    }
    let (mut token, mut count) = (token, 0);
    loop {
        let page = connector.sync(kind, &token, 150).await.unwrap();
        count += page.deltas.len();
        assert!(page.token.to_string().len() < 10_000, "a token stays small");
        token = page.token;
        if !page.has_more {
            break;
        }
    }
    assert_eq!(count, 1000);
    assert_eq!(told(&connector.latest_token(kind).await.unwrap(), 9).await.0, "");
    assert!(matches!(
        connector.sync(kind, &json!("x"), 1).await,
        Err(Error::Position(_))
    ));
}

#[tokio::test]
async fn a_change_of_what_others_changed_meanwhile_is_refused_and_nothing_is_left_of_it() {
    let fixture = fixture(TABLE);
    let database = database(fixture.folder.path());
    database
        .execute("INSERT INTO people (id, t, i) VALUES ('a', 'old', 1)", [])
        .unwrap();
    let (connector, kind) = (&fixture.connector, &fixture.kind);
    let change = |before: &str| {
        vec![
            Change {
                attribute: "i".to_owned(),
                before: Some(vec![json!(1)]),
                after: vec![json!(2)],
            },
            Change {
                attribute: "T".to_owned(),
                before: Some(vec![json!(before)]),
                after: vec![json!("new")],
            },
        ]
    };
    let refused = connector.update(kind, "a", change("older"), None).await;
    assert_eq!(refused, Err(Error::Changed("others changed 'T' meanwhile".to_owned())));
    assert_eq!(
        connector.update(kind, "a", change("old"), Some("0")).await,
        Err(Error::Revision)
    );
    let entry = connector.get(kind, "a").await.unwrap().unwrap();
    let rev = mapping::revision(kind, &entry);
    assert_eq!(
        connector.update(kind, "a", change("old"), Some(&rev)).await,
        Ok("a".to_owned())
    );
    assert_eq!(connector.delete(kind, "a", Some(&rev)).await, Err(Error::Revision));
    assert_eq!(connector.delete(kind, "a", None).await, Ok(()));
    assert_eq!(
        connector.delete(kind, "a", None).await,
        Err(Error::Missing("a".to_owned()))
    );
}
