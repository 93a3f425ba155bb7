//! The order of values.

use std::sync::Arc;

use host_resource::Pointer;

use super::documents::{delete, ids, put, read_all, users};
use super::{Subject, open};
use crate::error::StoreError;
use crate::scan::{Order, Scan};
use crate::tenant_store::TenantStore;

fn n() -> Pointer {
    "/n".parse().expect("a pointer")
}

fn by_value(filter: &str, limit: usize) -> Scan {
    Scan::matching(users(), Arc::new(filter.parse().expect("a filter")), limit).by_value(n())
}

async fn declare(store: &TenantStore, pointers: &[Pointer]) {
    store
        .declare_indexes(&users(), pointers)
        .await
        .expect("the indexes are built");
}

/// Booleans, numbers, texts without regard to case, then what does not compare; ids decide where values are equal.
pub async fn documents_come_in_the_order_of_values(subject: &dyn Subject) {
    let store = open(subject).await;
    declare(&store, &[n()]).await;
    let values = [
        ("z", "false"),
        ("y", "true"),
        ("x", "-5"),
        ("w", "-0.5"),
        ("t", "0"),
        ("u", "-0.0"),
        ("s", "3"),
        ("r", "20"),
        ("q", r#""""#),
        ("p", r#""Ab""#),
        ("o", r#""abc""#),
        ("m", r#""B""#),
        ("n", r#""b""#),
        ("l", r#""ä""#),
        ("k", r#"{"a":1}"#),
    ];
    put(
        &store,
        values.map(|(id, value)| (id, format!(r#"{{"n":{value},"m":1}}"#))),
    )
    .await;
    put(&store, [("a", r#"{"n":null}"#), ("b", r#"{"m":1}"#)]).await;
    let check = async |filter: &str, expected: &str| {
        for limit in [1, 4, 100] {
            let (documents, _) = read_all(&store, &by_value(filter, limit), async |_| ()).await;
            assert_eq!(ids(&documents).concat(), expected, "{filter} {limit}");
        }
    };
    check("/n pr", "zyxwtusrqpomnlk").await;
    check("/n lt 3", "xwtu").await;
    check("/n ge 0", "tusr").await;
    check(r#"/n gt "ab""#, "omnl").await;
    check(r#"/n in '["b",3,true]'"#, "ysmn").await;
    check("/n le true and /m eq 1", "zy").await;
    let page = store.scan(&by_value("/n ge 0", 1)).await.expect("the store scans");
    assert_eq!((ids(&page.documents), page.examined), (vec!["t"], 1));
}

/// Whichever of its values the filter asks for.
pub async fn a_document_with_several_values_comes_once(subject: &dyn Subject) {
    let store = open(subject).await;
    declare(&store, &[n()]).await;
    put(
        &store,
        [
            ("a", r#"{"n":[5,1,9]}"#),
            ("b", r#"{"n":[2,2,2]}"#),
            ("c", r#"{"n":[]}"#),
            ("d", r#"{"n":[7,"x",null]}"#),
        ],
    )
    .await;
    let check = async |filter: &str, by_value_expected: &str, by_id_expected: &str| {
        for limit in [1, 2, 10] {
            let scan = by_value(filter, limit);
            let (documents, _) = read_all(&store, &scan, async |_| ()).await;
            assert_eq!(ids(&documents).concat(), by_value_expected, "{filter} {limit}");
            let (documents, _) = read_all(
                &store,
                &Scan {
                    order: Order::Id,
                    ..scan
                },
                async |_| (),
            )
            .await;
            assert_eq!(ids(&documents).concat(), by_id_expected, "{filter} {limit}");
        }
    };
    check("/n ge 0", "abd", "abd").await;
    check("/n ge 2", "bad", "abd").await;
    check("/n gt 2", "ad", "ad").await;
    check("/n gt 7", "a", "a").await;
    check("/n in '[9,2,1,7]'", "abd", "abd").await;
    check("/n in '[9,2,7]'", "bda", "abd").await;
    check(r#"/n eq "x" or /n eq 7"#, "d", "d").await;
    check("/n pr", "abdc", "abcd").await;
}

/// Else the scan that raises every counter it sees would not end.
pub async fn a_document_that_moves_in_the_order_of_values_never_comes_twice(subject: &dyn Subject) {
    let store = open(subject).await;
    declare(&store, &[n()]).await;
    let document = |id: usize, value: &str| (format!("{id:02}"), format!(r#"{{"n":{value}}}"#));
    put(&store, (0..30).map(|id| document(id, &id.to_string()))).await;
    put(
        &store,
        [document(90, "[4,40]"), document(91, "[41]"), document(92, "[4,42]")],
    )
    .await;
    let mut round = 100;
    let (documents, _) = read_all(&store, &by_value("/n ge 0", 8), async |seen| {
        assert!(seen.len() <= 33, "a document came twice");
        round += 100;
        let raised: Vec<_> = seen
            .iter()
            .filter_map(|document| document.id.parse().ok())
            .filter(|id| *id < 30)
            .collect();
        put(
            &store,
            raised.into_iter().map(|id| document(id, &(round + id).to_string())),
        )
        .await;
        put(&store, [document(90, "[40]"), document(91, "[2,41]")]).await;
    })
    .await;
    let mut seen = ids(&documents);
    seen.sort_unstable();
    let mut once = seen.clone();
    once.dedup();
    assert_eq!(seen, once);
    for id in (0..30)
        .map(|id| format!("{id:02}"))
        .chain(["90".to_owned(), "92".to_owned()])
    {
        assert!(seen.contains(&id.as_str()), "{id} was not moved before it was seen");
    }
}

/// Without an index on the pointer, and without a filter that bounds it.
pub async fn without_an_index_the_order_is_by_id(subject: &dyn Subject) {
    let store = open(subject).await;
    put(
        &store,
        [
            ("a", r#"{"n":3}"#),
            ("b", r#"{"n":2}"#),
            ("c", r#"{"n":1}"#),
            ("d", "{}"),
        ],
    )
    .await;
    let check = async |scan: Scan, expected: &str| {
        let (documents, _) = read_all(&store, &scan, async |_| ()).await;
        assert_eq!(ids(&documents).concat(), expected, "{scan:?}");
    };
    check(by_value("/n ge 0", 1), "abc").await;
    declare(&store, &[n()]).await;
    check(by_value("/n ge 0", 1), "cba").await;
    check(by_value("!(/n eq 2)", 1), "acd").await;
    check(Scan::all(users(), 1).by_value(n()), "abcd").await;
    delete(&store, "b").await;
    check(by_value("/n ge 0", 1), "ca").await;
}

/// It would not mean anything in another one.
pub async fn a_position_in_a_dropped_index_is_refused(subject: &dyn Subject) {
    let store = open(subject).await;
    declare(&store, &[n()]).await;
    put(
        &store,
        (0..20).map(|id| (format!("{id:02}"), format!(r#"{{"n":{id}}}"#))),
    )
    .await;
    let scan = by_value("/n ge 0", 5);
    let cursor = store.scan(&scan).await.expect("the store scans").cursor;
    let goes_on = async || store.scan(&scan.clone().after(cursor.clone())).await;
    assert_eq!(
        ids(&goes_on().await.expect("the index is there").documents),
        ["05", "06", "07", "08", "09"]
    );
    let by_id = Scan {
        order: Order::Id,
        ..scan.clone()
    }
    .after(cursor.clone());
    assert!(matches!(store.scan(&by_id).await, Err(StoreError::Cursor)));
    declare(&store, &[]).await;
    assert!(matches!(goes_on().await, Err(StoreError::Cursor)));
    declare(&store, &[n()]).await;
    assert!(matches!(goes_on().await, Err(StoreError::Cursor)));
}
