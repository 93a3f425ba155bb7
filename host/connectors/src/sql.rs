//! The connector of database tables: a row is an object, a column is an attribute. It speaks to PostgreSQL and SQLite, which
//! differ in how a session is held and in some words; what is asked, decided and compared is the same.

use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::Mutex;
use serde_json::{Map, Value};

use crate::connector::{Change, Connector, Entry, Found, NAME, NewEntry, Search, SyncPage};
use crate::definition::ObjectType;
use crate::error::Error;
use crate::paths::AllowedFolders;

mod cell;
mod changes;
mod condition;
mod postgres;
mod read;
mod session;
mod settings;
mod sqlite;
mod statement;
mod table;
#[cfg(test)]
mod tests;
mod url;
mod write;

use session::{Access, Database, Session};
pub(crate) use settings::Settings;
use settings::Target;
use table::Table;

/// The connector of database tables.
pub(crate) struct SqlConnector(Inner);

struct Inner {
    settings: Settings,
    database: Box<dyn Database>,
    /// The table as it was last described.
    table: Mutex<Option<Arc<Table>>>,
    /// The native name of the property that is the id.
    id_attribute: String,
}

/// Whether a type of objects can be a table's.
///
/// # Errors
/// The name of the property that cannot be a column, and why.
pub(crate) fn check(kind: &ObjectType) -> Result<(), (String, String)> {
    table::check(kind)
}

impl SqlConnector {
    /// For objects of these types.
    pub(crate) fn new<'a>(
        settings: Settings,
        folders: AllowedFolders,
        mut kinds: impl Iterator<Item = &'a Arc<ObjectType>>,
    ) -> Self {
        let database: Box<dyn Database> = match &settings.target {
            Target::Postgres(server) => Box::new(postgres::Postgres::new(server, settings.statement_timeout)),
            Target::Sqlite(file) => Box::new(sqlite::Sqlite::new(file.clone(), folders)),
        };
        let is_key = |native: &str| match settings.is_exact {
            true => native == settings.key_column,
            false => native.eq_ignore_ascii_case(&settings.key_column),
        };
        let by_column = kinds.find_map(|kind| kind.properties.iter().find(|property| is_key(&property.native)));
        Self(Inner {
            id_attribute: by_column.map_or_else(|| NAME.to_owned(), |property| property.native.clone()),
            database,
            table: Mutex::default(),
            settings,
        })
    }
}

impl Inner {
    async fn table(&self) -> Result<Arc<Table>, Error> {
        let known = self.table.lock().clone();
        match known {
            Some(table) => Ok(table),
            None => self.described().await,
        }
    }

    async fn described(&self) -> Result<Arc<Table>, Error> {
        let table = Arc::new(self.database.describe(&self.settings).await?);
        *self.table.lock() = Some(Arc::clone(&table));
        Ok(table)
    }

    /// What an error says of what is known of the table: it may be another one now.
    fn noted<T>(&self, done: Result<T, Error>) -> Result<T, Error> {
        if matches!(done, Err(Error::Failed(_))) {
            *self.table.lock() = None;
        }
        done
    }

    async fn begin(&self, access: Access) -> Result<Box<dyn Session>, Error> {
        self.database.begin(access).await
    }
}

#[async_trait]
impl Connector for SqlConnector {
    async fn test(&self) -> Result<(), Error> {
        self.0.described().await.map(drop)
    }

    async fn schema(&self) -> Result<Map<String, Value>, Error> {
        Ok(self.0.described().await?.described())
    }

    async fn get(&self, kind: &ObjectType, uid: &str) -> Result<Option<Entry>, Error> {
        self.0.noted(self.0.get(kind, uid).await)
    }

    async fn search(&self, kind: &ObjectType, search: Search) -> Result<Found, Error> {
        self.0.noted(self.0.search(kind, search).await)
    }

    async fn create(&self, kind: &ObjectType, entry: NewEntry) -> Result<String, Error> {
        self.0.noted(self.0.create(kind, entry).await)
    }

    async fn update(
        &self,
        kind: &ObjectType,
        uid: &str,
        changes: Vec<Change>,
        rev: Option<&str>,
    ) -> Result<String, Error> {
        self.0.noted(self.0.update(kind, uid, changes, rev).await)
    }

    async fn delete(&self, kind: &ObjectType, uid: &str, rev: Option<&str>) -> Result<(), Error> {
        self.0.noted(self.0.delete(kind, uid, rev).await)
    }

    async fn authenticate(&self, _kind: &ObjectType, name: &str, password: &str) -> Result<String, Error> {
        self.0.noted(self.0.authenticate(name, password).await)
    }

    async fn latest_token(&self, kind: &ObjectType) -> Result<Value, Error> {
        self.0.noted(self.0.latest_token(kind).await)
    }

    async fn sync(&self, kind: &ObjectType, token: &Value, limit: usize) -> Result<SyncPage, Error> {
        self.0.noted(self.0.changes(kind, token, limit).await)
    }

    fn id_attribute(&self) -> Option<&str> {
        Some(&self.0.id_attribute)
    }

    fn has_revisions(&self) -> bool {
        true
    }
}
