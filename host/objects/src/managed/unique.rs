//! Unique properties, held by the store: each value that an object has is reserved by a document of its own, which is
//! written in the same commit as the object. Of two commits that reserve the same value the second one conflicts, whether
//! they are requests, guests, or objects of one batch of a scan.
//!
//! A reservation counts only as long as its owner has the value: one that was left behind, by whatever accident, is taken
//! over by the next who wants it.

use std::collections::BTreeSet;

use host_resource::filter::fold::fold;
use host_resource::{Pointer, Problem};
use host_store::{Collection, Key, StoreError, UnitOfWork};
use serde_json::{Value, json};

use super::live::LiveType;
use super::policy::{Failed, Requirement};

pub(super) mod declare;

/// The unique properties of a type, and where their values are reserved.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Unique {
    pub(super) pointers: Vec<Pointer>,
    pub(super) reservations: Collection,
    /// The document that lists what is declared. Everybody who writes an object reads it, so that who did not know of a
    /// declaration yet does not get past it.
    pub(super) declaration: Key,
}

impl Unique {
    /// Of the type of this name.
    pub(super) fn new(name: &str, pointers: Vec<Pointer>) -> Self {
        let name = name.to_ascii_lowercase();
        Self {
            pointers,
            reservations: Collection::new(&format!("unique/{name}")),
            declaration: Collection::new("unique").key(name),
        }
    }

    /// The reservations that an object needs for a property. Texts are equal without regard to case, as in filters; an
    /// array needs one for each item; null needs none.
    fn keys(&self, pointer: &Pointer, object: &Value) -> BTreeSet<Key> {
        let values = match pointer.get(object) {
            None | Some(Value::Null) => &[],
            Some(Value::Array(items)) => items.as_slice(),
            Some(value) => std::slice::from_ref(value),
        };
        let key = |value: &Value| {
            let digest = blake3::hash(canonical(value).as_bytes());
            self.reservations.key(format!("{pointer} {}", digest.to_hex()))
        };
        values.iter().map(key).collect()
    }
}

/// A text that is the same for equal values.
fn canonical(value: &Value) -> String {
    match value {
        Value::String(text) => format!("s{}", fold(text)),
        Value::Number(number) => match number.as_f64() {
            // Beyond this, neighbouring integers are the same as doubles, but not the same.
            Some(double) if double.abs() < 9e15 => format!("n{double}"),
            _ => format!("n{number}"),
        },
        other => format!("j{other}"),
    }
}

/// Reserves the values of an object that becomes another one, and gives back those that it loses. Answers the properties
/// whose values others have; then what was reserved has to be dropped with the unit of work.
pub(super) async fn reserve(
    unit: &UnitOfWork,
    live: &LiveType,
    id: &str,
    before: Option<&Value>,
    after: Option<&Value>,
) -> Result<Vec<Failed>, Problem> {
    let mut failed = Vec::new();
    for pointer in &live.unique.pointers {
        let keys = |object: Option<&Value>| {
            object
                .map(|object| live.unique.keys(pointer, object))
                .unwrap_or_default()
        };
        let (had, has) = (keys(before), keys(after));
        let mut is_taken = false;
        for key in has.difference(&had) {
            if holder(unit, live, pointer, key)
                .await?
                .is_some_and(|holder| holder != id)
            {
                is_taken = true;
            } else {
                unit.put(key.clone(), json!({"owner": id}).to_string().into()).await?;
            }
        }
        for key in had.difference(&has) {
            if owner(unit, key).await?.is_some_and(|owner| owner == id) {
                unit.delete(key.clone()).await?;
            }
        }
        if is_taken {
            failed.push(broken(pointer));
        }
    }
    Ok(failed)
}

/// The properties of an object whose values others have; nothing is reserved.
pub(super) async fn taken(
    unit: &UnitOfWork,
    live: &LiveType,
    id: &str,
    object: &Value,
) -> Result<Vec<Failed>, Problem> {
    let mut failed = Vec::new();
    for pointer in &live.unique.pointers {
        for key in live.unique.keys(pointer, object) {
            if holder(unit, live, pointer, &key)
                .await?
                .is_some_and(|holder| holder != id)
            {
                failed.push(broken(pointer));
                break;
            }
        }
    }
    Ok(failed)
}

fn broken(pointer: &Pointer) -> Failed {
    Failed {
        property: pointer.to_string().trim_start_matches('/').to_owned(),
        requirements: vec![Requirement::unique()],
    }
}

/// Who has the value of a reservation.
async fn holder(unit: &UnitOfWork, live: &LiveType, pointer: &Pointer, key: &Key) -> Result<Option<String>, Problem> {
    let Some(owner) = owner(unit, key).await? else {
        return Ok(None);
    };
    let Some(object) = unit.get(&live.definition.collection.key(owner.as_str())).await? else {
        return Ok(None);
    };
    let object = parse(&object.body)?;
    Ok(live.unique.keys(pointer, &object).contains(key).then_some(owner))
}

/// Who made a reservation.
async fn owner(unit: &UnitOfWork, key: &Key) -> Result<Option<String>, Problem> {
    let Some(reservation) = unit.get(key).await? else {
        return Ok(None);
    };
    let reservation = parse(&reservation.body)?;
    Ok(reservation["owner"].as_str().map(str::to_owned))
}

/// A stored object.
pub(super) fn parse(body: &[u8]) -> Result<Value, StoreError> {
    serde_json::from_slice(body).map_err(|error| StoreError::Damaged(format!("a managed object: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_need_the_same_reservation() {
        let pointer = Pointer::parse("/x").unwrap();
        let unique = Unique::new("user", vec![pointer.clone()]);
        let check = |left: Value, right: Value, is_same: bool| {
            let keys = |value: &Value| unique.keys(&pointer, &json!({"x": value}));
            assert_eq!(keys(&left) == keys(&right), is_same, "{left} {right}");
        };
        check(json!("Joe"), json!("jOE"), true);
        check(json!("joe"), json!("joe "), false);
        check(json!(20), json!(20.0), true);
        check(json!(1), json!("1"), false);
        check(json!(true), json!("true"), false);
        check(json!(9007199254740993_u64), json!(9007199254740992_u64), false);
        check(json!(null), json!([]), true);
        check(json!(["a", "b"]), json!(["B", "a", "a"]), true);
        assert!(unique.keys(&pointer, &json!({})).is_empty());
    }
}
