//! Which indexes a tenant has declared, and how far each is built: the table [`INDEXES`] and the writer's picture of it.

use std::collections::HashMap;

use ::redb::{ReadableTable, Table};
use host_resource::Pointer;
use serde::{Deserialize, Serialize};

use crate::error::StoreError;
use crate::index::{Index, IndexNumber, IndexState, Indexes};
use crate::key::Collection;

/// The indexes of all collections of a tenant. A collection without any is not in it.
#[derive(Clone, Debug, Default)]
pub(super) struct Catalog(HashMap<Collection, Indexes>);

impl Catalog {
    /// What a file says.
    pub(super) fn load(table: &impl ReadableTable<&'static str, &'static [u8]>) -> Result<Self, StoreError> {
        let mut catalog = Self::default();
        for row in table.iter()? {
            let (name, value) = row?;
            let collection = Collection::new(name.value());
            catalog.set(&collection, decode(&collection, value.value())?);
        }
        Ok(catalog)
    }

    /// The indexes of one collection.
    pub(super) fn of(&self, collection: &Collection) -> Indexes {
        self.0.get(collection).cloned().unwrap_or_default()
    }

    /// All that are not built or not yet gone.
    pub(super) fn unfinished(&self) -> Vec<(Collection, IndexNumber)> {
        let mut unfinished: Vec<_> = self
            .0
            .iter()
            .flat_map(|(collection, indexes)| indexes.list().iter().map(move |index| (collection, index)))
            .filter(|(_, index)| !matches!(index.state, IndexState::Built))
            .map(|(collection, index)| (collection.clone(), index.number))
            .collect();
        unfinished.sort_by_key(|(_, number)| *number);
        unfinished
    }

    /// Replaces the indexes of one collection.
    pub(super) fn set(&mut self, collection: &Collection, indexes: Vec<Index>) {
        if indexes.is_empty() {
            self.0.remove(collection);
        } else {
            self.0.insert(collection.clone(), Indexes::new(indexes));
        }
    }

    /// Writes what it says of one collection into the file.
    pub(super) fn store(
        &self,
        collection: &Collection,
        table: &mut Table<'_, &'static str, &'static [u8]>,
    ) -> Result<(), StoreError> {
        let indexes = self.of(collection);
        if indexes.is_empty() {
            table.remove(collection.name())?;
        } else {
            table.insert(collection.name(), encode(indexes.list()).as_slice())?;
        }
        Ok(())
    }
}

/// The indexes of one collection, as a reader finds them.
pub(super) fn indexes_of(
    collection: &Collection,
    table: &impl ReadableTable<&'static str, &'static [u8]>,
) -> Result<Vec<Index>, StoreError> {
    table
        .get(collection.name())?
        .map_or(Ok(Vec::new()), |value| decode(collection, value.value()))
}

/// An index as it is stored.
#[derive(Serialize, Deserialize)]
struct Row {
    number: u32,
    pointer: String,
    state: RowState,
    /// The last id that a build has done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    after: Option<String>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum RowState {
    Building,
    Built,
    Dropping,
}

fn encode(indexes: &[Index]) -> Vec<u8> {
    let rows: Vec<Row> = indexes
        .iter()
        .map(|index| {
            let (state, after) = match &index.state {
                IndexState::Building { after } => (RowState::Building, after.as_deref().map(str::to_owned)),
                IndexState::Built => (RowState::Built, None),
                IndexState::Dropping => (RowState::Dropping, None),
            };
            Row {
                number: index.number.0,
                pointer: index.pointer.to_string(),
                state,
                after,
            }
        })
        .collect();
    serde_json::to_vec(&rows).expect("rows of numbers and texts always serialize")
}

fn decode(collection: &Collection, value: &[u8]) -> Result<Vec<Index>, StoreError> {
    let damaged = |what: String| StoreError::Damaged(format!("the indexes of {collection}: {what}"));
    let rows: Vec<Row> = serde_json::from_slice(value).map_err(|error| damaged(error.to_string()))?;
    rows.into_iter()
        .map(|row| {
            let pointer: Pointer = row
                .pointer
                .parse()
                .map_err(|error| damaged(format!("{}: {error}", row.pointer)))?;
            let state = match row.state {
                RowState::Building => IndexState::Building {
                    after: row.after.map(Into::into),
                },
                RowState::Built => IndexState::Built,
                RowState::Dropping => IndexState::Dropping,
            };
            Ok(Index {
                number: IndexNumber(row.number),
                pointer,
                state,
            })
        })
        .collect()
}
