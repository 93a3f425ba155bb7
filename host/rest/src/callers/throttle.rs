//! How often a user name may be tried with a wrong password.
//!
//! After [`FAILURES`] wrong passwords the name is closed for [`CLOSED`]: passwords are no longer verified. That alone
//! would let a stranger lock somebody out by failing on purpose, so a caller whose password was verified a short while
//! ago (the cache) still passes, and tokens, which cannot be guessed, are never throttled. But what the cache compares
//! is an oracle as well, and a fast one; so the exception ends at [`FAILURES_WITH_CACHE`] failures in the same time,
//! which bounds guessing to that many a minute. What remains: who keeps failing more than a thousand times a minute
//! closes a name to passwords for as long. It shows in the log, and a token gets past it.
//!
//! Unknown names are counted like known ones, so that a 429 does not tell which exist.

use std::collections::HashMap;
use std::time::Duration;

use host_model::clock::Timestamp;

/// Wrong passwords before a name is closed.
pub(crate) const FAILURES: u32 = 10;
/// Wrong passwords before not even a remembered password opens it.
pub(crate) const FAILURES_WITH_CACHE: u32 = 1000;
/// How long a name stays closed, and how long failures are remembered.
pub(crate) const CLOSED: Duration = Duration::from_secs(60);
/// Names with failures that are kept. Each cost a stranger a slow verification, of which fewer fit into [`CLOSED`].
const NAMES: usize = 10_000;

/// The failures of each name.
#[derive(Debug, Default)]
pub(crate) struct Throttle {
    names: HashMap<String, Failures>,
}

#[derive(Clone, Copy, Debug)]
struct Failures {
    count: u32,
    /// When they are forgotten.
    until: Timestamp,
}

impl Throttle {
    /// Whether a password for this name may be verified.
    pub(crate) fn admits(&self, name: &str, now: Timestamp) -> bool {
        self.count(name, now) < FAILURES
    }

    /// Whether a remembered password for this name may still be compared.
    pub(crate) fn admits_remembered(&self, name: &str, now: Timestamp) -> bool {
        self.count(name, now) < FAILURES_WITH_CACHE
    }

    /// Counts a wrong password. Answers how many there are by now.
    pub(crate) fn failed(&mut self, name: &str, now: Timestamp) -> u32 {
        if self.names.len() >= NAMES && !self.names.contains_key(name) {
            self.make_room(now);
        }
        let failures = self
            .names
            .entry(name.to_owned())
            .or_insert(Failures { count: 0, until: now });
        if failures.until <= now {
            *failures = Failures {
                count: 0,
                until: now + CLOSED,
            };
        }
        failures.count = failures.count.saturating_add(1);
        if failures.count == FAILURES {
            failures.until = now + CLOSED;
        }
        failures.count
    }

    /// Forgets the failures of a name after a right password.
    pub(crate) fn succeeded(&mut self, name: &str) {
        self.names.remove(name);
    }

    fn count(&self, name: &str, now: Timestamp) -> u32 {
        self.names
            .get(name)
            .filter(|failures| failures.until > now)
            .map_or(0, |failures| failures.count)
    }

    fn make_room(&mut self, now: Timestamp) {
        self.names.retain(|_, failures| failures.until > now);
        if self.names.len() >= NAMES {
            let fewest = self
                .names
                .iter()
                .min_by_key(|(_, failures)| failures.count)
                .map(|(name, _)| name.clone());
            fewest.and_then(|name| self.names.remove(&name));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_timestamp(second, 0).unwrap()
    }

    #[test]
    fn a_name_closes_after_ten_failures_and_opens_a_minute_later() {
        let mut throttle = Throttle::default();
        for failure in 1..FAILURES {
            assert_eq!(throttle.failed("joe", at(30)), failure);
        }
        assert!(throttle.admits("joe", at(30)));
        assert_eq!(throttle.failed("joe", at(50)), FAILURES);
        assert!(!throttle.admits("joe", at(109)));
        assert!(throttle.admits_remembered("joe", at(109)));
        assert!(throttle.admits("ann", at(109)));
        assert!(throttle.admits("joe", at(110)));
    }

    #[test]
    fn failures_while_closed_do_not_keep_it_closed_longer() {
        let mut throttle = Throttle::default();
        for _ in 0..FAILURES {
            throttle.failed("joe", at(0));
        }
        throttle.failed("joe", at(59));
        assert!(throttle.admits("joe", at(60)));
    }

    #[test]
    fn old_failures_and_those_before_a_success_do_not_count() {
        let mut throttle = Throttle::default();
        for second in 0..100 {
            throttle.failed("slow", at(second * 10));
            assert!(throttle.admits("slow", at(second * 10)), "{second}");
        }
        for _ in 0..5 {
            (1..FAILURES).for_each(|_| _ = throttle.failed("joe", at(0)));
            throttle.succeeded("joe");
        }
        assert!(throttle.admits("joe", at(0)));
    }

    #[test]
    fn a_flood_closes_even_a_remembered_name() {
        let mut throttle = Throttle::default();
        (0..FAILURES_WITH_CACHE).for_each(|_| _ = throttle.failed("joe", at(0)));
        assert!(!throttle.admits_remembered("joe", at(59)));
        assert!(throttle.admits_remembered("joe", at(60)));
    }

    #[test]
    fn the_names_are_bounded_and_the_most_tried_stay() {
        let mut throttle = Throttle::default();
        (0..FAILURES).for_each(|_| _ = throttle.failed("joe", at(0)));
        (0..NAMES + 50).for_each(|number| _ = throttle.failed(&number.to_string(), at(1)));
        assert!(throttle.names.len() <= NAMES);
        assert!(!throttle.admits("joe", at(2)));
    }
}
