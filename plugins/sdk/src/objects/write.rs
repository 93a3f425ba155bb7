//! The verbs `create`, `update` and `delete`.

use serde_json::Value;

use super::Answer;
use crate::Problem;
use crate::bindings::objects;

/// Creates a resource in a container.
pub fn create(container: impl Into<String>, content: impl Into<Value>) -> Create {
    Create {
        container: container.into(),
        id: None,
        content: content.into(),
    }
}

/// Replaces a resource.
pub fn update(path: impl Into<String>, content: impl Into<Value>) -> Update {
    Update {
        path: path.into(),
        rev: None,
        content: content.into(),
    }
}

/// Deletes a resource.
pub fn delete(path: impl Into<String>) -> Delete {
    Delete {
        path: path.into(),
        rev: None,
    }
}

/// A resource that is to be created.
#[must_use = "nothing happens before `send`"]
#[derive(Debug)]
pub struct Create {
    container: String,
    id: Option<String>,
    content: Value,
}

impl Create {
    /// With this id; otherwise the host makes one.
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// Does it, and answers the resource with `_id` and `_rev`.
    pub fn send(self) -> Result<Answer, Problem> {
        let content = self.content.to_string();
        let answer = objects::create(&self.container, self.id.as_deref(), &content, &[])?;
        Ok(Answer::new(answer))
    }
}

/// A resource that is to be replaced.
#[must_use = "nothing happens before `send`"]
#[derive(Debug)]
pub struct Update {
    path: String,
    rev: Option<String>,
    content: Value,
}

impl Update {
    /// Only if this is still the resource's revision.
    pub fn rev(mut self, rev: impl Into<String>) -> Self {
        self.rev = Some(rev.into());
        self
    }

    /// Does it, and answers the resource as it is then.
    pub fn send(self) -> Result<Answer, Problem> {
        let content = self.content.to_string();
        let answer = objects::update(&self.path, self.rev.as_deref(), &content, &[])?;
        Ok(Answer::new(answer))
    }
}

/// A resource that is to be deleted.
#[must_use = "nothing happens before `send`"]
#[derive(Debug)]
pub struct Delete {
    path: String,
    rev: Option<String>,
}

impl Delete {
    /// Only if this is still the resource's revision.
    pub fn rev(mut self, rev: impl Into<String>) -> Self {
        self.rev = Some(rev.into());
        self
    }

    /// Does it, and answers the resource as it was.
    pub fn send(self) -> Result<Answer, Problem> {
        let answer = objects::delete(&self.path, self.rev.as_deref(), &[])?;
        Ok(Answer::new(answer))
    }
}
