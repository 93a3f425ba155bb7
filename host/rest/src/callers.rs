//! Who is asking: users with passwords and tokens, as documents in the tenant's own store, and the rights of their
//! roles.
//!
//! A password is slow to verify on purpose, so a right one is remembered for a while (`cache`), a wrong one is
//! counted (`throttle`), and only a few are verified at once (`password`). A token is fast to verify and cannot be
//! guessed. Every failure has the same words. Secrets travel as [`Secret`], which logs cannot show.

mod cache;
mod chance;
mod credentials;
mod password;
mod record;
mod resource;
mod roles;
mod secret;
mod throttle;
mod token;

use std::fmt;
use std::sync::Arc;

use host_model::clock::{Clock, Timestamp, parse_wire_time, wire_time};
use host_model::ids::Ids;
use host_resource::{Caller, Code, Problem};
use host_store::{ChangeSet, Collection, CommitError, Expectation, Key, Revision, StoreError, TenantStore};
use http::HeaderMap;
use parking_lot::Mutex;

use cache::Cache;
use credentials::Credentials;
use password::{Hashing, NOBODY};
use record::{TokenRecord, UserRecord};
use throttle::{FAILURES, FAILURES_WITH_CACHE, Throttle};
use token::Presented;

pub use password::{MAX_PASSWORD, MIN_PASSWORD};
pub use resource::TokenResource;
pub use roles::{ADMIN, AUTHORIZED};
pub use secret::Secret;

/// User and token names longer than this (bytes) are refused.
pub const MAX_NAME: usize = 256;

const USERS: &str = "internal/user";
const TOKENS: &str = "internal/token";

/// The callers of one tenant.
pub struct Callers {
    store: TenantStore,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    hashing: Hashing,
    cache: Mutex<Cache>,
    throttle: Mutex<Throttle>,
}

/// Why a user or a token was not stored.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A name that no header could carry, or that nobody could read.
    #[error("a name has 1 to {MAX_NAME} bytes, no control characters and, for a user, no ':'")]
    Name,
    /// A password that is too short or too long.
    #[error("a password has {MIN_PASSWORD} to {MAX_PASSWORD} bytes")]
    Password,
    /// A role that is not in the table.
    #[error("there is no role '{0}': use {ADMIN} or {AUTHORIZED}")]
    Role(String),
    /// The password could not be hashed now.
    #[error("the password could not be hashed, too many sign-ins are under way")]
    Busy,
    /// The document was not written.
    #[error("the store did not take it")]
    Commit(#[from] CommitError),
    /// The document was not read.
    #[error("the store could not be read")]
    Store(#[from] StoreError),
}

impl Callers {
    /// The callers that the store holds. `ids` has to draw on a cryptographic source: tokens are made of it.
    pub fn new(store: TenantStore, clock: Arc<dyn Clock>, ids: Arc<dyn Ids>) -> Self {
        Self {
            cache: Mutex::new(Cache::new(ids.as_ref())),
            throttle: Mutex::new(Throttle::default()),
            hashing: Hashing::new(),
            store,
            clock,
            ids,
        }
    }

    /// Whether there is a user of this name.
    pub async fn has_user(&self, user: &str) -> Result<bool, StoreError> {
        Ok(self.user(user).await?.is_some())
    }

    /// Makes a user or replaces its password and roles. What was signed in with the old password is signed out.
    pub async fn set_password(&self, user: &str, password: &Secret, roles: &[&str]) -> Result<(), Error> {
        if user.contains(':') || !is_name(user) {
            return Err(Error::Name);
        }
        if !(MIN_PASSWORD..=MAX_PASSWORD).contains(&password.expose().len()) {
            return Err(Error::Password);
        }
        let roles = checked(roles)?;
        let turn = self.hashing.turn().await.map_err(|_| Error::Busy)?;
        let salt = chance::secret_bytes(self.ids.as_ref());
        let hash = turn.hash(password.clone(), salt).await.ok_or(Error::Busy)?;
        let mut changes = ChangeSet::new();
        changes.put(
            user_key(user),
            Expectation::Any,
            record::encode(&UserRecord { password: hash, roles }),
        );
        self.store.commit(changes).await?;
        Ok(())
    }

    /// Makes a token and answers its text, which nobody can show again: only a hash is kept. `name` is what logs call
    /// its owner.
    pub async fn create_token(&self, name: &str, roles: &[&str], expires: Option<Timestamp>) -> Result<Secret, Error> {
        if !is_name(name) {
            return Err(Error::Name);
        }
        let roles = checked(roles)?;
        let fresh = token::make(self.ids.as_ref());
        let record = TokenRecord {
            name: name.to_owned(),
            roles,
            hash: fresh.hash,
            created: wire_time(self.clock.now()),
            expires: expires.map(wire_time),
        };
        let mut changes = ChangeSet::new();
        changes.put(token_key(&fresh.id), Expectation::Absent, record::encode(&record));
        self.store.commit(changes).await?;
        Ok(fresh.text)
    }

    /// Removes a token by its id, the part between the underscores. One that is not there is removed already.
    pub async fn revoke_token(&self, id: &str) -> Result<(), Error> {
        let mut changes = ChangeSet::new();
        changes.delete(token_key(id), Expectation::Any);
        self.store.commit(changes).await?;
        Ok(())
    }

    /// Who sends a request with these headers. 401 with the same words for every reason; 400 for more than one
    /// credential; 429 while a name is closed after too many wrong passwords; 503 when too many are being verified.
    pub async fn authenticate(&self, headers: &HeaderMap) -> Result<Arc<Caller>, Problem> {
        match Credentials::of(headers)? {
            Credentials::Password { user, password } => self.by_password(&user, password).await,
            Credentials::Token(token) => self.by_token(&token).await,
        }
    }

    async fn by_password(&self, user: &str, password: Secret) -> Result<Arc<Caller>, Problem> {
        if !is_name(user) || password.expose().len() > MAX_PASSWORD {
            return Err(Problem::unauthorized());
        }
        let stored = self.user(user).await?;
        let revision = stored.as_ref().map(|(revision, _)| *revision);
        if let Some(caller) = self.remembered(user, &password, revision) {
            return Ok(caller);
        }
        self.admit(user)?;
        let turn = self.hashing.turn().await?;
        // While this one waited, others may have failed, or have verified the same password.
        if let Some(caller) = self.remembered(user, &password, revision) {
            return Ok(caller);
        }
        self.admit(user)?;
        let hash = stored
            .as_ref()
            .map_or(NOBODY, |(_, record)| record.password.as_str())
            .to_owned();
        let is_right = turn.verify(password.clone(), hash).await;
        let now = self.clock.now();
        match stored {
            Some((revision, record)) if is_right => {
                let caller = self.caller(user, &record.roles);
                self.throttle.lock().succeeded(user);
                let mut cache = self.cache.lock();
                let fingerprint = cache.fingerprint(user, &password);
                cache.put(fingerprint, Arc::clone(&caller), revision, now, None);
                Ok(caller)
            }
            _ => {
                self.fail(user, now);
                Err(Problem::unauthorized())
            }
        }
    }

    fn remembered(&self, user: &str, password: &Secret, revision: Option<Revision>) -> Option<Arc<Caller>> {
        let now = self.clock.now();
        if !self.throttle.lock().admits_remembered(user, now) {
            return None;
        }
        let cache = self.cache.lock();
        cache.get(&cache.fingerprint(user, password), revision?, now)
    }

    fn admit(&self, user: &str) -> Result<(), Problem> {
        let now = self.clock.now();
        if self.throttle.lock().admits(user, now) {
            return Ok(());
        }
        self.fail(user, now);
        Err(Problem::new(
            Code::TOO_MANY,
            "too many failed sign-ins: try again in a minute",
        ))
    }

    fn fail(&self, user: &str, now: Timestamp) {
        let tenant = self.store.tenant();
        match self.throttle.lock().failed(user, now) {
            FAILURES => tracing::warn!(%tenant, user, "too many wrong passwords: the name is closed for a minute"),
            FAILURES_WITH_CACHE => {
                tracing::warn!(%tenant, user, "a flood of wrong passwords: now only tokens get in");
            }
            _ => {}
        }
    }

    async fn by_token(&self, token: &Secret) -> Result<Arc<Caller>, Problem> {
        let presented = Presented::parse(token.expose()).ok_or_else(Problem::unauthorized)?;
        let document = self.store.get(&token_key(presented.id)).await?;
        let document = document.ok_or_else(Problem::unauthorized)?;
        let now = self.clock.now();
        let fingerprint = {
            let cache = self.cache.lock();
            // No user has an empty name, so that a token is never taken for a password.
            let fingerprint = cache.fingerprint("", token);
            if let Some(caller) = cache.get(&fingerprint, document.revision, now) {
                return Ok(caller);
            }
            fingerprint
        };
        let record: TokenRecord = record::decode(&document)?;
        if !presented.has_hash(&record.hash) || record.is_expired(now) {
            return Err(Problem::unauthorized());
        }
        let caller = self.caller(&record.name, &record.roles);
        let end = record.expires.as_deref().and_then(parse_wire_time);
        self.cache
            .lock()
            .put(fingerprint, Arc::clone(&caller), document.revision, now, end);
        Ok(caller)
    }

    async fn user(&self, user: &str) -> Result<Option<(Revision, UserRecord)>, StoreError> {
        let document = self.store.get(&user_key(user)).await?;
        document
            .map(|document| Ok((document.revision, record::decode(&document)?)))
            .transpose()
    }

    fn caller(&self, name: &str, roles: &[String]) -> Arc<Caller> {
        Arc::new(Caller {
            tenant: self.store.tenant().as_str().into(),
            name: name.into(),
            rights: Arc::new(roles::rights(roles)),
            is_external: true,
        })
    }
}

impl fmt::Debug for Callers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Callers")
            .field("tenant", self.store.tenant())
            .finish_non_exhaustive()
    }
}

fn user_key(user: &str) -> Key {
    Collection::new(USERS).key(user)
}

fn token_key(id: &str) -> Key {
    Collection::new(TOKENS).key(id)
}

fn is_name(name: &str) -> bool {
    (1..=MAX_NAME).contains(&name.len()) && !name.chars().any(char::is_control)
}

fn checked(roles: &[&str]) -> Result<Vec<String>, Error> {
    match roles::first_unknown(roles) {
        Some(role) => Err(Error::Role(role.to_owned())),
        None => Ok(roles.iter().map(ToString::to_string).collect()),
    }
}

#[cfg(test)]
mod tests;
