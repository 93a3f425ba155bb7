//! Links: which source object and which target object belong together. Behaviour 5.6.
//!
//! A link lies at `repo/link` under an id that is made of its type, its qualifier and its first id; a second document
//! leads to it from its second id. So both ends are found by a read, and of two units of work that would link one object
//! twice only one can be committed.

use std::sync::Arc;

use host_model::mapping::MappingSpec;
use host_resource::Problem;
use host_store::document;
use host_store::{Collection, Key, UnitOfWork};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Where links lie.
pub(crate) fn links() -> Collection {
    Collection::new("repo/link")
}

/// Where it is written which link leads to a second id.
fn seconds() -> Collection {
    Collection::new("recon/second")
}

/// A link as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Link {
    pub(crate) link_type: String,
    pub(crate) link_qualifier: String,
    pub(crate) first_id: String,
    pub(crate) second_id: String,
}

#[derive(Serialize, Deserialize)]
struct Second {
    link: String,
}

/// The links of a mapping, seen from its source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LinkTable {
    /// The mapping that owns them.
    pub(crate) kind: Arc<str>,
    /// Whether the source's ids are the second ones.
    is_reversed: bool,
    is_first_sensitive: bool,
    is_second_sensitive: bool,
}

impl LinkTable {
    /// The links of a mapping among all mappings.
    pub(crate) fn of(spec: &MappingSpec, all: &[MappingSpec]) -> Self {
        let owner = spec
            .links
            .as_ref()
            .and_then(|links| all.iter().find(|other| other.name == *links))
            .unwrap_or(spec);
        let is_parallel = owner.source.eq_ignore_ascii_case(&spec.source);
        Self {
            kind: owner.name.as_str().into(),
            is_reversed: !is_parallel,
            is_first_sensitive: owner.source_ids_case_sensitive,
            is_second_sensitive: owner.target_ids_case_sensitive,
        }
    }

    /// The table of a type that no mapping names.
    pub(crate) fn bare(kind: &str) -> Self {
        Self {
            kind: kind.into(),
            is_reversed: false,
            is_first_sensitive: true,
            is_second_sensitive: true,
        }
    }

    /// The same table, seen from its owner.
    pub(crate) fn forward(mut self) -> Self {
        self.is_reversed = false;
        self
    }

    /// The link from a source and to a target object.
    pub(crate) fn link(&self, qualifier: &str, source: &str, target: &str) -> Link {
        let (first, second) = if self.is_reversed {
            (target, source)
        } else {
            (source, target)
        };
        Link {
            link_type: self.kind.to_string(),
            link_qualifier: qualifier.to_owned(),
            first_id: folded(first, self.is_first_sensitive),
            second_id: folded(second, self.is_second_sensitive),
        }
    }

    /// The id of a link's source object.
    pub(crate) fn source_of<'a>(&self, link: &'a Link) -> &'a str {
        if self.is_reversed {
            &link.second_id
        } else {
            &link.first_id
        }
    }

    /// The id of a link's target object.
    pub(crate) fn target_of<'a>(&self, link: &'a Link) -> &'a str {
        if self.is_reversed {
            &link.first_id
        } else {
            &link.second_id
        }
    }

    /// Whether a link leads to a target object.
    pub(crate) fn leads_to(&self, link: &Link, target: &str) -> bool {
        let is_sensitive = if self.is_reversed {
            self.is_first_sensitive
        } else {
            self.is_second_sensitive
        };
        self.target_of(link) == folded(target, is_sensitive)
    }

    /// The link of a source object.
    pub(crate) async fn by_source(
        &self,
        unit: &UnitOfWork,
        qualifier: &str,
        id: &str,
    ) -> Result<Option<Link>, Problem> {
        if self.is_reversed {
            self.by_second(unit, qualifier, id).await
        } else {
            self.by_first(unit, qualifier, id).await
        }
    }

    /// The link of a target object.
    pub(crate) async fn by_target(
        &self,
        unit: &UnitOfWork,
        qualifier: &str,
        id: &str,
    ) -> Result<Option<Link>, Problem> {
        if self.is_reversed {
            self.by_first(unit, qualifier, id).await
        } else {
            self.by_second(unit, qualifier, id).await
        }
    }

    async fn by_first(&self, unit: &UnitOfWork, qualifier: &str, id: &str) -> Result<Option<Link>, Problem> {
        let id = folded(id, self.is_first_sensitive);
        read(unit, &links().key(name(&self.kind, qualifier, &id))).await
    }

    async fn by_second(&self, unit: &UnitOfWork, qualifier: &str, id: &str) -> Result<Option<Link>, Problem> {
        let id = folded(id, self.is_second_sensitive);
        let second: Option<Second> = read(unit, &seconds().key(name(&self.kind, qualifier, &id))).await?;
        match second {
            None => Ok(None),
            Some(second) => read(unit, &links().key(second.link)).await,
        }
    }
}

impl Link {
    /// Its id.
    pub(crate) fn id(&self) -> String {
        name(&self.link_type, &self.link_qualifier, &self.first_id)
    }

    fn second_key(&self) -> Key {
        seconds().key(name(&self.link_type, &self.link_qualifier, &self.second_id))
    }

    /// Makes the link.
    ///
    /// # Errors
    /// One of its ends is linked already.
    pub(crate) async fn put(&self, unit: &UnitOfWork) -> Result<(), Problem> {
        let key = links().key(self.id());
        let second = self.second_key();
        if unit.get(&key).await?.is_some() || unit.get(&second).await?.is_some() {
            return Err(Problem::conflict(format!(
                "'{}' or '{}' is linked already in the links of '{}' as '{}'",
                self.first_id, self.second_id, self.link_type, self.link_qualifier
            )));
        }
        unit.put(key, document::to_bytes(self)?).await?;
        unit.put(second, document::to_bytes(&Second { link: self.id() })?)
            .await?;
        Ok(())
    }

    /// Deletes the link.
    pub(crate) async fn delete(&self, unit: &UnitOfWork) -> Result<(), Problem> {
        unit.delete(links().key(self.id())).await?;
        unit.delete(self.second_key()).await?;
        Ok(())
    }
}

async fn read<T: for<'de> Deserialize<'de>>(unit: &UnitOfWork, key: &Key) -> Result<Option<T>, Problem> {
    let Some(seen) = unit.get(key).await? else {
        return Ok(None);
    };
    serde_json::from_slice(&seen.body)
        .map(Some)
        .map_err(|error| Problem::internal(format!("a stored link is damaged: {error}")))
}

fn folded(id: &str, is_sensitive: bool) -> String {
    if is_sensitive { id.to_owned() } else { id.to_lowercase() }
}

fn name(kind: &str, qualifier: &str, id: &str) -> String {
    digest(&[kind, qualifier, id])
}

/// A text in the form of a UUID that stands for these texts and no others.
pub(crate) fn digest(parts: &[&str]) -> String {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(&(part.len() as u64).to_be_bytes());
        hasher.update(part.as_bytes());
    }
    let hex = hasher.finalize().to_hex();
    let hex = hex.as_str();
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..32]].join("-")
}

/// A link as it is shown.
pub(crate) fn shown(link: &Link) -> Value {
    serde_json::to_value(link).unwrap_or(Value::Null)
}
