//! `config/…`: configuration objects as a resource, kept as files that people may edit as well.
//!
//! An object is checked, written to its file, and put in force, in this order; what it means only its
//! [`Configured`] knows. The folder is looked at again and again: what somebody changed there is taken up, and what
//! cannot be is said, while the last good content stays in force.
//!
//! [`Configured`]: host_model::configured::Configured

mod configuration;
mod folder;
mod object;
mod placeholders;
mod resource;

#[cfg(test)]
mod tests;

pub use configuration::{Configuration, Parts, Refusal};
pub use folder::{Folder, FolderError, MAX_OBJECT, MAX_OBJECTS};
pub use placeholders::Placeholders;
pub use resource::ConfigResource;
