//! How the cases write and read documents.

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::change_set::{ChangeSet, Durability, Expectation};
use crate::document::{Document, Revision};
use crate::key::{Collection, Key};
use crate::scan::Scan;
use crate::tenant_store::TenantStore;

/// The collection that most cases use.
pub fn users() -> Collection {
    Collection::new("managed/user")
}

/// A key in [`users`].
pub fn user(id: &str) -> Key {
    users().key(id)
}

/// Writes documents of [`users`] whatever was there.
pub async fn put(
    store: &TenantStore,
    documents: impl IntoIterator<Item = (impl AsRef<str>, impl Into<Bytes>)>,
) -> Revision {
    let mut changes = ChangeSet {
        durability: Durability::Visible,
        ..ChangeSet::new()
    };
    for (id, body) in documents {
        changes.put(user(id.as_ref()), Expectation::Any, body);
    }
    store.commit(changes).await.expect("nothing is expected").revision
}

/// Deletes a document of [`users`].
pub async fn delete(store: &TenantStore, id: &str) -> Revision {
    let mut changes = ChangeSet {
        durability: Durability::Visible,
        ..ChangeSet::new()
    };
    changes.delete(user(id), Expectation::Any);
    store.commit(changes).await.expect("nothing is expected").revision
}

/// A document of [`users`] that must be there.
pub async fn get(store: &TenantStore, id: &str) -> Document {
    store
        .get(&user(id))
        .await
        .expect("the store reads")
        .expect("the document is there")
}

/// The ids in a page.
pub fn ids(documents: &[Document]) -> Vec<&str> {
    documents.iter().map(|document| &*document.id).collect()
}

/// No scan of the suite has more pages; one that does goes round in a circle.
const PAGES: usize = 2000;

/// All pages of a scan, each in a snapshot of its own: the documents, and how many were looked at. `between` runs
/// between two pages with what has come so far.
pub async fn read_all(
    store: &TenantStore,
    scan: &Scan,
    mut between: impl AsyncFnMut(&[Document]),
) -> (Vec<Document>, usize) {
    let (mut documents, mut examined, mut cursor) = (Vec::new(), 0, scan.after.clone());
    for _ in 0..PAGES {
        let page = store.scan(&scan.clone().after(cursor)).await.expect("the scan goes on");
        documents.extend(page.documents);
        examined += page.examined;
        let Some(next) = page.cursor else {
            return (documents, examined);
        };
        cursor = Some(next);
        between(&documents).await;
    }
    panic!("the scan does not end");
}

/// What a scan finds while nobody writes, by id. No document may come twice.
pub async fn find(store: &TenantStore, scan: &Scan) -> BTreeMap<String, Document> {
    let (documents, _) = read_all(store, scan, async |_| ()).await;
    let count = documents.len();
    let found: BTreeMap<_, _> = documents
        .into_iter()
        .map(|document| (document.id.to_string(), document))
        .collect();
    assert_eq!(found.len(), count, "a document came twice");
    found
}
