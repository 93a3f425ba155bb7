//! A query over a few resources that are all in memory: filter, order, part, count. Stores page on their own.

use std::sync::Arc;

use serde_json::Value;

use crate::filter::Filter;
use crate::mark::{CookieError, QueryMark};
use crate::problem::Problem;
use crate::request::{Query, QuerySource, TotalPolicy};
use crate::response::{Content, Object, Page};
use crate::sort::{self, MissingOrder};

/// The kind of position in a cookie: the number of the next result.
const NUMBER: u8 = b'n';

/// A query over resources in their own order. `collection` is what cookies are bound to.
#[derive(Debug)]
pub struct Listing<'a> {
    query: &'a Query,
    /// None selects everything.
    filter: Option<Arc<Filter>>,
    is_ids_only: bool,
    mark: QueryMark,
    start: usize,
    found: Vec<(Object, Value)>,
}

impl<'a> Listing<'a> {
    /// Refuses a query by an unknown name and a cookie of another query.
    pub fn new(collection: &str, query: &'a Query) -> Result<Self, Problem> {
        let (filter, is_ids_only) = match &query.source {
            QuerySource::Filter(filter) => (Some(Arc::clone(filter)), false),
            QuerySource::Id(name) if name == "query-all" => (None, false),
            QuerySource::Id(name) if name == "query-all-ids" => (None, true),
            QuerySource::Id(name) => {
                return Err(Problem::bad_request(format!(
                    "there is no query '{name}': write `_queryFilter`, or `_queryId` with query-all or query-all-ids"
                )));
            }
        };
        let text = filter.as_deref().map_or_else(|| "true".to_owned(), ToString::to_string);
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
        Ok(Self {
            query,
            filter,
            is_ids_only,
            mark,
            start,
            found: Vec::new(),
        })
    }

    /// Takes a resource that may match.
    pub fn offer(&mut self, object: Object) -> Result<(), Problem> {
        let value = object
            .clone()
            .into_value()
            .map_err(|error| Problem::internal(error.to_string()))?;
        if self.filter.as_ref().is_none_or(|filter| filter.matches(&value)) {
            self.found.push((object, value));
        }
        Ok(())
    }

    /// The page that the query asks for. Without a page size nothing is counted; an estimate is exact (behaviour 1.5).
    pub fn page(mut self, missing: MissingOrder) -> Page {
        if !self.query.sort.is_empty() {
            self.found
                .sort_by(|(_, one), (_, other)| sort::compare(&self.query.sort, missing, one, other));
        }
        let total = self.found.len();
        let size = self.query.page_size.filter(|size| *size > 0);
        let end = size.map_or(total, |size| self.start.saturating_add(size).min(total));
        let is_counted = size.is_some() && self.query.total != TotalPolicy::None;
        let is_ids_only = self.is_ids_only;
        let shown = |(object, _): (Object, Value)| match is_ids_only {
            true => Object {
                content: Content::Json(Value::Object(serde_json::Map::new())),
                ..object
            },
            false => object,
        };
        Page {
            result: self.found.into_iter().take(end).skip(self.start).map(shown).collect(),
            cookie: (end < total).then(|| self.mark.seal(NUMBER, end.to_string().as_bytes())),
            policy: if is_counted {
                TotalPolicy::Exact
            } else {
                TotalPolicy::None
            },
            total: is_counted.then_some(total as u64),
        }
    }
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
    use serde_json::json;

    use super::*;
    use crate::sort::SortKey;

    fn list(query: &Query) -> Result<Page, Problem> {
        let mut listing = Listing::new("things", query)?;
        for (id, n) in [("a", 3), ("b", 1), ("c", 2), ("d", 1)] {
            listing.offer(Object {
                id: id.to_owned(),
                rev: None,
                content: Content::Json(json!({"n": n})),
            })?;
        }
        Ok(listing.page(MissingOrder::Last))
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
}
