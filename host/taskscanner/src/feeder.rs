//! The feeder: reads the objects that match, claims them a page at a time, and hands them to the worker pool.

use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;
use host_model::clock::{Timestamp, wire_time};
use host_resource::Problem;
use host_resource::filter::{Matcher, Scalar};
use host_store::{ChangeSet, CommitError, Cursor, Document, Durability, Expectation, Key, Scan};
use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedSender;

use crate::books::Books;
use crate::claim::{Facts, Marks, Verdict, decide};
use crate::control::Control;
use crate::edit::with_mark;
use crate::failure::Failure;
use crate::object::Attempt;
use crate::pages::Passed;
use crate::record::claims;
use crate::runner::queue;
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
        /// How many objects were left alone.
        passed: Passed,
        /// Where the scan stands behind this page.
        end: Option<Cursor>,
        /// The last id that was read for it.
        last: Option<Arc<str>>,
    },
    /// An object had its turn.
    Finished(Vec<Finished>),
}

/// An object that had its turn.
pub(crate) struct Finished {
    pub(crate) claimed: Claimed,
    /// None when the run was halted before it began.
    pub(crate) attempt: Option<Attempt>,
}

/// Where a run goes on that was interrupted.
#[derive(Clone, Default)]
pub(crate) struct Resume {
    /// Behind this position.
    pub(crate) cursor: Option<Cursor>,
    /// Leaving out these.
    pub(crate) done: HashSet<Arc<str>>,
    /// So many objects have had their turn.
    pub(crate) processed: u64,
    /// Taking over these claims.
    pub(crate) stamps: Vec<String>,
    /// When the run began, if this is not its beginning.
    pub(crate) since: Option<Timestamp>,
    /// Nothing is left to be done.
    pub(crate) is_through: bool,
    /// What was said to it.
    pub(crate) control: Control,
    /// What it keeps besides its record.
    pub(crate) books: Books,
}

/// Walks through all objects that match. Returns whether it came to the end.
pub(crate) async fn feed(work: &Arc<Work>, resume: Resume, events: UnboundedSender<Event>) -> Result<bool, Problem> {
    let mut stamps = resume.stamps.clone();
    let mut cursor = resume.cursor.clone();
    let mut left = work
        .definition
        .spec
        .max_records
        .map_or(u64::MAX, |most| most.saturating_sub(resume.processed));
    if left == 0 || resume.is_through {
        return Ok(true);
    }
    for number in 0.. {
        tokio::select! {
            () = work.live.unpaused() => {}
            // The committer has failed: nobody waits for more.
            () = events.closed() => return Ok(false),
        }
        let Ok(permit) = work.pages.acquire().await else {
            return Ok(false);
        };
        if work.live.halted().is_some() {
            return Ok(false);
        }
        let limit = PAGE.min(usize::try_from(left).unwrap_or(usize::MAX));
        let scan = Scan::matching(work.definition.collection.clone(), Arc::clone(&work.filter), limit).after(cursor);
        // An analysis runs on the very snapshot that it read: it has no claims that would keep others away.
        let snapshot = work.store.snapshot().await?;
        let page = work.source().page(&*snapshot, &scan).await?;
        let last = page.documents.last().map(|document| Arc::clone(&document.id));
        let (documents, quarantined) = work.sort_out(&*snapshot, page.documents, &resume).await?;
        let claim = if work.is_analysis() {
            regard_page(work, documents, number, &resume)
        } else {
            claim_page(work, documents, number, &resume, &mut stamps).await?
        };
        let objects = claim.objects.len() + claim.refused.len();
        left = left.saturating_sub(objects as u64);
        let is_last = page.cursor.is_none() || left == 0;
        let skipped = claim.skipped;
        let (passed, end) = (Passed { skipped, quarantined }, page.cursor.clone());
        let announcement = Event::Page {
            number,
            objects,
            passed,
            end,
            last,
        };
        if events.send(announcement).is_err() {
            return Ok(false);
        }
        // The committer gives the permit back when the page is committed.
        permit.forget();
        if !claim.refused.is_empty() && events.send(Event::Finished(claim.refused)).is_err() {
            return Ok(false);
        }
        if !claim.objects.is_empty() {
            let snapshot = match work.is_analysis() {
                true => snapshot,
                false => work.store.snapshot().await?,
            };
            queue(work, claim.objects, &snapshot, &events);
        }
        if is_last {
            return Ok(work.live.halted().is_none());
        }
        cursor = page.cursor;
    }
    Ok(true)
}

pub(crate) struct ClaimedPage {
    pub(crate) objects: Vec<Claimed>,
    /// Objects that have no place for the claim: each has failed, and the run goes on.
    refused: Vec<Finished>,
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
    let mut claimed = ClaimedPage {
        objects: Vec::with_capacity(documents.len()),
        refused: Vec::new(),
        skipped: 0,
    };
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
            let (verdict, was_completed) = verdict(work, &document, facts);
            match verdict {
                Verdict::Claim => match claim_body(work, &document, &stamp, was_completed) {
                    Ok(body) => taken.push((document, body)),
                    Err(problem) => claimed.refused.push(refused(document, &stamp, page, &problem)),
                },
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
            // Those of pages that are committed are not needed any more, apart from those that were taken over. A page
            // whose objects others write to makes one with each attempt.
            let keep = (PAGES_AHEAD + 1) * CLAIM_ATTEMPTS + resume.stamps.len();
            stamps.drain(..known.saturating_sub(keep));
        }
        let mut lost: Vec<Arc<str>> = Vec::new();
        let lost = loop {
            match commit_claims(work, &taken, stamps).await {
                Ok(revision) => {
                    claimed
                        .objects
                        .extend(taken.into_iter().map(|(document, body)| Claimed {
                            document: Document {
                                id: document.id,
                                revision,
                                body,
                            },
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

/// The objects of a page that a run would claim, with the claim in their texts and nowhere else.
pub(crate) fn regard_page(work: &Work, documents: Vec<Document>, page: u64, resume: &Resume) -> ClaimedPage {
    let mut regarded = ClaimedPage {
        objects: Vec::with_capacity(documents.len()),
        refused: Vec::new(),
        skipped: 0,
    };
    let now = work.clock.now();
    let stamp: Arc<str> = wire_time(now).into();
    let facts = Facts {
        now,
        respected_until: &|started| work.respected_until(started),
        own: &[],
        resumed_since: None,
    };
    for document in documents {
        if resume.done.contains(&document.id) {
            continue;
        }
        let (verdict, was_completed) = verdict(work, &document, facts);
        match verdict {
            Verdict::Claim => match claim_body(work, &document, &stamp, was_completed) {
                Ok(body) => regarded.objects.push(Claimed {
                    before: document.body,
                    document: Document {
                        id: document.id,
                        revision: document.revision,
                        body,
                    },
                    stamp: Arc::clone(&stamp),
                    page,
                }),
                Err(problem) => regarded.refused.push(refused(document, &stamp, page, &problem)),
            },
            Verdict::Busy => regarded.skipped += 1,
            Verdict::Done => {}
        }
    }
    regarded
}

/// An object that could not be claimed: it stays as it is.
fn refused(document: Document, stamp: &Arc<str>, page: u64, problem: &Problem) -> Finished {
    let attempt = Attempt {
        failure: Some(Failure::of_problem("mark", problem)),
        ..Attempt::default()
    };
    let claimed = Claimed {
        before: document.body.clone(),
        document,
        stamp: Arc::clone(stamp),
        page,
    };
    Finished {
        claimed,
        attempt: Some(attempt),
    }
}

/// What to do with an object, and whether it bears an earlier completion.
fn verdict(work: &Work, document: &Document, facts: Facts<'_>) -> (Verdict, bool) {
    let mut found: [Option<String>; 2] = [None, None];
    let mut is_completed = false;
    work.definition.marks.extract(&document.body, |mark, scalar| {
        is_completed |= mark == 1 && scalar != Scalar::Null;
        if let Scalar::Text(text) = scalar {
            found[mark] = Some(text.to_string());
        }
    });
    let [started, completed] = &found;
    let marks = Marks {
        started: started.as_deref(),
        completed: completed.as_deref(),
    };
    (decide(marks, facts), is_completed)
}

/// The claim: `started` is now, and an earlier `completed` counts no more.
fn claim_body(work: &Work, document: &Document, stamp: &str, was_completed: bool) -> Result<Bytes, Problem> {
    let spec = &work.definition.spec;
    let claimed = with_mark(&document.body, &spec.started, &Value::String(stamp.to_owned()))?;
    if was_completed {
        return with_mark(&claimed, &spec.completed, &Value::Null);
    }
    Ok(claimed)
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
        changes.mark(key, document.revision, body.clone(), &work.definition.places);
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
        let document = snapshot.get(&key).await?;
        documents.extend(
            document.filter(|found| matcher.matches_bytes(&found.body, &found.id, &found.revision.to_string())),
        );
    }
    Ok(documents)
}
