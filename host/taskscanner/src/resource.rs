//! The resource `taskscanner`: run, list, read and cancel scans, and read why objects failed.
//!
//! `taskscanner`, `taskscanner/RUN`, `taskscanner/RUN/live`, `taskscanner/RUN/failure`, `taskscanner/RUN/failure/OBJECT`,
//! `taskscanner/RUN/failureGroup`, `taskscanner/RUN/plan`, `taskscanner/RUN/plan/OBJECT`, `taskscanner/quarantine`,
//! `taskscanner/quarantine/ID`.

mod parameters;
mod quarantine;
mod steering;
mod stored;

use std::sync::Arc;

use async_trait::async_trait;
use host_resource::{
    Action, ApiVersion, Content, Context, LateRouter, Object, Page, Problem, Query, Read, Request, Resource,
    ResourcePath, Response, Verb, listing,
};
use host_store::Scan;
use serde_json::{Value, json};

use crate::estimate::{MAX_SAMPLE, SAMPLE};
use crate::failure::groups::Groups;
use crate::failure::{failures, origin};
use crate::plan::{self, plans};
use crate::record::{Record, missing, runs};
use crate::scanner::{Order, Scanner};
use crate::wire;

/// Runs read in one go.
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
        let is_analysis = match action.parameter("analyze").unwrap_or("false") {
            "true" => true,
            "false" => false,
            other => {
                return Err(Problem::bad_request(format!(
                    "analyze must be true or false, not '{other}'"
                )));
            }
        };
        let order = self.order(context, action, is_analysis).await?;
        let waits = order.invoke_context["waitForCompletion"] == true;
        let id = self.scanner.start(order).await?;
        if waits {
            self.scanner.wait(&id).await;
        }
        Ok(json!({ "_id": &*id }))
    }

    async fn estimate(&self, context: &Context, action: &Action) -> Result<Value, Problem> {
        let sample = match action.parameter("sample") {
            None => SAMPLE,
            Some(text) => text
                .parse()
                .ok()
                .filter(|sample| (1..=MAX_SAMPLE).contains(sample))
                .ok_or_else(|| {
                    Problem::bad_request(format!("sample must be 1 to {MAX_SAMPLE} objects, not '{text}'"))
                })?,
        };
        let order = self.order(context, action, true).await?;
        self.scanner.estimate(order, sample).await
    }

    /// What the job that an action names is to do.
    async fn order(&self, context: &Context, action: &Action, is_analysis: bool) -> Result<Order, Problem> {
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
        let log_level = job["invokeLogLevel"]
            .as_str()
            .and_then(|level| level.parse().ok())
            .unwrap_or(tracing::Level::INFO);
        Ok(Order {
            id: None,
            name: given.to_owned(),
            invoke_context: job["invokeContext"].clone(),
            is_analysis,
            log_level,
        })
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
        if let Some(live) = self.scanner.at_work(id) {
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
                let shown = match self.scanner.at_work(&document.id) {
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

    /// The groups of a run's failures.
    async fn groups(&self, run: &str) -> Result<Vec<Object>, Problem> {
        self.run(run).await?;
        match self.scanner.parts.store.get(&Groups::key(run)).await? {
            Some(document) => Ok(Groups::from_bytes(&document.body)?.to_objects()),
            None => Ok(Vec::new()),
        }
    }

    /// What an analysis found out about an object.
    async fn plan(&self, run: &str, object: &str, path: &ResourcePath) -> Result<Object, Problem> {
        let document = self.scanner.parts.store.get(&plans(run).key(object)).await?;
        let document = document.ok_or_else(|| Problem::not_found(path))?;
        Ok(Object {
            id: object.to_owned(),
            rev: None,
            content: plan::shown(&document.body)?,
        })
    }

    /// A failure with all that a replay needs.
    async fn failure(&self, run: &str, object: &str, path: &ResourcePath) -> Result<Object, Problem> {
        let store = &self.scanner.parts.store;
        let record = self.scanner.record(run).await?.ok_or_else(|| missing(run))?;
        let document = store.get(&failures(run).key(object)).await?;
        let document = document.ok_or_else(|| Problem::not_found(path))?;
        Ok(Object {
            id: object.to_owned(),
            rev: None,
            content: Content::Json(origin::complete(store, run, &record, &document.body).await?),
        })
    }
}

#[async_trait]
impl Resource for TaskScannerResource {
    async fn read(&self, _context: &Context, path: &ResourcePath, _read: Read) -> Result<Object, Problem> {
        match path.elements().collect::<Vec<_>>()[..] {
            ["quarantine"] => Err(Problem::bad_request("name an object, or query with _queryFilter=true")),
            ["quarantine", id] => quarantine::read(&self.scanner.parts.store, id, path).await,
            [run] => self.run(run).await,
            [run, "live"] => steering::live(&self.scanner, run).await,
            [run, "failure", object] => self.failure(run, object, path).await,
            [run, "plan", object] => self.plan(run, object, path).await,
            [run, "failureGroup", id] => {
                let found = self.groups(run).await?.into_iter().find(|group| group.id == id);
                found.ok_or_else(|| Problem::not_found(path))
            }
            [] => Err(Problem::bad_request("name a run, or query with _queryFilter=true")),
            _ => Err(Problem::not_found(path)),
        }
    }

    async fn query(&self, _context: &Context, path: &ResourcePath, query: Query) -> Result<Page, Problem> {
        match path.elements().collect::<Vec<_>>()[..] {
            [] => self.query_runs(query).await,
            ["quarantine"] => quarantine::query(&self.scanner.parts.store, query).await,
            [run, "failure"] => {
                self.run(run).await?;
                stored::page(
                    &self.scanner.parts.store,
                    &failures(run),
                    "failures",
                    query,
                    stored::whole,
                )
                .await
            }
            [run, "plan"] => {
                self.run(run).await?;
                stored::page(&self.scanner.parts.store, &plans(run), "plans", query, |body| {
                    plan::shown(&body)
                })
                .await
            }
            [run, "failureGroup"] => listing::page(&format!("taskscanner/{path}"), &query, self.groups(run).await?),
            _ => Err(Problem::bad_request(format!(
                "'{path}' is not a container: query taskscanner, taskscanner/quarantine, taskscanner/RUN/failure, \
                 taskscanner/RUN/failureGroup or taskscanner/RUN/plan"
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
            ([], "estimate") => self.estimate(context, &action).await.map(Some),
            ([run], "apply") => {
                let id = self.scanner.apply(run).await?;
                Ok(Some(json!({ "_id": &*id })))
            }
            ([], name) => Err(Problem::bad_request(format!("Unknown action: {name}"))),
            (["quarantine"], "release") => {
                let released = quarantine::release_all(&self.scanner.parts.store, &action).await?;
                Ok(Some(released))
            }
            (["quarantine", id], "release") => {
                let released = quarantine::release_one(&self.scanner.parts.store, id, path, &action).await?;
                Ok(Some(released))
            }
            (["quarantine", ..], name) => Err(Problem::bad_request(format!(
                "Unknown action: {name}: the quarantine has release"
            ))),
            ([run], "retry") => steering::retry(&self.scanner, run, &action).await.map(Some),
            ([run], "pause" | "resume" | "threads") => steering::say(&self.scanner, run, &action).await.map(Some),
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

fn damaged(error: serde_json::Error) -> Problem {
    Problem::internal(format!("a stored document is damaged: {error}"))
}
