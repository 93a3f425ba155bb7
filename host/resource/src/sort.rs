//! In which order a query answers: the `_sortKeys` parameter.

use std::cmp::Ordering;
use std::fmt;

use serde_json::Value;

use crate::filter::fold;
use crate::pointer::{Pointer, PointerError};

/// More keys than this are refused.
pub const MAX_KEYS: usize = 16;

/// One key of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SortKey {
    /// Where the value is.
    pub pointer: Pointer,
    /// Whether the greatest comes first.
    pub descending: bool,
}

/// Where objects go that lack a value; null counts as lacking. Resources differ in this (behaviour 1.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MissingOrder {
    /// First when ascending, last when descending, as schedules have it.
    FirstAscending,
    /// Always last.
    Last,
}

/// Why a text is no list of sort keys.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SortError {
    /// Nothing between two commas, or nothing but a sign.
    #[error("sort key {number} is empty: write a field such as `name` or `-name`")]
    Empty {
        /// Counted from one.
        number: usize,
    },
    /// A pointer that is none.
    #[error("sort key {number} is not a field")]
    Pointer {
        /// Counted from one.
        number: usize,
        /// What is wrong with it.
        source: PointerError,
    },
    /// More than [`MAX_KEYS`].
    #[error("there are more than {MAX_KEYS} sort keys")]
    Many,
}

impl SortKey {
    /// Parses `name,-age,+/address/city`. A blank before a field is a `+` that was not encoded in the URL.
    pub fn parse_list(text: &str) -> Result<Vec<Self>, SortError> {
        let mut keys = Vec::new();
        for (position, item) in text.split(',').enumerate() {
            let number = position + 1;
            if number > MAX_KEYS {
                return Err(SortError::Many);
            }
            let field = item.strip_prefix(['+', '-', ' ']).unwrap_or(item);
            let pointer = Pointer::parse(field).map_err(|source| SortError::Pointer { number, source })?;
            if pointer.is_root() {
                return Err(SortError::Empty { number });
            }
            keys.push(Self {
                pointer,
                descending: item.starts_with('-'),
            });
        }
        Ok(keys)
    }
}

impl fmt::Display for SortKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", if self.descending { '-' } else { '+' }, self.pointer)
    }
}

/// The order of two objects by the first key that tells them apart.
pub fn compare(keys: &[SortKey], missing: MissingOrder, left: &Value, right: &Value) -> Ordering {
    keys.iter()
        .map(|key| compare_key(key, missing, left, right))
        .find(|order| order.is_ne())
        .unwrap_or(Ordering::Equal)
}

fn compare_key(key: &SortKey, missing: MissingOrder, left: &Value, right: &Value) -> Ordering {
    let of = |object| key.pointer.get(object).filter(|value| !Value::is_null(value));
    let directed = |order: Ordering| if key.descending { order.reverse() } else { order };
    match (of(left), of(right)) {
        (Some(left), Some(right)) => directed(compare_values(left, right)),
        (None, None) => Ordering::Equal,
        (None, Some(_)) => match missing {
            MissingOrder::FirstAscending => directed(Ordering::Less),
            MissingOrder::Last => Ordering::Greater,
        },
        (Some(_), None) => match missing {
            MissingOrder::FirstAscending => directed(Ordering::Greater),
            MissingOrder::Last => Ordering::Less,
        },
    }
}

/// Texts without regard to case, numbers as doubles, false before true; values of different types by the type's name.
/// Arrays are equal to each other and so are objects: nothing orders them.
fn compare_values(left: &Value, right: &Value) -> Ordering {
    match (left, right) {
        (Value::String(left), Value::String(right)) => fold::compare(left, right),
        (Value::Number(left), Value::Number(right)) => {
            left.as_f64().partial_cmp(&right.as_f64()).unwrap_or(Ordering::Equal)
        }
        (Value::Bool(left), Value::Bool(right)) => left.cmp(right),
        (left, right) => type_name(left).cmp(type_name(right)),
    }
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Array(_) => "array",
        Value::Bool(_) => "boolean",
        Value::Null => "null",
        Value::Number(_) => "number",
        Value::Object(_) => "object",
        Value::String(_) => "string",
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::filter::strategy::document;

    #[test]
    fn keys_have_a_sign_or_none() {
        let check = |text: &str, expected: &str| {
            let keys = SortKey::parse_list(text).unwrap();
            assert_eq!(
                keys.iter().map(SortKey::to_string).collect::<Vec<_>>().join(","),
                expected,
                "{text}"
            );
        };
        check("name", "+/name");
        check("+name", "+/name");
        check("-name", "-/name");
        check(" name", "+/name");
        check("/name/given,-/age, x", "+/name/given,-/age,+/x");
        check("--a", "-/-a");
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let check = |text: &str, expected: &str| {
            assert_eq!(SortKey::parse_list(text).unwrap_err().to_string(), expected, "{text}");
        };
        let empty = |number| format!("sort key {number} is empty: write a field such as `name` or `-name`");
        check("", &empty(1));
        check("a,", &empty(2));
        check("a,,b", &empty(2));
        check("+", &empty(1));
        check("a,-", &empty(2));
        check("/", &empty(1));
        check("a,%%%", "sort key 2 is not a field");
        check(&["a"; MAX_KEYS + 1].join(","), "there are more than 16 sort keys");
    }

    #[test]
    fn values_have_an_order() {
        let check = |left: Value, right: Value, expected: Ordering| {
            let keys = SortKey::parse_list("v").unwrap();
            let (left, right) = (json!({ "v": left }), json!({ "v": right }));
            for missing in [MissingOrder::Last, MissingOrder::FirstAscending] {
                assert_eq!(compare(&keys, missing, &left, &right), expected, "{left} {right}");
                assert_eq!(
                    compare(&keys, missing, &right, &left),
                    expected.reverse(),
                    "{right} {left}"
                );
            }
        };
        check(json!("a"), json!("B"), Ordering::Less);
        check(json!("A"), json!("a"), Ordering::Equal);
        check(json!("é"), json!("É"), Ordering::Equal);
        check(json!(9), json!(10), Ordering::Less);
        check(json!(1), json!(1.0), Ordering::Equal);
        check(json!(1.5), json!(2), Ordering::Less);
        check(json!(false), json!(true), Ordering::Less);
        check(json!([2]), json!([1]), Ordering::Equal);
        // Types by their names: array, boolean, number, object, string.
        check(json!([]), json!(true), Ordering::Less);
        check(json!(true), json!(1), Ordering::Less);
        check(json!(1), json!({}), Ordering::Less);
        check(json!({}), json!(""), Ordering::Less);
        check(json!(10), json!("1"), Ordering::Less);
    }

    #[test]
    fn objects_are_sorted_by_key_after_key() {
        let objects = [
            json!({"id": 1, "name": "b", "age": 1}),
            json!({"id": 2, "name": "A", "age": 2}),
            json!({"id": 3, "age": 3}),
            json!({"id": 4, "name": "a", "age": 4}),
            json!({"id": 5, "name": null, "age": 5}),
        ];
        let check = |text: &str, missing: MissingOrder, expected: [u64; 5]| {
            let keys = SortKey::parse_list(text).unwrap();
            let mut sorted = objects.to_vec();
            sorted.sort_by(|left, right| compare(&keys, missing, left, right));
            assert_eq!(
                sorted
                    .iter()
                    .map(|object| object["id"].as_u64().unwrap())
                    .collect::<Vec<_>>(),
                expected,
                "{text}"
            );
        };
        check("name", MissingOrder::Last, [2, 4, 1, 3, 5]);
        check("-name", MissingOrder::Last, [1, 2, 4, 3, 5]);
        check("name", MissingOrder::FirstAscending, [3, 5, 2, 4, 1]);
        check("-name", MissingOrder::FirstAscending, [1, 2, 4, 3, 5]);
        check("name,-age", MissingOrder::Last, [4, 2, 1, 5, 3]);
        check("-name,-age", MissingOrder::FirstAscending, [1, 4, 2, 5, 3]);
    }

    proptest! {
        #[test]
        fn the_order_is_one(left in document(), middle in document(), right in document()) {
            let keys = SortKey::parse_list("a,-b,/c/0").unwrap();
            for missing in [MissingOrder::Last, MissingOrder::FirstAscending] {
                let order = |left, right| compare(&keys, missing, left, right);
                prop_assert_eq!(order(&left, &right), order(&right, &left).reverse());
                if order(&left, &middle).is_le() && order(&middle, &right).is_le() {
                    prop_assert!(order(&left, &right).is_le());
                }
            }
        }
    }
}
