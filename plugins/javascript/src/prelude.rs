//! `prelude.js`, which gives scripts their natives, run once when the component is built.

use rquickjs::context::EvalOptions;
use rquickjs::{Ctx, Function, Result};

use crate::host::{self, Answer};

/// The name under which the prelude's lines stand in a stack trace.
pub(crate) const FILE: &str = "taskwarden:prelude";

/// Defines the natives, and answers the function that [`bind`] needs.
pub(crate) fn install<'js>(ctx: &Ctx<'js>) -> Result<Function<'js>> {
    let mut options = EvalOptions::default();
    options.filename = Some(FILE.into());
    let install: Function<'js> = ctx.eval_with_options(include_str!("prelude.js"), options)?;
    install.call((host::natives(ctx)?,))
}

/// Makes a global variable of a name and a JSON text.
pub(crate) fn bind(bind: &Function<'_>, name: String, json: String) -> Result<()> {
    bind.call((name, Answer::from(json)))
}
