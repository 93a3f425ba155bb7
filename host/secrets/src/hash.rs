//! Salted hashes of texts.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use host_model::ids::Ids;
use pbkdf2::pbkdf2_hmac;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256, Sha384, Sha512};
use subtle::ConstantTimeEq as _;

pub(crate) const TYPE: &str = "salted-hash";
/// Longer texts (bytes) are refused: nobody's password is longer.
pub const MAX_TEXT: usize = 4096;
/// Iterations of PBKDF2 when the configuration does not say: what OWASP's Password Storage Cheat Sheet asks for.
pub const ITERATIONS: u32 = 600_000;
/// The fewest iterations that a configuration may ask for.
pub const MIN_ITERATIONS: u32 = 10_000;
/// The most: about five seconds.
pub const MAX_ITERATIONS: u32 = 10_000_000;

const SALT: usize = 16;
const PBKDF2_BYTES: usize = 32;

/// How a text is hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HashAlgorithm {
    /// SHA-256 with a salt: fast, so that it protects only what cannot be guessed.
    Sha256,
    /// SHA-384 with a salt.
    Sha384,
    /// SHA-512 with a salt.
    Sha512,
    /// PBKDF2 with HMAC-SHA-256: slow, for what people think of.
    Pbkdf2 {
        /// How slow.
        iterations: u32,
    },
}

/// Why a text cannot be hashed, or compared with a hash.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HashError {
    /// The algorithm is not one of ours.
    #[error("there is no hash algorithm '{0}' here: use PBKDF2, SHA-512, SHA-384 or SHA-256")]
    Unknown(String),
    /// The algorithm has been broken.
    #[error("the hash algorithm '{0}' has been broken: use PBKDF2, SHA-512, SHA-384 or SHA-256")]
    Broken(String),
    /// Only texts are hashed.
    #[error("only a text can be hashed")]
    Kind,
    /// The text is longer than [`MAX_TEXT`].
    #[error("a text of more than {MAX_TEXT} bytes cannot be hashed")]
    Long,
    /// The stored form is not one.
    #[error("the value is no hash of a known form")]
    Form,
}

impl HashAlgorithm {
    /// The algorithm of this name.
    pub fn named(name: &str) -> Result<Self, HashError> {
        match name.to_ascii_uppercase().as_str() {
            "SHA-256" => Ok(Self::Sha256),
            "SHA-384" => Ok(Self::Sha384),
            "SHA-512" => Ok(Self::Sha512),
            "PBKDF2" => Ok(Self::Pbkdf2 { iterations: ITERATIONS }),
            "MD5" | "SHA-1" | "SHA1" => Err(HashError::Broken(name.to_owned())),
            _ => Err(HashError::Unknown(name.to_owned())),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "SHA-256",
            Self::Sha384 => "SHA-384",
            Self::Sha512 => "SHA-512",
            Self::Pbkdf2 { .. } => "PBKDF2",
        }
    }

    fn digest(self, text: &[u8], salt: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha256 => Sha256::new().chain_update(text).chain_update(salt).finalize().to_vec(),
            Self::Sha384 => Sha384::new().chain_update(text).chain_update(salt).finalize().to_vec(),
            Self::Sha512 => Sha512::new().chain_update(text).chain_update(salt).finalize().to_vec(),
            Self::Pbkdf2 { iterations } => {
                let mut key = vec![0; PBKDF2_BYTES];
                pbkdf2_hmac::<Sha256>(text, salt, iterations, &mut key);
                key
            }
        }
    }
}

/// The stored form of a text. With PBKDF2 this takes a while: call it where blocking is allowed.
pub fn hash(algorithm: HashAlgorithm, value: &Value, ids: &dyn Ids) -> Result<Value, HashError> {
    let text = value.as_str().ok_or(HashError::Kind)?;
    if text.len() > MAX_TEXT {
        return Err(HashError::Long);
    }
    let salt: [u8; SALT] = crate::random(ids);
    let mut data = algorithm.digest(text.as_bytes(), &salt);
    data.extend(salt);
    let mut stored = json!({"algorithm": algorithm.name(), "data": BASE64.encode(data)});
    if let HashAlgorithm::Pbkdf2 { iterations } = algorithm {
        stored["iterations"] = iterations.into();
    }
    Ok(json!({"$crypto": {"type": TYPE, "value": stored}}))
}

/// Whether a stored form is that of a text. Takes as long as [`hash`].
pub fn matches(value: &Value, hashed: &Value) -> Result<bool, HashError> {
    let (algorithm, data) = parse(hashed)?;
    let Some(text) = value.as_str().filter(|text| text.len() <= MAX_TEXT) else {
        return Ok(false);
    };
    let (digest, salt) = data.split_at(data.len() - SALT);
    Ok(algorithm.digest(text.as_bytes(), salt).ct_eq(digest).into())
}

/// Whether a value is the stored form of some text.
pub fn check(hashed: &Value) -> Result<(), HashError> {
    parse(hashed).map(drop)
}

fn parse(hashed: &Value) -> Result<(HashAlgorithm, Vec<u8>), HashError> {
    if !crate::is_hashed(hashed) {
        return Err(HashError::Form);
    }
    let stored = &hashed["$crypto"]["value"];
    let mut algorithm = HashAlgorithm::named(stored["algorithm"].as_str().ok_or(HashError::Form)?)?;
    if let HashAlgorithm::Pbkdf2 { iterations } = &mut algorithm {
        let stored = stored["iterations"]
            .as_u64()
            .and_then(|count| u32::try_from(count).ok());
        let is_allowed = |count: &u32| (MIN_ITERATIONS..=MAX_ITERATIONS).contains(count);
        *iterations = stored.filter(is_allowed).ok_or(HashError::Form)?;
    }
    let data = stored["data"].as_str().and_then(|data| BASE64.decode(data).ok());
    let data = data.ok_or(HashError::Form)?;
    let expected = match algorithm {
        HashAlgorithm::Sha256 => 32,
        HashAlgorithm::Sha384 => 48,
        HashAlgorithm::Sha512 => 64,
        HashAlgorithm::Pbkdf2 { .. } => PBKDF2_BYTES,
    };
    if data.len() == expected + SALT {
        Ok((algorithm, data))
    } else {
        Err(HashError::Form)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keystore::tests::CountedIds;

    #[test]
    fn a_text_matches_its_own_hash_only() {
        let ids = CountedIds::default();
        let algorithms = [
            HashAlgorithm::Sha256,
            HashAlgorithm::Sha384,
            HashAlgorithm::Sha512,
            HashAlgorithm::Pbkdf2 {
                iterations: MIN_ITERATIONS,
            },
        ];
        for algorithm in algorithms {
            let (one, other) = (
                hash(algorithm, &json!("secret"), &ids).unwrap(),
                hash(algorithm, &json!("secret"), &ids).unwrap(),
            );
            assert_ne!(one, other, "the salt tells equal texts apart");
            assert!(!one.to_string().contains("secret"));
            assert_eq!(matches(&json!("secret"), &one), Ok(true), "{algorithm:?}");
            assert_eq!(matches(&json!("Secret"), &one), Ok(false));
            assert_eq!(matches(&json!(1), &one), Ok(false));
        }
    }

    #[test]
    fn what_is_broken_or_unknown_is_refused() {
        for name in ["MD5", "sha-1", "SHA1"] {
            assert_eq!(HashAlgorithm::named(name), Err(HashError::Broken(name.to_owned())));
        }
        assert!(matches!(HashAlgorithm::named("BCRYPT"), Err(HashError::Unknown(_))));
        assert_eq!(
            hash(HashAlgorithm::Sha256, &json!(7), &CountedIds::default()),
            Err(HashError::Kind)
        );
        let long = json!("x".repeat(MAX_TEXT + 1));
        assert_eq!(
            hash(HashAlgorithm::Sha256, &long, &CountedIds::default()),
            Err(HashError::Long)
        );
        let forged = |value: Value| json!({"$crypto": {"type": TYPE, "value": value}});
        for value in [
            json!({}),
            json!({"algorithm": "SHA-256", "data": ""}),
            json!({"algorithm": "SHA-256", "data": "AAAA"}),
            json!({"algorithm": "PBKDF2", "data": BASE64.encode([0; 48]), "iterations": 4_000_000_000_u64}),
            json!({"algorithm": "PBKDF2", "data": BASE64.encode([0; 48]), "iterations": 1}),
        ] {
            assert_eq!(
                matches(&json!("x"), &forged(value.clone())),
                Err(HashError::Form),
                "{value}"
            );
        }
    }
}
