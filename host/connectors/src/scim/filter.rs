//! What of a filter a service can be asked (RFC 7644, 3.4.2.2). A test is handed over only where the service's schema says
//! that it finds everything that ours finds.

use host_resource::filter::{Literal, Operator};
use host_resource::{Filter, Pointer};

use super::layout::Layout;
use super::path::AttributePath;
use super::provider::{Attribute, Provider};
use crate::bound::{Bound, EXACT, Translate};
use crate::connector::UID;

/// A longer filter (bytes) is not handed over: it is part of an address.
const MAX_LENGTH: usize = 4000;
/// What a service is asked for, each test as it is written.
pub(super) type Asked = Bound<String>;

/// What decides how a filter is handed over.
#[derive(Clone, Copy)]
pub(super) struct Translation<'a> {
    pub(super) layout: &'a Layout<'a>,
    pub(super) provider: &'a Provider,
}

impl Translation<'_> {
    /// The id that everything has that matches, if the filter names one.
    pub(super) fn id(&self, filter: &Filter) -> Option<String> {
        match filter {
            Filter::And(inner) => inner.iter().find_map(|filter| self.id(filter)),
            Filter::Compare {
                field,
                operator: Operator::Eq,
                value: Literal::Text(text),
            } => self.is_id(field).then(|| text.written().to_owned()),
            _ => None,
        }
    }

    fn is_id(&self, field: &Pointer) -> bool {
        let [element] = field.elements() else { return false };
        match self.layout.kind.property(element) {
            Some(property) => property.native == UID,
            None => &**element == "_id",
        }
    }

    /// How requests write the attribute that a field is, and what the service says of it.
    fn attribute(&self, field: &Pointer) -> Option<(String, &Attribute)> {
        let (first, part) = match field.elements() {
            [first] => (first, None),
            [first, part] => (first, Some(part)),
            _ => return None,
        };
        let property = self
            .layout
            .kind
            .property(first)
            .filter(|property| property.is_readable)?;
        let mut path: AttributePath = self.layout.path(&property.native)?.clone();
        if let Some(part) = part {
            // A part of one object; the parts of several have a position first.
            if property.is_multi || path.sub.is_some() || path.select.is_some() {
                return None;
            }
            path.sub = Some(part.to_string());
            let known = self.provider.attribute(&self.layout.of, &path)?;
            return Some((path.text(), known));
        }
        let known = self.provider.attribute(&self.layout.of, &path)?;
        Some((path.text(), known))
    }
}

impl Translate for Translation<'_> {
    type Test = String;

    /// Services differ in whether an empty text is present.
    fn present(&self, _field: &Pointer) -> Asked {
        Bound::All
    }

    fn compare(&self, field: &Pointer, operator: Operator, value: &Literal) -> Asked {
        // The id is an address as well: what is found by it is what is read by it, letter by letter.
        if self.is_id(field) {
            return match (operator, value) {
                (Operator::Eq, Literal::Text(text)) if is_plain(text.written()) => {
                    Bound::Test(format!("id eq {}", quoted(text.written())))
                }
                _ => Bound::All,
            };
        }
        let Some((path, attribute)) = self.attribute(field) else {
            return Bound::All;
        };
        match (operator, value) {
            (Operator::Eq, Literal::Text(_)) => texts(&path, attribute, "eq", value),
            (Operator::Co, Literal::Text(_)) => texts(&path, attribute, "co", value),
            (Operator::Sw, Literal::Text(_)) => texts(&path, attribute, "sw", value),
            (Operator::Eq | Operator::Co | Operator::Sw, Literal::Boolean(value)) if attribute.kind == "boolean" => {
                Bound::Test(format!("{path} eq {value}"))
            }
            (operator, Literal::Integer(number)) if attribute.kind == "integer" && number.abs() < EXACT => {
                let operator = match operator {
                    Operator::Eq | Operator::Co | Operator::Sw => "eq",
                    Operator::Lt => "lt",
                    Operator::Le => "le",
                    Operator::Gt => "gt",
                    Operator::Ge => "ge",
                };
                Bound::Test(format!("{path} {operator} {number}"))
            }
            _ => Bound::All,
        }
    }

    fn ends(&self, field: &Pointer, value: &Literal) -> Asked {
        match self.attribute(field) {
            Some((path, attribute)) => texts(&path, attribute, "ew", value),
            None => Bound::All,
        }
    }
}

fn texts(path: &str, attribute: &Attribute, operator: &str, value: &Literal) -> Asked {
    match value {
        Literal::Text(text) if is_plain(text.written()) && attribute.kind == "string" && !attribute.is_case_exact => {
            Bound::Test(format!("{path} {operator} {}", quoted(text.written())))
        }
        _ => Bound::All,
    }
}

/// Whether a text is the same for every service but for case.
fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) && !text.is_empty() && text.trim() == text
}

/// A text as it stands in a filter: as in JSON.
pub(super) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

impl Bound<String> {
    /// The text of a filter; none where there is nothing to say, or too much.
    pub(super) fn text(&self) -> Option<String> {
        let text = self.written();
        (!text.is_empty() && text.len() <= MAX_LENGTH).then_some(text)
    }

    fn written(&self) -> String {
        let list = |bounds: &[Self], word: &str| {
            let written: Vec<String> = bounds.iter().map(Self::written).collect();
            format!("({})", written.join(word))
        };
        match self {
            Self::All | Self::Nothing => String::new(),
            Self::And(bounds) => list(bounds, " and "),
            Self::Or(bounds) => list(bounds, " or "),
            Self::Test(text) => text.clone(),
        }
    }
}

#[cfg(test)]
mod tests;
