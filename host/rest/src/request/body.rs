//! The body of a request: of which type it may be, and what it says.

use axum::body::Bytes;
use host_resource::json::{self, JsonLimits};
use host_resource::patch::{PatchError, PatchOperation};
use host_resource::{Problem, patch};
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use serde_json::Value;

use super::headers::single;
use super::multipart;

/// The body of a request and what it claims to be.
#[derive(Debug)]
pub(crate) struct Payload<'a> {
    headers: &'a HeaderMap,
    bytes: &'a [u8],
    /// What a body of several parts is when they are put together.
    assembled: Option<Value>,
}

impl<'a> Payload<'a> {
    /// A body as it is.
    pub(crate) fn plain(headers: &'a HeaderMap, bytes: &'a [u8]) -> Self {
        Self {
            headers,
            bytes,
            assembled: None,
        }
    }

    /// A body that may have several parts.
    pub(crate) async fn of(headers: &'a HeaderMap, bytes: &'a Bytes) -> Result<Self, Problem> {
        let declared = single(headers, &CONTENT_TYPE)?;
        let assembled = match declared.and_then(multipart::boundary) {
            Some(boundary) => Some(multipart::assemble(boundary?, bytes.clone()).await?),
            None => None,
        };
        Ok(Self {
            assembled,
            ..Self::plain(headers, bytes)
        })
    }

    /// The object that a create or an update needs.
    pub(crate) fn object(self) -> Result<Value, Problem> {
        match self.value()? {
            Some(object @ Value::Object(_)) => Ok(object),
            Some(_) => Err(Problem::bad_request("the body has to be a JSON object")),
            None => Err(Problem::bad_request("the body is empty: a JSON object is required")),
        }
    }

    /// The operations of a patch.
    pub(crate) fn patch(self) -> Result<Vec<PatchOperation>, Problem> {
        let value = self
            .value()?
            .ok_or_else(|| Problem::bad_request("the body is empty: a JSON array of operations is required"))?;
        patch::PatchOperation::parse_all(&value).map_err(|error| match error {
            PatchError::Form { pointer, message } => Problem::invalid(pointer, message),
            other => Problem::bad_request(other.to_string()),
        })
    }

    /// Refuses a body where none has a meaning.
    pub(crate) fn refuse(self) -> Result<(), Problem> {
        match self.value()? {
            None => Ok(()),
            Some(_) => Err(Problem::bad_request("this action has no body")),
        }
    }

    /// What an action is given: any JSON, or nothing. Nothing needs no type, whatever is declared: `curl -X POST -d ''`
    /// declares a form.
    pub(crate) fn value(self) -> Result<Option<Value>, Problem> {
        if self.assembled.is_some() {
            return Ok(self.assembled);
        }
        if self.bytes.iter().all(u8::is_ascii_whitespace) {
            return Ok(None);
        }
        let declared = single(self.headers, &CONTENT_TYPE)?;
        if !declared.is_some_and(is_json) {
            let shown = declared.map_or("missing".to_owned(), |declared| format!("'{declared}'"));
            let message = format!(
                "the header content-type is {shown}: it has to be application/json, in UTF-8, or \
                 multipart/form-data"
            );
            return Err(Problem::bad_request(message).with_detail("header", "Content-Type"));
        }
        parse(self.bytes, "the body").map(Some)
    }
}

/// Reads a line of many, strictly. The line's number is the reader's to say.
pub(crate) fn read_line(bytes: &[u8]) -> Result<Value, Problem> {
    json::parse(bytes, &JsonLimits::default()).map_err(|error| {
        let problem = Problem::bad_request(format!("no JSON, from column {} on: {}", error.column, error.message))
            .with_detail("column", error.column);
        match &error.pointer {
            Some(pointer) => problem.with_detail("pointer", pointer.to_string()),
            None => problem,
        }
    })
}

/// Reads JSON strictly; what is wrong is said with its place.
pub(super) fn parse(bytes: &[u8], what: &str) -> Result<Value, Problem> {
    json::parse(bytes, &JsonLimits::default()).map_err(|error| {
        let problem = Problem::bad_request(format!("{what} is not valid JSON: {error}"))
            .with_detail("line", error.line)
            .with_detail("column", error.column)
            .with_detail("explanation", error.message.as_str());
        match &error.pointer {
            Some(pointer) => problem.with_detail("pointer", pointer.to_string()),
            None => problem,
        }
    })
}

/// `application/json`, with or without `charset=utf-8`, which is what JSON is anyway.
fn is_json(content_type: &str) -> bool {
    let mut parts = content_type.split(';').map(str::trim);
    let is_type = parts
        .next()
        .is_some_and(|kind| kind.eq_ignore_ascii_case("application/json"));
    is_type
        && parts.all(|parameter| match parameter.split_once('=') {
            Some((name, value)) => {
                name.trim().eq_ignore_ascii_case("charset")
                    && value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8")
            }
            None => parameter.is_empty(),
        })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn with<T>(content_type: Option<&str>, body: &str, read: impl Fn(Payload<'_>) -> T) -> T {
        let mut headers = HeaderMap::new();
        if let Some(content_type) = content_type {
            headers.insert(CONTENT_TYPE, content_type.parse().unwrap());
        }
        read(Payload::plain(&headers, body.as_bytes()))
    }

    #[test]
    fn a_body_is_json_by_its_type() {
        let check = |content_type: Option<&str>, expected: bool| {
            let found = with(content_type, "{}", |payload| payload.object());
            assert_eq!(
                found.map_err(|problem| problem.code.number()),
                expected.then(|| json!({})).ok_or(400),
                "{content_type:?}"
            );
        };
        check(Some("application/json"), true);
        check(Some("Application/JSON; charset=UTF-8"), true);
        check(Some("application/json;charset=\"utf-8\""), true);
        check(Some("application/json;"), true);
        check(Some("application/json; charset=latin1"), false);
        check(Some("application/json; boundary=x"), false);
        check(Some("application/x-www-form-urlencoded"), false);
        check(Some("text/plain"), false);
        check(Some(""), false);
        check(None, false);
    }

    #[test]
    fn an_empty_body_is_enough_for_an_action_only() {
        for content_type in [
            None,
            Some("application/x-www-form-urlencoded"),
            Some("application/json"),
        ] {
            for body in ["", " \r\n"] {
                assert_eq!(
                    with(content_type, body, |payload| payload.value()),
                    Ok(None),
                    "{content_type:?}"
                );
                assert_eq!(
                    with(content_type, body, |payload| payload.object())
                        .unwrap_err()
                        .code
                        .number(),
                    400
                );
                assert_eq!(
                    with(content_type, body, |payload| payload.patch())
                        .unwrap_err()
                        .code
                        .number(),
                    400
                );
            }
        }
    }

    #[test]
    fn what_is_not_json_says_where_and_why() {
        let problem = with(Some("application/json"), "{\n  \"a\": 1,\n}", |payload| {
            payload.object()
        })
        .unwrap_err();
        assert_eq!(problem.code.number(), 400);
        let detail = &problem.to_json()["detail"];
        assert_eq!(
            (&detail["line"], &detail["column"]),
            (&json!(2), &json!(9)),
            "{problem}"
        );
        for body in ["{} {}", "{\"a\":1,\"a\":2}", "nul", "{'a': 1}"] {
            let problem = with(Some("application/json"), body, |payload| payload.object()).unwrap_err();
            assert!(problem.to_json()["detail"]["line"].is_u64(), "{body}: {problem}");
        }
    }

    #[test]
    fn only_an_object_makes_a_resource_and_only_an_array_is_a_patch() {
        for body in ["[]", "1", "null", "\"x\""] {
            assert_eq!(
                with(Some("application/json"), body, |payload| payload.object())
                    .unwrap_err()
                    .code
                    .number(),
                400,
                "{body}"
            );
        }
        assert_eq!(
            with(Some("application/json"), "{}", |payload| payload.patch())
                .unwrap_err()
                .code
                .number(),
            400
        );
        let patch = "[{\"operation\": \"replace\", \"field\": \"/a\", \"value\": 1}]";
        assert_eq!(
            with(Some("application/json"), patch, |payload| payload.patch())
                .unwrap()
                .len(),
            1
        );
        let wrong = "[{\"operation\": \"replace\", \"field\": \"/a\"}]";
        let problem = with(Some("application/json"), wrong, |payload| payload.patch()).unwrap_err();
        assert!(problem.to_json()["detail"]["pointer"].is_string(), "{problem}");
    }

    #[test]
    fn an_action_takes_any_json() {
        for (body, expected) in [
            ("[1]", json!([1])),
            ("null", json!(null)),
            ("{\"a\":1}", json!({"a": 1})),
        ] {
            assert_eq!(
                with(Some("application/json"), body, |payload| payload.value()),
                Ok(Some(expected)),
                "{body}"
            );
        }
    }
}
