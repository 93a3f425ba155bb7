//! Write a Taskwarden plugin in Rust.
//!
//! A plugin is a WebAssembly component. One that does something for each object of a scan is a *task*: name its
//! function with [`task!`]. It gets the path of the object and the object itself, in whatever type you like to read it,
//! and says `true` when the object is done.
//!
//! ```no_run
//! use serde::Deserialize;
//! use taskwarden_plugin::{Problem, log, objects};
//!
//! #[derive(Deserialize)]
//! struct User {
//!     mail: Option<String>,
//! }
//!
//! taskwarden_plugin::task!(run);
//!
//! fn run(object_id: &str, user: User) -> Result<bool, Problem> {
//!     let Some(mail) = user.mail else {
//!         return Err(Problem::conflict("this user has no mail address"));
//!     };
//!     log::info!("greeting {mail}");
//!     objects::patch(object_id).replace("/greeted", true).send()?;
//!     Ok(true)
//! }
//! ```
//!
//! One that a schedule runs by itself is a *script*: name its function with [`script!`].
//!
//! What a call writes is kept when it ends well, all of it, and thrown away when it returns a problem, traps or runs out
//! of what it was granted. So a task needs no cleaning up, and may simply be run again.
//!
//! In `Cargo.toml`, ask for a component: `crate-type = ["cdylib"]`.
//!
//! The feature `allocator` (on by default) sets the global allocator, because the usual one makes each call slower.

#[cfg(all(target_family = "wasm", feature = "allocator"))]
mod allocator;
#[doc(hidden)]
pub mod bindings;
pub mod context;
#[doc(hidden)]
pub mod export;
pub mod log;
pub mod objects;
mod problem;

pub use problem::Problem;
pub use serde_json::{Value, json};
