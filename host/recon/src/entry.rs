//! What a run did with one object under one qualifier, as its associations keep it. Behaviour 5.8.

use bytes::Bytes;
use host_model::policy::Action;
use host_model::situation::Situation;
use host_resource::Problem;
use host_store::Collection;
use serde_json::{Map, Value, json};

use crate::endpoint::rev_of;
use crate::links::digest;
use crate::turn::{Side, Turn};

/// Most bytes of a message that are kept: a script that fails on every object must not fill the database.
const MESSAGE_BYTES: usize = 4 << 10;

/// Where the entries of a run lie.
pub(crate) fn entries(run: &str) -> Collection {
    Collection::new(&format!("recon/entry/{run}"))
}

/// What was counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) created: bool,
    pub(crate) updated: bool,
    pub(crate) unchanged: bool,
    pub(crate) deleted: bool,
    pub(crate) link_existed: bool,
    pub(crate) link_created: bool,
}

/// What a run did with one object under one qualifier.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) side: Side,
    pub(crate) situation: Option<Situation>,
    pub(crate) action: Option<Action>,
    pub(crate) qualifier: String,
    pub(crate) source_id: Option<String>,
    pub(crate) target_id: Option<String>,
    pub(crate) candidates: Vec<String>,
    pub(crate) failure: Option<Problem>,
    pub(crate) counts: Counts,
    pub(crate) seen: Seen,
    /// What becomes of the target object, as a patch; only in an analysis.
    pub(crate) change: Vec<Value>,
}

/// What an object was assessed on: a plan holds as long as this is the same.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Seen {
    pub(crate) source_rev: Option<String>,
    pub(crate) target_rev: Option<String>,
    /// The other end of the link, if there was one.
    pub(crate) linked: Option<String>,
}

impl Seen {
    /// What a turn has been assessed on.
    pub(crate) fn of(turn: &Turn<'_>) -> Self {
        let version = |object: &Value| rev_of(object).map_or_else(|| digest(&[&object.to_string()]), str::to_owned);
        Self {
            source_rev: turn.source.as_ref().map(|shown| version(&shown.value)),
            target_rev: turn.target.as_ref().map(version),
            linked: turn.link.as_ref().map(crate::links::Link::id),
        }
    }
}

impl Entry {
    /// What a turn has come to.
    pub(crate) fn of_turn(turn: Turn<'_>, action: Option<Action>, failure: Option<Problem>, seen: Seen) -> Self {
        let is_unknown = turn.work.is_analysis && turn.is_id_fresh;
        let counts = match failure {
            None => turn.counts,
            Some(_) => Counts {
                link_existed: turn.counts.link_existed,
                ..Counts::default()
            },
        };
        Self {
            side: turn.side,
            situation: turn.situation,
            action,
            qualifier: turn.qualifier,
            source_id: turn.source_id,
            target_id: turn.target_id.filter(|_| !is_unknown),
            candidates: turn.candidates,
            failure,
            counts,
            seen,
            change: turn.change,
        }
    }

    /// Its id among the entries of a run: the same when the object is done again.
    pub(crate) fn id(&self) -> String {
        let (side, object) = match self.side {
            Side::Source => ("source", &self.source_id),
            Side::Target => ("target", &self.target_id),
        };
        digest(&[side, object.as_deref().unwrap_or_default(), &self.qualifier])
    }

    /// The entry as it is kept. `plan` adds what an analysed run keeps besides, so that it can be applied.
    pub(crate) fn to_bytes(&self, about: &About<'_>) -> Bytes {
        let detail = self.failure.as_ref().and_then(|problem| problem.detail.as_deref());
        let mut entry = json!({
            "mapping": about.mapping,
            "reconId": about.run,
            "situation": self.situation.map(Situation::name),
            "action": self.action.map(Action::name),
            "linkQualifier": self.qualifier,
            "sourceObjectId": self.source_id,
            "targetObjectId": self.target_id,
            "sourceResourceCollection": about.source,
            "targetResourceCollection": about.target,
            "status": self.status(),
            "exception": self.exception(),
            "message": self.message(),
            "messageDetail": cut(&detail.map_or_else(|| "null".to_owned(), Value::to_string)),
            "ambiguousTargetObjectIds": self.ambiguous(),
        });
        if let Value::Object(members) = &mut entry
            && about.is_analysis
        {
            self.add_plan(members);
        }
        Bytes::from(entry.to_string())
    }

    /// `SUCCESS` or `FAILURE`.
    pub(crate) fn status(&self) -> &'static str {
        if self.failure.is_some() { "FAILURE" } else { "SUCCESS" }
    }

    /// The code and the reason of a failure.
    pub(crate) fn exception(&self) -> Option<String> {
        let failure = self.failure.as_ref();
        failure.map(|problem| format!("{} {}", problem.code.number(), problem.code.reason()))
    }

    /// Why it failed, or that the action was to say so.
    pub(crate) fn message(&self) -> Option<String> {
        match (&self.failure, self.action, self.situation) {
            (Some(problem), ..) => Some(cut(&problem.message)),
            (None, Some(Action::Exception), Some(situation)) => Some(exception_message(situation)),
            _ => None,
        }
    }

    /// The ids of target objects of which any could belong to the source object.
    pub(crate) fn ambiguous(&self) -> Option<String> {
        (!self.candidates.is_empty()).then(|| self.candidates.join(", "))
    }

    /// Whether something became other than it was, or should have.
    pub(crate) fn is_change(&self) -> bool {
        let counts = self.counts;
        self.failure.is_some()
            || counts.created
            || counts.updated
            || counts.deleted
            || counts.link_created
            || self.action == Some(Action::Unlink)
    }

    fn add_plan(&self, members: &mut Map<String, Value>) {
        let change = |is: bool, word: &'static str| is.then_some(word);
        let counts = self.counts;
        let target = change(counts.created, "CREATE")
            .or(change(counts.updated, "UPDATE"))
            .or(change(counts.deleted, "DELETE"));
        let side = match self.side {
            Side::Source => "source",
            Side::Target => "target",
        };
        members.insert("reconciling".to_owned(), side.into());
        members.insert("targetChange".to_owned(), target.map_or(Value::Null, Value::from));
        members.insert("change".to_owned(), self.change.clone().into());
        members.insert("linkChange".to_owned(), counts.link_created.into());
        members.insert("sourceRev".to_owned(), json!(self.seen.source_rev));
        members.insert("targetRev".to_owned(), json!(self.seen.target_rev));
        members.insert("link".to_owned(), json!(self.seen.linked));
    }
}

/// What all entries of a run say.
#[derive(Clone, Copy, Debug)]
pub(crate) struct About<'a> {
    pub(crate) run: &'a str,
    pub(crate) mapping: &'a str,
    pub(crate) source: &'a str,
    pub(crate) target: &'a str,
    pub(crate) is_analysis: bool,
}

/// What an analysed run found for one object: what is applied later, or not at all.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Planned {
    pub(crate) side: Side,
    pub(crate) object: String,
    pub(crate) qualifier: String,
    situation: String,
    action: String,
    change: Value,
    seen: Seen,
}

impl Planned {
    /// From a kept entry; none if it failed or plans nothing.
    pub(crate) fn of_bytes(bytes: &[u8]) -> Option<Self> {
        let entry: Value = serde_json::from_slice(bytes).ok()?;
        let text = |name: &str| entry[name].as_str().map(str::to_owned);
        if entry["status"] != "SUCCESS" {
            return None;
        }
        let (side, object) = match entry["reconciling"].as_str()? {
            "source" => (Side::Source, text("sourceObjectId")?),
            _ => (Side::Target, text("targetObjectId")?),
        };
        Some(Self {
            side,
            object,
            qualifier: text("linkQualifier")?,
            situation: text("situation")?,
            action: text("action")?,
            change: entry["change"].clone(),
            seen: Seen {
                source_rev: text("sourceRev"),
                target_rev: text("targetRev"),
                linked: text("link"),
            },
        })
    }

    /// Why what is found now is not what was planned; none if it is.
    pub(crate) fn objection(&self, seen: &Seen, situation: Situation, action: Action) -> Option<String> {
        let what = if self.seen.source_rev != seen.source_rev {
            "the source object was changed"
        } else if self.seen.target_rev != seen.target_rev {
            "the target object was changed"
        } else if self.seen.linked != seen.linked {
            "the link was changed"
        } else if self.situation != situation.name() || self.action != action.name() {
            "the situation is another one"
        } else {
            return None;
        };
        Some(format!("{what} after the analysis: nothing was done"))
    }

    /// The same for what the mapping has made of the target object.
    pub(crate) fn objection_to_change(&self, change: &[Value]) -> Option<String> {
        let is_planned = self.change.as_array().is_some_and(|planned| planned == change);
        (!is_planned)
            .then(|| "the mapping would now make another change than in the analysis: nothing was done".to_owned())
    }
}

/// What the action EXCEPTION says. The text is compatibility: behaviour 5.5.
pub(crate) fn exception_message(situation: Situation) -> String {
    format!("Situation {situation} marked as EXCEPTION")
}

fn cut(message: &str) -> String {
    message[..message.floor_char_boundary(MESSAGE_BYTES)].to_owned()
}
