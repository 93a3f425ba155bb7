//! The query verb: the connector leaves out what it can tell does not match, and the filter has the last word over the
//! mapped object. So the answer is the same whatever a system understands.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use host_resource::listing;
use host_resource::mark::QueryMark;
use host_resource::{Content, Filter, Page, Problem, Query, QuerySource, TotalPolicy};
use serde_json::{Map, Value};

use crate::condition;
use crate::connector::{Accept, Connector, Found, Search};
use crate::definition::{ObjectType, Operation};
use crate::error::Error;
use crate::mapping::{self, Wanted};
use crate::system::System;

/// An answer holds no more objects than this, and so many are sorted at most.
pub(crate) const MAX_OBJECTS: usize = 10_000;
/// Nor more bytes, about.
const MAX_BYTES: usize = 32 << 20;
/// The kind of position in a cookie: the connector's own.
const OWN: u8 = b'x';

/// Answers a query over the objects of a type.
pub(crate) async fn answer(system: &System, kind: &Arc<ObjectType>, query: Query) -> Result<Page, Problem> {
    let (filter, is_ids_only) = match &query.source {
        QuerySource::Filter(filter) => (Arc::clone(filter), false),
        QuerySource::Id(name) if name == "query-all" => (Arc::new(Filter::Literal(true)), false),
        QuerySource::Id(name) if name == "query-all-ids" => (Arc::new(Filter::Literal(true)), true),
        QuerySource::Id(name) => {
            return Err(Problem::bad_request(format!(
                "there is no query '{name}': write `_queryFilter`, or `_queryId` with query-all-ids or query-all"
            )));
        }
    };
    let shown = Wanted::named(query.fields.pointers()).with(query.sort.iter().map(|key| &key.pointer));
    let asked = Asked {
        system,
        kind,
        looked_at: shown.clone().and(&filter),
        filter,
        shown,
    };
    let mut page = if query.sort.is_empty() {
        asked.page(&query).await?
    } else {
        asked.listing(&query).await?
    };
    if is_ids_only {
        for object in &mut page.result {
            object.content = Content::Json(Value::Object(Map::new()));
        }
    }
    Ok(page)
}

struct Asked<'a> {
    system: &'a System,
    kind: &'a Arc<ObjectType>,
    filter: Arc<Filter>,
    /// What the answer shows.
    shown: Wanted,
    /// The same with what the filter looks at.
    looked_at: Wanted,
}

impl Asked<'_> {
    /// A page behind a position of the connector's.
    async fn page(&self, query: &Query) -> Result<Page, Problem> {
        let collection = self.collection();
        let text = self.filter.to_string();
        let mark = QueryMark::new([collection.as_str(), text.as_str()]);
        let after = match query.cookie.as_deref().filter(|cookie| !cookie.is_empty()) {
            None => None,
            Some(_) if query.offset > 0 => {
                return Err(Problem::bad_request(
                    "a query has a paged results cookie or an offset, not both",
                ));
            }
            Some(cookie) => {
                let (kind, position) = mark.open(cookie)?;
                if kind != OWN {
                    return Err(host_resource::mark::CookieError.into());
                }
                Some(position)
            }
        };
        let size = query.page_size.filter(|size| *size > 0);
        let limit = size.map_or(MAX_OBJECTS, |size| size.min(MAX_OBJECTS));
        let found = self.gather(limit, query.offset, after).await?;
        if size.is_none() && found.position.is_some() {
            return Err(self.too_many());
        }
        let is_counted = size.is_some() && query.total != TotalPolicy::None;
        Ok(Page {
            result: found.objects,
            cookie: found.position.map(|position| mark.seal(OWN, &position)),
            policy: if is_counted {
                TotalPolicy::Exact
            } else {
                TotalPolicy::None
            },
            total: if is_counted { Some(self.count().await?) } else { None },
        })
    }

    /// A part of all that match, sorted. No system is asked to sort: each would do it in its own way.
    async fn listing(&self, query: &Query) -> Result<Page, Problem> {
        let question = Query {
            source: QuerySource::Filter(Arc::new(Filter::Literal(true))),
            ..query.clone()
        };
        let found = self.gather(MAX_OBJECTS, 0, None).await?;
        if found.position.is_some() {
            return Err(self.too_many());
        }
        // The filter is no part of what the listing asks, so it is part of the name that cookies are bound to.
        listing::page(
            &format!("{}?{}", self.collection(), self.filter),
            &question,
            found.objects,
        )
    }

    /// Objects for an answer, without the first ones, unless they are too large together.
    async fn gather(&self, limit: usize, left_out: usize, after: Option<Vec<u8>>) -> Result<Found, Problem> {
        let (held, seen) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let accept = self.accept();
        let bounded = || -> Accept {
            // Each attempt begins anew.
            held.store(0, Ordering::Relaxed);
            seen.store(0, Ordering::Relaxed);
            let (accept, held, seen) = (Arc::clone(&accept), Arc::clone(&held), Arc::clone(&seen));
            Arc::new(move |entry| {
                if held.load(Ordering::Relaxed) > MAX_BYTES {
                    return None;
                }
                let object = accept(entry)?;
                if seen.fetch_add(1, Ordering::Relaxed) < left_out {
                    return None;
                }
                held.fetch_add(entry.bytes(), Ordering::Relaxed);
                Some(object)
            })
        };
        let found = self.search(bounded, limit, after).await?;
        if held.load(Ordering::Relaxed) > MAX_BYTES {
            return Err(self.too_many());
        }
        Ok(found)
    }

    async fn count(&self) -> Result<u64, Problem> {
        let count = Arc::new(AtomicU64::new(0));
        let accept = self.accept();
        let counting = || -> Accept {
            count.store(0, Ordering::Relaxed);
            let (accept, count) = (Arc::clone(&accept), Arc::clone(&count));
            Arc::new(move |entry| {
                if accept(entry).is_some() {
                    count.fetch_add(1, Ordering::Relaxed);
                }
                None
            })
        };
        self.search(counting, MAX_OBJECTS, None).await?;
        Ok(count.load(Ordering::Relaxed))
    }

    fn accept(&self) -> Accept {
        let (kind, filter) = (Arc::clone(self.kind), Arc::clone(&self.filter));
        let (shown, looked_at) = (self.shown.clone(), self.looked_at.clone());
        let has_revisions = self.system.has_revisions();
        Arc::new(move |entry| {
            let object = mapping::object(&kind, entry, &looked_at);
            if !condition::matches(&filter, &object) {
                return None;
            }
            let object = if shown == looked_at {
                object
            } else {
                mapping::object(&kind, entry, &shown)
            };
            let rev = has_revisions.then(|| mapping::revision(&kind, entry));
            Some(mapping::answer(&entry.uid, rev, object))
        })
    }

    async fn search(
        &self,
        accept: impl Fn() -> Accept,
        limit: usize,
        after: Option<Vec<u8>>,
    ) -> Result<Found, Problem> {
        let call = |connector: Arc<dyn Connector>| {
            let kind = Arc::clone(self.kind);
            let search = Search {
                filter: Arc::clone(&self.filter),
                accept: accept(),
                attributes: self.looked_at.natives(self.kind),
                limit,
                after: after.clone(),
            };
            async move { connector.search(&kind, search).await }
        };
        let found = self.system.read(Operation::Search, call).await;
        found.map_err(|error| error.problem(self.system.name()))
    }

    fn collection(&self) -> String {
        format!("system/{}/{}", self.system.name(), self.kind.name)
    }

    fn too_many(&self) -> Problem {
        Error::TooLarge(format!(
            "more than {MAX_OBJECTS} objects or {MAX_BYTES} bytes match: ask for smaller pages with `_pageSize`, \
             without `_sortKeys`, or for less"
        ))
        .problem(self.system.name())
    }
}
