//! The runtime: one engine, one linker, the plugins that were loaded, and the thread that moves the epoch on.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use parking_lot::Mutex;
use wasmtime::Engine;
use wasmtime::component::{Component, Linker};

use crate::bindings::engine::EnginePre;
use crate::bindings::script::ScriptPre;
use crate::bindings::task::TaskPre;
use crate::cache::Cache;
use crate::engine::{self, EPOCH};
use crate::guest::Guest;
use crate::host::add_to_linker;
use crate::plugin::{Linked, LoadError, Plugin};

/// No plugin may be larger: Python components, the largest seen, have 18 MB.
pub const MAX_COMPONENT: usize = 64 << 20;

/// How a runtime is set up.
#[derive(Clone, Debug)]
pub struct RuntimeOptions {
    /// Where compiled components are kept.
    pub cache: PathBuf,
    /// How many instances may live at the same time: at least one for each worker, and some for scripts on their own.
    pub instances: u32,
}

/// Loads and calls plugins.
pub struct Runtime {
    pub(crate) engine: Engine,
    plain: Linker<Guest>,
    with_wasi: Linker<Guest>,
    cache: Cache,
    plugins: Mutex<HashMap<blake3::Hash, Arc<Plugin>>>,
}

impl Runtime {
    /// Sets up the engine and starts the thread that moves the epoch on; the thread ends with the runtime.
    pub fn new(options: &RuntimeOptions) -> wasmtime::Result<Arc<Self>> {
        let engine = engine::build(options.instances)?;
        let mut plain = Linker::new(&engine);
        add_to_linker(&mut plain)?;
        let mut with_wasi = Linker::new(&engine);
        add_to_linker(&mut with_wasi)?;
        wasmtime_wasi::p2::add_to_linker_async(&mut with_wasi)?;
        let cache = Cache::open(&options.cache).map_err(wasmtime::Error::new)?;
        let weak = engine.weak();
        std::thread::Builder::new().name("epoch".to_owned()).spawn(move || {
            loop {
                std::thread::sleep(EPOCH);
                match weak.upgrade() {
                    Some(engine) => engine.increment_epoch(),
                    None => break,
                }
            }
        })?;
        Ok(Arc::new(Self {
            engine,
            plain,
            with_wasi,
            cache,
            plugins: Mutex::default(),
        }))
    }

    /// Loads a component: compiled (or taken from the cache), checked against its world, linked. The same bytes are
    /// loaded once. Compiling takes seconds: call it where blocking is allowed.
    pub fn load(&self, bytes: &[u8]) -> Result<Arc<Plugin>, LoadError> {
        if bytes.len() > MAX_COMPONENT {
            return Err(LoadError::Large { limit: MAX_COMPONENT });
        }
        let digest = blake3::hash(bytes);
        if let Some(plugin) = self.plugins.lock().get(&digest) {
            return Ok(Arc::clone(plugin));
        }
        if bytes.starts_with(b"\0asm\x01\0\0\0") {
            return Err(LoadError::Module);
        }
        let component = self
            .cache
            .component(&self.engine, &digest, bytes)
            .map_err(|error| LoadError::Compile(first_line(&error)))?;
        let plugin = Arc::new(Plugin {
            digest,
            linked: self.link(&component)?,
        });
        Ok(Arc::clone(self.plugins.lock().entry(digest).or_insert(plugin)))
    }

    fn link(&self, component: &Component) -> Result<Linked, LoadError> {
        let ty = component.component_type();
        let wants_wasi = ty.imports(&self.engine).any(|(name, _)| name.starts_with("wasi:"));
        let linker = if wants_wasi { &self.with_wasi } else { &self.plain };
        let pre = linker
            .instantiate_pre(component)
            .map_err(|error| LoadError::Import(first_line(&error)))?;
        let exports: Vec<String> = ty.exports(&self.engine).map(|(name, _)| name.to_owned()).collect();
        let wrong = |error: wasmtime::Error| {
            let has = if exports.is_empty() {
                "it exports nothing".to_owned()
            } else {
                format!("it exports {}", exports.join(", "))
            };
            LoadError::World(format!("{has}; {}", first_line(&error)))
        };
        if exports.iter().any(|name| name == "eval") {
            return EnginePre::new(pre).map(Linked::Engine).map_err(wrong);
        }
        // Both other worlds export `run`; its type tells them apart.
        match TaskPre::new(pre.clone()) {
            Ok(task) => Ok(Linked::Task(task)),
            Err(error) => ScriptPre::new(pre).map(Linked::Script).map_err(|_| wrong(error)),
        }
    }
}

impl std::fmt::Debug for Runtime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Runtime")
            .field("plugins", &self.plugins.lock().len())
            .finish_non_exhaustive()
    }
}

/// The causes of an error in one line: wasmtime's own text spans many.
fn first_line(error: &wasmtime::Error) -> String {
    let text = format!("{error:#}");
    text.lines().next().unwrap_or_default().to_owned()
}
