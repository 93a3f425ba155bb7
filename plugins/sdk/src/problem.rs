//! Why a plugin says no.

use std::fmt;

use serde_json::Value;

use crate::bindings::types;

/// Why a call failed: a code of the common REST language, a sentence, and further facts.
///
/// The host's functions return it, and a plugin returns it to say no.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    /// An HTTP status code, 400 to 599.
    pub code: u16,
    /// What a person should read.
    pub message: String,
    /// Further facts; an object, or null for none.
    pub detail: Value,
}

impl Problem {
    /// A problem with any code from 400 to 599.
    pub fn new(code: u16, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            detail: Value::Null,
        }
    }

    /// 400: what was asked makes no sense.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, message)
    }

    /// 403: it may not be done.
    pub fn forbidden(message: impl Into<String>) -> Self {
        Self::new(403, message)
    }

    /// 404: it is not there.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(404, message)
    }

    /// 409: it does not fit with what is there.
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(409, message)
    }

    /// 412: somebody was faster.
    pub fn precondition_failed(message: impl Into<String>) -> Self {
        Self::new(412, message)
    }

    /// 500: it is broken.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(500, message)
    }

    /// 501: it cannot be done.
    pub fn unsupported(message: impl Into<String>) -> Self {
        Self::new(501, message)
    }

    /// 503: it cannot be done now.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::new(503, message)
    }

    /// The same with further facts.
    #[must_use]
    pub fn with_detail(self, detail: Value) -> Self {
        Self { detail, ..self }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message, self.code)
    }
}

impl std::error::Error for Problem {}

/// What could not be read from JSON, or written as JSON.
impl From<serde_json::Error> for Problem {
    fn from(error: serde_json::Error) -> Self {
        Self::internal(error.to_string())
    }
}

impl From<types::Problem> for Problem {
    fn from(problem: types::Problem) -> Self {
        let (code, types::Detail { message, detail }) = match problem {
            types::Problem::BadRequest(detail) => (400, detail),
            types::Problem::Forbidden(detail) => (403, detail),
            types::Problem::NotFound(detail) => (404, detail),
            types::Problem::Conflict(detail) => (409, detail),
            types::Problem::PreconditionFailed(detail) => (412, detail),
            types::Problem::Internal(detail) => (500, detail),
            types::Problem::Unsupported(detail) => (501, detail),
            types::Problem::Unavailable(detail) => (503, detail),
            types::Problem::Other(types::Coded { code, message, detail }) => (code, types::Detail { message, detail }),
        };
        // The host's detail is JSON; if it were not, the message would still say enough.
        let detail = detail
            .and_then(|json| serde_json::from_str(&json).ok())
            .unwrap_or_default();
        Self { code, message, detail }
    }
}

impl From<Problem> for types::Problem {
    fn from(Problem { code, message, detail }: Problem) -> Self {
        let detail = (!detail.is_null()).then(|| detail.to_string());
        match code {
            400 => Self::BadRequest(types::Detail { message, detail }),
            403 => Self::Forbidden(types::Detail { message, detail }),
            404 => Self::NotFound(types::Detail { message, detail }),
            409 => Self::Conflict(types::Detail { message, detail }),
            412 => Self::PreconditionFailed(types::Detail { message, detail }),
            500 => Self::Internal(types::Detail { message, detail }),
            501 => Self::Unsupported(types::Detail { message, detail }),
            503 => Self::Unavailable(types::Detail { message, detail }),
            code => Self::Other(types::Coded { code, message, detail }),
        }
    }
}
