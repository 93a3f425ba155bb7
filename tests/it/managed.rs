//! Managed objects over the port: the verbs, conditions, patches, queries, and clients that change the same object.

mod bulk;
mod concurrency;
mod conditions;
mod patching;
mod queries;
mod verbs;
