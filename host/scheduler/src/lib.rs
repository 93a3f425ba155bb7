//! Schedules: what is due, and handing it to the right service.
//!
//! A [`Scheduler`] is one tenant's. It keeps its jobs in the tenant's store, fires them on the [`Clock`] it is given, and
//! hands each run to the [`Service`] that the job names; what a service does is not known here. The resources
//! ([`JobResource`], [`TriggerResource`], [`RunResource`], [`OccurrenceResource`], …) are how others see it.
//!
//! [`Clock`]: host_model::clock::Clock
//! [`Service`]: host_model::service::Service

mod board;
mod changes;
mod due;
mod error;
mod expression;
mod fates;
mod occurrence;
mod order;
mod plan;
mod resource;
mod run_record;
mod scheduler;
mod settings;
mod shelf;
mod trigger_record;
mod wire;

#[cfg(test)]
mod tests;

pub use due::{Due, DueIndex};
pub use error::Error;
pub use resource::{
    JobResource, OccurrenceResource, RunResource, SchedulerResource, StatisticsResource, TriggerResource, VERSIONS,
};
pub use scheduler::{ConfiguredSchedules, Ports, Scheduler};
pub use settings::Settings;
pub use shelf::ShelfName;
