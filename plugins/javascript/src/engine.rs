//! One interpreter: makes it, checks a source text, runs one.

use rquickjs::context::{EvalOptions, intrinsic};
use rquickjs::{CatchResultExt, CaughtError, Context, Ctx, Function, Persistent, Result, Runtime, Value};

use crate::bindings::{Binding, Json, Problem, SyntaxError};
use crate::failure;
use crate::prelude;
use crate::settle::settle;
use crate::syntax;

/// The name under which a script's own lines stand in a stack trace.
pub(crate) const SCRIPT: &str = "script";

/// Bytes of stack that a script may use before QuickJS throws a `RangeError`. The stack of the module has 1 MiB, which
/// is also the default of QuickJS: with that, it would see an overflow in every call, because it measures from where
/// it was started and some of the stack is in use by then.
const STACK_BYTES: usize = 512 * 1024;

/// Everything of the language but `performance`: a clock that stands still measures nothing.
type Intrinsics = (
    intrinsic::Date,
    intrinsic::Eval,
    intrinsic::RegExpCompiler,
    intrinsic::RegExp,
    intrinsic::Json,
    intrinsic::Proxy,
    intrinsic::MapSet,
    intrinsic::TypedArrays,
    intrinsic::Promise,
    intrinsic::WeakRef,
    intrinsic::DOMException,
);

/// An interpreter with the prelude in place.
pub(crate) struct Engine {
    /// The prelude's way to make a global variable.
    bind: Persistent<Function<'static>>,
    context: Context,
}

impl Engine {
    pub(crate) fn new() -> Result<Self> {
        let runtime = Runtime::new()?;
        runtime.set_max_stack_size(STACK_BYTES);
        let context = Context::custom::<Intrinsics>(&runtime)?;
        let bind = context.with(|ctx| Ok::<_, rquickjs::Error>(Persistent::save(&ctx, prelude::install(&ctx)?)))?;
        // What building the prelude left behind need not be part of every instance.
        runtime.run_gc();
        Ok(Self { bind, context })
    }

    /// Compiles the source text and forgets the outcome.
    pub(crate) fn check(&self, source: String) -> core::result::Result<(), SyntaxError> {
        self.context.with(|ctx| syntax::check(&ctx, source))
    }

    /// Runs the source text with the bindings as global variables, and answers its completion value.
    pub(crate) fn eval(&self, source: String, bindings: Vec<Binding>) -> core::result::Result<Json, Problem> {
        self.context.with(|ctx| {
            self.run(&ctx, source, bindings)
                .catch(&ctx)
                .map_err(|caught| match caught {
                    CaughtError::Exception(exception) => failure::problem(&ctx, exception.into_object().into_value()),
                    CaughtError::Value(value) => failure::problem(&ctx, value),
                    CaughtError::Error(error) => failure::internal(error.to_string()),
                })
        })
    }

    fn run<'js>(&self, ctx: &Ctx<'js>, source: String, bindings: Vec<Binding>) -> Result<Json> {
        let bind = self.bind.clone().restore(ctx)?;
        for Binding { name, value } in bindings {
            prelude::bind(&bind, name, value)?;
        }
        let mut options = EvalOptions::default();
        // Scripts are older than strict mode.
        options.strict = false;
        options.filename = Some(SCRIPT.into());
        let completion: Value<'js> = ctx.eval_with_options(source, options)?;
        let value = settle(ctx, completion)?;
        match ctx.json_stringify(value)? {
            Some(json) => json.to_string(),
            // Undefined, a function, a symbol: nothing that JSON could say.
            None => Ok("null".into()),
        }
    }
}
