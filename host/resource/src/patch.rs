//! Changing parts of an object: the seven patch operations (behaviour 1.11).

use std::fmt;

use serde_json::{Number, Value};

use crate::pointer::{Pointer, PointerError, index};

mod backup;
mod difference;
mod growth;
#[cfg(test)]
mod tests;
mod wire;

pub use difference::difference;

use backup::Backup;
use growth::Growth;

/// A patch with more operations is refused.
pub const MAX_OPERATIONS: usize = 1000;

/// What a patch may make of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PatchLimits {
    /// About so many bytes of JSON. An object that is larger already may still be patched, but not grow by as much.
    pub bytes: usize,
    /// So many objects and arrays inside each other, where something is written.
    pub depth: usize,
}

impl Default for PatchLimits {
    /// What the body of a request may have: 4 MiB, and a depth of 100.
    fn default() -> Self {
        Self {
            bytes: 4 * 1024 * 1024,
            depth: 100,
        }
    }
}

/// One change.
#[derive(Clone, Debug, PartialEq)]
pub struct PatchOperation {
    /// What to do.
    pub operation: Op,
    /// Where.
    pub field: Pointer,
    /// With what.
    pub value: Option<Value>,
    /// From where, for `move` and `copy`.
    pub from: Option<Pointer>,
}

/// The kinds of change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Op {
    /// Sets a field; `-` appends to an array.
    Add,
    /// Removes a field, or the items of an array that equal the value.
    Remove,
    /// Sets a field.
    Replace,
    /// Adds to a number, or to every number of an array.
    Increment,
    /// Takes a value from one field to another.
    Move,
    /// Sets a field to the value of another.
    Copy,
    /// Sets a field to what a script makes of it.
    Transform,
}

/// Why a patch is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatchError {
    /// The patch is not written as a patch.
    #[error("{pointer}: {message}")]
    Form {
        /// Where in the patch.
        pointer: Pointer,
        /// What would be right.
        message: String,
    },
    /// `_id` and `_rev` are not changed by a patch.
    #[error("the field '{0}' cannot be patched")]
    Identity(Pointer),
    /// The whole object can only be set, to another object.
    #[error("the whole object can only be added or replaced, by an object: name a field")]
    Root,
    /// Nothing is copied or moved over a value.
    #[error("the field '{0}' exists already")]
    Occupied(Pointer),
    /// Nothing is moved into itself.
    #[error("the field '{0}' cannot be moved into itself")]
    Inside(Pointer),
    /// A number that JSON cannot hold.
    #[error("the field '{0}' would become too large a number")]
    Overflow(Pointer),
    /// A value that would stand too deep.
    #[error("the field '{0}' would have more than {1} objects and arrays inside each other")]
    Deep(Pointer, usize),
    /// A copy of a copy of a copy.
    #[error("the object would become larger than {0} bytes")]
    Large(usize),
    /// A `transform` where no scripts run.
    #[error("transform needs a script runner, and there is none here")]
    NoRunner,
    // The texts of the following are compatibility: behaviour 1.11.
    /// A position in an array means another item as soon as somebody else changes it.
    #[error("Position-based operation is not allowed: {0}")]
    Position(Pointer),
    /// An `increment` of nothing.
    #[error("The field '{0}' does not exist")]
    Absent(Pointer),
    /// An `increment` of something else.
    #[error("The field '{0}' is not a number")]
    NoNumber(Pointer),
    /// A `transform` without a script.
    #[error("Expecting a script member")]
    NoScript,
    /// A script that failed.
    #[error("Failed to eval script {script}: {message}")]
    Script {
        /// The script, shortened.
        script: String,
        /// What it said.
        message: String,
    },
    /// The value cannot be written there.
    #[error(transparent)]
    Write(#[from] PointerError),
}

/// Applies operations in order and says whether the object is another one now. When one fails, the object is as it was
/// before the first. There are no scripts here: a `transform` is refused, unless [`PatchOperation::with_result`] made
/// another operation of it.
pub fn apply(operations: &[PatchOperation], target: &mut Value) -> Result<bool, PatchError> {
    let backup = Backup::of(operations, target);
    let mut growth = Growth::new(PatchLimits::default());
    for (position, operation) in operations.iter().enumerate() {
        let applied = operation
            .check(position)
            .and_then(|()| operation.apply(target, &mut growth))
            .and_then(|()| growth.check(target));
        if let Err(error) = applied {
            backup.restore(target);
            return Err(error);
        }
    }
    Ok(backup.differs(target))
}

impl PatchError {
    /// A script that failed with a message.
    pub fn script(script: &Value, message: &str) -> Self {
        Self::Script {
            script: shortened(script),
            message: message.to_owned(),
        }
    }
}

impl PatchOperation {
    /// The script of a `transform`.
    pub fn script(&self) -> Result<&Value, PatchError> {
        let script = self.value.as_ref().and_then(|value| value.get("script"));
        script.filter(|script| !script.is_null()).ok_or(PatchError::NoScript)
    }

    /// What a `transform` amounts to when its script has this result: null removes the field.
    #[must_use]
    pub fn with_result(&self, result: Value) -> Self {
        let (operation, value) = match result {
            Value::Null => (Op::Remove, None),
            value => (Op::Replace, Some(value)),
        };
        Self {
            operation,
            field: self.field.clone(),
            value,
            from: None,
        }
    }

    fn apply(&self, target: &mut Value, growth: &mut Growth) -> Result<(), PatchError> {
        for field in self.changes() {
            refuse_identity(field)?;
            refuse_position(field, target)?;
        }
        match self.operation {
            Op::Add | Op::Replace => self
                .value
                .clone()
                .map_or(Ok(()), |value| self.write(target, value, growth)),
            Op::Remove => self.remove(target),
            Op::Increment => self.increment(target),
            Op::Move | Op::Copy => self.transfer(target, growth),
            Op::Transform => self.script().and(Err(PatchError::NoRunner)),
        }
    }

    /// The fields that this may change.
    fn changes(&self) -> impl Iterator<Item = &Pointer> {
        let from = self.from.as_ref().filter(|_| self.operation == Op::Move);
        std::iter::once(&self.field).chain(from)
    }

    fn write(&self, target: &mut Value, value: Value, growth: &mut Growth) -> Result<(), PatchError> {
        growth.admit(&self.field, &value)?;
        if !self.field.is_root() {
            return Ok(self.field.set(target, value)?);
        }
        let Value::Object(mut members) = value else {
            return Err(PatchError::Root);
        };
        for name in ["_rev", "_id"] {
            members.shift_remove(name);
            if let Some(identity) = target.get_mut(name) {
                members.shift_insert(0, name.to_owned(), identity.take());
            }
        }
        *target = Value::Object(members);
        Ok(())
    }

    fn remove(&self, target: &mut Value) -> Result<(), PatchError> {
        if self.field.is_root() {
            return Err(PatchError::Root);
        }
        let Some(unwanted) = &self.value else {
            self.field.remove(target);
            return Ok(());
        };
        match self.field.get_mut(target) {
            Some(value) if value == unwanted => drop(self.field.remove(target)),
            Some(Value::Array(items)) => items.retain(|item| item != unwanted),
            Some(_) | None => {}
        }
        Ok(())
    }

    fn increment(&self, target: &mut Value) -> Result<(), PatchError> {
        let Some(Value::Number(by)) = &self.value else {
            return Ok(());
        };
        let values = match self.field.get_mut(target) {
            None | Some(Value::Null) => return Err(PatchError::Absent(self.field.clone())),
            Some(Value::Array(items)) => &mut items[..],
            Some(value) => std::slice::from_mut(value),
        };
        for value in values {
            let Value::Number(number) = value else {
                return Err(PatchError::NoNumber(self.field.clone()));
            };
            *number = sum(number, by).ok_or_else(|| PatchError::Overflow(self.field.clone()))?;
        }
        Ok(())
    }

    fn transfer(&self, target: &mut Value, growth: &mut Growth) -> Result<(), PatchError> {
        let Some(from) = &self.from else { return Ok(()) };
        refuse_position(from, target)?;
        let Some(value) = from.get(target).filter(|value| !value.is_null()) else {
            return Ok(());
        };
        if self.field.get(target).is_some_and(|value| !value.is_null()) {
            return Err(PatchError::Occupied(self.field.clone()));
        }
        if self.operation == Op::Copy {
            let value = value.clone();
            return self.write(target, value, growth);
        }
        if self.field.starts_with(from) {
            return Err(PatchError::Inside(from.clone()));
        }
        let value = from.remove(target).unwrap_or(Value::Null);
        self.write(target, value, growth)
    }
}

fn refuse_identity(field: &Pointer) -> Result<(), PatchError> {
    match field.elements().first().map(AsRef::as_ref) {
        Some("_id" | "_rev") => Err(PatchError::Identity(field.clone())),
        _ => Ok(()),
    }
}

fn refuse_position(field: &Pointer, target: &Value) -> Result<(), PatchError> {
    let is_index = field.last().is_some_and(|last| index(last).is_some());
    if is_index
        && field
            .parent()
            .is_some_and(|parent| parent.get(target).is_some_and(Value::is_array))
    {
        return Err(PatchError::Position(field.clone()));
    }
    Ok(())
}

/// The sum, in the type of the first: an integer stays one and loses the fraction of the sum.
fn sum(number: &Number, by: &Number) -> Option<Number> {
    let integer = |number: &Number| {
        number
            .as_i64()
            .map(i128::from)
            .or_else(|| number.as_u64().map(i128::from))
    };
    let Some(whole) = integer(number) else {
        return Number::from_f64(number.as_f64()? + by.as_f64()?);
    };
    let sum = match integer(by) {
        Some(by) => whole.checked_add(by)?,
        // Too large a double becomes the largest integer, which is then too large for the next line.
        None => (number.as_f64()? + by.as_f64()?).trunc() as i128,
    };
    i64::try_from(sum)
        .map(Number::from)
        .or_else(|_| u64::try_from(sum).map(Number::from))
        .ok()
}

/// The script for a message: up to 120 letters.
fn shortened(script: &Value) -> String {
    let text = script.to_string();
    match text.char_indices().nth(120) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Add => "add",
            Self::Remove => "remove",
            Self::Replace => "replace",
            Self::Increment => "increment",
            Self::Move => "move",
            Self::Copy => "copy",
            Self::Transform => "transform",
        })
    }
}
