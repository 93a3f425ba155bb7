//! A query over a few resources that are all in memory: filter, order, part, count. A store pages on its own.

use serde_json::{Map, Value};

use crate::mark::{CookieError, QueryMark};
use crate::problem::Problem;
use crate::request::{Query, TotalPolicy};
use crate::response::{Content, Object, Page};
use crate::sort::{self, MissingOrder};

/// The kind of position in a cookie: the number of the next result.
const NUMBER: u8 = b'n';

/// The page that a query selects of these objects, which come in the resource's own order. Without a page size nothing is
/// counted; an estimate is exact (behaviour 1.5). What lacks a sorted field comes last. Cookies are bound to the
/// collection's name.
///
/// # Errors
/// 400 for a query by a name other than `query-all` and `query-all-ids`, and for a cookie that is not of this query.
pub fn page(collection: &str, query: &Query, objects: Vec<Object>) -> Result<Page, Problem> {
    let (filter, is_ids_only) = query.source.selection()?;
    let text = filter.map_or_else(|| "true".to_owned(), ToString::to_string);
    let keys: Vec<String> = query.sort.iter().map(ToString::to_string).collect();
    let mark = QueryMark::new([collection, text.as_str(), keys.join(",").as_str()]);
    let start = match query.cookie.as_deref().filter(|cookie| !cookie.is_empty()) {
        None => query.offset,
        Some(_) if query.offset > 0 => {
            return Err(Problem::bad_request(
                "a query has a paged results cookie or an offset, not both",
            ));
        }
        Some(cookie) => number(mark.open(cookie)?)?,
    };
    let mut found = Vec::new();
    for object in objects {
        let whole = object
            .clone()
            .into_value()
            .map_err(|error| Problem::internal(format!("a resource cannot be read: {error}")))?;
        if filter.is_none_or(|filter| filter.matches(&whole)) {
            found.push((whole, object));
        }
    }
    if !query.sort.is_empty() {
        found.sort_by(|(one, _), (other, _)| sort::compare(&query.sort, MissingOrder::Last, one, other));
    }
    let total = found.len();
    let size = query.page_size.filter(|size| *size > 0);
    let end = size.map_or(total, |size| start.saturating_add(size).min(total));
    let is_counted = size.is_some() && query.total != TotalPolicy::None;
    let shown = found.into_iter().take(end).skip(start).map(|(_, object)| Object {
        content: if is_ids_only {
            Content::Json(Value::Object(Map::new()))
        } else {
            object.content
        },
        ..object
    });
    Ok(Page {
        result: shown.collect(),
        cookie: (end < total).then(|| mark.seal(NUMBER, end.to_string().as_bytes())),
        policy: if is_counted {
            TotalPolicy::Exact
        } else {
            TotalPolicy::None
        },
        total: is_counted.then_some(total as u64),
    })
}

fn number((kind, position): (u8, Vec<u8>)) -> Result<usize, CookieError> {
    let text = String::from_utf8(position).map_err(|_| CookieError)?;
    if kind == NUMBER {
        text.parse().map_err(|_| CookieError)
    } else {
        Err(CookieError)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::filter::Filter;
    use crate::request::QuerySource;
    use crate::sort::SortKey;

    fn list(query: &Query) -> Result<Page, Problem> {
        let object = |(id, n): (&str, u64)| Object {
            id: id.to_owned(),
            rev: None,
            content: Content::Json(json!({"n": n})),
        };
        let objects = [("a", 3), ("b", 1), ("c", 2), ("d", 1)].map(object);
        page("things", query, objects.into())
    }

    fn query(filter: &str) -> Query {
        Query::filter(Arc::new(Filter::parse(filter).unwrap()))
    }

    fn ids(page: &Page) -> String {
        page.result.iter().map(|object| object.id.as_str()).collect()
    }

    #[test]
    fn pages_follow_each_other_and_are_counted_if_asked() {
        let mut asked = Query {
            page_size: Some(2),
            total: TotalPolicy::Estimate,
            sort: SortKey::parse_list("-n").unwrap(),
            ..query("n lt 3 or n ge 3")
        };
        let first = list(&asked).unwrap();
        assert_eq!(
            (ids(&first), first.total, first.policy),
            ("ac".to_owned(), Some(4), TotalPolicy::Exact)
        );
        asked.cookie = first.cookie;
        let last = list(&asked).unwrap();
        assert_eq!((ids(&last), last.cookie), ("bd".to_owned(), None));
        asked.page_size = None;
        assert_eq!(list(&asked).unwrap().total, None);
    }

    #[test]
    fn a_filter_and_an_offset_leave_out() {
        assert_eq!(ids(&list(&query("n eq 1")).unwrap()), "bd");
        let offset = Query {
            offset: 3,
            ..query("true")
        };
        assert_eq!(ids(&list(&offset).unwrap()), "d");
        let all = Query {
            source: QuerySource::Id("query-all-ids".to_owned()),
            ..query("true")
        };
        let page = list(&all).unwrap();
        assert_eq!(
            (ids(&page), page.result[0].clone().into_value().unwrap()),
            ("abcd".to_owned(), json!({"_id": "a"}))
        );
    }

    #[test]
    fn what_belongs_to_another_query_is_refused() {
        let given = list(&Query {
            page_size: Some(1),
            ..query("true")
        })
        .unwrap()
        .cookie;
        let check = |query: Query| assert_eq!(list(&query).unwrap_err().code.number(), 400, "{query:?}");
        check(Query {
            cookie: given.clone(),
            ..query("n pr")
        });
        check(Query {
            cookie: given.clone(),
            sort: SortKey::parse_list("n").unwrap(),
            ..query("true")
        });
        check(Query {
            cookie: given,
            offset: 1,
            ..query("true")
        });
        check(Query {
            cookie: Some("2".to_owned()),
            ..query("true")
        });
        check(Query {
            source: QuerySource::Id("query-some".to_owned()),
            ..query("true")
        });
    }

    /// What a person would write: each rule of behaviour 1.7 once, without a thought for speed.
    fn naive(objects: &[Object], filter: impl Fn(&Value) -> bool, keys: &[(&str, bool)]) -> Vec<String> {
        let mut found: Vec<Value> = objects
            .iter()
            .map(|object| object.clone().into_value().unwrap())
            .collect();
        found.retain(|value| filter(value));
        found.sort_by(|one, other| {
            for (name, is_descending) in keys {
                let (one, other) = (one.get(*name), other.get(*name));
                let is_missing = |value: Option<&Value>| value.is_none_or(Value::is_null);
                let order = match (is_missing(one), is_missing(other)) {
                    (false, false) if *is_descending => rank(other).partial_cmp(&rank(one)),
                    (false, false) => rank(one).partial_cmp(&rank(other)),
                    (one, other) => one.partial_cmp(&other),
                };
                match order {
                    Some(std::cmp::Ordering::Equal) | None => {}
                    Some(order) => return order,
                }
            }
            std::cmp::Ordering::Equal
        });
        found
            .iter()
            .map(|value| value["_id"].as_str().unwrap().to_owned())
            .collect()
    }

    /// The name of the type, then the value among its like.
    fn rank(value: Option<&Value>) -> (&'static str, f64, String) {
        match value.unwrap_or(&Value::Null) {
            Value::Array(_) => ("array", 0.0, String::new()),
            Value::Bool(flag) => ("boolean", f64::from(u8::from(*flag)), String::new()),
            Value::Number(number) => ("number", number.as_f64().unwrap(), String::new()),
            Value::Object(_) => ("object", 0.0, String::new()),
            Value::String(text) => ("string", 0.0, text.to_ascii_lowercase()),
            Value::Null => ("", 0.0, String::new()),
        }
    }

    fn values() -> impl Strategy<Value = Value> {
        let values = vec![
            json!(null),
            json!(true),
            json!(false),
            json!(1),
            json!(2),
            json!(1.5),
            json!("a"),
            json!("B"),
            json!("b"),
            json!([1]),
            json!({}),
        ];
        proptest::sample::select(values)
    }

    proptest! {
        #[test]
        fn all_pages_together_are_what_a_person_would_write(
            rows in prop::collection::vec((prop::option::of(values()), prop::option::of(values())), 0..30),
            keys in proptest::sample::select(vec!["", "a", "-a", "a,-b", "-b,a", "b,a,-_id"]),
            limit in 0..3_i64,
            size in 1..8_usize,
            offset in 0..4_usize,
        ) {
            let objects: Vec<Object> = rows.iter().enumerate().map(|(number, (a, b))| {
                let members = [("a", a), ("b", b)].into_iter();
                let members = members.filter_map(|(name, value)| Some((name.to_owned(), value.clone()?)));
                Object { id: format!("{number:02}"), rev: None, content: Content::Json(Value::Object(members.collect())) }
            }).collect();
            let parsed: Vec<(&str, bool)> = keys.split(',').filter(|key| !key.is_empty())
                .map(|key| (key.trim_start_matches('-'), key.starts_with('-'))).collect();
            let is_more = |value: &Value| value.as_f64().is_some_and(|number| number > limit as f64);
            let any_is_more = |value: &Value| value.as_array().map_or_else(|| is_more(value), |items| items.iter().any(is_more));
            let keep = |value: &Value| any_is_more(&value["a"]) || value.get("b").is_some_and(|b| !b.is_null());
            let expected = naive(&objects, keep, &parsed);

            let mut asked = Query {
                sort: if keys.is_empty() { Vec::new() } else { SortKey::parse_list(keys).unwrap() },
                page_size: Some(size),
                offset,
                total: TotalPolicy::Exact,
                ..query(&format!("a gt {limit} or b pr"))
            };
            let mut found = Vec::new();
            loop {
                let page = page("things", &asked, objects.clone()).unwrap();
                prop_assert_eq!(page.total, Some(expected.len() as u64));
                prop_assert!(page.result.len() <= size);
                found.extend(page.result.into_iter().map(|object| object.id));
                asked.offset = 0;
                asked.cookie = page.cookie;
                if asked.cookie.is_none() {
                    break;
                }
            }
            prop_assert_eq!(&found[..], &expected[offset.min(expected.len())..]);
        }
    }
}
