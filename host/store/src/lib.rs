//! Documents in collections, one space per tenant. What is special about jobs, runs or managed objects lies above: here
//! are documents, revisions, and one door to writing, [`Store::commit`].
//!
//! Only this crate names a storage engine.

pub mod change_set;
#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
pub mod document;
pub mod error;
mod index;
pub mod key;
pub mod overlay;
pub mod redb;
pub mod scan;
pub mod store;
pub mod tenant_store;
pub mod unit_of_work;

pub use change_set::{ChangeSet, Committed, Durability, Expectation, Write};
pub use document::{Document, Revision};
pub use error::{CommitError, StoreError};
pub use key::{Collection, Key};
pub use overlay::Overlay;
pub use scan::{Cursor, Order, Scan, ScanPage};
pub use store::{Snapshot, Store};
pub use tenant_store::TenantStore;
pub use unit_of_work::UnitOfWork;
