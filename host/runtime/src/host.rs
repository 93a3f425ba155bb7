//! The host half of each WIT interface.

mod context;
mod log;
mod objects;
mod problem;

pub(crate) use problem::from_guest;
