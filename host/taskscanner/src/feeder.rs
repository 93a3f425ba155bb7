//! The feeder: reads the objects that match, claims them a page at a time, and hands them to the worker pool.

use std::sync::Arc;

use bytes::Bytes;
use host_model::clock::{Timestamp, wire_time};
use host_resource::filter::{Matcher, Scalar};
use host_resource::Problem;
use host_store::{ChangeSet, CommitError, Cursor, Document, Durability, Expectation, Key, Overlay, Scan, Snapshot};
use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedSender;

use crate::claim::{Facts, Marks, Verdict, decide};
use crate::edit::{parse, serialize, set};
use crate::failure::Failure;
use crate::object::{Attempt, attempt};
use crate::record::claims;
use crate::work::{Claimed, PAGE, PAGES_AHEAD, Work};

/// How often a claim that somebody else's write defeated is decided again.
const CLAIM_ATTEMPTS: usize = 5;

/// What the committer hears.
pub(crate) enum Event {
    /// A page was claimed; its objects follow, in any order.
    Page {
        /// Counted from 0.
        number: u64,
        /// How many objects follow.
        objects: usize,
        /// How many objects were left to whoever is working on them.
        skipped: u64,
        /// Where the scan stands behind this page.
        end: Option<Cursor>,
    },
    /// An object had its turn.
    Finished(Box<Finished>),
}

/// An object that had its turn.
pub(crate) struct Finished {
    pub(crate) claimed: Claimed,
    /// None when the run was halted before it began.
    pub(crate) attempt: Option<Attempt>,
}

/// Where a run goes on that was interrupted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Resume {
    /// Behind this position.
    pub(crate) cursor: Option<Cursor>,
    /// Leaving out these.
    pub(crate) done: Vec<Arc<str>>,
    /// Taking over these claims.
    pub(crate) stamps: Vec<String>,
    /// When the run began, if this is not its beginning.
    pub(crate) since: Option<Timestamp>,
}

/// Walks through all objects that match. Returns whether it came to the end.
pub(crate) async fn feed(
    work: &Arc<Work>,
    resume: Resume,
    events: UnboundedSender<Event>,
) -> Result<bool, Problem> {
    let mut stamps = resume.stamps.clone();
    let mut cursor = resume.cursor.clone();
    let mut left = work.definition.spec.max_records.unwrap_or(u64::MAX);
    for number in 0.. {
        let Ok(permit) = work.pages.acquire().await else { return Ok(false) };
        if work.live.halted().is_some() {
            return Ok(false);
        }
        let limit = PAGE.min(usize::try_from(left).unwrap_or(usize::MAX));
        let scan = Scan::matching(work.definition.collection.clone(), Arc::clone(&work.filter), limit).after(cursor);
        let page = work.store.scan(&scan).await?;
        let claim = claim_page(work, page.documents, number, &resume, &mut stamps).await?;
        left = left.saturating_sub(claim.objects.len() as u64);
        let is_last = page.cursor.is_none() || left == 0;
        let announcement =
            Event::Page { number, objects: claim.objects.len(), skipped: claim.skipped, end: page.cursor.clone() };
        if events.send(announcement).is_err() {
            return Ok(false);
        }
        // The committer gives the permit back when the page is committed.
        permit.forget();
        if !claim.objects.is_empty() {
            let snapshot = work.store.snapshot().await?;
            for claimed in claim.objects {
                dispatch(work, claimed, Arc::clone(&snapshot), events.clone()).await;
            }
        }
        if is_last {
            return Ok(work.live.halted().is_none());
        }
        cursor = page.cursor;
    }
    Ok(true)
}

async fn dispatch(work: &Arc<Work>, claimed: Claimed, snapshot: Arc<dyn Snapshot>, events: UnboundedSender<Event>) {
    let permit = Arc::clone(&work.threads).acquire_owned().await;
    let shared = Arc::clone(work);
    // Whatever becomes of the job, the committer hears of the object: dropped unrun, it reports itself lost.
    let mut report = Report { finished: Some(Finished { claimed, attempt: None }), events };
    let job = async move {
        let _permit = permit;
        if shared.live.halted().is_some() {
            report.send();
            return 0;
        }
        let Some(finished) = report.finished.as_mut() else { return 0 };
        // What is reported if the host itself fails in between.
        finished.attempt = Some(Attempt { failure: Some(Failure::lost()), ..Attempt::default() });
        let document = &finished.claimed.document;
        let (id, revision) = (Arc::clone(&document.id), document.revision);
        let attempt = attempt(&shared, &id, Some(revision), snapshot, Overlay::default()).await;
        let fuel = attempt.usage.fuel;
        finished.attempt = Some(attempt);
        report.send();
        fuel
    };
    work.pool.submit(&work.around.tenant, Box::pin(job));
}

struct Report {
    finished: Option<Finished>,
    events: UnboundedSender<Event>,
}

impl Report {
    fn send(&mut self) {
        if let Some(finished) = self.finished.take() {
            // Without a committer there is nobody to tell: the run has failed and says why itself.
            drop(self.events.send(Event::Finished(Box::new(finished))));
        }
    }
}

impl Drop for Report {
    fn drop(&mut self) {
        self.send();
    }
}

struct ClaimedPage {
    objects: Vec<Claimed>,
    skipped: u64,
}

/// Claims those of a page that are free, in one commit. One that somebody else wrote to meanwhile is read and decided
/// upon again.
async fn claim_page(
    work: &Work,
    documents: Vec<Document>,
    page: u64,
    resume: &Resume,
    stamps: &mut Vec<String>,
) -> Result<ClaimedPage, Problem> {
    let mut claimed = ClaimedPage { objects: Vec::with_capacity(documents.len()), skipped: 0 };
    let mut open = documents;
    open.retain(|document| !resume.done.contains(&document.id));
    for attempt in 1..=CLAIM_ATTEMPTS {
        let now = work.clock.now();
        let stamp: Arc<str> = wire_time(now).into();
        let facts = Facts {
            now,
            respected_until: &|started| work.respected_until(started),
            own: &resume.stamps,
            resumed_since: resume.since,
        };
        let mut taken: Vec<(Document, Bytes)> = Vec::with_capacity(open.len());
        for document in open.drain(..) {
            match verdict(work, &document, facts)? {
                Verdict::Claim => {
                    let body = claim_body(work, &document, &stamp)?;
                    taken.push((document, body));
                }
                Verdict::Busy => claimed.skipped += 1,
                Verdict::Done => {}
            }
        }
        if taken.is_empty() {
            return Ok(claimed);
        }
        if !stamps.iter().any(|known| **known == *stamp) {
            stamps.push(stamp.to_string());
            let known = stamps.len();
            // Those of pages that are committed are not needed any more, apart from those that were taken over.
            let keep = PAGES_AHEAD + 1 + resume.stamps.len();
            stamps.drain(..known.saturating_sub(keep));
        }
        let mut lost: Vec<Arc<str>> = Vec::new();
        let lost = loop {
            match commit_claims(work, &taken, stamps).await {
                Ok(revision) => {
                    claimed.objects.extend(taken.into_iter().map(|(document, body)| Claimed {
                        document: Document { id: document.id, revision, body },
                        before: document.body,
                        stamp: Arc::clone(&stamp),
                        page,
                    }));
                    break lost;
                }
                Err(CommitError::Conflict(keys)) => {
                    taken.retain(|(document, _)| !keys.iter().any(|key| key.id == document.id));
                    lost.extend(keys.into_iter().map(|key| key.id));
                    if taken.is_empty() {
                        break lost;
                    }
                }
                Err(CommitError::Store(error)) => return Err(error.into()),
            }
        };
        if lost.is_empty() || attempt == CLAIM_ATTEMPTS {
            // Whoever keeps writing to what is lost by now is working on it.
            claimed.skipped += lost.len() as u64;
            return Ok(claimed);
        }
        open = read_again(work, lost).await?;
    }
    Ok(claimed)
}

fn verdict(work: &Work, document: &Document, facts: Facts<'_>) -> Result<Verdict, Problem> {
    let marks = [work.definition.spec.started.clone(), work.definition.spec.completed.clone()];
    let mut found: [Option<String>; 2] = [None, None];
    host_resource::filter::extract(&document.body, &marks, |mark, scalar| {
        if let Scalar::Text(text) = scalar {
            found[mark] = Some(text.to_string());
        }
    });
    let [started, completed] = &found;
    Ok(decide(Marks { started: started.as_deref(), completed: completed.as_deref() }, facts))
}

/// The claim: `started` is now, and an earlier `completed` counts no more.
fn claim_body(work: &Work, document: &Document, stamp: &str) -> Result<Bytes, Problem> {
    let definition = &work.definition;
    let mut document = parse(&document.body)?;
    let was_completed = definition.spec.completed.get(&document).is_some_and(|value| !value.is_null());
    set(&mut document, &definition.spec.started, Value::String(stamp.to_owned()))?;
    if was_completed {
        set(&mut document, &definition.spec.completed, Value::Null)?;
    }
    serialize(&document)
}

async fn commit_claims(
    work: &Work,
    taken: &[(Document, Bytes)],
    stamps: &[String],
) -> Result<host_store::Revision, CommitError> {
    let mut changes = ChangeSet::new();
    // A crash may forget claims: the run that made them is taken up again, and makes them again.
    changes.durability = Durability::Visible;
    for (document, body) in taken {
        let key = work.definition.collection.key(Arc::clone(&document.id));
        changes.put(key, Expectation::Revision(document.revision), body.clone());
    }
    let stamps = json!({ "stamps": stamps }).to_string();
    changes.put(claims().key(Arc::clone(&work.live.id)), Expectation::Any, stamps);
    Ok(work.store.commit(changes).await?.revision)
}

/// Those that still are there and still match.
async fn read_again(work: &Work, ids: Vec<Arc<str>>) -> Result<Vec<Document>, Problem> {
    let snapshot = work.store.snapshot().await?;
    let matcher = Matcher::new(&work.filter);
    let mut documents = Vec::with_capacity(ids.len());
    for id in ids {
        let key: Key = work.definition.collection.key(id);
        if let Some(document) = snapshot.get(&key).await? {
            if matcher.matches_bytes(&document.body, &document.id, &document.revision.to_string()) {
                documents.push(document);
            }
        }
    }
    Ok(documents)
}
