//! Changes at the same time, and changes inside a unit of work.

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn increments_by_patch_at_the_same_time_all_count() {
    let house = House::with_users([json!({"number": 0})]).await;
    let writers: Vec<_> = (0..60)
        .map(|_| {
            let house = house.clone();
            tokio::spawn(async move { house.patch("user/u000", None, increment()).await })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap().unwrap();
    }
    assert_eq!(content(house.read("user/u000").await), r#"{"number":60}"#);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_changes_of_one_revision_only_one_wins() {
    let house = House::with_users([json!({"number": 0})]).await;
    for round in 1..=20 {
        let read = house.read("user/u000").await.unwrap();
        let (first, second) = tokio::join!(
            house.patch("user/u000", Some(rev(&read)), increment()),
            house.patch("user/u000", Some(rev(&read)), increment()),
        );
        let (won, lost) = if first.is_ok() {
            (first, second)
        } else {
            (second, first)
        };
        assert_eq!(content(won), format!(r#"{{"number":{round}}}"#));
        assert!(refusal(lost).starts_with("412: "));
    }
}

#[tokio::test]
async fn of_two_creates_of_one_id_only_one_wins() {
    let house = House::new().await;
    let (first, second) = tokio::join!(
        house.create("user", Some("joe"), json!({"a": 1})),
        house.create("user", Some("joe"), json!({"a": 2}))
    );
    let (won, lost) = if first.is_ok() {
        (first, second)
    } else {
        (second, first)
    };
    assert_eq!(refusal(lost), "412: 'managed/user/joe' exists already");
    assert_eq!(content(house.read("user/joe").await), content(won));
}

#[tokio::test]
async fn nobody_else_sees_what_is_not_committed() {
    let house = House::with_users([json!({"number": 1}), json!({"number": 2})]).await;
    let unit = house.within(WriteLimits::NONE).await;
    unit.create("user", Some("new"), json!({"number": 3})).await.unwrap();
    unit.update("user/u000", None, json!({"number": 10})).await.unwrap();
    unit.delete("user/u001", None).await.unwrap();
    let seen_inside = [
        content(unit.read("user/new").await),
        content(unit.read("user/u000").await),
        refusal(unit.read("user/u001").await),
        format!("{:?}", ids(&unit.query("user", query("number gt 0")).await.unwrap())),
    ];
    let missing = |id: &str| format!("404: Resource 'managed/user/{id}' not found");
    assert_eq!(
        seen_inside,
        [
            r#"{"number":3}"#,
            r#"{"number":10}"#,
            &missing("u001"),
            r#"["new", "u000"]"#
        ]
    );
    let seen_outside = async || {
        [
            house.read("user/new").await.map_or_else(
                |problem| problem.message,
                |object| object.to_json().unwrap()[40..].to_owned(),
            ),
            content(house.read("user/u000").await),
            format!("{:?}", ids(&house.query("user", query("number gt 0")).await.unwrap())),
        ]
    };
    assert_eq!(
        seen_outside().await,
        [&missing("new")[5..], r#"{"number":1}"#, r#"["u000", "u001"]"#]
    );
    unit.commit().await;
    assert_eq!(content(house.read("user/new").await), r#"{"number":3}"#);
    assert_eq!(content(house.read("user/u000").await), r#"{"number":10}"#);
    assert_eq!(
        ids(&house.query("user", query("number gt 0")).await.unwrap()),
        ["new", "u000"]
    );
}

#[tokio::test]
async fn a_dropped_unit_never_was() {
    let house = House::with_users([json!({"number": 1})]).await;
    let before = house.read("user/u000").await.unwrap().to_json().unwrap();
    let unit = house.within(WriteLimits::NONE).await;
    unit.create("user", Some("new"), json!({})).await.unwrap();
    unit.patch("user/u000", None, increment()).await.unwrap();
    drop(unit);
    assert_eq!(house.read("user/u000").await.unwrap().to_json().unwrap(), before);
    assert_eq!(ids(&house.query("user", query("true")).await.unwrap()), ["u000"]);
}

#[tokio::test]
async fn inside_a_unit_revisions_are_those_that_it_sees() {
    let house = House::with_users([json!({"number": 1})]).await;
    let base = house.read("user/u000").await.unwrap();
    let unit = house.within(WriteLimits::NONE).await;
    assert_eq!(rev(&unit.read("user/u000").await.unwrap()), rev(&base));
    let first = unit.patch("user/u000", Some(rev(&base)), increment()).await.unwrap();
    assert_eq!(rev(&first), format!("{}-1", rev(&base)));
    assert_eq!(rev(&unit.read("user/u000").await.unwrap()), rev(&first));
    assert!(refusal(unit.patch("user/u000", Some(rev(&base)), increment()).await).starts_with("412: "));
    let second = unit
        .update("user/u000", Some(rev(&first)), json!({"number": 7}))
        .await
        .unwrap();
    assert_eq!(rev(&second), format!("{}-2", rev(&base)));
    let same = unit.update("user/u000", None, json!({"number": 7})).await.unwrap();
    assert_eq!(rev(&same), rev(&second));
    let created = unit.create("user", Some("new"), json!({})).await.unwrap();
    assert_eq!(rev(&created), "0000000000000000-3");
    assert_eq!(
        refusal(unit.create("user", Some("new"), json!({})).await),
        "412: 'managed/user/new' exists already"
    );
    let deleted = unit.delete("user/new", Some(rev(&created))).await.unwrap();
    assert_eq!(rev(&deleted), rev(&created));
    unit.create("user", Some("new"), json!({"a": 1})).await.unwrap();
    unit.commit().await;
    let committed = house.read("user/u000").await.unwrap();
    assert_eq!(content(Ok(committed.clone())), r#"{"number":7}"#);
    assert_eq!(rev(&committed).len(), 16);
    assert_ne!(rev(&committed), rev(&base));
}

#[tokio::test]
async fn a_unit_may_write_only_so_much() {
    let house = House::new().await;
    let unit = house.within(WriteLimits { rows: 2, bytes: 1000 }).await;
    unit.create("user", Some("a"), json!({})).await.unwrap();
    unit.create("user", Some("b"), json!({})).await.unwrap();
    let refused = refusal(unit.create("user", Some("c"), json!({})).await);
    assert_eq!(refused, "413: the unit of work would write more than 2 documents");
}

#[tokio::test]
async fn a_query_inside_a_unit_pages_through_its_own_writes_too() {
    let house = House::with_users((0..5).map(|number| json!({"number": number}))).await;
    let unit = house.within(WriteLimits::NONE).await;
    for id in ["a", "b", "v", "w", "x"] {
        unit.create("user", Some(id), json!({"number": 1})).await.unwrap();
    }
    unit.delete("user/u001", None).await.unwrap();
    unit.update("user/u002", None, json!({"number": -1})).await.unwrap();
    let expected = ["a", "b", "v", "w", "x", "u000", "u003", "u004"];
    for size in 1..=9 {
        let pages = unit.pages(paged("number ge 0", size)).await;
        assert!(
            pages.iter().rev().skip(1).all(|page| page.len() == size),
            "{size} {pages:?}"
        );
        assert_eq!(pages.concat(), expected, "{size}");
        for offset in 0..=9 {
            let pages = unit
                .pages(Query {
                    offset,
                    ..paged("number ge 0", size)
                })
                .await;
            assert_eq!(pages.concat(), expected[offset.min(8)..], "{size} {offset}");
        }
    }
    assert_eq!(
        unit.pages(sorted("number ge 0", "-number,_id")).await.concat(),
        ["u004", "u003", "a", "b", "v", "w", "x", "u000"]
    );
}

#[tokio::test]
async fn a_unit_may_delete_what_it_pages_through() {
    let house = House::with_users((0..5).map(|number| json!({"number": number}))).await;
    let unit = house.within(WriteLimits::NONE).await;
    for id in ["a", "b", "v"] {
        unit.create("user", Some(id), json!({"number": 1})).await.unwrap();
    }
    let mut found = Vec::new();
    let mut query = paged("true", 2);
    loop {
        let page = unit.query("user", query.clone()).await.unwrap();
        for id in ids(&page) {
            unit.delete(&format!("user/{id}"), None).await.unwrap();
            found.push(id);
        }
        query.cookie = page.cookie;
        if query.cookie.is_none() {
            break;
        }
    }
    assert_eq!(found, ["a", "b", "v", "u000", "u001", "u002", "u003", "u004"]);
    unit.commit().await;
    assert!(
        house
            .query("user", super::query("true"))
            .await
            .unwrap()
            .result
            .is_empty()
    );
}
