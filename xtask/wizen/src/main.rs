//! Runs a component's `init` and writes the component as it is afterwards, so that no instance has to do it again.
//!
//! A program of its own, because it needs wasmtime and the rest of `xtask` shall build in seconds. `cargo xtask plugins`
//! calls it: `xtask-wizen IN OUT`.

use std::path::PathBuf;

use anyhow::{Context, bail};
use wasmtime::component::{Component, Linker};
use wasmtime::{Config, Engine, Store};
use wasmtime_wizer::Wizer;

/// The function that initialises, as the world `engine-build` has it.
const INIT: &str = "init()";

fn main() -> anyhow::Result<()> {
    let [_, from, to] = &std::env::args_os().map(PathBuf::from).collect::<Vec<_>>()[..] else {
        bail!("usage: xtask-wizen IN OUT");
    };
    let component = std::fs::read(from).with_context(|| format!("failed to read {}", from.display()))?;
    let initialised = tokio::runtime::Builder::new_current_thread()
        .build()
        .context("failed to start a runtime")?
        .block_on(initialise(&component))
        .with_context(|| format!("failed to initialise {}", from.display()))?;
    std::fs::write(to, initialised).with_context(|| format!("failed to write {}", to.display()))
}

async fn initialise(component: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut config = Config::new();
    config.wasm_component_model(true);
    let engine = Engine::new(&config)?;
    let mut store = Store::new(&engine, ());
    let instantiate = async |store: &mut Store<()>, component: &Component| {
        let mut linker = Linker::new(store.engine());
        // No host is there yet. Whatever asks for one during `init` would bake an answer into every instance.
        linker.define_unknown_imports_as_traps(component)?;
        linker.instantiate_async(store, component).await
    };
    let (initialised, _instance) = Wizer::new()
        .init_func(INIT)
        .run_component(&mut store, component, instantiate)
        .await?;
    Ok(initialised)
}
