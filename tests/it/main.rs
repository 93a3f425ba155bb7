//! Black-box tests: over the real REST port, with the components that are shipped, in one binary.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]

mod audit;
mod bad_input;
mod callers;
mod cli;
mod config;
mod crash;
mod documents;
mod examples;
mod failures;
mod guests;
mod harness;
mod managed;
mod readme;
mod recon;
mod schedules;
mod smoke;
mod system;
mod tidy;
mod tokens;
