//! The verb `patch`.

use serde_json::{Map, Value};

use super::Answer;
use crate::Problem;
use crate::bindings::objects;

/// Changes a resource, operation by operation; all of them or none.
pub fn patch(path: impl Into<String>) -> Patch {
    Patch {
        path: path.into(),
        rev: None,
        operations: Vec::new(),
    }
}

/// A patch that is being written. Fields are pointers such as `/address/city`.
#[must_use = "nothing happens before `send`"]
#[derive(Debug)]
pub struct Patch {
    path: String,
    rev: Option<String>,
    operations: Vec<Value>,
}

impl Patch {
    /// Only if this is still the resource's revision.
    pub fn rev(mut self, rev: impl Into<String>) -> Self {
        self.rev = Some(rev.into());
        self
    }

    /// Sets a field.
    pub fn replace(self, field: &str, value: impl Into<Value>) -> Self {
        self.operation("replace", field, Some(("value", value.into())))
    }

    /// Sets a field, or with a field such as `/list/-` appends to a list.
    pub fn add(self, field: &str, value: impl Into<Value>) -> Self {
        self.operation("add", field, Some(("value", value.into())))
    }

    /// Deletes a field.
    pub fn remove(self, field: &str) -> Self {
        self.operation("remove", field, None)
    }

    /// Adds to a number.
    pub fn increment(self, field: &str, by: impl Into<Value>) -> Self {
        self.operation("increment", field, Some(("value", by.into())))
    }

    /// Copies one field to another.
    pub fn copy(self, from: &str, field: &str) -> Self {
        self.operation("copy", field, Some(("from", from.into())))
    }

    /// Moves one field to another.
    pub fn rename(self, from: &str, field: &str) -> Self {
        self.operation("move", field, Some(("from", from.into())))
    }

    /// Does it, and answers the resource as it is then.
    pub fn send(self) -> Result<Answer, Problem> {
        let operations = Value::Array(self.operations).to_string();
        let answer = objects::patch(&self.path, self.rev.as_deref(), &operations, &[])?;
        Ok(Answer::new(answer))
    }

    fn operation(mut self, operation: &str, field: &str, operand: Option<(&str, Value)>) -> Self {
        let mut members = Map::new();
        members.insert("operation".into(), operation.into());
        members.insert("field".into(), field.into());
        members.extend(operand.map(|(name, value)| (name.into(), value)));
        self.operations.push(members.into());
        self
    }
}
