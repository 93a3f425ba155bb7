//! The seven verbs, over whatever the plugin was granted.
//!
//! [`read`] and [`query`] answer in whatever type you like to read them; [`Value`] fits everything. The verbs with
//! options are builders that end in `send`; those that write answer with an [`Answer`], which costs nothing until it
//! is read:
//!
//! ```no_run
//! # fn example() -> Result<(), taskwarden_plugin::Problem> {
//! use taskwarden_plugin::{Value, json, objects};
//!
//! objects::create("managed/role", json!({ "name": "auditor" })).id("auditor").send()?;
//! objects::patch("managed/user/42").replace("/active", false).remove("/sunset").send()?;
//! let users: objects::Page<Value> = objects::query("managed/user").filter("mail pr").page_size(10).send()?;
//! # Ok(())
//! # }
//! ```
//!
//! A call reads its own writes; nobody else sees them until it has ended well.

mod action;
mod answer;
mod patch;
mod query;
mod write;

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::Problem;
use crate::bindings::objects;

pub use action::{Action, action};
pub use answer::Answer;
pub use patch::{Patch, patch};
pub use query::{Page, Query, query};
pub use write::{Create, Delete, Update, create, delete, update};

/// Reads a resource; none when there is no such resource.
pub fn read<T: DeserializeOwned>(path: &str) -> Result<Option<T>, Problem> {
    read_fields(path, &[])
}

/// Reads some fields of a resource, each a pointer such as `/name/family`.
pub fn read_fields<T: DeserializeOwned>(path: &str, fields: &[&str]) -> Result<Option<T>, Problem> {
    let fields: Vec<String> = fields.iter().map(|field| (*field).into()).collect();
    objects::read(path, &fields)?.map(|json| parse(&json)).transpose()
}

fn parse<T: DeserializeOwned>(json: &str) -> Result<T, Problem> {
    Ok(serde_json::from_str(json)?)
}

/// The text of a parameter: strings as they are, the rest as JSON.
fn text(value: Value) -> String {
    match value {
        Value::String(text) => text,
        value => value.to_string(),
    }
}
