//! The id of an object within its type.

use std::fmt;
use std::sync::Arc;

use host_resource::Problem;
use host_resource::path::MAX_ELEMENT;

/// 1 to [`MAX_ELEMENT`] bytes without control characters. A slash is allowed: paths carry it percent-encoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ObjectId(Arc<str>);

/// Why a text is not the id of an object.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum IdError {
    /// No character at all.
    #[error("an object's id has at least one character")]
    Empty,
    /// More than [`MAX_ELEMENT`] bytes.
    #[error("an object's id has at most {MAX_ELEMENT} bytes, not {0}")]
    Long(usize),
    /// A control character, which paths and store keys cannot hold.
    #[error("an object's id has no control characters")]
    Control,
}

impl ObjectId {
    /// Takes a text that a client chose.
    pub(super) fn parse(text: &str) -> Result<Self, IdError> {
        match text {
            "" => Err(IdError::Empty),
            text if text.len() > MAX_ELEMENT => Err(IdError::Long(text.len())),
            text if text.chars().any(char::is_control) => Err(IdError::Control),
            text => Ok(Self(text.into())),
        }
    }

    /// The id as text.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<ObjectId> for Arc<str> {
    fn from(id: ObjectId) -> Self {
        id.0
    }
}

impl From<IdError> for Problem {
    fn from(error: IdError) -> Self {
        Self::bad_request(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_any_short_text_without_control_characters() {
        let check = |text: &str, expected: Result<(), IdError>| {
            assert_eq!(ObjectId::parse(text).map(drop), expected, "{text:?}");
        };
        check("bjensen", Ok(()));
        check("uid=joe,ou=people/dc=example", Ok(()));
        check("é ü", Ok(()));
        check(&"x".repeat(MAX_ELEMENT), Ok(()));
        check("", Err(IdError::Empty));
        check(&"x".repeat(MAX_ELEMENT + 1), Err(IdError::Long(MAX_ELEMENT + 1)));
        check("a\0b", Err(IdError::Control));
        check("a\nb", Err(IdError::Control));
    }
}
