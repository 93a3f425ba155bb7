//! `managed.json`: what is not understood is refused with its place, before anything is served.

use host_server::config::Config;
use serde_json::{Value, json};

#[track_caller]
fn refuses(user: Value, place: &str, words: &str) {
    let folder = tempfile::tempdir().unwrap();
    let mut object = json!({"name": "user"});
    let members = object.as_object_mut().unwrap();
    members.extend(user.as_object().unwrap().clone());
    let file = folder.path().join("managed.json");
    std::fs::write(&file, json!({"objects": [object]}).to_string()).unwrap();
    let refused = Config::read(folder.path()).unwrap_err().to_string();
    let expected = format!("{}: /objects/0{place}", file.display());
    assert!(
        refused.starts_with(&expected) && refused.contains(words),
        "{user}: {refused}"
    );
}

fn property(property: Value) -> Value {
    json!({"schema": {"properties": {"p": property}}})
}

#[test]
fn a_schema_that_is_not_understood_is_refused() {
    let refuses_property = |value: Value, place: &str, words: &str| {
        refuses(property(value), &format!("/schema/properties/p{place}"), words);
    };
    refuses(json!({"schema": []}), "/schema", "an object is expected");
    refuses(
        json!({"schema": {"propertys": {}}}),
        "/schema/propertys",
        "did you mean 'properties'?",
    );
    refuses(json!({"schema": {"type": "array"}}), "/schema/type", "'object'");
    refuses(
        json!({"schema": {"required": ["x"]}}),
        "/schema/required/0",
        "no property 'x'",
    );
    refuses(
        json!({"schema": {"order": ["x"]}}),
        "/schema/order/0",
        "no property 'x'",
    );
    refuses(
        json!({"schema": {"properties": {"_id": {}}}}),
        "/schema/properties/_id",
        "does not start with '_'",
    );
    refuses_property(json!("string"), "", "an object is expected");
    refuses_property(json!({"typ": "string"}), "/typ", "did you mean 'type'?");
    refuses_property(json!({"type": "text"}), "/type", "a type is one of");
    refuses_property(json!({"type": ["string", "x"]}), "/type/1", "a type is one of");
    refuses_property(
        json!({"type": "string", "properties": {}}),
        "/properties",
        "for a property of type object",
    );
    refuses_property(
        json!({"type": "string", "items": {}}),
        "/items",
        "for a property of type array",
    );
    refuses_property(json!({"minLength": -1}), "/minLength", "a whole number");
    refuses_property(json!({"minimum": "1"}), "/minimum", "a number is expected");
    refuses_property(json!({"pattern": "("}), "/pattern", "the pattern cannot be used");
    refuses_property(json!({"pattern": "(?=a)"}), "/pattern", "the pattern cannot be used");
    refuses_property(json!({"enum": []}), "/enum", "at least one value");
    refuses_property(json!({"scope": "secret"}), "/scope", "'public' or 'private'");
    refuses_property(json!({"type": "string", "default": 1}), "/default", "VALID_TYPE");
    refuses_property(json!({"policies": {}}), "/policies", "a list is expected");
    refuses_property(
        json!({"policies": [{"policyId": "mapping-exists"}]}),
        "/policies/0/policyId",
        "there is no policy",
    );
    refuses_property(
        json!({"policies": [{"policyId": "valid-type"}]}),
        "/policies/0/policyId",
        "write the types there",
    );
    let inside = json!({"type": "array", "items": {"type": "object", "properties": {"x": {"scope": "private"}}}});
    refuses_property(inside, "/items", "what is inside of an array");
    refuses_property(
        json!({"isVirtual": true, "onStore": {"type": "text/javascript", "source": "1"}}),
        "/isVirtual",
        "not stored",
    );
    refuses_property(json!({"unique": true, "isVirtual": true}), "", "cannot be unique");
    refuses_property(json!({"unique": true, "encryption": {}}), "", "cannot be unique");
}

#[test]
fn a_relationship_that_is_not_understood_is_refused() {
    let refuses_property = |more: Value, place: &str, words: &str| {
        let mut value = json!({"type": "relationship"});
        value.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        refuses(property(value), &format!("/schema/properties/p{place}"), words);
    };
    refuses_property(json!({"minLength": 1}), "/minLength", "");
    refuses_property(
        json!({"policies": [{"policyId": "required"}]}),
        "/policies",
        "no policies",
    );
    refuses_property(json!({"notifySelf": true}), "/notifySelf", "triggerSyncCheck");
    refuses_property(json!({"scope": "secret"}), "/scope", "'public' or 'private'");
    refuses_property(
        json!({"reverseRelationship": true}),
        "/reversePropertyName",
        "'reversePropertyName' is required",
    );
    refuses_property(
        json!({"reversePropertyName": "q"}),
        "/reversePropertyName",
        "needs 'reverseRelationship': true",
    );
    refuses_property(
        json!({"reverseRelationship": true, "reversePropertyName": "q"}),
        "/resourceCollection",
        "is required",
    );
    let to = |path: &str| json!([{ "path": path }]);
    refuses_property(
        json!({"resourceCollection": to("internal/role")}),
        "/resourceCollection/0/path",
        "lead to managed objects",
    );
    refuses_property(
        json!({"resourceCollection": to("managed/user"), "reverseRelationship": true, "reversePropertyName": "q"}),
        "/reversePropertyName",
        "no relationship 'q' that leads back",
    );
    refuses_property(
        json!({"properties": {"_refProperties": {"type": "object", "properties": {"x": {"scope": "private"}}}}}),
        "/properties/_refProperties",
        "what is inside",
    );
    let inside = property(json!({"type": "object", "properties": {"q": {"type": "relationship"}}}));
    refuses(
        inside,
        "/schema/properties/p/properties/q",
        "a property of the object itself",
    );
    let list = property(json!({"type": "string", "items": {"type": "relationship"}}));
    refuses(list, "/schema/properties/p/type", "of type 'array'");
    let mut required = property(json!({"type": "relationship"}));
    required["schema"]["required"] = json!(["p"]);
    refuses(required, "/schema/required/0", "cannot be required");
}

#[test]
fn a_protection_that_protects_nothing_is_refused() {
    let refuses_property = |value: Value, place: &str, words: &str| {
        refuses(property(value), &format!("/schema/properties/p{place}"), words);
    };
    refuses_property(
        json!({"encryption": {"cipher": "AES/CBC/PKCS5Padding"}}),
        "/encryption/cipher",
        "AES/GCM/NoPadding",
    );
    refuses_property(
        json!({"encryption": {"purpose": "a", "key": "b"}}),
        "/encryption/purpose",
        "not by both",
    );
    refuses_property(json!({"encryption": {"iv": "x"}}), "/encryption/iv", "unknown property");
    refuses_property(json!({"secureHash": {}}), "/secureHash/algorithm", "is required");
    refuses_property(
        json!({"secureHash": {"algorithm": "MD5"}}),
        "/secureHash/algorithm",
        "has been broken",
    );
    refuses_property(
        json!({"secureHash": {"algorithm": "SHA-1"}}),
        "/secureHash/algorithm",
        "has been broken",
    );
    refuses_property(
        json!({"secureHash": {"algorithm": "ROT13"}}),
        "/secureHash/algorithm",
        "there is no hash algorithm",
    );
    let few = json!({"secureHash": {"algorithm": "PBKDF2", "config": {"iterations": 1}}});
    refuses_property(few, "/secureHash/config/iterations", "from 10000");
    refuses_property(
        json!({"encryption": {}, "secureHash": {"algorithm": "SHA-256"}}),
        "/secureHash",
        "not both",
    );
}

#[test]
fn a_hook_or_an_action_that_is_not_understood_is_refused() {
    refuses(json!({"onCraete": {}}), "/onCraete", "is not known");
    refuses(json!({"onResponse": {}}), "/onResponse", "changed by `onRead`");
    refuses(json!({"onCreate": "x"}), "/onCreate", "an object is expected");
    refuses(
        json!({"onCreate": {"type": "groovy", "source": "x"}}),
        "/onCreate/type",
        "Java platform",
    );
    refuses(json!({"actions": []}), "/actions", "an object is expected");
    refuses(
        json!({"actions": {"patch": {}}}),
        "/actions/patch",
        "an action of this name already",
    );
    refuses(
        json!({"actions": {"a": {"type": "text/javascript"}}}),
        "/actions/a",
        "exactly one of",
    );
    refuses(
        property(json!({"onRetrieve": {"source": "1"}})),
        "/schema/properties/p/onRetrieve/type",
        "is required",
    );
}
