//! What a writing verb does to an object, decided over the object as it is.

use bytes::Bytes;
use host_resource::patch::{self, Op, PatchError, PatchOperation};
use host_resource::{Code, Problem};
use host_store::StoreError;
use host_store::unit_of_work::Seen;
use serde_json::Value;

use super::body::{self, Body, BodyError};
use super::id::ObjectId;
use super::{object, touched};

/// What a writing verb asks for.
#[derive(Debug)]
pub(super) enum Change {
    /// The object comes to be.
    Create(Body),
    /// The object becomes another one.
    Update { rev: Option<String>, body: Body },
    /// Parts of the object change.
    Patch {
        rev: Option<String>,
        operations: Vec<PatchOperation>,
    },
    /// The object ceases to be.
    Delete { rev: Option<String> },
}

impl Change {
    /// What the audit calls it.
    pub(super) fn operation(&self) -> &'static str {
        match self {
            Self::Create(_) => "CREATE",
            Self::Update { .. } => "UPDATE",
            Self::Patch { .. } => "PATCH",
            Self::Delete { .. } => "DELETE",
        }
    }
}

/// What is to be done.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Plan {
    /// Nothing: the object is what it should be.
    Keep(Seen),
    /// The text is stored.
    Put(Bytes),
    /// The object is removed.
    Remove(Seen),
}

/// Why nothing is to be done.
#[derive(Debug, thiserror::Error)]
pub(super) enum ChangeError {
    /// A created object is there already.
    #[error("the object exists already")]
    Exists,
    /// The object is not there.
    #[error("there is no such object")]
    Missing,
    /// The object is not what the client thinks.
    #[error("the object is not at revision '{asked}' any more")]
    Stale {
        /// What the client asked for.
        asked: String,
    },
    /// The patch cannot be applied.
    #[error("the patch is refused")]
    Patch(#[from] PatchError),
    /// The result cannot be stored.
    #[error(transparent)]
    Body(#[from] BodyError),
    /// What is stored is damaged.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Change {
    /// Decides what is to be done with the object of this id.
    pub(super) fn plan(&self, id: &ObjectId, present: Option<Seen>) -> Result<Plan, ChangeError> {
        let present = match (self, self.meet(present)?) {
            (Self::Create(body), _) => return Ok(Plan::Put(body.text().clone())),
            (_, Some(present)) => present,
            (_, None) => return Err(ChangeError::Missing),
        };
        match self {
            Self::Create(body) | Self::Update { body, .. } => replace(present, body),
            Self::Patch { operations, .. } => {
                Ok(patched(id, &present, operations)?.map_or_else(|| Plan::Keep(present), Plan::Put))
            }
            Self::Delete { .. } => Ok(Plan::Remove(present)),
        }
    }

    /// The object that is there, when it is what the change expects: none for a creation.
    pub(super) fn meet(&self, present: Option<Seen>) -> Result<Option<Seen>, ChangeError> {
        let present = match (self, present) {
            (Self::Create(_), None) => return Ok(None),
            (Self::Create(_), Some(_)) => return Err(ChangeError::Exists),
            (_, None) => return Err(ChangeError::Missing),
            (_, Some(present)) => present,
        };
        match self.rev().filter(|asked| **asked != present.rev.to_string()) {
            None => Ok(Some(present)),
            Some(asked) => Err(ChangeError::Stale {
                asked: asked.to_owned(),
            }),
        }
    }

    /// The name of the verb.
    pub(super) fn method(&self) -> &'static str {
        match self {
            Self::Create(_) => "create",
            Self::Update { .. } => "update",
            Self::Patch { .. } => "patch",
            Self::Delete { .. } => "delete",
        }
    }

    /// Whether it brings scripts of its own.
    pub(super) fn has_scripts(&self) -> bool {
        let is_script = |operation: &PatchOperation| operation.operation == Op::Transform;
        matches!(self, Self::Patch { operations, .. } if operations.iter().any(is_script))
    }

    fn rev(&self) -> Option<&str> {
        match self {
            Self::Create(_) => None,
            Self::Update { rev, .. } | Self::Patch { rev, .. } | Self::Delete { rev } => rev.as_deref(),
        }
    }
}

fn replace(present: Seen, body: &Body) -> Result<Plan, ChangeError> {
    Ok(if is_same(&present, body)? {
        Plan::Keep(present)
    } else {
        Plan::Put(body.text().clone())
    })
}

fn is_same(present: &Seen, body: &Body) -> Result<bool, ChangeError> {
    body.is_same_as(&present.body)
        .map_err(|error| damaged(present, &error).into())
}

/// The text of the object as the operations leave it; none if they change nothing.
fn patched(id: &ObjectId, present: &Seen, operations: &[PatchOperation]) -> Result<Option<Bytes>, ChangeError> {
    // The stored text is without `_id` and `_rev`: they are put in only for a patch that looks at them.
    if !operations.iter().any(looks_at_names) {
        return touched::patched(present, operations);
    }
    let content = object(present.clone()).into_value();
    let mut content = content.map_err(|error| damaged(present, &error))?;
    if !apply(operations, &mut content)? {
        return Ok(None);
    }
    let body = Body::new(id, content)?;
    let is_same = may_undo(operations) && is_same(present, &body)?;
    Ok((!is_same).then(|| body.text().clone()))
}

/// Applies operations to an object that stays one that can be stored. Answers whether it is another one now.
pub(super) fn apply(operations: &[PatchOperation], content: &mut Value) -> Result<bool, ChangeError> {
    let mut is_changed = false;
    // A copy can double the object and a move can deepen it, and a patch may have a thousand of either: what comes
    // behind one begins on nothing that could not be stored.
    for (position, run) in operations
        .chunk_by(|before, _| !matches!(before.operation, Op::Copy | Op::Move))
        .enumerate()
    {
        if position > 0 {
            body::text(content)?;
        }
        is_changed |= patch::apply(run, content)?;
    }
    Ok(is_changed)
}

/// Whether two operations touch the same place, so that together they may change nothing: then only a look at both
/// objects tells. Of many, it is assumed.
pub(super) fn may_undo(operations: &[PatchOperation]) -> bool {
    const FEW: usize = 16;
    let places: Vec<_> = operations
        .iter()
        .flat_map(|operation| std::iter::once(&operation.field).chain(&operation.from))
        .collect();
    let overlap = |at: usize| {
        places[..at]
            .iter()
            .any(|one| one.starts_with(places[at]) || places[at].starts_with(one))
    };
    places.len() > FEW || (0..places.len()).any(overlap)
}

/// Whether an operation can see `_id` or `_rev`: it names one of them, or the whole object.
fn looks_at_names(operation: &PatchOperation) -> bool {
    std::iter::once(&operation.field).chain(&operation.from).any(|pointer| {
        pointer
            .elements()
            .first()
            .is_none_or(|first| matches!(&**first, "_id" | "_rev"))
    })
}

pub(super) fn damaged(present: &Seen, error: &dyn std::fmt::Display) -> StoreError {
    StoreError::Damaged(format!("object '{}': {error}", present.id))
}

impl ChangeError {
    /// The problem for the object at a path.
    pub(super) fn problem(self, path: &str) -> Problem {
        match self {
            Self::Exists => Problem::precondition_failed(format!("'{path}' exists already")),
            Self::Missing => Problem::not_found(path),
            Self::Stale { asked } => {
                Problem::precondition_failed(format!("'{path}' is not at revision '{asked}' any more: read it again"))
            }
            Self::Patch(error @ PatchError::Large(_)) => Problem::new(Code::TOO_LARGE, error.to_string()),
            Self::Patch(error) => Problem::bad_request(error.to_string()),
            Self::Body(error) => error.into(),
            Self::Store(error) => error.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use host_store::Revision;
    use host_store::unit_of_work::Rev;
    use serde_json::json;

    use super::*;

    fn id() -> ObjectId {
        ObjectId::parse("joe").unwrap()
    }

    fn body(content: Value) -> Body {
        Body::new(&id(), content).unwrap()
    }

    fn present(rev: Rev) -> Seen {
        Seen {
            id: "joe".into(),
            rev,
            body: Bytes::from_static(br#"{"n":1,"m":{}}"#),
        }
    }

    fn patch(rev: Option<&str>, operations: Value) -> Change {
        Change::Patch {
            rev: rev.map(str::to_owned),
            operations: PatchOperation::parse_all(&operations).unwrap(),
        }
    }

    /// What a plan says, in a word and a text.
    fn outcome(change: &Change, present: Option<Seen>) -> String {
        match change.plan(&id(), present) {
            Ok(Plan::Keep(_)) => "keep".to_owned(),
            Ok(Plan::Put(text)) => format!("put {}", str::from_utf8(&text).unwrap()),
            Ok(Plan::Remove(_)) => "remove".to_owned(),
            Err(error) => error.problem("managed/user/joe").to_string(),
        }
    }

    #[test]
    fn a_verb_does_this_to_an_object_that_is_there() {
        let check = |change: Change, expected: &str| {
            assert_eq!(
                outcome(&change, Some(present(Rev::Committed(Revision(26))))),
                expected,
                "{change:?}"
            );
        };
        let rev = |text: &str| Some(text.to_owned());
        let stale = "412 Precondition Failed: 'managed/user/joe' is not at revision '7' any more: read it again";
        check(
            Change::Create(body(json!({}))),
            "412 Precondition Failed: 'managed/user/joe' exists already",
        );
        check(
            Change::Update {
                rev: None,
                body: body(json!({"n": 2})),
            },
            r#"put {"n":2}"#,
        );
        check(
            Change::Update {
                rev: rev("000000000000001a"),
                body: body(json!({"n": 2})),
            },
            r#"put {"n":2}"#,
        );
        check(
            Change::Update {
                rev: rev("7"),
                body: body(json!({"n": 2})),
            },
            stale,
        );
        check(
            Change::Update {
                rev: None,
                body: body(json!({"m": {}, "n": 1})),
            },
            "keep",
        );
        check(
            Change::Update {
                rev: rev("7"),
                body: body(json!({"n": 1, "m": {}})),
            },
            stale,
        );
        check(Change::Delete { rev: None }, "remove");
        check(Change::Delete { rev: rev("7") }, stale);
        let increment = json!([{"operation": "increment", "field": "/n", "value": 1}]);
        check(patch(None, increment.clone()), r#"put {"n":2,"m":{}}"#);
        check(patch(Some("7"), increment), stale);
        check(patch(None, json!([])), "keep");
        check(
            patch(None, json!([{"operation": "replace", "field": "/n", "value": 1}])),
            "keep",
        );
        let back_and_forth = json!([
            {"operation": "move", "from": "/n", "field": "/o"},
            {"operation": "move", "from": "/o", "field": "/n"},
        ]);
        check(patch(None, back_and_forth), "keep");
        let identity = json!([{"operation": "replace", "field": "/_id", "value": "jim"}]);
        check(
            patch(None, identity),
            "400 Bad Request: the field '/_id' cannot be patched",
        );
        let whole = json!([{"operation": "replace", "field": "/", "value": {"_rev": "x", "o": 1}}]);
        check(patch(None, whole), r#"put {"o":1}"#);
    }

    #[test]
    fn an_object_that_is_not_there_can_only_be_created() {
        let check = |change: Change, expected: &str| assert_eq!(outcome(&change, None), expected, "{change:?}");
        let missing = "404 Not Found: Resource 'managed/user/joe' not found";
        check(Change::Create(body(json!({"n": 1}))), r#"put {"n":1}"#);
        check(
            Change::Update {
                rev: None,
                body: body(json!({})),
            },
            missing,
        );
        check(
            Change::Update {
                rev: Some("7".to_owned()),
                body: body(json!({})),
            },
            missing,
        );
        check(patch(None, json!([])), missing);
        check(Change::Delete { rev: None }, missing);
    }

    #[test]
    fn a_revision_is_the_one_that_the_unit_of_work_sees() {
        let staged = Rev::Staged {
            base: Some(Revision(26)),
            step: 2,
        };
        let delete = |rev: &str| Change::Delete {
            rev: Some(rev.to_owned()),
        };
        assert_eq!(outcome(&delete("000000000000001a-2"), Some(present(staged))), "remove");
        assert!(outcome(&delete("000000000000001a"), Some(present(staged))).starts_with("412"));
    }

    #[test]
    fn a_patch_cannot_make_an_object_that_is_too_large_or_too_deep() {
        let copies: Vec<Value> = (0..200)
            .map(|at| json!({"operation": "copy", "from": "/", "field": format!("/x{at}")}))
            .collect();
        assert_eq!(
            outcome(&patch(None, copies.into()), Some(present(Rev::Committed(Revision(1))))),
            "413 Request Entity Too Large: the object is larger than 1048576 bytes"
        );
        let deep = "/a".repeat(60);
        let moves: Vec<Value> = (0..200)
            .map(|at| json!({"operation": "move", "from": format!("/x{at}"), "field": format!("/x{}{deep}", at + 1)}))
            .collect();
        let mut operations = vec![json!({"operation": "add", "field": "/x0", "value": 1})];
        operations.extend(moves);
        assert!(
            outcome(
                &patch(None, operations.into()),
                Some(present(Rev::Committed(Revision(1))))
            )
            .contains("objects and arrays inside each other")
        );
    }
}
