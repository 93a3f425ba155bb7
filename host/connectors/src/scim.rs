//! The SCIM connector: services that speak SCIM 2.0 (RFC 7643, RFC 7644) over HTTP.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use host_model::Invalid;
use host_model::clock::Clock;
use host_resource::Pointer;
use serde_json::{Map, Value};
use tokio::sync::OnceCell;

use crate::bound::{Bound, Translate as _};
use crate::connector::{Change, Connector, Entry, Found, NAME, NewEntry, PASSWORD, Search, SyncPage, UID};
use crate::definition::ObjectType;
use crate::error::Error;

mod access;
mod client;
mod filter;
mod layout;
mod path;
mod provider;
mod settings;
mod sync;
mod walk;
mod write;

use client::{About, Client, Path};
use filter::Translation;
use layout::{Layout, id_of};
use path::AttributePath;
use provider::Provider;
pub(crate) use settings::Settings;
use walk::{Ask, Place, Walk};

/// The SCIM connector.
pub(crate) struct ScimConnector(Inner);

pub(crate) struct Inner {
    client: Client,
    /// What the service says of itself, read once.
    provider: OnceCell<Provider>,
}

impl ScimConnector {
    pub(crate) fn new(settings: Settings, clock: Arc<dyn Clock>) -> Self {
        Self(Inner {
            client: Client::new(settings, clock),
            provider: OnceCell::new(),
        })
    }
}

/// Refuses types and attributes that no service of SCIM can have.
pub(crate) fn check_types(types: &BTreeMap<String, Arc<ObjectType>>) -> Result<(), Invalid> {
    for (name, kind) in types {
        let at = |rest: &[&str]| {
            let elements = ["objectTypes", name.as_str()].into_iter().chain(rest.iter().copied());
            Pointer::from_elements(elements)
        };
        if kind.native.starts_with("__") && !["__ACCOUNT__", "__GROUP__"].contains(&kind.native.as_str()) {
            return Err(Invalid::new(
                at(&["nativeType"]),
                format!(
                    "a service has no type {}: write __ACCOUNT__, __GROUP__ or the name of a type of resources",
                    kind.native
                ),
            ));
        }
        for property in &kind.properties {
            if [NAME, UID, PASSWORD].contains(&property.native.as_str()) {
                continue;
            }
            let place = || at(&["properties", &property.name, "nativeName"]);
            let path = AttributePath::parse(&property.native).map_err(|why| Invalid::new(place(), why))?;
            if path.extension.is_none() && path.sub.is_none() {
                let instead = match path.name.to_ascii_lowercase().as_str() {
                    "id" => UID,
                    "password" => PASSWORD,
                    _ => continue,
                };
                return Err(Invalid::new(place(), format!("this attribute is called {instead}")));
            }
        }
    }
    Ok(())
}

impl Inner {
    async fn provider(&self) -> Result<&Provider, Error> {
        self.provider.get_or_try_init(|| Provider::discover(&self.client)).await
    }

    fn collection(&self, layout: &Layout<'_>) -> Path {
        Path::collection(&layout.of.endpoint)
    }

    async fn test(&self) -> Result<(), Error> {
        // What a service says of itself it may say to anybody.
        let provider = Provider::discover(&self.client).await?;
        let collection = provider.first_collection();
        let about = About {
            object: &collection,
            secret: None,
        };
        let parameters = [("startIndex", "1"), ("count", "1")];
        let reply = self
            .client
            .get(&Path::collection(&collection), &parameters, about)
            .await?;
        match path::member(&reply.body, "totalResults") {
            Some(Value::Number(_)) => Ok(()),
            _ => Err(Error::Failed(format!(
                "what answers at '{collection}' is no service of SCIM"
            ))),
        }
    }

    /// A resource and its version; none if there is none of this id.
    async fn read(&self, layout: &Layout<'_>, uid: &str) -> Result<Option<(Value, Option<String>)>, Error> {
        let Some(path) = self.collection(layout).object(uid) else {
            return Ok(None);
        };
        let about = About {
            object: uid,
            secret: None,
        };
        let reply = match self.client.get(&path, &[], about).await {
            Ok(reply) => reply,
            Err(Error::Missing(_)) => return Ok(None),
            Err(error) => return Err(error),
        };
        // Something else answers to this path.
        if id_of(&reply.body)? != uid {
            return Ok(None);
        }
        let meta = path::member(&reply.body, "meta").and_then(|meta| path::member(meta, "version"));
        let version = meta.and_then(Value::as_str).map(str::to_owned).or(reply.etag);
        Ok(Some((reply.body, version)))
    }

    async fn get(&self, kind: &ObjectType, uid: &str) -> Result<Option<Entry>, Error> {
        let layout = Layout::new(kind, self.provider().await?)?;
        let found = self.read(&layout, uid).await?;
        found.map(|(resource, _)| layout.entry(&resource)).transpose()
    }

    /// What a walk without a filter asks.
    fn ask(&self, layout: &Layout<'_>, provider: &Provider, natives: &[String]) -> Ask {
        Ask {
            path: self.collection(layout),
            filter: None,
            attributes: layout.tops(natives),
            is_sorted: provider.has_sort,
            page: provider.page,
        }
    }

    async fn search(&self, kind: &ObjectType, search: Search) -> Result<Found, Error> {
        let provider = self.provider().await?;
        let layout = Layout::new(kind, provider)?;
        let translation = Translation {
            layout: &layout,
            provider,
        };
        let mut found = Found::default();
        let bound = translation.bound(&search.filter);
        if bound == Bound::Nothing {
            return Ok(found);
        }
        if let Some(id) = translation.id(&search.filter) {
            // One object has no second page.
            if search.after.is_none()
                && search.limit > 0
                && let Some((resource, _)) = self.read(&layout, &id).await?
            {
                found.objects.extend((search.accept)(&layout.entry(&resource)?));
            }
            return Ok(found);
        }
        let mut ask = self.ask(&layout, provider, &search.attributes);
        ask.filter = bound.text().filter(|_| provider.has_filter);
        let place = match &search.after {
            None => Place::default(),
            Some(position) => Place::parse(position)
                .ok_or_else(|| Error::Position("the cookie is none of this connector".to_owned()))?,
        };
        let mut walk = Walk::new(&self.client, ask, place);
        loop {
            if found.objects.len() >= search.limit && !walk.is_at_end() {
                found.position = Some(walk.place().bytes());
                return Ok(found);
            }
            let Some(resource) = walk.next().await? else {
                return Ok(found);
            };
            found.objects.extend((search.accept)(&layout.entry(&resource)?));
        }
    }
}

#[async_trait]
impl Connector for ScimConnector {
    async fn test(&self) -> Result<(), Error> {
        self.0.test().await
    }

    async fn schema(&self) -> Result<Map<String, Value>, Error> {
        self.0.provider().await?.object_types()
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

    async fn authenticate(&self, _kind: &ObjectType, _name: &str, _password: &str) -> Result<String, Error> {
        Err(Error::Unsupported("SCIM has no way to check a password".to_owned()))
    }

    async fn latest_token(&self, kind: &ObjectType) -> Result<Value, Error> {
        self.0.latest_token(kind).await
    }

    async fn sync(&self, kind: &ObjectType, token: &Value, limit: usize) -> Result<SyncPage, Error> {
        self.0.changes(kind, token, limit).await
    }

    fn id_attribute(&self) -> Option<&str> {
        None
    }
}
