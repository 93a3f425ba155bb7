//! How many resources match a query: `_countOnly`.

use host_resource::{
    ApiVersion, Context, Page, Problem, Query, Request, ResourcePath, Response, Router, TotalPolicy, Verb,
};

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
        let first = self.page().await?;
        if let (Some(total), TotalPolicy::Exact) = (first.total, first.policy) {
            return Ok(total);
        }
        self.query.total = TotalPolicy::None;
        self.query.page_size = Some(PAGE);
        let (mut count, mut next) = (first.result.len() as u64, first.cookie);
        for _ in 0..PAGES {
            let Some(cookie) = next else { return Ok(count) };
            self.query.cookie = Some(cookie);
            let page = self.page().await?;
            count += page.result.len() as u64;
            next = page.cookie;
        }
        Err(Problem::internal("the pages of the query do not end"))
    }

    async fn page(&self) -> Result<Page, Problem> {
        let request = Request {
            path: self.path.clone(),
            verb: Verb::Query(self.query.clone()),
            version: self.version,
        };
        match self.router.handle(self.context, request).await? {
            Response::Page(page) => Ok(page),
            Response::Created(_) | Response::Object(_) | Response::Action(_) => {
                Err(Problem::internal("a query was not answered by a page"))
            }
        }
    }
}
