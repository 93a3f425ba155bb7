//! Passwords and tokens that were verified a short while ago, so that not every request costs a slow hash, or works out
//! what somebody may do.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use host_model::clock::Timestamp;
use host_model::ids::Ids;
use host_resource::Caller;
use host_store::Revision;
use sha2::{Digest as _, Sha256};

use super::chance::secret_bytes;
use super::secret::Secret;

/// How long a verification is believed. A password that is changed or removed ends it at once, by the revision.
pub(crate) const REMEMBERED: Duration = Duration::from_secs(300);
/// More callers than this at once verify anew.
const CALLERS: usize = 1024;

/// What a user name and a password look like in memory: useless without the key, which never leaves the process.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Fingerprint([u8; 32]);

/// The verified passwords.
pub(crate) struct Cache {
    key: [u8; 32],
    callers: HashMap<Fingerprint, Remembered>,
}

struct Remembered {
    caller: Arc<Caller>,
    /// Of the document with the hash that the password was verified against.
    revision: Revision,
    until: Timestamp,
}

impl Cache {
    /// Nothing, and a fresh key.
    pub(crate) fn new(ids: &dyn Ids) -> Self {
        Self {
            key: secret_bytes(ids),
            callers: HashMap::new(),
        }
    }

    /// The fingerprint of a name and a password. A hash with a secret prefix is enough of a keyed hash here: nobody
    /// sees it, so nobody can extend it.
    pub(crate) fn fingerprint(&self, user: &str, password: &Secret) -> Fingerprint {
        let mut hash = Sha256::new();
        hash.update(self.key);
        hash.update((user.len() as u64).to_be_bytes());
        hash.update(user);
        hash.update(password.expose());
        Fingerprint(hash.finalize().into())
    }

    /// The caller, if this password was verified against this revision of the user's document.
    pub(crate) fn get(&self, fingerprint: &Fingerprint, revision: Revision, now: Timestamp) -> Option<Arc<Caller>> {
        let remembered = self.callers.get(fingerprint)?;
        let holds = remembered.revision == revision && now < remembered.until;
        holds.then(|| Arc::clone(&remembered.caller))
    }

    /// Remembers a password or a token that was right, no longer than until `end`.
    pub(crate) fn put(
        &mut self,
        fingerprint: Fingerprint,
        caller: Arc<Caller>,
        revision: Revision,
        now: Timestamp,
        end: Option<Timestamp>,
    ) {
        if self.callers.len() >= CALLERS {
            self.callers.retain(|_, remembered| now < remembered.until);
        }
        if self.callers.len() >= CALLERS {
            let oldest = self
                .callers
                .iter()
                .min_by_key(|(_, remembered)| remembered.until)
                .map(|(key, _)| *key);
            oldest.and_then(|key| self.callers.remove(&key));
        }
        self.callers.insert(
            fingerprint,
            Remembered {
                caller,
                revision,
                until: end.map_or(now + REMEMBERED, |end| end.min(now + REMEMBERED)),
            },
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Numbers;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_timestamp(second, 0).unwrap()
    }

    #[test]
    fn a_password_is_remembered_for_its_revision_and_for_five_minutes() {
        let mut cache = Cache::new(&Numbers::default());
        let fingerprint = cache.fingerprint("joe", &Secret::new("right"));
        cache.put(
            fingerprint,
            Arc::new(Caller::internal("default", "joe")),
            Revision(7),
            at(0),
            None,
        );
        assert!(cache.get(&fingerprint, Revision(7), at(299)).is_some());
        assert!(cache.get(&fingerprint, Revision(8), at(299)).is_none());
        assert!(cache.get(&fingerprint, Revision(7), at(300)).is_none());
        assert!(
            cache
                .get(&cache.fingerprint("joe", &Secret::new("wrong")), Revision(7), at(0))
                .is_none()
        );
        assert!(
            cache
                .get(&cache.fingerprint("joer", &Secret::new("ight")), Revision(7), at(0))
                .is_none()
        );
    }

    #[test]
    fn what_ends_earlier_is_not_remembered_longer() {
        let mut cache = Cache::new(&Numbers::default());
        let fingerprint = cache.fingerprint("", &Secret::new("token"));
        let caller = Arc::new(Caller::internal("default", "joe"));
        cache.put(fingerprint, caller, Revision(7), at(0), Some(at(10)));
        assert!(cache.get(&fingerprint, Revision(7), at(9)).is_some());
        assert!(cache.get(&fingerprint, Revision(7), at(10)).is_none());
    }

    #[test]
    fn the_cache_is_bounded_and_forgets_the_oldest() {
        let mut cache = Cache::new(&Numbers::default());
        let of = |cache: &Cache, number: usize| cache.fingerprint(&number.to_string(), &Secret::new("x"));
        for number in 0..=CALLERS {
            let fingerprint = of(&cache, number);
            let caller = Arc::new(Caller::internal("default", number.to_string()));
            cache.put(fingerprint, caller, Revision(1), at(number as i64 / 100), None);
        }
        assert_eq!(cache.callers.len(), CALLERS);
        assert!(cache.get(&of(&cache, CALLERS), Revision(1), at(20)).is_some());
    }
}
