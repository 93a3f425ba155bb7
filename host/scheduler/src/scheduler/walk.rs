//! A walk through a collection in the order of ids, over both shelves at once.

use std::collections::VecDeque;
use std::sync::Arc;

use host_resource::filter::Filter;
use host_store::{Collection, Document, Scan, Snapshot};

use crate::error::Error;
use crate::shelf::{PAGE, SHELVES, ShelfName, Shelves};

/// A walk.
pub(super) struct Walk<'a> {
    lanes: Vec<Lane<'a>>,
    examined: usize,
}

/// A document, and what else its shelf held when it was read.
pub(super) struct Found {
    pub(super) shelf: ShelfName,
    pub(super) snapshot: Arc<dyn Snapshot>,
    pub(super) document: Document,
}

struct Lane<'a> {
    shelves: &'a Shelves,
    shelf: ShelfName,
    /// None when everything was read.
    scan: Option<Scan>,
    snapshot: Option<Arc<dyn Snapshot>>,
    documents: VecDeque<Document>,
}

impl<'a> Walk<'a> {
    /// A walk behind an id, of which about so many steps will be taken.
    pub(super) fn new(
        shelves: &'a Shelves,
        collection: Collection,
        filter: Option<Arc<Filter>>,
        behind: Option<Arc<str>>,
        wanted: usize,
    ) -> Walk<'a> {
        let scan = Scan {
            filter,
            ..Scan::all(collection, wanted.clamp(1, PAGE)).behind(behind)
        };
        let lanes = SHELVES.into_iter().map(|shelf| Lane {
            shelves,
            shelf,
            scan: Some(scan.clone()),
            snapshot: None,
            documents: VecDeque::new(),
        });
        Walk {
            lanes: lanes.collect(),
            examined: 0,
        }
    }

    /// How many documents were looked at.
    pub(super) fn examined(&self) -> usize {
        self.examined
    }

    /// The next document. One that is moving from one shelf to the other comes once.
    pub(super) async fn next(&mut self) -> Result<Option<Found>, Error> {
        for lane in &mut self.lanes {
            self.examined += lane.fill().await?;
        }
        let first = self.lanes.iter().filter_map(Lane::id).min().cloned();
        let Some(first) = first else { return Ok(None) };
        let mut found = None;
        for lane in &mut self.lanes {
            if lane.id() == Some(&first)
                && let (Some(document), Some(snapshot)) = (lane.documents.pop_front(), lane.snapshot.clone())
            {
                found.get_or_insert(Found {
                    shelf: lane.shelf,
                    snapshot,
                    document,
                });
            }
        }
        Ok(found)
    }
}

impl Lane<'_> {
    /// Reads on if nothing is left. Answers how many documents were looked at.
    async fn fill(&mut self) -> Result<usize, Error> {
        let mut examined = 0;
        while self.documents.is_empty()
            && let Some(scan) = self.scan.take()
        {
            let snapshot = self.shelves.store(self.shelf).snapshot().await?;
            let page = snapshot.scan(&scan).await?;
            examined += page.examined;
            self.scan = page.cursor.map(|cursor| scan.after(Some(cursor)));
            self.documents = page.documents.into();
            self.snapshot = Some(snapshot);
        }
        Ok(examined)
    }

    fn id(&self) -> Option<&Arc<str>> {
        self.documents.front().map(|document| &document.id)
    }
}
