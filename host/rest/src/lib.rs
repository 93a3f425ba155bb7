//! REST: HTTP becomes a request of the common REST language, its response becomes HTTP again. Tenants are told apart
//! and callers recognised here; what a request does is the business of the tenant's `Router`.
//!
//! Pure functions understand a request (`request`) and write an answer (`answer`); [`rest`] puts them together;
//! `shell` and `serve` are the thin layers that name axum and hyper.

mod answer;
mod audit;
mod bulk;
pub mod callers;
mod count;
mod exchange;
pub mod limits;
mod outliving;
mod ping;
mod request;
pub mod rest;
mod serve;
mod shell;
pub mod tenants;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod unread;
mod versions;

pub use callers::{Callers, Secret, TokenResource};
pub use limits::Limits;
pub use rest::Rest;
pub use serve::serve;
pub use tenants::{Tenant, TenantsError};
