//! Reading many documents: a page at a time, from an opaque cursor.

use std::fmt;
use std::sync::Arc;

use host_resource::{Filter, Pointer};

use crate::document::Document;
use crate::key::Collection;

/// Which documents to read.
#[derive(Clone, Debug)]
pub struct Scan {
    /// From which collection.
    pub collection: Collection,
    /// Only those that match; none means all.
    pub filter: Option<Arc<Filter>>,
    /// Which come first.
    pub order: Order,
    /// Behind which position; none means from the beginning.
    pub after: Option<Cursor>,
    /// Behind which id, where there is no position yet; a scan in the order of values begins at its own beginning.
    pub behind: Option<Arc<str>>,
    /// At most so many documents are returned.
    pub limit: usize,
    /// At most so many documents are looked at, so that one call is short however few match.
    pub examine: usize,
}

/// In which order a scan returns documents, and with it, what a scan of several pages promises.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// By id. Every document that matches during the whole scan is returned exactly once, also when others come, go or
    /// change between two pages, and also when it changes itself.
    #[default]
    Id,
    /// By the values at a pointer, where the filter bounds them and an index on them is built; by id otherwise. A document
    /// whose own values there change between two pages moves within this order: it is returned once or left out, but
    /// never twice, so that work which moves documents comes to an end.
    Value(Pointer),
}

/// The documents that one call looks at when nobody says otherwise.
pub const EXAMINE: usize = 20_000;

/// The bodies that one page returns are no larger together, unless there is only one.
pub const PAGE_BYTES: usize = 8 << 20;

impl Scan {
    /// All documents of a collection.
    pub fn all(collection: Collection, limit: usize) -> Self {
        Self {
            collection,
            filter: None,
            order: Order::Id,
            after: None,
            behind: None,
            limit,
            examine: EXAMINE,
        }
    }

    /// The documents that match.
    pub fn matching(collection: Collection, filter: Arc<Filter>, limit: usize) -> Self {
        Self {
            filter: Some(filter),
            ..Self::all(collection, limit)
        }
    }

    /// The same scan in the order of the values at a pointer.
    #[must_use]
    pub fn by_value(mut self, pointer: Pointer) -> Self {
        self.order = Order::Value(pointer);
        self
    }

    /// The same scan behind an id, whether a document has it or not.
    #[must_use]
    pub fn behind(mut self, id: Option<Arc<str>>) -> Self {
        self.behind = id;
        self
    }

    /// The same scan behind a position.
    #[must_use]
    pub fn after(mut self, cursor: Option<Cursor>) -> Self {
        self.after = cursor;
        self
    }
}

/// A position in a scan; its meaning is the backend's. Stable while documents come and go.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Cursor(Vec<u8>);

impl Cursor {
    /// Made by a backend.
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// For the backend that made it.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// As text that JSON and URLs carry unharmed.
    pub fn to_text(&self) -> String {
        use fmt::Write as _;
        let mut text = String::with_capacity(self.0.len() * 2);
        for byte in &self.0 {
            write!(text, "{byte:02x}").expect("writing to a String cannot fail");
        }
        text
    }

    /// From text; none when it is not a cursor's.
    pub fn from_text(text: &str) -> Option<Self> {
        if !text.len().is_multiple_of(2) || !text.is_ascii() {
            return None;
        }
        (0..text.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok())
            .collect::<Option<Vec<u8>>>()
            .map(Self)
    }
}

impl fmt::Debug for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_text())
    }
}

/// Some documents.
#[derive(Clone, Debug, Default)]
pub struct ScanPage {
    /// Those that match, in the scan's order.
    pub documents: Vec<Document>,
    /// Where to go on; none when nothing is left. A page may be empty and still have a cursor.
    pub cursor: Option<Cursor>,
    /// How many documents were looked at.
    pub examined: usize,
}
