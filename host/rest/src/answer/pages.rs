//! A query without a page size: everything that matches, however much it is, without ever holding more than a page.
//!
//! The resource is asked page after page behind the client's back. If the first page is also the last, it is an
//! ordinary answer; otherwise the envelope is sent in chunks while the next page is read. The status is gone by then,
//! so a later failure breaks the connection: the client sees that the answer is incomplete, and the log says why.

use std::sync::Arc;

use axum::body::Body;
use host_resource::{ApiVersion, Context, Problem, Query, ResourcePath, Router, TotalPolicy};
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tracing::Instrument as _;

use super::chunks::{Chunk, Chunks};
use super::envelope::Totals;
use super::form::Form;
use super::{CONTENT_TYPE, Reply, json};
use crate::exchange::page;
use crate::request::Style;

/// Objects in a page: a few hundred kilobytes at most, and one round to the store for many objects.
const PAGE: usize = 500;
/// The same when an order is wanted, which a resource without an index has to establish anew for each page.
const SORTED_PAGE: usize = 10_000;
/// A resource without an index looks at everything for each page in an order, so that answering everything would cost the
/// square of it: an answer of more pages than this is refused when the first one is there.
const SORTED_PAGES: u64 = 20;
/// Pages asked for one answer. A resource whose cookies never end stops here, at more objects than anyone reads.
const PAGES: usize = 1_000_000;

/// A query for everything, and what surrounds it.
pub(crate) struct Everything {
    pub(crate) router: Arc<Router>,
    pub(crate) context: Context,
    pub(crate) path: ResourcePath,
    pub(crate) query: Query,
    pub(crate) version: Option<ApiVersion>,
    pub(crate) style: Style,
    /// Whether each result is a line of its own, without an envelope.
    pub(crate) is_lines: bool,
}

impl Everything {
    /// Answers with the first page, and goes on in the background if there are more. The tenant's slot is held until
    /// the last page is sent.
    pub(crate) async fn answer(mut self, slot: OwnedSemaphorePermit) -> Result<Reply, Problem> {
        let is_sorted = !self.query.sort.is_empty();
        self.query.page_size = Some(if is_sorted { SORTED_PAGE } else { PAGE });
        // Who sorts looks at everything, and counts it on the way.
        self.query.total = if is_sorted {
            TotalPolicy::Exact
        } else {
            TotalPolicy::None
        };
        let page = page(&self.router, &self.context, &self.path, &self.query, self.version).await?;
        if page.cookie.is_some() {
            refuse_many(page.total, page.result.len())?;
        }
        self.query.total = TotalPolicy::None;
        // Without pages there is no total, whatever was asked for: behaviour 1.5.
        let totals = Totals {
            cookie: None,
            policy: TotalPolicy::None,
            total: None,
        };
        let style = self.style.clone();
        let mut form = if self.is_lines {
            Form::lines(style)
        } else {
            Form::envelope(style)
        };
        let content_type = form.content_type();
        let reply = |body: Body| {
            let mut reply = json(body);
            reply.headers_mut().insert(CONTENT_TYPE, content_type);
            reply
        };
        form.add(page.result)?;
        let Some(cookie) = page.cookie else {
            return Ok(reply(form.close(totals).into()));
        };
        let (sender, body) = Chunks::channel();
        if !self.style.is_head {
            let rest = async move {
                self.send_rest(cookie, form, totals, sender).await;
                drop(slot);
            };
            tokio::spawn(rest.in_current_span());
        }
        Ok(reply(Body::new(body)))
    }

    async fn send_rest(mut self, mut cookie: String, mut form: Form, totals: Totals, sender: mpsc::Sender<Chunk>) {
        for _ in 1..PAGES {
            // An error means that the client has gone.
            let Ok(()) = sender.send(Chunk::More(form.take().into())).await else {
                return;
            };
            self.query.offset = 0;
            self.query.cookie = Some(cookie.clone());
            let next = page(&self.router, &self.context, &self.path, &self.query, self.version).await;
            let next = match next.and_then(|page| form.add(page.result).map(|()| page.cookie)) {
                Ok(next) => next,
                Err(problem) => {
                    tracing::error!(path = %self.path, %problem, "a query failed behind its first page");
                    return;
                }
            };
            match next {
                None => {
                    // The client may have gone, here too.
                    let _ = sender.send(Chunk::Last(form.close(totals).into())).await;
                    return;
                }
                Some(next) if next == cookie => break,
                Some(next) => cookie = next,
            }
        }
        tracing::error!(path = %self.path, cookie, "the pages of a query do not end: the answer breaks off");
    }
}

/// Refuses an order of very many.
fn refuse_many(total: Option<u64>, on_first: usize) -> Result<(), Problem> {
    let most = SORTED_PAGES * on_first.max(1) as u64;
    match total.filter(|total| *total > most) {
        None => Ok(()),
        Some(total) => Err(Problem::bad_request(format!(
            "{total} objects cannot be sorted for one answer, at most {most} of this size: ask for pages with _pageSize,              narrow the query, or leave out _sortKeys"
        ))
        .with_detail("parameter", "_sortKeys")),
    }
}

#[cfg(test)]
mod tests;
