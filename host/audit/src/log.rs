//! The log of a tenant: takes notes, gathers them, and commits them.
//!
//! A note waits at most [`LINGER`] before it is committed with all others that wait, durably: a kill forgets the notes of
//! the last second, and nothing else. Who reads the audit finds everything that was noted before.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use async_trait::async_trait;
use chrono::TimeDelta;
use host_model::audit::{Audit, Change, Entry, Event, Topic, changed_fields};
use host_model::clock::Clock;
use host_model::ids::Ids;
use host_model::secrets;
use host_resource::{Context, Pointer, Problem};
use host_store::{ChangeSet, CommitError, Expectation, StoreError, TenantStore};
use parking_lot::Mutex;
use serde_json::{Map, Value, json};
use tokio::sync::Notify;
use tokio::task::AbortHandle;

use crate::entry;
use crate::settings::{Access, Activity, Recon, Settings};

/// How long a note waits for others.
const LINGER: TimeDelta = TimeDelta::seconds(1);

/// So many notes are committed together, and do not wait for more.
const BATCH: usize = 500;

/// More notes than this do not wait: they are left out, and counted.
const MAX_WAITING: usize = 10_000;

/// Of who did not get in, no more than this wait: strangers make them, and must not crowd out the others.
const MAX_WAITING_STRANGERS: usize = 500;

/// Nor do more bytes of them.
const MAX_WAITING_BYTES: usize = 16 << 20;

/// The audit of a tenant. Cheap to clone; all clones are the same.
#[derive(Clone)]
pub struct AuditLog(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) store: TenantStore,
    pub(crate) clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    pub(crate) settings: Settings,
    waiting: Mutex<Waiting>,
    /// There is a note, or so many that they need not wait.
    noted: Notify,
    is_full: Notify,
    /// Held while notes are committed, so that who waits for it finds them.
    writing: tokio::sync::Mutex<()>,
    number: AtomicU32,
    /// Entries since the last trimming.
    pub(crate) added: AtomicUsize,
}

#[derive(Default)]
struct Waiting {
    rows: VecDeque<Row>,
    strangers: usize,
    bytes: usize,
    left_out: usize,
}

struct Row {
    topic: Topic,
    id: String,
    body: Vec<u8>,
}

impl AuditLog {
    /// A log that keeps nothing until [`AuditLog::begin`].
    pub fn new(store: TenantStore, clock: Arc<dyn Clock>, ids: Arc<dyn Ids>, settings: Settings) -> Self {
        Self(Arc::new(Inner {
            store,
            clock,
            ids,
            settings,
            waiting: Mutex::default(),
            noted: Notify::new(),
            is_full: Notify::new(),
            writing: tokio::sync::Mutex::default(),
            number: AtomicU32::new(0),
            added: AtomicUsize::new(0),
        }))
    }

    /// Declares what entries are looked for by.
    ///
    /// # Errors
    /// The store failed.
    pub async fn open(&self) -> Result<(), StoreError> {
        for topic in Topic::ALL {
            let names: &[&str] = match topic {
                // A run's entries all have its id in both members: one index is enough, and there are many of them.
                Topic::Recon => &["reconId"],
                Topic::Activity => &["transactionId", "objectId"],
                _ => &["transactionId"],
            };
            let pointers: Vec<Pointer> = names.iter().map(|name| Pointer::root().child(name)).collect();
            self.0.store.declare_indexes(&entry::entries(topic), &pointers).await?;
        }
        Ok(())
    }

    /// Writes what is noted from now on, and trims what is old. To be called once. Whoever ends it by these handles calls
    /// [`AuditLog::flush`] before.
    pub fn begin(&self) -> [AbortHandle; 2] {
        [
            tokio::spawn(self.clone().write_for_ever()).abort_handle(),
            tokio::spawn(self.clone().trim_for_ever()).abort_handle(),
        ]
    }

    /// Returns when everything that was noted before is kept.
    pub async fn flush(&self) {
        let _writing = self.0.writing.lock().await;
        loop {
            let (rows, left_out) = self.take();
            if left_out > 0 {
                tracing::error!(left_out, tenant = %self.0.store.tenant(), "audit entries came too fast and are left out");
            }
            if rows.is_empty() {
                return;
            }
            let count = rows.len();
            let mut changes = ChangeSet::new();
            for Row { topic, id, body } in rows {
                changes.put(entry::entries(topic).key(id), Expectation::Absent, body);
            }
            if let Err(error) = self.0.store.commit(changes).await {
                tracing::error!(%error, count, tenant = %self.0.store.tenant(), "audit entries could not be kept");
            }
        }
    }

    async fn write_for_ever(self) {
        loop {
            self.0.noted.notified().await;
            let until = self.0.clock.now() + LINGER;
            tokio::select! {
                () = self.0.clock.sleep_until(until) => {}
                () = self.0.is_full.notified() => {}
            }
            self.flush().await;
        }
    }

    fn take(&self) -> (Vec<Row>, usize) {
        let mut waiting = self.0.waiting.lock();
        let count = waiting.rows.len().min(BATCH);
        let rows: Vec<Row> = waiting.rows.drain(..count).collect();
        waiting.bytes -= rows.iter().map(|row| row.body.len()).sum::<usize>();
        waiting.strangers -= rows.iter().filter(|row| row.topic == Topic::Authentication).count();
        (rows, std::mem::take(&mut waiting.left_out))
    }

    fn row(&self, event: Event) -> Row {
        let inner = &self.0;
        let now = inner.clock.now();
        inner.added.fetch_add(1, Ordering::Relaxed);
        Row {
            topic: event.topic,
            id: entry::id(now, inner.number.fetch_add(1, Ordering::Relaxed), inner.ids.random()),
            body: entry::text(event, now, inner.settings.entry_bytes),
        }
    }

    /// Keeps an entry and answers its id.
    pub(crate) async fn keep_now(&self, event: Event) -> Result<String, CommitError> {
        let Row { topic, id, body } = self.row(event);
        let mut changes = ChangeSet::new();
        changes.put(entry::entries(topic).key(id.as_str()), Expectation::Absent, body);
        self.0.store.commit(changes).await?;
        Ok(id)
    }
}

#[async_trait]
impl Audit for AuditLog {
    fn note(&self, event: Event) {
        let row = self.row(event);
        let mut waiting = self.0.waiting.lock();
        let is_stranger = row.topic == Topic::Authentication;
        if (is_stranger && waiting.strangers >= MAX_WAITING_STRANGERS)
            || waiting.rows.len() >= MAX_WAITING
            || waiting.bytes + row.body.len() > MAX_WAITING_BYTES
        {
            waiting.left_out += 1;
            return;
        }
        waiting.strangers += usize::from(is_stranger);
        waiting.bytes += row.body.len();
        waiting.rows.push_back(row);
        let is_full = waiting.rows.len() >= BATCH;
        drop(waiting);
        self.0.noted.notify_one();
        if is_full {
            self.0.is_full.notify_one();
        }
    }

    async fn keep(&self, event: Event) -> Result<(), Problem> {
        self.keep_now(event).await?;
        Ok(())
    }

    fn wants_access(&self, is_write: bool) -> bool {
        match self.0.settings.access {
            Access::All => true,
            Access::Writes => is_write,
            Access::Off => false,
        }
    }

    fn wants_change(&self, context: &Context, container: &str) -> bool {
        let settings = &self.0.settings;
        let wants_caller = match settings.activity {
            Activity::All => true,
            Activity::Requests => context.caller.is_external,
            Activity::Off => false,
        };
        wants_caller && !settings.left_out.contains(container)
    }

    fn change(&self, context: &Context, change: Change<'_>) -> Entry {
        let parsed = |text: Option<&[u8]>| text.and_then(|text| serde_json::from_slice::<Value>(text).ok());
        let (before, after) = (parsed(change.before), parsed(change.after));
        let fields = changed_fields(before.as_ref(), after.as_ref());
        let is_password = |field: &String| secrets::is_secret_name(field);
        let mut members = Map::new();
        members.insert("objectId".to_owned(), json!(change.object));
        members.insert("operation".to_owned(), json!(change.operation));
        members.insert("passwordChanged".to_owned(), json!(fields.iter().any(is_password)));
        members.insert("changedFields".to_owned(), json!(fields));
        if self.0.settings.shows_objects {
            members.insert("before".to_owned(), before.unwrap_or_default());
            members.insert("after".to_owned(), after.unwrap_or_default());
        }
        members.insert("revision".to_owned(), json!(change.revision));
        members.insert("message".to_owned(), json!(""));
        members.insert("status".to_owned(), json!("SUCCESS"));
        self.entry(Event {
            topic: Topic::Activity,
            name: "activity",
            transaction: Arc::clone(&context.request_id),
            user: Some(Arc::clone(&context.caller.name)),
            members,
        })
    }

    fn wants_recon(&self, is_change: bool) -> bool {
        match self.0.settings.recon {
            Recon::All => true,
            Recon::Changes => is_change,
            Recon::Off => false,
        }
    }

    fn entry(&self, event: Event) -> Entry {
        let Row { topic, id, body } = self.row(event);
        Entry {
            collection: entry::collection(topic),
            id,
            body,
        }
    }
}
