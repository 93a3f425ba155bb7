//! What a guest may still use while the host works for it: what scripts use that run on its behalf is taken from it, so
//! that no guest escapes its limits by making others run.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use host_model::limits::Limits;
use host_resource::{Context, Problem};
use parking_lot::Mutex;

use crate::end::Usage;

/// Scripts that run because of scripts are nested no deeper: each level holds an instance and its memory.
pub const MAX_NESTED: u32 = 4;

/// The account of one call of a guest. It travels in the context of the guest's requests.
#[derive(Debug)]
pub(crate) struct Account {
    /// How many calls surround this one.
    depth: u32,
    /// When the call has to have ended.
    until: Instant,
    memory: u64,
    left: Mutex<Left>,
    seed: AtomicU64,
}

#[derive(Clone, Copy, Debug)]
struct Left {
    fuel: u64,
    host_calls: u64,
}

impl Account {
    /// The account of a call with these limits, inside of whatever the context is charged to.
    pub(crate) fn open(context: &Context, limits: &Limits, started: Instant, seed: u64) -> Arc<Self> {
        let depth = context.account::<Self>().map_or(0, |outer| outer.depth + 1);
        let left = Left {
            fuel: limits.fuel,
            host_calls: limits.host_calls,
        };
        Arc::new(Self {
            depth,
            until: started + limits.deadline,
            memory: limits.memory_bytes,
            left: Mutex::new(left),
            seed: AtomicU64::new(seed),
        })
    }

    /// What a script may use that runs on behalf of this call, and what makes its random numbers its own.
    pub(crate) fn allow(&self, subject: &str, now: Instant) -> Result<(Limits, u64), Problem> {
        if self.depth >= MAX_NESTED {
            return Err(Problem::internal(format!(
                "{subject}: scripts that run because of scripts are nested more than {MAX_NESTED} deep"
            )));
        }
        let left = *self.left.lock();
        let deadline = self.until.saturating_duration_since(now);
        if left.fuel == 0 || deadline < Duration::from_millis(1) {
            return Err(Problem::internal(format!(
                "{subject}: the script that causes it has nothing left of its fuel or its time"
            )));
        }
        let rest = Limits {
            fuel: left.fuel,
            host_calls: left.host_calls,
            deadline,
            memory_bytes: self.memory,
            ..Limits::default()
        };
        let seed = self.seed.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
        Ok((Limits::default().min(rest), seed))
    }

    /// Takes what a script has used.
    pub(crate) fn charge(&self, usage: &Usage) {
        let mut left = self.left.lock();
        left.fuel = left.fuel.saturating_sub(usage.fuel);
        left.host_calls = left.host_calls.saturating_sub(usage.host_calls);
    }

    /// Says what is left before the host works for the guest: only the sandbox knows it.
    pub(crate) fn set(&self, fuel: u64, host_calls: u64) {
        *self.left.lock() = Left { fuel, host_calls };
    }

    /// What is left after the host has worked for the guest: fuel and calls of the host.
    pub(crate) fn left(&self) -> (u64, u64) {
        let left = self.left.lock();
        (left.fuel, left.host_calls)
    }
}

#[cfg(test)]
mod tests {
    use host_resource::Caller;

    use super::*;

    fn context() -> Context {
        Context::new(Arc::new(Caller::internal("default", "test")), "request")
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "an account counts real time, of which this test asks nothing"
    )]
    fn now() -> Instant {
        Instant::now()
    }

    #[test]
    fn what_a_nested_script_uses_is_gone_for_the_outer_one() {
        let now = now();
        let limits = Limits {
            fuel: 100,
            host_calls: 7,
            ..Limits::default()
        };
        let account = Account::open(&context(), &limits, now, 1);
        let usage = Usage {
            fuel: 60,
            host_calls: 5,
            ..Usage::default()
        };
        account.charge(&usage);
        let (rest, _) = account.allow("a", now).unwrap();
        assert_eq!((rest.fuel, rest.host_calls, account.left()), (40, 2, (40, 2)));
        account.charge(&usage);
        assert_eq!(account.left(), (0, 0));
        assert!(account.allow("a", now).unwrap_err().message.contains("nothing left"));
        assert!(account.allow("a", now + limits.deadline).is_err());
    }

    #[test]
    fn nesting_has_an_end() {
        let now = now();
        let mut context = context();
        for depth in 0..=MAX_NESTED {
            let account = Account::open(&context, &Limits::default(), now, 1);
            assert_eq!(account.allow("a", now).is_ok(), depth < MAX_NESTED, "{depth}");
            context = context.charged_to(account);
        }
    }
}
