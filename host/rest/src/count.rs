//! How many resources match a query: `_countOnly`.

use host_resource::{ApiVersion, Context, Problem, Query, ResourcePath, Router, TotalPolicy};

use crate::exchange::page;

/// Objects in a page, where a resource does not count and its pages have to be counted.
const PAGE: usize = 500;
/// Pages that are counted at most.
const PAGES: usize = 1_000_000;

/// A query of which only the number of its results is wanted.
pub(crate) struct Count<'a> {
    pub(crate) router: &'a Router,
    pub(crate) context: &'a Context,
    pub(crate) path: ResourcePath,
    pub(crate) query: Query,
    pub(crate) version: Option<ApiVersion>,
}

impl Count<'_> {
    /// The resource's own count, or else that of all its pages. Page size, offset, cookie and order change nothing.
    pub(crate) async fn take(mut self) -> Result<u64, Problem> {
        self.query.sort.clear();
        self.query.offset = 0;
        self.query.cookie = None;
        self.query.page_size = Some(1);
        self.query.total = TotalPolicy::Exact;
        let first = page(self.router, self.context, &self.path, &self.query, self.version).await?;
        if let (Some(total), TotalPolicy::Exact) = (first.total, first.policy) {
            return Ok(total);
        }
        self.query.total = TotalPolicy::None;
        self.query.page_size = Some(PAGE);
        let (mut count, mut next) = (first.result.len() as u64, first.cookie);
        for _ in 0..PAGES {
            let Some(cookie) = next else { return Ok(count) };
            self.query.cookie = Some(cookie);
            let page = page(self.router, self.context, &self.path, &self.query, self.version).await?;
            count += page.result.len() as u64;
            next = page.cookie;
        }
        Err(Problem::internal("the pages of the query do not end"))
    }
}
