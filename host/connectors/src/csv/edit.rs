//! Changing a CSV file: the new one is written beside the old one and made durable; then, if the old one is still the one
//! that was read, it takes its place.

use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::path::Path;

use ::csv::{StringRecord, Terminator, Writer, WriterBuilder};

use super::table::{Stamp, Table, broken};
use super::{Inner, Newline};
use crate::connector::{Change, NAME, NewEntry, UID};
use crate::error::Error;

/// How often a change begins anew because somebody else was faster.
const ATTEMPTS: usize = 3;
/// How names of files begin that are being written.
const UNFINISHED: &str = ".taskwarden-csv-";

/// What becomes of one line.
enum Edit<'a> {
    Append {
        uid: &'a str,
        cells: &'a [(String, String)],
    },
    Replace {
        uid: &'a str,
        cells: &'a [(String, String)],
    },
    Remove {
        uid: &'a str,
    },
}

impl Inner {
    pub(super) fn create(&self, mut entry: NewEntry) -> Result<String, Error> {
        let settings = &self.settings;
        let chosen = entry.uid.take();
        if let Some(chosen) = &chosen {
            let has = |name: &str| entry.attributes.contains_key(name);
            let is_named = settings.name.is_none() && has(NAME);
            if !(has(UID) || has(&settings.uid) || is_named) {
                entry.attributes.insert(UID.to_owned(), vec![chosen.as_str().into()]);
            }
        }
        let cells = self.cells(entry.attributes.into_iter())?;
        let uid = cells
            .iter()
            .find(|(column, value)| *column == settings.uid && !value.is_empty())
            .map(|(_, value)| value.clone())
            .ok_or_else(|| Error::Invalid(format!("the column '{}' needs a value: it is the id", settings.uid)))?;
        if let Some(chosen) = chosen.filter(|chosen| *chosen != uid) {
            return Err(Error::Invalid(format!(
                "the path says '{chosen}', and the object says '{uid}'"
            )));
        }
        self.change(&Edit::Append {
            uid: &uid,
            cells: &cells,
        })?;
        Ok(uid)
    }

    pub(super) fn update(&self, uid: &str, changes: Vec<Change>) -> Result<String, Error> {
        let changed = changes.into_iter().map(|change| (change.attribute, change.after));
        let cells = self.cells(changed)?;
        let renamed = cells.iter().find(|(column, _)| *column == self.settings.uid);
        let renamed = renamed.map(|(_, value)| value.clone());
        if renamed.as_ref().is_some_and(String::is_empty) {
            return Err(Error::Invalid("an object cannot be without its id".to_owned()));
        }
        self.change(&Edit::Replace { uid, cells: &cells })?;
        Ok(renamed.unwrap_or_else(|| uid.to_owned()))
    }

    pub(super) fn delete(&self, uid: &str) -> Result<(), Error> {
        self.change(&Edit::Remove { uid })
    }

    fn change(&self, edit: &Edit<'_>) -> Result<(), Error> {
        let _turn = self.writing.lock();
        for _ in 0..ATTEMPTS {
            if self.rewrite(edit)? {
                return Ok(());
            }
        }
        Err(Error::Changed(
            "others keep changing the file: nothing was written".to_owned(),
        ))
    }

    /// False if somebody else changed the file meanwhile: then nothing has happened.
    fn rewrite(&self, edit: &Edit<'_>) -> Result<bool, Error> {
        let file = &self.settings.file;
        let mut table = self.table()?;
        let stamp = table.stamp;
        let folder = file.parent().unwrap_or(Path::new("."));
        let new = tempfile::Builder::new()
            .prefix(UNFINISHED)
            .tempfile_in(folder)
            .map_err(|error| unwritable(&error))?;
        let mut writer = WriterBuilder::new()
            .delimiter(self.settings.delimiter)
            .quote(self.settings.quote)
            .terminator(match self.settings.newline {
                Newline::Lf => Terminator::Any(b'\n'),
                Newline::CrLf => Terminator::CRLF,
            })
            .from_writer(BufWriter::new(new.as_file()));
        self.write_all(edit, &mut table, &mut writer)?;
        drop(writer.into_inner().map_err(|error| unwritable(error.error()))?);
        let kept = fs::metadata(file).map_err(|error| unwritable(&error))?;
        new.as_file()
            .set_permissions(kept.permissions())
            .and_then(|()| new.as_file().sync_all())
            .map_err(|error| unwritable(&error))?;
        let now = fs::metadata(file).map_err(|error| unwritable(&error))?;
        if Stamp::of(&now) != stamp {
            return Ok(false);
        }
        new.persist(file).map_err(|error| unwritable(&error.error))?;
        File::open(folder)
            .and_then(|folder| folder.sync_all())
            .map_err(|error| unwritable(&error))?;
        Ok(true)
    }

    fn write_all(
        &self,
        edit: &Edit<'_>,
        table: &mut Table,
        writer: &mut Writer<BufWriter<&File>>,
    ) -> Result<(), Error> {
        let mut put = |record: &StringRecord| writer.write_record(record).map_err(|error| broken(&error));
        put(table.header())?;
        let width = table.header().len();
        let mut is_done = false;
        // The line that is changed, and every other one that has its new id.
        let (uid, new_uid) = match edit {
            Edit::Append { uid, .. } => (None, Some(*uid)),
            Edit::Replace { uid, cells } => {
                let renamed = cells.iter().find(|(column, _)| *column == self.settings.uid);
                (Some(*uid), renamed.map(|(_, value)| value.as_str()))
            }
            Edit::Remove { uid } => (Some(*uid), None),
        };
        while let Some(row) = table.next_row()? {
            let is_it = uid == Some(table.uid(&row));
            if !is_it && new_uid == Some(table.uid(&row)) {
                return Err(Error::Exists(table.uid(&row).to_owned()));
            }
            is_done |= is_it;
            match edit {
                Edit::Replace { cells, .. } if is_it => put(&changed(table, row.record, cells)?)?,
                Edit::Remove { .. } if is_it => {}
                Edit::Append { .. } | Edit::Replace { .. } | Edit::Remove { .. } => put(&row.record)?,
            }
        }
        if let Edit::Append { cells, .. } = edit {
            let empty = StringRecord::from(vec![""; width]);
            put(&changed(table, empty, cells)?)?;
        } else if !is_done {
            return Err(Error::Missing(uid.unwrap_or_default().to_owned()));
        }
        Ok(())
    }
}

/// The line with other cells.
fn changed(table: &Table, record: StringRecord, cells: &[(String, String)]) -> Result<StringRecord, Error> {
    let mut values: Vec<&str> = record.iter().collect();
    for (column, value) in cells {
        let at = table
            .column(column)
            .ok_or_else(|| Error::Invalid(format!("the file has no column '{column}'")))?;
        values[at] = value;
    }
    Ok(StringRecord::from(values))
}

fn unwritable(error: &io::Error) -> Error {
    Error::Denied(format!("the file cannot be written: {}", error.kind()))
}
