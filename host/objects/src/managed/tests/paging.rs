//! Pages, cookies and offsets.

use super::*;
use crate::PAGE;

#[tokio::test]
async fn all_pages_together_are_the_whole_result() {
    let house = House::with_users((0..23).map(|number| json!({"number": number % 4, "other": number % 4}))).await;
    for filter in [
        "true",
        "number eq 2",
        "other eq 2",
        "number ge 1",
        "other eq 2 or number eq 1",
        "false",
    ] {
        let whole = house.pages(query(filter)).await;
        assert_eq!(whole.len(), 1);
        let whole = whole.concat();
        for size in 1..=24 {
            let pages = house.pages(paged(filter, size)).await;
            assert_eq!(pages.concat(), whole, "{filter} {size}");
            // The last page is known to be the last: none is empty behind it.
            assert_eq!(pages.len(), whole.len().div_ceil(size).max(1), "{filter} {size}");
        }
        for offset in 0..=24 {
            let pages = house
                .pages(Query {
                    offset,
                    ..paged(filter, 5)
                })
                .await;
            assert_eq!(pages.concat(), whole[offset.min(whole.len())..], "{filter} {offset}");
        }
    }
}

#[tokio::test]
async fn without_a_size_a_page_ends_all_the_same() {
    let house = House::with_users((0..=PAGE).map(|number| json!({"number": number}))).await;
    let pages = house.pages(query("true")).await;
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [PAGE, 1]);
    let pages = house
        .pages(Query {
            page_size: Some(0),
            ..query("true")
        })
        .await;
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [PAGE, 1]);
}

#[tokio::test]
async fn a_page_of_large_objects_ends_early() {
    let large = "x".repeat(1_000_000);
    let house = House::with_users((0..30).map(|number| json!({"number": number, "large": large}))).await;
    let everything: Vec<String> = (0..30).map(|number| format!("u{number:03}")).collect();
    for query in [
        query("true"),
        paged("number ge 0", 30),
        sorted("true", "number"),
        Query {
            page_size: Some(30),
            ..sorted("true", "number")
        },
    ] {
        let pages = house.pages(query).await;
        assert!(
            pages.len() == 2 && pages.iter().all(|page| page.len() < 30),
            "{pages:?}"
        );
        assert_eq!(pages.concat(), everything);
    }
    let far = Query {
        offset: 25,
        page_size: Some(5),
        ..sorted("true", "number")
    };
    let refused =
        "400: the objects before this offset are too large to be sorted at once: go on with the cookie instead";
    assert_eq!(refusal(house.query("user", far).await), refused);
}

#[tokio::test]
async fn a_cookie_belongs_to_its_query() {
    let house = House::with_users((0..5).map(|number| json!({"number": number}))).await;
    house.create("role", Some("admin"), json!({})).await.unwrap();
    let plain = house.query("user", paged("true", 2)).await.unwrap().cookie;
    let by_number = house
        .query(
            "user",
            Query {
                page_size: Some(2),
                ..sorted("true", "number")
            },
        )
        .await
        .unwrap()
        .cookie;
    assert!(plain.is_some() && by_number.is_some());
    let foreign = "400: the paged results cookie does not belong to this query: repeat the query without it, or the way it was when it gave the cookie";
    let check = async |at: &str, query: Query, cookie: &Option<String>, expected: &str| {
        assert_eq!(
            refusal(
                house
                    .query(
                        at,
                        Query {
                            cookie: cookie.clone(),
                            ..query
                        }
                    )
                    .await
            ),
            expected
        );
    };
    let good = "it was not refused";
    check("user", paged("true", 3), &plain, good).await;
    check("USER", paged("TRUE", 3), &plain, good).await;
    check("user", sorted("true", "+/number"), &by_number, good).await;
    check("role", paged("true", 2), &plain, foreign).await;
    check("user", paged("number pr", 2), &plain, foreign).await;
    check("user", sorted("true", "number"), &plain, foreign).await;
    check("user", paged("true", 2), &by_number, foreign).await;
    check("user", sorted("true", "-number"), &by_number, foreign).await;
    check("user", sorted("true", "number,_id"), &by_number, foreign).await;
    check("user", paged("true", 2), &Some("AAAA".to_owned()), foreign).await;
    check("user", paged("true", 2), &Some("'); drop".to_owned()), foreign).await;
    let both = "400: a query has a paged results cookie or an offset, not both";
    check(
        "user",
        Query {
            offset: 1,
            ..paged("true", 2)
        },
        &plain,
        both,
    )
    .await;
    check(
        "user",
        Query {
            offset: 1,
            ..paged("true", 2)
        },
        &Some(String::new()),
        good,
    )
    .await;
}

#[tokio::test]
async fn what_is_there_all_the_time_is_on_one_page_exactly() {
    for (seed, base) in [
        paged("number ge 0", 3),
        paged("kept eq true", 3),
        Query {
            page_size: Some(3),
            ..sorted("true", "-number")
        },
    ]
    .into_iter()
    .cycle()
    .take(12)
    .enumerate()
    {
        let house = House::with_users((0..30).map(|number| json!({"number": number, "kept": true}))).await;
        let mut dice = Dice::new(seed as u64);
        let mut query = base;
        let mut found = Vec::new();
        // Of thirty users the even ones stay as they are; the others come, go and change between the pages.
        loop {
            let page = house.query("user", query.clone()).await.unwrap();
            found.extend(
                ids(&page)
                    .into_iter()
                    .filter(|id| id[1..].parse::<usize>().is_ok_and(|number| number % 2 == 0)),
            );
            query.cookie = page.cookie;
            if query.cookie.is_none() {
                break;
            }
            for _ in 0..4 {
                let number = 2 * dice.below(20) + 1;
                let (id, at) = (format!("u{number:03}"), format!("user/u{number:03}"));
                let content = json!({"number": dice.below(40), "kept": true});
                if house.read(&at).await.is_err() {
                    house.create("user", Some(&id), content).await.unwrap();
                } else if dice.below(2) == 0 {
                    house.update(&at, None, content).await.unwrap();
                } else {
                    house.delete(&at, None).await.unwrap();
                }
            }
        }
        found.sort();
        assert_eq!(
            found,
            (0..30)
                .step_by(2)
                .map(|number| format!("u{number:03}"))
                .collect::<Vec<_>>(),
            "{seed}"
        );
    }
}
