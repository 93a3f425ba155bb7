//! Problems across the boundary, both ways.

use host_resource::{Code, Problem};
use serde_json::Value;

use crate::bindings::types;

/// What a guest sees of a problem.
pub(crate) fn to_guest(problem: Problem) -> types::Problem {
    let Problem { code, message, detail } = problem;
    let detail = detail.map(|detail| detail.to_string());
    let plain = |message, detail| types::Detail { message, detail };
    match code {
        Code::BAD_REQUEST => types::Problem::BadRequest(plain(message, detail)),
        Code::FORBIDDEN => types::Problem::Forbidden(plain(message, detail)),
        Code::NOT_FOUND => types::Problem::NotFound(plain(message, detail)),
        Code::CONFLICT => types::Problem::Conflict(plain(message, detail)),
        Code::PRECONDITION_FAILED => types::Problem::PreconditionFailed(plain(message, detail)),
        Code::INTERNAL => types::Problem::Internal(plain(message, detail)),
        Code::UNSUPPORTED => types::Problem::Unsupported(plain(message, detail)),
        Code::UNAVAILABLE => types::Problem::Unavailable(plain(message, detail)),
        code => types::Problem::Other(types::Coded {
            code: code.number(),
            message,
            detail,
        }),
    }
}

/// What the host makes of a guest's problem. A detail that is no JSON is dropped.
pub(crate) fn from_guest(problem: types::Problem) -> Problem {
    let (code, types::Detail { message, detail }) = match problem {
        types::Problem::BadRequest(detail) => (Code::BAD_REQUEST, detail),
        types::Problem::Forbidden(detail) => (Code::FORBIDDEN, detail),
        types::Problem::NotFound(detail) => (Code::NOT_FOUND, detail),
        types::Problem::Conflict(detail) => (Code::CONFLICT, detail),
        types::Problem::PreconditionFailed(detail) => (Code::PRECONDITION_FAILED, detail),
        types::Problem::Internal(detail) => (Code::INTERNAL, detail),
        types::Problem::Unsupported(detail) => (Code::UNSUPPORTED, detail),
        types::Problem::Unavailable(detail) => (Code::UNAVAILABLE, detail),
        types::Problem::Other(types::Coded { code, message, detail }) => {
            (Code::new(code), types::Detail { message, detail })
        }
    };
    let detail = detail
        .and_then(|text| serde_json::from_str::<Value>(&text).ok())
        .map(Box::new);
    Problem { code, message, detail }
}
