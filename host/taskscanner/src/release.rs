//! Giving claims back: an object that a halted run left out is again what it was, apart from what others did to it since.

use std::sync::Arc;

use bytes::Bytes;
use host_resource::{Pointer, Problem};
use host_store::unit_of_work::WriteLimits;
use host_store::{Overlay, Snapshot, UnitOfWork};
use serde_json::Value;

use crate::edit::parse;
use crate::work::{Claimed, Work};

/// Takes a claim out of an object, on top of what other units of work on the same snapshot did. An object that has gone,
/// or bears somebody else's claim by now, stays as it is.
pub(crate) async fn release(
    work: &Work,
    claimed: &Claimed,
    snapshot: Arc<dyn Snapshot>,
    ground: Overlay,
) -> Result<Overlay, Problem> {
    let unit = UnitOfWork::over(snapshot, ground, WriteLimits::NONE);
    let key = work.definition.collection.key(Arc::clone(&claimed.document.id));
    if let Some(seen) = unit.get(&key).await? {
        let spec = &work.definition.spec;
        if let Some(body) = unclaimed(&seen.body, claimed, &spec.started, &spec.completed)? {
            unit.put(key, body).await?;
        }
    }
    Ok(unit.end().unwrap_or_default().keep())
}

/// The object without its claim; none where the claim is not there.
fn unclaimed(
    body: &Bytes,
    claimed: &Claimed,
    started: &Pointer,
    completed: &Pointer,
) -> Result<Option<Bytes>, Problem> {
    if *body == claimed.document.body {
        return Ok(Some(claimed.before.clone()));
    }
    let mut now = parse(body)?;
    if started.get(&now).and_then(Value::as_str) != Some(&*claimed.stamp) {
        return Ok(None);
    }
    let before = parse(&claimed.before)?;
    for mark in [started, completed] {
        put_back(mark, &before, &mut now)?;
    }
    serde_json::to_vec(&now)
        .map(|text| Some(text.into()))
        .map_err(|error| Problem::internal(error.to_string()))
}

/// Gives a mark the value that it had before. One that was not there goes, and with it the objects that were made for it.
fn put_back(mark: &Pointer, before: &Value, now: &mut Value) -> Result<(), Problem> {
    if let Some(value) = mark.get(before) {
        return mark
            .set(now, value.clone())
            .map_err(|error| Problem::internal(format!("the mark {mark} cannot be put back: {error}")));
    }
    mark.remove(now);
    let mut place = mark.parent();
    while let Some(parent) = place.filter(|parent| !parent.is_root()) {
        let is_made_for_it = parent.get(before).is_none()
            && parent
                .get(now)
                .and_then(Value::as_object)
                .is_some_and(serde_json::Map::is_empty);
        if !is_made_for_it {
            break;
        }
        parent.remove(now);
        place = parent.parent();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use host_store::{Document, Revision};
    use serde_json::json;

    use super::*;

    #[test]
    fn a_claim_goes_and_what_others_wrote_stays() {
        let check = |before: Value, claim: Value, now: Value, expected: Option<Value>| {
            let claimed = Claimed {
                document: Document {
                    id: "a".into(),
                    revision: Revision(1),
                    body: claim.to_string().into(),
                },
                before: before.to_string().into(),
                stamp: "then".into(),
                page: 0,
            };
            let pointer = |text| Pointer::parse(text).unwrap();
            let found = unclaimed(
                &now.to_string().into(),
                &claimed,
                &pointer("/task/started"),
                &pointer("/task/done"),
            );
            let found = found.unwrap().map(|body| parse(&body).unwrap());
            assert_eq!(found, expected, "{before} {now}");
        };
        let claim = json!({"n": 1, "task": {"started": "then"}});
        check(json!({"n": 1}), claim.clone(), claim.clone(), Some(json!({"n": 1})));
        let other = json!({"n": 2, "task": {"started": "then"}});
        check(json!({"n": 1}), claim.clone(), other, Some(json!({"n": 2})));
        let beside = json!({"task": {"started": "then", "by": "x"}});
        check(json!({}), claim.clone(), beside, Some(json!({"task": {"by": "x"}})));
        let again = json!({"n": 2, "task": {"started": "then", "done": null}});
        let before = json!({"n": 1, "task": {"started": "earlier", "done": "earlier"}});
        let restored = json!({"n": 2, "task": {"started": "earlier", "done": "earlier"}});
        check(before, claim.clone(), again, Some(restored));
        check(json!({}), claim.clone(), json!({"task": {"started": "later"}}), None);
        check(json!({}), claim, json!({"n": 1}), None);
    }
}
