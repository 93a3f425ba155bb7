//! The order of a sorted query, and an object's place in it.

use std::cmp::Ordering;
use std::sync::Arc;

use host_resource::Pointer;
use host_resource::filter::{Extractor, Scalar};
use host_resource::sort::{self, MissingOrder, SortKey};
use host_store::StoreError;
use host_store::unit_of_work::Seen;
use serde_json::{Value, json};

/// Texts are sorted by their first bytes, this many: a cookie carries the values of an object in a URL, and a query
/// holds those of thousands in memory.
const MAX_SORT_TEXT: usize = 256;

/// What objects are sorted by. Objects that lack a value come last (behaviour 1.7); those that no key tells apart are
/// in the order of their ids.
#[derive(Debug)]
pub(super) struct Order {
    /// As the client wrote them.
    asked: Vec<SortKey>,
    /// The same keys, pointing into the values of a rank.
    keys: Vec<SortKey>,
    extractor: Extractor,
}

/// An object's place in an order: its values, one for each key, and its id. Cheap to clone.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Rank {
    values: Arc<Value>,
    id: Arc<str>,
}

impl Order {
    /// The order by these keys.
    pub(super) fn new(asked: Vec<SortKey>) -> Self {
        let key = |(position, key): (usize, &SortKey)| SortKey {
            pointer: Pointer::from_elements([position.to_string()]),
            descending: key.descending,
        };
        let pointers: Vec<Pointer> = asked.iter().map(|key| key.pointer.clone()).collect();
        Self {
            keys: asked.iter().enumerate().map(key).collect(),
            extractor: Extractor::new(&pointers),
            asked,
        }
    }

    /// An object's place. Only the values of the keys are read.
    pub(super) fn rank(&self, seen: &Seen) -> Result<Rank, StoreError> {
        let mut values: Vec<Option<Value>> = vec![None; self.asked.len()];
        let mut has_others = false;
        self.extractor.extract(&seen.body, |number, scalar| {
            // What follows the first value of a key are the items of an array.
            if values[number].is_none() {
                has_others |= scalar == Scalar::Other;
                values[number] = Some(value_of(scalar));
            }
        });
        if has_others {
            // Arrays and objects stand apart from each other, which the extractor does not tell.
            let damaged = |error| StoreError::Damaged(format!("object '{}': {error}", seen.id));
            let object: Value = serde_json::from_slice(&seen.body).map_err(damaged)?;
            for (key, value) in self.asked.iter().zip(&mut values) {
                if key.pointer.get(&object).is_some_and(Value::is_array) {
                    *value = Some(json!([]));
                }
            }
        }
        for (key, value) in self.asked.iter().zip(&mut values) {
            match key.pointer.elements() {
                [name] if name.as_ref() == "_id" => *value = Some(text(&seen.id)),
                [name] if name.as_ref() == "_rev" => *value = Some(text(&seen.rev.to_string())),
                _ => {}
            }
        }
        let values = values.into_iter().map(Option::unwrap_or_default).collect();
        Ok(Rank {
            values: Arc::new(Value::Array(values)),
            id: seen.id.clone(),
        })
    }

    /// Which of two objects comes first. Only an object is equal to itself.
    pub(super) fn compare(&self, left: &Rank, right: &Rank) -> Ordering {
        sort::compare(&self.keys, MissingOrder::Last, &left.values, &right.values).then_with(|| left.id.cmp(&right.id))
    }
}

impl Rank {
    /// For a cookie.
    pub(super) fn to_json(&self) -> Value {
        json!([*self.values, *self.id])
    }

    /// From a cookie; none when it is not what [`Self::to_json`] makes.
    pub(super) fn from_json(mut rank: Value) -> Option<Self> {
        let [values, id] = rank.as_array_mut()?.as_mut_slice() else {
            return None;
        };
        let id = id.as_str()?.into();
        values.is_array().then(|| Self {
            values: Arc::new(values.take()),
            id,
        })
    }
}

fn value_of(scalar: Scalar<'_>) -> Value {
    match scalar {
        Scalar::Null => Value::Null,
        Scalar::Boolean(value) => value.into(),
        Scalar::Number(number) => number.into(),
        Scalar::Text(written) => text(written),
        Scalar::Other => json!({}),
    }
}

fn text(written: &str) -> Value {
    written[..written.floor_char_boundary(MAX_SORT_TEXT)].into()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use host_store::Revision;
    use host_store::unit_of_work::Rev;

    use super::*;

    fn seen(id: &str, body: &str) -> Seen {
        Seen {
            id: id.into(),
            rev: Rev::Committed(Revision(7)),
            body: Bytes::copy_from_slice(body.as_bytes()),
        }
    }

    fn order(keys: &str) -> Order {
        Order::new(SortKey::parse_list(keys).unwrap())
    }

    #[test]
    fn objects_are_sorted_by_their_values_and_then_by_id() {
        let check = |keys: &str, first: &str, second: &str, expected: Ordering| {
            let order = order(keys);
            let rank = |id, body| order.rank(&seen(id, body)).unwrap();
            assert_eq!(
                order.compare(&rank("a", first), &rank("b", second)),
                expected,
                "{keys} {first} {second}"
            );
            assert_eq!(
                order.compare(&rank("a", second), &rank("b", first)).is_lt(),
                expected.is_gt(),
                "{keys} {second} {first}"
            );
        };
        check("n", r#"{"n":2}"#, r#"{"n":10}"#, Ordering::Less);
        check("-n", r#"{"n":10.5}"#, r#"{"n":10}"#, Ordering::Less);
        check("n", r#"{"n":"ann"}"#, r#"{"n":"Bob"}"#, Ordering::Less);
        check("n", r#"{"n":false}"#, r#"{"n":true}"#, Ordering::Less);
        check("/n/m", r#"{"n":{"m":1}}"#, r#"{"n":{"m":2}}"#, Ordering::Less);
        check("n,-m", r#"{"m":2,"n":1}"#, r#"{"m":1,"n":1}"#, Ordering::Less);
        // What lacks a value is last either way; mixed types go by name: array, boolean, number, object, string.
        check("n", r#"{"n":1}"#, "{}", Ordering::Less);
        check("-n", r#"{"n":1}"#, r#"{"n":null}"#, Ordering::Less);
        check("n", r#"{"n":[9,1]}"#, r#"{"n":true}"#, Ordering::Less);
        check("n", r#"{"n":[]}"#, r#"{"n":{}}"#, Ordering::Less);
        check("n", r#"{"n":1}"#, r#"{"n":{}}"#, Ordering::Less);
        check("n", r#"{"n":{"a":1}}"#, r#"{"n":""}"#, Ordering::Less);
    }

    #[test]
    fn equals_are_sorted_by_id() {
        for (keys, body) in [
            ("n", "{}"),
            ("n", r#"{"n":"x"}"#),
            ("-n", r#"{"n":[1]}"#),
            ("-_rev", "{}"),
        ] {
            let order = order(keys);
            let rank = |id| order.rank(&seen(id, body)).unwrap();
            assert_eq!(order.compare(&rank("a"), &rank("b")), Ordering::Less, "{keys} {body}");
            assert_eq!(order.compare(&rank("a"), &rank("a")), Ordering::Equal, "{keys} {body}");
        }
        let order = order("-_id");
        let rank = |id| order.rank(&seen(id, "{}")).unwrap();
        assert_eq!(order.compare(&rank("a"), &rank("b")), Ordering::Greater);
    }

    #[test]
    fn a_rank_survives_a_cookie_exactly() {
        let order = order("a,b,c,d,e,f");
        let body = r#"{"a":0.1234567890123456789,"b":"é\"","c":[1],"d":{"x":1},"e":12345678901234567890,"f":-2.2250738585072011e-308}"#;
        let rank = order.rank(&seen("joe/x", body)).unwrap();
        let text = rank.to_json().to_string();
        let again = Rank::from_json(serde_json::from_str(&text).unwrap()).unwrap();
        assert_eq!(order.compare(&rank, &again), Ordering::Equal);
        assert_eq!(rank, again);
    }

    #[test]
    fn a_long_text_is_cut_between_two_letters() {
        let order = order("a");
        let long = "é".repeat(MAX_SORT_TEXT);
        let rank = order.rank(&seen("x", &format!(r#"{{"a":"x{long}"}}"#))).unwrap();
        assert!(rank.to_json().to_string().len() < MAX_SORT_TEXT + 16);
    }

    #[test]
    fn what_no_order_made_is_no_rank() {
        for text in ["null", "[]", "{}", "[[],1]", "[{},\"a\"]", "[[1],\"a\",2]"] {
            assert_eq!(Rank::from_json(serde_json::from_str(text).unwrap()), None, "{text}");
        }
    }
}
