//! The tables of a tenant's file: what is a key, what is a value. A change of meaning gets a new table name, so that
//! an old file is never misread.

use ::redb::TableDefinition;

use crate::document::Revision;
use crate::error::StoreError;
use crate::key::Collection;

/// The layout as a whole. A file that says otherwise is refused.
pub(super) const FORMAT: u64 = 1;

/// Collection, NUL, id -> revision (8 bytes, big endian), body.
///
/// NUL sorts before every byte of a name, so the order is that of [`crate::Key`].
pub(super) const DOCUMENTS: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("documents-1");

/// Index number, encoded value, id (see [`crate::index::entry`]) -> the revision since which the document has this value.
pub(super) const ENTRIES: TableDefinition<'_, &[u8], u64> = TableDefinition::new("index-entries-1");

/// Collection -> its indexes with their states, as JSON (see [`super::catalog`]).
pub(super) const INDEXES: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("indexes-1");

/// Name -> number: `format`, `next-revision`, `next-index`.
pub(super) const NUMBERS: TableDefinition<'_, &str, u64> = TableDefinition::new("numbers-1");

/// In [`NUMBERS`]: [`FORMAT`] as it was when the file was made.
pub(super) const NUMBER_FORMAT: &str = "format";
/// In [`NUMBERS`]: the revision of the next change set.
pub(super) const NUMBER_REVISION: &str = "next-revision";
/// In [`NUMBERS`]: the number of the next index. Never used twice, so entries of a dropped index cannot be mistaken.
pub(super) const NUMBER_INDEX: &str = "next-index";

const REVISION_BYTES: usize = size_of::<u64>();

/// Writes a document's key in [`DOCUMENTS`] over a buffer.
pub(super) fn document_key(buffer: &mut Vec<u8>, collection: &Collection, id: &str) {
    buffer.clear();
    buffer.extend_from_slice(collection.name().as_bytes());
    buffer.push(0);
    buffer.extend_from_slice(id.as_bytes());
}

/// The first key behind those of a collection.
pub(super) fn collection_end(collection: &Collection) -> Vec<u8> {
    let mut key = collection.name().as_bytes().to_vec();
    key.push(1);
    key
}

/// The id in a key of [`DOCUMENTS`].
pub(super) fn id_of<'k>(collection: &Collection, key: &'k [u8]) -> Result<&'k str, StoreError> {
    let id = key.get(collection.name().len() + 1..).unwrap_or_default();
    str::from_utf8(id).map_err(|_| StoreError::Damaged(format!("an id in {collection} is not UTF-8")))
}

/// Writes a document's value in [`DOCUMENTS`] over a buffer.
pub(super) fn document_value(buffer: &mut Vec<u8>, revision: Revision, body: &[u8]) {
    buffer.clear();
    buffer.extend_from_slice(&revision.0.to_be_bytes());
    buffer.extend_from_slice(body);
}

/// The revision and the body in a value of [`DOCUMENTS`].
pub(super) fn split_value(value: &[u8]) -> Result<(Revision, &[u8]), StoreError> {
    let (revision, body) = value
        .split_first_chunk::<REVISION_BYTES>()
        .ok_or_else(|| StoreError::Damaged("a document is shorter than its revision".to_owned()))?;
    Ok((Revision(u64::from_be_bytes(*revision)), body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_keys_sort_like_keys() {
        let mut keys: Vec<_> = [
            ("a", "z"),
            ("a", "é"),
            ("a/b", "a"),
            ("a-b", "m"),
            ("ab", ""),
            ("a", ""),
        ]
        .map(|(collection, id)| Collection::new(collection).key(id))
        .to_vec();
        let stored = |key: &crate::Key| {
            let mut buffer = Vec::new();
            document_key(&mut buffer, &key.collection, &key.id);
            assert_eq!(id_of(&key.collection, &buffer).unwrap(), &*key.id);
            assert!(buffer < collection_end(&key.collection));
            buffer
        };
        keys.sort();
        assert!(keys.iter().map(stored).is_sorted());
    }

    #[test]
    fn a_value_too_short_for_a_revision_is_damage() {
        assert!(matches!(split_value(b"1234567"), Err(StoreError::Damaged(_))));
        assert_eq!(split_value(&[0, 0, 0, 0, 0, 0, 0, 9]).unwrap(), (Revision(9), &b""[..]));
    }
}
