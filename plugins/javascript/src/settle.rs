//! Promises: a script may end in one, and may leave work behind it.

use rquickjs::promise::PromiseState;
use rquickjs::{Ctx, Exception, Result, Value};

/// Runs what the script has put off, then answers the value, or what a promise came to.
pub(crate) fn settle<'js>(ctx: &Ctx<'js>, value: Value<'js>) -> Result<Value<'js>> {
    // Without a limit of its own: what keeps putting work off is a loop, and the host's fuel ends it.
    while ctx.execute_pending_job() {}
    let Some(promise) = value.as_promise() else {
        return Ok(value);
    };
    match (promise.state(), promise.result()) {
        (PromiseState::Resolved | PromiseState::Rejected, Some(result)) => result,
        (PromiseState::Pending, _) | (_, None) => Err(Exception::throw_message(
            ctx,
            "the script ended in a promise that nothing is left to settle",
        )),
    }
}
