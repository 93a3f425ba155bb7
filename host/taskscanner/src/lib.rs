//! The task scanner: page, claim, run, mark.
//!
//! A run walks through the objects that match, a page at a time. The feeder claims a page in one commit and hands its
//! objects to the worker pool; each runs in a sandbox and a unit of work of its own; the committer gathers what they did
//! and commits effects, marks, counters and cursor together. Killed at any instruction, a run that is taken up again
//! neither loses nor repeats an effect.

mod apply;
mod attempts;
mod books;
mod claim;
mod committer;
mod control;
mod definition;
mod edit;
mod estimate;
mod failure;
mod feeder;
mod ledger;
mod live;
mod object;
mod pages;
mod plan;
mod rate;
mod record;
mod release;
mod resource;
mod retry;
mod runner;
mod scanner;
mod service;
mod spread;
#[cfg(test)]
mod tests;
mod usage;
mod wire;
mod work;

pub use definition::Native;
pub use record::{Progress, State};
pub use resource::TaskScannerResource;
pub use scanner::{MAX_COMPLETED_RUNS, Order, Parts, Scanner};
pub use service::TaskScannerService;
