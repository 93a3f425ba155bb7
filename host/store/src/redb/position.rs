//! Where a scan is: what a [`Cursor`] of this backend says.
//!
//! A position by id means the same whatever way the documents are found, so indexes may come and go between two pages.
//! A position by value means something in its index only.

use crate::document::Revision;
use crate::error::StoreError;
use crate::index::IndexNumber;
use crate::key::Collection;
use crate::scan::Cursor;

const KIND_ID: u8 = 1;
const KIND_VALUE: u8 = 2;

/// A flag of [`KIND_ID`]: no index narrows the scan down.
const FLAG_BROAD: u8 = 1;
/// A flag of [`KIND_ID`]: an id follows.
const FLAG_AFTER: u8 = 2;

/// Behind which document a page begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Position {
    /// In the order of ids.
    Id {
        /// Behind this id; none is the beginning.
        after: Option<Box<str>>,
        /// Whether an earlier page found that no index narrows the scan down, so that this one need not try.
        is_broad: bool,
    },
    /// In the order of an index.
    Value {
        /// Which index.
        index: IndexNumber,
        /// The last commit that the first page saw.
        began: Revision,
        /// Behind this entry; without the number of the index.
        after: Box<[u8]>,
    },
}

impl Position {
    /// The cursor for a scan of this collection.
    pub(super) fn cursor(&self, collection: &Collection) -> Cursor {
        let mut bytes = Vec::with_capacity(64);
        match self {
            Self::Id { after, is_broad } => {
                bytes.push(KIND_ID);
                bytes.extend(fingerprint(collection).to_be_bytes());
                bytes.push(if *is_broad { FLAG_BROAD } else { 0 } | if after.is_some() { FLAG_AFTER } else { 0 });
                bytes.extend_from_slice(after.as_deref().unwrap_or_default().as_bytes());
            }
            Self::Value { index, began, after } => {
                bytes.push(KIND_VALUE);
                bytes.extend(fingerprint(collection).to_be_bytes());
                bytes.extend(index.0.to_be_bytes());
                bytes.extend(began.0.to_be_bytes());
                bytes.extend_from_slice(after);
            }
        }
        Cursor::from_bytes(bytes)
    }

    /// What a cursor says, if it was made for a scan of this collection.
    pub(super) fn of(cursor: &Cursor, collection: &Collection) -> Result<Self, StoreError> {
        Self::parse(cursor.as_bytes(), collection).ok_or(StoreError::Cursor)
    }

    fn parse(bytes: &[u8], collection: &Collection) -> Option<Self> {
        let (kind, rest) = bytes.split_first()?;
        let (found, rest) = rest.split_first_chunk()?;
        if u64::from_be_bytes(*found) != fingerprint(collection) {
            return None;
        }
        match *kind {
            KIND_ID => {
                let (flags, id) = rest.split_first()?;
                let has_after = flags & FLAG_AFTER != 0;
                if flags & !(FLAG_BROAD | FLAG_AFTER) != 0 || (!has_after && !id.is_empty()) {
                    return None;
                }
                let after = if has_after {
                    Some(str::from_utf8(id).ok()?.into())
                } else {
                    None
                };
                Some(Self::Id {
                    after,
                    is_broad: flags & FLAG_BROAD != 0,
                })
            }
            KIND_VALUE => {
                let (index, rest) = rest.split_first_chunk()?;
                let (began, after) = rest.split_first_chunk()?;
                Some(Self::Value {
                    index: IndexNumber(u32::from_be_bytes(*index)),
                    began: Revision(u64::from_be_bytes(*began)),
                    after: after.into(),
                })
            }
            _ => None,
        }
    }
}

/// Tells collections apart; FNV-1a, whose value may be kept because it never changes.
fn fingerprint(collection: &Collection) -> u64 {
    collection.name().bytes().fold(0xCBF2_9CE4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01B3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_survives_its_cursor_and_belongs_to_its_collection() {
        let check = |position: Position| {
            let cursor = position.cursor(&Collection::new("managed/user"));
            assert_eq!(
                Position::of(&cursor, &Collection::new("managed/user")).unwrap(),
                position
            );
            assert!(matches!(
                Position::of(&cursor, &Collection::new("managed/role")),
                Err(StoreError::Cursor)
            ));
        };
        check(Position::Id {
            after: Some("joe\u{1F600}".into()),
            is_broad: false,
        });
        check(Position::Id {
            after: Some("".into()),
            is_broad: true,
        });
        check(Position::Id {
            after: None,
            is_broad: true,
        });
        check(Position::Value {
            index: IndexNumber(7),
            began: Revision(u64::MAX),
            after: [2, 0, 255].into(),
        });
    }

    #[test]
    fn what_no_scan_made_is_refused() {
        let users = Collection::new("managed/user");
        let check = |bytes: &[u8]| {
            let found = Position::of(&Cursor::from_bytes(bytes.to_vec()), &users);
            assert!(matches!(found, Err(StoreError::Cursor)), "{bytes:?}");
        };
        let good = Position::Id {
            after: Some("joe".into()),
            is_broad: false,
        }
        .cursor(&users);
        let good = good.as_bytes();
        for length in 0..10 {
            check(&good[..length]);
        }
        check(&[&good[..9], &[FLAG_AFTER | 4], &good[10..]].concat());
        check(&[&good[..9], &[0], &good[10..]].concat());
        check(&[good, &[0xFF]].concat());
        check(&[&[3], &good[1..]].concat());
        let value = Position::Value {
            index: IndexNumber(1),
            began: Revision(1),
            after: [].into(),
        }
        .cursor(&users);
        check(&value.as_bytes()[..20]);
    }
}
