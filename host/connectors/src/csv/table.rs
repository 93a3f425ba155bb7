//! A CSV file that is read from its beginning to its end, line by line.

use std::collections::HashMap;
use std::fs::{File, Metadata};
use std::os::unix::fs::MetadataExt as _;

use ::csv::{ByteRecord, Position, Reader, ReaderBuilder, StringRecord};

use super::Settings;
use crate::error::Error;

/// Larger files (bytes) are refused: they are rewritten at each change.
pub(super) const MAX_FILE: u64 = 256 << 20;
/// More lines are refused: the index of ids lies in memory, 16 bytes for each.
pub(super) const MAX_ROWS: usize = 2_000_000;

/// What tells whether a file has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    length: u64,
    inode: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    pub(super) fn of(metadata: &Metadata) -> Self {
        Self {
            length: metadata.len(),
            inode: metadata.ino(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

/// An open file.
pub(super) struct Table {
    pub(super) stamp: Stamp,
    reader: Reader<File>,
    header: StringRecord,
    columns: HashMap<String, usize>,
    uid: usize,
    rows: usize,
}

/// One line.
pub(super) struct Row {
    pub(super) record: StringRecord,
    /// Where it begins, in bytes.
    pub(super) offset: u64,
}

impl Table {
    pub(super) fn open(settings: &Settings) -> Result<Self, Error> {
        let file = File::open(&settings.file).map_err(|error| match error.kind() {
            std::io::ErrorKind::PermissionDenied => Error::Denied("the file cannot be read".to_owned()),
            _ => Error::Busy(format!("the file cannot be opened: {}", error.kind())),
        })?;
        Self::of(file, settings)
    }

    pub(super) fn of(file: File, settings: &Settings) -> Result<Self, Error> {
        let metadata = file.metadata().map_err(|error| Error::Failed(error.to_string()))?;
        if !metadata.is_file() {
            return Err(Error::Failed("this is no file".to_owned()));
        }
        if metadata.len() > MAX_FILE {
            return Err(Error::TooLarge(format!("the file is larger than {MAX_FILE} bytes")));
        }
        let mut reader = ReaderBuilder::new()
            .has_headers(false)
            .delimiter(settings.delimiter)
            .quote(settings.quote)
            .from_reader(file);
        let mut header = ByteRecord::new();
        let is_there = reader.read_byte_record(&mut header).map_err(|error| broken(&error))?;
        if !is_there {
            return Err(Error::Failed(
                "the file is empty: its first line names the columns".to_owned(),
            ));
        }
        let mut header = text(header, 1)?;
        if let Some(first) = header.get(0).and_then(|first| first.strip_prefix('\u{feff}')) {
            header = std::iter::once(first)
                .chain(header.iter().skip(1))
                .map(str::to_owned)
                .collect::<Vec<_>>()
                .into();
        }
        let mut columns = HashMap::new();
        for (at, name) in header.iter().enumerate() {
            if columns.insert(name.to_owned(), at).is_some() {
                return Err(Error::Failed(format!("line 1: the column '{name}' is there twice")));
            }
        }
        let Some(&uid) = columns.get(&settings.uid) else {
            return Err(Error::Failed(format!("line 1: there is no column '{}'", settings.uid)));
        };
        Ok(Self {
            stamp: Stamp::of(&metadata),
            reader,
            header,
            columns,
            uid,
            rows: 0,
        })
    }

    /// The names of the columns.
    pub(super) fn columns(&self) -> impl Iterator<Item = &str> {
        self.header.iter()
    }

    pub(super) fn header(&self) -> &StringRecord {
        &self.header
    }

    /// Which column has this name.
    pub(super) fn column(&self, name: &str) -> Option<usize> {
        self.columns.get(name).copied()
    }

    /// The id of a line.
    pub(super) fn uid<'a>(&self, row: &'a Row) -> &'a str {
        row.record.get(self.uid).unwrap_or_default()
    }

    /// The next line; none at the end.
    pub(super) fn next_row(&mut self) -> Result<Option<Row>, Error> {
        let position = self.reader.position().clone();
        let mut record = ByteRecord::new();
        let is_there = self
            .reader
            .read_byte_record(&mut record)
            .map_err(|error| broken(&error))?;
        if !is_there {
            return Ok(None);
        }
        self.rows += 1;
        if self.rows > MAX_ROWS {
            return Err(Error::TooLarge(format!("the file has more than {MAX_ROWS} lines")));
        }
        let line = record.position().map_or(position.line(), Position::line);
        let record = text(record, line)?;
        let row = Row {
            record,
            offset: position.byte(),
        };
        if self.uid(&row).is_empty() {
            return Err(Error::Failed(format!("line {line}: the id is empty")));
        }
        Ok(Some(row))
    }

    /// Goes to the line that begins at this byte.
    pub(super) fn seek(&mut self, offset: u64) -> Result<(), Error> {
        let mut position = Position::new();
        position.set_byte(offset);
        self.reader.seek(position).map_err(|error| broken(&error))
    }

    /// A line as a position: where it was, and its id, as the file may change.
    pub(super) fn position_of(&self, row: &Row) -> Vec<u8> {
        let mut position = row.offset.to_be_bytes().to_vec();
        position.extend(self.uid(row).as_bytes());
        position
    }

    /// Goes behind the line that a position names, wherever it is now.
    pub(super) fn seek_behind(&mut self, position: &[u8]) -> Result<(), Error> {
        let gone = || {
            Error::Position(
                "the object where the last page ended is gone: repeat the query without a cookie".to_owned(),
            )
        };
        let (offset, uid) = position.split_first_chunk::<8>().ok_or_else(gone)?;
        let uid = std::str::from_utf8(uid).map_err(|_| gone())?;
        let begin = self.reader.position().byte();
        let offset = u64::from_be_bytes(*offset);
        if offset >= begin && offset < MAX_FILE {
            self.seek(offset)?;
            // Somewhere in another line, if the file has changed.
            if let Ok(Some(row)) = self.next_row()
                && self.uid(&row) == uid
            {
                return Ok(());
            }
        }
        self.seek(begin)?;
        while let Some(row) = self.next_row()? {
            if self.uid(&row) == uid {
                return Ok(());
            }
        }
        Err(gone())
    }
}

fn text(record: ByteRecord, line: u64) -> Result<StringRecord, Error> {
    StringRecord::from_byte_record(record).map_err(|_| Error::Failed(format!("line {line}: this is not UTF-8")))
}

pub(super) fn broken(error: &::csv::Error) -> Error {
    match error.kind() {
        ::csv::ErrorKind::UnequalLengths { pos, expected_len, len } => {
            let line = pos.as_ref().map_or(0, Position::line);
            Error::Failed(format!(
                "line {line}: {len} columns, but the first line has {expected_len}"
            ))
        }
        _ => Error::Failed(error.to_string()),
    }
}
