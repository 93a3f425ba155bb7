//! Queries over what the scheduler keeps, what is in memory among what is persisted.
//!
//! Without an order a page is read where the last one ended, in the order of ids; with one, everything is looked through
//! for each page, but no more than a page of it is held. Nothing is counted unless somebody wants to know.

use std::sync::Arc;

use host_model::job::JobId;
use host_resource::filter::Filter;
use host_resource::{Content, Object, Page, Query, QuerySource, TotalPolicy};
use host_store::{Collection, Document, Snapshot};
use serde_json::{Map, Value};

use super::walk::Walk;
use super::{Inner, Scheduler, runs};
use crate::error::Error;
use crate::order::{Cookie, Order, Ranked, Selection};
use crate::shelf::{self, ShelfName};
use crate::wire;

/// What is listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Jobs.
    Jobs,
    /// Triggers.
    Triggers,
    /// Runs.
    Runs,
    /// What became of due instants.
    Occurrences,
    /// Counters of jobs.
    Statistics,
}

/// Documents that one request for a page looks at before it answers with what it has: a filter that nothing matches
/// does not keep others waiting.
const EXAMINE: usize = 20_000;

/// Results that may be sorted without a page size.
const MAX_SORTED: usize = 10_000;

impl Scheduler {
    /// A page of what a query selects.
    pub(crate) async fn list(&self, kind: Kind, query: &Query) -> Result<Page, Error> {
        let (filter, ids_only) = match &query.source {
            QuerySource::Filter(filter) => (filter.clone(), false),
            QuerySource::Id(id) if id == "query-all-ids" => (Arc::new(Filter::Literal(true)), true),
            QuerySource::Id(id) => return Err(Error::UnknownQuery(id.clone())),
        };
        let cookie = query.cookie.as_deref().filter(|cookie| !cookie.is_empty());
        let cookie = cookie.map(Cookie::read).transpose()?;
        let listing = Listing {
            inner: &self.0,
            kind,
            filter,
            ids_only,
        };
        let (result, cookie) = if query.sort.is_empty() {
            listing.by_id(query, cookie).await?
        } else {
            listing.sorted(query, cookie).await?
        };
        let is_counted = query.total != TotalPolicy::None && query.page_size.is_some();
        let total = if is_counted { Some(listing.count().await?) } else { None };
        Ok(Page {
            result,
            cookie: cookie.map(|cookie| cookie.write()),
            policy: if is_counted {
                TotalPolicy::Exact
            } else {
                TotalPolicy::None
            },
            total,
        })
    }
}

/// One query.
struct Listing<'a> {
    inner: &'a Inner,
    kind: Kind,
    filter: Arc<Filter>,
    ids_only: bool,
}

impl Listing<'_> {
    async fn by_id(&self, query: &Query, cookie: Option<Cookie>) -> Result<(Vec<Object>, Option<Cookie>), Error> {
        let mut behind = match cookie {
            None => None,
            Some(Cookie::Id(id)) => Some(id),
            Some(Cookie::Ranked(_)) => return Err(Error::Cookie),
        };
        let size = query.page_size.unwrap_or(usize::MAX);
        let mut walk = self.walk(behind.clone(), size.saturating_add(query.offset).saturating_add(1));
        let mut left_out = 0;
        let mut result = Vec::new();
        while let Some(found) = walk.next().await? {
            if result.len() >= size || (query.page_size.is_some() && walk.examined() > EXAMINE) {
                return Ok((result, behind.map(Cookie::Id)));
            }
            behind = Some(found.document.id.clone());
            let is_passed = left_out < query.offset;
            if is_passed && self.matches_unseen() {
                left_out += 1;
                continue;
            }
            if let Some(object) = self
                .matching(found.shelf, found.snapshot.as_ref(), &found.document)
                .await
            {
                if is_passed {
                    left_out += 1;
                } else {
                    result.push(object);
                }
            }
        }
        Ok((result, None))
    }

    async fn sorted(&self, query: &Query, cookie: Option<Cookie>) -> Result<(Vec<Object>, Option<Cookie>), Error> {
        let after = match cookie {
            None => None,
            Some(Cookie::Ranked(position)) => Some(position),
            Some(Cookie::Id(_)) => return Err(Error::Cookie),
        };
        let order = Order::new(&query.sort);
        let wanted = query.page_size.unwrap_or(MAX_SORTED).saturating_add(query.offset);
        let mut selection = Selection::new(order.clone(), after, wanted.saturating_add(1));
        let mut walk = self.walk(None, usize::MAX);
        while let Some(found) = walk.next().await? {
            if let Some(object) = self
                .matching(found.shelf, found.snapshot.as_ref(), &found.document)
                .await
            {
                let position = order.position(&found.document.id, &with_ids(&object));
                selection.offer(Ranked { position, object });
            }
        }
        let mut found = selection.finish();
        let is_more = found.len() > wanted;
        if is_more && query.page_size.is_none() {
            return Err(Error::TooManyToSort(MAX_SORTED));
        }
        found.truncate(wanted);
        let cookie = found
            .last()
            .filter(|_| is_more)
            .map(|last| Cookie::Ranked(last.position.clone()));
        let result = found.into_iter().skip(query.offset).map(|ranked| ranked.object);
        Ok((result.collect(), cookie))
    }

    async fn count(&self) -> Result<u64, Error> {
        let mut walk = self.walk(None, usize::MAX);
        let mut count = 0;
        while let Some(found) = walk.next().await? {
            let is_counted = self.matches_unseen()
                || self
                    .matching(found.shelf, found.snapshot.as_ref(), &found.document)
                    .await
                    .is_some();
            count += u64::from(is_counted);
        }
        Ok(count)
    }

    fn walk(&self, behind: Option<Arc<str>>, wanted: usize) -> Walk<'_> {
        // What is stored is what is shown: the store itself finds what matches, through an index where there is one.
        let filter = (!self.kind.is_made_up()).then(|| self.filter.clone());
        Walk::new(&self.inner.shelves, self.kind.collection(), filter, behind, wanted)
    }

    /// Whether a document matches, whatever it says.
    fn matches_unseen(&self) -> bool {
        !self.kind.is_made_up() || *self.filter == Filter::Literal(true)
    }

    /// What is shown of a document, if it matches. A damaged one is logged and left out: it hides no others.
    async fn matching(&self, shelf: ShelfName, snapshot: &dyn Snapshot, document: &Document) -> Option<Object> {
        if self.ids_only {
            return Some(id_only(self.kind, &document.id));
        }
        match self.show(shelf, snapshot, document).await {
            Ok(object) => object.filter(|object| self.matches_unseen() || self.filter.matches(&with_ids(object))),
            Err(error) => {
                tracing::error!(%error, tenant = %self.inner.tenant, "a stored document of the scheduler cannot be listed");
                None
            }
        }
    }

    async fn show(
        &self,
        shelf: ShelfName,
        snapshot: &dyn Snapshot,
        document: &Document,
    ) -> Result<Option<Object>, Error> {
        match self.kind {
            Kind::Runs => return runs::show(document).map(Some),
            Kind::Occurrences | Kind::Statistics => {
                return Ok(Some(Object {
                    id: document.id.to_string(),
                    rev: Some(document.revision.to_string()),
                    content: Content::Raw(document.body.clone()),
                }));
            }
            Kind::Jobs | Kind::Triggers => {}
        }
        let id: JobId = document.id.parse()?;
        let of_job = match self.kind {
            Kind::Triggers => snapshot.get(&shelf::job_key(&id)).await?,
            _ => Some(document.clone()),
        };
        let Some(of_job) = of_job else { return Ok(None) };
        let stored = shelf::stored(shelf, snapshot, &of_job).await?;
        let view = self.inner.view(&id);
        Ok(match self.kind {
            Kind::Triggers => stored
                .trigger
                .as_ref()
                .map(|trigger| wire::trigger(&stored.job, trigger, view)),
            _ => Some(wire::job(&stored, view)),
        })
    }
}

impl Kind {
    pub(super) fn collection(self) -> Collection {
        match self {
            Kind::Jobs => shelf::jobs(),
            Kind::Triggers => shelf::triggers(),
            Kind::Runs => shelf::runs(),
            Kind::Occurrences => shelf::occurrences(),
            Kind::Statistics => shelf::statistics(),
        }
    }

    /// Whether what is shown is more than what is stored.
    fn is_made_up(self) -> bool {
        match self {
            Kind::Jobs | Kind::Triggers => true,
            Kind::Runs | Kind::Occurrences | Kind::Statistics => false,
        }
    }
}

fn id_only(kind: Kind, id: &str) -> Object {
    let id = match kind {
        Kind::Triggers => format!("{}.trigger-{id}", wire::GROUP),
        Kind::Jobs | Kind::Runs | Kind::Occurrences | Kind::Statistics => id.to_owned(),
    };
    Object {
        id,
        rev: None,
        content: Content::Json(Value::Object(Map::new())),
    }
}

fn with_ids(object: &Object) -> Value {
    // What was stored is an object, so it is one again.
    object.clone().into_value().unwrap_or(Value::Null)
}
