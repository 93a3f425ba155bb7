//! What a snapshot shows.

use super::documents::{delete, ids, put, user, users};
use super::{Subject, open};
use crate::change_set::{ChangeSet, Expectation};
use crate::key::Collection;
use crate::scan::Scan;
use crate::unit_of_work::{UnitOfWork, WriteLimits};

/// By id and by scan, whatever others do.
pub async fn a_snapshot_stays_as_it_was(subject: &dyn Subject) {
    let store = open(subject).await;
    store
        .declare_indexes(&users(), &["/name".parse().expect("a pointer")])
        .await
        .expect("the index is built");
    let first = put(&store, [("a", r#"{"name":"x"}"#), ("b", r#"{"name":"x"}"#)]).await;
    let snapshot = store.snapshot().await.expect("the store reads");
    put(&store, [("b", r#"{"name":"y"}"#), ("c", r#"{"name":"x"}"#)]).await;
    delete(&store, "a").await;
    let before = snapshot
        .get(&user("a"))
        .await
        .expect("the store reads")
        .expect("a is still there");
    assert_eq!(before.revision, first);
    assert_eq!(snapshot.get(&user("c")).await.expect("the store reads"), None);
    let named = Scan::matching(
        users(),
        std::sync::Arc::new(r#"/name eq "x""#.parse().expect("a filter")),
        10,
    );
    for (scan, now) in [(Scan::all(users(), 10), &["b", "c"][..]), (named, &["c"])] {
        let page = snapshot.scan(&scan).await.expect("the store scans");
        assert_eq!(ids(&page.documents), ["a", "b"]);
        assert!(page.documents.iter().all(|document| document.revision == first));
        let page = store.scan(&scan).await.expect("the store scans");
        assert_eq!(ids(&page.documents), now);
    }
}

/// Byte by byte, whatever the id and however large.
pub async fn a_document_is_read_as_it_was_written(subject: &dyn Subject) {
    let store = open(subject).await;
    let large = format!("{{\"large\":\"{}\"}}", "x".repeat(3 << 20));
    let bodies = [
        ("ordinary", "{ \"spaces\" : [ 1,2 ] }"),
        ("uid=joe,dc=x/y", "{}"),
        ("ÄÖ\u{1F600}", "{\"é\":\"\u{1F600}\"}"),
        ("large", &large),
    ];
    put(&store, bodies.map(|(id, body)| (id, body.to_owned()))).await;
    for (id, body) in bodies {
        let document = store
            .get(&user(id))
            .await
            .expect("the store reads")
            .expect("it is there");
        assert_eq!((&*document.id, &*document.body), (id, body.as_bytes()));
    }
    let elsewhere = Collection::new("managed/users").key("ordinary");
    assert_eq!(store.get(&elsewhere).await.expect("the store reads"), None);
    let mut changes = ChangeSet::new();
    changes.put(elsewhere.clone(), Expectation::Absent, "{}");
    store.commit(changes).await.expect("it is absent there");
}

/// Also of savepoints within each other, and of a document that was there, came to be, or was deleted.
pub async fn a_unit_goes_back_to_what_it_had_written(subject: &dyn Subject) {
    let store = open(subject).await;
    put(&store, [("old", "{}")]).await;
    let unit = UnitOfWork::new(store.snapshot().await.expect("a snapshot"), WriteLimits::NONE);
    let write = async |id: &str, body: &'static str| unit.put(user(id), body.into()).await.expect("no limit");
    let seen = async |id: &str| {
        let seen = unit.get(&user(id)).await.expect("the store reads");
        seen.map_or_else(String::new, |seen| String::from_utf8_lossy(&seen.body).into_owned())
    };
    write("a", r#"{"n":1}"#).await;
    let outer = unit.savepoint().expect("the unit goes on");
    write("a", r#"{"n":2}"#).await;
    write("b", r#"{"n":2}"#).await;
    let inner = unit.savepoint().expect("the unit goes on");
    write("a", r#"{"n":3}"#).await;
    unit.delete(user("old")).await.expect("no limit");
    unit.delete(user("b")).await.expect("no limit");
    unit.roll_back(inner).expect("the unit goes on");
    assert_eq!(
        [seen("a").await, seen("b").await, seen("old").await],
        [r#"{"n":2}"#, r#"{"n":2}"#, "{}"]
    );
    write("c", r#"{"n":4}"#).await;
    unit.roll_back(outer).expect("the unit goes on");
    assert_eq!(
        [seen("a").await, seen("b").await, seen("c").await],
        [r#"{"n":1}"#, "", ""]
    );
    assert_eq!(unit.count(), (1, 0));
    let changes = unit.end().expect("it has not ended").own.to_changes();
    store.commit(changes).await.expect("nobody else writes");
    let found = store.scan(&Scan::all(users(), 10)).await.expect("the store scans");
    assert_eq!(ids(&found.documents), ["a", "old"]);
}
