//! The query filter language: `/userName eq "joe" and !(/sunset/task-completed pr)`. This file has the words.
//! `parse` reads them and `print` writes them, `eval` and [`raw`] evaluate them, [`bounds`] finds what an index has to be
//! asked, [`Needles`] what the text of an object must have, [`fold`] is how texts compare.

use std::fmt;
use std::str::FromStr;

use crate::pointer::Pointer;

pub mod bounds;
mod eval;
pub mod fold;
mod needles;
mod parse;
mod print;
pub mod raw;
#[cfg(test)]
pub(crate) mod strategy;

pub use bounds::{Bounds, Range};
pub use eval::Scalar;
pub use needles::Needles;
pub use raw::{Extractor, Matcher, extract};

/// A filter longer than this (bytes) is refused.
pub const MAX_LENGTH: usize = 64 * 1024;
/// A filter with more tests than this is refused; each value of an `in` counts as one.
pub const MAX_TERMS: usize = 1000;
/// Parentheses may be nested this deep (behaviour 1.9).
pub const MAX_NESTING: usize = 63;

/// A condition on an object.
#[derive(Clone, Debug, PartialEq)]
pub enum Filter {
    /// Everything or nothing.
    Literal(bool),
    /// All of them.
    And(Vec<Filter>),
    /// Any of them.
    Or(Vec<Filter>),
    /// Not this one.
    Not(Box<Filter>),
    /// There is a value, and it is not null.
    Present(Pointer),
    /// A value compares.
    Compare {
        /// Where the value is.
        field: Pointer,
        /// How it compares.
        operator: Operator,
        /// With what.
        value: Literal,
    },
    /// A value equals one of those listed: `/name in '["a","b"]'`.
    In {
        /// Where the value is.
        field: Pointer,
        /// What it may equal.
        values: Vec<Literal>,
    },
    /// An operator that the language allows and nothing here knows. It never matches.
    Extended {
        /// Where the value is.
        field: Pointer,
        /// The operator's name.
        operator: String,
        /// With what.
        value: Literal,
    },
}

/// How a value compares with a literal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operator {
    /// Equals.
    Eq,
    /// Contains; of numbers and booleans: equals.
    Co,
    /// Starts with; of numbers and booleans: equals.
    Sw,
    /// Is less.
    Lt,
    /// Is less or equals.
    Le,
    /// Is greater.
    Gt,
    /// Is greater or equals.
    Ge,
}

/// The operators by name.
const OPERATORS: [(&str, Operator); 7] = [
    ("eq", Operator::Eq),
    ("co", Operator::Co),
    ("sw", Operator::Sw),
    ("lt", Operator::Lt),
    ("le", Operator::Le),
    ("gt", Operator::Gt),
    ("ge", Operator::Ge),
];

/// What a value is compared with.
#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    /// A text in quotes.
    Text(Text),
    /// A number without a dot.
    Integer(i64),
    /// A number with a dot.
    Double(f64),
    /// `true` or `false`.
    Boolean(bool),
}

/// A text as it was written, and the form that comparisons use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    written: Box<str>,
    folded: Box<str>,
}

/// Why a text is no filter: what stands where, and what could.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{found} at position {position}: expected {expected}")]
pub struct FilterError {
    /// Counted in characters from zero.
    pub position: usize,
    /// What stands there, such as ``unmatched `)` ``.
    pub found: String,
    /// What could stand there instead.
    pub expected: String,
}

impl Filter {
    /// Parses a filter. Keywords and operators are read without regard to case.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        parse::parse(text)
    }

    /// All of the filters: of none it is true, of one that one.
    pub fn and(filters: Vec<Self>) -> Self {
        Self::join(filters, Self::And, true)
    }

    /// Any of the filters: of none it is false, of one that one.
    pub fn or(filters: Vec<Self>) -> Self {
        Self::join(filters, Self::Or, false)
    }

    fn join(mut filters: Vec<Self>, join: fn(Vec<Self>) -> Self, of_none: bool) -> Self {
        match filters.len() {
            0 | 1 => filters.pop().unwrap_or(Self::Literal(of_none)),
            _ => join(filters),
        }
    }

    /// A comparison with a text.
    pub fn text(field: Pointer, operator: Operator, text: &str) -> Self {
        Self::Compare {
            field,
            operator,
            value: Literal::text(text),
        }
    }

    /// The fields that the filter looks at, in the order of its text, each as often as it is there.
    pub fn fields(&self) -> impl Iterator<Item = &Pointer> {
        let mut rest = vec![self];
        std::iter::from_fn(move || {
            while let Some(filter) = rest.pop() {
                match filter {
                    Self::Literal(_) => {}
                    Self::And(inner) | Self::Or(inner) => rest.extend(inner.iter().rev()),
                    Self::Not(inner) => rest.push(inner),
                    Self::Present(field)
                    | Self::Compare { field, .. }
                    | Self::In { field, .. }
                    | Self::Extended { field, .. } => {
                        return Some(field);
                    }
                }
            }
            None
        })
    }
}

impl Operator {
    /// The name in a filter.
    pub fn name(self) -> &'static str {
        match self {
            Self::Eq => "eq",
            Self::Co => "co",
            Self::Sw => "sw",
            Self::Lt => "lt",
            Self::Le => "le",
            Self::Gt => "gt",
            Self::Ge => "ge",
        }
    }

    fn by_name(name: &str) -> Option<Self> {
        OPERATORS
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, operator)| *operator)
    }
}

impl Literal {
    /// A text.
    pub fn text(written: &str) -> Self {
        Self::Text(Text::new(written))
    }
}

impl Text {
    /// A text with its folded form.
    pub fn new(written: &str) -> Self {
        Self {
            written: written.into(),
            folded: fold::fold(written).into(),
        }
    }

    /// As it was written.
    pub fn written(&self) -> &str {
        &self.written
    }

    /// As it compares.
    pub fn folded(&self) -> &str {
        &self.folded
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Filter {
    type Err = FilterError;

    fn from_str(text: &str) -> Result<Self, FilterError> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_tells_which_fields_it_looks_at() {
        let filter = Filter::parse("b pr and (!(a eq 1) or true or c in '[1]') and b ne 1").unwrap();
        assert_eq!(
            filter.fields().map(Pointer::to_string).collect::<Vec<_>>(),
            ["/b", "/a", "/c", "/b"]
        );
    }
}
