//! What a script throws, as a problem.
//!
//! Reading a thrown value can run the script's own code (a getter, a proxy), which can throw again: such a property
//! counts as absent.

use rquickjs::{Coerced, Ctx, Object, Value};

use crate::bindings::taskwarden::plugin::types::{Coded, Detail};
use crate::bindings::{Json, Problem};
use crate::engine::SCRIPT;
use crate::prelude;

/// How much of a stack trace is worth keeping.
const STACK_BYTES: usize = 2048;

/// What a value without a message of its own may say about itself.
const VALUE_BYTES: usize = 1024;

/// The problem that an uncaught exception means: its own, if it has a `code`, else `internal` with the place.
pub(crate) fn problem<'js>(ctx: &Ctx<'js>, thrown: Value<'js>) -> Problem {
    if let Some(code) = code(ctx, &thrown) {
        let object = thrown.as_object();
        let message = object.and_then(|object| text(ctx, object, "message"));
        let detail = object.and_then(|object| detail(ctx, object));
        return coded(code, message.unwrap_or_else(|| reason(code).into()), detail);
    }
    Problem::Internal(Detail {
        message: message(ctx, &thrown),
        detail: place(ctx, &thrown),
    })
}

/// A failure of the engine itself.
pub(crate) fn internal(message: String) -> Problem {
    Problem::Internal(Detail { message, detail: None })
}

/// The case of a code, for the codes that have one.
fn coded(code: u16, message: String, detail: Option<Json>) -> Problem {
    match code {
        400 => Problem::BadRequest(Detail { message, detail }),
        403 => Problem::Forbidden(Detail { message, detail }),
        404 => Problem::NotFound(Detail { message, detail }),
        409 => Problem::Conflict(Detail { message, detail }),
        412 => Problem::PreconditionFailed(Detail { message, detail }),
        500 => Problem::Internal(Detail { message, detail }),
        501 => Problem::Unsupported(Detail { message, detail }),
        503 => Problem::Unavailable(Detail { message, detail }),
        code => Problem::Other(Coded { code, message, detail }),
    }
}

/// The message of a failure that brought none.
fn reason(code: u16) -> &'static str {
    match code {
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        409 => "Conflict",
        410 => "Gone",
        412 => "Precondition Failed",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        503 => "Service Unavailable",
        _ => "Resource Exception",
    }
}

/// One line for an exception: `Error: boom` for an error, the text of a string, the JSON of anything else.
pub(crate) fn message<'js>(ctx: &Ctx<'js>, thrown: &Value<'js>) -> String {
    if thrown.is_error()
        && let Some(error) = thrown.as_object()
    {
        let name = text(ctx, error, "name").unwrap_or_else(|| "Error".into());
        return match text(ctx, error, "message") {
            Some(message) if !message.is_empty() => format!("{name}: {message}"),
            _ => name,
        };
    }
    if let Some(string) = thrown.as_string() {
        return string.to_string().unwrap_or_default();
    }
    let said = json(ctx, thrown).or_else(|| quiet(ctx, thrown.get::<Coerced<String>>()).map(|text| text.0));
    bounded(
        said.as_deref().unwrap_or("an exception that does not say what it is"),
        VALUE_BYTES,
    )
    .into()
}

/// Line and column, from 1, of the innermost frame that belongs to the script.
pub(crate) fn location<'js>(ctx: &Ctx<'js>, thrown: &Value<'js>) -> Option<(u32, u32)> {
    stack(ctx, thrown)?.lines().find_map(frame)
}

/// Reads `    at name (script:1:2)` and, for syntax errors, `    at script:1:2`.
fn frame(line: &str) -> Option<(u32, u32)> {
    let line = line.trim_end().trim_end_matches(')');
    let start = line.rfind(['(', ' '])? + 1;
    let (line, column) = line[start..].strip_prefix(SCRIPT)?.strip_prefix(':')?.split_once(':')?;
    Some((line.parse().ok()?, column.parse().ok()?))
}

/// The stack trace without the frames of the prelude, which are no concern of the script's author.
fn stack<'js>(ctx: &Ctx<'js>, thrown: &Value<'js>) -> Option<String> {
    let stack = text(ctx, thrown.as_object()?, "stack")?;
    // A script can put a text of any length there, and QuickJS stops at ten frames.
    let own: Vec<&str> = bounded(&stack, 4 * STACK_BYTES)
        .lines()
        .filter(|line| !line.contains(prelude::FILE))
        .collect();
    Some(own.join("\n"))
}

/// `{"line":…,"column":…,"stack":"…"}`, as far as they are known.
fn place<'js>(ctx: &Ctx<'js>, thrown: &Value<'js>) -> Option<Json> {
    let stack = stack(ctx, thrown)?;
    let place = quiet(ctx, Object::new_proto(ctx.clone(), None))?;
    if let Some((line, column)) = location(ctx, thrown) {
        quiet(ctx, place.set("line", line))?;
        quiet(ctx, place.set("column", column))?;
    }
    quiet(ctx, place.set("stack", bounded(&stack, STACK_BYTES)))?;
    json(ctx, place.as_value())
}

fn code<'js>(ctx: &Ctx<'js>, thrown: &Value<'js>) -> Option<u16> {
    let code = property(ctx, thrown.as_object()?, "code")?.as_number()?;
    ((400.0..600.0).contains(&code) && code.fract() == 0.0).then_some(code as u16)
}

/// What was thrown as `detail`. The interface wants an object; anything else becomes the member `detail` of one.
fn detail<'js>(ctx: &Ctx<'js>, object: &Object<'js>) -> Option<Json> {
    let detail = property(ctx, object, "detail").filter(|detail| !detail.is_null())?;
    let json = json(ctx, &detail)?;
    Some(if json.starts_with('{') {
        json
    } else {
        format!(r#"{{"detail":{json}}}"#)
    })
}

fn text<'js>(ctx: &Ctx<'js>, object: &Object<'js>, name: &str) -> Option<String> {
    let value = property(ctx, object, name).filter(|value| !value.is_null())?;
    quiet(ctx, value.get::<Coerced<String>>()).map(|text| text.0)
}

fn property<'js>(ctx: &Ctx<'js>, object: &Object<'js>, name: &str) -> Option<Value<'js>> {
    quiet(ctx, object.get::<_, Value<'js>>(name)).filter(|value| !value.is_undefined())
}

fn json<'js>(ctx: &Ctx<'js>, value: &Value<'js>) -> Option<Json> {
    let json = quiet(ctx, ctx.json_stringify(value.clone()))??;
    quiet(ctx, json.to_string())
}

/// The value, or nothing; an exception on the way is taken from the context, so that it meets nobody later.
fn quiet<T>(ctx: &Ctx<'_>, result: rquickjs::Result<T>) -> Option<T> {
    result
        .inspect_err(|error| {
            if error.is_exception() {
                drop(ctx.catch())
            }
        })
        .ok()
}

fn bounded(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}
