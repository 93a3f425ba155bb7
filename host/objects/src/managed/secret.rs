//! Properties that are stored encrypted or hashed.

use std::sync::Arc;

use host_model::Invalid;
use host_model::ids::Ids;
use host_model::members::Members;
use host_resource::{Pointer, Problem};
use host_secrets::hash::{self, ITERATIONS, MAX_ITERATIONS, MIN_ITERATIONS};
use host_secrets::{CIPHER, DEFAULT_ALIAS, HashAlgorithm, HashError, Keystore, SealError, is_encrypted, is_hashed};
use serde_json::Value;
use tokio::sync::Semaphore;

pub(super) use host_secrets::is_protected;

/// Hashes computed at once: a flood of writes costs the others at most one core.
const AT_ONCE: usize = 1;

/// How a property is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Protection {
    /// Encrypted with the newest key of an alias.
    Encrypted { alias: String },
    /// As a hash.
    Hashed(HashAlgorithm),
}

/// Refuses every other cipher than the one there is.
pub(super) fn refuse_cipher(members: &Members<'_>) -> Result<(), Invalid> {
    match members.text("cipher")?.filter(|cipher| *cipher != CIPHER) {
        None => Ok(()),
        Some(cipher) => {
            let message = format!("there is no cipher '{cipher}' here: write '{CIPHER}' or leave it out");
            Err(members.invalid("cipher", message))
        }
    }
}

impl Protection {
    /// What `encryption` and `secureHash` say of a property.
    pub(super) fn parse(property: &Members<'_>) -> Result<Option<Self>, Invalid> {
        match (property.object("encryption")?, property.object("secureHash")?) {
            (None, None) => Ok(None),
            (Some(_), Some(_)) => Err(property.invalid("secureHash", "a property is encrypted or hashed, not both")),
            (Some(members), None) => {
                members.only(&["purpose", "key", "cipher"])?;
                if members.has("purpose") && members.has("key") {
                    return Err(members.invalid("purpose", "a key is named by 'key' or by 'purpose', not by both"));
                }
                refuse_cipher(&members)?;
                let alias = members
                    .text("purpose")?
                    .or(members.text("key")?)
                    .unwrap_or(DEFAULT_ALIAS);
                if alias.is_empty() || alias.len() > 100 || alias.chars().any(char::is_control) {
                    return Err(members.invalid("key", "the name of a key has 1 to 100 letters"));
                }
                Ok(Some(Self::Encrypted {
                    alias: alias.to_owned(),
                }))
            }
            (None, Some(members)) => {
                members.only(&["algorithm", "config", "type"])?;
                let name = members.require_text("algorithm", "PBKDF2, SHA-512, SHA-384 or SHA-256")?;
                let mut algorithm =
                    HashAlgorithm::named(name).map_err(|error| members.invalid("algorithm", error.to_string()))?;
                if let Some(config) = members.object("config")? {
                    let HashAlgorithm::Pbkdf2 { iterations } = &mut algorithm else {
                        return Err(members.invalid("config", "only PBKDF2 has a configuration"));
                    };
                    config.only(&["iterations"])?;
                    let range = i64::from(MIN_ITERATIONS)..=i64::from(MAX_ITERATIONS);
                    let asked = config.integer("iterations", range, "iterations")?;
                    *iterations = asked.and_then(|count| u32::try_from(count).ok()).unwrap_or(ITERATIONS);
                }
                Ok(Some(Self::Hashed(algorithm)))
            }
        }
    }
}

/// Encrypts and hashes.
#[derive(Debug)]
pub(super) struct Vault {
    keystore: Arc<Keystore>,
    ids: Arc<dyn Ids>,
    hashing: Semaphore,
}

impl Vault {
    pub(super) fn new(keystore: Arc<Keystore>, ids: Arc<dyn Ids>) -> Self {
        Self {
            keystore,
            ids,
            hashing: Semaphore::new(AT_ONCE),
        }
    }

    pub(super) fn keystore(&self) -> &Keystore {
        &self.keystore
    }

    /// The stored form of the value at a place. A value that has a stored form already has to be one of ours.
    pub(super) async fn protect(&self, how: &Protection, value: &Value, at: &Pointer) -> Result<Value, Problem> {
        match how {
            Protection::Encrypted { .. } if is_encrypted(value) => match self.keystore.decrypt(value) {
                Ok(_) => Ok(value.clone()),
                Err(error) => Err(Problem::invalid(at, error)),
            },
            Protection::Hashed(_) if is_hashed(value) => match hash::check(value) {
                Ok(()) => Ok(value.clone()),
                Err(error) => Err(Problem::invalid(at, error)),
            },
            _ if is_protected(value) => Err(Problem::invalid(
                at,
                "the value is protected in another way than it has to be",
            )),
            Protection::Encrypted { alias } => self.seal(alias, value),
            Protection::Hashed(algorithm) => {
                let (algorithm, value, ids) = (*algorithm, value.clone(), Arc::clone(&self.ids));
                let hashed = self.away(move || hash::hash(algorithm, &value, &*ids)).await?;
                hashed.map_err(|error: HashError| Problem::invalid(at, error))
            }
        }
    }

    /// A value encrypted with the newest key of an alias.
    pub(super) fn seal(&self, alias: &str, value: &Value) -> Result<Value, Problem> {
        self.keystore.encrypt(alias, value).map_err(failed)
    }

    /// What was encrypted to the value at a place.
    pub(super) fn open(&self, stored: &Value, at: &Pointer) -> Result<Value, Problem> {
        self.keystore
            .decrypt(stored)
            .map_err(|error| Problem::invalid(at, error))
    }

    /// Whether a stored form is that of a value.
    pub(super) async fn is_of(&self, stored: &Value, value: &Value) -> Result<bool, Problem> {
        if is_encrypted(stored) {
            return Ok(self.keystore.decrypt(stored).is_ok_and(|plain| plain == *value));
        }
        let (stored, value) = (stored.clone(), value.clone());
        let is_of = self.away(move || hash::matches(&value, &stored)).await?;
        Ok(is_of.unwrap_or(false))
    }

    /// The stored form with the newest key; none when it has that already.
    pub(super) fn renewed(&self, how: &Protection, stored: &Value) -> Result<Option<Value>, Problem> {
        let Protection::Encrypted { alias } = how else {
            return Ok(None);
        };
        if !is_encrypted(stored) || self.keystore.is_current(alias, stored).map_err(failed)? {
            return Ok(None);
        }
        let plain = self.keystore.decrypt(stored).map_err(failed)?;
        self.keystore.encrypt(alias, &plain).map(Some).map_err(failed)
    }

    /// A slow hash is computed where nobody waits for his turn behind it, a few at a time.
    async fn away<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
        let closed = || Problem::unavailable("the service is stopping");
        let _turn = self.hashing.acquire().await.map_err(|_| closed())?;
        tokio::task::spawn_blocking(work).await.map_err(|_| closed())
    }
}

fn failed(error: SealError) -> Problem {
    tracing::error!(%error, "the keystore failed");
    Problem::internal("a value cannot be encrypted or decrypted: the log of the server says why")
}
