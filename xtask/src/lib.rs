//! The parts of `xtask` that tests use as well.

pub mod digest;
