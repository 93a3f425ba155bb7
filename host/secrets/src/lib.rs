//! Values that are encrypted or hashed, and the keys for that: which lie in a file outside the store, so that a copy of
//! the store alone gives nothing away.
//!
//! The stored forms are those of the platform: `{"$crypto":{"type":"x-simple-encryption",…}}` and
//! `{"$crypto":{"type":"salted-hash",…}}`. What may be protected, and who sees it, is for others.

pub mod hash;
mod keystore;
mod sealed;

pub use hash::{HashAlgorithm, HashError};
pub use keystore::{DEFAULT_ALIAS, Keystore, KeystoreError};
pub use sealed::{CIPHER, SealError};

use serde_json::Value;

/// Whether a value has the form of one that is encrypted or hashed.
pub fn is_protected(value: &Value) -> bool {
    is_encrypted(value) || is_hashed(value)
}

/// Whether a value has the form of an encrypted one.
pub fn is_encrypted(value: &Value) -> bool {
    type_of(value) == Some(sealed::TYPE)
}

/// Whether a value has the form of a hashed one.
pub fn is_hashed(value: &Value) -> bool {
    type_of(value) == Some(hash::TYPE)
}

fn type_of(value: &Value) -> Option<&str> {
    let members = value.as_object().filter(|members| members.len() == 1)?;
    let inner = members.get("$crypto")?;
    inner.get("value")?.as_object()?;
    inner.get("type")?.as_str()
}

/// Random bytes.
fn random<const N: usize>(ids: &dyn host_model::ids::Ids) -> [u8; N] {
    let mut bytes = [0; N];
    for part in bytes.chunks_mut(8) {
        part.copy_from_slice(&ids.random().to_le_bytes()[..part.len()]);
    }
    bytes
}
