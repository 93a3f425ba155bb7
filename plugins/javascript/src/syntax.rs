//! Whether a source text compiles, and where it does not.

use std::ffi::CString;

use rquickjs::{Ctx, Value, qjs};

use crate::bindings::SyntaxError;
use crate::engine::SCRIPT;
use crate::failure;

/// Compiles the source text as the script it would run as. Runs none of it.
pub(crate) fn check(ctx: &Ctx<'_>, source: String) -> Result<(), SyntaxError> {
    let length = source.len();
    let source = match CString::new(source) {
        Ok(source) => source,
        Err(error) => return Err(nul(error.nul_position(), &error.into_vec())),
    };
    let name = CString::new(SCRIPT).unwrap_or_default();
    // The safe interface can compile a module, but not a script, which follows other rules.
    let flags = qjs::JS_EVAL_TYPE_GLOBAL | qjs::JS_EVAL_FLAG_COMPILE_ONLY;
    // SAFETY: `ctx` is a live context, because `Ctx` only exists inside `Context::with`. `source` and `name` are
    // terminated by NUL and outlive the call; `length` is the number of bytes before the NUL, as JS_Eval asks for.
    let compiled = unsafe {
        qjs::JS_Eval(
            ctx.as_raw().as_ptr(),
            source.as_ptr(),
            length as qjs::size_t,
            name.as_ptr(),
            flags as i32,
        )
    };
    // SAFETY: JS_IsException only looks at the tag of a value.
    if unsafe { qjs::JS_IsException(compiled) } {
        return Err(describe(ctx, &ctx.catch()));
    }
    // SAFETY: JS_Eval hands over one reference to `compiled`, nothing else has it, and it is given back once.
    unsafe { qjs::JS_FreeValue(ctx.as_raw().as_ptr(), compiled) };
    Ok(())
}

fn describe<'js>(ctx: &Ctx<'js>, thrown: &Value<'js>) -> SyntaxError {
    let (line, column) = failure::location(ctx, thrown).unwrap_or((1, 1));
    // QuickJS quotes the token that it did not expect; at the end of the text that is nothing.
    let message = failure::message(ctx, thrown).replace(
        "unexpected token in expression: ''",
        "unexpected end of the source text",
    );
    SyntaxError { line, column, message }
}

/// The engine takes its text as a C string, and a NUL means nothing in a script anyway.
fn nul(position: usize, source: &[u8]) -> SyntaxError {
    let before = &source[..position];
    let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
    let column = before.iter().rev().take_while(|byte| **byte != b'\n').count() + 1;
    SyntaxError {
        line: line as u32,
        column: column as u32,
        message: "SyntaxError: a NUL character".into(),
    }
}
