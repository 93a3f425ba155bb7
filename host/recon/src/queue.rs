//! Changes that could not be carried over: they wait in the store, in the commit of the change itself, and are tried
//! again until it works, with longer and longer pauses.

use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, Duration};
use host_model::clock::Timestamp;
use host_model::sync::Change;
use host_resource::{Caller, Context, Problem};
use host_store::document;
use host_store::{Collection, CommitError, Key, Scan, UnitOfWork};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::attempt::limits;
use crate::implicit::Synchronizer;
use crate::links::digest;

/// The first pause; each further one is twice as long.
const PAUSE: Duration = Duration::seconds(5);
/// The longest pause.
const MAX_PAUSE: Duration = Duration::hours(1);
/// How often the queue is looked at.
const LOOK: Duration = Duration::seconds(5);
/// Changes looked at in one go.
const BATCH: usize = 200;

/// Where changes wait.
pub(crate) fn queue() -> Collection {
    Collection::new("sync/queue")
}

/// A change that waits.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Queued {
    mapping: String,
    resource_container: String,
    resource_id: String,
    /// What the object was before the first change that was not carried over.
    old_value: Option<Value>,
    attempts: u32,
    /// In milliseconds since 1970.
    next_attempt: i64,
    cause: String,
}

impl Queued {
    pub(crate) fn key(mapping: &str, container: &str, id: &str) -> Key {
        queue().key(digest(&[mapping, container, id]))
    }

    pub(crate) fn first(mapping: &str, change: Change<'_>, cause: String, now: Timestamp) -> Self {
        Self {
            mapping: mapping.to_owned(),
            resource_container: change.container.to_owned(),
            resource_id: change.id.to_owned(),
            old_value: change.old.cloned(),
            attempts: 1,
            next_attempt: (now + PAUSE).timestamp_millis(),
            cause,
        }
    }

    pub(crate) fn to_bytes(&self) -> Result<Bytes, Problem> {
        document::to_bytes(self)
    }

    fn again(mut self, cause: String, now: Timestamp) -> Self {
        let pause = PAUSE * 2_i32.pow(self.attempts.min(10));
        self.attempts += 1;
        self.next_attempt = (now + pause.min(MAX_PAUSE)).timestamp_millis();
        self.cause = cause;
        self
    }

    fn is_due(&self, now: Timestamp) -> bool {
        DateTime::from_timestamp_millis(self.next_attempt).is_none_or(|due| due <= now)
    }
}

impl Synchronizer {
    /// Tries again what waits, for ever.
    pub async fn retry_for_ever(self: Arc<Self>) {
        loop {
            self.clock.sleep_until(self.clock.now() + LOOK).await;
            if let Err(problem) = self.retry_due().await {
                tracing::error!(%problem, "the queue of changes could not be worked off");
            }
        }
    }

    /// Tries again what is due.
    async fn retry_due(&self) -> Result<(), Problem> {
        let mut cursor = None;
        loop {
            let page = self.store.scan(&Scan::all(queue(), BATCH).after(cursor)).await?;
            for document in page.documents {
                let queued: Queued = serde_json::from_slice(&document.body)
                    .map_err(|error| Problem::internal(format!("a queued change is damaged: {error}")))?;
                if queued.is_due(self.clock.now()) {
                    self.retry(queued).await?;
                }
            }
            cursor = page.cursor;
            if cursor.is_none() {
                return Ok(());
            }
        }
    }

    /// One more attempt: what comes of it and the queue are one commit.
    async fn retry(&self, queued: Queued) -> Result<(), Problem> {
        let key = Self::key_of(&queued);
        let unit = Arc::new(UnitOfWork::new(self.store.snapshot().await?, limits()));
        if unit.get(&key).await?.is_none() {
            return Ok(());
        }
        let caller = Caller::internal(self.store.tenant().as_str(), "Sync queue");
        let context = Context::new(
            Arc::new(caller),
            digest(&["queue", &key.id, &queued.attempts.to_string()]),
        );
        let context = context.within(Arc::clone(&unit));
        match self.try_again(&context, &queued).await {
            Ok(()) => unit.delete(key).await?,
            Err(problem) => {
                let again = queued.again(problem.message, self.clock.now());
                unit.put(key, again.to_bytes()?).await.map(drop)?;
            }
        }
        let changes = unit.end().unwrap_or_default().own.to_changes();
        match self.store.commit(changes).await {
            // Somebody was faster: the next look sees what is left to do.
            Ok(_) | Err(CommitError::Conflict(_)) => Ok(()),
            Err(CommitError::Store(error)) => Err(error.into()),
        }
    }

    async fn try_again(&self, context: &Context, queued: &Queued) -> Result<(), Problem> {
        let set = self.mappings.set();
        // A mapping that is gone has nothing to carry over any more.
        let Ok(mapping) = set.require(&queued.mapping) else {
            return Ok(());
        };
        let new = mapping
            .source
            .read(&*self.router.get()?, context, &queued.resource_id)
            .await?;
        let change = Change {
            container: &queued.resource_container,
            id: &queued.resource_id,
            old: queued.old_value.as_ref(),
            new: new.as_ref(),
            is_check: false,
        };
        self.carry_over_by(context, mapping, change).await.map(drop)
    }

    fn key_of(queued: &Queued) -> Key {
        Queued::key(&queued.mapping, &queued.resource_container, &queued.resource_id)
    }
}
