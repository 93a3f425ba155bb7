//! Where jobs lie: persisted ones in the tenant's store, the others in a store in memory that a restart empties. Both
//! hold the same documents, so nothing else has to tell them apart.

use std::sync::Arc;

use host_model::job::{Job, JobId};
use host_resource::Pointer;
use host_store::{ChangeSet, Collection, CommitError, Document, Key, Revision, Scan, Snapshot, TenantStore};

use crate::error::Error;
use crate::run_record::RunRecord;
use crate::trigger_record::TriggerRecord;
use crate::wire;

/// One of the two places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShelfName {
    /// Survives a restart.
    Persisted,
    /// Does not.
    Memory,
}

/// Both, in the order in which they are searched.
pub(crate) const SHELVES: [ShelfName; 2] = [ShelfName::Persisted, ShelfName::Memory];

/// The place of a job.
pub(crate) fn shelf_of(job: &Job) -> ShelfName {
    if job.persisted {
        ShelfName::Persisted
    } else {
        ShelfName::Memory
    }
}

/// The stores behind the two places.
#[derive(Debug)]
pub(crate) struct Shelves {
    pub(crate) persisted: TenantStore,
    pub(crate) memory: TenantStore,
}

/// A job as it is stored.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    pub(crate) shelf: ShelfName,
    pub(crate) job: Arc<Job>,
    pub(crate) revision: Revision,
    /// None if it is disabled.
    pub(crate) trigger: Option<StoredTrigger>,
}

/// A trigger as it is stored.
#[derive(Debug, Clone)]
pub(crate) struct StoredTrigger {
    pub(crate) record: TriggerRecord,
    pub(crate) revision: Revision,
}

/// What became of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Attempt {
    /// Everything it wrote has this revision.
    Done(Revision),
    /// Something had changed meanwhile, so nothing was written.
    Conflict,
}

/// Documents that one call reads at most: a page of whole jobs stays within a few megabytes.
pub(crate) const PAGE: usize = 500;

/// Jobs by id: the configuration as answers show it.
pub(crate) fn jobs() -> Collection {
    Collection::new("scheduler/job")
}

/// Triggers by the id of their job: [`TriggerRecord`].
pub(crate) fn triggers() -> Collection {
    Collection::new("scheduler/trigger")
}

/// Runs by id: [`RunRecord`].
pub(crate) fn runs() -> Collection {
    Collection::new("scheduler/run")
}

/// What became of due instants: [`crate::occurrence::Occurrence`].
pub(crate) fn occurrences() -> Collection {
    Collection::new("scheduler/occurrence")
}

/// Counters by the id of their job: [`crate::occurrence::Statistics`].
pub(crate) fn statistics() -> Collection {
    Collection::new("scheduler/statistics")
}

pub(crate) fn statistics_key(id: &JobId) -> Key {
    statistics().key(id.as_str())
}

/// What holds for all jobs; see [`group_key`].
fn group() -> Collection {
    Collection::new("scheduler/group")
}

/// Whether all jobs are paused: `{"paused": true}`.
pub(crate) fn group_key() -> Key {
    group().key("scheduler-service-group")
}

pub(crate) fn job_key(id: &JobId) -> Key {
    jobs().key(id.as_str())
}

pub(crate) fn trigger_key(id: &JobId) -> Key {
    triggers().key(id.as_str())
}

impl Shelves {
    pub(crate) fn store(&self, shelf: ShelfName) -> &TenantStore {
        match shelf {
            ShelfName::Persisted => &self.persisted,
            ShelfName::Memory => &self.memory,
        }
    }

    /// Declares what records are looked for by: runs by their state at a start, and by job and age when old ones go;
    /// occurrences by their job.
    pub(crate) async fn prepare(&self) -> Result<(), Error> {
        let pointers = ["state", "job", "ended"].map(|name| Pointer::root().child(name));
        for shelf in SHELVES {
            self.store(shelf).declare_indexes(&runs(), &pointers).await?;
            self.store(shelf)
                .declare_indexes(&occurrences(), &pointers[1..2])
                .await?;
        }
        Ok(())
    }

    /// A job, wherever it lies.
    pub(crate) async fn find(&self, id: &JobId) -> Result<Option<Stored>, Error> {
        for shelf in SHELVES {
            if let Some(stored) = self.find_on(shelf, id).await? {
                return Ok(Some(stored));
            }
        }
        Ok(None)
    }

    /// A job in one place.
    pub(crate) async fn find_on(&self, shelf: ShelfName, id: &JobId) -> Result<Option<Stored>, Error> {
        let snapshot = self.store(shelf).snapshot().await?;
        let Some(document) = snapshot.get(&job_key(id)).await? else {
            return Ok(None);
        };
        stored(shelf, snapshot.as_ref(), &document).await.map(Some)
    }

    /// The trigger of a job, wherever that lies. The job itself is not read, so this is cheap.
    pub(crate) async fn find_trigger(&self, id: &JobId) -> Result<Option<(ShelfName, StoredTrigger)>, Error> {
        let found = self.get(&trigger_key(id)).await?;
        found
            .map(|(shelf, document)| Ok((shelf, read_trigger(&document)?)))
            .transpose()
    }

    /// A document, wherever it lies.
    pub(crate) async fn get(&self, key: &Key) -> Result<Option<(ShelfName, Document)>, Error> {
        for shelf in SHELVES {
            if let Some(document) = self.store(shelf).get(key).await? {
                return Ok(Some((shelf, document)));
            }
        }
        Ok(None)
    }

    /// Commits to one place.
    pub(crate) async fn commit(&self, shelf: ShelfName, changes: ChangeSet) -> Result<Attempt, Error> {
        match self.store(shelf).commit(changes).await {
            Ok(committed) => Ok(Attempt::Done(committed.revision)),
            Err(CommitError::Conflict(_)) => Ok(Attempt::Conflict),
            Err(error) => Err(error.into()),
        }
    }

    /// The documents of a scan in one place, page by page.
    pub(crate) fn pages(&self, shelf: ShelfName, scan: Scan) -> Pages<'_> {
        Pages {
            store: self.store(shelf),
            scan: Some(scan),
        }
    }
}

/// A walk through the documents of a scan.
pub(crate) struct Pages<'a> {
    store: &'a TenantStore,
    /// None at the end.
    scan: Option<Scan>,
}

impl Pages<'_> {
    /// The next page, which may be empty.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<Document>>, Error> {
        let Some(scan) = self.scan.take() else { return Ok(None) };
        let page = self.store.scan(&scan).await?;
        self.scan = page.cursor.map(|cursor| scan.after(Some(cursor)));
        Ok(Some(page.documents))
    }
}

/// The job that a document holds, with its trigger.
pub(crate) async fn stored(shelf: ShelfName, snapshot: &dyn Snapshot, document: &Document) -> Result<Stored, Error> {
    let job = read_job(document)?;
    let trigger = snapshot.get(&trigger_key(&job.id)).await?;
    let trigger = trigger.map(|document| read_trigger(&document)).transpose()?;
    Ok(Stored {
        shelf,
        job: Arc::new(job),
        revision: document.revision,
        trigger,
    })
}

/// The bytes of a job's document.
pub(crate) fn encode_job(job: &Job) -> Vec<u8> {
    serde_json::to_vec(&wire::configuration(job)).expect("a JSON object has a text")
}

fn read_job(document: &Document) -> Result<Job, Error> {
    let damaged = |reason: String| Error::Damaged {
        key: jobs().key(document.id.clone()).to_string(),
        reason,
    };
    let id: JobId = document.id.parse().map_err(|error| damaged(format!("{error}")))?;
    let value = serde_json::from_slice(&document.body).map_err(|error| damaged(error.to_string()))?;
    Job::parse(id, &value).map_err(|error| damaged(error.to_string()))
}

/// The trigger that a document holds.
pub(crate) fn read_trigger(document: &Document) -> Result<StoredTrigger, Error> {
    let record = TriggerRecord::decode(&document.body).map_err(|reason| Error::Damaged {
        key: triggers().key(document.id.clone()).to_string(),
        reason,
    })?;
    Ok(StoredTrigger {
        record,
        revision: document.revision,
    })
}

/// The run that a document holds.
pub(crate) fn read_run(document: &Document) -> Result<RunRecord, Error> {
    RunRecord::decode(&document.id, &document.body).map_err(|reason| Error::Damaged {
        key: runs().key(document.id.clone()).to_string(),
        reason,
    })
}
