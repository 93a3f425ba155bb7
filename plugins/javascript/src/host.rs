//! The host's interfaces as functions that the prelude can call. Values cross as JSON text; the prelude checks what
//! scripts pass, so that nothing here has to guess.

use rquickjs::function::IntoJsFunc;
use rquickjs::{Ctx, Function, IntoJs, Object, Result, Value};

use crate::bindings::Problem;
use crate::bindings::taskwarden::plugin::log::Level;
use crate::bindings::taskwarden::plugin::objects::Parameter;
use crate::bindings::taskwarden::plugin::types::{Coded, Json};
use crate::bindings::taskwarden::plugin::{context, log, objects};

type Fields = Vec<String>;

/// Everything that the prelude may ask of the host.
pub(crate) fn natives<'js>(ctx: &Ctx<'js>) -> Result<Object<'js>> {
    let natives = Object::new_proto(ctx.clone(), None)?;
    offer(
        &natives,
        "create",
        |container: String, id: Option<String>, content: Json, fields: Fields| {
            Answer::from(objects::create(&container, id.as_deref(), &content, &fields))
        },
    )?;
    offer(&natives, "read", |path: String, fields: Fields| {
        Answer::from(objects::read(&path, &fields))
    })?;
    offer(
        &natives,
        "update",
        |path: String, rev: Option<String>, content: Json, fields: Fields| {
            Answer::from(objects::update(&path, rev.as_deref(), &content, &fields))
        },
    )?;
    offer(
        &natives,
        "patch",
        |path: String, rev: Option<String>, operations: Json, fields: Fields| {
            Answer::from(objects::patch(&path, rev.as_deref(), &operations, &fields))
        },
    )?;
    offer(
        &natives,
        "delete",
        |path: String, rev: Option<String>, fields: Fields| {
            Answer::from(objects::delete(&path, rev.as_deref(), &fields))
        },
    )?;
    offer(
        &natives,
        "query",
        |container: String, parameters: Vec<String>, fields: Fields| {
            Answer::from(objects::query(&container, &pairs(parameters), &fields))
        },
    )?;
    offer(
        &natives,
        "action",
        |path: String, name: String, content: Option<Json>, parameters: Vec<String>, fields: Fields| {
            Answer::from(objects::action(
                &path,
                &name,
                content.as_deref(),
                &pairs(parameters),
                &fields,
            ))
        },
    )?;
    offer(&natives, "log", |level: u8, message: String| {
        log::write(self::level(level), &message)
    })?;
    offer(&natives, "property", |name: String| context::property(&name))?;
    offer(&natives, "random", || fraction(context::random()))?;
    Ok(natives)
}

fn offer<'js, P, F>(natives: &Object<'js>, name: &str, native: F) -> Result<()>
where
    F: IntoJsFunc<'js, P> + 'js,
{
    natives.set(name, Function::new(natives.ctx().clone(), native)?.with_name(name)?)
}

/// The prelude hands parameters over as name, value, name, value, ….
fn pairs(flat: Vec<String>) -> Vec<Parameter> {
    let mut flat = flat.into_iter();
    std::iter::from_fn(|| {
        Some(Parameter {
            name: flat.next()?,
            value: flat.next()?,
        })
    })
    .collect()
}

fn level(level: u8) -> Level {
    match level {
        0 => Level::Trace,
        1 => Level::Debug,
        2 => Level::Info,
        3 => Level::Warn,
        _ => Level::Error,
    }
}

/// The upper 53 bits, as many as a number of the language can hold, as a number from 0 to below 1.
fn fraction(random: u64) -> f64 {
    (random >> 11) as f64 / (1_u64 << 53) as f64
}

/// What the host answered, for `value()` of the prelude.
pub(crate) enum Answer {
    Value(Json),
    Nothing,
    Problem(Problem),
}

impl From<Json> for Answer {
    fn from(json: Json) -> Self {
        Self::Value(json)
    }
}

impl From<core::result::Result<Json, Problem>> for Answer {
    fn from(answer: core::result::Result<Json, Problem>) -> Self {
        answer.map_or_else(Self::Problem, Self::Value)
    }
}

impl From<core::result::Result<Option<Json>, Problem>> for Answer {
    fn from(answer: core::result::Result<Option<Json>, Problem>) -> Self {
        match answer {
            Ok(Some(json)) => Self::Value(json),
            Ok(None) => Self::Nothing,
            Err(problem) => Self::Problem(problem),
        }
    }
}

impl<'js> IntoJs<'js> for Answer {
    fn into_js(self, ctx: &Ctx<'js>) -> Result<Value<'js>> {
        // Without a prototype, so that a script cannot add members to it.
        let answer = Object::new_proto(ctx.clone(), None)?;
        match self {
            Self::Nothing => return Ok(Value::new_null(ctx.clone())),
            Self::Value(json) if has_long_number(&json) => {
                answer.set("exact", true)?;
                answer.set("json", json)?;
            }
            Self::Value(json) => answer.set("value", ctx.json_parse(json)?)?,
            Self::Problem(problem) => {
                let Coded { code, message, detail } = coded(problem);
                answer.set("code", code)?;
                answer.set("message", message)?;
                answer.set("detail", detail)?;
            }
        }
        Ok(answer.into_value())
    }
}

/// Whether a number of the text has as many digits in a row as it takes to lose some of them when it is parsed. Digits
/// inside strings do not count: every revision is a string of many.
fn has_long_number(json: &str) -> bool {
    may_have_long_number(json.as_bytes()) && {
        let mut digits = 0;
        let mut is_string = false;
        let mut bytes = json.bytes();
        loop {
            match bytes.next() {
                None => return false,
                Some(b'"') => is_string = !is_string,
                // Whatever is escaped is no end of the string.
                Some(b'\\') if is_string => drop(bytes.next()),
                Some(b'0'..=b'9') if !is_string => {
                    digits += 1;
                    if digits == DIGITS {
                        return true;
                    }
                    continue;
                }
                Some(_) => {}
            }
            digits = 0;
        }
    }
}

/// So many digits in a row may be too many for a number.
const DIGITS: usize = 16;

/// Looks at every sixteenth byte only: a row of so many digits has one of them. A row behind a quotation mark begins a
/// string, as revisions do.
fn may_have_long_number(json: &[u8]) -> bool {
    let mut at = DIGITS - 1;
    while let Some(byte) = json.get(at) {
        if byte.is_ascii_digit() {
            let before = json[..at].iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
            let behind = json[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
            let is_text = at.checked_sub(before + 1).is_some_and(|mark| json[mark] == b'"');
            if before + behind >= DIGITS && !is_text {
                return true;
            }
        }
        at += DIGITS;
    }
    false
}

fn coded(problem: Problem) -> Coded {
    let (code, detail) = match problem {
        Problem::BadRequest(detail) => (400, detail),
        Problem::Forbidden(detail) => (403, detail),
        Problem::NotFound(detail) => (404, detail),
        Problem::Conflict(detail) => (409, detail),
        Problem::PreconditionFailed(detail) => (412, detail),
        Problem::Internal(detail) => (500, detail),
        Problem::Unsupported(detail) => (501, detail),
        Problem::Unavailable(detail) => (503, detail),
        Problem::Other(coded) => return coded,
    };
    Coded {
        code,
        message: detail.message,
        detail: detail.detail,
    }
}
