//! Objects that fail again and again: how often each failed in a row in its job, and which are left alone from then on.
//!
//! Counted only where the scan asks for it. An object that failed has a document, written in the commit of its failure and
//! deleted in the commit of its next success; one that reached the job's `maxAttempts` is in quarantine as well.

use std::collections::HashMap;
use std::sync::Arc;

use host_resource::Problem;
use host_store::{ChangeSet, Collection, Document, Expectation, Key, Scan, Snapshot};
use parking_lot::Mutex;
use serde_json::json;

use crate::edit::parse;
use crate::feeder::Resume;
use crate::work::Work;

/// Objects in quarantine, of all jobs.
pub(crate) fn quarantine() -> Collection {
    Collection::new("taskscanner/quarantine")
}

/// The failures in a row of a job's objects, by their ids.
pub(crate) fn attempts(job: &str) -> Collection {
    Collection::new(&format!("taskscanner/attempt/{}", job_name(job)))
}

/// A job's name as attempts know it: a scan counts alike whoever starts it.
fn job_name(name: &str) -> &str {
    name.strip_prefix("schedule/").unwrap_or(name)
}

/// The id of an object in quarantine. A colon in the job's name is written differently, so that no two are the same.
pub(crate) fn quarantine_id(job: &str, object: &str) -> String {
    let job = job_name(job).replace('%', "%25").replace(':', "%3A");
    format!("{job}:{object}")
}

/// How often the objects that a run has in hand failed before.
#[derive(Debug, Default)]
pub(crate) struct Open(Mutex<HashMap<Arc<str>, u32>>);

/// A failure as the quarantine shows it.
pub(crate) struct Last<'a> {
    pub(crate) fingerprint: &'a str,
    pub(crate) kind: &'a str,
    pub(crate) message: &'a str,
    pub(crate) at: &'a str,
}

impl Work {
    /// Takes those out of a page that are in quarantine, and counts them; remembers how often the others failed. A job
    /// none of whose objects ever failed pays one look for each page.
    pub(crate) async fn sort_out(
        &self,
        snapshot: &dyn Snapshot,
        documents: Vec<Document>,
        resume: &Resume,
    ) -> Result<(Vec<Document>, u64), Problem> {
        if self.definition.spec.max_attempts.is_none() {
            return Ok((documents, 0));
        }
        let attempts = attempts(&self.live.name);
        if snapshot
            .scan(&Scan::all(attempts.clone(), 1))
            .await?
            .documents
            .is_empty()
        {
            return Ok((documents, 0));
        }
        let (mut kept, mut quarantined) = (Vec::with_capacity(documents.len()), 0);
        for document in documents {
            // What this run settled before an interruption has been counted.
            if !resume.done.contains(&document.id)
                && let Some(found) = snapshot.get(&attempts.key(Arc::clone(&document.id))).await?
            {
                let found = parse(&found.body)?;
                if found["isQuarantined"] == true {
                    quarantined += 1;
                    continue;
                }
                let count = found["count"].as_u64().and_then(|count| u32::try_from(count).ok());
                let mut open = self.attempts.0.lock();
                open.insert(Arc::clone(&document.id), count.unwrap_or(u32::MAX));
            }
            kept.push(document);
        }
        Ok((kept, quarantined))
    }

    /// An object was done: its failures are forgotten.
    pub(crate) fn forget_attempts(&self, object: &Arc<str>, changes: &mut ChangeSet) {
        if self.attempts.0.lock().contains_key(object) {
            changes.delete(attempts(&self.live.name).key(Arc::clone(object)), Expectation::Any);
        }
    }

    /// An object failed once more.
    pub(crate) fn count_attempt(&self, object: &Arc<str>, last: &Last<'_>, changes: &mut ChangeSet) {
        let Some(most) = self.definition.spec.max_attempts else {
            return;
        };
        let before = self.attempts.0.lock().get(object).copied().unwrap_or(0);
        let count = before.saturating_add(1);
        let is_quarantined = count >= most;
        let attempt = json!({"count": count, "isQuarantined": is_quarantined}).to_string();
        changes.put(
            attempts(&self.live.name).key(Arc::clone(object)),
            Expectation::Any,
            attempt,
        );
        if is_quarantined {
            let message = &last.message[..last.message.floor_char_boundary(1_000)];
            let body = json!({
                "job": job_name(&self.live.name),
                "objectId": &**object,
                "object": self.definition.path.child(object).to_string(),
                "attempts": count,
                "since": last.at,
                "run": &*self.live.id,
                "lastFailure": {"fingerprint": last.fingerprint, "kind": last.kind, "message": message, "at": last.at},
            });
            let key = quarantine().key(quarantine_id(&self.live.name, object));
            changes.put(key, Expectation::Any, body.to_string());
        }
    }

    /// An object was settled, and is not in hand any more.
    pub(crate) fn close_attempt(&self, object: &Arc<str>) {
        if self.definition.spec.max_attempts.is_some() {
            self.attempts.0.lock().remove(object);
        }
    }
}

/// Takes an object out of quarantine: its failures are forgotten.
pub(crate) fn release(document: &Document, changes: &mut ChangeSet) -> Result<(), Problem> {
    let body = parse(&document.body)?;
    let (Some(job), Some(object)) = (body["job"].as_str(), body["objectId"].as_str()) else {
        return Err(Problem::internal("a document of the quarantine is damaged"));
    };
    changes.delete(key(&document.id), Expectation::Revision(document.revision));
    changes.delete(attempts(job).key(object), Expectation::Any);
    Ok(())
}

/// Where an object in quarantine lies.
pub(crate) fn key(id: &str) -> Key {
    quarantine().key(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_objects_share_an_id_in_quarantine() {
        let ids = [
            quarantine_id("a", "b:c"),
            quarantine_id("a:b", "c"),
            quarantine_id("a%3Ab", "c"),
            quarantine_id("a%253Ab", "c"),
        ];
        let distinct: std::collections::HashSet<_> = ids.iter().collect();
        assert_eq!(distinct.len(), ids.len(), "{ids:?}");
        assert_eq!(quarantine_id("schedule/a", "b"), quarantine_id("a", "b"));
    }
}
