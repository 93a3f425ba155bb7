//! Whether an object matches, as the table "Evaluation in memory" of behaviour 1.9 has it. An array offers each of its
//! items, and one that matches is enough. Values of different types never compare.

use std::cmp::Ordering;

use serde_json::Value;

use super::{Filter, Literal, Operator, fold};

/// A value as far as a filter or an index looks at it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scalar<'a> {
    /// A text, as it was written.
    Text(&'a str),
    /// A number; zero is never negative.
    Number(f64),
    /// A boolean.
    Boolean(bool),
    /// Null.
    Null,
    /// An object or an array: present, but it compares with nothing.
    Other,
}

impl<'a> Scalar<'a> {
    /// What a filter sees of a value.
    pub fn of(value: &'a Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Boolean(*value),
            Value::Number(number) => number.as_f64().map_or(Self::Other, |number| Self::Number(number + 0.0)),
            Value::String(text) => Self::Text(text),
            Value::Array(_) | Value::Object(_) => Self::Other,
        }
    }
}

impl Filter {
    /// Whether an object matches. An operator that nothing knows never does, so its negation always does.
    pub fn matches(&self, object: &Value) -> bool {
        match self {
            Self::Literal(value) => *value,
            Self::And(filters) => filters.iter().all(|filter| filter.matches(object)),
            Self::Or(filters) => filters.iter().any(|filter| filter.matches(object)),
            Self::Not(filter) => !filter.matches(object),
            Self::Present(field) => field.get(object).is_some_and(|value| !value.is_null()),
            Self::Compare { field, operator, value } => {
                any_candidate(field.get(object), |candidate| compare(*operator, value, candidate))
            }
            Self::In { field, values } => any_candidate(field.get(object), |candidate| is_listed(values, candidate)),
            Self::Extended { .. } => false,
        }
    }
}

fn any_candidate(value: Option<&Value>, matches: impl Fn(Scalar<'_>) -> bool) -> bool {
    match value {
        None => false,
        Some(Value::Array(items)) => items.iter().any(|item| matches(Scalar::of(item))),
        Some(value) => matches(Scalar::of(value)),
    }
}

pub(super) fn is_listed(values: &[Literal], candidate: Scalar<'_>) -> bool {
    values.iter().any(|value| compare(Operator::Eq, value, candidate))
}

pub(super) fn compare(operator: Operator, literal: &Literal, candidate: Scalar<'_>) -> bool {
    match (literal, candidate) {
        (Literal::Text(literal), Scalar::Text(text)) => match operator {
            Operator::Co => fold::contains(text, literal.folded()),
            Operator::Sw => fold::starts_with(text, literal.folded()),
            Operator::Eq | Operator::Lt | Operator::Le | Operator::Gt | Operator::Ge => {
                is_in_order(operator, fold::compare_folded(text, literal.folded()))
            }
        },
        (Literal::Integer(literal), Scalar::Number(number)) => compare_numbers(operator, number, *literal as f64),
        (Literal::Double(literal), Scalar::Number(number)) => compare_numbers(operator, number, *literal),
        (Literal::Boolean(literal), Scalar::Boolean(value)) => is_in_order(operator, value.cmp(literal)),
        (Literal::Text(_) | Literal::Integer(_) | Literal::Double(_) | Literal::Boolean(_), _) => false,
    }
}

fn compare_numbers(operator: Operator, left: f64, right: f64) -> bool {
    left.partial_cmp(&right)
        .is_some_and(|order| is_in_order(operator, order))
}

fn is_in_order(operator: Operator, order: Ordering) -> bool {
    match operator {
        Operator::Eq | Operator::Co | Operator::Sw => order.is_eq(),
        Operator::Lt => order.is_lt(),
        Operator::Le => order.is_le(),
        Operator::Gt => order.is_gt(),
        Operator::Ge => order.is_ge(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_table_of_evaluation() {
        let object = json!({
            "_id": "X1", "text": "Hello World", "empty": "", "nothing": null, "yes": true, "no": false,
            "twenty": 20, "half": 0.5, "zero": -0.0, "big": u64::MAX,
            "tags": ["a", "B", 3, null, ["deep"], {"x": "y"}], "none": [], "object": {}, "nulls": [null],
            "name": {"given": "Åsa", "0": "zero"}, "list": [{"city": "Bonn"}, {"city": "Rome"}],
        });
        let check = |filter: &str, expected: bool| {
            let parsed = Filter::parse(filter).unwrap();
            assert_eq!(parsed.matches(&object), expected, "{filter}");
            let negated = Filter::parse(&format!("!({filter})")).unwrap();
            assert_eq!(negated.matches(&object), !expected, "!({filter})");
        };
        // Literals and presence.
        check("true", true);
        check("false", false);
        check("text pr", true);
        check("empty pr", true);
        check("none pr", true);
        check("object pr", true);
        check("nulls pr", true);
        check("no pr", true);
        check("/ pr", true);
        check("nothing pr", false);
        check("absent pr", false);
        check("text/x pr", false);
        check("/list/1 pr", true);
        check("/list/2 pr", false);
        check("/list/- pr", false);
        check("/list/city pr", false);
        check("/tags/3 pr", false);
        // Texts, without regard to case.
        check("text eq 'hello world'", true);
        check("text eq 'Hello'", false);
        check("_id eq 'x1'", true);
        check("text co 'LO W'", true);
        check("text co ''", true);
        check("text co 'xyz'", false);
        check("text sw 'HELLO'", true);
        check("text sw 'World'", false);
        check("text lt 'hellp'", true);
        check("text lt 'HELLO WORLD'", false);
        check("text le 'HELLO WORLD'", true);
        check("text gt 'HELLO'", true);
        check("text ge 'HELLO WORLD'", true);
        check("text gt 'i'", false);
        check("/name/given eq 'åSA'", true);
        check("/name/0 eq 'zero'", true);
        check("empty eq ''", true);
        check("empty lt 'a'", true);
        // Numbers as doubles.
        check("twenty eq 20.0", true);
        check("twenty eq 20", true);
        check("twenty co 20", true);
        check("twenty sw 20", true);
        check("twenty co 2", false);
        check("twenty lt 20.5", true);
        check("twenty ge 21", false);
        check("half gt 0", true);
        check("zero eq 0", true);
        check("zero lt 0", false);
        check("big gt 9223372036854775807", true);
        // Booleans: false before true.
        check("yes eq true", true);
        check("yes co true", true);
        check("no lt true", true);
        check("no lt false", false);
        check("no le false", true);
        check("yes gt false", true);
        check("yes gt true", false);
        // Types must agree, for every operator.
        check("twenty eq '20'", false);
        check("twenty lt '3'", false);
        check("text gt 1", false);
        check("yes eq 'true'", false);
        check("yes gt 0", false);
        check("nothing eq 'null'", false);
        check("nothing lt 1", false);
        check("nothing le ''", false);
        check("absent le ''", false);
        check("object eq 1", false);
        check("/ eq 1", false);
        // Arrays: any item.
        check("tags eq 'b'", true);
        check("tags eq 3.0", true);
        check("tags sw 'A'", true);
        check("tags gt 'a'", true);
        check("tags gt 3", false);
        check("tags eq 'deep'", false);
        check("tags eq 'y'", false);
        check("tags eq true", false);
        check("none eq 'a'", false);
        check("tags ge 'a' and tags le 'a'", true);
        check("/tags/0 eq 'a'", true);
        check("/tags/4 eq 'deep'", true);
        check("/tags/5/x eq 'y'", true);
        check("/list/0/city eq 'bonn'", true);
        check("/list/city eq 'bonn'", false);
        // Lists of values.
        check("text in '[\"x\",\"hello world\"]'", true);
        check("twenty in '[1,20.0]'", true);
        check("tags in '[true,\"B\"]'", true);
        check("text in '[]'", false);
        check("absent in '[1]'", false);
        // What nothing knows never matches.
        check("twenty ne 20", false);
        check("twenty ne 1", false);
        check("absent ne 1", false);
        // Together.
        check("yes eq true and no eq true", false);
        check("yes eq true or no eq true", true);
        check("no eq true and yes eq true or twenty eq 20", true);
        check("no eq true and (yes eq true or twenty eq 20)", false);
    }
}
