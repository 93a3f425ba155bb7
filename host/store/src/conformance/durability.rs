//! What outlives the process.

use std::sync::Arc;

use super::documents::{delete, get, put, read_all, user, users};
use super::{Subject, open};
use crate::change_set::{ChangeSet, Durability, Expectation};
use crate::scan::Scan;

/// Closed in good order, a store keeps also what was only visible.
pub async fn what_was_committed_is_there_after_reopening(subject: &dyn Subject) {
    if !subject.keeps() {
        return;
    }
    let store = open(subject).await;
    let mut changes = ChangeSet::new();
    changes.put(user("durable"), Expectation::Absent, "1");
    let durable = store.commit(changes).await.expect("it is absent").revision;
    let mut changes = ChangeSet {
        durability: Durability::Visible,
        ..ChangeSet::new()
    };
    changes.put(user("visible"), Expectation::Absent, "2");
    let visible = store.commit(changes).await.expect("it is absent").revision;
    put(&store, [("gone", "3")]).await;
    delete(&store, "gone").await;
    drop(store);
    let store = open(subject).await;
    let found = [get(&store, "durable").await, get(&store, "visible").await];
    assert_eq!(
        found.map(|document| (document.revision, document.body)),
        [(durable, "1".into()), (visible, "2".into())]
    );
    assert_eq!(store.get(&user("gone")).await.expect("the store reads"), None);
}

/// None is given twice.
pub async fn revisions_go_on_after_reopening(subject: &dyn Subject) {
    if !subject.keeps() {
        return;
    }
    let mut last = crate::Revision(0);
    for _ in 0..3 {
        let store = open(subject).await;
        let revision = put(&store, [("joe", "{}")]).await;
        assert!(revision > last);
        last = delete(&store, "joe").await;
    }
}

/// And they go on being kept.
pub async fn indexes_are_there_after_reopening(subject: &dyn Subject) {
    if !subject.keeps() {
        return;
    }
    let store = open(subject).await;
    store
        .declare_indexes(&users(), &["/n".parse().expect("a pointer")])
        .await
        .expect("the index is built");
    put(
        &store,
        (0..100).map(|n| (format!("{n:02}"), format!(r#"{{"n":{}}}"#, n % 10))),
    )
    .await;
    drop(store);
    let store = open(subject).await;
    put(&store, [("07", r#"{"n":8}"#), ("more", r#"{"n":7}"#)]).await;
    let scan = Scan::matching(users(), Arc::new("/n eq 7".parse().expect("a filter")), 500);
    let (documents, examined) = read_all(&store, &scan, async |_| ()).await;
    assert_eq!((documents.len(), examined), (10, 10));
}
