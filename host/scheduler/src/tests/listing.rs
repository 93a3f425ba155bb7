//! Queries over jobs and triggers.

use std::sync::Arc;

use host_resource::filter::Filter;
use host_resource::project::Fields;
use host_resource::sort::SortKey;
use host_resource::{Query, QuerySource, Resource, ResourcePath, TotalPolicy};
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
async fn pages_are_numbered() {
    let host = host_with_jobs(12).await;
    let first = Query {
        page_size: Some(5),
        offset: 1,
        ..all()
    };
    let page = host.page(first).await;
    assert_eq!(
        (page.cookie.as_deref(), page.policy, page.total),
        (Some("6"), TotalPolicy::Exact, Some(12))
    );
    assert_eq!((page.result.len(), page.result[0].id.as_str()), (5, "job01"));
    let next = |cookie: Option<String>| Query {
        page_size: Some(5),
        cookie,
        ..all()
    };
    let page = host.page(next(page.cookie)).await;
    assert_eq!(
        (page.cookie.as_deref(), page.result[0].id.as_str()),
        (Some("11"), "job06")
    );
    let page = host.page(next(page.cookie)).await;
    assert_eq!((page.cookie, page.result.len()), (None, 1));
    assert_eq!(host.page(next(Some("none".to_owned()))).await.result[0].id, "job00");
    assert_eq!(host.page(next(Some("99".to_owned()))).await.result.len(), 0);
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
