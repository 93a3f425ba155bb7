//! `system/…`: connected systems. A configuration object `provisioner.openicf/NAME` names a connector and says which
//! objects the system has; this crate turns the seven verbs into what the connector can do, holds the deadline, the
//! number of calls at once and the circuit breaker of each system, and reads changes for liveSync. What becomes of a
//! change is for others.

mod bound;
mod breaker;
mod condition;
mod connector;
mod csv;
mod definition;
mod error;
mod http;
mod ldap;
mod live_sync;
mod mapping;
mod options;
mod paths;
mod query;
mod resource;
mod scim;
mod service;
mod sql;
mod stages;
mod stamp;
#[cfg(test)]
mod strategy;
mod system;
mod systems;
mod tls;

pub use paths::AllowedFolders;
pub use resource::SystemResource;
pub use service::ProvisionerService;
pub use stages::SynchronisationResource;
pub use systems::{ConfiguredSystems, Parts, Systems};
