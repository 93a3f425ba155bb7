//! What a verb that writes answers.

use serde::de::DeserializeOwned;

use crate::Problem;

/// A resource as it is after a call, with `_id` and `_rev`. It is text until somebody reads it: most plugins do not.
#[derive(Clone, Debug)]
pub struct Answer(String);

impl Answer {
    pub(super) fn new(text: String) -> Self {
        Self(text)
    }

    /// The resource in whatever type you like to read it; [`crate::Value`] fits everything.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        super::parse(&self.0)
    }

    /// The resource's JSON.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
