//! `objects`: the seven verbs. Each becomes a [`Request`] through the tenant's router, in the unit of work of the call.

use std::sync::Arc;

use host_resource::patch::PatchOperation;
use host_resource::project::Fields;
use host_resource::sort::SortKey;
use host_resource::{
    Action, Code, Create, Delete, Filter, Patch, Problem, Query, QuerySource, Read, Request, ResourcePath, Response,
    TotalPolicy, Update, Verb,
};
use serde_json::Value;

use super::problem::to_guest;
use crate::bindings::{objects, types};
use crate::guest::Guest;

type Answer<T> = wasmtime::Result<Result<T, types::Problem>>;

impl objects::Host for Guest {
    async fn create(
        &mut self,
        container: String,
        id: Option<String>,
        content: String,
        fields: Vec<String>,
    ) -> Answer<String> {
        let request = || {
            let create = Create {
                id,
                content: parse(&content, "content")?,
                fields: parse_fields(&fields)?,
            };
            Ok((container, Verb::Create(create)))
        };
        self.ask(request).await
    }

    async fn read(&mut self, path: String, fields: Vec<String>) -> Answer<Option<String>> {
        match self
            .ask(|| {
                Ok((
                    path,
                    Verb::Read(Read {
                        fields: parse_fields(&fields)?,
                    }),
                ))
            })
            .await?
        {
            Ok(object) => Ok(Ok(Some(object))),
            Err(types::Problem::NotFound(_)) => Ok(Ok(None)),
            Err(problem) => Ok(Err(problem)),
        }
    }

    async fn update(
        &mut self,
        path: String,
        rev: Option<String>,
        content: String,
        fields: Vec<String>,
    ) -> Answer<String> {
        let request = || {
            let update = Update {
                rev,
                content: parse(&content, "content")?,
                fields: parse_fields(&fields)?,
            };
            Ok((path, Verb::Update(update)))
        };
        self.ask(request).await
    }

    async fn patch(
        &mut self,
        path: String,
        rev: Option<String>,
        operations: String,
        fields: Vec<String>,
    ) -> Answer<String> {
        let request = || {
            let operations = PatchOperation::parse_all(&parse(&operations, "operations")?)
                .map_err(|error| Problem::bad_request(error.to_string()))?;
            Ok((
                path,
                Verb::Patch(Patch {
                    rev,
                    operations,
                    fields: parse_fields(&fields)?,
                }),
            ))
        };
        self.ask(request).await
    }

    async fn delete(&mut self, path: String, rev: Option<String>, fields: Vec<String>) -> Answer<String> {
        self.ask(|| {
            Ok((
                path,
                Verb::Delete(Delete {
                    rev,
                    fields: parse_fields(&fields)?,
                }),
            ))
        })
        .await
    }

    async fn query(
        &mut self,
        container: String,
        parameters: Vec<objects::Parameter>,
        fields: Vec<String>,
    ) -> Answer<String> {
        self.meter.host_call()?;
        let answer = match parse_query(parameters, &fields) {
            Ok(query) => self.query_all(&container, query).await,
            Err(problem) => Err(problem),
        };
        Ok(answer.map_err(to_guest))
    }

    async fn action(
        &mut self,
        path: String,
        name: String,
        content: Option<String>,
        parameters: Vec<objects::Parameter>,
        fields: Vec<String>,
    ) -> Answer<String> {
        let request = || {
            let content = content.map(|content| parse(&content, "content")).transpose()?;
            let parameters = parameters
                .into_iter()
                .map(|parameter| (parameter.name, parameter.value))
                .collect();
            Ok((
                path,
                Verb::Action(Action {
                    name,
                    parameters,
                    content,
                    fields: parse_fields(&fields)?,
                }),
            ))
        };
        self.ask(request).await
    }
}

impl Guest {
    async fn ask(&mut self, request: impl FnOnce() -> Result<(String, Verb), Problem>) -> Answer<String> {
        self.meter.host_call()?;
        let answer = match request() {
            Ok((path, verb)) => self.route(&path, verb).await,
            Err(problem) => Err(problem),
        };
        Ok(answer.map_err(to_guest))
    }

    async fn route(&mut self, path: &str, verb: Verb) -> Result<String, Problem> {
        let fields = verb.fields().clone();
        let response = self.request(path, verb).await?;
        let rendered = match response {
            Response::Created(object) | Response::Object(object) if fields.is_all() => object.to_json(),
            Response::Created(object) | Response::Object(object) => {
                object.project(&fields).map(|value| value.to_string())
            }
            Response::Page(page) => page.into_value(&fields).map(|value| value.to_string()),
            Response::Action(value) => Ok(value.unwrap_or(Value::Null).to_string()),
        };
        rendered.map_err(damaged)
    }

    async fn request(&mut self, path: &str, verb: Verb) -> Result<Response, Problem> {
        let name = verb.name();
        let path = ResourcePath::parse(path).map_err(|error| Problem::bad_request(error.to_string()))?;
        if !self.context.caller.rights.allow(name, &path) {
            let asked = format!("{name} on {path}");
            let problem = Problem::forbidden(format!("no grant for {asked}"));
            self.refused.get_or_insert(asked);
            return Err(problem);
        }
        let router = Arc::clone(&self.around.router);
        router
            .handle(
                &self.context,
                Request {
                    path,
                    verb,
                    version: None,
                },
            )
            .await
    }

    /// A query without a page size answers everything, page after page, as long as it fits into the guest.
    async fn query_all(&mut self, container: &str, mut query: Query) -> Result<String, Problem> {
        let fields = query.fields.clone();
        let is_paged = query.page_size.is_some();
        let limit = usize::try_from(self.meter.limits().memory_bytes / 4).unwrap_or(usize::MAX);
        let (mut items, mut bytes, mut count) = (Vec::new(), 0, 0_usize);
        loop {
            let Response::Page(page) = self.request(container, Verb::Query(query.clone())).await? else {
                return Err(Problem::internal("a query was not answered by a page"));
            };
            for object in page.result {
                let text = if fields.is_all() {
                    object.to_json()
                } else {
                    object.project(&fields).map(|value| value.to_string())
                };
                let text = text.map_err(damaged)?;
                bytes += text.len();
                if bytes > limit {
                    return Err(Problem::new(
                        Code::TOO_LARGE,
                        format!("the result is larger than {limit} bytes: use _pageSize"),
                    ));
                }
                items.push(text);
                count += 1;
            }
            if is_paged || page.cookie.is_none() {
                let cookie = serde_json::to_string(&page.cookie).map_err(damaged)?;
                let total = page.total.map_or_else(|| "-1".to_owned(), |total| total.to_string());
                return Ok(format!(
                    r#"{{"result":[{}],"resultCount":{count},"pagedResultsCookie":{cookie},"totalPagedResultsPolicy":"{}","totalPagedResults":{total},"remainingPagedResults":-1}}"#,
                    items.join(","),
                    page.policy.name(),
                ));
            }
            query.cookie = page.cookie;
            query.offset = 0;
        }
    }
}

fn damaged(error: serde_json::Error) -> Problem {
    Problem::internal(format!("a stored document is damaged: {error}"))
}

fn parse(text: &str, what: &str) -> Result<Value, Problem> {
    serde_json::from_str(text).map_err(|error| Problem::bad_request(format!("the {what} is no JSON: {error}")))
}

fn parse_fields(fields: &[String]) -> Result<Fields, Problem> {
    Fields::parse(fields).map_err(|error| Problem::bad_request(error.to_string()))
}

fn parse_query(parameters: Vec<objects::Parameter>, fields: &[String]) -> Result<Query, Problem> {
    let mut source = None;
    let mut query = Query::filter(Arc::new(Filter::Literal(true)));
    query.fields = parse_fields(fields)?;
    for objects::Parameter { name, value } in parameters {
        let number = |value: &str| {
            value
                .parse()
                .map_err(|_| Problem::bad_request(format!("{name} must be a whole number, not {value}")))
        };
        match name.as_str() {
            "_queryFilter" => {
                let filter =
                    Filter::parse(&value).map_err(|error| Problem::bad_request(format!("_queryFilter: {error}")))?;
                set_once(&mut source, QuerySource::Filter(Arc::new(filter)))?;
            }
            "_queryId" => set_once(&mut source, QuerySource::Id(value))?,
            "_queryExpression" => {
                return Err(Problem::bad_request(
                    "_queryExpression is not supported: use _queryFilter",
                ));
            }
            "_sortKeys" => {
                query.sort = SortKey::parse_list(&value).map_err(|error| Problem::bad_request(error.to_string()))?
            }
            "_pageSize" => query.page_size = Some(number(&value)?).filter(|size| *size > 0),
            "_pagedResultsOffset" => query.offset = number(&value)?,
            "_pagedResultsCookie" => query.cookie = Some(value).filter(|cookie| !cookie.is_empty() && cookie != "null"),
            "_totalPagedResultsPolicy" => {
                query.total = match value.to_ascii_uppercase().as_str() {
                    "NONE" => TotalPolicy::None,
                    "ESTIMATE" => TotalPolicy::Estimate,
                    "EXACT" => TotalPolicy::Exact,
                    _ => {
                        return Err(Problem::bad_request(
                            "_totalPagedResultsPolicy must be NONE, ESTIMATE or EXACT",
                        ));
                    }
                };
            }
            _ if name.starts_with('_') => {
                return Err(Problem::bad_request(format!("Unrecognized request parameter '{name}'")));
            }
            _ => query.parameters.push((name, value)),
        }
    }
    query.source = source.ok_or_else(|| {
        Problem::bad_request("a query needs exactly one of _queryFilter, _queryId and _queryExpression")
    })?;
    Ok(query)
}

fn set_once(source: &mut Option<QuerySource>, value: QuerySource) -> Result<(), Problem> {
    if source.replace(value).is_some() {
        return Err(Problem::bad_request(
            "a query needs exactly one of _queryFilter, _queryId and _queryExpression",
        ));
    }
    Ok(())
}
