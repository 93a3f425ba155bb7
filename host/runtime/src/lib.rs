//! wasmtime, and only here: loading components, and calling them in a fresh sandbox with hard limits.
//!
//! A guest is a stranger. Each call gets an instance of its own, fuel, a deadline, a memory limit, and the resources that
//! its grants name; whatever it does, the call ends in one of the ways that [`End`] lists.

mod account;
mod bindings;
mod cache;
pub mod call;
pub mod end;
mod engine;
mod evaluator;
mod guest;
mod host;
mod meter;
pub mod plugin;
pub mod pool;
pub mod properties;
pub mod replay;
pub mod runtime;
pub mod script;
mod service;
mod surroundings;
pub mod transcript;

pub use account::MAX_NESTED;
pub use call::{Call, Entry};
pub use end::{End, LogLine, Outcome, Refusal, Usage};
pub use evaluator::Evaluator;
pub use plugin::{LoadError, Plugin, World};
pub use pool::Pool;
pub use properties::Properties;
pub use runtime::{Runtime, RuntimeOptions};
pub use script::{Purpose, Script, Scripts};
pub use service::ScriptService;
pub use surroundings::Surroundings;
pub use transcript::Transcript;
pub use transcript::player::{Departure, Player};
