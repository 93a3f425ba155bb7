//! `audit/…`: who did what, when, and how it ended, kept in the tenant's store.
//!
//! An entry's id begins with its time, counted backwards, so the newest entries come first. Entries of requests are
//! gathered and committed together; an entry of a changed object is part of the commit that changes it.

mod entry;
mod log;
mod resource;
mod retention;
mod service;
mod settings;

#[cfg(test)]
mod tests;

pub use log::AuditLog;
pub use resource::AuditResource;
pub use service::AuditedService;
pub use settings::{Access, Activity, Recon, Settings};
