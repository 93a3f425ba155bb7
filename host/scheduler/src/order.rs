//! The order of a sorted query: what stands where, the best of many, and the cookies that say where a page ended.

use std::cmp::Ordering;
use std::sync::Arc;

use host_resource::sort::{self, MissingOrder, SortKey};
use host_resource::{Object, Pointer};
use serde_json::{Map, Value};

use crate::error::Error;

/// An order: the wanted keys, then the id.
#[derive(Debug, Clone)]
pub(crate) struct Order {
    wanted: Vec<Pointer>,
    /// The same keys over a [`Position`].
    flat: Vec<SortKey>,
}

/// Where something stands: the values that it is sorted by under `0`, `1`, …, and its id.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Position {
    values: Value,
    id: Arc<str>,
}

/// Something with its place.
pub(crate) struct Ranked {
    pub(crate) position: Position,
    pub(crate) object: Object,
}

/// The first of all that are offered: so many are held, however many come.
pub(crate) struct Selection {
    order: Order,
    after: Option<Position>,
    most: usize,
    held: Vec<Ranked>,
}

/// Where a page ended.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cookie {
    /// Behind an id.
    Id(Arc<str>),
    /// Behind a place in an order.
    Ranked(Position),
}

impl Order {
    pub(crate) fn new(keys: &[SortKey]) -> Order {
        let flat = keys.iter().enumerate().map(|(number, key)| SortKey {
            pointer: Pointer::root().child(&number.to_string()),
            descending: key.descending,
        });
        Order {
            wanted: keys.iter().map(|key| key.pointer.clone()).collect(),
            flat: flat.collect(),
        }
    }

    /// Where an object stands.
    pub(crate) fn position(&self, id: &Arc<str>, shown: &Value) -> Position {
        let mut values = Map::new();
        for (number, pointer) in self.wanted.iter().enumerate() {
            // What has parts has no order among its like, so the parts need not be carried about.
            let value = match pointer.get(shown) {
                None => Value::Null,
                Some(Value::Array(_)) => Value::Array(Vec::new()),
                Some(Value::Object(_)) => Value::Object(Map::new()),
                Some(plain) => plain.clone(),
            };
            values.insert(number.to_string(), value);
        }
        Position {
            values: Value::Object(values),
            id: id.clone(),
        }
    }

    fn compare(&self, one: &Position, other: &Position) -> Ordering {
        sort::compare(&self.flat, MissingOrder::FirstAscending, &one.values, &other.values)
            .then_with(|| one.id.cmp(&other.id))
    }
}

impl Selection {
    /// At most so many of those behind a position.
    pub(crate) fn new(order: Order, after: Option<Position>, most: usize) -> Selection {
        Selection {
            order,
            after,
            most,
            held: Vec::new(),
        }
    }

    pub(crate) fn offer(&mut self, ranked: Ranked) {
        let is_behind = |after: &Position| self.order.compare(&ranked.position, after) == Ordering::Greater;
        if !self.after.as_ref().is_none_or(is_behind) {
            return;
        }
        self.held.push(ranked);
        if self.held.len() >= self.most.saturating_mul(2) {
            self.sort();
        }
    }

    /// Those that were kept, in order.
    pub(crate) fn finish(mut self) -> Vec<Ranked> {
        self.sort();
        self.held
    }

    fn sort(&mut self) {
        let Selection { order, held, .. } = self;
        held.sort_by(|one, other| order.compare(&one.position, &other.position));
        self.held.truncate(self.most);
    }
}

impl Cookie {
    /// As text that URLs carry unharmed.
    pub(crate) fn write(&self) -> String {
        let (kind, text) = match self {
            Cookie::Id(id) => ('i', id.to_string()),
            Cookie::Ranked(position) => (
                'r',
                Value::from(vec![position.values.clone(), (*position.id).into()]).to_string(),
            ),
        };
        let hex = text.bytes().map(|byte| format!("{byte:02x}"));
        std::iter::once(kind.to_string()).chain(hex).collect()
    }

    /// Reads what [`Cookie::write`] writes.
    ///
    /// # Errors
    /// It is something else.
    pub(crate) fn read(text: &str) -> Result<Cookie, Error> {
        Cookie::parse(text).ok_or(Error::Cookie)
    }

    fn parse(text: &str) -> Option<Cookie> {
        let (kind, hex) = text.split_at_checked(1)?;
        if !hex.is_ascii() || !hex.len().is_multiple_of(2) {
            return None;
        }
        let bytes: Option<Vec<u8>> = (0..hex.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).ok())
            .collect();
        let text = String::from_utf8(bytes?).ok()?;
        match kind {
            "i" => Some(Cookie::Id(text.into())),
            "r" => match serde_json::from_str(&text).ok()? {
                Value::Array(parts) => match <[Value; 2]>::try_from(parts).ok()? {
                    [values @ Value::Object(_), Value::String(id)] => {
                        Some(Cookie::Ranked(Position { values, id: id.into() }))
                    }
                    _ => None,
                },
                _ => None,
            },
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use host_resource::Content;
    use serde_json::json;

    #[test]
    fn a_cookie_is_read_as_it_is_written_and_nothing_else_is_one() {
        let position = Position {
            values: json!({"0": "ä", "1": null, "2": 3}),
            id: "a/b".into(),
        };
        for cookie in [Cookie::Id("ä b".into()), Cookie::Ranked(position)] {
            assert_eq!(Cookie::read(&cookie.write()).unwrap(), cookie);
        }
        for text in ["", "5", "i4", "r6161", "x61", "izz", "iff", "ä"] {
            assert!(Cookie::read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_best_are_held_in_order() {
        let order = Order::new(&SortKey::parse_list("-n").unwrap());
        let ranked = |number: u64| {
            let shown = json!({"n": number % 10});
            Ranked {
                position: order.position(&format!("{number:03}").into(), &shown),
                object: Object {
                    id: format!("{number:03}"),
                    rev: None,
                    content: Content::Json(shown),
                },
            }
        };
        let page = |after: Option<Position>| {
            let mut selection = Selection::new(order.clone(), after, 3);
            (0..40).for_each(|number| selection.offer(ranked(number)));
            selection.finish()
        };
        let ids = |page: &[Ranked]| page.iter().map(|ranked| ranked.object.id.clone()).collect::<Vec<_>>();
        let first = page(None);
        assert_eq!(ids(&first), ["009", "019", "029"]);
        let second = page(Some(first[2].position.clone()));
        assert_eq!(ids(&second), ["039", "008", "018"]);
    }
}
