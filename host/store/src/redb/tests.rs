//! The conformance suite in memory and on disk, and what only files have.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use host_model::clock::{Clock, Timestamp};
use host_model::tenant::TenantName;
use tempfile::TempDir;

use super::{RedbOptions, RedbStore};
use crate::change_set::{ChangeSet, Durability, Expectation};
use crate::conformance::documents::{find, get, put, read_all, user, users};
use crate::conformance::{Subject, tenants};
use crate::error::{CommitError, StoreError};
use crate::scan::Scan;
use crate::store::Store;
use crate::tenant_store::TenantStore;

/// A clock that stands still.
#[derive(Debug)]
struct Still;

#[async_trait]
impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }

    async fn sleep_until(&self, _: Timestamp) {}
}

struct Memory;

#[async_trait]
impl Subject for Memory {
    async fn open(&self) -> Arc<dyn Store> {
        let store = RedbStore::in_memory(Arc::new(Still));
        for tenant in tenants() {
            store.open_tenant(&tenant).await.unwrap();
        }
        store
    }

    fn keeps(&self) -> bool {
        false
    }
}

struct Disk(TempDir);

impl Disk {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }
}

#[async_trait]
impl Subject for Disk {
    async fn open(&self) -> Arc<dyn Store> {
        open_in(self.0.path()).await.unwrap()
    }

    fn keeps(&self) -> bool {
        true
    }
}

crate::store_conformance!(in_memory, Memory);
crate::store_conformance!(on_disk, Disk::new());

async fn open_in(folder: &Path) -> Result<Arc<RedbStore>, StoreError> {
    let store = RedbStore::open(folder, Arc::new(Still), RedbOptions::default())?;
    for tenant in tenants() {
        store.open_tenant(&tenant).await?;
    }
    Ok(store)
}

fn of_one(store: &Arc<RedbStore>) -> TenantStore {
    let [tenant, _] = tenants();
    TenantStore::new(store.clone(), tenant)
}

#[tokio::test]
async fn a_second_process_is_told_which_file_is_in_use() {
    let folder = TempDir::new().unwrap();
    let first = open_in(folder.path()).await.unwrap();
    let error = open_in(folder.path()).await.unwrap_err();
    let expected = folder.path().join("one.redb").display().to_string();
    assert!(
        matches!(&error, StoreError::Locked(path) if *path == expected),
        "{error}"
    );
    assert!(error.to_string().contains("in use by another process"));
    first.close().await.unwrap();
    open_in(folder.path()).await.unwrap();
}

#[tokio::test]
async fn a_file_that_is_no_database_is_named() {
    let folder = TempDir::new().unwrap();
    std::fs::write(
        folder.path().join("one.redb"),
        "not a database, but long enough to look for one".repeat(500),
    )
    .unwrap();
    let error = open_in(folder.path()).await.unwrap_err();
    assert!(
        matches!(&error, StoreError::Damaged(what) if what.contains("one.redb")),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_file_that_was_cut_or_overwritten_is_named() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("one.redb");
    let store = open_in(folder.path()).await.unwrap();
    put(&of_one(&store), (0..2000).map(|n| (format!("{n:04}"), "{}"))).await;
    store.close().await.unwrap();
    let good = std::fs::read(&path).unwrap();
    let overwritten = [0..9, 9..64, 64..400, 4096..good.len()].map(|range| {
        let mut bad = good.clone();
        bad[range].fill(0x5A);
        bad
    });
    let cut = [10, 4096, good.len() / 2].map(|length| good[..length].to_vec());
    for bad in overwritten.into_iter().chain(cut) {
        std::fs::write(&path, bad).unwrap();
        let error = open_in(folder.path()).await.unwrap_err();
        assert!(
            matches!(&error, StoreError::Damaged(what) if what.contains("one.redb")),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn a_tenant_may_be_opened_twice_and_is_closed_once() {
    let store = RedbStore::in_memory(Arc::new(Still));
    let tenant = TenantName::default_tenant();
    store.open_tenant(&tenant).await.unwrap();
    let documents = TenantStore::new(store.clone(), tenant.clone());
    put(&documents, [("joe", "{}")]).await;
    store.open_tenant(&tenant).await.unwrap();
    let snapshot = documents.snapshot().await.unwrap();
    store.close().await.unwrap();
    store.close().await.unwrap();
    assert!(matches!(documents.snapshot().await.map(drop), Err(StoreError::Closed)));
    assert!(matches!(
        documents.commit(ChangeSet::new()).await,
        Err(CommitError::Store(StoreError::Closed))
    ));
    assert!(matches!(
        documents.declare_indexes(&users(), &[]).await,
        Err(StoreError::Closed)
    ));
    drop(snapshot);
}

/// The files as a crash leaves them: copies while they are open and nobody writes.
async fn crash(folder: &Path) -> TempDir {
    let copy = TempDir::new().unwrap();
    for name in ["one.redb", "two.redb"] {
        std::fs::copy(folder.join(name), copy.path().join(name)).unwrap();
    }
    copy
}

#[tokio::test]
async fn a_crash_forgets_what_was_only_visible_and_no_revision_comes_again() {
    let folder = TempDir::new().unwrap();
    let store = open_in(folder.path()).await.unwrap();
    let one = of_one(&store);
    let mut changes = ChangeSet::new();
    changes.put(user("durable"), Expectation::Absent, "1");
    one.commit(changes).await.unwrap();
    let forgotten = put(&one, [("visible", "2")]).await;
    let copy = crash(folder.path()).await;
    let again = of_one(&open_in(copy.path()).await.unwrap());
    assert_eq!(&*get(&again, "durable").await.body, b"1");
    assert_eq!(again.get(&user("visible")).await.unwrap(), None);
    assert!(put(&again, [("visible", "3")]).await > forgotten);
}

#[tokio::test]
async fn visible_commits_are_made_durable_before_they_are_too_many() {
    let folder = TempDir::new().unwrap();
    let store = open_in(folder.path()).await.unwrap();
    let one = of_one(&store);
    for n in 0..super::writer::VISIBLE_SETS + 10 {
        put(&one, [(n.to_string(), "{}")]).await;
    }
    let copy = crash(folder.path()).await;
    let again = of_one(&open_in(copy.path()).await.unwrap());
    let kept = find(&again, &Scan::all(users(), 500)).await.len() as u64;
    assert!(kept >= super::writer::VISIBLE_SETS, "{kept}");
}

#[tokio::test]
async fn a_build_that_a_close_interrupts_goes_on_later() {
    let folder = TempDir::new().unwrap();
    let store = open_in(folder.path()).await.unwrap();
    let one = of_one(&store);
    for chunk in 0..6 {
        put(
            &one,
            (chunk * 3000..(chunk + 1) * 3000).map(|n| (format!("{n:06}"), format!(r#"{{"n":{n},"m":{}}}"#, n % 7))),
        )
        .await;
    }
    let pointers = ["/n".parse().unwrap(), "/m".parse().unwrap()];
    let declared = tokio::spawn({
        let (one, pointers) = (one.clone(), pointers.clone());
        async move { one.declare_indexes(&users(), &pointers).await }
    });
    // The only thread: the declaration is in the queue when this goes on.
    tokio::task::yield_now().await;
    put(&one, [("002000", r#"{"n":"changed","m":1}"#)]).await;
    store.close().await.unwrap();
    assert!(matches!(declared.await.unwrap(), Ok(()) | Err(StoreError::Closed)));
    let again = of_one(&open_in(folder.path()).await.unwrap());
    again.declare_indexes(&users(), &pointers).await.unwrap();
    for (filter, count) in [
        ("/n eq 2000", 0),
        (r#"/n eq "changed""#, 1),
        ("/n eq 17999", 1),
        ("/n ge 17000", 1000),
        ("/m eq 1", 2573),
    ] {
        let scan = Scan::matching(users(), Arc::new(filter.parse().unwrap()), 500);
        let (documents, examined) = read_all(&again, &scan, async |_| ()).await;
        assert_eq!((documents.len(), examined), (count, count), "{filter}");
    }
}

#[tokio::test]
async fn many_documents_of_several_values_come_by_id() {
    let store = RedbStore::in_memory(Arc::new(Still));
    let tenant = TenantName::default_tenant();
    store.open_tenant(&tenant).await.unwrap();
    let documents = TenantStore::new(store, tenant);
    documents
        .declare_indexes(&users(), &["/n".parse().unwrap()])
        .await
        .unwrap();
    // Of the first value many small ids, of the second large ones too, of the third both.
    let value = |n: usize| {
        if n < 3000 && !n.is_multiple_of(5) {
            "1"
        } else if n.is_multiple_of(2) {
            "2"
        } else {
            "[1,2,3]"
        }
    };
    for chunk in 0..8 {
        put(
            &documents,
            (chunk * 1000..(chunk + 1) * 1000).map(|n| (format!("{n:06}"), format!(r#"{{"n":{}}}"#, value(n)))),
        )
        .await;
    }
    for limit in [300, 1024, 10_000] {
        let scan = Scan::matching(users(), Arc::new("/n in '[1,2,3]'".parse().unwrap()), limit);
        let (found, examined) = read_all(&documents, &scan, async |_| ()).await;
        assert_eq!(examined, 8000);
        assert!(
            found
                .iter()
                .map(|document| document.id.to_string())
                .eq((0..8000).map(|n| format!("{n:06}"))),
            "{limit}"
        );
    }
}

#[tokio::test]
async fn a_broad_range_is_answered_by_the_collection_and_a_narrow_one_by_the_index() {
    let store = RedbStore::in_memory(Arc::new(Still));
    let tenant = TenantName::default_tenant();
    store.open_tenant(&tenant).await.unwrap();
    let documents = TenantStore::new(store, tenant);
    documents
        .declare_indexes(&users(), &["/n".parse().unwrap()])
        .await
        .unwrap();
    for chunk in 0..25 {
        put(
            &documents,
            (chunk * 1000..(chunk + 1) * 1000).map(|n| (format!("{n:06}"), format!(r#"{{"n":{n}}}"#))),
        )
        .await;
    }
    let check = async |filter: &str, expected: (usize, usize)| {
        let scan = Scan::matching(users(), Arc::new(filter.parse().unwrap()), 5000);
        let (documents, examined) = read_all(&documents, &scan, async |_| ()).await;
        assert_eq!((documents.len(), examined), expected, "{filter}");
        assert!(documents.is_sorted_by_key(|document| document.id.clone()));
    };
    check("/n ge 1000", (24_000, 25_000)).await;
    check("/n ge 6000", (19_000, 19_000)).await;
    check("/n ge 24999", (1, 1)).await;
}

#[tokio::test]
async fn a_conflict_leaves_the_others_of_its_group_alone() {
    let folder = TempDir::new().unwrap();
    let one = of_one(&open_in(folder.path()).await.unwrap());
    let commits: Vec<_> = (0..200)
        .map(|n| {
            let one = one.clone();
            tokio::spawn(async move {
                let mut changes = ChangeSet {
                    durability: if n % 3 == 0 {
                        Durability::Durable
                    } else {
                        Durability::Visible
                    },
                    ..ChangeSet::new()
                };
                changes.put(
                    user(&format!("own-{n}")),
                    Expectation::Absent,
                    Bytes::from(n.to_string()),
                );
                changes.put(
                    user(&format!("shared-{}", n % 10)),
                    Expectation::Absent,
                    Bytes::from(n.to_string()),
                );
                (n, one.commit(changes).await)
            })
        })
        .collect();
    let mut won = Vec::new();
    for commit in commits {
        let (n, outcome) = commit.await.unwrap();
        match outcome {
            Ok(committed) => won.push((n, committed.revision)),
            Err(CommitError::Conflict(keys)) => assert_eq!(keys, [user(&format!("shared-{}", n % 10))]),
            Err(CommitError::Store(error)) => panic!("{error}"),
        }
    }
    assert_eq!(won.len(), 10);
    for (n, revision) in &won {
        for id in [format!("own-{n}"), format!("shared-{}", n % 10)] {
            let document = get(&one, &id).await;
            assert_eq!(
                (document.revision, document.body),
                (*revision, Bytes::from(n.to_string()))
            );
        }
    }
    assert_eq!(find(&one, &Scan::all(users(), 500)).await.len(), 20);
}
