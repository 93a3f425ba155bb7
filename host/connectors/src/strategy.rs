//! Filters for tests: any that people may write about these fields with these values.

use host_resource::filter::{Literal, Operator};
use host_resource::{Filter, Pointer};
use proptest::prelude::*;

/// Tests of each kind, and what is made of them.
pub(crate) fn filter(
    fields: Vec<&'static str>,
    literal: impl Strategy<Value = Literal> + Clone + 'static,
) -> impl Strategy<Value = Filter> {
    let field = prop::sample::select(fields).prop_map(|text| Pointer::parse(text).unwrap());
    let operators = [
        Operator::Eq,
        Operator::Co,
        Operator::Sw,
        Operator::Lt,
        Operator::Le,
        Operator::Gt,
        Operator::Ge,
    ];
    let extended = prop::sample::select(vec!["ew", "ca", "xx"]).prop_map(str::to_owned);
    let test = prop_oneof![
        1 => any::<bool>().prop_map(Filter::Literal),
        2 => field.clone().prop_map(Filter::Present),
        10 => (field.clone(), prop::sample::select(operators.to_vec()), literal.clone())
            .prop_map(|(field, operator, value)| Filter::Compare { field, operator, value }),
        2 => (field.clone(), prop::collection::vec(literal.clone(), 0..4))
            .prop_map(|(field, values)| Filter::In { field, values }),
        3 => (field, extended, literal).prop_map(|(field, operator, value)| Filter::Extended { field, operator, value }),
    ];
    test.prop_recursive(3, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..4).prop_map(Filter::And),
            prop::collection::vec(inner.clone(), 1..4).prop_map(Filter::Or),
            inner.prop_map(|filter| Filter::Not(Box::new(filter))),
        ]
    })
}
