//! What a change did, told as a patch.

use serde_json::Value;

use super::{Op, PatchOperation};
use crate::pointer::Pointer;

/// The operations that make the second object of the first one. Objects are compared member by member; anything else
/// that differs is replaced as a whole.
pub fn difference(before: &Value, after: &Value) -> Vec<PatchOperation> {
    let mut operations = Vec::new();
    compare(&Pointer::root(), before, after, &mut operations);
    operations
}

fn compare(at: &Pointer, before: &Value, after: &Value, operations: &mut Vec<PatchOperation>) {
    if before == after {
        return;
    }
    let (Value::Object(old), Value::Object(new)) = (before, after) else {
        operations.push(operation(Op::Replace, at.clone(), Some(after.clone())));
        return;
    };
    for (name, before) in old {
        let place = at.child(name);
        match new.get(name) {
            Some(after) => compare(&place, before, after, operations),
            None => operations.push(operation(Op::Remove, place, None)),
        }
    }
    for (name, after) in new {
        if !old.contains_key(name) {
            operations.push(operation(Op::Add, at.child(name), Some(after.clone())));
        }
    }
}

fn operation(operation: Op, field: Pointer, value: Option<Value>) -> PatchOperation {
    PatchOperation {
        operation,
        field,
        value,
        from: None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::patch::apply;

    #[test]
    fn a_difference_names_the_smallest_members_that_differ() {
        let before = json!({"a": 1, "b": {"c": 1, "d": [1, 2]}, "e": null});
        let after = json!({"a": 1, "b": {"c": 2, "d": [1]}, "f": true});
        let told: Vec<(Op, String, Option<Value>)> = difference(&before, &after)
            .into_iter()
            .map(|operation| (operation.operation, operation.field.to_string(), operation.value))
            .collect();
        assert_eq!(
            told,
            [
                (Op::Replace, "/b/c".to_owned(), Some(json!(2))),
                (Op::Replace, "/b/d".to_owned(), Some(json!([1]))),
                (Op::Remove, "/e".to_owned(), None),
                (Op::Add, "/f".to_owned(), Some(json!(true))),
            ]
        );
        assert!(difference(&after, &after).is_empty());
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            "[a-z]{0,3}".prop_map(Value::from)
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
                prop::collection::btree_map("[a-d/%]{1,2}", inner, 0..4)
                    .prop_map(|members| members.into_iter().collect()),
            ]
        })
    }

    proptest! {
        #[test]
        fn a_difference_makes_one_of_the_other(
            before in prop::collection::btree_map("[a-d]", value(), 0..4),
            after in prop::collection::btree_map("[a-d]", value(), 0..4),
        ) {
            let (mut before, after): (Value, Value) = (before.into_iter().collect(), after.into_iter().collect());
            let operations = difference(&before, &after);
            apply(&operations, &mut before).unwrap();
            prop_assert_eq!(before, after);
        }
    }
}
