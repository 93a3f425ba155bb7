//! The common REST language, without HTTP and without storage: how a resource is named, asked, filtered, patched and
//! answered. REST turns HTTP into a [`Request`] and a [`Response`] back into HTTP; a guest's calls and scheduled jobs
//! are the same requests through the same [`Router`].

pub mod access;
pub mod caller;
pub mod context;
pub mod filter;
pub mod json;
pub mod listing;
pub mod mark;
pub mod patch;
pub mod path;
pub mod pointer;
pub mod problem;
pub mod project;
pub mod request;
pub mod resource;
pub mod response;
pub mod router;
pub mod sort;
pub mod text;

pub use access::{Rights, VerbName};
pub use caller::Caller;
pub use context::Context;
pub use filter::Filter;
pub use path::ResourcePath;
pub use pointer::Pointer;
pub use problem::{Code, Problem};
pub use request::{
    Action, ApiVersion, Create, Delete, Patch, Query, QuerySource, Read, Request, TotalPolicy, Update, Verb,
};
pub use resource::Resource;
pub use response::{Content, Object, Page, Response};
pub use router::{LateRouter, Router};
