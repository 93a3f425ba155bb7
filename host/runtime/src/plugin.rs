//! A loaded component: checked against its world, linked, ready to be instantiated.

use std::fmt;

use crate::bindings::engine::EnginePre;
use crate::bindings::script::ScriptPre;
use crate::bindings::task::TaskPre;
use crate::guest::Guest;

/// What a component can be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum World {
    /// An action for one object of a scan.
    Task,
    /// A free-standing script.
    Script,
    /// A script engine.
    Engine,
}

impl fmt::Display for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Task => "task",
            Self::Script => "script",
            Self::Engine => "engine",
        })
    }
}

/// Why bytes are not a plugin.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// They are larger than any plugin may be.
    #[error("the component is larger than {limit} bytes")]
    Large {
        /// In bytes.
        limit: usize,
    },
    /// They are a core module, not a component.
    #[error(
        "this is a core WebAssembly module, not a component: build it for `wasm32-wasip2`, or wrap it with `wasm-tools component new`"
    )]
    Module,
    /// They cannot be compiled.
    #[error("the component cannot be compiled: {0}")]
    Compile(String),
    /// It imports what the host does not offer.
    #[error("the component imports what the host does not offer: {0}")]
    Import(String),
    /// It exports none of the worlds.
    #[error("the component exports none of the worlds task, script and engine of taskwarden:plugin@0.1.0: {0}")]
    World(String),
    /// Reading or keeping it failed.
    #[error("the component cannot be read")]
    Io(#[from] std::io::Error),
}

/// A loaded component.
pub struct Plugin {
    pub(crate) digest: blake3::Hash,
    pub(crate) linked: Linked,
}

pub(crate) enum Linked {
    Task(TaskPre<Guest>),
    Script(ScriptPre<Guest>),
    Engine(EnginePre<Guest>),
}

impl Plugin {
    /// The digest (BLAKE3) of the component's bytes.
    pub fn digest(&self) -> String {
        self.digest.to_hex().to_string()
    }

    /// What it can be used for.
    pub fn world(&self) -> World {
        match self.linked {
            Linked::Task(_) => World::Task,
            Linked::Script(_) => World::Script,
            Linked::Engine(_) => World::Engine,
        }
    }
}

impl fmt::Debug for Plugin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Plugin({} {})", self.world(), self.digest.to_hex())
    }
}
