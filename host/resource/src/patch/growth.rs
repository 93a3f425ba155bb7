//! How large and how deep operations may make an object. What is written is weighed as it is written, the whole object
//! only when so much has been written that it may have become too large: a thousand operations cost no thousand looks
//! at everything.

use serde_json::Value;

use super::{PatchError, PatchLimits};
use crate::pointer::Pointer;

pub(super) struct Growth {
    limits: PatchLimits,
    /// Bytes that were written since the object was last known to fit.
    written: usize,
}

impl Growth {
    pub(super) fn new(limits: PatchLimits) -> Self {
        Self { limits, written: 0 }
    }

    /// Refuses a value that would stand too deep at this place, and remembers what it weighs.
    pub(super) fn admit(&mut self, field: &Pointer, value: &Value) -> Result<(), PatchError> {
        let room = self.limits.depth.saturating_sub(field.elements().len());
        let weight = weigh(value, room).ok_or_else(|| PatchError::Deep(field.clone(), self.limits.depth))?;
        let names: usize = field.elements().iter().map(|name| name.len() + 4).sum();
        self.written = self.written.saturating_add(weight).saturating_add(names);
        Ok(())
    }

    /// Refuses the object when it has become too large.
    pub(super) fn check(&mut self, target: &Value) -> Result<(), PatchError> {
        if self.written <= self.limits.bytes {
            return Ok(());
        }
        let weight = weigh(target, usize::MAX).unwrap_or(usize::MAX);
        if weight > self.limits.bytes {
            return Err(PatchError::Large(self.limits.bytes));
        }
        self.written = weight;
        Ok(())
    }
}

/// About how many bytes a value has as JSON; none when it has more than so many objects and arrays inside each other.
fn weigh(value: &Value, depth: usize) -> Option<usize> {
    let inside = |value: &Value| weigh(value, depth.checked_sub(1)?);
    match value {
        Value::Null | Value::Bool(_) => Some(5),
        Value::Number(_) => Some(8),
        Value::String(text) => Some(text.len() + 2),
        Value::Array(_) | Value::Object(_) if depth == 0 => None,
        Value::Array(items) => items.iter().try_fold(2_usize, |sum, item| {
            Some(sum.saturating_add(inside(item)?).saturating_add(1))
        }),
        Value::Object(members) => members.iter().try_fold(2_usize, |sum, (name, value)| {
            Some(sum.saturating_add(inside(value)?).saturating_add(name.len() + 4))
        }),
    }
}
