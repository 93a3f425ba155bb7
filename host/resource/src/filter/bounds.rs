//! What an index has to be asked for a filter. An index on a field holds an entry for each value there: for each item of
//! an array, and one entry that says that something is present even when nothing in it compares. Entries are sorted by
//! type, then by folded text, number or boolean.
//!
//! Bounds are necessary, not sufficient: every matching object has an entry within them, and objects with such an entry
//! still have to be matched. For `a gt 1 and a lt 5` they are those of one side only, because an array may satisfy each
//! side with another item: `[0, 9]` matches.

use std::ops::Bound;

use super::{Filter, Literal, Operator, Scalar, Text, fold};
use crate::pointer::Pointer;

/// Ranges of values, at least one of which every matching object has a value in. No ranges: nothing matches.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Bounds {
    ranges: Vec<Range>,
}

/// A range of an index's entries. The entries of a type are next to each other.
#[derive(Clone, Debug, PartialEq)]
pub enum Range {
    /// Everything but null.
    Present,
    /// Texts, by their folded form.
    Text {
        /// From here.
        low: Bound<String>,
        /// To here. A prefix is a range too.
        high: Bound<String>,
    },
    /// Numbers; a zero is never negative.
    Number {
        /// From here.
        low: Bound<f64>,
        /// To here.
        high: Bound<f64>,
    },
    /// Booleans, both ends included.
    Boolean {
        /// From here.
        low: bool,
        /// To here.
        high: bool,
    },
}

impl Filter {
    /// What an index on a field has to be asked; none when the filter may match objects whatever they have there.
    pub fn bounds(&self, field: &Pointer) -> Option<Bounds> {
        match self {
            Self::Literal(true) => None,
            Self::Literal(false) | Self::Extended { .. } => Some(Bounds::default()),
            // Each conjunct's bounds are necessary, so the best alone will do.
            Self::And(filters) => {
                let all = filters.iter().filter_map(|filter| filter.bounds(field));
                all.min_by_key(Bounds::cost)
            }
            Self::Or(filters) => {
                let all = filters
                    .iter()
                    .map(|filter| filter.bounds(field))
                    .collect::<Option<Vec<_>>>()?;
                Some(Bounds::union(all.into_iter().flat_map(|bounds| bounds.ranges)))
            }
            Self::Not(filter) => match filter.as_ref() {
                Self::Not(filter) => filter.bounds(field),
                Self::Literal(true) => Some(Bounds::default()),
                _ => None,
            },
            Self::Present(at) => (at == field).then(|| Bounds {
                ranges: vec![Range::Present],
            }),
            Self::Compare {
                field: at,
                operator,
                value,
            } => (at == field).then(|| Bounds {
                ranges: range(*operator, value).into_iter().collect(),
            }),
            Self::In { field: at, values } => {
                (at == field).then(|| Bounds::union(values.iter().filter_map(|value| range(Operator::Eq, value))))
            }
        }
    }
}

impl Bounds {
    /// The ranges, sorted; no entry is in two of them.
    pub fn ranges(&self) -> &[Range] {
        &self.ranges
    }

    /// Whether nothing matches.
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// Whether a value is within.
    pub fn contains(&self, value: Scalar<'_>) -> bool {
        self.ranges.iter().any(|range| range.contains(value))
    }

    fn union(ranges: impl Iterator<Item = Range>) -> Self {
        let (mut texts, mut numbers, mut booleans) = (Vec::new(), Vec::new(), None);
        for range in ranges {
            match range {
                Range::Present => return Self { ranges: vec![range] },
                Range::Text { low, high } => texts.push((low, high)),
                Range::Number { low, high } => numbers.push((low, high)),
                Range::Boolean { low, high } => {
                    let (known_low, known_high) = booleans.unwrap_or((low, high));
                    booleans = Some((known_low & low, known_high | high));
                }
            }
        }
        let booleans = booleans.into_iter().map(|(low, high)| Range::Boolean { low, high });
        let numbers = merge(numbers)
            .into_iter()
            .map(|(low, high)| Range::Number { low, high });
        let texts = merge(texts).into_iter().map(|(low, high)| Range::Text { low, high });
        Self {
            ranges: booleans.chain(numbers).chain(texts).collect(),
        }
    }

    /// How much an index will probably have to read: by the worst range, then by how many there are.
    fn cost(&self) -> (u8, usize) {
        (
            self.ranges.iter().map(Range::cost).max().unwrap_or(0),
            self.ranges.len(),
        )
    }
}

impl Range {
    /// Whether a value is within.
    pub fn contains(&self, value: Scalar<'_>) -> bool {
        use std::ops::RangeBounds;
        match (self, value) {
            (Self::Present, value) => value != Scalar::Null,
            (Self::Text { low, high }, Scalar::Text(text)) => {
                (low.clone(), high.clone()).contains(&fold::fold(text).into_owned())
            }
            (Self::Number { low, high }, Scalar::Number(number)) => (*low, *high).contains(&number),
            (Self::Boolean { low, high }, Scalar::Boolean(value)) => (*low..=*high).contains(&value),
            (Self::Text { .. } | Self::Number { .. } | Self::Boolean { .. }, _) => false,
        }
    }

    fn cost(&self) -> u8 {
        match self {
            Self::Text { low, high } => cost_of_ends(low, high),
            Self::Number { low, high } => cost_of_ends(low, high),
            Self::Boolean { .. } => 5,
            Self::Present => 6,
        }
    }
}

/// One value, then both ends, then one end, then a whole type.
fn cost_of_ends<T: PartialEq>(low: &Bound<T>, high: &Bound<T>) -> u8 {
    match (low, high) {
        (Bound::Included(low), Bound::Included(high)) if low == high => 1,
        (Bound::Unbounded, Bound::Unbounded) => 4,
        (Bound::Unbounded, _) | (_, Bound::Unbounded) => 3,
        (Bound::Included(_) | Bound::Excluded(_), Bound::Included(_) | Bound::Excluded(_)) => 2,
    }
}

/// What one comparison reads; none when nothing can satisfy it.
fn range(operator: Operator, literal: &Literal) -> Option<Range> {
    match literal {
        Literal::Text(text) => text_range(operator, text),
        Literal::Integer(number) => Some(number_range(operator, *number as f64)),
        Literal::Double(number) => Some(number_range(operator, *number)),
        Literal::Boolean(value) => boolean_range(operator, *value),
    }
}

fn text_range(operator: Operator, text: &Text) -> Option<Range> {
    let text = text.folded().to_owned();
    let (low, high) = match operator {
        Operator::Sw => (Bound::Included(text.clone()), end_of_prefix(text)),
        Operator::Co => (Bound::Unbounded, Bound::Unbounded),
        Operator::Lt if text.is_empty() => return None,
        Operator::Eq | Operator::Lt | Operator::Le | Operator::Gt | Operator::Ge => ends(operator, text),
    };
    Some(Range::Text { low, high })
}

fn number_range(operator: Operator, number: f64) -> Range {
    // Zero and minus zero are equal, but an index orders by bits.
    let (low, high) = ends(operator, number + 0.0);
    Range::Number { low, high }
}

fn boolean_range(operator: Operator, value: bool) -> Option<Range> {
    let (low, high) = match (operator, value) {
        (Operator::Eq | Operator::Co | Operator::Sw, value) => (value, value),
        (Operator::Lt, false) | (Operator::Gt, true) => return None,
        (Operator::Lt, true) | (Operator::Le, false) => (false, false),
        (Operator::Gt, false) | (Operator::Ge, true) => (true, true),
        (Operator::Le, true) | (Operator::Ge, false) => (false, true),
    };
    Some(Range::Boolean { low, high })
}

fn ends<T: Clone>(operator: Operator, value: T) -> (Bound<T>, Bound<T>) {
    match operator {
        Operator::Eq | Operator::Co | Operator::Sw => (Bound::Included(value.clone()), Bound::Included(value)),
        Operator::Lt => (Bound::Unbounded, Bound::Excluded(value)),
        Operator::Le => (Bound::Unbounded, Bound::Included(value)),
        Operator::Gt => (Bound::Excluded(value), Bound::Unbounded),
        Operator::Ge => (Bound::Included(value), Bound::Unbounded),
    }
}

/// The first text behind all that start with the prefix: its last letter is the next one.
fn end_of_prefix(mut prefix: String) -> Bound<String> {
    while let Some(last) = prefix.pop() {
        // The letter's code is followed by a gap where the surrogates are.
        let next = if last == '\u{d7ff}' {
            Some('\u{e000}')
        } else {
            char::from_u32(last as u32 + 1)
        };
        if let Some(next) = next {
            prefix.push(next);
            return Bound::Excluded(prefix);
        }
    }
    Bound::Unbounded
}

/// Sorts ranges and joins those that overlap or touch.
fn merge<T: PartialOrd + Clone>(mut ranges: Vec<(Bound<T>, Bound<T>)>) -> Vec<(Bound<T>, Bound<T>)> {
    let low = |bound: &Bound<T>| match bound {
        Bound::Unbounded => None,
        Bound::Included(value) => Some((value.clone(), false)),
        Bound::Excluded(value) => Some((value.clone(), true)),
    };
    // Nothing stands for the end, which sorts last when the flag comes first.
    let high = |bound: &Bound<T>| match bound {
        Bound::Unbounded => (true, None),
        Bound::Included(value) => (false, Some((value.clone(), true))),
        Bound::Excluded(value) => (false, Some((value.clone(), false))),
    };
    ranges.sort_by(|(a, _), (b, _)| low(a).partial_cmp(&low(b)).unwrap_or(std::cmp::Ordering::Equal));
    let mut merged: Vec<(Bound<T>, Bound<T>)> = Vec::with_capacity(ranges.len());
    for (from, to) in ranges {
        match merged.last_mut() {
            Some((_, end)) if !is_gap(end, &from) => {
                if high(&to) > high(end) {
                    *end = to;
                }
            }
            _ => merged.push((from, to)),
        }
    }
    merged
}

/// Whether a value may lie between the end of a range and the start of the next.
fn is_gap<T: PartialOrd>(end: &Bound<T>, start: &Bound<T>) -> bool {
    match (end, start) {
        (Bound::Unbounded, _) | (_, Bound::Unbounded) => false,
        (Bound::Excluded(end), Bound::Excluded(start)) => end <= start,
        (Bound::Included(end) | Bound::Excluded(end), Bound::Included(start) | Bound::Excluded(start)) => end < start,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::super::extract;
    use super::super::strategy::{filter, pointer, text, value};
    use super::*;

    fn shown<T: std::fmt::Debug>(low: &Bound<T>, high: &Bound<T>) -> String {
        let low = match low {
            Bound::Unbounded => "..".to_owned(),
            Bound::Included(low) => format!("[{low:?}"),
            Bound::Excluded(low) => format!("({low:?}"),
        };
        match high {
            Bound::Unbounded => format!("{low} .."),
            Bound::Included(high) => format!("{low} {high:?}]"),
            Bound::Excluded(high) => format!("{low} {high:?})"),
        }
    }

    #[test]
    fn the_bounds_of_a_field() {
        let check = |text: &str, expected: Option<&[&str]>| {
            let bounds = Filter::parse(text).unwrap().bounds(&Pointer::parse("a").unwrap());
            let bounds = bounds.map(|bounds| {
                let shown = bounds.ranges().iter().map(|range| match range {
                    Range::Present => "present".to_owned(),
                    Range::Text { low, high } => shown(low, high),
                    Range::Number { low, high } => shown(low, high),
                    Range::Boolean { low, high } => format!("{low}-{high}"),
                });
                shown.collect::<Vec<_>>()
            });
            let expected = expected.map(|ranges| ranges.iter().map(|range| (*range).to_owned()).collect::<Vec<_>>());
            assert_eq!(bounds, expected, "{text}");
        };
        // What one test reads.
        check("a pr", Some(&["present"]));
        check("a eq 'Joe'", Some(&["[\"joe\" \"joe\"]"]));
        check("a sw 'Jo'", Some(&["[\"jo\" \"jp\")"]));
        check("a sw 'a\u{10ffff}'", Some(&["[\"a\\u{10ffff}\" \"b\")"]));
        check("a sw '\u{10ffff}'", Some(&["[\"\\u{10ffff}\" .."]));
        check("a sw '\u{d7ff}'", Some(&["[\"\\u{d7ff}\" \"\\u{e000}\")"]));
        check("a sw ''", Some(&["[\"\" .."]));
        check("a co 'x'", Some(&[".. .."]));
        check("a lt 'x'", Some(&[".. \"x\")"]));
        check("a lt ''", Some(&[]));
        check("a ge 'X'", Some(&["[\"x\" .."]));
        check("a eq 5", Some(&["[5.0 5.0]"]));
        check("a co 5", Some(&["[5.0 5.0]"]));
        check("a eq -0.0", Some(&["[0.0 0.0]"]));
        check("a gt 5", Some(&["(5.0 .."]));
        check("a le 5.5", Some(&[".. 5.5]"]));
        check("a eq true", Some(&["true-true"]));
        check("a lt true", Some(&["false-false"]));
        check("a lt false", Some(&[]));
        check("a ge false", Some(&["false-true"]));
        check(
            "a in '[3,1,\"x\",true,1.0]'",
            Some(&["true-true", "[1.0 1.0]", "[3.0 3.0]", "[\"x\" \"x\"]"]),
        );
        check("a in '[]'", Some(&[]));
        check("a ne 1", Some(&[]));
        check("false", Some(&[]));
        check("true", None);
        check("b eq 1", None);
        check("/a/b eq 1", None);
        // One side of a conjunction, the best.
        check("a gt 1 and a lt 5", Some(&["(1.0 .."]));
        check("a gt 1 and a eq 5", Some(&["[5.0 5.0]"]));
        check("a pr and a sw 'x' and a ge 'x'", Some(&["[\"x\" \"y\")"]));
        check("a eq 1 and b eq 2", Some(&["[1.0 1.0]"]));
        check("b eq 1 and c pr", None);
        check("a eq 1 and false", Some(&[]));
        check("a in '[1,2]' and a eq 2", Some(&["[2.0 2.0]"]));
        // All sides of a disjunction.
        check("a eq 1 or a eq 2", Some(&["[1.0 1.0]", "[2.0 2.0]"]));
        check("a lt 1 or a eq 1 or a gt 5 or a ge 5", Some(&[".. 1.0]", "[5.0 .."]));
        check("a le 2 or a gt 1", Some(&[".. .."]));
        check("a lt 1 or a gt 1", Some(&[".. 1.0)", "(1.0 .."]));
        check("a sw 'a' or a eq 'ab' or a sw 'b'", Some(&["[\"a\" \"c\")"]));
        check("a eq true or a eq false", Some(&["false-true"]));
        check("a eq 1 or a pr", Some(&["present"]));
        check("a eq 1 or b eq 2", None);
        check("a eq 1 or true", None);
        check("a eq 1 or false", Some(&["[1.0 1.0]"]));
        check(
            "(a eq 1 and b eq 1) or (a eq 2 and b eq 2)",
            Some(&["[1.0 1.0]", "[2.0 2.0]"]),
        );
        check("b pr and (a eq 1 or a eq 2)", Some(&["[1.0 1.0]", "[2.0 2.0]"]));
        // Not.
        check("!(a eq 1)", None);
        check("!(a pr)", None);
        check("!(true)", Some(&[]));
        check("!(!(a eq 1))", Some(&["[1.0 1.0]"]));
        check("a eq 1 and !(b pr)", Some(&["[1.0 1.0]"]));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(5000))]

        #[test]
        fn a_matching_object_has_a_value_within_the_bounds(
            filter in filter(prop_oneof![4 => Just(Pointer::root().child("a")), 1 => pointer()].boxed(), text().boxed()),
            value in value(),
        ) {
            let (field, object) = (Pointer::root().child("a"), json!({ "a": value }));
            let Some(bounds) = filter.bounds(&field) else { return Ok(()) };
            let bytes = serde_json::to_vec(&object).unwrap();
            let mut is_within = false;
            extract(&bytes, std::slice::from_ref(&field), |_, scalar| is_within |= bounds.contains(scalar));
            prop_assert!(is_within || !filter.matches(&object), "{filter} {field} {object} {bounds:?}");
        }

        #[test]
        fn ranges_are_in_order_and_apart(filter in filter(Just(Pointer::root()).boxed(), text().boxed())) {
            let bounds = filter.bounds(&Pointer::root()).unwrap_or_default();
            for pair in bounds.ranges().windows(2) {
                let is_right = match pair {
                    [Range::Text { high: end, .. }, Range::Text { low: start, .. }] => is_gap(end, start),
                    [Range::Number { high: end, .. }, Range::Number { low: start, .. }] => is_gap(end, start),
                    [Range::Boolean { .. }, next] => matches!(next, Range::Number { .. } | Range::Text { .. }),
                    [Range::Number { .. }, next] => matches!(next, Range::Text { .. }),
                    _ => false,
                };
                prop_assert!(is_right, "{:?}", pair);
            }
        }
    }
}
