//! What a commit checks, and what it leaves behind.

use super::documents::{delete, get, put, user, users};
use super::{Subject, open, tenants};
use crate::change_set::{ChangeSet, Durability, Expectation};
use crate::document::Revision;
use crate::error::{CommitError, StoreError};
use crate::key::Key;
use crate::scan::Scan;
use crate::tenant_store::TenantStore;

async fn conflicts(store: &TenantStore, changes: ChangeSet) -> Vec<Key> {
    match store.commit(changes).await {
        Err(CommitError::Conflict(keys)) => keys,
        other => panic!("a conflict was due: {other:?}"),
    }
}

/// Also across a deletion, so that a revision never comes again.
pub async fn revisions_only_grow(subject: &dyn Subject) {
    let store = open(subject).await;
    let mut last = Revision(0);
    for _ in 0..3 {
        for revision in [
            put(&store, [("joe", "{}")]).await,
            put(&store, [("ann", "{}")]).await,
            delete(&store, "joe").await,
        ] {
            assert!(revision > last);
            last = revision;
        }
    }
    assert!(put(&store, [("joe", "{}")]).await > last);
}

/// And the store says so.
pub async fn the_documents_of_a_change_set_share_a_revision(subject: &dyn Subject) {
    let store = open(subject).await;
    put(&store, [("ann", "{}")]).await;
    let revision = put(&store, [("joe", "{}"), ("ann", "{}"), ("bob", "{}")]).await;
    for id in ["ann", "bob", "joe"] {
        assert_eq!(get(&store, id).await.revision, revision);
    }
}

/// Every kind of expectation against every state of a document.
pub async fn expectations_are_checked(subject: &dyn Subject) {
    let store = open(subject).await;
    let old = put(&store, [("here", "{}")]).await;
    let now = put(&store, [("here", "{}")]).await;
    put(&store, [("gone", "{}")]).await;
    delete(&store, "gone").await;
    let table = [
        ("here", Expectation::Any, true),
        ("here", Expectation::Absent, false),
        ("here", Expectation::Revision(now), true),
        ("here", Expectation::Revision(old), false),
        ("gone", Expectation::Any, true),
        ("gone", Expectation::Absent, true),
        ("gone", Expectation::Revision(now), false),
        ("never", Expectation::Absent, true),
        ("never", Expectation::Revision(old), false),
    ];
    for (id, expected, is_met) in table {
        for is_write in [false, true] {
            let mut changes = ChangeSet::new();
            // A failing companion keeps those that are met from changing anything.
            changes.delete(user("companion"), Expectation::Revision(now));
            if is_write {
                changes.put(user(id), expected, "{}");
            } else {
                changes.require(user(id), expected);
            }
            let named = conflicts(&store, changes).await;
            assert_eq!(!named.contains(&user(id)), is_met, "{id} {expected:?} {is_write}");
        }
    }
}

/// Of writes and of reads, each key once.
pub async fn a_conflict_names_every_key_and_writes_nothing(subject: &dyn Subject) {
    let store = open(subject).await;
    let revision = put(&store, [("a", "1"), ("b", "1"), ("c", "1")]).await;
    let stale = Expectation::Revision(Revision(revision.0 + 1000));
    let mut changes = ChangeSet::new();
    changes.put(user("c"), stale, "2");
    changes.put(user("b"), Expectation::Revision(revision), "2");
    changes.put(user("new"), Expectation::Absent, "2");
    changes.delete(user("a"), Expectation::Absent);
    changes.require(user("a"), Expectation::Absent);
    changes.require(user("missing"), stale);
    changes.require(user("other"), Expectation::Absent);
    let mut named = conflicts(&store, changes).await;
    named.sort();
    assert_eq!(named, [user("a"), user("c"), user("missing")]);
    for id in ["a", "b", "c"] {
        let document = get(&store, id).await;
        assert_eq!((document.revision, &*document.body), (revision, &b"1"[..]));
    }
    assert_eq!(store.get(&user("new")).await.expect("the store reads"), None);
}

/// A unit of work depends on what it has read.
pub async fn what_was_only_read_is_checked_too(subject: &dyn Subject) {
    let store = open(subject).await;
    let revision = put(&store, [("read", "{}")]).await;
    let changes = || {
        let mut changes = ChangeSet::new();
        changes.put(user("written"), Expectation::Any, "{}");
        changes.require(user("read"), Expectation::Revision(revision));
        changes
    };
    store.commit(changes()).await.expect("nothing has changed");
    put(&store, [("read", "{}")]).await;
    assert_eq!(conflicts(&store, changes()).await, [user("read")]);
}

/// But what it has read is checked.
pub async fn a_change_set_without_writes_changes_nothing(subject: &dyn Subject) {
    let store = open(subject).await;
    store.commit(ChangeSet::new()).await.expect("nothing is expected");
    let revision = put(&store, [("joe", "{}")]).await;
    let mut changes = ChangeSet::new();
    changes.require(user("joe"), Expectation::Revision(revision));
    store.commit(changes.clone()).await.expect("joe is as expected");
    delete(&store, "joe").await;
    assert_eq!(conflicts(&store, changes).await, [user("joe")]);
    let mut nothing_there = ChangeSet::new();
    nothing_there.delete(user("joe"), Expectation::Absent);
    store.commit(nothing_there).await.expect("joe is absent");
}

/// However durable it is.
pub async fn a_commit_is_seen_at_once(subject: &dyn Subject) {
    let store = open(subject).await;
    for (durability, text) in [
        (Durability::Durable, "1"),
        (Durability::Visible, "2"),
        (Durability::Durable, "3"),
    ] {
        let mut changes = ChangeSet {
            durability,
            ..ChangeSet::new()
        };
        changes.put(user("joe"), Expectation::Any, text);
        let committed = store.commit(changes).await.expect("nothing is expected");
        let document = get(&store, "joe").await;
        assert_eq!(
            (document.revision, &*document.body),
            (committed.revision, text.as_bytes())
        );
        let page = store.scan(&Scan::all(users(), 10)).await.expect("the store scans");
        assert_eq!(page.documents, [document]);
    }
}

/// Many tasks, each trying again until it wins.
pub async fn compare_and_set_loses_no_increment(subject: &dyn Subject) {
    const TASKS: usize = 24;
    const INCREMENTS: usize = 10;
    let store = open(subject).await;
    put(&store, [("counter", "0")]).await;
    let tasks: Vec<_> = (0..TASKS)
        .map(|task| {
            let store = store.clone();
            tokio::spawn(async move {
                for round in 0..INCREMENTS {
                    increment(&store, task + round).await;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("the task ends well");
    }
    assert_eq!(
        &*get(&store, "counter").await.body,
        (TASKS * INCREMENTS).to_string().as_bytes()
    );
}

async fn increment(store: &TenantStore, turn: usize) {
    let durability = if turn.is_multiple_of(2) {
        Durability::Durable
    } else {
        Durability::Visible
    };
    for _ in 0..10_000 {
        let counter = get(store, "counter").await;
        let value: usize = str::from_utf8(&counter.body)
            .expect("digits are text")
            .parse()
            .expect("the counter is a number");
        let mut changes = ChangeSet {
            durability,
            ..ChangeSet::new()
        };
        changes.put(
            user("counter"),
            Expectation::Revision(counter.revision),
            (value + 1).to_string(),
        );
        match store.commit(changes).await {
            Ok(_) => return,
            Err(CommitError::Conflict(keys)) => assert_eq!(keys, [user("counter")]),
            Err(CommitError::Store(error)) => panic!("the store failed: {error}"),
        }
    }
    panic!("an increment never won");
}

/// Not by id, not by scanning, not by their revisions; and a tenant that is not there has no documents.
pub async fn tenants_do_not_see_each_other(subject: &dyn Subject) {
    let store = subject.open().await;
    let [one, two] = tenants().map(|tenant| TenantStore::new(store.clone(), tenant));
    let revision = put(&one, [("joe", "1")]).await;
    assert_eq!(two.get(&user("joe")).await.expect("the store reads"), None);
    let page = two.scan(&Scan::all(users(), 10)).await.expect("the store scans");
    assert!(page.documents.is_empty() && page.cursor.is_none());
    put(&two, [("joe", "2"), ("ann", "2")]).await;
    assert_eq!(get(&one, "joe").await.revision, revision);
    assert_eq!(&*get(&one, "joe").await.body, b"1");
    let stranger = TenantStore::new(store, "stranger".parse().expect("the name is made of letters"));
    assert!(matches!(stranger.snapshot().await.map(drop), Err(StoreError::Tenant(name)) if name == "stranger"));
    assert!(matches!(
        stranger.commit(ChangeSet::new()).await,
        Err(CommitError::Store(StoreError::Tenant(_)))
    ));
    assert!(matches!(
        stranger.declare_indexes(&users(), &[]).await,
        Err(StoreError::Tenant(_))
    ));
}
