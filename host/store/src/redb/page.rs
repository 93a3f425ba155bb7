//! A page that is being filled.

use std::sync::Arc;

use bytes::Bytes;
use host_resource::Filter;
use host_resource::filter::{Matcher, Needles};

use super::tables;
use crate::document::Document;
use crate::error::StoreError;
use crate::scan::{PAGE_BYTES, Scan};

/// A page is full once bodies of so many bytes were looked at, whether they matched or not: that keeps a call short also
/// where [`Scan::examine`] documents are large.
const EXAMINE_BYTES: usize = 64 << 20;

/// From so many documents on it is worth the while to make ready what they must have to match.
const WORTH_NEEDLES: usize = 200;

/// A page that is being filled.
pub(super) struct PageBuilder {
    limit: usize,
    examine: usize,
    filter: Option<Arc<Filter>>,
    matcher: Option<Matcher>,
    needles: Option<Needles>,
    has_revision_test: bool,
    documents: Vec<Document>,
    bytes: usize,
    examined: usize,
    examined_bytes: usize,
}

impl PageBuilder {
    /// An empty page for a scan.
    pub(super) fn new(scan: &Scan) -> Self {
        let filter = scan.filter.as_deref();
        Self {
            limit: scan.limit,
            examine: scan.examine,
            filter: scan.filter.clone(),
            matcher: filter.map(Matcher::new),
            needles: None,
            has_revision_test: filter.is_some_and(|filter| filter.fields().any(crate::index::is_on_revision)),
            documents: Vec::new(),
            bytes: 0,
            examined: 0,
            examined_bytes: 0,
        }
    }

    /// Whether no further document may be looked at.
    pub(super) fn is_full(&self) -> bool {
        self.documents.len() >= self.limit || self.examined >= self.examine || self.examined_bytes >= EXAMINE_BYTES
    }

    /// Looks at a document, given as it is stored, and takes it if it matches. False when it matches and has no room: it
    /// belongs on the next page.
    pub(super) fn offer(&mut self, id: &str, value: &[u8]) -> Result<bool, StoreError> {
        let (revision, body) = tables::split_value(value)?;
        if self.examined == WORTH_NEEDLES {
            self.needles = self.filter.as_deref().and_then(Needles::new);
        }
        if self.needles.as_ref().is_some_and(|needles| !needles.may_match(body)) {
            self.pass(body.len());
            return Ok(true);
        }
        if let Some(matcher) = &self.matcher {
            let shown = if self.has_revision_test {
                revision.to_string()
            } else {
                String::new()
            };
            if !matcher.matches_bytes(body, id, &shown) {
                self.pass(body.len());
                return Ok(true);
            }
        }
        if !self.documents.is_empty() && self.bytes + body.len() > PAGE_BYTES {
            return Ok(false);
        }
        self.pass(body.len());
        self.bytes += body.len();
        self.documents.push(Document {
            id: Arc::from(id),
            revision,
            body: Bytes::copy_from_slice(body),
        });
        Ok(true)
    }

    /// Counts something that was looked at.
    pub(super) fn pass(&mut self, bytes: usize) {
        self.examined += 1;
        self.examined_bytes += bytes;
    }

    /// The documents, and how many were looked at.
    pub(super) fn finish(self) -> (Vec<Document>, usize) {
        (self.documents, self.examined)
    }
}
