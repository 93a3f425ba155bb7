//! The verb `action`.

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::Problem;
use crate::bindings::objects::{self, Parameter};

/// Calls an action of a resource.
pub fn action(path: impl Into<String>, name: impl Into<String>) -> Action {
    Action {
        path: path.into(),
        name: name.into(),
        content: None,
        parameters: Vec::new(),
    }
}

/// A call of an action that is being written.
#[must_use = "nothing happens before `send`"]
#[derive(Debug)]
pub struct Action {
    path: String,
    name: String,
    content: Option<Value>,
    parameters: Vec<Parameter>,
}

impl Action {
    /// The body of the call.
    pub fn content(mut self, content: impl Into<Value>) -> Self {
        self.content = Some(content.into());
        self
    }

    /// A parameter of the call.
    pub fn parameter(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.parameters.push(Parameter {
            name: name.into(),
            value: super::text(value.into()),
        });
        self
    }

    /// Does it, and answers what the action answered.
    pub fn send<T: DeserializeOwned>(self) -> Result<T, Problem> {
        let content = self.content.map(|content| content.to_string());
        super::parse(&objects::action(
            &self.path,
            &self.name,
            content.as_deref(),
            &self.parameters,
            &[],
        )?)
    }
}
