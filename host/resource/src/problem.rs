//! What went wrong, in the words of the common REST language: code, reason, message, detail.

use std::fmt;

use serde_json::{Map, Value, json};

/// The status codes that the language knows, with their reasons.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Code(u16);

impl Code {
    /// 400 Bad Request
    pub const BAD_REQUEST: Self = Self(400);
    /// 401 Unauthorized
    pub const UNAUTHORIZED: Self = Self(401);
    /// 403 Forbidden
    pub const FORBIDDEN: Self = Self(403);
    /// 404 Not Found
    pub const NOT_FOUND: Self = Self(404);
    /// 409 Conflict
    pub const CONFLICT: Self = Self(409);
    /// 412 Precondition Failed
    pub const PRECONDITION_FAILED: Self = Self(412);
    /// 413 Request Entity Too Large
    pub const TOO_LARGE: Self = Self(413);
    /// 429 Too Many Requests
    pub const TOO_MANY: Self = Self(429);
    /// 500 Internal Server Error
    pub const INTERNAL: Self = Self(500);
    /// 501 Not Implemented
    pub const UNSUPPORTED: Self = Self(501);
    /// 503 Service Unavailable
    pub const UNAVAILABLE: Self = Self(503);

    /// An error code between 400 and 599; anything else becomes 500.
    pub fn new(code: u16) -> Self {
        if (400..600).contains(&code) {
            Self(code)
        } else {
            Self::INTERNAL
        }
    }

    /// The number.
    pub fn number(self) -> u16 {
        self.0
    }

    /// The standard phrase.
    pub fn reason(self) -> &'static str {
        match self.0 {
            400 => "Bad Request",
            401 => "Unauthorized",
            402 => "Payment Required",
            403 => "Forbidden",
            404 => "Not Found",
            405 => "Method Not Allowed",
            406 => "Not Acceptable",
            407 => "Proxy Authentication Required",
            408 => "Request Time-out",
            409 => "Conflict",
            410 => "Gone",
            411 => "Length Required",
            412 => "Precondition Failed",
            413 => "Request Entity Too Large",
            414 => "Request-URI Too Large",
            415 => "Unsupported Media Type",
            416 => "Requested range not satisfiable",
            417 => "Expectation Failed",
            428 => "Precondition Required",
            429 => "Too Many Requests",
            500 => "Internal Server Error",
            501 => "Not Implemented",
            502 => "Bad Gateway",
            503 => "Service Unavailable",
            504 => "Gateway Time-out",
            505 => "HTTP Version not supported",
            _ => "Resource Exception",
        }
    }
}

/// An error answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    /// The status.
    pub code: Code,
    /// What a person reads.
    pub message: String,
    /// Further facts, an object; left out of the answer when none.
    pub detail: Option<Box<Value>>,
}

impl Problem {
    /// A problem of any code.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            detail: None,
        }
    }

    /// 400
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(Code::BAD_REQUEST, message)
    }

    /// 400 that names the place in the request's body as a JSON pointer.
    pub fn invalid(pointer: impl fmt::Display, message: impl fmt::Display) -> Self {
        let pointer = pointer.to_string();
        let shown = if pointer.is_empty() { "/" } else { pointer.as_str() };
        Self::bad_request(format!("{shown}: {message}")).with_detail("pointer", shown)
    }

    /// 401, always with the same words.
    pub fn unauthorized() -> Self {
        Self::new(Code::UNAUTHORIZED, "Access Denied")
    }

    /// 403
    pub fn forbidden(message: impl Into<String>) -> Self {
        Self::new(Code::FORBIDDEN, message)
    }

    /// 404 with the language's words for a path that leads nowhere.
    pub fn not_found(path: impl fmt::Display) -> Self {
        Self::new(Code::NOT_FOUND, format!("Resource '{path}' not found"))
    }

    /// 409
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(Code::CONFLICT, message)
    }

    /// 412
    pub fn precondition_failed(message: impl Into<String>) -> Self {
        Self::new(Code::PRECONDITION_FAILED, message)
    }

    /// 500
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(Code::INTERNAL, message)
    }

    /// 501
    pub fn unsupported(message: impl Into<String>) -> Self {
        Self::new(Code::UNSUPPORTED, message)
    }

    /// 503
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::new(Code::UNAVAILABLE, message)
    }

    /// The problem with one more fact in its detail.
    #[must_use]
    pub fn with_detail(mut self, name: &str, value: impl Into<Value>) -> Self {
        let detail = self.detail.get_or_insert_with(|| Box::new(Value::Object(Map::new())));
        if let Value::Object(members) = detail.as_mut() {
            members.insert(name.to_owned(), value.into());
        }
        self
    }

    /// The body of the answer, members in the order of the language.
    pub fn to_json(&self) -> Value {
        let mut body = json!({"code": self.code.number(), "reason": self.code.reason(), "message": self.message});
        if let (Some(detail), Value::Object(members)) = (&self.detail, &mut body) {
            members.insert("detail".to_owned(), detail.as_ref().clone());
        }
        body
    }

    /// Why a line of many was refused, for a person and for a program: what the detail says stands beside the message.
    pub fn of_line(&self, line: u64) -> Value {
        let mut error = json!({"line": line, "code": self.code.number(), "message": self.message});
        if let (Some(Value::Object(detail)), Value::Object(members)) = (self.detail.as_deref(), &mut error) {
            let more = detail.iter().filter(|(name, _)| *name != "line");
            members.extend(more.map(|(name, value)| (name.clone(), value.clone())));
        }
        error
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.code.number(), self.code.reason(), self.message)
    }
}

impl std::error::Error for Problem {}
