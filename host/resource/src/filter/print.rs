//! The canonical text of a filter: parentheses around every `and` and `or`, `! (x)`, double quotes. Parsing it gives the
//! same filter again.

use std::fmt;

use serde_json::Value;

use super::{Filter, Literal, MAX_NESTING};

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Full parentheses may be nested deeper than the parser allows although the filter came from it, because it
        // was written without those that precedence makes needless. Then these are left out.
        let is_sparse = nesting(self) > MAX_NESTING;
        write_filter(f, self, if is_sparse { Place::Bare } else { Place::Full })
    }
}

/// What is around a part that is printed.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    /// Parentheses everywhere.
    Full,
    /// Needful parentheses only: nothing around.
    Bare,
    /// Needful parentheses only: inside an `or`.
    Or,
    /// Needful parentheses only: inside an `and` or a `!`.
    Tight,
}

fn write_filter(f: &mut fmt::Formatter<'_>, filter: &Filter, place: Place) -> fmt::Result {
    match filter {
        Filter::Literal(value) => write!(f, "{value}"),
        Filter::And(inner) if inner.is_empty() => f.write_str("true"),
        Filter::Or(inner) if inner.is_empty() => f.write_str("false"),
        Filter::And(inner) => {
            let has_parentheses = matches!(place, Place::Full | Place::Tight);
            write_joined(
                f,
                inner,
                " and ",
                has_parentheses,
                if place == Place::Full {
                    Place::Full
                } else {
                    Place::Tight
                },
            )
        }
        Filter::Or(inner) => write_joined(
            f,
            inner,
            " or ",
            place != Place::Bare,
            if place == Place::Full { Place::Full } else { Place::Or },
        ),
        Filter::Not(inner) => write_not(f, inner, place),
        Filter::Present(field) => write!(f, "{field} pr"),
        Filter::Compare { field, operator, value } => write!(f, "{field} {operator} {value}"),
        Filter::In { field, values } => {
            let list = Value::from_iter(values.iter().map(to_json));
            write!(f, "{field} in {}", Literal::text(&list.to_string()))
        }
        Filter::Extended { field, operator, value } => write!(f, "{field} {operator} {value}"),
    }
}

fn write_joined(
    f: &mut fmt::Formatter<'_>,
    inner: &[Filter],
    word: &str,
    has_parentheses: bool,
    place: Place,
) -> fmt::Result {
    if has_parentheses {
        f.write_str("(")?;
    }
    for (position, filter) in inner.iter().enumerate() {
        if position > 0 {
            f.write_str(word)?;
        }
        write_filter(f, filter, place)?;
    }
    if has_parentheses { f.write_str(")") } else { Ok(()) }
}

fn write_not(f: &mut fmt::Formatter<'_>, inner: &Filter, place: Place) -> fmt::Result {
    let is_single = !matches!(inner, Filter::And(_) | Filter::Or(_) | Filter::Not(_));
    f.write_str("! ")?;
    if place != Place::Full && is_single {
        return write_filter(f, inner, place);
    }
    f.write_str("(")?;
    write_filter(f, inner, if place == Place::Full { Place::Full } else { Place::Bare })?;
    f.write_str(")")
}

/// How deep the parentheses of the full form are nested.
fn nesting(filter: &Filter) -> usize {
    match filter {
        Filter::And(inner) | Filter::Or(inner) => 1 + inner.iter().map(nesting).max().unwrap_or(0),
        Filter::Not(inner) => 1 + nesting(inner),
        Filter::Literal(_)
        | Filter::Present(_)
        | Filter::Compare { .. }
        | Filter::In { .. }
        | Filter::Extended { .. } => 0,
    }
}

fn to_json(literal: &Literal) -> Value {
    match literal {
        Literal::Text(text) => text.written().into(),
        Literal::Integer(number) => (*number).into(),
        Literal::Double(number) => (*number).into(),
        Literal::Boolean(value) => (*value).into(),
    }
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => {
                f.write_str("\"")?;
                for letter in text.written().chars() {
                    if matches!(letter, '"' | '\\') {
                        f.write_str("\\")?;
                    }
                    write!(f, "{letter}")?;
                }
                f.write_str("\"")
            }
            Self::Integer(number) => write!(f, "{number}"),
            Self::Double(number) => f.write_str(&with_dot(*number)),
            Self::Boolean(value) => write!(f, "{value}"),
        }
    }
}

/// A double always has a dot, which is how the parser knows it from an integer.
fn with_dot(number: f64) -> String {
    if number.is_infinite() {
        return if number > 0.0 {
            "1.0e999".to_owned()
        } else {
            "-1.0e999".to_owned()
        };
    }
    let mut text = format!("{number:?}");
    if !text.contains('.') {
        let at = text.find('e').unwrap_or(text.len());
        text.insert_str(at, ".0");
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::strategy::{filter, odd_pointer};
    use super::*;
    use crate::pointer::Pointer;

    #[test]
    fn a_filter_without_needless_parentheses_prints_without_them_when_it_is_deep() {
        let field = || Filter::Present(Pointer::parse("a").unwrap());
        let text = format!(
            "{}a pr{}",
            "a pr or a pr and ! a pr and (".repeat(MAX_NESTING),
            ")".repeat(MAX_NESTING)
        );
        let deep = Filter::parse(&text).unwrap();
        assert!(nesting(&deep) > MAX_NESTING);
        assert_eq!(Filter::parse(&deep.to_string()), Ok(deep));

        let mut nots = field();
        for _ in 0..MAX_NESTING {
            nots = Filter::Not(Box::new(nots));
        }
        assert_eq!(Filter::parse(&nots.to_string()), Ok(nots));
    }

    #[test]
    fn joining_nothing_is_a_literal() {
        assert_eq!(Filter::and(vec![]), Filter::Literal(true));
        assert_eq!(Filter::or(vec![]), Filter::Literal(false));
        assert_eq!(Filter::And(vec![]).to_string(), "true");
        assert_eq!(Filter::Or(vec![]).to_string(), "false");
    }

    proptest! {
        #[test]
        fn a_printed_filter_reads_the_same(filter in filter(odd_pointer().boxed(), any::<String>().boxed())) {
            prop_assert_eq!(Filter::parse(&filter.to_string()), Ok(filter));
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in "[ab()!'\"\\\\. 1eqpr%/\u{e9}-]{0,40}") {
            if let Ok(filter) = Filter::parse(&text) {
                prop_assert_eq!(Filter::parse(&filter.to_string()), Ok(filter));
            }
        }
    }
}
