//! What surrounds the running call. All of it stays the same when the call is repeated.

use std::time::{Duration, SystemTime};

use crate::bindings::context;

pub use context::Invocation;

/// Whose call this is, and what for.
pub fn invocation() -> Invocation {
    context::current()
}

/// The time at which the call began. It does not move during the call.
pub fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_millis(context::now())
}

/// The next of a sequence of random numbers, which is the same one when the call is repeated.
pub fn random() -> u64 {
    context::random()
}

/// A configuration property, if there is one and the plugin may see it.
pub fn property(name: &str) -> Option<String> {
    context::property(name)
}
