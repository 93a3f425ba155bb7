//! Which index answers a filter best, and which of its entries have to be read. A pure decision: it knows the
//! declarations and the filter, not the data.

use std::cmp::Ordering;
use std::ops::Bound;

use host_resource::Pointer;
use host_resource::filter::{Bounds, Filter, Range};

use super::entry::{index_end, index_prefix};
use super::value::{self, IndexValue, TEXT_BYTES};
use super::{Index, IndexNumber, IndexState, is_on_revision};

/// What to read of an index. Every document that matches the filter has an entry there.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Plan {
    /// Which index.
    pub(crate) number: IndexNumber,
    /// What is indexed there.
    pub(crate) pointer: Pointer,
    /// How good a choice it is.
    pub(crate) class: Class,
    /// The entries to read, sorted and apart from each other. None at all when nothing can match.
    pub(crate) ranges: Vec<EntryRange>,
}

/// How narrow a plan is, from the best to the worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Class {
    /// Single values: the entries of each are in the order of ids.
    Points,
    /// Single values that half of all documents may have.
    Booleans,
    /// Between two values, as a prefix is.
    Between,
    /// On one side of a value.
    Beyond,
    /// Whatever is there.
    Present,
    /// A whole type.
    Type,
}

/// Index entries from the first to before the last, with the number of their index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EntryRange {
    /// The first that belongs to it.
    pub(crate) from: Vec<u8>,
    /// The first behind it.
    pub(crate) to: Vec<u8>,
}

/// The best plan for a filter; none when no built index is on a field that the filter bounds.
pub(crate) fn best(indexes: &[Index], filter: &Filter) -> Option<Plan> {
    let plans = indexes.iter().filter_map(|index| plan(index, filter));
    // A whole type is no better than the whole collection.
    plans
        .filter(|plan| plan.class != Class::Type)
        .min_by_key(|plan| (plan.class, plan.ranges.len()))
}

/// The plan that reads the index on this pointer; none when there is none that is built, or the filter does not bound
/// what lies there.
pub(crate) fn on(indexes: &[Index], pointer: &Pointer, filter: &Filter) -> Option<Plan> {
    indexes
        .iter()
        .filter(|index| index.pointer == *pointer)
        .find_map(|index| plan(index, filter))
}

fn plan(index: &Index, filter: &Filter) -> Option<Plan> {
    if index.state != IndexState::Built || is_on_revision(&index.pointer) {
        return None;
    }
    let bounds = filter.bounds(&index.pointer)?;
    let class = bounds.ranges().iter().map(class).max().unwrap_or(Class::Points);
    Some(Plan {
        number: index.number,
        pointer: index.pointer.clone(),
        class,
        ranges: ranges(index.number, &bounds),
    })
}

fn class(range: &Range) -> Class {
    match range {
        Range::Present => Class::Present,
        Range::Boolean { low, high } if low == high => Class::Booleans,
        Range::Boolean { .. } => Class::Type,
        Range::Text { low, high } => class_of_ends(low, high),
        Range::Number { low, high } => class_of_ends(low, high),
    }
}

fn class_of_ends<T: PartialEq>(low: &Bound<T>, high: &Bound<T>) -> Class {
    match (low, high) {
        (Bound::Included(low), Bound::Included(high)) if low == high => Class::Points,
        (Bound::Unbounded, Bound::Unbounded) => Class::Type,
        (Bound::Unbounded, _) | (_, Bound::Unbounded) => Class::Beyond,
        (Bound::Included(_) | Bound::Excluded(_), Bound::Included(_) | Bound::Excluded(_)) => Class::Between,
    }
}

fn ranges(number: IndexNumber, bounds: &Bounds) -> Vec<EntryRange> {
    let mut ranges: Vec<EntryRange> = Vec::with_capacity(bounds.ranges().len());
    for range in bounds
        .ranges()
        .iter()
        .map(|range| entry_range(number, range))
        .filter(|range| range.from < range.to)
    {
        match ranges.last_mut() {
            // Long texts that were cut may have become one.
            Some(last) if range.from < last.to => last.to = range.to.max(std::mem::take(&mut last.to)),
            _ => ranges.push(range),
        }
    }
    ranges
}

fn entry_range(number: IndexNumber, range: &Range) -> EntryRange {
    let (from, to) = match range {
        Range::Present => {
            return EntryRange {
                from: index_prefix(number).to_vec(),
                to: index_end(number).to_vec(),
            };
        }
        Range::Boolean { low, high } => (at(IndexValue::Boolean(*low)), behind(at(IndexValue::Boolean(*high)))),
        Range::Number { low, high } => {
            let [first, end] = value::NUMBERS;
            let encoded = |number: &f64| (at(IndexValue::Number(*number)), true);
            (low_end(low, first, encoded), high_end(high, end, encoded))
        }
        Range::Text { low, high } => {
            let [first, end] = value::TEXTS;
            let encoded = |folded: &String| text(folded);
            (low_end(low, first, encoded), high_end(high, end, encoded))
        }
    };
    let prefixed = |encoded: Vec<u8>| [index_prefix(number).as_slice(), &encoded].concat();
    EntryRange {
        from: prefixed(from),
        to: prefixed(to),
    }
}

fn at(value: IndexValue<'_>) -> Vec<u8> {
    let mut encoded = Vec::new();
    value.encode(&mut encoded);
    encoded
}

/// An encoded text, and whether no other text has the same encoding.
fn text(folded: &str) -> (Vec<u8>, bool) {
    let mut encoded = Vec::new();
    value::encode_folded(folded, &mut encoded);
    (encoded, folded.len() < TEXT_BYTES)
}

/// Where a range begins. An excluded value is left out only when its encoding is its own.
fn low_end<T>(low: &Bound<T>, first: u8, encoded: impl Fn(&T) -> (Vec<u8>, bool)) -> Vec<u8> {
    match low {
        Bound::Unbounded => vec![first],
        Bound::Included(value) => encoded(value).0,
        Bound::Excluded(value) => match encoded(value) {
            (encoded, true) => behind(encoded),
            (encoded, false) => encoded,
        },
    }
}

/// Where a range ends. An excluded value is left out only when its encoding is its own.
fn high_end<T>(high: &Bound<T>, end: u8, encoded: impl Fn(&T) -> (Vec<u8>, bool)) -> Vec<u8> {
    match high {
        Bound::Unbounded => vec![end],
        Bound::Included(value) => behind(encoded(value).0),
        Bound::Excluded(value) => match encoded(value) {
            (encoded, true) => encoded,
            (encoded, false) => behind(encoded),
        },
    }
}

/// The first bytes behind all that begin with these. An encoding begins with a tag that is far from the last byte, so
/// there always are some.
fn behind(mut encoded: Vec<u8>) -> Vec<u8> {
    while let Some(last) = encoded.pop() {
        if last < u8::MAX {
            encoded.push(last + 1);
            break;
        }
    }
    encoded
}

impl EntryRange {
    /// Whether an entry lies in it.
    pub(crate) fn contains(&self, entry: &[u8]) -> bool {
        self.from.as_slice() <= entry && entry < self.to.as_slice()
    }
}

impl Plan {
    /// Whether an entry is one of those to read.
    pub(crate) fn contains(&self, entry: &[u8]) -> bool {
        let order = |range: &EntryRange| match range.contains(entry) {
            true => Ordering::Equal,
            false => range.from.as_slice().cmp(entry),
        };
        self.ranges.binary_search_by(order).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::entry::entry;

    fn index(number: u32, pointer: &str, state: IndexState) -> Index {
        Index {
            number: IndexNumber(number),
            pointer: pointer.parse().unwrap(),
            state,
        }
    }

    fn built(pointers: &[&str]) -> Vec<Index> {
        (1..)
            .zip(pointers)
            .map(|(number, pointer)| index(number, pointer, IndexState::Built))
            .collect()
    }

    #[test]
    fn the_narrowest_index_is_chosen() {
        let indexes = built(&["/name", "/age", "/active", "/mail", "/_rev", "/_id"]);
        let check = |filter: &str, expected: Option<(u32, Class)>| {
            let plan = best(&indexes, &filter.parse().unwrap());
            assert_eq!(plan.map(|plan| (plan.number.0, plan.class)), expected, "{filter}");
        };
        check("/name eq \"joe\"", Some((1, Class::Points)));
        check("/name sw \"j\" and /age eq 7", Some((2, Class::Points)));
        check("/age gt 7 and /name sw \"j\"", Some((1, Class::Between)));
        check("/age gt 7 and /active eq true", Some((3, Class::Booleans)));
        check("/age eq 7 and /active eq true", Some((2, Class::Points)));
        check("/mail pr and /age ge 7", Some((2, Class::Beyond)));
        check("/mail pr", Some((4, Class::Present)));
        check("/name eq \"a\" or /name eq \"b\"", Some((1, Class::Points)));
        check("/name in '[\"a\",\"b\"]' and /age eq 7", Some((2, Class::Points)));
        check("/name co \"x\"", None);
        check("/name co \"x\" and /mail pr", Some((4, Class::Present)));
        check("/name eq \"a\" or /age eq 7", None);
        check("!(/name eq \"a\")", None);
        check("/city eq \"a\"", None);
        check("/_rev eq \"0000000000000001\"", None);
        check("/_id eq \"joe\"", Some((6, Class::Points)));
        check("true", None);
    }

    #[test]
    fn an_index_that_is_not_built_does_not_answer() {
        let filter: Filter = "/name eq \"joe\"".parse().unwrap();
        for state in [IndexState::Building { after: None }, IndexState::Dropping] {
            let indexes = [index(1, "/name", state.clone()), index(2, "/name", IndexState::Built)];
            assert_eq!(best(&indexes, &filter).unwrap().number, IndexNumber(2), "{state:?}");
            assert_eq!(best(&indexes[..1], &filter), None, "{state:?}");
            assert_eq!(on(&indexes[..1], &"/name".parse().unwrap(), &filter), None, "{state:?}");
        }
    }

    #[test]
    fn a_filter_that_nothing_matches_reads_nothing() {
        let plan = best(&built(&["/name"]), &"false and /name eq \"joe\"".parse().unwrap()).unwrap();
        assert!(plan.ranges.is_empty());
    }

    #[test]
    fn ranges_hold_what_matches_and_little_more() {
        let indexes = built(&["/v"]);
        let long = "x".repeat(TEXT_BYTES);
        let texts = [
            "",
            "\0",
            "a",
            "ab",
            "abc",
            "b",
            "ä",
            &long,
            &format!("{long}y"),
            &format!("{}w", &long[1..]),
        ];
        let numbers = [f64::MIN, -1.5, 0.0, 1.0, 7.0, 1e300];
        let values: Vec<IndexValue<'_>> = texts
            .iter()
            .map(|text| IndexValue::Text(text))
            .chain(numbers.map(IndexValue::Number))
            .chain([
                IndexValue::Boolean(false),
                IndexValue::Boolean(true),
                IndexValue::Present,
            ])
            .collect();
        let literals = [
            "\"\"", "\"a\"", "\"AB\"", "\"ä\"", "7", "-1.5", "0.0", "-0.0", "true", "false",
        ]
        .map(str::to_owned);
        let literals =
            literals
                .into_iter()
                .chain([format!("\"{long}\""), format!("\"{long}y\""), format!("\"{long}yy\"")]);
        for literal in literals {
            for operator in ["eq", "lt", "le", "gt", "ge", "sw"] {
                let filter: Filter = format!("/v {operator} {literal}").parse().unwrap();
                let bounds = filter.bounds(&"/v".parse().unwrap()).unwrap();
                let plan = on(&indexes, &"/v".parse().unwrap(), &filter).unwrap();
                for value in &values {
                    let (scalar, is_long) = match value {
                        IndexValue::Text(text) => (host_resource::filter::Scalar::Text(text), text.len() >= TEXT_BYTES),
                        IndexValue::Number(number) => (host_resource::filter::Scalar::Number(*number), false),
                        IndexValue::Boolean(value) => (host_resource::filter::Scalar::Boolean(*value), false),
                        IndexValue::Present => (host_resource::filter::Scalar::Other, false),
                    };
                    let is_read = plan.contains(&entry(IndexNumber(1), *value, "id"));
                    // Only texts that are cut may be read in vain.
                    assert!(
                        is_read == bounds.contains(scalar) || (is_read && is_long),
                        "{filter} {value:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn long_texts_that_are_cut_to_the_same_are_read_once() {
        let long = "x".repeat(TEXT_BYTES);
        let filter: Filter = format!("/v eq \"{long}a\" or /v eq \"{long}b\"").parse().unwrap();
        assert_eq!(best(&built(&["/v"]), &filter).unwrap().ranges.len(), 1);
    }
}
