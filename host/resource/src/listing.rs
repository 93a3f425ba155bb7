//! Answering a query over resources that are all in memory: there are few of them, such as configuration objects.

use serde_json::Value;

use crate::problem::Problem;
use crate::request::{Query, QuerySource, TotalPolicy};
use crate::response::{Content, Object, Page};
use crate::sort::{MissingOrder, compare};

/// The page that a query selects of these objects, which come in the resource's own order.
///
/// # Errors
/// 400 for a query by name other than `query-all` and `query-all-ids`, and for a cookie that is not of this query.
pub fn page(query: &Query, objects: Vec<Object>) -> Result<Page, Problem> {
    let is_ids_only = match &query.source {
        QuerySource::Filter(_) => false,
        QuerySource::Id(name) if name == "query-all" => false,
        QuerySource::Id(name) if name == "query-all-ids" => true,
        QuerySource::Id(name) => {
            return Err(Problem::bad_request(format!(
                "there is no query '{name}': write `_queryFilter`, or `_queryId` with query-all or query-all-ids"
            )));
        }
    };
    let mut found = Vec::new();
    for object in objects {
        let whole = object.clone().into_value().map_err(damaged)?;
        let matches = match &query.source {
            QuerySource::Filter(filter) => filter.matches(&whole),
            QuerySource::Id(_) => true,
        };
        if matches {
            found.push((whole, object));
        }
    }
    if !query.sort.is_empty() {
        found.sort_by(|(one, _), (other, _)| compare(&query.sort, MissingOrder::Last, one, other));
    }
    let total = found.len();
    let start = match query.cookie.as_deref().filter(|cookie| !cookie.is_empty()) {
        Some(cookie) => cookie
            .parse()
            .map_err(|_| Problem::bad_request("the paging cookie is not of this query"))?,
        None => query.offset,
    };
    let end = start.saturating_add(query.page_size.unwrap_or(usize::MAX));
    let shown = found.into_iter().take(end).skip(start).map(|(_, object)| Object {
        content: if is_ids_only {
            Content::Json(Value::Object(serde_json::Map::new()))
        } else {
            object.content
        },
        ..object
    });
    let is_counted = query.page_size.is_some() && query.total != TotalPolicy::None;
    Ok(Page {
        result: shown.collect(),
        cookie: (end < total).then(|| end.to_string()),
        policy: if is_counted {
            TotalPolicy::Exact
        } else {
            TotalPolicy::None
        },
        total: is_counted.then_some(total as u64),
    })
}

fn damaged(error: serde_json::Error) -> Problem {
    Problem::internal(format!("a resource cannot be read: {error}"))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::filter::Filter;
    use crate::sort::SortKey;

    fn objects() -> Vec<Object> {
        let object = |(id, n): (&str, u64)| Object {
            id: id.to_owned(),
            rev: None,
            content: Content::Json(json!({"n": n})),
        };
        [("a", 3), ("b", 1), ("c", 2)].into_iter().map(object).collect()
    }

    fn query(filter: &str) -> Query {
        Query::filter(Arc::new(Filter::parse(filter).unwrap()))
    }

    #[track_caller]
    fn check(query: &Query, ids: &[&str], cookie: Option<&str>, total: Option<u64>) {
        let page = page(query, objects()).unwrap();
        let found: Vec<&str> = page.result.iter().map(|object| object.id.as_str()).collect();
        assert_eq!(
            (found.as_slice(), page.cookie.as_deref(), page.total),
            (ids, cookie, total)
        );
    }

    #[test]
    fn a_query_is_filtered_sorted_and_paged() {
        check(&query("true"), &["a", "b", "c"], None, None);
        check(&query("/n ge 2"), &["a", "c"], None, None);
        check(&query("/_id eq \"b\""), &["b"], None, None);
        let sorted = Query {
            sort: SortKey::parse_list("n").unwrap(),
            page_size: Some(2),
            total: TotalPolicy::Estimate,
            ..query("true")
        };
        check(&sorted, &["b", "c"], Some("2"), Some(3));
        let next = Query {
            cookie: Some("2".to_owned()),
            ..sorted
        };
        check(&next, &["a"], None, Some(3));
        let offset = Query {
            offset: 1,
            ..query("true")
        };
        check(&offset, &["b", "c"], None, None);
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        let cookie = Query {
            cookie: Some("x".to_owned()),
            ..query("true")
        };
        assert_eq!(page(&cookie, objects()).unwrap_err().code.number(), 400);
        let named = Query {
            source: QuerySource::Id("mine".to_owned()),
            ..query("true")
        };
        assert_eq!(page(&named, objects()).unwrap_err().code.number(), 400);
    }
}
