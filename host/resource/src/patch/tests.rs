//! Patches: tables of what each operation does, and properties that hold for all of them.

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::json;

use super::*;

/// Calls `check` with both sides of each row `left => right`.
fn rows(table: &str, check: impl Fn(Value, &str)) {
    for row in table
        .lines()
        .map(str::trim)
        .filter(|row| !row.is_empty() && !row.starts_with('#'))
    {
        let (left, right) = row.split_once(" => ").unwrap();
        check(serde_json::from_str(left).unwrap(), right);
    }
}

fn patched(before: &Value, patch: &Value) -> Result<(Value, bool), PatchError> {
    let mut target = before.clone();
    let operations = PatchOperation::parse_all(patch);
    match operations.and_then(|operations| apply(&operations, &mut target)) {
        Ok(is_changed) => Ok((target, is_changed)),
        Err(error) => {
            assert_eq!(target.to_string(), before.to_string(), "{patch}");
            Err(error)
        }
    }
}

/// An operation, and the members that are different afterwards.
const EFFECTS: &str = r#"
    # add, and replace, which does the same
    {"operation": "add", "field": "/new", "value": 1} => {"new": 1}
    {"operation": "add", "field": "new/a/b", "value": 1} => {"new": {"a": {"b": 1}}}
    {"operation": "ADD", "field": "/s", "value": "y"} => {"s": "y"}
    {"operation": "add", "field": "/s", "value": "x"} => {}
    {"operation": "add", "field": "/o", "value": 1} => {"o": 1}
    {"operation": "add", "field": "/l", "value": ["z"]} => {"l": ["z"]}
    {"operation": "add", "field": "/l/-", "value": "z"} => {"l": [1, "a", 1, "z"]}
    {"operation": "add", "field": "/o/-", "value": "z"} => {"o": {"p": 1, "-": "z"}}
    {"operation": "add", "field": "/o/0", "value": "z"} => {"o": {"p": 1, "0": "z"}}
    {"operation": "add", "field": "/missing/-", "value": "z"} => {"missing": ["z"]}
    {"operation": "add", "field": "/nil/x", "value": "z"} => {"nil": {"x": "z"}}
    {"operation": "add", "field": "/nil", "value": false} => {"nil": false}
    {"operation": "replace", "field": "/new", "value": 1} => {"new": 1}
    {"operation": "replace", "field": "new/a/b", "value": 1} => {"new": {"a": {"b": 1}}}
    {"operation": "Replace", "field": "/s", "value": "y"} => {"s": "y"}
    {"operation": "replace", "field": "/s", "value": "x"} => {}
    {"operation": "replace", "field": "/o", "value": 1} => {"o": 1}
    {"operation": "replace", "field": "/l", "value": ["z"]} => {"l": ["z"]}
    {"operation": "replace", "field": "/l/-", "value": "z"} => {"l": [1, "a", 1, "z"]}
    {"operation": "replace", "field": "/o/-", "value": "z"} => {"o": {"p": 1, "-": "z"}}
    {"operation": "replace", "field": "/o/0", "value": "z"} => {"o": {"p": 1, "0": "z"}}
    {"operation": "replace", "field": "/missing/-", "value": "z"} => {"missing": ["z"]}
    {"operation": "replace", "field": "/nil/x", "value": "z"} => {"nil": {"x": "z"}}
    {"operation": "replace", "field": "/nil", "value": false} => {"nil": false}
    # remove
    {"operation": "remove", "field": "/s"} => {"s": "gone"}
    {"operation": "remove", "field": "/s", "value": null} => {"s": "gone"}
    {"operation": "remove", "field": "/o/p"} => {"o": {}}
    {"operation": "remove", "field": "/nil"} => {"nil": "gone"}
    {"operation": "remove", "field": "/absent/x"} => {}
    {"operation": "remove", "field": "/s", "value": "x"} => {"s": "gone"}
    {"operation": "remove", "field": "/s", "value": "y"} => {}
    {"operation": "remove", "field": "/l", "value": 1} => {"l": ["a"]}
    {"operation": "remove", "field": "/l", "value": 2} => {}
    {"operation": "remove", "field": "/l", "value": [1, "a", 1]} => {"l": "gone"}
    {"operation": "remove", "field": "/absent", "value": 1} => {}
    {"operation": "remove", "field": "/l/-"} => {}
    # increment keeps the type
    {"operation": "increment", "field": "/n", "value": 2} => {"n": 7}
    {"operation": "increment", "field": "/n", "value": -7} => {"n": -2}
    {"operation": "increment", "field": "/n", "value": 0.5} => {}
    {"operation": "increment", "field": "/n", "value": 1.7} => {"n": 6}
    {"operation": "increment", "field": "/d", "value": 1} => {"d": 2.5}
    {"operation": "increment", "field": "/d", "value": -0.5} => {"d": 1.0}
    {"operation": "increment", "field": "/nums", "value": 1} => {"nums": [2, 3.5]}
    {"operation": "increment", "field": "/e", "value": 1} => {}
    # copy and move
    {"operation": "copy", "from": "/s", "field": "/t"} => {"t": "x"}
    {"operation": "copy", "from": "/o", "field": "/o/q/r"} => {"o": {"p": 1, "q": {"r": {"p": 1}}}}
    {"operation": "copy", "from": "/s", "field": "/nil"} => {"nil": "x"}
    {"operation": "copy", "from": "/s", "field": "/l/-"} => {"l": [1, "a", 1, "x"]}
    {"operation": "copy", "from": "/absent", "field": "/t"} => {}
    {"operation": "copy", "from": "/absent", "field": "/s"} => {}
    {"operation": "copy", "from": "/nil", "field": "/t"} => {}
    {"operation": "move", "from": "/s", "field": "/t"} => {"s": "gone", "t": "x"}
    {"operation": "move", "from": "/o/p", "field": "/q/r"} => {"o": {}, "q": {"r": 1}}
    {"operation": "move", "from": "/absent", "field": "/t"} => {}
    {"operation": "move", "from": "s", "field": "/l/-"} => {"s": "gone", "l": [1, "a", 1, "x"]}
"#;

#[test]
fn the_table_of_operations() {
    let before =
        json!({"s": "x", "n": 5, "d": 1.5, "nil": null, "o": {"p": 1}, "l": [1, "a", 1], "nums": [1, 2.5], "e": []});
    rows(EFFECTS, |operation, different| {
        let (after, is_changed) = patched(&before, &json!([operation])).unwrap();
        let mut expected = before.clone();
        for (name, value) in serde_json::from_str::<serde_json::Map<_, _>>(different).unwrap() {
            if value == "gone" {
                expected.as_object_mut().unwrap().shift_remove(&name);
            } else {
                expected[name] = value;
            }
        }
        assert_eq!((is_changed, after), (before != expected, expected), "{operation}");
    });
}

/// An operation, and why it is refused.
const REFUSALS: &str = r#"
    {"operation": "add", "field": "/l/0", "value": 1} => Position-based operation is not allowed: /l/0
    {"operation": "replace", "field": "/l/1", "value": 1} => Position-based operation is not allowed: /l/1
    {"operation": "replace", "field": "/l/12", "value": 1} => Position-based operation is not allowed: /l/12
    {"operation": "remove", "field": "/l/0"} => Position-based operation is not allowed: /l/0
    {"operation": "remove", "field": "/ll/0/0"} => Position-based operation is not allowed: /ll/0/0
    {"operation": "increment", "field": "/l/0", "value": 1} => Position-based operation is not allowed: /l/0
    {"operation": "move", "from": "/l/0", "field": "/t"} => Position-based operation is not allowed: /l/0
    {"operation": "copy", "from": "/l/0", "field": "/t"} => Position-based operation is not allowed: /l/0
    {"operation": "copy", "from": "/n", "field": "/l/2"} => Position-based operation is not allowed: /l/2
    {"operation": "add", "field": "/n/x", "value": 1} => /n: Expecting a Map or List
    {"operation": "add", "field": "/o/p/x", "value": 1} => /o/p: Expecting a Map or List
    {"operation": "add", "field": "/l/x", "value": 1} => List index out of range: -1
    {"operation": "add", "field": "/l/5/x", "value": 1} => List index out of range: 5
    {"operation": "add", "field": "/missing/0", "value": 1} => /: Expecting a value
    {"operation": "increment", "field": "/absent", "value": 1} => The field '/absent' does not exist
    {"operation": "increment", "field": "/nil", "value": 1} => The field '/nil' does not exist
    {"operation": "increment", "field": "/o", "value": 1} => The field '/o' is not a number
    {"operation": "increment", "field": "/l", "value": 1} => The field '/l' is not a number
    {"operation": "increment", "field": "/max", "value": 1} => the field '/max' would become too large a number
    {"operation": "increment", "field": "/n", "value": 1e300} => the field '/n' would become too large a number
    {"operation": "increment", "field": "/d", "value": 1.7e308} => the field '/d' would become too large a number
    {"operation": "copy", "from": "/n", "field": "/o"} => the field '/o' exists already
    {"operation": "move", "from": "/n", "field": "/n"} => the field '/n' exists already
    {"operation": "move", "from": "/o", "field": "/o/q"} => the field '/o' cannot be moved into itself
    {"operation": "move", "from": "/o", "field": "/n/x"} => /n: Expecting a Map or List
    {"operation": "replace", "field": "/_id", "value": "y"} => the field '/_id' cannot be patched
    {"operation": "remove", "field": "_rev"} => the field '/_rev' cannot be patched
    {"operation": "move", "from": "/_id", "field": "/x"} => the field '/_id' cannot be patched
    {"operation": "add", "field": "/_id/x", "value": 1} => the field '/_id/x' cannot be patched
    {"operation": "replace", "field": "/", "value": 1} => the whole object can only be added or replaced, by an object: name a field
    {"operation": "remove", "field": ""} => the whole object can only be added or replaced, by an object: name a field
    {"operation": "transform", "field": "/n", "value": {"script": {"source": "1"}}} => transform needs a script runner, and there is none here
"#;

#[test]
fn what_is_refused_changes_nothing() {
    let before = json!({
        "s": "x", "n": 5, "max": u64::MAX, "d": 1e308, "nil": null, "o": {"p": 1}, "l": [1, "a"], "ll": [[1], {"x": 1}],
    });
    rows(REFUSALS, |operation, expected| {
        // The changes before it are taken back.
        let patch = json!([
            {"operation": "remove", "field": "/s"}, {"operation": "add", "field": "/fresh", "value": 1},
            {"operation": "replace", "field": "/o/p", "value": 2}, operation,
        ]);
        assert_eq!(
            patched(&before, &patch).unwrap_err().to_string(),
            expected,
            "{operation}"
        );
    });
}

/// A patch, and why it is none.
const FORMS: &str = r#"
    {} => /: a patch is an array of operations
    [1] => /0: an operation is an object with `operation` and `field`
    [{}] => /0/operation: write one of add, remove, replace, increment, move, copy, transform
    [{"operation": "put", "field": "/a"}] => /0/operation: write one of add, remove, replace, increment, move, copy, transform
    [{"operation": 1, "field": "/a"}] => /0/operation: write a string
    [{"operation": "remove"}] => /0/field: write the field to change, such as `/name`
    [{"operation": "remove", "field": 1}] => /0/field: write a string
    [{"operation": "remove", "field": "%%%"}] => /0/field: the pointer `%%%` has a `%` without two hexadecimal digits: write `%25` for a percent sign
    [{"operation": "remove", "field": "/a"}, {"operation": "remove", "path": "/a"}] => /1/path: an operation has `operation`, `field`, `value` and `from` only
    [{"operation": "add", "field": "/a"}] => /0/value: `add` needs `value`, and not null
    [{"operation": "add", "field": "/a", "value": null}] => /0/value: `add` needs `value`, and not null
    [{"operation": "replace", "field": "/a"}] => /0/value: `replace` needs `value`, and not null
    [{"operation": "increment", "field": "/a"}] => /0/value: `increment` needs `value`, and not null
    [{"operation": "increment", "field": "/a", "value": "1"}] => /0/value: `increment` needs a number
    [{"operation": "move", "field": "/a"}] => /0/from: `move` needs `from`, and not null
    [{"operation": "copy", "field": "/a", "from": null}] => /0/from: `copy` needs `from`, and not null
    [{"operation": "copy", "field": "/a", "from": "/b", "value": 1}] => /0/value: `copy` has no `value`
    [{"operation": "add", "field": "/a", "value": 1, "from": "/b"}] => /0/from: `add` has no `from`
    [{"operation": "remove", "field": "/a", "from": "/b"}] => /0/from: `remove` has no `from`
    [{"operation": "transform", "field": "/a"}] => Expecting a script member
    [{"operation": "transform", "field": "/a", "value": 1}] => Expecting a script member
    [{"operation": "transform", "field": "/a", "value": {"script": null}}] => Expecting a script member
"#;

#[test]
fn a_patch_that_is_not_written_as_one_is_refused() {
    let check = |patch: Value, expected: &str| {
        assert_eq!(
            PatchOperation::parse_all(&patch).unwrap_err().to_string(),
            expected,
            "{patch}"
        );
    };
    rows(FORMS, check);
    let many = vec![json!({"operation": "remove", "field": "/a"}); MAX_OPERATIONS + 1];
    check(Value::from(many), "/: a patch has at most 1000 operations");
}

#[test]
fn operations_apply_in_order_to_one_copy() {
    let check = |patch: Value, expected: Value, expected_change: bool| {
        let before = json!({"a": 1, "b": 2});
        assert_eq!(patched(&before, &patch), Ok((expected, expected_change)), "{patch}");
    };
    check(json!([]), json!({"a": 1, "b": 2}), false);
    check(
        json!([{"operation": "move", "from": "/a", "field": "/c"}, {"operation": "increment", "field": "/c", "value": 1}]),
        json!({"b": 2, "c": 2}),
        true,
    );
    check(
        json!([{"operation": "remove", "field": "/a"}, {"operation": "add", "field": "/a", "value": 1}]),
        json!({"a": 1, "b": 2}),
        false,
    );
    check(
        json!([{"operation": "replace", "field": "/", "value": {"c": 3, "_id": "forged"}}]),
        json!({"c": 3}),
        true,
    );
}

#[test]
fn replacing_the_whole_object_keeps_its_identity() {
    let before = json!({"_id": "x", "_rev": "1", "a": 1});
    let patch = json!([{"operation": "replace", "field": "", "value": {"b": 2, "_id": "forged"}}]);
    let (after, _) = patched(&before, &patch).unwrap();
    assert_eq!(after.to_string(), r#"{"_id":"x","_rev":"1","b":2}"#);
}

#[test]
fn what_the_script_of_a_transform_answers_is_written() {
    let check = |field: &str, result: Value, expected: Value| {
        let patch = json!([{"operation": "transform", "field": field, "value": {"script": {"source": "?"}}}]);
        let operations = PatchOperation::parse_all(&patch).unwrap();
        assert_eq!(operations[0].script().unwrap(), &json!({"source": "?"}));
        let mut target = json!({"a": 4, "b": 1});
        apply(&[operations[0].with_result(result)], &mut target).unwrap();
        assert_eq!(target, expected, "{patch}");
    };
    check("/a", json!(8), json!({"a": 8, "b": 1}));
    check("/a", json!(null), json!({"b": 1}));
    check("/absent", json!(null), json!({"a": 4, "b": 1}));
    check(
        "/absent/x",
        json!(false),
        json!({"a": 4, "b": 1, "absent": {"x": false}}),
    );
    let error = PatchError::script(&json!({"source": "?"}), "it has no meaning");
    assert_eq!(
        error.to_string(),
        r#"Failed to eval script {"source":"?"}: it has no meaning"#
    );
}

#[test]
fn an_operation_made_by_hand_is_checked_too() {
    let field = Pointer::parse("/a").unwrap();
    let operation = PatchOperation {
        operation: Op::Add,
        field,
        value: None,
        from: None,
    };
    assert_eq!(
        apply(&[operation], &mut json!({})).unwrap_err().to_string(),
        "/0/value: `add` needs `value`, and not null"
    );
}

fn operation() -> impl Strategy<Value = PatchOperation> {
    let pointer = || {
        prop::collection::vec(select(vec!["a", "b", "c", "0", "1", "-", "_id"]), 0..4).prop_map(Pointer::from_elements)
    };
    let kind = select(vec![
        Op::Add,
        Op::Remove,
        Op::Replace,
        Op::Increment,
        Op::Move,
        Op::Copy,
    ]);
    let value = select(vec![json!(1), json!("a"), json!({"a": 1}), json!([1])]);
    (kind, pointer(), value, pointer()).prop_map(|(operation, field, value, from)| match operation {
        Op::Move | Op::Copy => PatchOperation {
            operation,
            field,
            value: None,
            from: Some(from),
        },
        Op::Increment => PatchOperation {
            operation,
            field,
            value: Some(json!(1)),
            from: None,
        },
        _ => PatchOperation {
            operation,
            field,
            value: Some(value),
            from: None,
        },
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn a_patch_is_all_or_nothing(
        operations in prop::collection::vec(operation(), 0..5), before in crate::filter::strategy::document(),
    ) {
        let mut target = before.clone();
        match apply(&operations, &mut target) {
            Ok(is_changed) => prop_assert_eq!(is_changed, target != before),
            Err(_) => prop_assert_eq!(target.to_string(), before.to_string()),
        }
        prop_assert!(target.is_object());
    }
}

#[test]
fn copies_of_copies_end_at_the_limit_and_leave_the_object() {
    let mut operations = vec![json!({"operation": "add", "field": "/a0", "value": "x".repeat(1024)})];
    for step in 1..40 {
        // Each object holds the one before twice.
        for side in ["l", "r"] {
            let from = format!("/a{}", step - 1);
            operations.push(json!({"operation": "copy", "from": from, "field": format!("/a{step}/{side}")}));
        }
    }
    let refused = patched(&json!({"n": 1}), &Value::from(operations)).unwrap_err();
    assert_eq!(refused, PatchError::Large(4 * 1024 * 1024));
}

#[test]
fn moves_into_each_other_end_at_the_limit() {
    let rounds = |count: usize| {
        let round = |step: usize| {
            let (from, to) = if step.is_multiple_of(2) { ("a", "b") } else { ("b", "a") };
            let to = format!("/{to}{}", "/x".repeat(20));
            json!({"operation": "move", "from": format!("/{from}"), "field": to})
        };
        Value::from((0..count).map(round).collect::<Vec<_>>())
    };
    assert!(patched(&json!({"a": 1}), &rounds(4)).is_ok());
    let refused = patched(&json!({"a": 1}), &rounds(5)).unwrap_err();
    assert!(matches!(refused, PatchError::Deep(_, 100)), "{refused}");
}

#[test]
fn a_field_that_is_written_again_and_again_does_not_add_up() {
    let replace =
        |step: usize| json!({"operation": "replace", "field": "/a", "value": format!("{step}{}", "x".repeat(100_000))});
    let operations = Value::from((0..100).map(replace).collect::<Vec<_>>());
    assert!(patched(&json!({"a": 1}), &operations).unwrap().1);
}
