//! The CSV connector: a file with a line of names, then a line for each object. Queries stream the file; an index of the
//! id column finds single objects. A change writes a new file beside the old one and renames it, unless somebody else
//! changed the old one meanwhile.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use host_model::Invalid;
use host_model::members::Members;
use host_resource::Pointer;
use parking_lot::Mutex;
use serde_json::{Map, Value, json};

use crate::connector::{Change, Connector, Entry, Found, NAME, NewEntry, PASSWORD, Search, SyncPage, UID};
use crate::definition::ObjectType;
use crate::error::Error;
use crate::mapping::text_of;
use crate::paths::AllowedFolders;

mod changes;
mod edit;
mod index;
mod table;
#[cfg(test)]
mod tests;

use index::Index;
use table::{Row, Table};

/// How the file is written and what its columns are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    file: PathBuf,
    uid: String,
    name: Option<String>,
    password: Option<String>,
    quote: u8,
    delimiter: u8,
    newline: Newline,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Newline {
    Lf,
    CrLf,
}

/// What a configuration may say; the last ones mean nothing here.
const PROPERTIES: [&str; 9] = [
    "csvFile",
    "headerUid",
    "headerName",
    "headerPassword",
    "quoteCharacter",
    "fieldDelimiter",
    "newlineString",
    "syncFileRetentionCount",
    "spaceReplacementString",
];

impl Settings {
    /// Reads `configurationProperties`.
    pub(crate) fn parse(properties: &Value, folders: &AllowedFolders) -> Result<Self, Invalid> {
        let members = Members::of(properties, Pointer::from_elements(["configurationProperties"]))?;
        members.only(&PROPERTIES)?;
        let file = members.require_text("csvFile", "the path of the file")?;
        let file = folders
            .file(file)
            .map_err(|error| members.invalid("csvFile", error.to_string()))?;
        let letter = |name: &str, absent: u8| match members.text(name)?.map(str::as_bytes) {
            None => Ok(absent),
            Some(&[letter]) if letter.is_ascii() && !letter.is_ascii_alphanumeric() => Ok(letter),
            Some(_) => Err(members.invalid(name, "one character is expected, no letter and no digit")),
        };
        let newline = match members.text("newlineString")? {
            None | Some("\n") => Newline::Lf,
            Some("\r\n") => Newline::CrLf,
            Some(_) => return Err(members.invalid("newlineString", "write \"\\n\" or \"\\r\\n\"")),
        };
        members.get("syncFileRetentionCount");
        let (quote, delimiter) = (letter("quoteCharacter", b'"')?, letter("fieldDelimiter", b',')?);
        if quote == delimiter {
            return Err(members.invalid("fieldDelimiter", "this is the quoteCharacter already"));
        }
        let column = |name: &str| {
            members
                .text(name)
                .map(|column| column.filter(|column| !column.is_empty()).map(str::to_owned))
        };
        Ok(Self {
            file,
            uid: members.require_text("headerUid", "the column with the ids")?.to_owned(),
            name: column("headerName")?,
            password: column("headerPassword")?,
            quote,
            delimiter,
            newline,
        })
    }

    /// The columns of the special attributes.
    fn column<'a>(&'a self, native: &'a str) -> Option<&'a str> {
        match native {
            UID => Some(&self.uid),
            NAME => Some(self.name.as_deref().unwrap_or(&self.uid)),
            PASSWORD => self.password.as_deref(),
            other => Some(other),
        }
    }
}

/// The CSV connector.
pub(crate) struct CsvConnector(Arc<Inner>);

pub(crate) struct Inner {
    settings: Settings,
    folders: AllowedFolders,
    /// The index of the file as it was last seen.
    index: Mutex<Option<Arc<Index>>>,
    /// Held while the file is replaced.
    writing: Mutex<()>,
}

impl CsvConnector {
    pub(crate) fn new(settings: Settings, folders: AllowedFolders) -> Self {
        Self(Arc::new(Inner {
            settings,
            folders,
            index: Mutex::default(),
            writing: Mutex::default(),
        }))
    }

    /// Files are read and written on threads that may wait.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let inner = Arc::clone(&self.0);
        tokio::task::spawn_blocking(move || work(&inner))
            .await
            .unwrap_or_else(|_| Err(Error::Failed("reading the file failed".to_owned())))
    }
}

impl Inner {
    fn table(&self) -> Result<Table, Error> {
        // Also now: a link may have come since the configuration was read.
        if !self.folders.admits(&self.settings.file) {
            return Err(Error::Denied(
                "the file is in no folder that connectors may use".to_owned(),
            ));
        }
        Table::open(&self.settings)
    }

    fn index(&self) -> Result<Arc<Index>, Error> {
        let table = self.table()?;
        let mut held = self.index.lock();
        match held.as_ref().filter(|index| index.stamp == table.stamp) {
            Some(index) => Ok(Arc::clone(index)),
            None => {
                let index = Arc::new(Index::of(table)?);
                *held = Some(Arc::clone(&index));
                Ok(index)
            }
        }
    }

    fn entry(&self, uid: &str) -> Result<Option<Entry>, Error> {
        let index = self.index()?;
        let mut table = self.table()?;
        if table.stamp != index.stamp {
            return Err(Error::Changed("the file changed while it was read".to_owned()));
        }
        Ok(index.find(&mut table, uid)?.map(|row| self.entry_of(&table, &row)))
    }

    /// The object that a line is. An empty cell is no value.
    fn entry_of(&self, table: &Table, row: &Row) -> Entry {
        let cell = |column: &str| {
            table
                .column(column)
                .and_then(|at| row.record.get(at))
                .unwrap_or_default()
        };
        let settings = &self.settings;
        let is_secret = |column: &str| settings.password.as_deref() == Some(column);
        let attributes: BTreeMap<String, Vec<Value>> = table
            .columns()
            .zip(row.record.iter())
            .filter(|(column, value)| !value.is_empty() && !is_secret(column))
            .map(|(column, value)| (column.to_owned(), vec![Value::from(value)]))
            .collect();
        Entry {
            uid: cell(&settings.uid).to_owned(),
            name: cell(settings.name.as_deref().unwrap_or(&settings.uid)).to_owned(),
            attributes,
        }
    }

    fn search(&self, search: &Search) -> Result<Found, Error> {
        let mut table = self.table()?;
        if let Some(position) = &search.after {
            table.seek_behind(position)?;
        }
        let mut found = Found::default();
        let mut position = None;
        while let Some(row) = table.next_row()? {
            if found.objects.len() >= search.limit {
                found.position = position;
                break;
            }
            if let Some(object) = (search.accept)(&self.entry_of(&table, &row)) {
                found.objects.push(object);
            }
            position = Some(table.position_of(&row));
        }
        Ok(found)
    }

    /// Column and cell for each attribute.
    fn cells(&self, attributes: impl Iterator<Item = (String, Vec<Value>)>) -> Result<Vec<(String, String)>, Error> {
        attributes
            .map(|(native, values)| {
                let column = self.settings.column(&native).ok_or_else(|| {
                    Error::Invalid(format!(
                        "the file has no column for {native}: name it in headerPassword"
                    ))
                })?;
                match values.as_slice() {
                    [] => Ok((column.to_owned(), String::new())),
                    [value] => Ok((column.to_owned(), text_of(value))),
                    _ => Err(Error::Invalid(format!("the column '{column}' takes one value only"))),
                }
            })
            .collect()
    }

    fn authenticate(&self, name: &str, password: &str) -> Result<String, Error> {
        let settings = &self.settings;
        let Some(secret) = &settings.password else {
            return Err(Error::Unsupported("the file has no column of passwords".to_owned()));
        };
        let mut table = self.table()?;
        let column = |table: &Table, name: &str| {
            let missing = || Error::Failed(format!("the file has no column '{name}'"));
            table.column(name).ok_or_else(missing)
        };
        let names = column(&table, settings.name.as_deref().unwrap_or(&settings.uid))?;
        let secrets = column(&table, secret)?;
        let uids = column(&table, &settings.uid)?;
        while let Some(row) = table.next_row()? {
            if row.record.get(names) == Some(name) {
                let held = row.record.get(secrets).unwrap_or_default();
                // Digests are compared, so that the time says nothing about how much of the password is right.
                let is_right = blake3::hash(held.as_bytes()) == blake3::hash(password.as_bytes());
                if is_right && !held.is_empty() {
                    return Ok(row.record.get(uids).unwrap_or_default().to_owned());
                }
                return Err(Error::Credentials);
            }
        }
        Err(Error::Credentials)
    }

    fn schema(&self) -> Result<Map<String, Value>, Error> {
        let table = self.table()?;
        let mut properties = Map::new();
        for column in table.columns() {
            let mut property = json!({"type": "string", "nativeName": column, "nativeType": "string"});
            if column == self.settings.uid {
                property["required"] = Value::Bool(true);
            }
            if self.settings.password.as_deref() == Some(column) {
                property["nativeName"] = PASSWORD.into();
                property["flags"] = json!(["NOT_READABLE", "NOT_RETURNED_BY_DEFAULT"]);
            }
            properties.insert(column.to_owned(), property);
        }
        let account = json!({
            "$schema": "http://json-schema.org/draft-03/schema", "id": "__ACCOUNT__", "type": "object",
            "nativeType": "__ACCOUNT__", "properties": properties
        });
        Ok(Map::from_iter([("account".to_owned(), account)]))
    }
}

#[async_trait]
impl Connector for CsvConnector {
    async fn test(&self) -> Result<(), Error> {
        self.run(|inner| inner.index().map(drop)).await
    }

    async fn schema(&self) -> Result<Map<String, Value>, Error> {
        self.run(Inner::schema).await
    }

    async fn get(&self, _kind: &ObjectType, uid: &str) -> Result<Option<Entry>, Error> {
        let uid = uid.to_owned();
        self.run(move |inner| inner.entry(&uid)).await
    }

    async fn search(&self, _kind: &ObjectType, search: Search) -> Result<Found, Error> {
        self.run(move |inner| inner.search(&search)).await
    }

    async fn create(&self, _kind: &ObjectType, entry: NewEntry) -> Result<String, Error> {
        self.run(move |inner| inner.create(entry)).await
    }

    async fn update(
        &self,
        _kind: &ObjectType,
        uid: &str,
        changes: Vec<Change>,
        _rev: Option<&str>,
    ) -> Result<String, Error> {
        let uid = uid.to_owned();
        self.run(move |inner| inner.update(&uid, changes)).await
    }

    async fn delete(&self, _kind: &ObjectType, uid: &str, _rev: Option<&str>) -> Result<(), Error> {
        let uid = uid.to_owned();
        self.run(move |inner| inner.delete(&uid)).await
    }

    async fn authenticate(&self, _kind: &ObjectType, name: &str, password: &str) -> Result<String, Error> {
        let (name, password) = (name.to_owned(), password.to_owned());
        self.run(move |inner| inner.authenticate(&name, &password)).await
    }

    async fn latest_token(&self, kind: &ObjectType) -> Result<Value, Error> {
        let kind = kind.name.clone();
        self.run(move |inner| inner.latest_token(&kind)).await
    }

    async fn sync(&self, kind: &ObjectType, token: &Value, limit: usize) -> Result<SyncPage, Error> {
        let (kind, token) = (kind.name.clone(), token.clone());
        self.run(move |inner| inner.changes(&kind, &token, limit)).await
    }

    fn id_attribute(&self) -> Option<&str> {
        Some(&self.0.settings.uid)
    }
}
