//! Taskwarden, assembled: configuration, command line, start and stop. Everything else is known here, and nothing knows
//! this crate.

/// The system's allocator gives memory back to the system all the time, which stops every other thread for a moment.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

mod administrator;
pub mod audit;
mod bulk;
mod check;
mod cli;
pub mod clock;
pub mod config;
mod cron;
mod demo;
pub mod host;
pub mod ids;
pub mod properties;
mod replay;
pub mod sample;
mod serve;
mod shipped;
mod signals;

pub use cli::main;
pub use host::{Host, HostOptions, Place};
