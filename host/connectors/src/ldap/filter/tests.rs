//! What a directory is asked, and that nothing is left out by it.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::condition;
use crate::connector::Entry;
use crate::definition::Definition;
use crate::mapping::{self, Wanted};
use crate::strategy;

fn kind() -> ObjectType {
    let object = json!({
        "connectorRef": {"connectorName": "org.identityconnectors.ldap.LdapConnector"},
        "objectTypes": {"account": {"nativeType": "__ACCOUNT__", "type": "object", "properties": {
            "dn": {"type": "string", "nativeName": "__NAME__"},
            "cn": {"type": "string"},
            "mails": {"type": "array", "items": {"type": "string"}, "nativeName": "mail"},
            "age": {"type": "integer"},
            "home": {"type": "string"},
            "unknown": {"type": "string"},
            "secret": {"type": "string", "nativeName": "__PASSWORD__"},
            "odd": {"type": "string", "nativeName": "a)(b"},
        }}},
    });
    ObjectType::clone(
        Definition::parse("ldap", &object)
            .unwrap()
            .object_type("account")
            .unwrap(),
    )
}

fn schema() -> Schema {
    Schema::parse([
        "( 1 NAME 'cn' EQUALITY caseIgnoreMatch SUBSTR caseIgnoreSubstringsMatch )",
        "( 2 NAME 'mail' EQUALITY caseIgnoreIA5Match SUBSTR caseIgnoreIA5SubstringsMatch )",
        "( 3 NAME 'age' EQUALITY integerMatch ORDERING integerOrderingMatch )",
        "( 4 NAME 'home' EQUALITY caseExactIA5Match SUBSTR caseExactIA5SubstringsMatch )",
        "( 5 NAME 'entryUUID' EQUALITY UUIDMatch )",
    ])
}

fn bound(filter: &str) -> String {
    let (kind, schema) = (kind(), schema());
    let translation = Translation {
        kind: &kind,
        schema: &schema,
        uid_attribute: Some("entryUUID"),
    };
    translation.bound(&Filter::parse(filter).unwrap()).text()
}

#[test]
fn what_the_directory_can_answer_is_handed_over() {
    let check = |filter: &str, expected: &str| assert_eq!(bound(filter), expected, "{filter}");
    check("cn eq 'Joe'", "(cn=Joe)");
    check("cn sw 'a(b*)\\\\'", "(cn=a\\28b\\2a\\29\\5c*)");
    check("mails co 'x'", "(mail=*x*)");
    check("mails ew '.com'", "(mail=*.com)");
    check("cn pr and mails eq 'a'", "(&(cn=*)(mail=a))");
    check("cn eq 'a' or cn eq 'b'", "(|(cn=a)(cn=b))");
    check("cn in '[\"a\",\"b\"]'", "(|(cn=a)(cn=b))");
    check("age ge 5 and age lt 9", "(&(age>=5)(age<=9))");
    check("_id eq '2b'", "(entryUUID=2b)");
    check("false", "(!(objectClass=*))");
    check("cn xx 'a'", "(!(objectClass=*))");
    // What it could answer otherwise than we do is not.
    check("home eq '/a'", "(home=*)");
    check("cn eq 'é'", "(cn=*)");
    check("cn eq ' a'", "(cn=*)");
    check("cn eq 'a  b'", "(cn=*)");
    check("cn ge 'a'", "(cn=*)");
    check("cn eq 1", "(cn=*)");
    check("!(cn eq 'a')", "");
    check("cn eq 'a' or !(cn pr)", "");
    check("secret eq 'a' and cn eq 'b'", "(cn=b)");
    check("odd eq 'a'", "");
    check("/mails/0 eq 'a'", "");
    check("true", "");
}

#[test]
fn a_filter_that_names_one_entry_asks_for_that() {
    let (kind, schema) = (kind(), schema());
    let mut translation = Translation {
        kind: &kind,
        schema: &schema,
        uid_attribute: None,
    };
    let name = |translation: Translation<'_>, filter: &str| translation.name(&Filter::parse(filter).unwrap());
    assert_eq!(name(translation, "cn pr and dn eq 'cn=a'"), Some("cn=a".to_owned()));
    assert_eq!(name(translation, "_id eq 'cn=a'"), Some("cn=a".to_owned()));
    assert_eq!(name(translation, "dn eq 'a' or dn eq 'b'"), None);
    assert_eq!(name(translation, "!(dn eq 'a')"), None);
    translation.uid_attribute = Some("entryUUID");
    assert_eq!(name(translation, "_id eq 'cn=a'"), None);
}

/// What a directory says: yes, no, or neither.
fn evaluate(filter: &LdapFilter, entry: &Entry) -> bool {
    let values = |attribute: &str| -> Vec<String> {
        match attribute {
            "entryUUID" => vec![entry.uid.clone()],
            "objectClass" => vec!["top".to_owned()],
            _ => entry
                .attributes
                .get(attribute)
                .into_iter()
                .flatten()
                .map(mapping::text_of)
                .collect(),
        }
    };
    // As the rules of the schema compare.
    let prepared = |attribute: &str, text: &str| {
        let text = text
            .split(' ')
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join(" ");
        if attribute == "home" {
            text
        } else {
            text.to_ascii_lowercase()
        }
    };
    let any = |attribute: &str, test: &dyn Fn(&str) -> bool| {
        values(attribute).iter().any(|value| test(&prepared(attribute, value)))
    };
    let number = |text: &str| text.parse::<i64>().ok();
    match filter {
        LdapFilter::All => true,
        LdapFilter::Nothing => false,
        LdapFilter::And(inner) => inner.iter().all(|filter| evaluate(filter, entry)),
        LdapFilter::Or(inner) => inner.iter().any(|filter| evaluate(filter, entry)),
        LdapFilter::Test(Test::Present(attribute)) => !values(attribute).is_empty(),
        LdapFilter::Test(Test::Equal(attribute, text)) if attribute == "age" => {
            any(attribute, &|value| number(value) == number(text))
        }
        LdapFilter::Test(Test::Equal(attribute, text)) => any(attribute, &|value| value == prepared(attribute, text)),
        LdapFilter::Test(Test::Part(attribute, place, text)) => any(attribute, &|value| {
            let text = prepared(attribute, text);
            match place {
                Place::Begin => value.starts_with(&text),
                Place::Anywhere => value.contains(&text),
                Place::End => value.ends_with(&text),
            }
        }),
        LdapFilter::Test(Test::AtLeast(attribute, least)) => any(attribute, &|value| number(value) >= Some(*least)),
        LdapFilter::Test(Test::AtMost(attribute, most)) => {
            any(attribute, &|value| number(value).is_some_and(|value| value <= *most))
        }
    }
}

fn text() -> impl Strategy<Value = String> + Clone {
    prop::sample::select(vec![
        "", "a", "A", "ab", "aB", "b", "a b", "a  b", " a", "é", "É", "1", "12", "*", "(", "\\",
    ])
    .prop_map(str::to_owned)
}

fn entry() -> impl Strategy<Value = Entry> {
    let texts = prop::collection::vec(text(), 0..3);
    let ages = prop::collection::vec(prop_oneof![Just("1"), Just("12"), Just("-3"), Just("x")], 0..2);
    (texts.clone(), texts.clone(), texts, ages, text()).prop_map(|(cn, mail, home, age, uid)| {
        let list = |values: Vec<String>| values.into_iter().map(Value::from).collect::<Vec<_>>();
        let mut attributes = BTreeMap::from([
            ("cn".to_owned(), list(cn)),
            ("mail".to_owned(), list(mail)),
            ("home".to_owned(), list(home)),
            ("age".to_owned(), age.into_iter().map(Value::from).collect()),
        ]);
        attributes.retain(|_, values| !values.is_empty());
        Entry {
            name: format!("cn={uid}"),
            uid,
            attributes,
        }
    })
}

fn literal() -> impl Strategy<Value = Literal> + Clone {
    prop_oneof![
        4 => text().prop_map(|text| Literal::text(&text)),
        1 => prop::sample::select(vec![1, 12, -3, 0, i64::MAX]).prop_map(Literal::Integer),
        1 => Just(Literal::Double(1.0)),
        1 => any::<bool>().prop_map(Literal::Boolean),
    ]
}

fn filter() -> impl Strategy<Value = Filter> {
    strategy::filter(
        vec![
            "cn", "mails", "age", "home", "unknown", "_id", "dn", "secret", "odd", "mails/0",
        ],
        literal(),
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    /// Whatever matches is found by what the directory is asked, so the filter's last word is the same answer as if
    /// every entry had been looked at.
    #[test]
    fn nothing_that_matches_is_left_out(entry in entry(), filter in filter()) {
        let (kind, schema) = (kind(), schema());
        let translation = Translation { kind: &kind, schema: &schema, uid_attribute: Some("entryUUID") };
        let bound = translation.bound(&filter);
        let object = mapping::object(&kind, &entry, &Wanted::default().and(&filter));
        if condition::matches(&filter, &object) {
            prop_assert!(evaluate(&bound, &entry), "{} {} {}", filter, bound.text(), object);
        }
        // And a directory can read it.
        let text = bound.text();
        prop_assert!(text.is_empty() || ldap3::parse_filter(&text).is_ok(), "{}", text);
    }
}
