//! The query verb: which objects of a type are wanted, in which order, and which part of them.

use std::sync::Arc;

use bytes::Bytes;
use host_resource::{Content, Filter, Object, Page, Problem, Query, QuerySource, TotalPolicy};
use host_store::unit_of_work::Seen;
use host_store::{Collection, Scan, UnitOfWork};

use super::cookie::QueryMark;
use super::matches::{CHUNK, Matches};
use super::object;
use super::order::Order;
use super::paged::{self, PagedError};
use super::sorted::{self, SortedError};
use super::window::{Found, Window};

/// Answers a query over a collection as a unit of work sees it.
pub(super) async fn answer(unit: &UnitOfWork, collection: &Collection, query: Query) -> Result<Page, Problem> {
    let selection = Selection::of(&query.source)?;
    let mark = selection.mark(collection, &query);
    let cookie = query.cookie.as_deref().filter(|cookie| !cookie.is_empty());
    let window = Window::new(&query, cookie.map(|cookie| mark.open(cookie)).transpose()?)?;
    let scan = Scan {
        filter: selection.filter,
        ..Scan::all(collection.clone(), CHUNK)
    };
    // Without a page size nothing is counted, as in the product (behaviour 1.5); an estimate is exact.
    let policy = if query.total == TotalPolicy::None || window.size.is_none() {
        TotalPolicy::None
    } else {
        TotalPolicy::Exact
    };
    let Found { objects, end, total } = if query.sort.is_empty() {
        let found = paged::read(unit, scan.clone(), window).await?;
        let total = if policy == TotalPolicy::None {
            None
        } else {
            Some(Matches::new(unit, scan).count().await?)
        };
        Found { total, ..found }
    } else {
        sorted::read(unit, scan, &Order::new(query.sort), window).await?
    };
    Ok(Page {
        result: objects.into_iter().map(|seen| selection.shape.object(seen)).collect(),
        cookie: end.map(|position| mark.seal(&position)),
        policy,
        total: total.filter(|_| policy != TotalPolicy::None),
    })
}

/// Whether a query is for ids only.
pub(super) fn is_ids(source: &QuerySource) -> bool {
    matches!(source.selection(), Ok((_, true)))
}

/// Which objects a query wants, and how much of them.
#[derive(Debug)]
struct Selection {
    /// None selects everything.
    filter: Option<Arc<Filter>>,
    shape: Shape,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Whole,
    IdOnly,
}

impl Selection {
    fn of(source: &QuerySource) -> Result<Self, Problem> {
        let (filter, is_ids) = source.selection()?;
        Ok(Self {
            filter: filter.cloned(),
            shape: if is_ids { Shape::IdOnly } else { Shape::Whole },
        })
    }

    /// What the pages of a query have in common: everything but where a page begins, how long it is and what it shows.
    fn mark(&self, collection: &Collection, query: &Query) -> QueryMark {
        let sort: Vec<String> = query.sort.iter().map(ToString::to_string).collect();
        let filter = self
            .filter
            .as_deref()
            .map_or_else(|| "true".to_owned(), ToString::to_string);
        QueryMark::new(collection, &[&filter, &sort.join(",")])
    }
}

impl Shape {
    fn object(self, seen: Seen) -> Object {
        let body = match self {
            Self::Whole => seen.body.clone(),
            Self::IdOnly => Bytes::from_static(b"{}"),
        };
        Object {
            content: Content::Raw(body),
            ..object(seen)
        }
    }
}

impl From<PagedError> for Problem {
    fn from(error: PagedError) -> Self {
        match error {
            PagedError::Cookie(error) => error.into(),
            PagedError::Unit(error) => error.into(),
        }
    }
}

impl From<SortedError> for Problem {
    fn from(error: SortedError) -> Self {
        match error {
            SortedError::Far | SortedError::Large => Self::bad_request(error.to_string()),
            SortedError::Cookie(error) => error.into(),
            SortedError::Unit(error) => error.into(),
            SortedError::Store(error) => error.into(),
        }
    }
}
