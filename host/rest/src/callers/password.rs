//! Hashing and verifying passwords with argon2id.

use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher as _, PasswordVerifier as _, Version};
use host_resource::{Code, Problem};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::spawn_blocking;

use super::secret::Secret;

/// Shorter passwords (bytes) are refused when they are set.
pub const MIN_PASSWORD: usize = 8;
/// Longer ones as well, and are not looked at when they are presented.
pub const MAX_PASSWORD: usize = 1024;

/// Memory in KiB, passes, lanes: the first of the choices in OWASP's Password Storage Cheat Sheet that fits a small
/// machine, about 20 ms.
const COST: (u32, u32, u32) = (19 * 1024, 2, 1);

/// A hash of the same cost that belongs to nobody: unknown names are verified against it, so that they take as long as
/// known ones. That it matches something somewhere does not matter, the answer is thrown away.
pub(crate) const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5J3Mgc2FsdA$bm9ib2R5J3MgcGFzc3dvcmQgaXMgbm90IGtub3duLi4";

/// Hashes computed at once in a tenant: a flood of sign-ins costs the others at most one core and 19 MiB.
const AT_ONCE: usize = 1;
/// Sign-ins that may wait for that, one or two seconds at worst. The next is told to come back.
const WAITING: usize = 64;

/// Computes hashes, a few at a time, away from the threads that serve.
#[derive(Clone, Debug)]
pub(crate) struct Hashing {
    seats: Arc<Semaphore>,
    workers: Arc<Semaphore>,
}

/// A place in the queue for [`Hashing`].
#[derive(Debug)]
pub(crate) struct Turn {
    _worker: OwnedSemaphorePermit,
}

impl Hashing {
    /// An idle one.
    pub(crate) fn new() -> Self {
        Self {
            seats: Arc::new(Semaphore::new(WAITING)),
            workers: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }

    /// Waits until a hash may be computed; 503 when too many wait already.
    pub(crate) async fn turn(&self) -> Result<Turn, Problem> {
        let busy = || Problem::new(Code::UNAVAILABLE, "too many sign-ins at once");
        let _seat = self.seats.try_acquire().map_err(|_| busy())?;
        let worker = Arc::clone(&self.workers).acquire_owned().await;
        Ok(Turn {
            _worker: worker.map_err(|_| busy())?,
        })
    }
}

impl Turn {
    /// Whether this is the password behind the hash. A hash that cannot be read matches nothing.
    pub(crate) async fn verify(self, password: Secret, hash: String) -> bool {
        let turn = self;
        let verified = spawn_blocking(move || {
            // Held until the hash is computed, even when nobody waits for the answer any more.
            let _turn = turn;
            PasswordHash::new(&hash)
                .is_ok_and(|hash| argon2().verify_password(password.expose().as_bytes(), &hash).is_ok())
        });
        verified.await.unwrap_or(false)
    }

    /// The hash to store.
    pub(crate) async fn hash(self, password: Secret, salt: [u8; 32]) -> Option<String> {
        let turn = self;
        let hashed = spawn_blocking(move || {
            let _turn = turn;
            argon2()
                .hash_password_with_salt(password.expose().as_bytes(), &salt)
                .map(|hash: PasswordHash| hash.to_string())
        });
        hashed.await.ok()?.ok()
    }
}

fn argon2() -> Argon2<'static> {
    let (memory, passes, lanes) = COST;
    let params = Params::new(memory, passes, lanes, None).expect("the constants are within argon2's bounds");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_hash_knows_its_password() {
        let hashing = Hashing::new();
        let right = Secret::new("correct horse");
        let hash = hashing
            .turn()
            .await
            .unwrap()
            .hash(right.clone(), [7; 32])
            .await
            .unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(hashing.turn().await.unwrap().verify(right, hash.clone()).await);
        assert!(
            !hashing
                .turn()
                .await
                .unwrap()
                .verify(Secret::new("correct house"), hash)
                .await
        );
        assert!(
            !hashing
                .turn()
                .await
                .unwrap()
                .verify(Secret::new("x"), "not a hash".to_owned())
                .await
        );
    }

    #[test]
    fn nobody_costs_as_much_as_somebody() {
        let nobody = PasswordHash::new(NOBODY).unwrap();
        let params = Params::try_from(&nobody).unwrap();
        assert_eq!((params.m_cost(), params.t_cost(), params.p_cost()), COST);
        assert_eq!(nobody.hash.unwrap().as_bytes().len(), 32);
        assert_eq!(nobody.algorithm.as_str(), "argon2id");
    }

    #[tokio::test]
    async fn a_flood_is_turned_away() {
        let hashing = Hashing::new();
        let first = hashing.turn().await.unwrap();
        let wait = |hashing: Hashing| async move { hashing.turn().await.map(|_| ()) };
        let waiting: Vec<_> = (0..WAITING).map(|_| tokio::spawn(wait(hashing.clone()))).collect();
        for _ in 0..WAITING {
            tokio::task::yield_now().await;
        }
        assert_eq!(hashing.turn().await.map(|_| ()).unwrap_err().code, Code::UNAVAILABLE);
        drop(first);
        for turn in waiting {
            turn.await.unwrap().unwrap();
        }
    }
}
