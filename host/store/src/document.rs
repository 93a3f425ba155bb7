//! A stored document and its revision.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use bytes::Bytes;
use host_resource::Problem;
use serde::Serialize;
use serde_json::Value;

/// The number of the commit that last wrote a document. It only grows within a tenant, also across a deletion, so that
/// equal revisions mean equal documents. On the wire it is 16 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Revision(pub u64);

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl FromStr for Revision {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        u64::from_str_radix(text, 16).map(Self)
    }
}

/// A document as it was committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Its id in its collection.
    pub id: Arc<str>,
    /// When it was last written.
    pub revision: Revision,
    /// The text of a JSON object, without `_id` and `_rev`.
    pub body: Bytes,
}

/// The text of a value that is to be stored.
pub fn to_bytes<T: Serialize>(value: &T) -> Result<Bytes, Problem> {
    serde_json::to_vec(value)
        .map(Bytes::from)
        .map_err(|error| Problem::internal(error.to_string()))
}

/// The texts in a list that is a member of a document; none where there is no such list.
pub fn texts(body: &[u8], member: &str) -> Vec<String> {
    let document: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
    let list = document[member].as_array().into_iter().flatten();
    list.filter_map(Value::as_str).map(str::to_owned).collect()
}
