//! What a query selects and counts.

use host_resource::{QuerySource, TotalPolicy};

use super::*;

fn users() -> Vec<Value> {
    vec![
        json!({"userName": "ann", "number": 3, "mail": "ann@example.com"}),
        json!({"userName": "Bob", "number": 1, "mail": null}),
        json!({"userName": "carl", "number": 2, "tags": ["x", "y"]}),
        json!({"number": "3"}),
    ]
}

fn by_id(name: &str) -> Query {
    Query {
        source: QuerySource::Id(name.to_owned()),
        ..query("true")
    }
}

#[tokio::test]
async fn a_filter_selects_with_and_without_an_index() {
    let house = House::with_users(users()).await;
    let check = async |filter: &str, expected: &[&str]| {
        assert_eq!(
            ids(&house.query("user", query(filter)).await.unwrap()),
            expected,
            "{filter}"
        );
    };
    check("true", &["u000", "u001", "u002", "u003"]).await;
    check("false", &[]).await;
    check("userName eq 'BOB'", &["u001"]).await;
    check("number ge 2", &["u000", "u002"]).await;
    check("number eq '3'", &["u003"]).await;
    check("mail pr", &["u000"]).await;
    check("!(mail pr)", &["u001", "u002", "u003"]).await;
    check("tags eq 'y' or number eq 1", &["u001", "u002"]).await;
    check("_id eq 'u002'", &["u002"]).await;
    check("userName ne 'ann'", &[]).await;
    assert!(house.query("role", query("true")).await.unwrap().result.is_empty());
}

#[tokio::test]
async fn two_queries_have_a_name() {
    let house = House::with_users(users()).await;
    let all = house.query("user", by_id("query-all")).await.unwrap();
    assert_eq!(ids(&all), ["u000", "u001", "u002", "u003"]);
    assert_eq!(
        content(Ok(all.result[1].clone())),
        r#"{"userName":"Bob","number":1,"mail":null}"#
    );
    let names = house.query("user", by_id("query-all-ids")).await.unwrap();
    for (whole, short) in all.result.iter().zip(&names.result) {
        assert_eq!(
            short.to_json().unwrap(),
            format!(r#"{{"_id":"{}","_rev":"{}"}}"#, whole.id, rev(whole))
        );
    }
    let refused = refusal(house.query("user", by_id("for-userName")).await);
    assert_eq!(
        refused,
        "400: there is no query 'for-userName': write `_queryFilter`, or `_queryId` with query-all or query-all-ids"
    );
}

#[tokio::test]
async fn a_total_is_counted_when_there_are_pages() {
    let house = House::with_users(users()).await;
    let check = async |total: TotalPolicy, page_size: Option<usize>, expected: (TotalPolicy, Option<u64>)| {
        for sort in ["", "-number"] {
            let sort = if sort.is_empty() {
                Vec::new()
            } else {
                SortKey::parse_list(sort).unwrap()
            };
            let mut asked = Query {
                total,
                page_size,
                sort,
                ..query("userName pr")
            };
            for _ in 0..2 {
                let page = house.query("user", asked.clone()).await.unwrap();
                assert_eq!((page.policy, page.total), expected, "{asked:?}");
                asked.cookie = page.cookie;
            }
        }
    };
    use TotalPolicy::{Estimate, Exact, None as Uncounted};
    check(Uncounted, Some(2), (Uncounted, None)).await;
    check(Exact, Some(2), (Exact, Some(3))).await;
    check(Estimate, Some(2), (Exact, Some(3))).await;
    check(Exact, None, (Uncounted, None)).await;
    check(Exact, Some(0), (Uncounted, None)).await;
}

#[tokio::test]
async fn a_total_inside_a_unit_counts_what_it_wrote() {
    let house = House::with_users(users()).await;
    let unit = house.within(WriteLimits::NONE).await;
    unit.create("user", Some("new"), json!({"userName": "dora"}))
        .await
        .unwrap();
    unit.delete("user/u000", None).await.unwrap();
    unit.update("user/u003", None, json!({"userName": "eve"}))
        .await
        .unwrap();
    let page = unit
        .query(
            "user",
            Query {
                total: TotalPolicy::Exact,
                ..paged("userName pr", 1)
            },
        )
        .await
        .unwrap();
    assert_eq!(page.total, Some(4));
}
