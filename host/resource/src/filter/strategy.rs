//! Random filters and documents for property tests, from few names and values, so that they often meet.

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};

use super::{Filter, Literal, Operator};
use crate::pointer::Pointer;

/// Names that documents have.
const NAMES: [&str; 6] = ["a", "b", "c", "0", "1", "é"];
/// Names that pointers have besides.
const OTHER_NAMES: [&str; 4] = ["-", "_id", "_rev", "absent"];
const TEXTS: [&str; 16] = [
    "",
    "a",
    "A",
    "ab",
    "aB",
    "b",
    "é",
    "É",
    "ß",
    "ΟΔΟΣ",
    "οδος",
    "\u{212a}",
    "k",
    "a\"b\\c\n",
    "\u{1f600}",
    "\u{d7ff}",
];
const OPERATORS: [Operator; 7] = [
    Operator::Eq,
    Operator::Co,
    Operator::Sw,
    Operator::Lt,
    Operator::Le,
    Operator::Gt,
    Operator::Ge,
];

pub(crate) fn text() -> impl Strategy<Value = String> {
    prop_oneof![3 => select(&TEXTS[..5]), 1 => select(&TEXTS[..])].prop_map(str::to_owned)
}

/// A pointer, most often to a member that documents have.
pub(crate) fn pointer() -> impl Strategy<Value = Pointer> {
    let elements = prop_oneof![
        8 => prop::collection::vec(select(&NAMES[..2]), 1),
        3 => prop::collection::vec(select(&NAMES[..]), 2),
        1 => prop::collection::vec(select(&NAMES[..]), 0..5),
        1 => prop::collection::vec(select(&OTHER_NAMES[..]), 1..3),
    ];
    elements.prop_map(Pointer::from_elements)
}

/// Any pointer that can be written.
pub(crate) fn odd_pointer() -> impl Strategy<Value = Pointer> {
    prop::collection::vec(any::<String>(), 0..4).prop_map(Pointer::from_elements)
}

fn number() -> impl Strategy<Value = Value> {
    let odd = vec![
        json!(-1),
        json!(-0.0),
        json!(1.5),
        json!(1e300),
        json!(-2.5e-9),
        json!(i64::MAX),
        json!(i64::MIN),
        json!(u64::MAX),
    ];
    prop_oneof![3 => select(vec![json!(0), json!(1), json!(1.0)]), 1 => select(odd)]
}

/// A JSON value.
pub(crate) fn value() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        1 => Just(Value::Null),
        2 => any::<bool>().prop_map(Value::from),
        4 => number(),
        4 => text().prop_map(Value::from),
    ];
    scalar.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            members(inner).prop_map(Value::Object),
        ]
    })
}

fn members(value: impl Strategy<Value = Value>) -> impl Strategy<Value = Map<String, Value>> {
    let name = prop_oneof![select(&NAMES[..2]), select(&NAMES[..])].prop_map(str::to_owned);
    prop::collection::vec((name, value), 0..5).prop_map(Map::from_iter)
}

/// A JSON object.
pub(crate) fn document() -> impl Strategy<Value = Value> {
    members(value()).prop_map(Value::Object)
}

pub(crate) fn literal(text: impl Strategy<Value = String>) -> impl Strategy<Value = Literal> {
    prop_oneof![
        text.prop_map(|text| Literal::text(&text)),
        select(vec![0, 0, 1, 1, 1, -1, 2, i64::MAX, i64::MIN]).prop_map(Literal::Integer),
        select(vec![-0.0, 0.0, 1.0, 1.5, 1e300, -2.5e-9, u64::MAX as f64]).prop_map(Literal::Double),
        any::<bool>().prop_map(Literal::Boolean),
    ]
}

/// A filter over such pointers and texts.
pub(crate) fn filter(
    pointer: impl Strategy<Value = Pointer> + Clone + 'static,
    text: impl Strategy<Value = String> + Clone + 'static,
) -> impl Strategy<Value = Filter> {
    let listed = prop::collection::vec(literal(text.clone()), 0..4);
    let unknown = select(vec!["ne", "regex", "x_1.y"]).prop_map(str::to_owned);
    let test = prop_oneof![
        1 => any::<bool>().prop_map(Filter::Literal),
        2 => pointer.clone().prop_map(Filter::Present),
        8 => (pointer.clone(), select(&OPERATORS[..]), literal(text.clone()))
            .prop_map(|(field, operator, value)| Filter::Compare { field, operator, value }),
        2 => (pointer.clone(), listed).prop_map(|(field, values)| Filter::In { field, values }),
        1 => (pointer, unknown, literal(text))
            .prop_map(|(field, operator, value)| Filter::Extended { field, operator, value }),
    ];
    test.prop_recursive(4, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4).prop_map(Filter::and),
            prop::collection::vec(inner.clone(), 2..4).prop_map(Filter::or),
            inner.prop_map(|filter| Filter::Not(Box::new(filter))),
        ]
    })
}
