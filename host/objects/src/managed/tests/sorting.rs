//! Sorted pages against sorting everything at once.

use host_resource::sort::{self, MissingOrder};

use super::*;
use crate::MAX_SORTED;

/// A value that often equals another, of any kind.
fn value(dice: &mut Dice) -> Value {
    match dice.below(8) {
        0 => Value::Null,
        1 => json!(dice.below(2) == 0),
        2 => json!(dice.below(4)),
        3 => json!(dice.below(4) as f64 / 3.0 - 0.5),
        4 => json!(["a", "B", "b", "Ä", "ä", ""][dice.below(6)]),
        5 => json!([dice.below(3)]),
        6 => json!({"inner": dice.below(3)}),
        _ => json!("b"),
    }
}

fn object(dice: &mut Dice) -> Value {
    let mut members = serde_json::Map::new();
    for name in ["a", "b", "c"] {
        if dice.below(4) > 0 {
            members.insert(name.to_owned(), value(dice));
        }
    }
    Value::Object(members)
}

/// The ids in order, the plain way.
fn model(users: &[Value], keys: &[SortKey]) -> Vec<String> {
    let named = |(number, user): (usize, &Value)| {
        let mut user = user.clone();
        user["_id"] = format!("u{number:03}").into();
        user
    };
    let mut users: Vec<Value> = users.iter().enumerate().map(named).collect();
    users.sort_by(|left, right| sort::compare(keys, MissingOrder::Last, left, right));
    users
        .iter()
        .map(|user| user["_id"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn sorted_pages_are_those_of_sorting_everything_at_once() {
    let orders = [
        "a",
        "-a",
        "a,b",
        "-a,b,-c",
        "/a/inner,-b",
        "-_id",
        "b,_id",
        "missing,-c",
        "/a/0",
    ];
    for seed in 0..12 {
        let mut dice = Dice::new(seed + 1);
        let users: Vec<Value> = (0..40).map(|_| object(&mut dice)).collect();
        let house = House::with_users(users.clone()).await;
        for keys in orders {
            let expected = model(&users, &SortKey::parse_list(keys).unwrap());
            let size = 1 + dice.below(12);
            let offset = dice.below(45);
            let whole = sorted("true", keys);
            assert_eq!(
                house.pages(whole.clone()).await,
                std::slice::from_ref(&expected),
                "{seed} {keys}"
            );
            let pages = house
                .pages(Query {
                    page_size: Some(size),
                    ..whole.clone()
                })
                .await;
            assert_eq!(pages, expected.chunks(size).collect::<Vec<_>>(), "{seed} {keys} {size}");
            let pages = house
                .pages(Query {
                    page_size: Some(size),
                    offset,
                    ..whole
                })
                .await;
            assert_eq!(
                pages.concat(),
                expected[offset.min(40)..],
                "{seed} {keys} {size} {offset}"
            );
        }
    }
}

#[tokio::test]
async fn a_sorted_query_selects_as_well() {
    let house =
        House::with_users((0..10).map(|number| json!({"number": number % 5, "name": format!("n{}", 9 - number)})))
            .await;
    let query = Query {
        page_size: Some(2),
        ..sorted("number le 1", "name")
    };
    assert_eq!(house.pages(query).await, [["u006", "u005"], ["u001", "u000"]]);
}

#[tokio::test]
async fn a_sorted_query_reaches_only_so_far() {
    let house = House::with_users([json!({})]).await;
    let check = async |offset: usize, page_size: Option<usize>, expected: &str| {
        assert_eq!(
            refusal(
                house
                    .query(
                        "user",
                        Query {
                            offset,
                            page_size,
                            ..sorted("true", "a")
                        }
                    )
                    .await
            ),
            expected
        );
    };
    let far = "400: a sorted query reaches 10000 objects at most with its offset and its page size: go on with the cookie instead";
    let good = "it was not refused";
    check(0, Some(MAX_SORTED), good).await;
    check(0, Some(MAX_SORTED + 1), far).await;
    check(MAX_SORTED - 1, Some(1), good).await;
    check(MAX_SORTED, Some(1), far).await;
    check(usize::MAX, Some(1), far).await;
    check(MAX_SORTED - 1, None, good).await;
    check(MAX_SORTED, None, far).await;
    check(1, Some(usize::MAX), far).await;
}
