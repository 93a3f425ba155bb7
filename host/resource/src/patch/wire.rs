//! A patch as it is written: an array of objects. Null members count as absent.

use serde_json::{Map, Value};

use super::{MAX_OPERATIONS, Op, PatchError, PatchOperation};
use crate::pointer::Pointer;

const OPERATIONS: [(&str, Op); 7] = [
    ("add", Op::Add),
    ("remove", Op::Remove),
    ("replace", Op::Replace),
    ("increment", Op::Increment),
    ("move", Op::Move),
    ("copy", Op::Copy),
    ("transform", Op::Transform),
];

/// Whether an operation has a member.
#[derive(Clone, Copy)]
enum Need {
    Required,
    Optional,
    Forbidden,
}

impl Op {
    /// How it stands with `value` and `from`.
    fn members(self) -> (Need, Need) {
        match self {
            Self::Add => (Need::Required, Need::Forbidden),
            Self::Remove => (Need::Optional, Need::Forbidden),
            Self::Replace => (Need::Required, Need::Forbidden),
            Self::Increment => (Need::Required, Need::Forbidden),
            Self::Move => (Need::Forbidden, Need::Required),
            Self::Copy => (Need::Forbidden, Need::Required),
            Self::Transform => (Need::Required, Need::Forbidden),
        }
    }
}

impl PatchOperation {
    /// The operation as it is written.
    pub fn to_json(&self) -> Value {
        let mut members = Map::new();
        members.insert("operation".to_owned(), self.operation.to_string().into());
        members.insert("field".to_owned(), self.field.to_string().into());
        if let Some(from) = &self.from {
            members.insert("from".to_owned(), from.to_string().into());
        }
        if let Some(value) = &self.value {
            members.insert("value".to_owned(), value.clone());
        }
        Value::Object(members)
    }

    /// Reads a patch. An operation's name is read without regard to case; a member that is not known is refused.
    pub fn parse_all(patch: &Value) -> Result<Vec<Self>, PatchError> {
        let Value::Array(items) = patch else {
            return Err(form(&[], "a patch is an array of operations"));
        };
        if items.len() > MAX_OPERATIONS {
            return Err(form(&[], &format!("a patch has at most {MAX_OPERATIONS} operations")));
        }
        items
            .iter()
            .enumerate()
            .map(|(position, item)| Self::parse(position, item))
            .collect()
    }

    fn parse(position: usize, item: &Value) -> Result<Self, PatchError> {
        let number = position.to_string();
        let Value::Object(members) = item else {
            return Err(form(
                &[&number],
                "an operation is an object with `operation` and `field`",
            ));
        };
        if let Some(name) = members
            .keys()
            .find(|name| !matches!(name.as_str(), "operation" | "field" | "value" | "from"))
        {
            return Err(form(
                &[&number, name],
                "an operation has `operation`, `field`, `value` and `from` only",
            ));
        }
        let operation = text(members, &number, "operation")?.and_then(operation_by_name);
        let operation = operation.ok_or_else(|| {
            let names = OPERATIONS.map(|(name, _)| name).join(", ");
            form(&[&number, "operation"], &format!("write one of {names}"))
        })?;
        let field = pointer(members, &number, "field")?;
        let field = field.ok_or_else(|| form(&[&number, "field"], "write the field to change, such as `/name`"))?;
        let from = pointer(members, &number, "from")?;
        let value = members.get("value").filter(|value| !value.is_null()).cloned();
        let parsed = Self {
            operation,
            field,
            value,
            from,
        };
        parsed.check(position)?;
        Ok(parsed)
    }

    /// Refuses an operation that lacks a member or has one too many.
    pub(super) fn check(&self, position: usize) -> Result<(), PatchError> {
        let operation = self.operation;
        let wrong = |name: &str, message: String| Err(form(&[&position.to_string(), name], &message));
        let script = self.value.as_ref().and_then(|value| value.get("script"));
        if operation == Op::Transform && script.is_none_or(Value::is_null) {
            return Err(PatchError::NoScript);
        }
        let (value, from) = operation.members();
        for (name, need, is_there) in [
            ("value", value, self.value.is_some()),
            ("from", from, self.from.is_some()),
        ] {
            match (need, is_there) {
                (Need::Required, false) => return wrong(name, format!("`{operation}` needs `{name}`, and not null")),
                (Need::Forbidden, true) => return wrong(name, format!("`{operation}` has no `{name}`")),
                (Need::Required, true) | (Need::Forbidden, false) | (Need::Optional, _) => {}
            }
        }
        if operation == Op::Increment && !self.value.as_ref().is_some_and(Value::is_number) {
            return wrong("value", "`increment` needs a number".to_owned());
        }
        Ok(())
    }
}

fn operation_by_name(name: &str) -> Option<Op> {
    OPERATIONS
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(name))
        .map(|(_, operation)| *operation)
}

fn text<'a>(members: &'a Map<String, Value>, number: &str, name: &str) -> Result<Option<&'a str>, PatchError> {
    match members.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(form(&[number, name], "write a string")),
    }
}

fn pointer(members: &Map<String, Value>, number: &str, name: &str) -> Result<Option<Pointer>, PatchError> {
    let text = text(members, number, name)?;
    text.map(Pointer::parse)
        .transpose()
        .map_err(|error| form(&[number, name], &error.to_string()))
}

fn form(elements: &[&str], message: &str) -> PatchError {
    PatchError::Form {
        pointer: Pointer::from_elements(elements.iter().copied()),
        message: message.to_owned(),
    }
}
