//! Reconciliation: facts, situation, plan, apply.
//!
//! A run walks through the source of a mapping, then through those target objects that no source object led to, then
//! through the deletions that waited for the end. Each object has a turn in a unit of work of its own; a page's objects
//! are committed together with links, entries, counters and cursor. Killed at any instruction, a run that is taken up
//! again neither loses nor repeats an effect on what joins the unit of work.

mod attempt;
mod audit;
mod claims;
mod documents;
mod durations;
mod endpoint;
mod entry;
mod implicit;
mod item;
mod link_resource;
mod links;
mod live;
mod mapping;
mod mappings;
mod page;
mod perform;
mod queue;
mod reconciler;
mod record;
mod request;
mod resource;
mod runner;
mod sent;
mod service;
mod sync_resource;
#[cfg(test)]
mod tests;
mod turn;
mod wire;
mod work;

pub use implicit::Synchronizer;
pub use link_resource::LinkResource;
pub use mappings::{ConfiguredMappings, Mappings};
pub use reconciler::{MAX_COMPLETED_RUNS, Parts, Reconciler};
pub use resource::ReconResource;
pub use service::SyncService;
pub use sync_resource::SyncResource;
