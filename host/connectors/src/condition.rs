//! Whether a mapped object matches a filter. Connected systems know two operators more than the language: `ew`, a text
//! ends with this, and `ca`, an attribute contains all of these (behaviour 1.9).

use host_resource::Filter;
use host_resource::filter::fold::fold;
use host_resource::filter::{Literal, Operator};
use serde_json::Value;

/// Whether an object matches.
pub(crate) fn matches(filter: &Filter, object: &Value) -> bool {
    match filter {
        Filter::And(inner) => inner.iter().all(|filter| matches(filter, object)),
        Filter::Or(inner) => inner.iter().any(|filter| matches(filter, object)),
        Filter::Not(inner) => !matches(inner, object),
        Filter::Extended { field, operator, value } if operator.eq_ignore_ascii_case("ew") => match value {
            Literal::Text(text) => candidates(field.get(object)).any(|candidate| {
                candidate
                    .as_str()
                    .is_some_and(|candidate| fold(candidate).ends_with(text.folded()))
            }),
            // As the language has it for `co` and `sw`.
            Literal::Integer(_) | Literal::Double(_) | Literal::Boolean(_) => Filter::Compare {
                field: field.clone(),
                operator: Operator::Eq,
                value: value.clone(),
            }
            .matches(object),
        },
        Filter::Extended { field, operator, value } if operator.eq_ignore_ascii_case("ca") => {
            all_of(value).into_iter().all(|value| {
                let equals = Filter::Compare {
                    field: field.clone(),
                    operator: Operator::Eq,
                    value,
                };
                equals.matches(object)
            })
        }
        Filter::Literal(_)
        | Filter::Present(_)
        | Filter::Compare { .. }
        | Filter::In { .. }
        | Filter::Extended { .. } => filter.matches(object),
    }
}

fn candidates(value: Option<&Value>) -> impl Iterator<Item = &Value> {
    match value {
        Some(Value::Array(items)) => items.iter(),
        Some(other) => std::slice::from_ref(other).iter(),
        None => [].iter(),
    }
}

/// What `ca` lists: the items of a JSON array in a text, or the value itself.
fn all_of(value: &Literal) -> Vec<Literal> {
    let Literal::Text(text) = value else {
        return vec![value.clone()];
    };
    match serde_json::from_str(text.written()) {
        Ok(Value::Array(items)) => items.iter().filter_map(literal).collect(),
        _ => vec![value.clone()],
    }
}

fn literal(value: &Value) -> Option<Literal> {
    match value {
        Value::String(text) => Some(Literal::text(text)),
        Value::Bool(value) => Some(Literal::Boolean(*value)),
        Value::Number(number) => number
            .as_i64()
            .map(Literal::Integer)
            .or_else(|| number.as_f64().map(Literal::Double)),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn two_operators_more() {
        let object = json!({"mail": "joe@Example.com", "tags": ["a", "B", 3], "n": 4});
        let check = |filter: &str, expected: bool| {
            assert_eq!(matches(&Filter::parse(filter).unwrap(), &object), expected, "{filter}");
        };
        check("mail ew '.COM'", true);
        check("mail ew '.org'", false);
        check("!(mail ew '.org')", true);
        check("tags ew 'b'", true);
        check("absent ew ''", false);
        check("n ew 4", true);
        check("n ew '4'", false);
        check("tags ca 'b'", true);
        check("tags ca '[\"a\",\"b\",3]'", true);
        check("tags ca '[\"a\",\"c\"]'", false);
        check("mail ew '.com' and tags ca 'x'", false);
        check("mail xx '.com' or tags ca 'a'", true);
        check("mail xx '.com'", false);
    }
}
