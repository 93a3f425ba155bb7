//! Encrypted values.

use aes_gcm::aead::{Aead as _, KeyInit as _, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};

use crate::keystore::{Keystore, KeystoreError};

pub(crate) const TYPE: &str = "x-simple-encryption";
/// The one cipher: with it, a value that was tampered with is not decrypted to something else.
pub const CIPHER: &str = "AES/GCM/NoPadding";

const NONCE: usize = 12;

/// Why a value cannot be encrypted or decrypted.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// It has not the stored form.
    #[error("the value is no encrypted value of a known form")]
    Form,
    /// The key is not in the keystore.
    #[error("the keystore has no key '{0}'")]
    NoKey(String),
    /// It was tampered with, or encrypted with another key of that name.
    #[error("the value cannot be decrypted: it is damaged, or the key is another one")]
    Damaged,
    /// The keystore failed.
    #[error(transparent)]
    Keystore(#[from] KeystoreError),
}

impl Keystore {
    /// The stored form of a value, encrypted with the newest key of an alias; the key is made when there is none.
    pub fn encrypt(&self, alias: &str, value: &Value) -> Result<Value, SealError> {
        let (name, key) = self.newest(alias)?;
        let nonce: [u8; NONCE] = self.random();
        let text = value.to_string();
        let payload = Payload {
            msg: text.as_bytes(),
            aad: name.as_bytes(),
        };
        let data = Aes256Gcm::new(&key.into())
            .encrypt(&Nonce::from(nonce), payload)
            .map_err(|_| SealError::Damaged)?;
        let sealed = json!({
            "cipher": CIPHER,
            "key": name,
            "iv": BASE64.encode(nonce),
            "data": BASE64.encode(data),
        });
        Ok(json!({"$crypto": {"type": TYPE, "value": sealed}}))
    }

    /// What was encrypted.
    pub fn decrypt(&self, stored: &Value) -> Result<Value, SealError> {
        let (name, nonce, data) = parse(stored)?;
        let key = self.named(name).ok_or_else(|| SealError::NoKey(name.to_owned()))?;
        let payload = Payload {
            msg: &data,
            aad: name.as_bytes(),
        };
        let text = Aes256Gcm::new(&key.into())
            .decrypt(&Nonce::from(nonce), payload)
            .map_err(|_| SealError::Damaged)?;
        serde_json::from_slice(&text).map_err(|_| SealError::Damaged)
    }

    /// Whether a stored form was encrypted with the newest key of its alias.
    pub fn is_current(&self, alias: &str, stored: &Value) -> Result<bool, SealError> {
        let (name, _, _) = parse(stored)?;
        Ok(self.newest(alias)?.0 == name)
    }
}

fn parse(stored: &Value) -> Result<(&str, [u8; NONCE], Vec<u8>), SealError> {
    if !crate::is_encrypted(stored) {
        return Err(SealError::Form);
    }
    let value = &stored["$crypto"]["value"];
    let bytes = |name: &str| value[name].as_str().and_then(|text| BASE64.decode(text).ok());
    let is_ours = value["cipher"] == CIPHER;
    match (
        value["key"].as_str(),
        bytes("iv").map(<[u8; NONCE]>::try_from),
        bytes("data"),
    ) {
        (Some(key), Some(Ok(nonce)), Some(data)) if is_ours => Ok((key, nonce, data)),
        _ => Err(SealError::Form),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::keystore::tests::CountedIds;

    fn keystore() -> Keystore {
        Keystore::in_memory(Arc::new(CountedIds::default()))
    }

    #[test]
    fn what_is_encrypted_comes_back_and_nothing_else_does() {
        let keystore = keystore();
        for value in [json!("secret"), json!({"a": [1, null]}), json!(1.5), json!("")] {
            let (one, other) = (
                keystore.encrypt("a", &value).unwrap(),
                keystore.encrypt("a", &value).unwrap(),
            );
            assert_ne!(one, other);
            assert!(crate::is_encrypted(&one) && !one.to_string().contains("secret"));
            assert_eq!(keystore.decrypt(&one).unwrap(), value);
        }
        let mut tampered = keystore.encrypt("a", &json!("secret")).unwrap();
        let data = tampered["$crypto"]["value"]["data"].as_str().unwrap();
        let mut bytes = BASE64.decode(data).unwrap();
        bytes[0] ^= 1;
        tampered["$crypto"]["value"]["data"] = BASE64.encode(bytes).into();
        assert!(matches!(keystore.decrypt(&tampered), Err(SealError::Damaged)));
        let mut stranger = keystore.encrypt("a", &json!("secret")).unwrap();
        stranger["$crypto"]["value"]["key"] = "b.1".into();
        assert!(matches!(keystore.decrypt(&stranger), Err(SealError::NoKey(_))));
        assert!(matches!(keystore.decrypt(&json!("secret")), Err(SealError::Form)));
    }

    #[test]
    fn after_a_rotation_old_values_decrypt_and_new_ones_use_the_new_key() {
        let keystore = keystore();
        let old = keystore.encrypt("a", &json!("secret")).unwrap();
        assert!(keystore.is_current("a", &old).unwrap());
        keystore.rotate("a").unwrap();
        assert!(!keystore.is_current("a", &old).unwrap());
        assert_eq!(keystore.decrypt(&old).unwrap(), json!("secret"));
        let new = keystore.encrypt("a", &json!("secret")).unwrap();
        assert_eq!(
            (&old["$crypto"]["value"]["key"], &new["$crypto"]["value"]["key"]),
            (&json!("a.1"), &json!("a.2"))
        );
    }
}
