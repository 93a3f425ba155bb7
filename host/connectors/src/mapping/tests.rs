//! What is shown of an entry, and what a change of an object sends.

use serde_json::json;

use super::*;
use crate::definition::Definition;

fn kind() -> ObjectType {
    let object = json!({
        "connectorRef": {"connectorName": "org.identityconnectors.ldap.LdapConnector"},
        "objectTypes": {"account": {"nativeType": "__ACCOUNT__", "type": "object", "properties": {
            "dn": {"type": "string", "nativeName": "__NAME__", "required": true},
            "id": {"type": "string", "nativeName": "__UID__"},
            "cn": {"type": "string"},
            "age": {"type": "integer"},
            "mail": {"type": "array", "items": {"type": "string"}},
            "photo": {"type": "string", "nativeType": "JAVA_TYPE_BYTE_ARRAY", "flags": ["NOT_RETURNED_BY_DEFAULT"]},
            "password": {"type": "string", "nativeName": "__PASSWORD__"},
            "created": {"type": "string", "flags": ["NOT_CREATABLE", "NOT_UPDATEABLE"]},
        }}},
    });
    ObjectType::clone(
        Definition::parse("ldap", &object)
            .unwrap()
            .object_type("account")
            .unwrap(),
    )
}

fn entry() -> Entry {
    let attributes = json!({
        "cn": ["Joe", "Joseph"], "age": ["42"], "mail": ["a@x", "b@x"], "photo": ["AAE="], "created": ["now"],
        "__PASSWORD__": ["secret"]
    });
    Entry {
        uid: "u1".to_owned(),
        name: "cn=Joe".to_owned(),
        attributes: serde_json::from_value(attributes).unwrap(),
    }
}

#[test]
fn an_entry_is_shown_as_its_type_says() {
    let check = |wanted: &[&str], expected: Value| {
        let pointers: Vec<Pointer> = wanted.iter().map(|text| Pointer::parse(text).unwrap()).collect();
        assert_eq!(object(&kind(), &entry(), &Wanted::named(&pointers)), expected);
    };
    let mut all = json!({
        "_id": "u1", "dn": "cn=Joe", "id": "u1", "cn": "Joe", "age": 42, "mail": ["a@x", "b@x"], "created": "now"
    });
    check(&[], all.clone());
    all["photo"] = json!("AAE=");
    check(&["photo", "/password"], all);
}

#[test]
fn only_what_differs_is_sent() {
    let shown = object(&kind(), &entry(), &Wanted::default());
    assert_eq!(changes(&kind(), &entry(), &shown, &Wanted::default()), Ok(vec![]));
    let mut content = shown;
    content["mail"] = json!(["b@x"]);
    content["age"] = json!(null);
    content["password"] = json!("new");
    content.as_object_mut().unwrap().remove("id");
    let found = changes(&kind(), &entry(), &content, &Wanted::default()).unwrap();
    let find = |name: &str| found.iter().find(|change| change.attribute == name).unwrap();
    assert_eq!(found.len(), 3);
    assert_eq!(find("mail").before, Some(vec![json!("a@x"), json!("b@x")]));
    assert_eq!(find("mail").after, vec![json!("b@x")]);
    assert_eq!(
        (find("age").after.len(), find("__PASSWORD__").before.clone()),
        (0, None)
    );
    assert!(!format!("{found:?}").contains("new"), "a change does not show values");
}

#[test]
fn what_the_type_does_not_allow_is_refused() {
    let check = |content: Value, expected: &str| {
        let created = new_entry(&kind(), None, None, &content).unwrap_err().to_string();
        assert_eq!(created, expected, "{content}");
    };
    check(json!({}), "/dn: 'dn' is required");
    check(json!([]), "/: an object is expected");
    check(json!({"dn": "a", "x": 1}), "/x: the type 'account' has no property 'x'");
    check(json!({"dn": 1}), "/dn: a text is expected");
    check(json!({"dn": "a", "age": "1"}), "/age: a whole number is expected");
    check(json!({"dn": "a", "age": 1.5}), "/age: a whole number is expected");
    check(json!({"dn": "a", "mail": "a"}), "/mail: an array is expected");
    check(json!({"dn": "a", "photo": "?"}), "/photo: bytes in Base64 is expected");
    check(
        json!({"dn": "a", "created": "x"}),
        "/created: a new object cannot have this: the system says what it is",
    );
    let update = |content: Value| {
        changes(&kind(), &entry(), &content, &Wanted::default())
            .unwrap_err()
            .to_string()
    };
    assert_eq!(update(json!({"cn": "Joe"})), "/dn: 'dn' is required");
    assert_eq!(
        update(json!({"dn": "cn=Joe", "created": "x"})),
        "/created: this cannot be changed"
    );
    assert_eq!(
        update(json!({"dn": "cn=Joe", "id": "other", "created": "now"})),
        "/id: this cannot be changed"
    );
}

#[test]
fn a_number_is_shown_as_one_when_nothing_is_lost() {
    let check = |text: &str, expected: Value| assert_eq!(typed(Kind::Number, &json!(text)), expected);
    check("1", json!(1));
    check("-0.10", json!(-0.1));
    check("1.50e3", json!(1500.0));
    check("0.000", json!(0.0));
    check("9007199254740993", json!(9_007_199_254_740_993_i64));
    check(
        "0.1000000000000000055511151231257827",
        json!("0.1000000000000000055511151231257827"),
    );
    check("12345678901234567890.5", json!("12345678901234567890.5"));
    check("1e400", json!("1e400"));
    check("NaN", json!("NaN"));
}
