//! A request: one of seven verbs on a path.

use std::sync::Arc;

use serde_json::Value;

use crate::access::VerbName;
use crate::filter::Filter;
use crate::patch::PatchOperation;
use crate::path::ResourcePath;
use crate::problem::Problem;
use crate::project::Fields;
use crate::sort::SortKey;

/// A request to a resource.
#[derive(Clone, Debug)]
pub struct Request {
    /// Where; inside a resource, what is left after the path it is mounted at.
    pub path: ResourcePath,
    /// What.
    pub verb: Verb,
    /// Which version of the resource's interface was asked for; none means the newest.
    pub version: Option<ApiVersion>,
}

/// The seven verbs with what each needs.
#[derive(Clone, Debug)]
pub enum Verb {
    /// Makes a resource in the container that the path names.
    Create(Create),
    /// Reads one resource.
    Read(Read),
    /// Replaces one resource.
    Update(Update),
    /// Changes parts of one resource.
    Patch(Patch),
    /// Removes one resource.
    Delete(Delete),
    /// Lists what matches.
    Query(Query),
    /// Anything else.
    Action(Action),
}

impl Verb {
    /// The verb's name.
    pub fn name(&self) -> VerbName {
        match self {
            Self::Create(_) => VerbName::Create,
            Self::Read(_) => VerbName::Read,
            Self::Update(_) => VerbName::Update,
            Self::Patch(_) => VerbName::Patch,
            Self::Delete(_) => VerbName::Delete,
            Self::Query(_) => VerbName::Query,
            Self::Action(_) => VerbName::Action,
        }
    }

    /// Which fields of the answer are wanted.
    pub fn fields(&self) -> &Fields {
        match self {
            Self::Create(create) => &create.fields,
            Self::Read(read) => &read.fields,
            Self::Update(update) => &update.fields,
            Self::Patch(patch) => &patch.fields,
            Self::Delete(delete) => &delete.fields,
            Self::Query(query) => &query.fields,
            Self::Action(action) => &action.fields,
        }
    }
}

/// The version of a resource's interface, as in `Accept-API-Version: resource=2.0`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ApiVersion {
    /// Must be equal.
    pub major: u32,
    /// The resource's must not be less.
    pub minor: u32,
}

impl ApiVersion {
    /// Whether an interface of this version does what a client that knows the other one expects.
    pub(crate) fn serves(self, wanted: Self) -> bool {
        self.major == wanted.major && self.minor >= wanted.minor
    }
}

/// Makes a resource in the container that the path names.
#[derive(Clone, Debug, Default)]
pub struct Create {
    /// The id that the client chose; none asks the server for one.
    pub id: Option<String>,
    /// A JSON object.
    pub content: Value,
    /// Which fields of the answer are wanted.
    pub fields: Fields,
}

/// Reads one resource.
#[derive(Clone, Debug, Default)]
pub struct Read {
    /// Which fields of the answer are wanted.
    pub fields: Fields,
}

/// Replaces one resource.
#[derive(Clone, Debug, Default)]
pub struct Update {
    /// The revision that it must still have; none means any.
    pub rev: Option<String>,
    /// A JSON object.
    pub content: Value,
    /// Which fields of the answer are wanted.
    pub fields: Fields,
}

/// Changes parts of one resource.
#[derive(Clone, Debug, Default)]
pub struct Patch {
    /// The revision that it must still have; none means any.
    pub rev: Option<String>,
    /// What to change, in order.
    pub operations: Vec<PatchOperation>,
    /// Which fields of the answer are wanted.
    pub fields: Fields,
}

/// Removes one resource.
#[derive(Clone, Debug, Default)]
pub struct Delete {
    /// The revision that it must still have; none means any.
    pub rev: Option<String>,
    /// Which fields of the answer are wanted.
    pub fields: Fields,
}

/// Which resources a query selects.
#[derive(Clone, Debug)]
pub enum QuerySource {
    /// Those that match.
    Filter(Arc<Filter>),
    /// A query that the resource knows by name.
    Id(String),
}

impl QuerySource {
    /// What is selected: the filter, or everything; and whether only ids are wanted.
    ///
    /// # Errors
    /// 400 for a name other than `query-all` and `query-all-ids`.
    pub fn selection(&self) -> Result<(Option<&Arc<Filter>>, bool), Problem> {
        match self {
            Self::Filter(filter) => Ok((Some(filter), false)),
            Self::Id(name) if name == "query-all" => Ok((None, false)),
            Self::Id(name) if name == "query-all-ids" => Ok((None, true)),
            Self::Id(name) => Err(Problem::bad_request(format!(
                "there is no query '{name}': write `_queryFilter`, or `_queryId` with query-all or query-all-ids"
            ))),
        }
    }
}

/// How the total of a query is counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TotalPolicy {
    /// Not at all.
    #[default]
    None,
    /// A guess will do.
    Estimate,
    /// Exactly.
    Exact,
}

impl TotalPolicy {
    /// The name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "NONE",
            Self::Estimate => "ESTIMATE",
            Self::Exact => "EXACT",
        }
    }
}

/// Lists what matches.
#[derive(Clone, Debug)]
pub struct Query {
    /// Which resources are wanted.
    pub source: QuerySource,
    /// In which order; empty means the resource's own.
    pub sort: Vec<SortKey>,
    /// At most this many; none means all.
    pub page_size: Option<usize>,
    /// Where the previous page ended, as it said.
    pub cookie: Option<String>,
    /// How many to leave out first.
    pub offset: usize,
    /// How the total is counted.
    pub total: TotalPolicy,
    /// Parameters beyond those of the language, for queries by name.
    pub parameters: Vec<(String, String)>,
    /// Which fields of the answer are wanted.
    pub fields: Fields,
}

impl Query {
    /// All that match, in the resource's own order.
    pub fn filter(filter: Arc<Filter>) -> Self {
        Self {
            source: QuerySource::Filter(filter),
            sort: Vec::new(),
            page_size: None,
            cookie: None,
            offset: 0,
            total: TotalPolicy::None,
            parameters: Vec::new(),
            fields: Fields::default(),
        }
    }
}

/// Anything else.
#[derive(Clone, Debug, Default)]
pub struct Action {
    /// Which action.
    pub name: String,
    /// Every other parameter.
    pub parameters: Vec<(String, String)>,
    /// The body, if there was one.
    pub content: Option<Value>,
    /// Which fields of the answer are wanted.
    pub fields: Fields,
}

impl Action {
    /// The first parameter of this name.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}
