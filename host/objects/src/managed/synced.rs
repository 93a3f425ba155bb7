//! What follows from a change: implicit synchronization, the hook `onSync` that looks at what came of it, and the action
//! `triggerSyncCheck`, which has an object looked at that has not changed.

use std::pin::Pin;
use std::sync::Arc;

use host_model::sync::{self, ChangeListener};
use host_resource::{Action, Context, Filter, Problem, QuerySource};
use host_store::unit_of_work::{Seen, WriteLimits};
use host_store::{Scan, UnitOfWork};
use serde_json::{Value, json};

use super::change::ChangeError;
use super::hooks::{Moment, Occasion};
use super::live::LiveType;
use super::relationship::refuse_filters;
use super::shape::refuse_probing;
use super::write::limits_of_hooks;
use super::{ManagedObjects, ObjectId, Place, object};

/// Objects that are gathered before they are looked at one by one.
const PAGE: usize = 500;
/// Within a unit of work more objects than this are not looked at: what follows is all held in memory.
const MAX_WITHIN: usize = 1000;

/// What has become of an object.
pub(super) struct Told<'a> {
    /// The verb.
    pub(super) method: &'static str,
    pub(super) old: Option<&'a Seen>,
    pub(super) new: Option<&'a Seen>,
    /// Whether nothing has changed.
    pub(super) is_check: bool,
}

impl ManagedObjects {
    /// Who wants to know of changes in a container, if anybody does.
    fn listener(&self, container: &str) -> Option<&Arc<dyn ChangeListener>> {
        self.listener.get().filter(|listener| listener.wants(container))
    }

    /// Whether anything follows from changes of objects of a type.
    pub(super) fn is_followed(&self, live: &LiveType) -> bool {
        live.script(Moment::OnSync).is_some() || self.listener(live.definition.collection.name()).is_some()
    }

    /// Does what follows from a change, in its unit of work. A mapping that fails fails nothing else, unless `onSync`
    /// says so.
    pub(super) async fn follow(
        &self,
        context: &Context,
        unit: &Arc<UnitOfWork>,
        place: &Place,
        told: Told<'_>,
    ) -> Result<(), Problem> {
        let live = &*place.managed;
        let container = live.definition.collection.name();
        let listener = self.listener(container);
        if listener.is_none() && live.script(Moment::OnSync).is_none() {
            return Ok(());
        }
        let (old, new) = (whole(told.old)?, whole(told.new)?);
        let change = sync::Change {
            container,
            id: place.id.as_str(),
            old: old.as_ref(),
            new: new.as_ref(),
            is_check: told.is_check,
        };
        let followed = match listener {
            Some(listener) => {
                let context = context.clone().within(Arc::clone(unit));
                listener.changed(&context, change).await?
            }
            None => sync::Followed::default(),
        };
        let action = match (&old, &new) {
            (None, _) => "notifyCreate",
            (Some(_), Some(_)) => "notifyUpdate",
            (Some(_), None) => "notifyDelete",
        };
        let (success, details) = (Value::Bool(!followed.has_failed), Value::Array(followed.results));
        let results = json!({"success": success, "action": action, "syncDetails": details});
        let occasion = Occasion::new(context, unit, live, place.path(), told.method);
        let variables = [
            ("oldObject", old.as_ref().unwrap_or(&Value::Null)),
            ("newObject", new.as_ref().unwrap_or(&Value::Null)),
            ("success", &success),
            ("action", &Value::from(action)),
            ("syncDetails", &details),
            ("syncResults", &results),
        ];
        occasion.happen(Moment::OnSync, &variables).await.map(drop)
    }

    /// Has an object looked at by the mappings, or all that a query finds. Answers how many were.
    pub(super) async fn trigger_sync_check(
        &self,
        context: &Context,
        live: &Arc<LiveType>,
        place: Option<Place>,
        action: &Action,
    ) -> Result<Value, Problem> {
        let count = match place {
            Some(place) => self.check_sync(context, &place).await?,
            None => self.check_sync_of_all(context, live, found_by(action)?).await?,
        };
        Ok(json!({"status": "OK", "countTriggered": count}))
    }

    async fn check_sync_of_all(
        &self,
        context: &Context,
        live: &Arc<LiveType>,
        source: QuerySource,
    ) -> Result<u64, Problem> {
        let (filter, _) = source.selection()?;
        refuse_probing(context, live, filter.map(|filter| &**filter), &[])?;
        refuse_filters(live, filter.map(|filter| &**filter), &[])?;
        let mut scan = Scan {
            filter: filter.cloned(),
            ..Scan::all(live.definition.collection.clone(), PAGE)
        };
        let mut count = 0;
        loop {
            let page = self.view(context).await?.scan(&scan).await?;
            for seen in page.documents {
                let place = Place {
                    managed: Arc::clone(live),
                    id: ObjectId::parse(&seen.id)?,
                };
                // What was deleted meanwhile has been carried over as a deletion.
                match self.check_sync(context, &place).await {
                    Err(problem) if problem.code == host_resource::Code::NOT_FOUND => {}
                    checked => count += checked?,
                }
            }
            if context.is_within() && count > MAX_WITHIN as u64 {
                return Err(Problem::bad_request(format!(
                    "within a unit of work at most {MAX_WITHIN} objects are looked at: narrow the query"
                )));
            }
            match page.cursor {
                Some(cursor) => scan.after = Some(cursor),
                None => return Ok(count),
            }
        }
    }

    /// Has one object looked at, in a commit of its own. Answers 1, or 0 where nothing follows from changes.
    async fn check_sync(&self, context: &Context, place: &Place) -> Result<u64, Problem> {
        let work = |unit: Arc<UnitOfWork>| -> Pin<Box<dyn Future<Output = _> + Send + '_>> {
            Box::pin(async move {
                let seen = unit.get(&place.key()).await?;
                let seen = seen.ok_or_else(|| ChangeError::Missing.problem(&place.path()))?;
                let told = Told {
                    method: "action",
                    old: Some(&seen),
                    new: Some(&seen),
                    is_check: true,
                };
                self.follow(context, &unit, place, told).await
            })
        };
        match UnitOfWork::of(context) {
            Some(unit) => unit.all_or_nothing(work(Arc::clone(&unit))).await?,
            None => {
                let is_plain = place.managed.is_plain;
                let limits = if is_plain { WriteLimits::NONE } else { limits_of_hooks() };
                self.commit_when_done(&place.path(), limits, &work).await?;
            }
        }
        Ok(u64::from(self.is_followed(&place.managed)))
    }
}

/// What a query in the parameters of an action selects; everything when there is none.
fn found_by(action: &Action) -> Result<QuerySource, Problem> {
    match asked(action)? {
        Some(source) => Ok(source),
        None => Ok(QuerySource::Filter(Arc::new(Filter::Literal(true)))),
    }
}

/// The query in the parameters of an action, if there is one.
pub(super) fn asked(action: &Action) -> Result<Option<QuerySource>, Problem> {
    match (action.parameter("_queryFilter"), action.parameter("_queryId")) {
        (None, None) => Ok(None),
        (Some(filter), None) => {
            let filter = Filter::parse(filter);
            let filter = filter.map_err(|error| Problem::bad_request(format!("_queryFilter: {error}")))?;
            Ok(Some(QuerySource::Filter(Arc::new(filter))))
        }
        (None, Some(id)) => Ok(Some(QuerySource::Id(id.to_owned()))),
        (Some(_), Some(_)) => Err(Problem::bad_request("give one of _queryFilter and _queryId, not both")),
    }
}

fn whole(seen: Option<&Seen>) -> Result<Option<Value>, Problem> {
    seen.map(|seen| object(seen.clone()).into_value())
        .transpose()
        .map_err(|error| Problem::internal(format!("an object is damaged: {error}")))
}
