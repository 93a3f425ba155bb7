//! Pointers as they are written, and what they find, set and remove.

use proptest::prelude::*;
use serde_json::json;

use super::*;

#[test]
fn the_slashes_at_the_ends_are_optional_and_elements_are_percent_encoded() {
    let check = |text: &str, expected: &[&str], printed: &str| {
        let pointer = Pointer::parse(text).unwrap();
        assert_eq!(
            pointer.elements().iter().map(AsRef::as_ref).collect::<Vec<_>>(),
            expected,
            "{text}"
        );
        assert_eq!(pointer.to_string(), printed, "{text}");
        assert_eq!(Pointer::parse(printed).unwrap(), pointer, "{text}");
    };
    check("", &[], "/");
    check("/", &[], "/");
    check("a", &["a"], "/a");
    check("a/b", &["a", "b"], "/a/b");
    check("/a/b", &["a", "b"], "/a/b");
    check("/a/b/", &["a", "b"], "/a/b");
    check(
        "/sunset/task-completed",
        &["sunset", "task-completed"],
        "/sunset/task-completed",
    );
    check("/a%2Fb/c", &["a/b", "c"], "/a%2Fb/c");
    check("/a%2fb", &["a/b"], "/a%2Fb");
    check("/a%25", &["a%"], "/a%25");
    check("/a~0b~1c", &["a~0b~1c"], "/a~0b~1c");
    check("/a%20b", &["a b"], "/a%20b");
    check("/a b,(c)", &["a b,(c)"], "/a%20b%2C%28c%29");
    check("/a+b", &["a+b"], "/a+b");
    check("/Stra%C3%9Fe", &["Straße"], "/Straße");
    check("/é%2Fü", &["é/ü"], "/é%2Fü");
    check("/_id", &["_id"], "/_id");
    check("/list/-", &["list", "-"], "/list/-");
    check("!a", &["!a"], "/!a");
    check("//", &[""], "//");
    check("/a//b", &["a", "", "b"], "/a//b");
    check("/a//", &["a", ""], "/a//");
}

#[test]
fn what_is_no_pointer_is_refused() {
    let check = |text: &str, expected: PointerError| assert_eq!(Pointer::parse(text), Err(expected), "{text}");
    check("%%%", PointerError::Escape("%%%".to_owned()));
    check("/a/%", PointerError::Escape("/a/%".to_owned()));
    check("/a/%2", PointerError::Escape("/a/%2".to_owned()));
    check("/a/%2/b", PointerError::Escape("/a/%2/b".to_owned()));
    check("/a/%GG", PointerError::Escape("/a/%GG".to_owned()));
    check("/%FF", PointerError::Encoding("/%FF".to_owned()));
    check(&"/x".repeat(MAX_DEPTH + 1), PointerError::Deep);
    check(&"x".repeat(MAX_LENGTH), PointerError::Long);
    check(&"%41".repeat(MAX_LENGTH), PointerError::Long);
    check(&"/".repeat(4 * MAX_LENGTH), PointerError::Long);
    assert!(Pointer::parse(&"/x".repeat(MAX_DEPTH)).is_ok());
    assert!(Pointer::parse(&"x".repeat(MAX_LENGTH - 1)).is_ok());
}

#[test]
fn a_pointer_finds_members_and_items() {
    let document = json!({"a": {"b": 1, "0": 2}, "l": [{"x": 3}, null], "n": null, "a/b": 4, "": {"": 5}});
    let check = |pointer: &str, expected: Option<Value>| {
        let pointer = Pointer::parse(pointer).unwrap();
        assert_eq!(pointer.get(&document), expected.as_ref(), "{pointer}");
        assert_eq!(pointer.get_mut(&mut document.clone()).cloned(), expected, "{pointer}");
    };
    check("/", Some(document.clone()));
    check("/a/b", Some(json!(1)));
    check("/a/0", Some(json!(2)));
    check("/l/0/x", Some(json!(3)));
    check("/l/1", Some(json!(null)));
    check("/n", Some(json!(null)));
    check("/a%2Fb", Some(json!(4)));
    check("///", Some(json!(5)));
    check("/l/2", None);
    check("/l/-", None);
    check("/l/-1", None);
    check("/l/00", None);
    check("/l/x", None);
    check("/l/99999999999999999999", None);
    check("/a/b/c", None);
    check("/n/a", None);
    check("/A", None);
}

#[test]
fn setting_makes_what_is_missing_and_failing_changes_nothing() {
    let check = |before: Value, pointer: &str, expected: Result<Value, &str>| {
        let mut document = before.clone();
        let set = Pointer::parse(pointer).unwrap().set(&mut document, json!("v"));
        match expected {
            Ok(after) => assert_eq!((set, document), (Ok(()), after), "{before} {pointer}"),
            Err(text) => assert_eq!(
                (set.unwrap_err().to_string(), &document),
                (text.to_owned(), &before),
                "{pointer}"
            ),
        }
    };
    check(json!({}), "/a", Ok(json!({"a": "v"})));
    check(json!({"a": 1}), "/a", Ok(json!({"a": "v"})));
    check(json!({"a": {"b": 1}}), "/a", Ok(json!({"a": "v"})));
    check(json!({}), "/a/b/c", Ok(json!({"a": {"b": {"c": "v"}}})));
    check(json!({"a": null}), "/a/b", Ok(json!({"a": {"b": "v"}})));
    check(json!(null), "/a", Ok(json!({"a": "v"})));
    check(json!({"a": 1}), "/", Ok(json!("v")));
    check(json!({"l": [1]}), "/l/-", Ok(json!({"l": [1, "v"]})));
    check(json!({"l": [1]}), "/l/0", Ok(json!({"l": ["v"]})));
    check(json!({"l": [1]}), "/l/1", Ok(json!({"l": [1, "v"]})));
    check(json!({"l": [{}]}), "/l/0/x", Ok(json!({"l": [{"x": "v"}]})));
    check(json!({"l": [1]}), "/l/-/x", Ok(json!({"l": [1, {"x": "v"}]})));
    check(json!({"o": {}}), "/o/-", Ok(json!({"o": {"-": "v"}})));
    check(json!({"o": {}}), "/o/0", Ok(json!({"o": {"0": "v"}})));
    check(json!({}), "/missing/-", Ok(json!({"missing": ["v"]})));
    check(json!({"l": [1]}), "/l/2", Err("List index out of range: 2"));
    check(json!({"l": [1]}), "/l/x", Err("List index out of range: -1"));
    check(json!({"l": [1]}), "/l/-1", Err("List index out of range: -1"));
    check(json!({}), "/missing/0", Err("/: Expecting a value"));
    check(json!({"n": null}), "/n/0", Err("/: Expecting a value"));
    check(json!({}), "/a/0/b", Err("/: Expecting a value"));
    check(json!({"a": 1}), "/a/b", Err("/a: Expecting a Map or List"));
    check(
        json!({"a": {"b": "x"}}),
        "/a/b/c/d",
        Err("/a/b: Expecting a Map or List"),
    );
    check(json!(1), "/a", Err("/: Expecting a Map or List"));
}

#[test]
fn removing_keeps_the_order_of_the_others() {
    let check = |before: Value, pointer: &str, removed: Option<Value>, after: &str| {
        let mut document = before;
        assert_eq!(
            Pointer::parse(pointer).unwrap().remove(&mut document),
            removed,
            "{pointer}"
        );
        assert_eq!(document.to_string(), after, "{pointer}");
    };
    check(
        json!({"a": 1, "b": 2, "c": 3}),
        "/a",
        Some(json!(1)),
        r#"{"b":2,"c":3}"#,
    );
    check(json!({"a": {"b": 2}}), "/a/b", Some(json!(2)), r#"{"a":{}}"#);
    check(json!({"l": [1, 2, 3]}), "/l/1", Some(json!(2)), r#"{"l":[1,3]}"#);
    check(json!({"l": [1]}), "/l/1", None, r#"{"l":[1]}"#);
    check(json!({"l": [1]}), "/l/-", None, r#"{"l":[1]}"#);
    check(json!({"a": 1}), "/b", None, r#"{"a":1}"#);
    check(json!({"a": 1}), "/a/b", None, r#"{"a":1}"#);
    check(json!({"a": 1}), "/", Some(json!({"a": 1})), "null");
}

#[test]
fn pointers_know_what_is_above_them() {
    let pointer = Pointer::parse("/a/b").unwrap();
    assert_eq!(pointer.last(), Some("b"));
    assert_eq!(pointer.parent(), Some(Pointer::parse("a").unwrap()));
    assert_eq!(Pointer::root().parent(), None);
    assert_eq!(Pointer::root().last(), None);
    assert_eq!(pointer.child("c/d").to_string(), "/a/b/c%2Fd");
    assert!(pointer.starts_with(&Pointer::root()));
    assert!(pointer.starts_with(&Pointer::parse("/a").unwrap()));
    assert!(pointer.starts_with(&pointer));
    assert!(!pointer.starts_with(&Pointer::parse("/a/b/c").unwrap()));
    assert!(
        !Pointer::parse("/ab")
            .unwrap()
            .starts_with(&Pointer::parse("/a").unwrap())
    );
}

#[test]
fn a_pointer_is_a_text_in_json() {
    let pointer: Pointer = serde_json::from_str(r#""a/b""#).unwrap();
    assert_eq!(serde_json::to_string(&pointer).unwrap(), r#""/a/b""#);
    assert!(
        serde_json::from_str::<Pointer>(r#""%%%""#)
            .unwrap_err()
            .to_string()
            .contains("`%25`")
    );
}

proptest! {
    #[test]
    fn a_printed_pointer_reads_the_same(elements in prop::collection::vec(any::<String>(), 0..5)) {
        let pointer = Pointer::from_elements(elements);
        prop_assert_eq!(Pointer::parse(&pointer.to_string()).unwrap(), pointer);
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in "[a/%20\u{e9}]{0,12}") {
        if let Ok(pointer) = Pointer::parse(&text) {
            prop_assert_eq!(Pointer::parse(&pointer.to_string()).unwrap(), pointer);
        }
    }

    #[test]
    fn what_was_set_is_found(
        elements in prop::collection::vec(prop::sample::select(vec!["a", "b", "0", "1", "-"]), 0..4),
        before in crate::filter::strategy::document(),
    ) {
        let pointer = Pointer::from_elements(elements);
        let mut document = before.clone();
        match pointer.set(&mut document, json!("v")) {
            // `-` is another item once it is there.
            Ok(()) if pointer.elements().iter().all(|element| element.as_ref() != "-") => {
                prop_assert_eq!(pointer.get(&document), Some(&json!("v")));
            }
            Ok(()) => prop_assert_ne!(document, before),
            Err(_) => prop_assert_eq!(document, before),
        }
    }
}
