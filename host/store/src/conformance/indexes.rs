//! What indexes answer, and that they change nothing but the work.

use std::collections::BTreeSet;
use std::sync::Arc;

use host_resource::Pointer;
use host_resource::filter::Filter;
use serde_json::{Map, Value, json};

use super::dice::Dice;
use super::documents::{delete, find, ids, put, read_all, user, users};
use super::{Subject, open};
use crate::change_set::{ChangeSet, Expectation};
use crate::scan::Scan;
use crate::tenant_store::TenantStore;

fn filter(text: &str) -> Arc<Filter> {
    Arc::new(text.parse().unwrap_or_else(|error| panic!("{text}: {error}")))
}

fn pointers(texts: &[&str]) -> Vec<Pointer> {
    texts.iter().map(|text| text.parse().expect("a pointer")).collect()
}

async fn declare(store: &TenantStore, texts: &[&str]) {
    store
        .declare_indexes(&users(), &pointers(texts))
        .await
        .expect("the indexes are built");
}

const FIELDS: [&str; 5] = ["/name", "/age", "/tags", "/nested/x", "/_id"];
const TEXTS: [&str; 9] = ["", "a", "A", "ab", "aB", "Äa", "äA", "b", "\0z"];
const NUMBERS: [f64; 7] = [-1.5, -0.0, 0.0, 1.0, 7.0, 7.5, 1e12];

fn some_value(dice: &mut Dice, depth: usize) -> Value {
    match dice.below(if depth == 0 { 8 } else { 6 }) {
        0 => Value::Null,
        1 => json!(dice.below(2) == 0),
        2 | 3 => json!(dice.pick(&NUMBERS)),
        4 | 5 => json!(dice.pick(&TEXTS)),
        6 => (0..dice.below(4)).map(|_| some_value(dice, depth + 1)).collect(),
        _ => json!({"x": some_value(dice, depth + 1)}),
    }
}

fn some_document(dice: &mut Dice) -> Value {
    let mut document = Map::new();
    for name in ["name", "age", "tags"] {
        if dice.below(4) > 0 {
            document.insert(name.to_owned(), some_value(dice, 0));
        }
    }
    let nested = if dice.below(3) > 0 {
        json!({"x": some_value(dice, 0)})
    } else {
        some_value(dice, 0)
    };
    document.insert("nested".to_owned(), nested);
    Value::Object(document)
}

fn some_filter(dice: &mut Dice, depth: usize) -> String {
    match dice.below(if depth < 3 { 7 } else { 4 }) {
        0..=2 => {
            let literal = match dice.below(4) {
                0 => dice.pick(&["true", "false"]).to_string(),
                1 => format!("{:.1}", dice.pick(&NUMBERS)),
                _ => format!("\"{}\"", dice.pick(&TEXTS)),
            };
            format!(
                "{} {} {literal}",
                dice.pick(&FIELDS),
                dice.pick(&["eq", "co", "sw", "lt", "le", "gt", "ge"])
            )
        }
        3 => match dice.below(3) {
            0 => format!("{} pr", dice.pick(&FIELDS)),
            1 => format!("{} in '[\"a\",\"AB\",7,true]'", dice.pick(&FIELDS)),
            _ => "false".to_owned(),
        },
        4 => format!("!({})", some_filter(dice, depth + 1)),
        _ => {
            let joined = dice.pick(&["and", "or"]).to_string();
            format!(
                "({} {joined} {})",
                some_filter(dice, depth + 1),
                some_filter(dice, depth + 1)
            )
        }
    }
}

/// Random documents and random filters, against the filter's own evaluation.
pub async fn a_filter_finds_the_same_with_and_without_an_index(subject: &dyn Subject) {
    const DOCUMENTS: usize = 200;
    let store = open(subject).await;
    let mut dice = Dice::new(41);
    let filters: Vec<_> = (0..60).map(|_| filter(&some_filter(&mut dice, 0))).collect();
    let id = |n: usize| format!("{}{n}", ["a", "B", "ä"][n % 3]);
    let mut model: Vec<Option<Value>> = vec![None; DOCUMENTS];
    for indexed in [
        &[][..],
        &FIELDS,
        &FIELDS[..2],
        &["/name", "/age", "/tags", "/nested/x", "/nested", "/tags/0"],
    ] {
        declare(&store, indexed).await;
        let mut changes = ChangeSet::new();
        for (n, known) in model
            .iter_mut()
            .enumerate()
            .filter(|(n, _)| indexed.is_empty() || n % 3 > 0)
        {
            *known = if dice.below(8) > 0 {
                Some(some_document(&mut dice))
            } else {
                None
            };
            match known {
                Some(body) => changes.put(user(&id(n)), Expectation::Any, body.to_string()),
                None => changes.delete(user(&id(n)), Expectation::Any),
            }
        }
        store.commit(changes).await.expect("nothing is expected");
        for filter in &filters {
            let expected: BTreeSet<_> = (0..DOCUMENTS)
                .filter(|n| {
                    let Some(Value::Object(mut members)) = model[*n].clone() else {
                        return false;
                    };
                    members.insert("_id".to_owned(), id(*n).into());
                    filter.matches(&Value::Object(members))
                })
                .map(id)
                .collect();
            let scan = Scan {
                examine: 90,
                ..Scan::matching(users(), filter.clone(), 1 + dice.below(60))
            };
            let order = dice.pick(&FIELDS).parse().expect("a pointer");
            for scan in [scan.clone(), scan.by_value(order)] {
                let found: BTreeSet<_> = find(&store, &scan).await.into_keys().collect();
                assert_eq!(found, expected, "{filter} {:?} {indexed:?}", scan.order);
            }
        }
    }
}

/// That is what an index is for.
pub async fn an_indexed_equality_looks_only_at_what_it_returns(subject: &dyn Subject) {
    let store = open(subject).await;
    declare(&store, &["/userName", "/group"]).await;
    put(
        &store,
        (0..500).map(|n| {
            (
                format!("{n:03}"),
                format!(r#"{{"userName":"User{n}","group":{}}}"#, n % 50),
            )
        }),
    )
    .await;
    let check = async |text: &str, expected: usize| {
        let (documents, examined) = read_all(&store, &Scan::matching(users(), filter(text), 3), async |_| ()).await;
        assert_eq!((documents.len(), examined), (expected, expected), "{text}");
    };
    check(r#"/userName eq "USER77""#, 1).await;
    check(r#"/userName eq "user777""#, 0).await;
    check(r#"/userName sw "user4""#, 111).await;
    check("/group eq 7", 10).await;
    check("/group in '[7,8,9]'", 30).await;
    check("/group ge 48", 20).await;
    check(r#"/group eq 7 or /group eq "7""#, 10).await;
    let (documents, examined) = read_all(
        &store,
        &Scan::matching(users(), filter(r#"/group eq 7 and /userName sw "user1""#), 3),
        async |_| (),
    )
    .await;
    assert!(documents.len() == 2 && examined < 120, "{examined}");
}

/// More documents than a backend is likely to take up at once.
pub async fn an_index_takes_up_what_was_there_before(subject: &dyn Subject) {
    let store = open(subject).await;
    for chunk in 0..5 {
        put(
            &store,
            (chunk * 1000..chunk * 1000 + 1000).map(|n| (format!("{n:05}"), format!(r#"{{"n":{n},"m":{}}}"#, n % 100))),
        )
        .await;
    }
    declare(&store, &["/n", "/m"]).await;
    let (documents, examined) =
        read_all(&store, &Scan::matching(users(), filter("/n eq 4321"), 10), async |_| ()).await;
    assert_eq!((ids(&documents), examined), (vec!["04321"], 1));
    let (documents, examined) = read_all(&store, &Scan::matching(users(), filter("/m eq 21"), 10), async |_| ()).await;
    assert_eq!((documents.len(), examined), (50, 50));
    declare(&store, &["/m", "/n", "/m"]).await;
    declare(&store, &["/n"]).await;
    let (documents, examined) = read_all(&store, &Scan::matching(users(), filter("/n lt 10"), 100), async |_| ()).await;
    assert_eq!((documents.len(), examined), (10, 10));
}

/// Each document says what it is; nothing that was true is lost, nothing that is over stays.
pub async fn an_index_is_exact_when_others_write_while_it_is_built(subject: &dyn Subject) {
    const DOCUMENTS: usize = 4000;
    let store = open(subject).await;
    let document = |n: usize, value: usize| (format!("{n:05}"), format!(r#"{{"value":{value}}}"#));
    for chunk in 0..4 {
        put(&store, (chunk * 1000..(chunk + 1) * 1000).map(|n| document(n, n % 10))).await;
    }
    let writer = tokio::spawn({
        let store = store.clone();
        async move {
            let mut dice = Dice::new(3);
            for _ in 0..60 {
                let changed: BTreeSet<_> = (0..20).map(|_| dice.below(DOCUMENTS)).collect();
                put(&store, changed.into_iter().map(|n| document(n, 10 + n % 10))).await;
                delete(&store, &format!("{:05}", dice.below(DOCUMENTS))).await;
            }
        }
    });
    declare(&store, &["/value"]).await;
    writer.await.expect("the task ends well");
    let all = find(&store, &Scan::all(users(), 500)).await;
    for value in 0..20 {
        let expected: Vec<_> = all
            .values()
            .filter(|document| document.body == format!(r#"{{"value":{value}}}"#))
            .cloned()
            .collect();
        let (found, examined) = read_all(
            &store,
            &Scan::matching(users(), filter(&format!("/value eq {value}")), 500),
            async |_| (),
        )
        .await;
        assert_eq!((&found, examined), (&expected, found.len()), "{value}");
    }
}

/// Also by a scan that began while it was there.
pub async fn a_dropped_index_is_no_longer_asked(subject: &dyn Subject) {
    let store = open(subject).await;
    declare(&store, &["/n"]).await;
    put(
        &store,
        (0..100).map(|n| (format!("{n:02}"), format!(r#"{{"n":{}}}"#, n % 2))),
    )
    .await;
    let scan = Scan::matching(users(), filter("/n eq 1"), 10);
    let first = store.scan(&scan).await.expect("the store scans");
    assert_eq!(first.examined, 10);
    declare(&store, &[]).await;
    put(&store, [("01", r#"{"n":0}"#), ("98", r#"{"n":1}"#)]).await;
    let (rest, examined) = read_all(&store, &scan.clone().after(first.cursor), async |_| ()).await;
    // Behind 19: what was odd, and 98.
    assert_eq!((rest.len(), examined), (41, 80));
    declare(&store, &["/n"]).await;
    let (all, examined) = read_all(&store, &scan, async |_| ()).await;
    assert_eq!((all.len(), examined), (50, 50));
}

/// However much of a text an index keeps.
pub async fn long_texts_are_told_apart(subject: &dyn Subject) {
    let store = open(subject).await;
    let text = |n: usize| format!("{}{}", "é".repeat(60 * (n / 4)), ["", "a", "b", "ba"][n % 4]);
    put(
        &store,
        (0..40).map(|n| (format!("{n:02}"), json!({"text": text(n)}).to_string())),
    )
    .await;
    for indexed in [&[][..], &["/text"]] {
        declare(&store, indexed).await;
        for n in 0..40 {
            for operator in ["eq", "sw", "lt", "le", "gt", "ge"] {
                let filter = filter(&format!("/text {operator} \"{}\"", text(n)));
                let expected: Vec<_> = (0..40)
                    .filter(|m| filter.matches(&json!({"text": text(*m)})))
                    .map(|m| format!("{m:02}"))
                    .collect();
                let found = find(&store, &Scan::matching(users(), filter, 9)).await;
                assert!(
                    found.keys().eq(&expected),
                    "{operator} {n} {indexed:?}: {:?}",
                    found.keys()
                );
            }
        }
    }
}

/// Every page moves all documents within the range that the scan asks for.
pub async fn a_document_that_moves_in_its_index_is_returned_exactly_once(subject: &dyn Subject) {
    let store = open(subject).await;
    declare(&store, &["/n"]).await;
    let mut dice = Dice::new(99);
    let documents = |dice: &mut Dice| -> Vec<_> {
        (0..60)
            .map(|n| (format!("{n:02}"), format!(r#"{{"n":{}}}"#, dice.below(100))))
            .collect()
    };
    put(&store, documents(&mut dice)).await;
    let scan = Scan::matching(users(), filter("/n ge 0 and /n lt 100"), 7);
    let (found, _) = read_all(&store, &scan, async |_| {
        put(&store, documents(&mut dice)).await;
    })
    .await;
    assert_eq!(ids(&found), (0..60).map(|n| format!("{n:02}")).collect::<Vec<_>>());
}
