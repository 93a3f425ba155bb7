//! An index entry: the number of the index, an encoded value, the id of a document that has it. One document has as many
//! entries in an index as it has different values there: none without a value, several when it holds an array.

use super::IndexNumber;
use super::value::{IndexValue, encoded_length};

const NUMBER_BYTES: usize = size_of::<u32>();

/// What the entries of an index begin with.
pub(crate) fn index_prefix(number: IndexNumber) -> [u8; NUMBER_BYTES] {
    number.0.to_be_bytes()
}

/// What the entries of the next index begin with.
pub(crate) fn index_end(number: IndexNumber) -> [u8; NUMBER_BYTES] {
    (number.0 + 1).to_be_bytes()
}

/// The entry of a document that has this value.
pub(crate) fn entry(number: IndexNumber, value: IndexValue<'_>, id: &str) -> Vec<u8> {
    let mut entry = Vec::with_capacity(NUMBER_BYTES + 40 + id.len());
    entry.extend(index_prefix(number));
    value.encode(&mut entry);
    entry.extend_from_slice(id.as_bytes());
    entry
}

/// The encoded value and the id in an entry; none when it is no entry.
pub(crate) fn split(entry: &[u8]) -> Option<(&[u8], &str)> {
    let rest = entry.get(NUMBER_BYTES..)?;
    let (value, id) = rest.split_at(encoded_length(rest)?);
    Some((value, str::from_utf8(id).ok()?))
}

/// The entries of one document, sorted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Entries(Vec<Vec<u8>>);

impl Entries {
    /// From entries in any order, some perhaps twice.
    pub(crate) fn new(mut entries: Vec<Vec<u8>>) -> Self {
        entries.sort_unstable();
        entries.dedup();
        Self(entries)
    }

    /// All, sorted.
    pub(crate) fn iter(&self) -> std::slice::Iter<'_, Vec<u8>> {
        self.0.iter()
    }

    /// The entries index by index.
    pub(crate) fn by_index(&self) -> impl Iterator<Item = (IndexNumber, &[Vec<u8>])> {
        self.0
            .chunk_by(|a, b| number_of(a) == number_of(b))
            .map(|entries| (number_of(&entries[0]), entries))
    }

    /// The entries in one index.
    pub(crate) fn of(&self, number: IndexNumber) -> &[Vec<u8>] {
        let from = self.0.partition_point(|entry| number_of(entry) < number);
        let to = self.0.partition_point(|entry| number_of(entry) <= number);
        &self.0[from..to]
    }

    /// Whether this entry is one of them.
    pub(crate) fn contains(&self, entry: &[u8]) -> bool {
        self.0.binary_search_by(|known| known.as_slice().cmp(entry)).is_ok()
    }
}

fn number_of(entry: &[u8]) -> IndexNumber {
    let number = entry
        .first_chunk()
        .expect("an entry begins with the number of its index");
    IndexNumber(u32::from_be_bytes(*number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_holds_its_value_and_its_id() {
        let check = |value: IndexValue<'_>, id: &str| {
            let entry = entry(IndexNumber(7), value, id);
            let mut encoded = Vec::new();
            value.encode(&mut encoded);
            assert_eq!(split(&entry), Some((encoded.as_slice(), id)));
            assert!(
                entry.as_slice() >= index_prefix(IndexNumber(7)).as_slice()
                    && entry.as_slice() < index_end(IndexNumber(7)).as_slice()
            );
        };
        check(IndexValue::Text("joe"), "u1");
        check(IndexValue::Text(""), "\0\u{1}");
        check(IndexValue::Number(3.5), "");
        check(IndexValue::Boolean(false), "u1");
        check(IndexValue::Present, "u1");
        assert_eq!(split(b"abc"), None);
        assert_eq!(split(b"\0\0\0\x01\x07xyz"), None);
    }

    #[test]
    fn entries_are_found_by_index() {
        let of = |number: u32, text: &str| entry(IndexNumber(number), IndexValue::Text(text), "u1");
        let entries = Entries::new(vec![of(2, "b"), of(1, "z"), of(2, "a"), of(2, "b")]);
        assert_eq!(entries.iter().count(), 3);
        assert_eq!(entries.of(IndexNumber(2)), [of(2, "a"), of(2, "b")]);
        assert!(entries.of(IndexNumber(3)).is_empty());
        assert!(entries.contains(&of(1, "z")) && !entries.contains(&of(1, "y")));
        let counts: Vec<_> = entries
            .by_index()
            .map(|(number, entries)| (number.0, entries.len()))
            .collect();
        assert_eq!(counts, [(1, 1), (2, 2)]);
    }
}
