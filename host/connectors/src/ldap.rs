//! The LDAP connector.

use std::collections::HashMap;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use host_model::clock::{Clock, Timestamp};
use host_model::ids::Ids;
use host_resource::Filter;
use ldap3::{Ldap, Scope, SearchEntry};
use parking_lot::Mutex;
use serde_json::Value;
use tokio::sync::OnceCell;

use crate::bound::{Bound, Translate as _};
use crate::connector::{Change, Connector, Entry, Found, NAME, NewEntry, Search, SyncPage};
use crate::definition::ObjectType;
use crate::error::Error;

mod connection;
mod dn;
mod entry;
mod filter;
mod schema;
mod settings;
mod sync;
mod walk;
mod write;

use connection::{Connections, lost, refused};
use filter::Translation;
use schema::Schema;
pub(crate) use settings::Settings;
use walk::{Ask, Walk};

/// So many searches wait for somebody to ask for their next page.
const MAX_WAITING: usize = 8;
/// For so long they wait.
const PATIENCE: Duration = Duration::from_secs(300);

/// The LDAP connector.
pub(crate) struct LdapConnector(Inner);

pub(crate) struct Inner {
    settings: Settings,
    connections: Connections,
    schema: OnceCell<Arc<Schema>>,
    /// Searches between two of their pages.
    waiting: Mutex<HashMap<u64, Waiting>>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
}

struct Waiting {
    walk: Walk,
    /// The entry behind which it is.
    behind: String,
    until: Timestamp,
}

impl LdapConnector {
    pub(crate) fn new(settings: Settings, clock: Arc<dyn Clock>, ids: Arc<dyn Ids>) -> Self {
        Self(Inner {
            settings,
            connections: Connections::default(),
            schema: OnceCell::new(),
            waiting: Mutex::default(),
            clock,
            ids,
        })
    }
}

/// What makes an entry one of a type, as conditions of a filter.
fn classes(class: &settings::Class) -> String {
    let names = class
        .object_classes
        .iter()
        .filter(|name| !name.eq_ignore_ascii_case("top"));
    names
        .map(|name| format!("(objectClass={})", filter::escaped(name)))
        .collect()
}

impl Inner {
    fn uid_attribute(&self) -> Option<&str> {
        self.settings.uid_attribute.as_deref()
    }

    /// What the directory says of its attributes; nothing if it says nothing.
    async fn schema(&self) -> Result<Arc<Schema>, Error> {
        let read = || async {
            let mut ldap = self.connections.take(&self.settings).await?;
            let root = one(&mut ldap, "", "(objectClass=*)", &["subschemaSubentry"]).await?;
            let place = root.and_then(|root| value(&root, "subschemaSubentry"));
            let subschema = match &place {
                Some(place) => one(&mut ldap, place, "(objectClass=subschema)", &["attributeTypes"]).await?,
                None => None,
            };
            self.connections.give_back(ldap);
            let descriptions = subschema.iter().flat_map(|entry| entry.attrs.iter());
            let descriptions = descriptions
                .filter(|(name, _)| name.eq_ignore_ascii_case("attributeTypes"))
                .flat_map(|(_, values)| values.iter().map(String::as_str));
            Ok::<_, Error>(Arc::new(Schema::parse(descriptions)))
        };
        self.schema.get_or_try_init(read).await.cloned()
    }

    async fn test(&self) -> Result<(), Error> {
        let mut ldap = self.connections.take(&self.settings).await?;
        for base in &self.settings.base_contexts {
            if one(&mut ldap, base, "(objectClass=*)", &["1.1"]).await?.is_none() {
                return Err(Error::Failed(format!("there is no base context '{base}'")));
            }
        }
        self.connections.give_back(ldap);
        Ok(())
    }

    /// What a search with this filter asks the directory.
    async fn ask(&self, kind: &ObjectType, wanted: &Filter, attributes: Vec<String>) -> Result<Ask, Error> {
        let schema = self.schema().await?;
        let translation = Translation {
            kind,
            schema: &schema,
            uid_attribute: self.uid_attribute(),
        };
        let bound = translation.bound(wanted);
        let class = self.settings.class(kind);
        let conditions = [
            classes(&class),
            class.search_filter.clone().unwrap_or_default(),
            bound.text(),
        ]
        .concat();
        let mut ask = Ask {
            bases: self.settings.base_contexts.clone(),
            scope: Scope::Subtree,
            filter: if conditions.is_empty() {
                "(objectClass=*)".to_owned()
            } else {
                format!("(&{conditions})")
            },
            attributes,
            block_size: self.settings.block_size,
        };
        if bound == Bound::Nothing {
            ask.bases.clear();
        } else if let Some(name) = translation.name(wanted) {
            ask.bases = if self.is_within(&name) { vec![name] } else { Vec::new() };
            ask.scope = Scope::Base;
        }
        Ok(ask)
    }

    /// Whether a name is in one of the base contexts.
    fn is_within(&self, name: &str) -> bool {
        let mut at = name;
        while !at.is_empty() {
            if self.settings.base_contexts.iter().any(|base| !dn::differ(at, base)) {
                return true;
            }
            at = dn::split(at).1;
        }
        self.settings.base_contexts.iter().any(String::is_empty)
    }

    async fn search(&self, kind: &ObjectType, search: Search) -> Result<Found, Error> {
        let mut walk = match &search.after {
            None => self.walk(kind, &search).await?,
            Some(position) => self.resume(kind, &search, position).await?,
        };
        let mut found = Found::default();
        let mut behind = None;
        loop {
            let Some(next) = next_of(&mut walk).await? else {
                self.connections.give_back(walk.into_connection());
                return Ok(found);
            };
            if found.objects.len() >= search.limit {
                walk.put_back(next);
                found.position = behind.map(|behind| self.wait(walk, behind));
                return Ok(found);
            }
            let entry = entry::entry(kind, next, self.uid_attribute())?;
            if let Some(object) = (search.accept)(&entry) {
                found.objects.push(object);
            }
            behind = Some(entry.uid);
        }
    }

    async fn walk(&self, kind: &ObjectType, search: &Search) -> Result<Walk, Error> {
        let attributes = entry::asked(search.attributes.iter().cloned(), self.uid_attribute());
        let ask = self.ask(kind, &search.filter, attributes).await?;
        Ok(Walk::new(self.connections.take(&self.settings).await?, ask))
    }

    /// Keeps a search for its next page. The position also names the entry, in case the search is gone by then.
    fn wait(&self, walk: Walk, behind: String) -> Vec<u8> {
        let now = self.clock.now();
        let mut waiting = self.waiting.lock();
        waiting.retain(|_, search| search.until > now);
        while waiting.len() >= MAX_WAITING {
            let oldest = waiting.iter().min_by_key(|(_, search)| search.until).map(|(id, _)| *id);
            oldest.map(|id| waiting.remove(&id));
        }
        let id = self.ids.random();
        let mut position = id.to_be_bytes().to_vec();
        position.extend(behind.as_bytes());
        let until = now + PATIENCE;
        waiting.insert(id, Waiting { walk, behind, until });
        position
    }

    /// The search that a position belongs to; a new one behind the same entry if it is gone.
    async fn resume(&self, kind: &ObjectType, search: &Search, position: &[u8]) -> Result<Walk, Error> {
        let gone = || {
            Error::Position("the entry where the last page ended is gone: repeat the query without a cookie".to_owned())
        };
        let (id, behind) = position.split_first_chunk::<8>().ok_or_else(gone)?;
        let behind = std::str::from_utf8(behind).map_err(|_| gone())?;
        let waiting = self.waiting.lock().remove(&u64::from_be_bytes(*id));
        if let Some(waiting) = waiting.filter(|waiting| waiting.behind == behind && waiting.until > self.clock.now()) {
            return Ok(waiting.walk);
        }
        let mut walk = self.walk(kind, search).await?;
        while let Some(found) = next_of(&mut walk).await? {
            if entry::entry(kind, found, self.uid_attribute())?.uid == behind {
                return Ok(walk);
            }
        }
        Err(gone())
    }

    /// The entry of an id, with these attributes.
    async fn find(&self, kind: &ObjectType, uid: &str, attributes: Vec<String>) -> Result<Option<SearchEntry>, Error> {
        let class = self.settings.class(kind);
        let conditions = format!("{}{}", classes(&class), class.search_filter.unwrap_or_default());
        let (bases, scope, condition) = match self.uid_attribute() {
            Some(attribute) => (
                self.settings.base_contexts.clone(),
                Scope::Subtree,
                format!("({attribute}={})", filter::escaped(uid)),
            ),
            None if self.is_within(uid) => (vec![uid.to_owned()], Scope::Base, "(objectClass=*)".to_owned()),
            None => return Ok(None),
        };
        let ask = Ask {
            bases,
            scope,
            filter: format!("(&{conditions}{condition})"),
            attributes,
            block_size: 2,
        };
        let mut walk = Walk::new(self.connections.take(&self.settings).await?, ask);
        let found = match next_of(&mut walk).await {
            // A name that is none names nothing.
            Err(Error::Invalid(_)) => None,
            other => other?,
        };
        self.connections.give_back(walk.into_connection());
        Ok(found)
    }

    async fn get(&self, kind: &ObjectType, uid: &str) -> Result<Option<Entry>, Error> {
        let readable = kind.properties.iter().filter(|property| property.is_readable);
        let attributes = entry::asked(readable.map(|property| property.native.clone()), self.uid_attribute());
        let found = self.find(kind, uid, attributes).await?;
        found
            .map(|found| entry::entry(kind, found, self.uid_attribute()))
            .transpose()
    }

    async fn authenticate(&self, kind: &ObjectType, user: &str, password: &str) -> Result<String, Error> {
        // A directory takes an empty password for no password, and lets anybody in.
        if user.is_empty() || password.is_empty() {
            return Err(Error::Credentials);
        }
        let class = self.settings.class(kind);
        let names = self.settings.user_name_attributes.iter();
        let names: String = names
            .map(|name| format!("({name}={})", filter::escaped(user)))
            .collect();
        let ask = Ask {
            bases: self.settings.base_contexts.clone(),
            scope: Scope::Subtree,
            filter: format!(
                "(&{}{}(|{names}))",
                classes(&class),
                class.search_filter.unwrap_or_default()
            ),
            attributes: entry::asked([], self.uid_attribute()),
            block_size: 2,
        };
        let mut walk = Walk::new(self.connections.take(&self.settings).await?, ask);
        let found = next_of(&mut walk).await?;
        let is_only = next_of(&mut walk).await?.is_none();
        self.connections.give_back(walk.into_connection());
        let found = found.filter(|_| is_only).ok_or(Error::Credentials)?;
        let entry = entry::entry(kind, found, self.uid_attribute())?;
        // On a connection of its own, which is closed afterwards.
        let mut ldap = connection::connect(&self.settings).await?;
        let bound = ldap
            .simple_bind(&entry.name, password)
            .await
            .map_err(|error| lost(&error))?;
        match bound.rc {
            0 => Ok(entry.uid),
            _ => Err(refused(&bound, &entry.name)),
        }
    }
}

/// The next entry of a walk; a base context that is not there has none.
async fn next_of(walk: &mut Walk) -> Result<Option<SearchEntry>, Error> {
    match walk.next().await {
        Err(Error::Missing(_)) if walk.is_one() => Ok(None),
        other => other,
    }
}

/// One entry; none if there is none of this name.
async fn one(ldap: &mut Ldap, name: &str, filter: &str, attributes: &[&str]) -> Result<Option<SearchEntry>, Error> {
    let answer = ldap.search(name, Scope::Base, filter, attributes).await;
    let ldap3::SearchResult(found, result) = answer.map_err(|error| lost(&error))?;
    match result.rc {
        0 => Ok(found.into_iter().next().map(SearchEntry::construct)),
        32 => Ok(None),
        _ => Err(refused(&result, name)),
    }
}

fn value(entry: &SearchEntry, attribute: &str) -> Option<String> {
    let mut attributes = entry.attrs.iter();
    let (_, values) = attributes.find(|(name, _)| name.eq_ignore_ascii_case(attribute))?;
    values.first().cloned()
}

#[async_trait]
impl Connector for LdapConnector {
    async fn test(&self) -> Result<(), Error> {
        self.0.test().await
    }

    async fn get(&self, kind: &ObjectType, uid: &str) -> Result<Option<Entry>, Error> {
        self.0.get(kind, uid).await
    }

    async fn search(&self, kind: &ObjectType, search: Search) -> Result<Found, Error> {
        self.0.search(kind, search).await
    }

    async fn create(&self, kind: &ObjectType, entry: NewEntry) -> Result<String, Error> {
        self.0.create(kind, entry).await
    }

    async fn update(
        &self,
        kind: &ObjectType,
        uid: &str,
        changes: Vec<Change>,
        _rev: Option<&str>,
    ) -> Result<String, Error> {
        self.0.update(kind, uid, changes).await
    }

    async fn delete(&self, kind: &ObjectType, uid: &str, _rev: Option<&str>) -> Result<(), Error> {
        self.0.delete(kind, uid).await
    }

    async fn authenticate(&self, kind: &ObjectType, name: &str, password: &str) -> Result<String, Error> {
        self.0.authenticate(kind, name, password).await
    }

    async fn latest_token(&self, kind: &ObjectType) -> Result<Value, Error> {
        self.0.latest_token(kind).await
    }

    async fn sync(&self, kind: &ObjectType, token: &Value, limit: usize) -> Result<SyncPage, Error> {
        self.0.changes(kind, token, limit).await
    }

    fn id_attribute(&self) -> Option<&str> {
        self.0.uid_attribute().is_none().then_some(NAME)
    }
}
