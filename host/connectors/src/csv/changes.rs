//! Changes of a CSV file: a copy of the file as it was is kept beside it, and compared. A token names the copy that the
//! last comparison began from, the copy it goes to, and how many of the differences are done with; so the differences of
//! two copies stay the same however often they are asked for.
//!
//! A copy is named by the digest of what is in it. Only those that a token needs are kept.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io;
use std::path::PathBuf;

use serde_json::Value;

use super::Inner;
use super::table::{Row, Table};
use crate::connector::{Delta, DeltaKind, Entry, SyncPage};
use crate::error::Error;

/// A token: `FROM`, or `FROM>TO:DONE`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Token {
    from: String,
    going: Option<(String, usize)>,
}

impl Token {
    fn parse(value: &Value) -> Option<Self> {
        let text = value.as_str()?;
        let is_digest = |text: &str| text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let (from, going) = match text.split_once('>') {
            None => (text, None),
            Some((from, rest)) => {
                let (to, done) = rest.split_once(':')?;
                (from, Some((to.to_owned(), done.parse().ok()?)))
            }
        };
        let is_right = is_digest(from) && going.as_ref().is_none_or(|(to, _)| is_digest(to));
        is_right.then(|| Self {
            from: from.to_owned(),
            going,
        })
    }

    fn value(from: &str, to: &str, done: usize) -> Value {
        Value::String(format!("{from}>{to}:{done}"))
    }
}

/// What became of a line of the newer copy.
struct Seen {
    digest: blake3::Hash,
}

impl Inner {
    /// Keeps a copy of the file as it is now.
    pub(super) fn latest_token(&self, kind: &str) -> Result<Value, Error> {
        let digest = self.keep(kind)?;
        self.forget_others(kind, &[&digest]);
        Ok(Value::String(digest))
    }

    /// The differences behind a token.
    pub(super) fn changes(&self, kind: &str, token: &Value, limit: usize) -> Result<SyncPage, Error> {
        let bad = || Error::Position("the token is none of a CSV file".to_owned());
        let Token { from, going } = Token::parse(token).ok_or_else(bad)?;
        let (to, done) = match going {
            Some(going) => going,
            None => (self.keep(kind)?, 0),
        };
        self.forget_others(kind, &[&from, &to]);
        if from == to {
            return Ok(SyncPage {
                deltas: Vec::new(),
                token: Value::String(to),
                has_more: false,
            });
        }
        let mut deltas = self.differences(kind, &from, &to, done, limit.saturating_add(1))?;
        let has_more = deltas.len() > limit;
        deltas.truncate(limit);
        let token = if has_more {
            Token::value(&from, &to, done + deltas.len())
        } else {
            Value::String(to)
        };
        if let Some(last) = deltas.last_mut() {
            last.token = token.clone();
        }
        Ok(SyncPage {
            deltas,
            token,
            has_more,
        })
    }

    fn differences(&self, kind: &str, from: &str, to: &str, skip: usize, limit: usize) -> Result<Vec<Delta>, Error> {
        let mut before: HashMap<String, Seen> = HashMap::new();
        let mut old = self.copy(kind, from)?;
        while let Some(row) = old.next_row()? {
            let digest = digest(&old, &row);
            if before.insert(old.uid(&row).to_owned(), Seen { digest }).is_some() {
                return Err(Error::Failed(format!("the id '{}' is there twice", old.uid(&row))));
            }
        }
        let mut deltas = Vec::new();
        let mut number = 0;
        let mut add = |kind: DeltaKind, uid: &str, entry: &dyn Fn() -> Option<Entry>| {
            number += 1;
            if number > skip && deltas.len() < limit {
                deltas.push(Delta {
                    kind,
                    uid: uid.to_owned(),
                    entry: entry(),
                    token: Token::value(from, to, number),
                });
            }
        };
        let mut new = self.copy(kind, to)?;
        while let Some(row) = new.next_row()? {
            let uid = new.uid(&row);
            let entry = || Some(self.entry_of(&new, &row));
            match before.remove(uid) {
                None => add(DeltaKind::Create, uid, &entry),
                Some(seen) if seen.digest != digest(&new, &row) => add(DeltaKind::Update, uid, &entry),
                Some(_) => {}
            }
        }
        let mut gone: Vec<String> = before.into_keys().collect();
        gone.sort_unstable();
        for uid in gone {
            add(DeltaKind::Delete, &uid, &|| None);
        }
        Ok(deltas)
    }

    fn path(&self, kind: &str, digest: &str) -> PathBuf {
        self.settings
            .file
            .with_file_name(format!("{}{digest}", self.prefix(kind)))
    }

    fn prefix(&self, kind: &str) -> String {
        let name = self.settings.file.file_name().unwrap_or_default().to_string_lossy();
        format!(".{name}.{kind}.sync.")
    }

    fn copy(&self, kind: &str, digest: &str) -> Result<Table, Error> {
        let file = File::open(self.path(kind, digest)).map_err(|_| {
            Error::Position(
                "the copy of the file that the token belongs to is gone: delete the token, and reconcile".to_owned(),
            )
        })?;
        Table::of(file, &self.settings)
    }

    /// Keeps a copy of the file, and answers the digest that names it.
    fn keep(&self, kind: &str) -> Result<String, Error> {
        // What is no table is not kept: the error is that of the file as it is.
        self.index()?;
        let failed = |error: io::Error| Error::Denied(format!("a copy of the file cannot be kept: {}", error.kind()));
        let folder = self.settings.file.parent().unwrap_or(std::path::Path::new("."));
        let mut copy = tempfile::Builder::new()
            .prefix(".taskwarden-csv-")
            .tempfile_in(folder)
            .map_err(failed)?;
        let file = File::open(&self.settings.file).map_err(failed)?;
        let mut hasher = Digesting {
            inner: copy.as_file_mut(),
            hasher: blake3::Hasher::new(),
        };
        io::copy(&mut io::Read::take(file, super::table::MAX_FILE + 1), &mut hasher).map_err(failed)?;
        let digest = hasher.hasher.finalize().to_hex().to_string();
        copy.as_file().sync_all().map_err(failed)?;
        copy.persist(self.path(kind, &digest))
            .map_err(|error| failed(error.error))?;
        Ok(digest)
    }

    fn forget_others(&self, kind: &str, kept: &[&str]) {
        let prefix = self.prefix(kind);
        let folder = self.settings.file.parent().unwrap_or(std::path::Path::new("."));
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let digest = name.strip_prefix(&prefix).filter(|digest| digest.len() == 64);
            if digest.is_some_and(|digest| !kept.contains(&digest)) {
                // It is in nobody's way: the next one tries again.
                drop(fs::remove_file(entry.path()));
            }
        }
    }
}

/// The digest of a line, with the names of its columns: another order of columns is no change.
fn digest(table: &Table, row: &Row) -> blake3::Hash {
    let mut cells: Vec<(&str, &str)> = table.columns().zip(row.record.iter()).collect();
    cells.sort_unstable();
    let mut hasher = blake3::Hasher::new();
    for text in cells.into_iter().flat_map(|(column, cell)| [column, cell]) {
        hasher.update(&(text.len() as u64).to_le_bytes());
        hasher.update(text.as_bytes());
    }
    hasher.finalize()
}

struct Digesting<W> {
    inner: W,
    hasher: blake3::Hasher,
}

impl<W: io::Write> io::Write for Digesting<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
