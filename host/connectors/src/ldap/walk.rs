//! A search that goes on: entry after entry, in blocks that the directory cuts (RFC 2696), through one base context after
//! the other.

use std::collections::VecDeque;

use ldap3::controls::{ControlType, PagedResults};
use ldap3::{Ldap, Scope, SearchEntry};

use super::connection::{lost, refused};
use crate::error::Error;

/// More entries in one answer than this, from a directory that does not cut blocks, are refused.
const MAX_BLOCK: usize = 10_000;

/// What a walk looks for.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    pub(super) bases: Vec<String>,
    pub(super) scope: Scope,
    pub(super) filter: String,
    pub(super) attributes: Vec<String>,
    pub(super) block_size: i32,
}

/// A search that goes on. It has its connection for itself: most directories give a cookie to one connection only.
pub(super) struct Walk {
    ldap: Ldap,
    ask: Ask,
    /// The base context that is searched.
    at: usize,
    cookie: Vec<u8>,
    waiting: VecDeque<SearchEntry>,
}

impl Walk {
    pub(super) fn new(ldap: Ldap, ask: Ask) -> Self {
        Self {
            ldap,
            ask,
            at: 0,
            cookie: Vec::new(),
            waiting: VecDeque::new(),
        }
    }

    /// The next entry; none at the end.
    pub(super) async fn next(&mut self) -> Result<Option<SearchEntry>, Error> {
        loop {
            if let Some(entry) = self.waiting.pop_front() {
                return Ok(Some(entry));
            }
            if self.at >= self.ask.bases.len() {
                return Ok(None);
            }
            self.block().await?;
        }
    }

    /// Puts an entry back: it is the next one again.
    pub(super) fn put_back(&mut self, entry: SearchEntry) {
        self.waiting.push_front(entry);
    }

    /// Whether it looks for one entry by its name.
    pub(super) fn is_one(&self) -> bool {
        self.ask.scope == Scope::Base
    }

    /// The connection, once the walk is at its end.
    pub(super) fn into_connection(self) -> Ldap {
        self.ldap
    }

    async fn block(&mut self) -> Result<(), Error> {
        let base = &self.ask.bases[self.at];
        if self.ask.scope != Scope::Base {
            let block = PagedResults {
                size: self.ask.block_size,
                cookie: std::mem::take(&mut self.cookie),
            };
            self.ldap.with_controls(block);
        }
        let attributes: Vec<&str> = self.ask.attributes.iter().map(String::as_str).collect();
        let mut stream = self
            .ldap
            .streaming_search(base, self.ask.scope, &self.ask.filter, attributes)
            .await
            .map_err(|error| lost(&error))?;
        while let Some(found) = stream.next().await.map_err(|error| lost(&error))? {
            if found.is_ref() || found.is_intermediate() {
                continue;
            }
            if self.waiting.len() >= MAX_BLOCK {
                return Err(Error::TooLarge(format!(
                    "the directory answers with more than {MAX_BLOCK} entries at once: let it support paged results"
                )));
            }
            self.waiting.push_back(SearchEntry::construct(found));
        }
        let result = stream.finish().await;
        if result.rc != 0 {
            return Err(refused(&result, base));
        }
        let mut controls = result.ctrls.into_iter();
        let paged = controls.find(|control| matches!(control.0, Some(ControlType::PagedResults)));
        self.cookie = paged
            .map(|control| control.1.parse::<PagedResults>().cookie)
            .unwrap_or_default();
        if self.cookie.is_empty() {
            self.at += 1;
        }
        Ok(())
    }
}
