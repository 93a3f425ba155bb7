//! Queries over jobs and triggers, those in memory among those that are persisted.

use std::sync::Arc;

use host_model::job::JobId;
use host_resource::filter::Filter;
use host_resource::sort::{self, MissingOrder};
use host_resource::{Content, Object, Page, Query, QuerySource, TotalPolicy};
use host_store::{Collection, Document, Scan, Snapshot};
use serde_json::{Map, Value};

use super::{Inner, Scheduler};
use crate::error::Error;
use crate::shelf::{self, PAGE, SHELVES, ShelfName};
use crate::wire;

/// What is listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Jobs.
    Jobs,
    /// Triggers.
    Triggers,
}

/// One that matches. Where the filter and the order do not look into it, it is only read when it is shown.
struct Found {
    job: Arc<str>,
    shelf: ShelfName,
    shown: Option<Shown>,
}

struct Shown {
    object: Object,
    /// With the id and the revision, for filters and orders.
    value: Value,
}

impl Scheduler {
    /// A page of what a query selects.
    pub(crate) async fn list(&self, kind: Kind, query: &Query) -> Result<Page, Error> {
        let (filter, ids_only) = match &query.source {
            QuerySource::Filter(filter) => (filter.clone(), false),
            QuerySource::Id(id) if id == "query-all-ids" => (Arc::new(Filter::Literal(true)), true),
            QuerySource::Id(id) => return Err(Error::UnknownQuery(id.clone())),
        };
        let mut found = self.0.find(kind, &filter, !query.sort.is_empty()).await?;
        found.sort_by(|one, other| {
            let by_keys = match (&one.shown, &other.shown) {
                (Some(one), Some(other)) => {
                    sort::compare(&query.sort, MissingOrder::FirstAscending, &one.value, &other.value)
                }
                _ => std::cmp::Ordering::Equal,
            };
            by_keys.then_with(|| one.job.cmp(&other.job))
        });
        // The cookie is the number of the next one, and what is not a number counts as 0: behaviour 2.3.
        let start = query
            .cookie
            .as_deref()
            .map_or(query.offset, |cookie| cookie.parse().unwrap_or(0));
        let total = found.len();
        let end = query
            .page_size
            .map_or(total, |size| start.saturating_add(size).min(total));
        let mut result = Vec::new();
        for found in found.into_iter().take(end).skip(start) {
            let object = match found.shown {
                _ if ids_only => Some(id_only(kind, &found.job)),
                Some(shown) => Some(shown.object),
                None => self.0.show_again(kind, found.shelf, &found.job).await?,
            };
            result.extend(object);
        }
        let cookie = (end < total).then(|| end.to_string());
        Ok(Page {
            result,
            cookie,
            policy: TotalPolicy::Exact,
            total: u64::try_from(total).ok(),
        })
    }
}

impl Inner {
    async fn find(&self, kind: Kind, filter: &Filter, is_sorted: bool) -> Result<Vec<Found>, Error> {
        let looks_inside = is_sorted || *filter != Filter::Literal(true);
        let mut all = Vec::new();
        for shelf in SHELVES {
            let mut pages = self.shelves.pages(shelf, Scan::all(kind.collection(), PAGE));
            while let Some((snapshot, documents)) = pages.next().await? {
                for document in documents {
                    let job = document.id.clone();
                    if !looks_inside {
                        all.push(Found {
                            job,
                            shelf,
                            shown: None,
                        });
                        continue;
                    }
                    let Some(object) = self.show_or_complain(kind, shelf, snapshot.as_ref(), &document).await else {
                        continue;
                    };
                    let value = with_ids(&object);
                    if filter.matches(&value) {
                        all.push(Found {
                            job,
                            shelf,
                            shown: Some(Shown { object, value }),
                        });
                    }
                }
            }
        }
        Ok(all)
    }

    /// What was found a moment ago; none if it is gone.
    async fn show_again(&self, kind: Kind, shelf: ShelfName, job: &Arc<str>) -> Result<Option<Object>, Error> {
        let snapshot = self.shelves.store(shelf).snapshot().await?;
        let Some(document) = snapshot.get(&kind.collection().key(job.clone())).await? else {
            return Ok(None);
        };
        Ok(self.show_or_complain(kind, shelf, snapshot.as_ref(), &document).await)
    }

    /// A damaged document is logged and left out: it hides no others.
    async fn show_or_complain(
        &self,
        kind: Kind,
        shelf: ShelfName,
        snapshot: &dyn Snapshot,
        document: &Document,
    ) -> Option<Object> {
        match self.show(kind, shelf, snapshot, document).await {
            Ok(object) => object,
            Err(error) => {
                tracing::error!(%error, tenant = %self.tenant, "a stored schedule cannot be listed");
                None
            }
        }
    }

    async fn show(
        &self,
        kind: Kind,
        shelf: ShelfName,
        snapshot: &dyn Snapshot,
        document: &Document,
    ) -> Result<Option<Object>, Error> {
        let id: JobId = document.id.parse()?;
        let of_job = match kind {
            Kind::Jobs => Some(document.clone()),
            Kind::Triggers => snapshot.get(&shelf::job_key(&id)).await?,
        };
        let Some(of_job) = of_job else { return Ok(None) };
        let stored = shelf::stored(shelf, snapshot, &of_job).await?;
        let view = self.view(&id);
        Ok(match kind {
            Kind::Jobs => Some(wire::job(&stored, view)),
            Kind::Triggers => stored
                .trigger
                .as_ref()
                .map(|trigger| wire::trigger(&stored.job, trigger, view)),
        })
    }
}

impl Kind {
    fn collection(self) -> Collection {
        match self {
            Kind::Jobs => shelf::jobs(),
            Kind::Triggers => shelf::triggers(),
        }
    }
}

fn id_only(kind: Kind, job: &str) -> Object {
    let id = match kind {
        Kind::Jobs => job.to_owned(),
        Kind::Triggers => format!("{}.trigger-{job}", wire::GROUP),
    };
    Object {
        id,
        rev: None,
        content: Content::Json(Value::Object(Map::new())),
    }
}

fn with_ids(object: &Object) -> Value {
    let mut members = Map::new();
    members.insert("_id".to_owned(), Value::String(object.id.clone()));
    if let Some(rev) = &object.rev {
        members.insert("_rev".to_owned(), Value::String(rev.clone()));
    }
    if let Content::Json(Value::Object(content)) = &object.content {
        members.extend(content.clone());
    }
    Value::Object(members)
}
