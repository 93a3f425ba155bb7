//! One side of a mapping: a container of objects, asked through the router like everybody asks.

use std::sync::Arc;

use host_model::mapping::QuerySpec;
use host_resource::Filter;
use host_resource::{
    Code, Context, Create, Delete, Object, Page, Problem, Query, QuerySource, Read, Request, ResourcePath, Response,
    Router, TotalPolicy, Update, Verb,
};
use host_store::{Collection, UnitOfWork};
use serde_json::{Map, Value};

/// A container of objects.
#[derive(Clone, Debug)]
pub(crate) struct Endpoint {
    /// As the mapping writes it.
    pub(crate) name: Arc<str>,
    path: ResourcePath,
}

/// Some of its objects, as they came: who needs no more than their ids does not parse them.
pub(crate) struct Found {
    pub(crate) objects: Vec<Object>,
    /// Where the next page begins.
    pub(crate) cookie: Option<String>,
    pub(crate) total: Option<u64>,
}

/// What a query asks for besides its condition.
#[derive(Clone, Debug, Default)]
pub(crate) struct Window {
    pub(crate) size: Option<usize>,
    pub(crate) cookie: Option<String>,
    pub(crate) is_counted: bool,
}

impl Endpoint {
    pub(crate) fn new(name: &str) -> Result<Self, Problem> {
        let path = ResourcePath::parse(name).map_err(|error| Problem::bad_request(error.to_string()))?;
        Ok(Self {
            name: name.into(),
            path,
        })
    }

    /// Whether its objects are written in the unit of work. If not, a write is sent at once.
    pub(crate) fn joins(&self, router: &Router) -> bool {
        router.joins_unit_of_work(&self.path)
    }

    /// Whether a page of it can be asked for again, also after a restart.
    pub(crate) fn is_stored(&self, router: &Router) -> bool {
        router.collection(&self.path).is_some()
    }

    /// The full path of an object.
    pub(crate) fn path_of(&self, id: &str) -> String {
        self.path.child(id).to_string()
    }

    /// An object with `_id` and `_rev`; none when there is none. Any other answer than these is an error.
    pub(crate) async fn read(&self, router: &Router, context: &Context, id: &str) -> Result<Option<Value>, Problem> {
        let verb = Verb::Read(Read::default());
        match self.ask(router, context, Some(id), verb).await {
            Ok(Response::Object(object)) => value(object).map(Some),
            Ok(_) => Err(odd()),
            Err(problem) if problem.code == Code::NOT_FOUND => Ok(None),
            Err(problem) => Err(problem),
        }
    }

    /// Whether there is an object, at the least cost: one that is stored is looked for in the unit of work, which there
    /// has to be, and not parsed.
    pub(crate) async fn has(&self, router: &Router, context: &Context, id: &str) -> Result<bool, Problem> {
        match (router.collection(&self.path), UnitOfWork::of(context)) {
            (Some(collection), Some(unit)) => {
                let key = Collection::new(&collection).key(id);
                Ok(unit.get(&key).await?.is_some())
            }
            _ => Ok(self.read(router, context, id).await?.is_some()),
        }
    }

    /// Makes an object, and answers it.
    pub(crate) async fn create(
        &self,
        router: &Router,
        context: &Context,
        id: Option<String>,
        content: Value,
    ) -> Result<Value, Problem> {
        let verb = Verb::Create(Create {
            id,
            content,
            ..Create::default()
        });
        match self.ask(router, context, None, verb).await? {
            Response::Created(object) | Response::Object(object) => value(object),
            Response::Page(_) | Response::Action(_) => Err(odd()),
        }
    }

    /// Replaces an object that still has a revision, and answers it.
    pub(crate) async fn update(
        &self,
        router: &Router,
        context: &Context,
        id: &str,
        rev: Option<String>,
        content: Value,
    ) -> Result<Value, Problem> {
        let verb = Verb::Update(Update {
            rev,
            content,
            ..Update::default()
        });
        match self.ask(router, context, Some(id), verb).await? {
            Response::Created(object) | Response::Object(object) => value(object),
            Response::Page(_) | Response::Action(_) => Err(odd()),
        }
    }

    /// Deletes an object that still has a revision. That it is gone already is what was wanted.
    pub(crate) async fn delete(
        &self,
        router: &Router,
        context: &Context,
        id: &str,
        rev: Option<String>,
    ) -> Result<(), Problem> {
        let verb = Verb::Delete(Delete {
            rev,
            ..Delete::default()
        });
        match self.ask(router, context, Some(id), verb).await {
            Ok(_) => Ok(()),
            Err(problem) if problem.code == Code::NOT_FOUND => Ok(()),
            Err(problem) => Err(problem),
        }
    }

    /// A page of those that match.
    pub(crate) async fn query(
        &self,
        router: &Router,
        context: &Context,
        source: QuerySource,
        window: Window,
    ) -> Result<Found, Problem> {
        let total = if window.is_counted {
            TotalPolicy::Exact
        } else {
            TotalPolicy::None
        };
        let verb = Verb::Query(Query {
            source,
            page_size: window.size,
            cookie: window.cookie,
            total,
            ..Query::filter(Arc::new(Filter::Literal(true)))
        });
        let Response::Page(page) = self.ask(router, context, None, verb).await? else {
            return Err(odd());
        };
        let Page {
            result,
            cookie,
            policy,
            total,
        } = page;
        Ok(Found {
            objects: result,
            cookie,
            total: total.filter(|_| policy == TotalPolicy::Exact),
        })
    }

    async fn ask(&self, router: &Router, context: &Context, id: Option<&str>, verb: Verb) -> Result<Response, Problem> {
        let path = match id {
            Some(id) => self.path.child(id),
            None => self.path.clone(),
        };
        let request = Request {
            path,
            verb,
            version: None,
        };
        router.handle(context, request).await
    }
}

/// The condition of a query that a mapping names; none is everything.
pub(crate) fn source_of(query: Option<&QuerySpec>) -> QuerySource {
    match query {
        None => QuerySource::Filter(Arc::new(Filter::Literal(true))),
        Some(QuerySpec::Filter(filter)) => QuerySource::Filter(Arc::new(filter.clone())),
        Some(QuerySpec::Id(id)) => QuerySource::Id(id.clone()),
    }
}

/// The id in an object.
pub(crate) fn id_of(object: &Value) -> Option<&str> {
    object.get("_id").and_then(Value::as_str)
}

/// The revision in an object.
pub(crate) fn rev_of(object: &Value) -> Option<&str> {
    object.get("_rev").and_then(Value::as_str)
}

/// An object without `_id` and `_rev`.
pub(crate) fn content_of(mut object: Value) -> Value {
    if let Value::Object(members) = &mut object {
        members.shift_remove("_id");
        members.shift_remove("_rev");
        return object;
    }
    Value::Object(Map::new())
}

/// An object with `_id` and `_rev`.
pub(crate) fn value(object: Object) -> Result<Value, Problem> {
    object
        .into_value()
        .map_err(|error| Problem::internal(format!("an object is damaged: {error}")))
}

fn odd() -> Problem {
    Problem::internal("a resource answered something else than it was asked for")
}
