//! Secondary indexes: what a collection indexes, how a value becomes a sortable key, and which index answers a filter.
//! How entries are kept and read is the backend's.

use std::sync::Arc;

use host_resource::Pointer;
use host_resource::filter::Extractor;

use entry::Entries;
use value::IndexValue;

pub(crate) mod entry;
pub(crate) mod plan;
pub(crate) mod value;

/// Tells the entries of one index from those of all others of the tenant, for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct IndexNumber(pub(crate) u32);

/// An index on one pointer of a collection's documents.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Index {
    /// Its number.
    pub(crate) number: IndexNumber,
    /// What is indexed.
    pub(crate) pointer: Pointer,
    /// Whether it can answer.
    pub(crate) state: IndexState,
}

/// How far an index has come. Commits maintain it from the beginning to the end of its life.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum IndexState {
    /// It lacks documents that were there before it was declared.
    Building {
        /// Those up to this id are done.
        after: Option<Arc<str>>,
    },
    /// It holds every document.
    Built,
    /// It is no longer declared; its entries are being removed.
    Dropping,
}

/// The indexes of a collection, ready to find the entries of many documents. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Indexes(Option<Arc<Ready>>);

#[derive(Debug)]
struct Ready {
    list: Vec<Index>,
    extractor: Extractor,
}

impl Indexes {
    /// Makes a list of indexes ready.
    pub(crate) fn new(list: Vec<Index>) -> Self {
        if list.is_empty() {
            return Self::default();
        }
        let pointers: Vec<_> = list.iter().map(|index| index.pointer.clone()).collect();
        Self(Some(Arc::new(Ready {
            extractor: Extractor::new(&pointers),
            list,
        })))
    }

    /// The indexes.
    pub(crate) fn list(&self) -> &[Index] {
        self.0.as_ref().map_or(&[], |ready| &ready.list)
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Whether what is written at these places alone changes no entry.
    pub(crate) fn are_apart_from(&self, places: &[Pointer]) -> bool {
        let touches =
            |index: &Index, place: &Pointer| index.pointer.starts_with(place) || place.starts_with(&index.pointer);
        let mut pairs = self
            .list()
            .iter()
            .flat_map(|index| places.iter().map(move |place| (index, place)));
        !pairs.any(|(index, place)| touches(index, place))
    }

    /// The entries of a document in all of them.
    pub(crate) fn entries(&self, body: &[u8], id: &str) -> Entries {
        let Some(Ready { list, extractor }) = self.0.as_deref() else {
            return Entries::default();
        };
        let mut entries = Vec::with_capacity(list.len());
        let mut add = |index: &Index, value: IndexValue<'_>| entries.push(entry::entry(index.number, value, id));
        for index in list.iter().filter(|index| is_on_id(&index.pointer)) {
            add(index, IndexValue::Text(id));
        }
        extractor.extract(body, |number, scalar| {
            let index = &list[number];
            if let (Some(value), false) = (IndexValue::of(scalar), is_on_id(&index.pointer)) {
                add(index, value);
            }
        });
        Entries::new(entries)
    }
}

/// Whether a pointer means the id, which is not in the body.
fn is_on_id(pointer: &Pointer) -> bool {
    matches!(pointer.elements(), [name] if name.as_ref() == "_id")
}

/// Whether a pointer means the revision, which changes without the body: no index holds it.
pub(crate) fn is_on_revision(pointer: &Pointer) -> bool {
    matches!(pointer.elements(), [name] if name.as_ref() == "_rev")
}
