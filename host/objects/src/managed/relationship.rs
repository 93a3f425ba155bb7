//! Relationships: which objects belong together. Each is one document, whichever end it is seen from, and is written in the
//! commit of the change that makes or ends it.
//!
//! `row` is what is stored, `book` makes and ends, `wanted` is what a request asks for, `apply` does it, `shown` is what
//! is seen of it, and `resource` is `managed/TYPE/ID/PROPERTY`.

mod apply;
mod book;
mod resource;
mod row;
mod shown;
mod wanted;

pub(super) use apply::removed_with;
pub(super) use row::{ends, rows};
pub(super) use shown::View;
pub(super) use wanted::{Asked, given, refuse_filters, split};

pub use book::MAX_RELATIONSHIPS;
pub use shown::MAX_SHOWN;
pub use wanted::MAX_GIVEN;
