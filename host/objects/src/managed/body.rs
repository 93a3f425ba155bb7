//! What is stored of an object: its members without `_id` and `_rev`.

use bytes::Bytes;
use host_resource::Problem;
use serde_json::Value;

use super::id::{IdError, ObjectId};

/// Larger objects (bytes of JSON) are refused: a page of them has to fit into memory, and a guest reads them whole.
pub const MAX_OBJECT: usize = 1024 * 1024;
/// More objects and arrays inside each other are refused. It is what a request's body may have; a patch could make
/// more, which no reader of JSON would read again.
pub const MAX_DEPTH: usize = 100;

/// What is stored of an object.
#[derive(Debug)]
pub(super) struct Body {
    value: Value,
    text: Bytes,
}

/// Why a value cannot be stored as an object.
#[derive(Debug, thiserror::Error)]
pub(super) enum BodyError {
    /// Not a JSON object.
    #[error("a managed object is a JSON object")]
    Kind,
    /// `_id` is no text.
    #[error("`_id` is a text")]
    IdKind,
    /// `_id` is a text that no object can have as its id.
    #[error(transparent)]
    Id(#[from] IdError),
    /// `_id` is that of another object.
    #[error("`_id` is '{given}', but the object is '{id}': an id cannot be changed")]
    OtherId {
        /// In the content.
        given: String,
        /// In the path.
        id: ObjectId,
    },
    /// Too large.
    #[error("the object is larger than {MAX_OBJECT} bytes")]
    Large,
    /// Too deep.
    #[error("the object has more than {MAX_DEPTH} objects and arrays inside each other")]
    Deep,
    /// There is no JSON for it.
    #[error("the object cannot be written as JSON")]
    Json(#[from] serde_json::Error),
}

/// The id that the content of an object names, if it does.
pub(super) fn named_id(content: &Value) -> Result<Option<ObjectId>, BodyError> {
    match content.get("_id") {
        None => Ok(None),
        Some(Value::String(id)) => Ok(Some(ObjectId::parse(id)?)),
        Some(_) => Err(BodyError::IdKind),
    }
}

/// Refuses a value that is too large or too deep, and gives its text otherwise.
pub(super) fn text(value: &Value) -> Result<Bytes, BodyError> {
    if !fits(value, MAX_DEPTH) {
        return Err(BodyError::Deep);
    }
    let text = serde_json::to_vec(value)?;
    if text.len() > MAX_OBJECT {
        Err(BodyError::Large)
    } else {
        Ok(text.into())
    }
}

impl Body {
    /// What is stored of the object of this id. Its `_id` must agree; its `_rev` is ignored.
    pub(super) fn new(id: &ObjectId, mut content: Value) -> Result<Self, BodyError> {
        let given = named_id(&content)?;
        let members = content.as_object_mut().ok_or(BodyError::Kind)?;
        if let Some(given) = given.filter(|given| given != id) {
            return Err(BodyError::OtherId {
                given: given.to_string(),
                id: id.clone(),
            });
        }
        // Looked for first: removing moves everything behind.
        if members.contains_key("_id") {
            members.shift_remove("_id");
        }
        if members.contains_key("_rev") {
            members.shift_remove("_rev");
        }
        Ok(Self {
            text: text(&content)?,
            value: content,
        })
    }

    /// The text to store.
    pub(super) fn text(&self) -> &Bytes {
        &self.text
    }

    /// What is stored.
    pub(super) fn value(&self) -> &Value {
        &self.value
    }

    /// What is stored.
    pub(super) fn into_value(self) -> Value {
        self.value
    }

    /// Whether a stored text says the same. The order of members says nothing.
    pub(super) fn is_same_as(&self, stored: &[u8]) -> Result<bool, serde_json::Error> {
        Ok(*stored == self.text[..] || serde_json::from_slice::<Value>(stored)? == self.value)
    }
}

/// Whether there are at most so many objects and arrays inside each other.
pub(super) fn fits(value: &Value, depth: usize) -> bool {
    let inside = |value: &Value| fits(value, depth - 1);
    match value {
        Value::Array(items) => depth > 0 && items.iter().all(inside),
        Value::Object(members) => depth > 0 && members.values().all(inside),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
    }
}

impl From<BodyError> for Problem {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::Kind | BodyError::Deep => Self::bad_request(error.to_string()),
            BodyError::IdKind | BodyError::Id(_) | BodyError::OtherId { .. } => Self::invalid("/_id", error),
            BodyError::Large => Self::new(host_resource::Code::TOO_LARGE, error.to_string()),
            BodyError::Json(ref cause) => Self::bad_request(format!("{error}: {cause}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use host_resource::json::JsonLimits;
    use serde_json::json;

    use super::*;

    fn id() -> ObjectId {
        ObjectId::parse("joe").unwrap()
    }

    fn nested(depth: usize) -> Value {
        (0..depth).fold(json!(1), |inner, _| json!({"a": inner}))
    }

    #[test]
    fn the_id_and_the_revision_are_not_stored() {
        let check = |content: Value, expected: &str| {
            assert_eq!(Body::new(&id(), content).unwrap().text(), expected);
        };
        check(json!({}), "{}");
        check(
            json!({"_id": "joe", "b": 1, "_rev": 7, "a": null}),
            r#"{"b":1,"a":null}"#,
        );
        check(
            json!({"a": {"_id": "x", "_rev": "y"}}),
            r#"{"a":{"_id":"x","_rev":"y"}}"#,
        );
    }

    #[test]
    fn what_is_no_object_is_refused() {
        let check = |content: Value, code: u16, message: &str| {
            let problem = Problem::from(Body::new(&id(), content).unwrap_err());
            assert_eq!((problem.code.number(), problem.message.as_str()), (code, message));
        };
        check(json!([]), 400, "a managed object is a JSON object");
        check(json!("joe"), 400, "a managed object is a JSON object");
        check(Value::Null, 400, "a managed object is a JSON object");
        check(json!({"_id": 7}), 400, "/_id: `_id` is a text");
        check(
            json!({"_id": "Joe"}),
            400,
            "/_id: `_id` is 'Joe', but the object is 'joe': an id cannot be changed",
        );
        check(
            json!({"_id": ""}),
            400,
            "/_id: an object's id has at least one character",
        );
        check(
            json!({"a": "x".repeat(MAX_OBJECT)}),
            413,
            "the object is larger than 1048576 bytes",
        );
        check(
            nested(MAX_DEPTH + 1),
            400,
            "the object has more than 100 objects and arrays inside each other",
        );
        assert!(Body::new(&id(), nested(MAX_DEPTH)).is_ok());
        assert_eq!(MAX_DEPTH, JsonLimits::default().depth);
        assert!(Body::new(&id(), json!({"a": "x".repeat(MAX_OBJECT - 8)})).is_ok());
    }

    #[test]
    fn the_order_of_members_makes_no_other_object() {
        let check = |stored: &str, expected: bool| {
            let body = Body::new(&id(), json!({"a": 1, "b": [1, 2.5]})).unwrap();
            assert_eq!(body.is_same_as(stored.as_bytes()).unwrap(), expected, "{stored}");
        };
        check(r#"{"a":1,"b":[1,2.5]}"#, true);
        check(r#"{ "b": [1, 2.5], "a": 1 }"#, true);
        check(r#"{"a":1,"b":[2.5,1]}"#, false);
        check(r#"{"a":1}"#, false);
    }

    #[test]
    fn a_number_is_stored_as_it_was_given() {
        for number in [
            "0.30000000000000004",
            "1.7976931348623157e+308",
            "123456789012345.67",
            "9007199254740993",
            "-5e-324",
        ] {
            let content = format!(r#"{{"n":{number}}}"#);
            let body = Body::new(&id(), serde_json::from_str(&content).unwrap()).unwrap();
            assert_eq!(body.text(), content.as_str());
        }
    }
}
