//! Retries: a run over the objects that failed in another one. The failures of that run are the list of them, so it outlives
//! the retry.

use std::sync::Arc;

use host_resource::filter::Matcher;
use host_resource::{Filter, Problem};
use host_store::{Collection, Key, Scan, ScanPage, Snapshot};
use serde::{Deserialize, Serialize};

use crate::definition::Definition;
use crate::failure::{KEPT, failures};
use crate::record::{Mode, Record};
use crate::scanner::{Order, Scanner};

/// Which run's failures a run takes up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Retry {
    pub(crate) run: Arc<str>,
    /// So many of its failures were counted and not kept.
    pub(crate) not_kept: u64,
}

/// Where a run's objects come from.
pub(crate) struct Source<'a> {
    pub(crate) retry: Option<&'a Retry>,
    pub(crate) collection: &'a Collection,
    pub(crate) filter: &'a Arc<Filter>,
}

impl Source<'_> {
    /// A page of the run's objects. In a retry these are the objects that failed, as long as they are there and match.
    pub(crate) async fn page(&self, snapshot: &dyn Snapshot, scan: &Scan) -> Result<ScanPage, Problem> {
        let Some(retry) = self.retry else {
            return Ok(snapshot.scan(scan).await?);
        };
        let list = Scan::all(failures(&retry.run), scan.limit).after(scan.after.clone());
        let page = snapshot.scan(&list).await?;
        let matcher = Matcher::new(self.filter);
        let mut documents = Vec::with_capacity(page.documents.len());
        for failed in page.documents {
            let key: Key = self.collection.key(failed.id);
            let found = snapshot.get(&key).await?;
            documents.extend(
                found.filter(|found| matcher.matches_bytes(&found.body, &found.id, &found.revision.to_string())),
            );
        }
        Ok(ScanPage { documents, ..page })
    }
}

impl Scanner {
    /// Starts a run over the objects that failed in another one. None when there is no such run.
    pub(crate) async fn retry(self: &Arc<Self>, run: &str) -> Result<Option<(Arc<str>, Record)>, Problem> {
        let router = self.parts.router.get()?;
        let Some(record) = self.record(run).await? else {
            return Ok(None);
        };
        if !record.state.is_ended() {
            return Err(Problem::conflict(format!(
                "the run '{run}' has not ended: it is {}; only then is it known what failed",
                record.state.name()
            )));
        }
        if record.mode != Mode::Run {
            return Err(Problem::bad_request(format!(
                "'{run}' is an analysis or applied one: execute the job to take up its failures"
            )));
        }
        if record.progress.failures == 0 {
            return Err(Problem::conflict(format!("no object failed in the run '{run}'")));
        }
        let order = Order {
            id: None,
            name: record.name.clone(),
            invoke_context: record.invoke_context.clone(),
            is_analysis: false,
            log_level: record.log_level.parse().unwrap_or(tracing::Level::INFO),
        };
        let definition = Definition::prepare(&order.invoke_context, &self.parts.scripts, &router).await?;
        let retry = Retry {
            run: run.into(),
            not_kept: record.progress.failures.saturating_sub(KEPT),
        };
        // From here on the failures are not forgotten before the retry is known.
        let trimming = self.trimming.lock().await;
        if self.record(run).await?.is_none() {
            return Ok(None);
        }
        let id = self.begin(order, definition, Some(retry)).await?;
        drop(trimming);
        self.trim().await?;
        Ok(Some((id, record)))
    }
}

/// The run that a run which goes on still needs: whose failures it takes up, or whose plan it applies.
pub(crate) fn source(record: &Record) -> Option<Arc<str>> {
    if record.state.is_ended() {
        return None;
    }
    match &record.mode {
        Mode::Apply(of) => Some(Arc::clone(of)),
        Mode::Run | Mode::Analyze => record.retries.as_ref().map(|retry| Arc::clone(&retry.run)),
    }
}
