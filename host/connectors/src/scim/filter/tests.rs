//! What a service is asked, and that nothing is left out by it.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::condition;
use crate::mapping::{self, Wanted};
use crate::scim::layout::tests::kind;
use crate::scim::provider::tests::provider;
use crate::strategy;

/// Accounts whose attributes compare in many ways.
fn accounts() -> crate::definition::ObjectType {
    kind(json!({
        "login": {"type": "string", "nativeName": "__NAME__"},
        "key": {"type": "string", "nativeName": "__UID__"},
        "external": {"type": "string", "nativeName": "externalId"},
        "given": {"type": "string", "nativeName": "name.givenName"},
        "name": {"type": "object", "nativeName": "name"},
        "mail": {"type": "array", "items": {"type": "string"}, "nativeName": "emails.value"},
        "work": {"type": "string", "nativeName": "emails[type eq \"work\"].value"},
        "desk": {"type": "string", "nativeName": "urn:x:2.0:Extra:desk"},
        "active": {"type": "boolean", "nativeName": "active"},
        "level": {"type": "integer", "nativeName": "level"},
        "birth": {"type": "string", "nativeName": "birth"},
        "strange": {"type": "string", "nativeName": "strange"},
        "hidden": {"type": "string", "nativeName": "displayName", "flags": ["NOT_READABLE"]}
    }))
}

fn check(filter: &str, expected: Option<&str>) {
    let (provider, kind) = (provider(), accounts());
    let layout = Layout::new(&kind, &provider).unwrap();
    let translation = Translation {
        layout: &layout,
        provider: &provider,
    };
    let bound = translation.bound(&Filter::parse(filter).unwrap());
    assert_eq!(bound.text().as_deref(), expected, "{filter}");
}

#[test]
fn what_a_service_finds_alike_is_handed_over() {
    check("login eq 'Joe'", Some("userName eq \"Joe\""));
    check(
        "login eq 'a\" or userName pr or userName eq \"b'",
        Some(r#"userName eq "a\" or userName pr or userName eq \"b""#),
    );
    check("login sw 'back\\\\'", Some(r#"userName sw "back\\""#));
    check(
        "given co 'o' and active eq true",
        Some("(name.givenName co \"o\" and active eq true)"),
    );
    check("name/givenName eq 'x'", Some("name.givenName eq \"x\""));
    check(
        "mail eq 'a@x' or work ew '.com'",
        Some("(emails.value eq \"a@x\" or emails.value ew \".com\")"),
    );
    check("desk eq '1'", Some("urn:x:2.0:Extra:desk eq \"1\""));
    check("level ge 3", Some("level ge 3"));
    check("_id eq 'x' or key eq 'y'", Some("(id eq \"x\" or id eq \"y\")"));
    check(
        "login in '[\"a\",\"b\"]'",
        Some("(userName eq \"a\" or userName eq \"b\")"),
    );
    check("strange eq 'x' and login eq 'y'", Some("userName eq \"y\""));
}

#[test]
fn what_a_service_may_find_otherwise_is_not() {
    for filter in [
        "true",
        "!(login eq 'a')",
        "strange eq 'x'",
        "external eq 'x'",
        "login pr",
        "login gt 'a'",
        "login eq 'Jö'",
        "login eq ''",
        "login eq ' a'",
        "level eq '3'",
        "active eq 'true'",
        "birth gt '2026'",
        "hidden eq 'x'",
        "mail/0 eq 'x'",
        "login eq 'a' or strange eq 'b'",
        "level eq 3.5",
        "mail ca '[\"a\"]'",
    ] {
        check(filter, None);
    }
    check(&format!("login eq '{}'", "x".repeat(5000)), None);
}

/// What a service says that compares texts without regard to case in ASCII only, and `externalId` and `id` exactly.
fn evaluate(bound: &Asked, resource: &Value) -> bool {
    let test = match bound {
        Bound::All => return true,
        Bound::Nothing => return false,
        Bound::And(bounds) => return bounds.iter().all(|bound| evaluate(bound, resource)),
        Bound::Or(bounds) => return bounds.iter().any(|bound| evaluate(bound, resource)),
        Bound::Test(test) => test,
    };
    let mut words = test.splitn(3, ' ');
    let (path, operator) = (words.next().unwrap(), words.next().unwrap());
    let wanted: Value = serde_json::from_str(words.next().unwrap()).unwrap();
    let is_exact = ["id", "externalId"].contains(&path);
    let fold = |text: &str| {
        if is_exact {
            text.to_owned()
        } else {
            text.to_ascii_lowercase()
        }
    };
    let values = AttributePath::parse(path).unwrap().get(resource);
    values.iter().any(|value| match (value, &wanted) {
        (Value::String(value), Value::String(wanted)) => {
            let (value, wanted) = (fold(value), fold(wanted));
            match operator {
                "eq" => value == wanted,
                "co" => value.contains(&wanted),
                "sw" => value.starts_with(&wanted),
                "ew" => value.ends_with(&wanted),
                other => panic!("texts are not asked for {other}"),
            }
        }
        (Value::Number(value), Value::Number(wanted)) => {
            let (value, wanted) = (value.as_i64().unwrap(), wanted.as_i64().unwrap());
            match operator {
                "eq" => value == wanted,
                "lt" => value < wanted,
                "le" => value <= wanted,
                "gt" => value > wanted,
                "ge" => value >= wanted,
                other => panic!("numbers are not asked for {other}"),
            }
        }
        (value, wanted) => operator == "eq" && value == wanted,
    })
}

fn text() -> impl Strategy<Value = String> + Clone {
    prop::sample::select(vec![
        "", "a", "A", "ab", "aB", "b", "a b", " a", "é", "É", "1", "\"", "\\", "a\" or b",
    ])
    .prop_map(str::to_owned)
}

fn resource() -> impl Strategy<Value = Value> {
    let some = || prop::option::of(text());
    let mails = prop::collection::vec((text(), prop::sample::select(vec!["work", "Work", "home"])), 0..3);
    let level = prop::option::of(prop::sample::select(vec![1, 12, -3]));
    (
        text(),
        some(),
        some(),
        mails,
        some(),
        level,
        prop::option::of(any::<bool>()),
    )
        .prop_map(|(login, external, given, mails, desk, level, active)| {
            let mails: Vec<Value> = mails
                .into_iter()
                .map(|(value, kind)| json!({"value": value, "type": kind}))
                .collect();
            json!({
                "id": "x", "userName": login, "externalId": external, "name": {"givenName": given}, "emails": mails,
                "urn:x:2.0:Extra": {"desk": desk}, "level": level, "active": active, "strange": "a", "birth": "12"
            })
        })
}

fn literal() -> impl Strategy<Value = Literal> + Clone {
    prop_oneof![
        4 => text().prop_map(|text| Literal::text(&text)),
        2 => prop::sample::select(vec![1, 12, -3, 0, i64::MAX]).prop_map(Literal::Integer),
        1 => Just(Literal::Double(1.0)),
        1 => any::<bool>().prop_map(Literal::Boolean),
    ]
}

fn filter() -> impl Strategy<Value = Filter> {
    strategy::filter(
        vec![
            "login",
            "external",
            "given",
            "name",
            "name/givenName",
            "mail",
            "mail/0",
            "work",
            "desk",
            "active",
            "level",
            "birth",
            "strange",
            "hidden",
            "nothing",
        ],
        literal(),
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    /// Whatever matches is found by what the service is asked.
    #[test]
    fn no_user_that_matches_is_left_out(resource in resource(), filter in filter()) {
        let (kind, provider) = (accounts(), provider());
        let layout = Layout::new(&kind, &provider).unwrap();
        let bound = Translation { layout: &layout, provider: &provider }.bound(&filter);
        let entry = layout.entry(&resource).unwrap();
        let object = mapping::object(&kind, &entry, &Wanted::default().and(&filter));
        if condition::matches(&filter, &object) {
            prop_assert!(evaluate(&bound, &resource), "{} {:?} {}", filter, bound, object);
        }
    }
}
