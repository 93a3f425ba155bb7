//! The clock that `Date` reads: the host's, which stands still for the length of a call.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::bindings::taskwarden::plugin::context;

/// Whether a host is there to be asked. While the component is built there is none, and a call to it would trap.
static RUNNING: AtomicBool = AtomicBool::new(false);

/// From here on the host may be asked.
pub(crate) fn run() {
    RUNNING.store(true, Ordering::Relaxed);
}

/// Whether the host may be asked.
pub(crate) fn is_running() -> bool {
    RUNNING.load(Ordering::Relaxed)
}

/// The only thing that QuickJS, compiled for a target without an operating system, wants from outside: microseconds
/// since 1970. It is defined here so that the module imports nothing but our own interfaces.
// SAFETY: the name is the one that the shim of rquickjs-sys declares (`double __rquickjs_host_now_us(void)`), nothing
// else in the module defines it, and the signatures agree.
#[unsafe(no_mangle)]
extern "C" fn __rquickjs_host_now_us() -> f64 {
    if is_running() {
        context::now() as f64 * 1000.0
    } else {
        0.0
    }
}
