//! Why a piece of configuration is refused: the place in it, what is wrong there, and what would be right.

use host_resource::{Pointer, Problem};

/// A refusal that names its place. The message is a sentence or two for the person who wrote the configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{pointer}: {message}")]
pub struct Invalid {
    /// Where in the document.
    pub pointer: Pointer,
    /// What is wrong, and what would be right.
    pub message: String,
}

impl Invalid {
    /// A refusal of the value at `pointer`.
    pub fn new(pointer: Pointer, message: impl Into<String>) -> Invalid {
        Invalid {
            pointer,
            message: message.into(),
        }
    }
}

impl From<Invalid> for Problem {
    fn from(invalid: Invalid) -> Problem {
        Problem::invalid(invalid.pointer, invalid.message)
    }
}
