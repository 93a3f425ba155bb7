//! Documents of a collection as resources that are read and queried page by page.

use std::sync::Arc;

use host_resource::mark::{CookieError, QueryMark};
use host_resource::{Content, Filter, Object, Page, Problem, Query, QuerySource, TotalPolicy};
use host_store::{Collection, Cursor, Document, Scan, TenantStore};

/// Documents answered when no page size was asked for, and at most.
const PAGE: usize = 1000;

/// The kind of position in a cookie: a cursor of the store.
const CURSOR: u8 = b'c';

/// One document. `rev` is what all of them show as their revision; none shows their own.
pub(crate) async fn read(
    store: &TenantStore,
    collection: Collection,
    id: &str,
    rev: Option<&str>,
) -> Result<Option<Object>, Problem> {
    let document = store.get(&collection.key(id)).await?;
    Ok(document.map(|document| object(document, rev)))
}

/// A page of documents in the order of their ids.
pub(crate) async fn query(
    store: &TenantStore,
    collection: Collection,
    query: &Query,
    rev: Option<&str>,
) -> Result<Page, Problem> {
    if !query.sort.is_empty() || query.offset > 0 {
        let message = "these are listed in the order of their ids: use _pageSize and _pagedResultsCookie only";
        return Err(Problem::bad_request(message));
    }
    let (filter, is_ids_only) = match &query.source {
        QuerySource::Filter(filter) => (Arc::clone(filter), false),
        QuerySource::Id(id) if id == "query-all" => (Arc::new(Filter::Literal(true)), false),
        QuerySource::Id(id) if id == "query-all-ids" => (Arc::new(Filter::Literal(true)), true),
        QuerySource::Id(id) => {
            return Err(Problem::bad_request(format!(
                "there is no query '{id}': write `_queryFilter`"
            )));
        }
    };
    let text = filter.to_string();
    let mark = QueryMark::new([collection.name(), text.as_str()]);
    let mut cursor = match query.cookie.as_deref().filter(|cookie| !cookie.is_empty()) {
        None => None,
        Some(cookie) => match mark.open(cookie)? {
            (CURSOR, position) => Some(Cursor::from_bytes(position)),
            _ => return Err(CookieError.into()),
        },
    };
    let is_counted = query.page_size.is_some() && query.total != TotalPolicy::None;
    let total = if is_counted {
        Some(count(store, &collection, &filter).await?)
    } else {
        None
    };
    let size = query.page_size.filter(|size| *size > 0).unwrap_or(PAGE).min(PAGE);
    let mut result = Vec::new();
    loop {
        let scan = Scan::matching(collection.clone(), Arc::clone(&filter), size - result.len()).after(cursor);
        let page = store.scan(&scan).await?;
        result.extend(page.documents.into_iter().map(|document| object(document, rev)));
        cursor = page.cursor;
        if cursor.is_none() || result.len() >= size {
            break;
        }
    }
    if let Some(position) = &cursor {
        // A last page that is full has a cursor, and nothing behind it.
        let scan = Scan::matching(collection.clone(), Arc::clone(&filter), 1).after(Some(position.clone()));
        if is_nothing_behind(store, scan).await? {
            cursor = None;
        }
    }
    if is_ids_only {
        for object in &mut result {
            object.content = Content::Json(serde_json::json!({}));
        }
    }
    Ok(Page {
        result,
        cookie: cursor.map(|cursor| mark.seal(CURSOR, cursor.as_bytes())),
        policy: if is_counted {
            TotalPolicy::Exact
        } else {
            TotalPolicy::None
        },
        total,
    })
}

async fn is_nothing_behind(store: &TenantStore, mut scan: Scan) -> Result<bool, Problem> {
    loop {
        let page = store.scan(&scan).await?;
        match (page.documents.is_empty(), page.cursor) {
            (false, _) => return Ok(false),
            (true, None) => return Ok(true),
            (true, cursor) => scan = scan.after(cursor),
        }
    }
}

async fn count(store: &TenantStore, collection: &Collection, filter: &Arc<Filter>) -> Result<u64, Problem> {
    let mut total = 0;
    let mut cursor = None;
    loop {
        let scan = Scan::matching(collection.clone(), Arc::clone(filter), PAGE).after(cursor);
        let page = store.scan(&scan).await?;
        total += page.documents.len() as u64;
        cursor = page.cursor;
        if cursor.is_none() {
            return Ok(total);
        }
    }
}

fn object(document: Document, rev: Option<&str>) -> Object {
    Object {
        id: document.id.to_string(),
        rev: Some(rev.map_or_else(|| document.revision.to_string(), str::to_owned)),
        content: Content::Raw(document.body),
    }
}
