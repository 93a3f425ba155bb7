//! Black-box tests: over the real REST port, with the components that are shipped, in one binary.

mod harness;
mod smoke;
