//! Setting marks in a document.

use bytes::Bytes;
use host_resource::{Pointer, Problem};
use serde_json::Value;

/// Sets a mark, making its parents.
pub(crate) fn set(document: &mut Value, mark: &Pointer, value: Value) -> Result<(), Problem> {
    mark.set(document, value).map_err(|error| Problem::conflict(format!("the mark {mark} cannot be set: {error}")))
}

/// The document's text.
pub(crate) fn serialize(document: &Value) -> Result<Bytes, Problem> {
    serde_json::to_vec(document).map(Bytes::from).map_err(|error| Problem::internal(error.to_string()))
}

/// The document's text with one more mark.
pub(crate) fn with_mark(body: &[u8], mark: &Pointer, value: Value) -> Result<Bytes, Problem> {
    let mut document: Value = parse(body)?;
    set(&mut document, mark, value)?;
    serialize(&document)
}

/// The document.
pub(crate) fn parse(body: &[u8]) -> Result<Value, Problem> {
    serde_json::from_slice(body).map_err(|error| Problem::internal(format!("a stored document is damaged: {error}")))
}
