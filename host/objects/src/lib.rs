//! `managed/…` as resources: objects of the types that a tenant's `managed.json` names, kept in its store.

mod bulk;
mod managed;

pub use bulk::MAX_LINES;
pub use managed::{
    ConfiguredTypes, CryptoResource, MAX_DEPTH, MAX_GIVEN, MAX_INDEXES, MAX_NAME, MAX_OBJECT, MAX_PAGE, MAX_PATCHED,
    MAX_PROPERTIES, MAX_RELATIONSHIPS, MAX_SHOWN, MAX_SORTED, MAX_TYPES, ManagedObjects, ManagedTypes, PAGE,
    PolicyResource, Ports, TypesError,
};
