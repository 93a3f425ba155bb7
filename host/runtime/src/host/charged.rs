//! The linker's entries for the worlds. Those of `objects` are made by hand: only they can make other scripts run, and
//! what those use is taken from the guest's fuel, which the generated entries cannot reach.

use wasmtime::StoreContextMut;
use wasmtime::component::{HasSelf, Linker};

use crate::bindings::objects::{Host as _, Parameter};
use crate::bindings::{context, log, types};
use crate::guest::Guest;
use crate::meter::Stop;
use crate::transcript::{Answered, Given};

/// The name of the interface in `wit/`.
const OBJECTS: &str = "taskwarden:plugin/objects@0.1.0";

type Store<'a> = StoreContextMut<'a, Guest>;

/// Adds everything that the worlds import.
pub(crate) fn add_to_linker(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    types::add_to_linker::<_, HasSelf<Guest>>(linker, |guest| guest)?;
    log::add_to_linker::<_, HasSelf<Guest>>(linker, |guest| guest)?;
    context::add_to_linker::<_, HasSelf<Guest>>(linker, |guest| guest)?;
    let mut objects = linker.instance(OBJECTS)?;
    objects.func_wrap_async(
        "create",
        |mut store: Store<'_>, (container, id, content, fields): (String, Option<String>, String, Vec<String>)| {
            Box::new(async move {
                let arguments = [
                    ("id", Given::Plain(id.as_deref())),
                    ("content", Given::Json(Some(&content))),
                    ("fields", Given::List(&fields)),
                ];
                if let Some(told) = open(&mut store, "create", &container, &arguments)? {
                    return Ok((told.map(or_null),));
                }
                let answer = store.data_mut().create(container, id, content, fields).await?;
                settle(&mut store, answered(&answer))?;
                Ok((answer,))
            })
        },
    )?;
    objects.func_wrap_async("read", |mut store: Store<'_>, (path, fields): (String, Vec<String>)| {
        Box::new(async move {
            let arguments = [("fields", Given::List(&fields))];
            if let Some(told) = open(&mut store, "read", &path, &arguments)? {
                return Ok((told,));
            }
            let answer = store.data_mut().read(path, fields).await?;
            let said = match &answer {
                Ok(object) => Answered::Json(object.as_deref()),
                Err(problem) => Answered::Problem(problem),
            };
            settle(&mut store, said)?;
            Ok((answer,))
        })
    })?;
    objects.func_wrap_async(
        "update",
        |mut store: Store<'_>, (path, rev, content, fields): (String, Option<String>, String, Vec<String>)| {
            Box::new(async move {
                let arguments = [
                    ("rev", Given::Plain(rev.as_deref())),
                    ("content", Given::Json(Some(&content))),
                    ("fields", Given::List(&fields)),
                ];
                if let Some(told) = open(&mut store, "update", &path, &arguments)? {
                    return Ok((told.map(or_null),));
                }
                let answer = store.data_mut().update(path, rev, content, fields).await?;
                settle(&mut store, answered(&answer))?;
                Ok((answer,))
            })
        },
    )?;
    objects.func_wrap_async(
        "patch",
        |mut store: Store<'_>, (path, rev, operations, fields): (String, Option<String>, String, Vec<String>)| {
            Box::new(async move {
                let arguments = [
                    ("rev", Given::Plain(rev.as_deref())),
                    ("operations", Given::Json(Some(&operations))),
                    ("fields", Given::List(&fields)),
                ];
                if let Some(told) = open(&mut store, "patch", &path, &arguments)? {
                    return Ok((told.map(or_null),));
                }
                let answer = store.data_mut().patch(path, rev, operations, fields).await?;
                settle(&mut store, answered(&answer))?;
                Ok((answer,))
            })
        },
    )?;
    objects.func_wrap_async(
        "delete",
        |mut store: Store<'_>, (path, rev, fields): (String, Option<String>, Vec<String>)| {
            Box::new(async move {
                let arguments = [("rev", Given::Plain(rev.as_deref())), ("fields", Given::List(&fields))];
                if let Some(told) = open(&mut store, "delete", &path, &arguments)? {
                    return Ok((told.map(or_null),));
                }
                let answer = store.data_mut().delete(path, rev, fields).await?;
                settle(&mut store, answered(&answer))?;
                Ok((answer,))
            })
        },
    )?;
    objects.func_wrap_async(
        "query",
        |mut store: Store<'_>, (container, parameters, fields): (String, Vec<Parameter>, Vec<String>)| {
            Box::new(async move {
                let arguments = [
                    ("parameters", Given::Pairs(&parameters)),
                    ("fields", Given::List(&fields)),
                ];
                if let Some(told) = open(&mut store, "query", &container, &arguments)? {
                    return Ok((told.map(or_null),));
                }
                let answer = store.data_mut().query(container, parameters, fields).await?;
                settle(&mut store, answered(&answer))?;
                Ok((answer,))
            })
        },
    )?;
    objects.func_wrap_async(
        "action",
        |mut store: Store<'_>, (path, name, content, parameters, fields): Acting| {
            Box::new(async move {
                let arguments = [
                    ("name", Given::Plain(Some(&name))),
                    ("content", Given::Json(content.as_deref())),
                    ("parameters", Given::Pairs(&parameters)),
                    ("fields", Given::List(&fields)),
                ];
                if let Some(told) = open(&mut store, "action", &path, &arguments)? {
                    return Ok((told.map(or_null),));
                }
                let answer = store.data_mut().action(path, name, content, parameters, fields).await?;
                settle(&mut store, answered(&answer))?;
                Ok((answer,))
            })
        },
    )?;
    Ok(())
}

/// What an action is called with.
type Acting = (String, String, Option<String>, Vec<Parameter>, Vec<String>);

/// Begins a call: writes into the guest's account what is left of its limits, and records what is asked. In a replay the
/// answer is there already.
fn open(
    store: &mut Store<'_>,
    verb: &'static str,
    path: &str,
    arguments: &[(&'static str, Given<'_>)],
) -> wasmtime::Result<Option<Told>> {
    let fuel = store.get_fuel()?;
    let guest = store.data_mut();
    guest.account.set(fuel, guest.meter.host_calls_left());
    let Some(player) = guest.player.clone() else {
        guest.transcript.ask(verb, path, arguments);
        return Ok(None);
    };
    guest.meter.host_call()?;
    let told = player.play(verb, path, arguments).ok_or(Stop::Replay)?;
    if let Some(refused) = told.refused {
        guest.refused.get_or_insert(refused);
    }
    store.set_fuel(fuel.saturating_sub(told.fuel))?;
    Ok(Some(told.answer))
}

/// Ends a call: takes from the guest what was charged to its account meanwhile, and records what it is answered.
fn settle(store: &mut Store<'_>, said: Answered<'_>) -> wasmtime::Result<()> {
    let before = store.get_fuel()?;
    let guest = store.data_mut();
    let (fuel, host_calls) = guest.account.left();
    let left = guest.meter.host_calls_left();
    guest.meter.charge_host_calls(left.saturating_sub(host_calls));
    let is_refused = guest.refused.is_some() && matches!(said, Answered::Problem(types::Problem::Forbidden(_)));
    guest.transcript.answer(said, is_refused, before.saturating_sub(fuel));
    store.set_fuel(fuel)
}

/// What a guest is told in a replay.
type Told = Result<Option<String>, types::Problem>;

fn or_null(text: Option<String>) -> String {
    text.unwrap_or_else(|| "null".to_owned())
}

fn answered(answer: &Result<String, types::Problem>) -> Answered<'_> {
    match answer {
        Ok(text) => Answered::Json(Some(text)),
        Err(problem) => Answered::Problem(problem),
    }
}
