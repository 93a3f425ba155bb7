//! An HTTP request as a request of the common REST language. Pure: nothing here reads a socket.
//!
//! The head is understood first ([`Ask::of`]), so that what is wrong with it is said before a body is read; then the
//! body makes it a [`Call`].

mod body;
mod headers;
mod method;
mod multipart;
mod operation;
mod parameters;
mod query;
mod style;

use host_resource::{
    Action, ApiVersion, Code, Create, Delete, Patch, Problem, Query, Read, Request, ResourcePath, Update, Verb,
};
use http::HeaderMap;

use headers::{Condition, Versions};
use parameters::Parameters;

pub(crate) use body::{Payload, read_line};
pub(crate) use headers::{Versions as AskedVersions, single as single_header};
pub(crate) use method::{ALLOW, Method};
pub(crate) use operation::Operation;
pub(crate) use parameters::refuse as refuse_parameter;
pub(crate) use style::Style;

use crate::bulk;

/// Longer paths and query strings (bytes together) are refused. Long filters are legitimate, this long they are not.
pub(crate) const MAX_URL: usize = 32 * 1024;

/// The parameters of an action, in order.
pub(crate) type ActionParameters = Vec<(String, String)>;

/// A request before its body is read.
#[derive(Debug)]
pub(crate) struct Ask {
    path: ResourcePath,
    operation: Operation,
    parameters: Parameters,
    versions: Versions,
    style: Style,
    wants_events: bool,
}

/// What to do.
#[derive(Debug)]
pub(crate) enum Call {
    /// One request to the router.
    Once(Request),
    /// A read, unless the resource has one of these revisions.
    Read { request: Request, unless: Vec<String> },
    /// A read that goes on as a stream of events.
    Watch(Request),
    /// Creates the resource at the path, or replaces it.
    Upsert(Upsert),
    /// A query for everything that matches, to be asked page after page.
    Everything {
        path: ResourcePath,
        query: Query,
        version: Option<ApiVersion>,
        /// Whether each result is a line of its own, without an envelope.
        is_lines: bool,
    },
    /// How many match, and nothing of them.
    Count {
        path: ResourcePath,
        query: Query,
        version: Option<ApiVersion>,
    },
    /// Says which methods there are.
    Options,
}

/// A resource that shall be as the content says, whether it exists or not.
#[derive(Clone, Debug)]
pub(crate) struct Upsert {
    container: ResourcePath,
    id: String,
    update: Update,
    version: Option<ApiVersion>,
}

impl Ask {
    /// Understands the head of a request. `path` is the resource's, `query` the query string.
    pub(crate) fn of(method: Method, path: &str, query: &str, headers: &HeaderMap) -> Result<Self, Problem> {
        if path.len() + query.len() > MAX_URL {
            return Err(Problem::new(
                Code::new(414),
                format!("path and query string are longer than {MAX_URL} bytes"),
            ));
        }
        let path = ResourcePath::parse(path).map_err(|error| Problem::bad_request(error.to_string()))?;
        let parameters = Parameters::parse(query)?;
        let versions = Versions::of(headers)?;
        let operation = Operation::of(method, Condition::of(headers)?, versions.protocol, &parameters)?;
        if !operation.passes_everything() {
            parameters.refuse_unknown(operation.known_parameters())?;
        }
        let style = Style::of(method, &parameters)?;
        if operation.takes_body() {
            headers::refuse_encoding(headers)?;
        }
        Ok(Self {
            path,
            operation,
            parameters,
            versions,
            style,
            wants_events: headers::wants_events(headers),
        })
    }

    /// Whether the body means something.
    pub(crate) fn takes_body(&self) -> bool {
        self.operation.takes_body()
    }

    /// What is asked for.
    pub(crate) fn operation(&self) -> &Operation {
        &self.operation
    }

    /// How the answer shall look.
    pub(crate) fn style(&self) -> &Style {
        &self.style
    }

    /// Where.
    pub(crate) fn path(&self) -> &ResourcePath {
        &self.path
    }

    /// Which versions were asked for.
    pub(crate) fn versions(&self) -> Versions {
        self.versions
    }

    /// What an import needs besides its body, when this is one: its body is read line by line.
    pub(crate) fn import(&self, headers: &HeaderMap) -> Result<Option<(ResourcePath, ActionParameters)>, Problem> {
        match &self.operation {
            Operation::Action(name)
                if name == bulk::IMPORT && bulk::is_type(&self.path) && bulk::is_ndjson(headers)? =>
            {
                let parameters = self.parameters.beyond(operation::ON_POST).cloned().collect();
                Ok(Some((self.path.clone(), parameters)))
            }
            _ => Ok(None),
        }
    }

    /// What to do, now that the body is there.
    pub(crate) fn call(self, payload: Payload<'_>) -> Result<Call, Problem> {
        let Self {
            path,
            operation,
            parameters,
            versions,
            style,
            wants_events,
        } = self;
        let version = versions.resource;
        let fields = style.fields.clone();
        let once = |path, verb| Ok(Call::Once(Request { path, verb, version }));
        match operation {
            Operation::Read { unless } => {
                let request = Request {
                    path,
                    verb: Verb::Read(Read { fields }),
                    version,
                };
                if wants_events && !style.is_head {
                    return Ok(Call::Watch(request));
                }
                Ok(Call::Read { request, unless })
            }
            Operation::Query => {
                let query = query::query(&parameters, fields)?;
                if parameters.flag(operation::COUNT_ONLY)? {
                    return Ok(Call::Count { path, query, version });
                }
                match query.page_size {
                    Some(_) => once(path, Verb::Query(query)),
                    None => Ok(Call::Everything {
                        path,
                        query,
                        version,
                        is_lines: false,
                    }),
                }
            }
            Operation::Create => once(
                path,
                Verb::Create(Create {
                    id: None,
                    content: payload.object()?,
                    fields,
                }),
            ),
            Operation::CreateNamed => {
                let id = Some(id_of(&path)?);
                once(
                    path.parent(),
                    Verb::Create(Create {
                        id,
                        content: payload.object()?,
                        fields,
                    }),
                )
            }
            Operation::Update { rev } => once(
                path,
                Verb::Update(Update {
                    rev,
                    content: payload.object()?,
                    fields,
                }),
            ),
            Operation::Upsert => {
                let update = Update {
                    rev: None,
                    content: payload.object()?,
                    fields,
                };
                Ok(Call::Upsert(Upsert {
                    id: id_of(&path)?,
                    container: path.parent(),
                    update,
                    version,
                }))
            }
            Operation::Patch { rev } => once(
                path,
                Verb::Patch(Patch {
                    rev,
                    operations: payload.patch()?,
                    fields,
                }),
            ),
            Operation::Delete { rev } => once(path, Verb::Delete(Delete { rev, fields })),
            Operation::Action(name) if name == bulk::EXPORT && bulk::is_type(&path) => {
                parameters.refuse_unknown(operation::ON_EXPORT)?;
                payload.refuse()?;
                Ok(Call::Everything {
                    query: query::export(&parameters, fields)?,
                    path,
                    version,
                    is_lines: true,
                })
            }
            Operation::Action(name) => {
                let parameters = parameters.beyond(operation::ON_POST).cloned().collect();
                once(
                    path,
                    Verb::Action(Action {
                        name,
                        parameters,
                        content: payload.value()?,
                        fields,
                    }),
                )
            }
            Operation::Options => Ok(Call::Options),
        }
    }
}

fn id_of(path: &ResourcePath) -> Result<String, Problem> {
    path.last()
        .map(str::to_owned)
        .ok_or_else(|| Problem::bad_request("the path names no resource"))
}

impl Upsert {
    /// The resource's id in its container.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// Where the resource is or will be.
    pub(crate) fn container(&self) -> &ResourcePath {
        &self.container
    }

    /// The request that makes the resource, if there is none.
    pub(crate) fn create(&self) -> Request {
        let Update { content, fields, .. } = self.update.clone();
        let create = Create {
            id: Some(self.id.clone()),
            content,
            fields,
        };
        Request {
            path: self.container.clone(),
            verb: Verb::Create(create),
            version: self.version,
        }
    }

    /// The request that replaces it, if there is one.
    pub(crate) fn update(&self) -> Request {
        let path = self.container.child(&self.id);
        Request {
            path,
            verb: Verb::Update(self.update.clone()),
            version: self.version,
        }
    }
}

#[cfg(test)]
mod tests;
