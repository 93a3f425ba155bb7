//! The linker's entries for the worlds. Those of `objects` are made by hand: only they can make other scripts run, and
//! what those use is taken from the guest's fuel, which the generated entries cannot reach.

use wasmtime::StoreContextMut;
use wasmtime::component::{HasSelf, Linker};

use crate::bindings::objects::{Host as _, Parameter};
use crate::bindings::{context, log, types};
use crate::guest::Guest;

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
                open(&mut store)?;
                let answer = store.data_mut().create(container, id, content, fields).await?;
                settle(&mut store)?;
                Ok((answer,))
            })
        },
    )?;
    objects.func_wrap_async("read", |mut store: Store<'_>, (path, fields): (String, Vec<String>)| {
        Box::new(async move {
            open(&mut store)?;
            let answer = store.data_mut().read(path, fields).await?;
            settle(&mut store)?;
            Ok((answer,))
        })
    })?;
    objects.func_wrap_async(
        "update",
        |mut store: Store<'_>, (path, rev, content, fields): (String, Option<String>, String, Vec<String>)| {
            Box::new(async move {
                open(&mut store)?;
                let answer = store.data_mut().update(path, rev, content, fields).await?;
                settle(&mut store)?;
                Ok((answer,))
            })
        },
    )?;
    objects.func_wrap_async(
        "patch",
        |mut store: Store<'_>, (path, rev, operations, fields): (String, Option<String>, String, Vec<String>)| {
            Box::new(async move {
                open(&mut store)?;
                let answer = store.data_mut().patch(path, rev, operations, fields).await?;
                settle(&mut store)?;
                Ok((answer,))
            })
        },
    )?;
    objects.func_wrap_async(
        "delete",
        |mut store: Store<'_>, (path, rev, fields): (String, Option<String>, Vec<String>)| {
            Box::new(async move {
                open(&mut store)?;
                let answer = store.data_mut().delete(path, rev, fields).await?;
                settle(&mut store)?;
                Ok((answer,))
            })
        },
    )?;
    objects.func_wrap_async(
        "query",
        |mut store: Store<'_>, (container, parameters, fields): (String, Vec<Parameter>, Vec<String>)| {
            Box::new(async move {
                open(&mut store)?;
                let answer = store.data_mut().query(container, parameters, fields).await?;
                settle(&mut store)?;
                Ok((answer,))
            })
        },
    )?;
    objects.func_wrap_async("action", |mut store: Store<'_>, (path, name, content, parameters, fields): (String, String, Option<String>, Vec<Parameter>, Vec<String>)| {
        Box::new(async move {
            open(&mut store)?;
            let answer = store.data_mut().action(path, name, content, parameters, fields).await?;
            settle(&mut store)?;
            Ok((answer,))
        })
    })?;
    Ok(())
}

/// Writes into the guest's account what is left of its limits.
fn open(store: &mut Store<'_>) -> wasmtime::Result<()> {
    let fuel = store.get_fuel()?;
    let guest = store.data();
    guest.account.set(fuel, guest.meter.host_calls_left());
    Ok(())
}

/// Takes from the guest what was charged to its account meanwhile.
fn settle(store: &mut Store<'_>) -> wasmtime::Result<()> {
    let (fuel, host_calls) = store.data().account.left();
    let guest = store.data_mut();
    let left = guest.meter.host_calls_left();
    guest.meter.charge_host_calls(left.saturating_sub(host_calls));
    store.set_fuel(fuel)
}
