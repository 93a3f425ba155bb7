//! The resource `taskscanner`: run, list, read and cancel scans, and read why objects failed.
//!
//! `taskscanner`, `taskscanner/RUN`, `taskscanner/RUN/failure`, `taskscanner/RUN/failure/OBJECT`.

use std::sync::Arc;

use async_trait::async_trait;
use host_resource::filter::Filter;
use host_resource::{
    Action, ApiVersion, Content, Context, LateRouter, Object, Page, Problem, Query, QuerySource, Read, Request,
    Resource, ResourcePath, Response, TotalPolicy, Verb, listing,
};
use host_store::{Cursor, Scan};
use serde_json::{Value, json};

use crate::failure::failures;
use crate::record::{Record, runs};
use crate::scanner::{Order, Scanner};
use crate::wire;

/// Failures or runs read in one go, and answered when no page size was asked for.
const BATCH: usize = 500;

/// The resource `taskscanner`.
pub struct TaskScannerResource {
    scanner: Arc<Scanner>,
    router: LateRouter,
}

impl TaskScannerResource {
    /// The resource over a scanner.
    pub fn new(scanner: Arc<Scanner>, router: LateRouter) -> Self {
        Self { scanner, router }
    }

    async fn execute(&self, context: &Context, action: &Action) -> Result<Value, Problem> {
        let given = action.parameter("name").filter(|name| !name.is_empty());
        let given = given
            .ok_or_else(|| Problem::bad_request("The parameter 'name' is missing: it names the job to execute"))?;
        let job = self.job(context, given).await?;
        let unsuitable = |why: &str| Problem::bad_request(format!("Error obtaining named config: '{given}' {why}"));
        if !job["invokeService"]
            .as_str()
            .is_some_and(|service| service.eq_ignore_ascii_case("org.forgerock.openidm.taskscanner"))
        {
            return Err(unsuitable("is not a scanning task"));
        }
        if job["enabled"] != true {
            return Err(unsuitable("is disabled: enable the job before it is executed"));
        }
        let invoke_context = job["invokeContext"].clone();
        let waits = invoke_context["waitForCompletion"] == true;
        let log_level = job["invokeLogLevel"]
            .as_str()
            .and_then(|level| level.parse().ok())
            .unwrap_or(tracing::Level::INFO);
        let order = Order {
            id: None,
            name: given.to_owned(),
            invoke_context,
            log_level,
        };
        let id = self.scanner.start(order).await?;
        if waits {
            self.scanner.wait(&id).await;
        }
        Ok(json!({ "_id": &*id }))
    }

    /// The job of a name, with or without `schedule/` before it.
    async fn job(&self, context: &Context, given: &str) -> Result<Value, Problem> {
        let name = given.strip_prefix("schedule/").unwrap_or(given);
        let path = ResourcePath::from_elements(["scheduler", "job", name]);
        let request = Request {
            path,
            verb: Verb::Read(Read::default()),
            version: None,
        };
        let unknown = |_| Problem::bad_request(format!("Error obtaining named config: '{given}'"));
        match self.router.get()?.handle(context, request).await {
            Ok(Response::Object(job)) => job.into_value().map_err(damaged),
            Ok(_) => Err(Problem::internal("a job was not answered by an object")),
            Err(problem) if problem.code == host_resource::Code::NOT_FOUND => Err(unknown(problem)),
            Err(problem) => Err(problem),
        }
    }

    async fn run(&self, id: &str) -> Result<Object, Problem> {
        if let Some(live) = self.scanner.find(id) {
            return Ok(wire::of_live(&live));
        }
        let record = self.scanner.record(id).await?.ok_or_else(|| missing(id))?;
        Ok(wire::of_record(id, &record))
    }

    /// All runs, oldest first. Their number is bounded by the number of ended runs that are kept.
    async fn runs(&self) -> Result<Vec<Value>, Problem> {
        let mut found = Vec::new();
        let mut cursor = None;
        loop {
            let page = self
                .scanner
                .parts
                .store
                .scan(&Scan::all(runs(), BATCH).after(cursor))
                .await?;
            for document in page.documents {
                let record = Record::from_bytes(&document.body)?;
                let shown = match self.scanner.find(&document.id) {
                    Some(live) => wire::of_live(&live),
                    None => wire::of_record(&document.id, &record),
                };
                found.push((record.started, shown.into_value().map_err(damaged)?));
            }
            cursor = page.cursor;
            if cursor.is_none() {
                break;
            }
        }
        found.sort_by_key(|(started, _)| *started);
        Ok(found.into_iter().map(|(_, run)| run).collect())
    }

    async fn query_runs(&self, query: Query) -> Result<Page, Problem> {
        let runs = self.runs().await?.into_iter().map(to_object).collect();
        listing::page("taskscanner", &query, runs)
    }

    /// Failures in the order of their objects' ids.
    async fn query_failures(&self, run: &str, query: Query) -> Result<Page, Problem> {
        if !query.sort.is_empty() || query.offset > 0 || query.total != TotalPolicy::None {
            return Err(Problem::bad_request(
                "failures are listed by object: use _pageSize and _pagedResultsCookie only",
            ));
        }
        let filter = filter(&query)?;
        let size = query.page_size.unwrap_or(BATCH).min(BATCH);
        let mut cursor = match &query.cookie {
            Some(cookie) => Some(
                Cursor::from_text(cookie)
                    .ok_or_else(|| Problem::bad_request("the paging cookie is not of this query"))?,
            ),
            None => None,
        };
        let mut result = Vec::new();
        loop {
            let scan = Scan::matching(failures(run), Arc::clone(&filter), size - result.len()).after(cursor);
            let page = self.scanner.parts.store.scan(&scan).await?;
            result.extend(page.documents.into_iter().map(|document| Object {
                id: document.id.to_string(),
                rev: None,
                content: Content::Raw(document.body),
            }));
            cursor = page.cursor;
            if cursor.is_none() || result.len() >= size {
                break;
            }
        }
        Ok(Page {
            result,
            cookie: cursor.map(|cursor| cursor.to_text()),
            policy: TotalPolicy::None,
            total: None,
        })
    }
}

#[async_trait]
impl Resource for TaskScannerResource {
    async fn read(&self, _context: &Context, path: &ResourcePath, _read: Read) -> Result<Object, Problem> {
        match path.elements().collect::<Vec<_>>()[..] {
            [run] => self.run(run).await,
            [run, "failure", object] => {
                let document = self.scanner.parts.store.get(&failures(run).key(object)).await?;
                let document = document.ok_or_else(|| Problem::not_found(path))?;
                Ok(Object {
                    id: object.to_owned(),
                    rev: None,
                    content: Content::Raw(document.body),
                })
            }
            [] => Err(Problem::bad_request("name a run, or query with _queryFilter=true")),
            _ => Err(Problem::not_found(path)),
        }
    }

    async fn query(&self, _context: &Context, path: &ResourcePath, query: Query) -> Result<Page, Problem> {
        match path.elements().collect::<Vec<_>>()[..] {
            [] => self.query_runs(query).await,
            [run, "failure"] => {
                self.run(run).await?;
                self.query_failures(run, query).await
            }
            _ => Err(Problem::bad_request(format!(
                "'{path}' is not a container: query taskscanner or taskscanner/RUN/failure"
            ))),
        }
    }

    async fn action(
        &self,
        context: &Context,
        path: &ResourcePath,
        action: Action,
        _version: Option<ApiVersion>,
    ) -> Result<Option<Value>, Problem> {
        match (&path.elements().collect::<Vec<_>>()[..], action.name.as_str()) {
            ([], "execute") => self.execute(context, &action).await.map(Some),
            ([], name) => Err(Problem::bad_request(format!("Unknown action: {name}"))),
            ([run], "cancel") => {
                let was_active = self.scanner.cancel(run).await?.ok_or_else(|| missing(run))?;
                Ok(Some(wire::cancelled(run, was_active)))
            }
            ([run], name) => Err(Problem::bad_request(format!(
                "Action '{name}' on Task '{run}' not supported"
            ))),
            _ => Err(Problem::not_found(path)),
        }
    }
}

fn filter(query: &Query) -> Result<Arc<Filter>, Problem> {
    match &query.source {
        QuerySource::Filter(filter) => Ok(Arc::clone(filter)),
        QuerySource::Id(id) => Err(Problem::bad_request(format!("'{id}' is not a query: use _queryFilter"))),
    }
}

fn to_object(mut run: Value) -> Object {
    let id = match run.as_object_mut().and_then(|members| members.shift_remove("_id")) {
        Some(Value::String(id)) => id,
        _ => String::new(),
    };
    Object {
        id,
        rev: None,
        content: Content::Json(run),
    }
}

fn missing(id: &str) -> Problem {
    Problem::new(
        host_resource::Code::NOT_FOUND,
        format!("Task with id '{id}' not found."),
    )
}

fn damaged(error: serde_json::Error) -> Problem {
    Problem::internal(format!("a stored document is damaged: {error}"))
}
