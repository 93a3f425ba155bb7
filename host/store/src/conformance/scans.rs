//! What a scan by id returns, page by page.

use std::sync::Arc;

use super::dice::Dice;
use super::documents::{delete, find, get, ids, put, read_all, user, users};
use super::{Subject, open};
use crate::change_set::{ChangeSet, Expectation};
use crate::error::StoreError;
use crate::key::Collection;
use crate::scan::{Cursor, PAGE_BYTES, Scan};
use crate::tenant_store::TenantStore;

fn matching(filter: &str, limit: usize) -> Scan {
    Scan::matching(users(), Arc::new(filter.parse().expect("a filter")), limit)
}

/// Nothing of its neighbours, and nothing of an empty one.
pub async fn a_scan_returns_a_collection_by_id(subject: &dyn Subject) {
    let store = open(subject).await;
    let mut changes = ChangeSet::new();
    for collection in [
        "managed",
        "managed/use",
        "managed/user",
        "managed/user-old",
        "managed/user/x",
        "managed/users",
    ] {
        for id in ["b", "a", "é", "a/b", "\u{1F600}", "B"] {
            changes.put(Collection::new(collection).key(id), Expectation::Absent, "{}");
        }
    }
    store.commit(changes).await.expect("they are absent");
    for limit in [1, 2, 5, 6, 100] {
        let (documents, examined) = read_all(&store, &Scan::all(users(), limit), async |_| ()).await;
        assert_eq!(ids(&documents), ["B", "a", "a/b", "b", "é", "\u{1F600}"], "{limit}");
        assert_eq!(examined, 6);
    }
    for (id, expected) in [
        ("a", &["a/b", "b", "é", "\u{1F600}"][..]),
        ("aa", &["b", "é", "\u{1F600}"]),
        ("\u{1F600}", &[]),
    ] {
        let (documents, _) = read_all(&store, &Scan::all(users(), 2).behind(Some(id.into())), async |_| ()).await;
        assert_eq!(ids(&documents), expected, "behind {id}");
    }
    let page = store
        .scan(&Scan::all(Collection::new("managed/role"), 10))
        .await
        .expect("the store scans");
    assert!(page.documents.is_empty() && page.cursor.is_none());
}

/// The last page has no cursor, whichever way it ended.
pub async fn a_page_holds_no_more_than_was_asked_for(subject: &dyn Subject) {
    let store = open(subject).await;
    put(&store, (0..20).map(|n| (format!("{n:02}"), format!("{{\"n\":{n}}}")))).await;
    let page = store.scan(&Scan::all(users(), 7)).await.expect("the store scans");
    assert_eq!((page.documents.len(), page.examined), (7, 7));
    let page = store
        .scan(&Scan::all(users(), 13).after(page.cursor))
        .await
        .expect("the store scans");
    assert_eq!((page.documents.len(), page.cursor), (13, None));
    let page = store.scan(&matching("/n ge 18", 2)).await.expect("the store scans");
    assert_eq!(
        (ids(&page.documents), page.examined, page.cursor),
        (vec!["18", "19"], 20, None)
    );
    let none = store.scan(&Scan::all(users(), 0)).await.expect("the store scans");
    assert!(none.documents.is_empty() && none.examined == 0);
    let rest = store
        .scan(&Scan::all(users(), 100).after(none.cursor))
        .await
        .expect("the store scans");
    assert_eq!(rest.documents.len(), 20);
}

/// So that one call is short however few match.
pub async fn a_page_may_be_empty_and_have_a_cursor(subject: &dyn Subject) {
    let store = open(subject).await;
    put(&store, (0..50).map(|n| (format!("{n:02}"), format!("{{\"n\":{n}}}")))).await;
    let scan = Scan {
        examine: 20,
        ..matching("/n eq 45", 10)
    };
    let first = store.scan(&scan).await.expect("the store scans");
    assert_eq!((first.documents.len(), first.examined), (0, 20));
    let second = store
        .scan(&scan.clone().after(first.cursor))
        .await
        .expect("the store scans");
    assert_eq!((second.documents.len(), second.examined), (0, 20));
    let third = store.scan(&scan.after(second.cursor)).await.expect("the store scans");
    assert_eq!(
        (ids(&third.documents), third.examined, third.cursor),
        (vec!["45"], 10, None)
    );
}

/// A document that is larger than the bound comes alone.
pub async fn a_page_is_bounded_by_bytes(subject: &dyn Subject) {
    let store = open(subject).await;
    let body = |bytes: usize| format!("{{\"x\":\"{}\"}}", "x".repeat(bytes));
    put(&store, (0..12).map(|n| (format!("m{n:02}"), body(PAGE_BYTES / 5)))).await;
    put(&store, [("n", body(PAGE_BYTES + 1)), ("o", body(1))]).await;
    store
        .declare_indexes(&users(), &["/x".parse().expect("a pointer")])
        .await
        .expect("the index is built");
    for scan in [
        Scan::all(users(), 500),
        matching("/x sw \"x\"", 500),
        matching("/x ge \"\"", 500).by_value("/x".parse().expect("a pointer")),
    ] {
        let (mut cursor, mut count) = (None, 0);
        loop {
            let page = store.scan(&scan.clone().after(cursor)).await.expect("the store scans");
            let bytes: usize = page.documents.iter().map(|document| document.body.len()).sum();
            assert!(
                bytes <= PAGE_BYTES || page.documents.len() == 1,
                "{bytes} in {}",
                page.documents.len()
            );
            count += page.documents.len();
            cursor = page.cursor;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(count, 14);
    }
}

/// Neither is in the body, and an index on the revision would be of no use.
pub async fn a_filter_may_ask_for_id_and_revision(subject: &dyn Subject) {
    let store = open(subject).await;
    put(&store, [("ann", "{}"), ("joe", "{}"), ("Joey", "{}")]).await;
    let revision = put(&store, [("joe", "{}")]).await;
    let filters = [
        (r#"/_id eq "JOE""#.to_owned(), &["joe"][..]),
        (r#"/_id sw "jo""#.to_owned(), &["Joey", "joe"]),
        (r#"/_id gt "ann""#.to_owned(), &["Joey", "joe"]),
        (r#"/_id pr"#.to_owned(), &["Joey", "ann", "joe"]),
        (format!(r#"/_rev eq "{revision}""#), &["joe"]),
        (format!(r#"/_rev lt "{revision}""#), &["Joey", "ann"]),
    ];
    for pointers in [&[][..], &["/_id", "/_rev"]] {
        let pointers: Vec<_> = pointers
            .iter()
            .map(|pointer| pointer.parse().expect("a pointer"))
            .collect();
        store
            .declare_indexes(&users(), &pointers)
            .await
            .expect("the indexes are built");
        for (filter, expected) in &filters {
            let found = find(&store, &matching(filter, 2)).await;
            assert_eq!(
                found.keys().map(String::as_str).collect::<Vec<_>>(),
                *expected,
                "{filter} {pointers:?}"
            );
        }
    }
}

/// And so is what nobody made.
pub async fn a_cursor_of_another_scan_is_refused(subject: &dyn Subject) {
    let store = open(subject).await;
    put(&store, (0..20).map(|n| (format!("{n:02}"), "{}"))).await;
    let cursor = store
        .scan(&Scan::all(users(), 5))
        .await
        .expect("the store scans")
        .cursor
        .expect("there is more");
    let elsewhere = Scan::all(Collection::new("managed/role"), 5).after(Some(cursor.clone()));
    assert!(matches!(store.scan(&elsewhere).await, Err(StoreError::Cursor)));
    let mut cut = cursor.as_bytes().to_vec();
    for bytes in [vec![], vec![0xFF; 40], cut.drain(..4).collect()] {
        let scan = Scan::all(users(), 5).after(Some(Cursor::from_bytes(bytes)));
        assert!(matches!(store.scan(&scan).await, Err(StoreError::Cursor)));
    }
    let text = Cursor::from_text(&cursor.to_text()).expect("it was made from a cursor");
    assert_eq!(
        store
            .scan(&Scan::all(users(), 500).after(Some(text)))
            .await
            .expect("the store scans")
            .documents
            .len(),
        15
    );
}

/// With and without an index: others come, go and change between two pages.
pub async fn what_stays_is_returned_exactly_once_while_others_write(subject: &dyn Subject) {
    let store = open(subject).await;
    let id = |n: usize| format!("{n:04}");
    let body = |n: usize, round: usize| {
        format!(
            r#"{{"group":{},"round":{round},"stays":{}}}"#,
            n % 3,
            n.is_multiple_of(2)
        )
    };
    put(&store, (0..300).map(|n| (id(n), body(n, 0)))).await;
    let scans = [
        Scan::all(users(), 11),
        matching("/stays eq true", 11),
        matching("/group ge 1 and /stays eq true", 7),
        Scan {
            examine: 5,
            ..matching("/group eq 1 and /stays eq true", 7)
        },
        matching("/group in '[0,2]' and /stays eq true", 13),
    ];
    let mut dice = Dice::new(7);
    for pointers in [&[][..], &["/group"], &["/group", "/stays", "/round"]] {
        let pointers: Vec<_> = pointers
            .iter()
            .map(|pointer| pointer.parse().expect("a pointer"))
            .collect();
        store
            .declare_indexes(&users(), &pointers)
            .await
            .expect("the indexes are built");
        for scan in &scans {
            let mut round = 0;
            let (documents, _) = read_all(&store, scan, async |_| {
                round += 1;
                disturb(&store, &mut dice, |n| (id(n), body(n, round))).await;
            })
            .await;
            let mut seen = ids(&documents);
            seen.retain(|id| id.parse::<usize>().is_ok_and(|n| n.is_multiple_of(2)));
            let filter = scan.filter.as_deref();
            let mut expected = Vec::new();
            for n in (0..300).step_by(2) {
                let value = serde_json::from_slice(&get(&store, &id(n)).await.body).expect("the body is JSON");
                if filter.is_none_or(|filter| filter.matches(&value)) {
                    expected.push(id(n));
                }
            }
            assert_eq!(seen, expected, "{scan:?} {pointers:?}");
        }
    }
}

/// Odd documents come and go, even ones change what the scan does not ask for.
async fn disturb(store: &TenantStore, dice: &mut Dice, document: impl Fn(usize) -> (String, String)) {
    let mut changes = ChangeSet {
        durability: crate::Durability::Visible,
        ..ChangeSet::new()
    };
    for _ in 0..10 {
        let (id, body) = document(dice.below(300));
        if changes.writes.iter().all(|write| *write.key.id != *id) {
            changes.put(user(&id), Expectation::Any, body);
        }
    }
    store.commit(changes).await.expect("nothing is expected");
    let (id, _) = document(dice.below(150) * 2 + 1);
    delete(store, &id).await;
}
