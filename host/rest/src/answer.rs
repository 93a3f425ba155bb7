//! A response of the common REST language, or a problem, as an HTTP response.

pub(crate) mod chunks;
pub(crate) mod envelope;
pub(crate) mod escape;
pub(crate) mod events;
pub(crate) mod form;
pub(crate) mod pages;

use axum::body::Body;
use host_resource::{Object, Problem};
use http::header::{ALLOW, CONTENT_TYPE, ETAG, LOCATION, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderName, HeaderValue, StatusCode};
use serde_json::Value;

use crate::request::{self, Style};

/// An HTTP response.
pub(crate) type Reply = http::Response<Body>;

const JSON: HeaderValue = HeaderValue::from_static("application/json;charset=UTF-8");
const TEXT: HeaderValue = HeaderValue::from_static("text/plain;charset=UTF-8");

/// One resource. `location` is where a new one is.
pub(crate) fn object(object: Object, style: &Style, location: Option<&str>) -> Result<Reply, Problem> {
    let tag = object.rev.as_deref().and_then(entity_tag);
    let mut reply = if style.is_text {
        text(object, style)?
    } else {
        json(object_text(object, style)?)
    };
    if let Some(tag) = tag {
        reply.headers_mut().insert(ETAG, tag);
    }
    if let Some(location) = location {
        *reply.status_mut() = StatusCode::CREATED;
        reply.headers_mut().insert(
            LOCATION,
            HeaderValue::try_from(location).map_err(|_| damaged("location"))?,
        );
    }
    Ok(reply)
}

/// The resource is as the client knows it.
pub(crate) fn not_modified(rev: &str) -> Reply {
    let mut reply = empty(StatusCode::NOT_MODIFIED);
    if let Some(tag) = entity_tag(rev) {
        reply.headers_mut().insert(ETAG, tag);
    }
    reply
}

/// What an action says.
pub(crate) fn action(said: Option<Value>, style: &Style) -> Result<Reply, Problem> {
    match said {
        None => Ok(empty(StatusCode::NO_CONTENT)),
        Some(said @ Value::Object(_)) => Ok(json(value_text(&style.fields.apply(None, None, said), style)?)),
        Some(said) => Ok(json(value_text(&said, style)?)),
    }
}

/// How many match.
pub(crate) fn count(count: u64, style: &Style) -> Result<Reply, Problem> {
    Ok(json(value_text(&serde_json::json!({"resultCount": count}), style)?))
}

/// Which methods there are.
pub(crate) fn options() -> Reply {
    let mut reply = empty(StatusCode::OK);
    reply
        .headers_mut()
        .insert(ALLOW, HeaderValue::from_static(request::ALLOW));
    reply
}

/// What went wrong. The message is the reason if there is none, and escaped as HTML, as the product does: behaviour
/// 1.8.
pub(crate) fn problem(problem: &Problem) -> Reply {
    let code = problem.code.number();
    let message = match problem.message.as_str() {
        "" => problem.code.reason(),
        message => message,
    };
    let shown = Problem {
        message: escape::html(message),
        ..problem.clone()
    };
    let mut reply = json(shown.to_json().to_string());
    *reply.status_mut() = StatusCode::from_u16(code).expect("a problem's code is between 400 and 599");
    if let Some((_, name, value)) = HEADERS_OF.iter().find(|(of, _, _)| *of == code) {
        reply
            .headers_mut()
            .insert(name.clone(), HeaderValue::from_static(value));
    }
    reply
}

/// What HTTP wants with a status. A 401 does not offer Basic: a browser would then keep the password and send it along
/// with whatever a foreign page asks of it.
const HEADERS_OF: [(u16, HeaderName, &str); 3] = [
    (401, WWW_AUTHENTICATE, "Bearer realm=\"openidm\""),
    (429, RETRY_AFTER, "60"),
    (503, RETRY_AFTER, "1"),
];

/// A good answer in JSON.
pub(crate) fn json(text: impl Into<Body>) -> Reply {
    let mut reply = Reply::new(text.into());
    reply.headers_mut().insert(CONTENT_TYPE, JSON);
    reply
}

/// The JSON text of an object as the wanted fields show it. Stored text that is wanted whole is copied, not parsed.
pub(crate) fn object_text(object: Object, style: &Style) -> Result<String, Problem> {
    if style.fields.is_all() && !style.is_pretty {
        return object.to_json().map_err(|error| damaged(&error.to_string()));
    }
    let value = object
        .project(&style.fields)
        .map_err(|error| damaged(&error.to_string()))?;
    value_text(&value, style)
}

fn value_text(value: &Value, style: &Style) -> Result<String, Problem> {
    let text = if style.is_pretty {
        serde_json::to_string_pretty(value)
    } else {
        serde_json::to_string(value)
    };
    text.map_err(|error| damaged(&error.to_string()))
}

/// The one wanted value: a text as it is, anything else as JSON, nothing as nothing.
fn text(object: Object, style: &Style) -> Result<Reply, Problem> {
    let whole = object.into_value().map_err(|error| damaged(&error.to_string()))?;
    let text = match style.fields.pointers().first().and_then(|pointer| pointer.get(&whole)) {
        Some(Value::String(text)) => text.clone(),
        Some(other) => value_text(other, style)?,
        None => String::new(),
    };
    let mut reply = Reply::new(text.into());
    reply.headers_mut().insert(CONTENT_TYPE, TEXT);
    Ok(reply)
}

fn empty(status: StatusCode) -> Reply {
    let mut reply = Reply::new(Body::empty());
    *reply.status_mut() = status;
    reply
}

/// None for a revision that no header can carry.
fn entity_tag(rev: &str) -> Option<HeaderValue> {
    HeaderValue::try_from(format!("\"{rev}\"")).ok()
}

fn damaged(what: &str) -> Problem {
    tracing::error!(what, "a resource answered what cannot be written");
    Problem::internal("the resource cannot be shown")
}

#[cfg(test)]
mod tests;
