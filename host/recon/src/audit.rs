//! What runs and synchronizations tell the audit: behaviour 5.9 and 5.10. Each entry is part of the commit of what it tells.

use std::sync::Arc;

use host_model::audit::{Audit, Event, Topic};
use host_model::policy::Action;
use host_model::situation::Situation;
use host_resource::{Context, Problem};
use host_store::{ChangeSet, Collection, Expectation, UnitOfWork};
use serde_json::{Map, Value, json};

use crate::entry::Entry;
use crate::record::{Order, Record, Stage};
use crate::turn::Side;
use crate::wire;
use crate::work::Work;

/// A run begins.
pub(crate) fn began(audit: &dyn Audit, changes: &mut ChangeSet, run: &Arc<str>, order: &Order) {
    if audit.wants_recon(true) {
        let message = format!("Reconciliation initiated by {}", order.by);
        let members = members_of_run(run, order, "start", message, Value::Null, None);
        put(audit, changes, Arc::clone(run), order.by.as_str().into(), members);
    }
}

/// A run has ended, and this is what it has counted.
pub(crate) fn ended(audit: &dyn Audit, changes: &mut ChangeSet, run: &Arc<str>, order: &Order, record: &Record) {
    if audit.wants_recon(true) {
        let counted = |situation: Situation| {
            let count = record.tally.situations[situation.index()];
            format!("{}: {count} ", situation.name())
        };
        let message = Situation::ALL.into_iter().map(counted).collect();
        let detail = wire::listed(run, record, record.ended.unwrap_or(record.started));
        let members = members_of_run(run, order, "summary", message, detail, Some(record));
        put(audit, changes, Arc::clone(run), order.by.as_str().into(), members);
    }
}

/// A run did this with an object. What an analysis plans is not done, and what is not to be reported is not told.
pub(crate) fn did(work: &Work, changes: &mut ChangeSet, entry: &Entry) {
    let Some(recon_action) = work.recon_action.filter(|_| !work.is_analysis && is_told(work, entry)) else {
        return;
    };
    let started = crate::durations::instant();
    let reconciling = match entry.side {
        Side::Source => "source",
        Side::Target => "target",
    };
    let mut members = members_of(work, entry);
    members.insert("reconciling".to_owned(), reconciling.into());
    members.insert("ambiguousTargetObjectIds".to_owned(), json!(entry.ambiguous()));
    members.insert("reconAction".to_owned(), recon_action.into());
    members.insert("entryType".to_owned(), "entry".into());
    members.insert("reconId".to_owned(), (&*work.id).into());
    let (run, by) = (Arc::clone(&work.id), Arc::clone(&work.caller.name));
    put(&*work.audit, changes, run, by, members);
    work.durations.lock().add("auditLog", started.elapsed());
}

/// A change was carried over, or could not be. The entries become part of the unit of work.
pub(crate) async fn synced(
    work: &Work,
    unit: &UnitOfWork,
    context: &Context,
    entries: &[Entry],
) -> Result<(), Problem> {
    for entry in entries.iter().filter(|entry| !work.is_analysis && is_told(work, entry)) {
        let told = work.audit.entry(Event {
            topic: Topic::Sync,
            name: "sync",
            transaction: Arc::clone(&context.request_id),
            user: Some(Arc::clone(&context.caller.name)),
            members: members_of(work, entry),
        });
        let key = Collection::new(told.collection).key(told.id);
        unit.put(key, told.body.into()).await?;
    }
    Ok(())
}

fn is_told(work: &Work, entry: &Entry) -> bool {
    let is_silent = entry.action == Some(Action::NoReport) && entry.failure.is_none();
    !is_silent && work.audit.wants_recon(entry.is_change())
}

/// What both topics say of an object.
fn members_of(work: &Work, entry: &Entry) -> Map<String, Value> {
    let mapping = &work.mapping;
    let source = entry.source_id.as_deref().map(|id| mapping.source.path_of(id));
    let target = entry.target_id.as_deref().map(|id| mapping.target.path_of(id));
    let detail = entry.failure.as_ref().and_then(|problem| problem.detail.as_deref());
    let members: [(&str, Value); 10] = [
        ("action", json!(entry.action.map(Action::name))),
        ("exception", json!(entry.exception())),
        ("linkQualifier", json!(entry.qualifier)),
        ("mapping", json!(mapping.spec.name)),
        ("message", json!(entry.message())),
        ("messageDetail", detail.cloned().unwrap_or(Value::Null)),
        ("situation", json!(entry.situation.map(Situation::name))),
        ("sourceObjectId", json!(source)),
        ("status", entry.status().into()),
        ("targetObjectId", json!(target)),
    ];
    members
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// What is said of a run as a whole; it has no object, so the members of one are null.
fn members_of_run(
    run: &str,
    order: &Order,
    entry_type: &str,
    message: String,
    detail: Value,
    record: Option<&Record>,
) -> Map<String, Value> {
    let is_good = record.is_none_or(|record| record.stage == Stage::CompletedSuccess);
    let members = json!({
        "action": null,
        "exception": record.and_then(|record| record.message.as_deref()),
        "linkQualifier": null,
        "mapping": order.mapping,
        "message": message,
        "messageDetail": detail,
        "situation": null,
        "sourceObjectId": null,
        "status": if is_good { "SUCCESS" } else { "FAILURE" },
        "targetObjectId": null,
        "reconciling": null,
        "ambiguousTargetObjectIds": null,
        "reconAction": order.kind.name(),
        "entryType": entry_type,
        "reconId": run,
    });
    match members {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

fn put(audit: &dyn Audit, changes: &mut ChangeSet, run: Arc<str>, by: Arc<str>, members: Map<String, Value>) {
    let told = audit.entry(Event {
        topic: Topic::Recon,
        name: "recon",
        transaction: run,
        user: Some(by),
        members,
    });
    let key = Collection::new(told.collection).key(told.id);
    changes.put(key, Expectation::Absent, told.body);
}
