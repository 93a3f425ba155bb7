//! What a database is asked.

use serde_json::json;

use super::pattern::{MAX_OPEN, MAX_PATTERN};
use super::*;
use crate::definition::Definition;
use crate::paths::AllowedFolders;
use crate::sql::settings::Settings;

fn kind() -> ObjectType {
    let object = json!({
        "connectorRef": {"connectorName": "org.identityconnectors.databasetable.DatabaseTableConnector"},
        "objectTypes": {"account": {"nativeType": "__ACCOUNT__", "type": "object", "properties": {
            "id": {"type": "string", "nativeName": "__NAME__"},
            "name": {"type": "string"},
            "age": {"type": "integer"},
            "score": {"type": "number"},
            "active": {"type": "boolean"},
            "code": {"type": "string", "nativeName": "age"},
            "born": {"type": "string"},
            "uuid": {"type": "string"},
            "photo": {"type": "string", "nativeType": "JAVA_TYPE_BYTE_ARRAY"},
            "secret": {"type": "string", "nativeName": "__PASSWORD__"},
            "peek": {"type": "string", "nativeName": "pw"},
            "odd": {"type": "string", "nativeName": "a\"; DROP TABLE people; --"},
        }}},
    });
    ObjectType::clone(
        Definition::parse("db", &object)
            .unwrap()
            .object_type("account")
            .unwrap(),
    )
}

fn table(dialect: Dialect) -> Table {
    let settings = json!({
        "url": "jdbc:sqlite:a.db", "table": "people", "keyColumn": "id", "passwordColumn": "pw"
    });
    let folders = AllowedFolders::new("/conf".into(), []);
    let settings = Settings::parse(&settings, &folders, std::time::Duration::from_secs(1)).unwrap();
    let column = |name: &str, class: Class, cast: &str| {
        let class = if dialect == Dialect::Sqlite { Class::Any } else { class };
        let mut column = Column::named(name, class);
        column.cast = cast.to_owned();
        column
    };
    let columns = vec![
        column("id", Class::Text, "text"),
        column("name", Class::Text, "character varying"),
        column("age", Class::Integer, "smallint"),
        column("score", Class::Number, "numeric"),
        column("active", Class::Boolean, "boolean"),
        column("born", Class::TimestampTz, "timestamp with time zone"),
        column("uuid", Class::Uuid, "uuid"),
        column("photo", Class::Bytes, "bytea"),
        column("pw", Class::Text, "text"),
        column("a\"; DROP TABLE people; --", Class::Text, "text"),
    ];
    Table::new(vec!["people".to_owned()], columns, &settings).unwrap()
}

/// The text of the condition, and its values as texts.
fn written(dialect: Dialect, filter: &str) -> (String, Vec<String>) {
    let (kind, table) = (kind(), table(dialect));
    let translation = Translation {
        kind: &kind,
        table: &table,
    };
    let mut statement = Statement::new(dialect);
    translation
        .condition(&Filter::parse(filter).unwrap())
        .write(&mut statement);
    let values = statement.values.iter().map(|cell| match cell {
        Cell::Text(text) => text.clone(),
        other => other.to_json().to_string(),
    });
    let values = values.collect();
    (statement.text, values)
}

#[test]
fn what_postgresql_can_answer_is_handed_over() {
    let check = |filter: &str, text: &str, values: &[&str]| {
        assert_eq!(
            written(Dialect::Postgres, filter),
            (text.to_owned(), values.iter().map(ToString::to_string).collect()),
            "{filter}"
        );
    };
    let name = "lower(\"name\"::text COLLATE \"C\")";
    check("name eq 'Joe'", &format!("{name} IN ($1::text)"), &["joe"]);
    check(
        "name eq 'Kim'",
        &format!("{name} IN ($1::text, $2::text)"),
        &["kim", "\u{212a}im"],
    );
    check(
        "name sw 'A_b%\\\\'",
        &format!("{name} LIKE $1::text ESCAPE '\\'"),
        &["a\\_b\\%\\\\%"],
    );
    check("name co 'x'", &format!("{name} LIKE $1::text ESCAPE '\\'"), &["%x%"]);
    check(
        "name ew 'like'",
        &format!("{name} LIKE $1::text ESCAPE '\\'"),
        &["%li%e"],
    );
    check(
        "name eq 'Straße'",
        &format!("{name} LIKE $1::text ESCAPE '\\'"),
        &["stra%e"],
    );
    check("name sw 'hi'", &format!("{name} LIKE $1::text ESCAPE '\\'"), &["h%"]);
    check(
        "name in '[\"a\",\"b\"]'",
        &format!("{name} IN ($1::text, $2::text)"),
        &["a", "b"],
    );
    check(
        "_id eq 'a' or id eq 'b'",
        "(lower(\"id\"::text COLLATE \"C\") IN ($1::text)) OR \
        (lower(\"id\"::text COLLATE \"C\") IN ($2::text))",
        &["a", "b"],
    );
    check(
        "age ge 5 and age lt 9",
        "(\"age\" >= $1::text::bigint) AND (\"age\" <= $2::text::bigint)",
        &["5", "9"],
    );
    check(
        "age eq 70000",
        "\"age\" >= $1::text::bigint AND \"age\" <= $2::text::bigint",
        &["70000", "70000"],
    );
    check("age le 1.5", "\"age\" <= $1::text::bigint", &["2"]);
    check(
        "code eq '42'",
        "\"age\" >= $1::text::bigint AND \"age\" <= $2::text::bigint",
        &["42", "42"],
    );
    check("code eq '042'", "1 = 0", &[]);
    check(
        "active eq true",
        "\"active\" >= $1::text::boolean AND \"active\" <= $2::text::boolean",
        &["true", "true"],
    );
    check(
        "born lt '2026-01-01T00:00:00.500Z'",
        "\"born\" <= $1::text::timestamp with time zone OR \
        \"born\" >= $2::text::timestamp with time zone",
        &["2026-01-01T00:00:01", "10000-01-01"],
    );
    check("!(name pr)", "\"name\" IS NULL", &[]);
    check("name pr", "\"name\" IS NOT NULL", &[]);
    check("uuid eq 'x'", "1 = 0", &[]);
    check("false", "1 = 0", &[]);
    check("name xx 'a'", "1 = 0", &[]);
    // What it could answer otherwise than we do is not.
    check("name ge 'a'", "\"name\" IS NOT NULL", &[]);
    check("name eq 1", "\"name\" IS NOT NULL", &[]);
    check("name co 'k'", "\"name\" IS NOT NULL", &[]);
    check("name eq 'a\0'", "\"name\" IS NOT NULL", &[]);
    check("born ge '2026'", "\"born\" IS NOT NULL", &[]);
    check("photo eq 'AAE='", "\"photo\" IS NOT NULL", &[]);
    check("age eq 9007199254740993", "\"age\" IS NOT NULL", &[]);
    check("!(name eq 'a')", "1 = 1", &[]);
    check("name eq 'a' or !(age eq 1)", "1 = 1", &[]);
    check("absent eq 'a'", "1 = 1", &[]);
    check("/name/0 eq 'a'", "1 = 1", &[]);
    check("true", "1 = 1", &[]);
    // Nobody finds out a password by asking for it.
    check("secret sw 'a'", "1 = 1", &[]);
    check("peek sw 'a'", "1 = 1", &[]);
}

#[test]
fn values_of_sqlite_are_found_by_their_own_types() {
    let check = |filter: &str, text: &str, values: &[&str]| {
        assert_eq!(
            written(Dialect::Sqlite, filter),
            (text.to_owned(), values.iter().map(ToString::to_string).collect()),
            "{filter}"
        );
    };
    check(
        "name eq 'Joe'",
        "lower(\"name\") IN (?1) OR typeof(\"name\") IN ('real', 'blob')",
        &["joe"],
    );
    check(
        "name sw 'a'",
        "lower(\"name\") LIKE ?1 ESCAPE '\\' OR typeof(\"name\") IN ('real', 'blob') OR \
        instr(\"name\", char(0)) > 0",
        &["a%"],
    );
    check(
        "active eq false",
        "\"active\" >= ?1 AND \"active\" <= ?2 OR typeof(\"active\") IN ('text')",
        &["0", "0"],
    );
    check("name eq 1", "\"name\" IS NOT NULL", &[]);
    check("born ge '2026-01-01T00:00:00Z'", "\"born\" IS NOT NULL", &[]);
}

#[test]
fn nothing_that_somebody_says_is_part_of_a_statement() {
    for hostile in [
        "'; DROP TABLE people; --",
        "a' OR '1'='1",
        "\\'; --",
        "$1",
        "?1",
        "\"; --",
        "%' --",
    ] {
        for operator in ["eq", "co", "sw", "ew", "lt"] {
            let quoted = serde_json::Value::from(hostile).to_string();
            let filter = format!("name {operator} {quoted} or odd {operator} {quoted} or id eq {quoted}");
            for dialect in [Dialect::Postgres, Dialect::Sqlite] {
                let (text, _) = written(dialect, &filter);
                let plain = text.replace("\"a\"\"; DROP TABLE people; --\"", "");
                assert!(!plain.contains("DROP") && !plain.contains("--"), "{text}");
            }
        }
    }
}

#[test]
fn a_filter_that_is_too_much_for_a_database_is_finished_here() {
    let many = |count: usize| {
        (0..count)
            .map(|number| format!("age gt {number}"))
            .collect::<Vec<_>>()
            .join(" or ")
    };
    assert_ne!(written(Dialect::Sqlite, &many(MAX_TESTS)).0, "1 = 1");
    assert_eq!(written(Dialect::Sqlite, &many(MAX_TESTS + 1)).0, "1 = 1");
    let check = |filter: &str| assert_eq!(written(Dialect::Postgres, filter).0, "\"name\" IS NOT NULL");
    check(&format!("name co '{}'", "ak".repeat(MAX_OPEN)));
    check(&format!("name co '{}'", "a".repeat(MAX_PATTERN)));
}

#[test]
fn patterns_are_as_closed_as_they_can_be() {
    let check = |text: &str, part: Part, expected: Option<&str>| {
        assert_eq!(pattern(text, part).as_deref(), expected, "{text}");
    };
    check("smith", Part::Begin, Some("smith%"));
    check("smi", Part::Anywhere, Some("%sm%"));
    check("smi", Part::End, Some("%smi"));
    check("i\u{307}x", Part::Begin, Some("%x%"));
    check("éé", Part::Whole, None);
    check("a%", Part::Begin, Some("a\\%%"));
    check("a\\k", Part::End, Some("%a\\\\%"));
    check("", Part::Begin, None);
}
