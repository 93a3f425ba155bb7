//! The resource `recon`: run, list, read, cancel, apply and forget reconciliations, and what they did with each object.
//!
//! `recon`, `recon/RUN`, `recon/assoc`, `recon/assoc/RUN`, `recon/assoc/RUN/entry`, `recon/assoc/RUN/entry/ID`.

use std::sync::Arc;

use async_trait::async_trait;
use host_resource::listing;
use host_resource::{
    Action, ApiVersion, Code, Content, Context, Delete, Object, Page, Problem, Query, Read, Resource, ResourcePath,
};
use serde_json::{Value, json};

use crate::documents;
use crate::entry::entries;
use crate::reconciler::{Ask, Reconciler};
use crate::record::{Kind, Stage};
use crate::request::{self, flag, known};
use crate::wire;

/// The resource `recon`.
pub struct ReconResource(pub Arc<Reconciler>);

impl ReconResource {
    async fn order(&self, context: &Context, action: &Action, by_id: bool) -> Result<Value, Problem> {
        let request = request::parse(context, action, by_id)?;
        let id = self.0.start(request.ask).await?;
        self.started(&id, request.waits).await
    }

    /// Carries out what an analysed run planned, where nothing has changed since.
    async fn apply(&self, context: &Context, run: &str, action: &Action) -> Result<Value, Problem> {
        known(action, &["waitForCompletion", "ignoreDeletionGuard"])?;
        let record = self.0.record(run).await?.ok_or_else(|| missing(run))?;
        if !record.is_analysis || record.stage != Stage::CompletedSuccess {
            return Err(Problem::conflict(format!(
                "'{run}' cannot be applied: only a run with analyze=true that came to its end is a plan"
            )));
        }
        let ask = Ask {
            id: None,
            mapping: record.mapping,
            kind: Kind::Apply(run.to_owned()),
            overrides: None,
            is_analysis: false,
            keeps_entries: true,
            ignores_guard: flag(action, "ignoreDeletionGuard")?,
            by: Arc::clone(&context.caller),
        };
        let id = self.0.start(ask).await?;
        self.started(&id, flag(action, "waitForCompletion")?).await
    }

    async fn started(&self, id: &str, waits: bool) -> Result<Value, Problem> {
        if waits {
            self.0.wait(id).await;
        }
        let record = self.0.record(id).await?.ok_or_else(|| missing(id))?;
        Ok(wire::started(id, &record))
    }

    async fn run(&self, id: &str) -> Result<Object, Problem> {
        let record = self.0.record(id).await?.ok_or_else(|| missing(id))?;
        Ok(wire::run(id, &record, self.0.parts.clock.now()))
    }

    async fn association(&self, id: &str) -> Result<Object, Problem> {
        let record = self.0.record(id).await?.filter(|record| record.keeps_entries);
        Ok(wire::association(id, &record.ok_or_else(|| missing(id))?))
    }

    async fn associations(&self, query: &Query) -> Result<Page, Problem> {
        let mut records = self.0.records().await?;
        records.retain(|(_, record)| record.keeps_entries);
        let shown = records.iter().map(|(id, record)| wire::association(id, record));
        listing::page("recon/assoc", query, shown.collect())
    }

    async fn runs(&self, query: &Query) -> Result<Page, Problem> {
        let now = self.0.parts.clock.now();
        let records = self.0.records().await?;
        let shown = records.iter().map(|(id, record)| wire::run(id, record, now));
        listing::page("recon", query, shown.collect())
    }
}

#[async_trait]
impl Resource for ReconResource {
    async fn read(&self, _context: &Context, path: &ResourcePath, _read: Read) -> Result<Object, Problem> {
        match path.elements().collect::<Vec<_>>()[..] {
            [] => {
                let now = self.0.parts.clock.now();
                let runs = self.0.records().await?;
                let runs: Vec<Value> = runs.iter().map(|(id, record)| wire::listed(id, record, now)).collect();
                Ok(Object {
                    id: String::new(),
                    rev: None,
                    content: Content::Json(json!({"reconciliations": runs})),
                })
            }
            ["assoc"] => Err(Problem::bad_request("query the associations with _queryFilter=true")),
            [run] => self.run(run).await,
            ["assoc", run] => self.association(run).await,
            ["assoc", run, "entry", id] => documents::read(&self.0.parts.store, entries(run), id, Some("0"))
                .await?
                .ok_or_else(|| Problem::not_found(format!("recon/{path}"))),
            _ => Err(Problem::not_found(format!("recon/{path}"))),
        }
    }

    async fn query(&self, _context: &Context, path: &ResourcePath, query: Query) -> Result<Page, Problem> {
        match path.elements().collect::<Vec<_>>()[..] {
            [] => self.runs(&query).await,
            ["assoc"] => self.associations(&query).await,
            ["assoc", run, "entry"] => {
                self.0.record(run).await?.ok_or_else(|| missing(run))?;
                documents::query(&self.0.parts.store, entries(run), &query, Some("0")).await
            }
            _ => Err(Problem::bad_request(format!(
                "'recon/{path}' is not a container: query recon, recon/assoc or recon/assoc/RUN/entry"
            ))),
        }
    }

    async fn delete(&self, _context: &Context, path: &ResourcePath, _delete: Delete) -> Result<Object, Problem> {
        let [run] = path.elements().collect::<Vec<_>>()[..] else {
            return Err(Problem::unsupported("name the run to forget: recon/RUN"));
        };
        let object = self.run(run).await?;
        match self.0.forget(run).await? {
            Some(true) => Ok(object),
            Some(false) => Err(Problem::conflict(format!(
                "'{run}' goes on: cancel it before it is forgotten"
            ))),
            None => Err(missing(run)),
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
            ([], "recon") => self.order(context, &action, false).await.map(Some),
            ([], "reconById") => self.order(context, &action, true).await.map(Some),
            ([], name) => Err(Problem::bad_request(format!(
                "Action {name} on reconciliation not supported: known are recon and reconById"
            ))),
            ([run], "cancel") => {
                let was_active = self.0.cancel(run).await?.ok_or_else(|| missing(run))?;
                Ok(Some(wire::cancelled(run, was_active)))
            }
            ([run], "apply") => self.apply(context, run, &action).await.map(Some),
            ([run], name) => Err(Problem::bad_request(format!(
                "Action {name} on reconciliation {run} not supported: known are cancel and apply"
            ))),
            _ => Err(Problem::not_found(format!("recon/{path}"))),
        }
    }
}

fn missing(id: &str) -> Problem {
    Problem::new(Code::NOT_FOUND, format!("Reconciliation with id {id} not found."))
}
