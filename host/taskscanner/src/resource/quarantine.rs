//! `taskscanner/quarantine`: objects that failed too often, and letting them go.

use std::sync::Arc;

use host_resource::{Action, Content, Filter, Object, Page, Problem, Query, ResourcePath};
use host_store::{ChangeSet, CommitError, Document, Scan, TenantStore};
use serde_json::{Value, json};

use super::parameters::only;
use super::stored::{self, BATCH};
use crate::attempts::{key, quarantine, release};

/// How often a release is tried again that others' writes defeat.
const ATTEMPTS: usize = 20;

pub(super) async fn read(store: &TenantStore, id: &str, path: &ResourcePath) -> Result<Object, Problem> {
    let document = store.get(&key(id)).await?.ok_or_else(|| Problem::not_found(path))?;
    Ok(Object {
        id: id.to_owned(),
        rev: Some(document.revision.to_string()),
        content: Content::Raw(document.body),
    })
}

pub(super) async fn query(store: &TenantStore, query: Query) -> Result<Page, Problem> {
    stored::page(store, &quarantine(), "objects in quarantine", query, stored::whole).await
}

/// Lets one object go.
pub(super) async fn release_one(
    store: &TenantStore,
    id: &str,
    path: &ResourcePath,
    action: &Action,
) -> Result<Value, Problem> {
    only(action, &[])?;
    for _ in 0..ATTEMPTS {
        let document = store.get(&key(id)).await?.ok_or_else(|| Problem::not_found(path))?;
        if let_go(store, &[document]).await? {
            return Ok(json!({"_id": id, "released": 1}));
        }
    }
    Err(busy())
}

/// Lets all go that match, a page at a time: each page is one commit.
pub(super) async fn release_all(store: &TenantStore, action: &Action) -> Result<Value, Problem> {
    only(action, &["_queryFilter"])?;
    let text = action.parameter("_queryFilter").ok_or_else(|| {
        Problem::bad_request("name one object as taskscanner/quarantine/ID, or those to release by _queryFilter")
    })?;
    let filter = Filter::parse(text).map_err(|error| Problem::bad_request(format!("_queryFilter: {error}")))?;
    let filter = Arc::new(filter);
    let (mut released, mut cursor, mut defeats) = (0, None, 0);
    loop {
        let scan = Scan::matching(quarantine(), Arc::clone(&filter), BATCH).after(cursor.clone());
        let page = store.scan(&scan).await?;
        if !let_go(store, &page.documents).await? {
            defeats += 1;
            if defeats == ATTEMPTS {
                return Err(busy());
            }
            continue;
        }
        released += page.documents.len();
        cursor = page.cursor;
        if cursor.is_none() {
            return Ok(json!({ "released": released }));
        }
    }
}

/// False when others wrote to one of them just then.
async fn let_go(store: &TenantStore, documents: &[Document]) -> Result<bool, Problem> {
    let mut changes = ChangeSet::new();
    for document in documents {
        release(document, &mut changes)?;
    }
    if changes.is_empty() {
        return Ok(true);
    }
    match store.commit(changes).await {
        Ok(_) => Ok(true),
        Err(CommitError::Conflict(_)) => Ok(false),
        Err(CommitError::Store(error)) => Err(error.into()),
    }
}

fn busy() -> Problem {
    Problem::conflict("the quarantine is being written to all the time: ask again")
}
