//! The verb `query`, a page at a time.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::Problem;
use crate::bindings::objects::{self, Parameter};

/// Looks for resources in a container. Without a filter, for all of them.
pub fn query(container: impl Into<String>) -> Query {
    Query {
        container: container.into(),
        filter: "true".into(),
        parameters: Vec::new(),
        fields: Vec::new(),
    }
}

/// A query that is being written.
#[must_use = "nothing happens before `send`"]
#[derive(Debug)]
pub struct Query {
    container: String,
    filter: String,
    parameters: Vec<Parameter>,
    fields: Vec<String>,
}

impl Query {
    /// Only what matches, such as `/sunset/date lt "2026-01-01" and mail pr`.
    pub fn filter(mut self, filter: impl Into<String>) -> Self {
        self.filter = filter.into();
        self
    }

    /// Only these fields of each resource.
    pub fn fields(mut self, fields: &[&str]) -> Self {
        self.fields = fields.iter().map(|field| (*field).into()).collect();
        self
    }

    /// In this order: field names with commas between them, each with `-` in front for the largest first.
    pub fn sort_keys(self, keys: &str) -> Self {
        self.parameter("_sortKeys", keys)
    }

    /// At most so many at once.
    pub fn page_size(self, size: u32) -> Self {
        self.parameter("_pageSize", size.to_string())
    }

    /// The page after the one that had this cookie.
    pub fn after(self, cookie: &str) -> Self {
        self.parameter("_pagedResultsCookie", cookie)
    }

    /// Any other parameter.
    pub fn parameter(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.parameters.push(Parameter {
            name: name.into(),
            value: value.into(),
        });
        self
    }

    /// Does it.
    pub fn send<T: DeserializeOwned>(mut self) -> Result<Page<T>, Problem> {
        self.parameters.push(Parameter {
            name: "_queryFilter".into(),
            value: self.filter,
        });
        super::parse(&objects::query(&self.container, &self.parameters, &self.fields)?)
    }
}

/// What a query found.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Page<T> {
    /// The resources.
    pub result: Vec<T>,
    /// Where the next page begins, for [`Query::after`]; none after the last page.
    #[serde(default)]
    pub paged_results_cookie: Option<String>,
}
