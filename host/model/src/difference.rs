//! The difference between two objects, as the patch that makes the one of the other.

use host_resource::Pointer;
use serde_json::{Map, Value, json};

/// The operations of a patch that makes `after` of `before`. Objects are compared member by member, everything else as a
/// whole. `_id` and `_rev` at the top do not count.
pub fn difference(before: &Value, after: &Value) -> Vec<Value> {
    let empty = Map::new();
    let (before, after) = (
        before.as_object().unwrap_or(&empty),
        after.as_object().unwrap_or(&empty),
    );
    let mut operations = Vec::new();
    compare(&Pointer::root(), before, after, &mut operations);
    operations
}

/// Whether two objects are the same but for `_id` and `_rev`.
pub fn is_same(before: &Value, after: &Value) -> bool {
    let (Some(before), Some(after)) = (before.as_object(), after.as_object()) else {
        return before == after;
    };
    let count = |members: &Map<String, Value>| members.keys().filter(|name| !is_name(name)).count();
    count(before) == count(after)
        && before
            .iter()
            .filter(|(name, _)| !is_name(name))
            .all(|(name, value)| after.get(name) == Some(value))
}

fn is_name(name: &str) -> bool {
    matches!(name, "_id" | "_rev")
}

fn compare(at: &Pointer, before: &Map<String, Value>, after: &Map<String, Value>, operations: &mut Vec<Value>) {
    let is_left_out = |name: &str| at.is_root() && is_name(name);
    for (name, value) in after {
        if is_left_out(name) {
            continue;
        }
        let field = at.child(name);
        match (before.get(name), value) {
            (None, value) if !value.is_null() => {
                operations.push(json!({"operation": "add", "field": field.to_string(), "value": value}));
            }
            (Some(Value::Object(old)), Value::Object(new)) => compare(&field, old, new, operations),
            (Some(old), new) if old == new => {}
            // What a patch adds cannot be null.
            (_, new) => {
                operations.push(json!({"operation": "replace", "field": field.to_string(), "value": new}));
            }
        }
    }
    for name in before.keys() {
        if !after.contains_key(name) && !is_left_out(name) {
            operations.push(json!({"operation": "remove", "field": at.child(name).to_string()}));
        }
    }
}

#[cfg(test)]
mod tests {
    use host_resource::patch::{self, PatchOperation};

    use super::*;

    #[test]
    fn a_member_that_becomes_null_is_a_difference() {
        let found = difference(&json!({}), &json!({"a": null}));
        assert_eq!(found, [json!({"operation": "replace", "field": "/a", "value": null})]);
        assert!(!is_same(&json!({}), &json!({"a": null})));
    }

    #[test]
    fn a_difference_is_a_patch_that_makes_the_one_of_the_other() {
        let check = |before: Value, after: Value, fields: &[&str]| {
            let operations = difference(&before, &after);
            let named: Vec<&str> = operations.iter().filter_map(|one| one["field"].as_str()).collect();
            assert_eq!(named, fields, "{before} {after}");
            assert_eq!(is_same(&before, &after), fields.is_empty());
            let mut patched = before;
            patch::apply(&PatchOperation::parse_all(&operations.into()).unwrap(), &mut patched).unwrap();
            assert!(is_same(&patched, &after), "{patched} {after}");
        };
        check(json!({"a": 1}), json!({"a": 1}), &[]);
        check(
            json!({"_id": "x", "_rev": "1", "a": 1}),
            json!({"a": 1, "_rev": "2"}),
            &[],
        );
        check(json!({"a": 1, "b": 2}), json!({"b": 3, "c": 4}), &["/b", "/c", "/a"]);
        check(
            json!({"n": {"a": 1, "b": [1]}}),
            json!({"n": {"a": 1, "b": [1, 2]}}),
            &["/n/b"],
        );
        check(json!({"n": {"a": 1}}), json!({"n": [1]}), &["/n"]);
        check(json!({"n": {"a/b": 1}}), json!({"n": {}}), &["/n/a%2Fb"]);
    }
}
