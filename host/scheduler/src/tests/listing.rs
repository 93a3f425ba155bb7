//! Queries over jobs and triggers.

use std::sync::Arc;

use host_resource::filter::Filter;
use host_resource::project::Fields;
use host_resource::sort::SortKey;
use host_resource::{Page, Query, QuerySource, Resource, ResourcePath, TotalPolicy};
use serde_json::json;

use super::fixture::*;

async fn host_with_jobs(count: usize) -> Host {
    let host = Host::new("2026-01-01T00:30:00Z").await;
    for number in 0..count {
        let body = json!({
            "schedule": format!("{} 0 12 * * ?", number % 60),
            "persisted": number % 2 == 0,
            "enabled": number % 3 != 0,
        });
        host.put(&format!("job{number:02}"), job(body)).await.unwrap();
    }
    host
}

fn all() -> Query {
    Query::filter(Arc::new(Filter::Literal(true)))
}

#[tokio::test]
async fn a_filter_looks_at_what_is_shown() {
    let host = host_with_jobs(6).await;
    let check = async |filter: &str, expected: &[&str]| assert_eq!(host.query(filter).await, expected, "{filter}");
    check("true", &["job00", "job01", "job02", "job03", "job04", "job05"]).await;
    check("persisted eq true", &["job00", "job02", "job04"]).await;
    check("enabled eq false and persisted eq false", &["job03"]).await;
    check(r#"_id eq "job04""#, &["job04"]).await;
    check(r#"nextRunDate ge "2026-01-01T12:00:04.000Z""#, &["job04", "job05"]).await;
    check("!(nextRunDate pr)", &["job00", "job03"]).await;
    check(r#"triggers/0/state eq "NORMAL""#, &["job01", "job02", "job04", "job05"]).await;
    check("invokeContext/none pr", &[]).await;
    assert_eq!(
        host.query_triggers(r#"jobKey co "job02""#).await,
        ["scheduler-service-group.trigger-job02"]
    );
    assert_eq!(host.query_triggers("_rev pr").await.len(), 4);
}

#[tokio::test]
async fn a_page_goes_on_where_the_last_one_ended() {
    let host = host_with_jobs(12).await;
    let ids = |page: &Page| page.result.iter().map(|object| object.id.clone()).collect::<Vec<_>>();
    let names = |numbers: std::ops::Range<usize>| numbers.map(|number| format!("job{number:02}")).collect::<Vec<_>>();
    for sort in ["", "type", "-_id"] {
        let wanted = |cookie: Option<String>| Query {
            page_size: Some(5),
            offset: usize::from(cookie.is_none()),
            cookie,
            sort: if sort.is_empty() {
                Vec::new()
            } else {
                SortKey::parse_list(sort).unwrap()
            },
            ..all()
        };
        let first = host.page(wanted(None)).await;
        assert_eq!((first.policy, first.total), (TotalPolicy::None, None));
        // What comes and goes in between moves nothing else.
        host.put("job00a", job(json!({"schedule": "0 0 12 * * ?"})))
            .await
            .unwrap();
        host.delete("job00a").await.unwrap();
        let second = host.page(wanted(first.cookie.clone())).await;
        let last = host.page(wanted(second.cookie.clone())).await;
        let mut found = [ids(&first), ids(&second), ids(&last)].concat();
        if sort == "-_id" {
            found.reverse();
            assert_eq!(found, names(0..11), "{sort}");
        } else {
            assert_eq!(found, names(1..12), "{sort}");
        }
        assert_eq!((first.result.len(), second.result.len(), last.cookie), (5, 5, None));
    }
}

#[tokio::test]
async fn a_total_is_counted_when_it_is_asked_for() {
    let host = host_with_jobs(12).await;
    let total = async |filter: &str, total: TotalPolicy| {
        let page = host
            .page(Query {
                page_size: Some(5),
                total,
                ..Query::filter(Arc::new(Filter::parse(filter).unwrap()))
            })
            .await;
        (page.policy, page.total)
    };
    assert_eq!(total("true", TotalPolicy::Exact).await, (TotalPolicy::Exact, Some(12)));
    assert_eq!(
        total("enabled eq false", TotalPolicy::Estimate).await,
        (TotalPolicy::Exact, Some(4))
    );
    assert_eq!(total("true", TotalPolicy::None).await, (TotalPolicy::None, None));
}

#[tokio::test]
async fn a_cookie_of_something_else_is_refused() {
    let host = host_with_jobs(3).await;
    let refused = async |cookie: &str, sort: &str| {
        let query = Query {
            page_size: Some(1),
            cookie: Some(cookie.to_owned()),
            sort: if sort.is_empty() {
                Vec::new()
            } else {
                SortKey::parse_list(sort).unwrap()
            },
            ..all()
        };
        let problem = host
            .jobs()
            .query(&context(), &ResourcePath::default(), query)
            .await
            .unwrap_err();
        assert_eq!(problem.code.number(), 400, "{cookie}");
    };
    refused("6", "").await;
    refused("none", "").await;
    let by_id = host
        .page(Query {
            page_size: Some(1),
            ..all()
        })
        .await
        .cookie
        .unwrap();
    refused(&by_id, "_id").await;
}

#[tokio::test]
async fn a_query_is_sorted_by_its_keys_and_then_by_id() {
    let host = host_with_jobs(6).await;
    let check = async |keys: &str, expected: &[&str]| {
        let page = host
            .page(Query {
                sort: SortKey::parse_list(keys).unwrap(),
                ..all()
            })
            .await;
        let ids: Vec<_> = page.result.iter().map(|object| object.id.as_str()).collect();
        assert_eq!(ids, expected, "{keys}");
    };
    check("persisted", &["job01", "job03", "job05", "job00", "job02", "job04"]).await;
    check("-_id", &["job05", "job04", "job03", "job02", "job01", "job00"]).await;
    // Without a value first, or last when descending.
    check("nextRunDate", &["job00", "job03", "job01", "job02", "job04", "job05"]).await;
    check("-nextRunDate", &["job05", "job04", "job02", "job01", "job00", "job03"]).await;
}

#[tokio::test]
async fn the_wanted_fields_are_shown() {
    let host = host_with_jobs(2).await;
    let fields = Fields::parse(["_id,enabled,nextRunDate"]).unwrap();
    let page = host.page(all()).await.into_value(&fields).unwrap();
    assert_eq!(
        page["result"].to_string(),
        r#"[{"_id":"job00","enabled":false,"nextRunDate":null},{"_id":"job01","enabled":true,"nextRunDate":"2026-01-01T12:00:01.000Z"}]"#
    );
    let query = Query {
        source: QuerySource::Id("query-all-ids".to_owned()),
        ..all()
    };
    let page = host.page(query).await.into_value(&Fields::all()).unwrap();
    assert_eq!(page["result"].to_string(), r#"[{"_id":"job00"},{"_id":"job01"}]"#);
    let query = Query {
        source: QuerySource::Id("mine".to_owned()),
        ..all()
    };
    let problem = host
        .jobs()
        .query(&context(), &ResourcePath::default(), query)
        .await
        .unwrap_err();
    assert_eq!(problem.message, "only query-id of 'query-all-ids' is supported.");
}
