//! What somebody says to a run while it is worked on: to pause, to go on, to use so many threads. It is a document of its
//! own, so that the run's record stays its committer's, and outlives a restart.

use std::sync::Arc;

use host_resource::Problem;
use host_store::document;
use host_store::{ChangeSet, Collection, CommitError, Expectation, Key};
use serde::{Deserialize, Serialize};

use crate::record::Record;
use crate::scanner::Scanner;

/// How often a word is said again to a run whose record is being written just then.
const ATTEMPTS: usize = 200;

/// What was said to a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Control {
    /// No further object gets its turn.
    pub(crate) paused: bool,
    /// In the place of the job's own number.
    pub(crate) threads: Option<u32>,
}

impl Control {
    /// Where what was said to a run lies.
    pub(crate) fn key(run: &str) -> Key {
        Collection::new("taskscanner/control").key(run)
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, Problem> {
        serde_json::from_slice(bytes)
            .map_err(|error| Problem::internal(format!("what was said to a run is damaged: {error}")))
    }
}

impl Scanner {
    /// What was said to a run.
    pub(crate) async fn control(&self, run: &str) -> Result<Control, Problem> {
        let document = self.parts.store.get(&Control::key(run)).await?;
        document.map_or(Ok(Control::default()), |document| Control::from_bytes(&document.body))
    }

    /// Says something to a run that goes on. None when there is no such run; a run that has ended does not listen any
    /// more. When this returns, it is durable and heard.
    pub(crate) async fn steer(&self, run: &str, change: impl Fn(&mut Control)) -> Result<Option<Control>, Problem> {
        let live = self.find(run);
        let _turn = match &live {
            Some(live) => Some(live.steering.lock().await),
            None => None,
        };
        for _ in 0..ATTEMPTS {
            let snapshot = self.parts.store.snapshot().await?;
            let Some(document) = snapshot.get(&Record::key(run)).await? else {
                return Ok(None);
            };
            let record = Record::from_bytes(&document.body)?;
            if record.state.is_ended() {
                return Err(Problem::conflict(format!(
                    "the run '{run}' has ended: it is {}",
                    record.state.name()
                )));
            }
            let before = snapshot.get(&Control::key(run)).await?;
            let mut control = match &before {
                Some(before) => Control::from_bytes(&before.body)?,
                None => Control::default(),
            };
            change(&mut control);
            let expected = before.map_or(Expectation::Absent, |before| Expectation::Revision(before.revision));
            let body = document::to_bytes(&control)?;
            let mut changes = ChangeSet::new();
            changes.put(Control::key(run), expected, body);
            // A run that ends meanwhile is not spoken to.
            changes.require(Record::key(run), Expectation::Revision(document.revision));
            match self.parts.store.commit(changes).await {
                Ok(_) => {
                    if let Some(live) = &live {
                        live.hear(control, self.parts.clock.now());
                    }
                    return Ok(Some(control));
                }
                Err(CommitError::Conflict(_)) => tokio::task::yield_now().await,
                Err(CommitError::Store(error)) => return Err(error.into()),
            }
        }
        Err(Problem::unavailable(format!(
            "the run '{run}' commits too often to listen: ask again"
        )))
    }
}

/// Keeps a paused run's waiting objects until it goes on or is stopped.
pub(crate) async fn attend(work: Arc<crate::work::Work>) {
    let mut changes = work.live.changes();
    loop {
        crate::runner::wake(&work);
        // The sender lives as long as the run.
        if changes.changed().await.is_err() {
            return;
        }
    }
}
