//! A query over stored documents, in the order of their ids.

use std::sync::Arc;

use bytes::Bytes;
use host_resource::mark::{CookieError, QueryMark};
use host_resource::{Content, Filter, Object, Page, Problem, Query, QuerySource, TotalPolicy};
use host_store::{Collection, Cursor, Scan, TenantStore};

/// Documents read in one go, and answered when no page size was asked for.
pub(super) const BATCH: usize = 500;

/// The kind of position that is in a cookie.
const KIND: u8 = b'c';

/// Makes what is answered of what is stored.
pub(super) type Show = fn(Bytes) -> Result<Content, Problem>;

/// Everything that is stored.
pub(super) fn whole(body: Bytes) -> Result<Content, Problem> {
    Ok(Content::Raw(body))
}

/// A page of documents. `what` names them.
pub(super) async fn page(
    store: &TenantStore,
    collection: &Collection,
    what: &str,
    query: Query,
    shown: Show,
) -> Result<Page, Problem> {
    if !query.sort.is_empty() || query.offset > 0 || query.total != TotalPolicy::None {
        return Err(Problem::bad_request(format!(
            "{what} are listed by object: use _pageSize and _pagedResultsCookie only"
        )));
    }
    let filter = filter(&query)?;
    let size = query.page_size.unwrap_or(BATCH).min(BATCH);
    // The collection is that of one run, so that a cookie of another run is told from its own as well.
    let mark = QueryMark::new([collection.name(), &filter.to_string()]);
    let mut cursor = match query.cookie.as_deref().filter(|cookie| !cookie.is_empty()) {
        None => None,
        Some(cookie) => match mark.open(cookie)? {
            (KIND, position) => Some(Cursor::from_bytes(position)),
            _ => return Err(CookieError.into()),
        },
    };
    let mut result = Vec::new();
    loop {
        let scan = Scan::matching(collection.clone(), Arc::clone(&filter), size - result.len()).after(cursor);
        let page = store.scan(&scan).await?;
        for document in page.documents {
            result.push(Object {
                id: document.id.to_string(),
                rev: None,
                content: shown(document.body)?,
            });
        }
        cursor = page.cursor;
        if cursor.is_none() || result.len() >= size {
            break;
        }
    }
    Ok(Page {
        result,
        cookie: cursor.map(|cursor| mark.seal(KIND, cursor.as_bytes())),
        policy: TotalPolicy::None,
        total: None,
    })
}

/// The filter of a query that has to have one.
pub(super) fn filter(query: &Query) -> Result<Arc<Filter>, Problem> {
    match &query.source {
        QuerySource::Filter(filter) => Ok(Arc::clone(filter)),
        QuerySource::Id(id) => Err(Problem::bad_request(format!("'{id}' is not a query: use _queryFilter"))),
    }
}
