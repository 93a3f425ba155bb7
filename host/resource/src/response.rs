//! An answer: one resource, a page of them, or what an action says.

use bytes::Bytes;
use serde_json::{Map, Value};

use crate::project::Fields;
use crate::request::TotalPolicy;

/// A good answer. A bad one is a [`crate::Problem`].
#[derive(Clone, Debug)]
pub enum Response {
    /// The resource now exists.
    Created(Object),
    /// One resource.
    Object(Object),
    /// What a query found.
    Page(Page),
    /// What an action says; none is an answer without a body.
    Action(Option<Value>),
}

/// One resource.
#[derive(Clone, Debug)]
pub struct Object {
    /// Its id within its container.
    pub id: String,
    /// Its revision, when it has one.
    pub rev: Option<String>,
    /// Everything else.
    pub content: Content,
}

/// The members of a resource without `_id` and `_rev`. Stored documents travel as the bytes they were stored as, so
/// that a read that nobody looks into costs no parsing.
#[derive(Clone, Debug)]
pub enum Content {
    /// A parsed JSON object.
    Json(Value),
    /// A parsed JSON object that is already what the wanted fields show.
    Shown(Value),
    /// The text of a JSON object. Only a store makes these, from what it was given as JSON.
    Raw(Bytes),
}

impl Content {
    /// The parsed object.
    pub fn into_value(self) -> Result<Value, serde_json::Error> {
        match self {
            Self::Json(value) | Self::Shown(value) => Ok(value),
            Self::Raw(bytes) => serde_json::from_slice(&bytes),
        }
    }
}

impl Object {
    /// The object with `_id` and `_rev` first.
    pub fn into_value(self) -> Result<Value, serde_json::Error> {
        let mut members = Map::new();
        members.insert("_id".to_owned(), Value::String(self.id));
        if let Some(rev) = self.rev {
            members.insert("_rev".to_owned(), Value::String(rev));
        }
        if let Value::Object(content) = self.content.into_value()? {
            members.extend(content.into_iter().filter(|(name, _)| name != "_id" && name != "_rev"));
        }
        Ok(Value::Object(members))
    }

    /// The object as the wanted fields show it.
    pub fn project(self, fields: &Fields) -> Result<Value, serde_json::Error> {
        if fields.is_all() || matches!(self.content, Content::Shown(_)) {
            return self.into_value();
        }
        let Self { id, rev, content } = self;
        Ok(fields.apply(Some(&id), rev.as_deref(), content.into_value()?))
    }

    /// The object's JSON text with `_id` and `_rev` first. Raw content is copied, not parsed.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        let mut text = String::with_capacity(
            64 + self.id.len()
                + if let Content::Raw(bytes) = &self.content {
                    bytes.len()
                } else {
                    512
                },
        );
        text.push_str("{\"_id\":");
        text.push_str(&serde_json::to_string(&self.id)?);
        if let Some(rev) = &self.rev {
            text.push_str(",\"_rev\":");
            text.push_str(&serde_json::to_string(rev)?);
        }
        let rendered;
        let body: &str = match &self.content {
            Content::Raw(bytes) => std::str::from_utf8(bytes).map_err(serde::de::Error::custom)?,
            Content::Json(value) | Content::Shown(value) => {
                rendered = serde_json::to_string(value)?;
                &rendered
            }
        };
        let inner = body
            .trim()
            .strip_prefix('{')
            .and_then(|body| body.strip_suffix('}'))
            .unwrap_or("");
        if !inner.trim().is_empty() {
            text.push(',');
            text.push_str(inner);
        }
        text.push('}');
        Ok(text)
    }
}

/// What a query found.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// The resources, in order.
    pub result: Vec<Object>,
    /// Where the next page starts; none when this was the last.
    pub cookie: Option<String>,
    /// How the total was counted.
    pub policy: TotalPolicy,
    /// How many match in all, when it was counted.
    pub total: Option<u64>,
}

impl Page {
    /// The envelope, members in the order of the language.
    pub fn into_value(self, fields: &Fields) -> Result<Value, serde_json::Error> {
        let count = self.result.len();
        let result = self
            .result
            .into_iter()
            .map(|object| object.project(fields))
            .collect::<Result<Vec<_>, _>>()?;
        let mut envelope = Map::new();
        envelope.insert("result".to_owned(), Value::Array(result));
        envelope.insert("resultCount".to_owned(), count.into());
        envelope.insert(
            "pagedResultsCookie".to_owned(),
            self.cookie.map_or(Value::Null, Value::String),
        );
        envelope.insert("totalPagedResultsPolicy".to_owned(), self.policy.name().into());
        envelope.insert(
            "totalPagedResults".to_owned(),
            self.total.map_or(Value::from(-1), Value::from),
        );
        envelope.insert("remainingPagedResults".to_owned(), (-1).into());
        Ok(Value::Object(envelope))
    }
}
