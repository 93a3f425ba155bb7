//! What is stored of users and tokens.

use host_model::clock::{Timestamp, parse_wire_time};
use host_store::{Document, StoreError};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// A document of the collection `internal/user`; its id is the user name.
#[derive(Serialize, Deserialize)]
pub(crate) struct UserRecord {
    /// A hash in the PHC string format.
    pub(crate) password: String,
    pub(crate) roles: Vec<String>,
}

/// A document of the collection `internal/token`; its id is in the token.
#[derive(Serialize, Deserialize)]
pub(crate) struct TokenRecord {
    /// What logs call its owner.
    pub(crate) name: String,
    pub(crate) roles: Vec<String>,
    /// Of the secret in the token.
    pub(crate) hash: String,
    pub(crate) created: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) expires: Option<String>,
}

impl TokenRecord {
    /// Whether the token has had its time. A time that cannot be read has passed.
    pub(crate) fn is_expired(&self, now: Timestamp) -> bool {
        self.expires
            .as_deref()
            .is_some_and(|text| parse_wire_time(text).is_none_or(|expires| expires <= now))
    }
}

/// The bytes to store.
pub(crate) fn encode(record: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(record).expect("texts and lists of texts always become JSON")
}

/// Reads what [`encode`] wrote.
pub(crate) fn decode<T: DeserializeOwned>(document: &Document) -> Result<T, StoreError> {
    serde_json::from_slice(&document.body).map_err(|error| {
        // Only the place: serde_json quotes what it finds, and here that may be a hash.
        let place = format!("line {} column {}", error.line(), error.column());
        StoreError::Damaged(format!("{} cannot be read at {place}", document.id))
    })
}
