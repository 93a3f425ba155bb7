//! What of a filter a directory can be asked. A test is handed over only where the directory's own rule finds everything
//! that ours finds, and no negation is: a directory that does not know an attribute says neither yes nor no.

use host_resource::filter::{Literal, Operator};
use host_resource::{Filter, Pointer};

use super::schema::Schema;
use crate::bound::{Bound, EXACT, Translate};
use crate::connector::{NAME, PASSWORD, UID};
use crate::definition::{Kind, ObjectType, Property};

/// A filter of a directory (RFC 4515).
pub(super) type LdapFilter = Bound<Test>;

/// One test of it, the attribute first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Test {
    Present(String),
    Equal(String, String),
    /// What values begin with, contain, end with.
    Part(String, Place, String),
    AtLeast(String, i64),
    AtMost(String, i64),
}

/// Where a part of a text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Begin,
    Anywhere,
    End,
}

/// What decides how a filter is handed over.
#[derive(Clone, Copy)]
pub(super) struct Translation<'a> {
    pub(super) kind: &'a ObjectType,
    pub(super) schema: &'a Schema,
    /// None is the distinguished name.
    pub(super) uid_attribute: Option<&'a str>,
}

impl Translation<'_> {
    /// The distinguished name that everything has that matches, if the filter names one.
    pub(super) fn name(&self, filter: &Filter) -> Option<String> {
        match filter {
            Filter::And(inner) => inner.iter().find_map(|filter| self.name(filter)),
            Filter::Compare {
                field,
                operator: Operator::Eq,
                value: Literal::Text(text),
            } => {
                let [element] = field.elements() else { return None };
                let is_name = match self.kind.property(element) {
                    Some(property) => {
                        property.native == NAME || (property.native == UID && self.uid_attribute.is_none())
                    }
                    None => &**element == "_id" && self.uid_attribute.is_none(),
                };
                is_name.then(|| text.written().to_owned())
            }
            _ => None,
        }
    }

    fn test(&self, field: &Pointer, test: impl FnOnce(&str, Kind) -> LdapFilter) -> LdapFilter {
        match self.attribute(field) {
            Some((attribute, kind)) => test(attribute, kind),
            None => Bound::All,
        }
    }

    /// The attribute that a field is, if it is one that can be asked.
    fn attribute(&self, field: &Pointer) -> Option<(&str, Kind)> {
        let [element] = field.elements() else { return None };
        let property: Option<&Property> = self.kind.property(element);
        let (attribute, kind) = match property {
            Some(property) if !property.is_readable => return None,
            Some(property) => match property.native.as_str() {
                NAME | PASSWORD => return None,
                UID => (self.uid_attribute?, Kind::Text),
                native => (native, property.kind),
            },
            None if &**element == "_id" => (self.uid_attribute?, Kind::Text),
            None => return None,
        };
        is_attribute(attribute).then_some((attribute, kind))
    }

    fn equal(&self, attribute: &str, kind: Kind, value: &Literal) -> LdapFilter {
        match (kind, value) {
            (Kind::Text, Literal::Text(text))
                if is_plain(text.written()) && self.schema.finds_equal_texts(attribute) =>
            {
                Bound::Test(Test::Equal(attribute.to_owned(), text.written().to_owned()))
            }
            (Kind::Integer, Literal::Integer(number))
                if number.abs() < EXACT && self.schema.finds_equal_numbers(attribute) =>
            {
                Bound::Test(Test::Equal(attribute.to_owned(), number.to_string()))
            }
            _ => present(attribute),
        }
    }

    fn part(&self, attribute: &str, kind: Kind, place: Place, value: &Literal) -> LdapFilter {
        match (kind, value) {
            (Kind::Text, Literal::Text(text)) if is_plain(text.written()) && self.schema.finds_parts(attribute) => {
                Bound::Test(Test::Part(attribute.to_owned(), place, text.written().to_owned()))
            }
            (Kind::Integer, Literal::Integer(_)) => self.equal(attribute, kind, value),
            _ => present(attribute),
        }
    }

    fn ordered(&self, attribute: &str, kind: Kind, value: &Literal, bound: fn(String, i64) -> Test) -> LdapFilter {
        match (kind, value) {
            (Kind::Integer, Literal::Integer(number))
                if number.abs() < EXACT && self.schema.orders_numbers(attribute) =>
            {
                Bound::Test(bound(attribute.to_owned(), *number))
            }
            _ => present(attribute),
        }
    }
}

impl Translate for Translation<'_> {
    type Test = Test;

    fn present(&self, field: &Pointer) -> LdapFilter {
        self.test(field, |attribute, _| present(attribute))
    }

    fn compare(&self, field: &Pointer, operator: Operator, value: &Literal) -> LdapFilter {
        self.test(field, |attribute, kind| match operator {
            Operator::Eq => self.equal(attribute, kind, value),
            Operator::Co => self.part(attribute, kind, Place::Anywhere, value),
            Operator::Sw => self.part(attribute, kind, Place::Begin, value),
            Operator::Lt | Operator::Le => self.ordered(attribute, kind, value, Test::AtMost),
            Operator::Gt | Operator::Ge => self.ordered(attribute, kind, value, Test::AtLeast),
        })
    }

    fn ends(&self, field: &Pointer, value: &Literal) -> LdapFilter {
        self.test(field, |attribute, kind| self.part(attribute, kind, Place::End, value))
    }
}

fn present(attribute: &str) -> LdapFilter {
    Bound::Test(Test::Present(attribute.to_owned()))
}

/// Whether a name can stand in a filter as it is.
fn is_attribute(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | ';'))
}

/// Whether a directory prepares a text (RFC 4518) to nothing but itself without regard to case.
fn is_plain(text: &str) -> bool {
    let is_printable = text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    is_printable && !text.is_empty() && text.trim() == text && !text.contains("  ")
}

impl Bound<Test> {
    /// The text of the filter; empty where it is no condition.
    pub(super) fn text(&self) -> String {
        let list = |filters: &[Self]| filters.iter().map(Self::text).collect::<String>();
        match self {
            Self::All => String::new(),
            // No entry is without an object class.
            Self::Nothing => "(!(objectClass=*))".to_owned(),
            Self::And(filters) => format!("(&{})", list(filters)),
            Self::Or(filters) => format!("(|{})", list(filters)),
            Self::Test(Test::Present(attribute)) => format!("({attribute}=*)"),
            Self::Test(Test::Equal(attribute, value)) => format!("({attribute}={})", escaped(value)),
            Self::Test(Test::Part(attribute, Place::Begin, value)) => format!("({attribute}={}*)", escaped(value)),
            Self::Test(Test::Part(attribute, Place::Anywhere, value)) => format!("({attribute}=*{}*)", escaped(value)),
            Self::Test(Test::Part(attribute, Place::End, value)) => format!("({attribute}=*{})", escaped(value)),
            Self::Test(Test::AtLeast(attribute, number)) => format!("({attribute}>={number})"),
            Self::Test(Test::AtMost(attribute, number)) => format!("({attribute}<={number})"),
        }
    }
}

/// A value as it stands in a filter.
pub(super) fn escaped(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for byte in value.bytes() {
        match byte {
            b' '..=b'~' if !b"()*\\".contains(&byte) => text.push(char::from(byte)),
            _ => text.push_str(&format!("\\{byte:02x}")),
        }
    }
    text
}

#[cfg(test)]
mod tests;
