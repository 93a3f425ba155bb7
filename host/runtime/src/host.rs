//! The host half of each WIT interface.

mod charged;
mod context;
mod log;
mod objects;
mod problem;

pub(crate) use charged::add_to_linker;
pub(crate) use problem::{from_guest, to_guest};
