//! A query over stored documents, in the order of their ids.

use std::sync::Arc;

use bytes::Bytes;
use host_resource::{Content, Filter, Object, Page, Problem, Query, QuerySource, TotalPolicy};
use host_store::{Collection, Cursor, Scan, TenantStore};

/// Documents read in one go, and answered when no page size was asked for.
pub(super) const BATCH: usize = 500;

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
    let mut cursor = match &query.cookie {
        Some(cookie) => Some(
            Cursor::from_text(cookie).ok_or_else(|| Problem::bad_request("the paging cookie is not of this query"))?,
        ),
        None => None,
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
        cookie: cursor.map(|cursor| cursor.to_text()),
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
