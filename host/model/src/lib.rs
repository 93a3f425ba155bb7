//! Words and rules of the host: time, tenants, cron expressions, triggers, misfires, jobs, scans, mappings,
//! scripts and limits.
//!
//! Everything here is synchronous and takes the time as an argument. Nothing reads, writes or asks the time; the ports
//! ([`clock::Clock`], [`ids::Ids`], [`service::Service`], [`evaluate::Scripting`]) say how others do.

pub mod audit;
pub mod clock;
pub mod configured;
pub mod cron;
pub mod difference;
pub mod duration;
pub mod evaluate;
pub mod guard;
pub mod ids;
pub mod invalid;
pub mod job;
pub mod journal;
pub mod limits;
pub mod macros;
pub mod mapping;
pub mod members;
pub mod misfire;
pub mod plan;
pub mod policy;
pub mod run;
pub mod scan;
pub mod script;
pub mod secrets;
pub mod service;
pub mod situation;
pub mod sync;
pub mod tenant;
pub mod trigger;

pub use invalid::Invalid;
