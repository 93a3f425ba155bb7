//! Writing target objects: in the unit of work where the target joins it, else sent at once.
//!
//! What was sent cannot be taken back, and a unit of work may be done again. So each write that is sent has a key that is
//! made of what it does; in a run the answer is written down under it, and a second attempt takes the answer from there.
//! Between the answer and the note a crash may fall: then it is sent again, under the same key. At least once.

use host_resource::{Context, Problem};
use host_store::{ChangeSet, Collection, CommitError, Expectation};
use serde_json::{Value, json};

use crate::endpoint::id_of;
use crate::links::digest;
use crate::turn::{Side, Turn};

/// What a run has sent.
pub(crate) fn sent(run: &str) -> Collection {
    Collection::new(&format!("recon/sent/{run}"))
}

/// What is done with a target object.
#[derive(Clone, Debug)]
pub(crate) enum Write {
    /// It is made.
    Create { id: Option<String>, content: Value },
    /// It is replaced.
    Update {
        id: String,
        rev: Option<String>,
        content: Value,
    },
    /// It is deleted.
    Delete { id: String, rev: Option<String> },
}

impl Write {
    fn metric(&self) -> &'static str {
        match self {
            Self::Create { .. } => "createTargetObject",
            Self::Update { .. } => "updateTargetObject",
            Self::Delete { .. } => "deleteTargetObject",
        }
    }

    /// What makes it the same write as another one.
    fn parts(&self) -> [String; 3] {
        match self {
            Self::Create { id, content } => ["create".into(), id.clone().unwrap_or_default(), content.to_string()],
            Self::Update { id, content, .. } => ["update".into(), id.clone(), content.to_string()],
            Self::Delete { id, .. } => ["delete".into(), id.clone(), String::new()],
        }
    }
}

impl Turn<'_> {
    /// Writes a target object, and answers what it is now. None where it is gone, or an analysis only tried.
    pub(crate) async fn write(&self, write: Write) -> Result<Option<Value>, Problem> {
        let work = self.work;
        let metric = write.metric();
        if work.mapping.target.joins(&work.router) {
            return work.timed(metric, self.ask(&self.context, write)).await;
        }
        if work.is_analysis {
            return Ok(None);
        }
        let [verb, id, content] = write.parts();
        let side = match self.side {
            Side::Source => "source",
            Side::Target => "target",
        };
        let object = match self.side {
            Side::Source => &self.source_id,
            Side::Target => &self.target_id,
        };
        let object = object.as_deref().unwrap_or_default();
        let name = &work.mapping.spec.name;
        let parts = [&*work.id, name, &self.qualifier, side, object, &verb, &id, &content];
        let key = digest(&parts);
        let context = Context::new(work.caller.clone(), key.clone());
        if work.recon_action.is_none() {
            return work.timed(metric, self.ask(&context, write)).await;
        }
        let note = sent(&work.id).key(key);
        if let Some(known) = work.store.get(&note).await? {
            let known: Value = serde_json::from_slice(&known.body).unwrap_or(Value::Null);
            return match id_of(&known) {
                Some(id) => work.mapping.target.read(&work.router, &context, id).await,
                None => Ok(None),
            };
        }
        let answer = work.timed(metric, self.ask(&context, write)).await?;
        let mut changes = ChangeSet::new();
        let body = json!({"_id": answer.as_ref().and_then(id_of)}).to_string();
        changes.put(note, Expectation::Any, body);
        match work.store.commit(changes).await {
            Ok(_) => Ok(answer),
            Err(CommitError::Conflict(_)) => Ok(answer),
            Err(CommitError::Store(error)) => Err(error.into()),
        }
    }

    async fn ask(&self, context: &Context, write: Write) -> Result<Option<Value>, Problem> {
        let (target, router) = (&self.work.mapping.target, &*self.work.router);
        match write {
            Write::Create { id, content } => target.create(router, context, id, content).await.map(Some),
            Write::Update { id, rev, content } => target.update(router, context, &id, rev, content).await.map(Some),
            Write::Delete { id, rev } => target.delete(router, context, &id, rev).await.map(|()| None),
        }
    }
}
