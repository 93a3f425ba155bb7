//! Changes of a directory, found by what each entry says of its last change: the change number that OpenLDAP gives
//! (`entryCSN`), else the time (`modifyTimestamp`). Neither tells of entries that are gone: reconciliation finds those.

use ldap3::{Scope, SearchEntry};
use serde_json::Value;

use super::entry;
use super::walk::{Ask, Walk};
use super::{Inner, filter, value};
use crate::connector::SyncPage;
use crate::definition::ObjectType;
use crate::error::Error;
use crate::mapping::Wanted;
use crate::stamp::{Oldest, Stamp};

impl Inner {
    pub(super) async fn latest_token(&self, kind: &ObjectType) -> Result<Value, Error> {
        let attribute = self.stamp_attribute().await?;
        let mut walk = self.changed(kind, &attribute, None).await?;
        let mut latest = Stamp::default();
        while let Some(found) = walk.next().await? {
            let Some(stamp) = value(&found, &attribute) else {
                continue;
            };
            if stamp >= latest.stamp {
                latest.behind(&stamp, digest(&found));
            }
        }
        self.connections.give_back(walk.into_connection());
        Ok(latest.value())
    }

    pub(super) async fn changes(&self, kind: &ObjectType, token: &Value, limit: usize) -> Result<SyncPage, Error> {
        let token = Stamp::parse(token)?;
        let attribute = self.stamp_attribute().await?;
        let since = (!token.stamp.is_empty()).then_some(token.stamp.as_str());
        let mut walk = self.changed(kind, &attribute, since).await?;
        let mut oldest = Oldest::behind(token, limit);
        while let Some(found) = walk.next().await? {
            if let Some(stamp) = value(&found, &attribute) {
                oldest.offer(stamp, digest(&found), found);
            }
        }
        self.connections.give_back(walk.into_connection());
        oldest.page(|found| entry::entry(kind, found, self.uid_attribute()))
    }

    async fn stamp_attribute(&self) -> Result<String, Error> {
        let schema = self.schema().await?;
        let attribute = if schema.has_change_numbers() {
            "entryCSN"
        } else {
            "modifyTimestamp"
        };
        Ok(attribute.to_owned())
    }

    /// The entries that changed at this stamp or later.
    async fn changed(&self, kind: &ObjectType, attribute: &str, since: Option<&str>) -> Result<Walk, Error> {
        let class = self.settings.class(kind);
        let mut conditions = match self.settings.synchronized_classes.as_slice() {
            [] => super::classes(&class),
            classes => format!(
                "(|{})",
                classes
                    .iter()
                    .map(|name| format!("(objectClass={})", filter::escaped(name)))
                    .collect::<String>()
            ),
        };
        conditions.push_str(class.synchronization_filter.as_deref().unwrap_or_default());
        if let Some(since) = since {
            conditions.push_str(&format!("({attribute}>={})", filter::escaped(since)));
        }
        let mut attributes = entry::asked(Wanted::default().natives(kind).iter().cloned(), self.uid_attribute());
        attributes.push(attribute.to_owned());
        let ask = Ask {
            bases: self.settings.synchronized_contexts.clone(),
            scope: Scope::Subtree,
            filter: format!("(&{conditions})"),
            attributes,
            block_size: self.settings.block_size,
        };
        Ok(Walk::new(self.connections.take(&self.settings).await?, ask))
    }
}

/// Tells states of an entry apart.
fn digest(found: &SearchEntry) -> String {
    let mut texts: Vec<(&str, &[u8])> = Vec::new();
    for (name, values) in &found.attrs {
        texts.extend(values.iter().map(|value| (name.as_str(), value.as_bytes())));
    }
    for (name, values) in &found.bin_attrs {
        texts.extend(values.iter().map(|value| (name.as_str(), value.as_slice())));
    }
    texts.sort_unstable();
    let mut hasher = blake3::Hasher::new();
    for part in
        std::iter::once(found.dn.as_bytes()).chain(texts.into_iter().flat_map(|(name, value)| [name.as_bytes(), value]))
    {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    hasher.finalize().to_hex()[..16].to_owned()
}
