//! Writing to a directory: entries come, change, get other names and go.

use std::collections::HashSet;

use ldap3::Mod;
use serde_json::Value;

use super::connection::{lost, refused};
use super::{Inner, dn, entry, one, value};
use crate::connector::{Change, NAME, NewEntry, PASSWORD, UID};
use crate::definition::ObjectType;
use crate::error::Error;
use crate::mapping::text_of;

type Attributes = Vec<(Vec<u8>, HashSet<Vec<u8>>)>;

impl Inner {
    pub(super) async fn create(&self, kind: &ObjectType, mut new: NewEntry) -> Result<String, Error> {
        new.attributes.remove(UID);
        let name = match (new.attributes.remove(NAME), new.uid.take()) {
            (Some(values), None) => values.first().map(text_of),
            (Some(values), Some(chosen)) => {
                let said = values.first().map(text_of).unwrap_or_default();
                if dn::differ(&said, &chosen) {
                    return Err(Error::Invalid(format!(
                        "the path says '{chosen}', and the object says '{said}'"
                    )));
                }
                Some(said)
            }
            // Where the distinguished name is the id, whoever chooses the id chooses the name.
            (None, chosen) => chosen.filter(|_| self.uid_attribute().is_none()),
        };
        let name = name.ok_or_else(|| {
            Error::Invalid(format!(
                "a new entry needs its distinguished name, the property that is mapped to {NAME}"
            ))
        })?;
        if !self.is_within(&name) {
            return Err(Error::Invalid(format!("'{name}' is in none of the base contexts")));
        }
        let attributes = self.attributes_of(kind, &name, new)?;
        let mut ldap = self.connections.take(&self.settings).await?;
        let added = ldap.add(&name, attributes).await.map_err(|error| lost(&error))?;
        if added.rc != 0 {
            self.connections.give_back(ldap);
            // What is missing is the entry above.
            return Err(match refused(&added, &name) {
                Error::Missing(_) => Error::Invalid(format!("there is no entry above '{name}'")),
                other => other,
            });
        }
        let uid = match self.uid_attribute() {
            None => Some(name),
            Some(attribute) => {
                let found = one(&mut ldap, &name, "(objectClass=*)", &[attribute]).await?;
                found.and_then(|found| value(&found, attribute))
            }
        };
        self.connections.give_back(ldap);
        uid.ok_or_else(|| Error::Failed("the entry was made, but the directory does not show its id".to_owned()))
    }

    /// All that the new entry has, what its name says and its object classes among it.
    fn attributes_of(&self, kind: &ObjectType, name: &str, new: NewEntry) -> Result<Attributes, Error> {
        let mut attributes: Attributes = Vec::new();
        for (native, values) in new.attributes {
            let bytes = entry::bytes(kind, &native, &values)?;
            attributes.push((self.attribute(native).into_bytes(), bytes));
        }
        let has = |attributes: &Attributes, name: &str| {
            let same = |(other, _): &(Vec<u8>, _)| other.eq_ignore_ascii_case(name.as_bytes());
            attributes.iter().position(same)
        };
        if has(&attributes, "objectClass").is_none() {
            let classes = self.settings.class(kind).object_classes;
            attributes.push((
                b"objectClass".to_vec(),
                classes.into_iter().map(String::into_bytes).collect(),
            ));
        }
        for (attribute, value) in dn::values(dn::split(name).0) {
            match has(&attributes, &attribute) {
                None => attributes.push((attribute.into_bytes(), HashSet::from([value.into_bytes()]))),
                Some(at) => {
                    let values = &mut attributes[at].1;
                    let is_there = values.iter().any(|other| other.eq_ignore_ascii_case(value.as_bytes()));
                    if !is_there {
                        values.insert(value.into_bytes());
                    }
                }
            }
        }
        Ok(attributes)
    }

    fn attribute(&self, native: String) -> String {
        if native == PASSWORD {
            self.settings.password_attribute.clone()
        } else {
            native
        }
    }

    pub(super) async fn update(&self, kind: &ObjectType, uid: &str, changes: Vec<Change>) -> Result<String, Error> {
        let found = self.find(kind, uid, entry::asked([], self.uid_attribute())).await?;
        let name = found.ok_or_else(|| Error::Missing(uid.to_owned()))?.dn;
        let renamed = changes.iter().find(|change| change.attribute == NAME);
        let renamed = renamed.and_then(|change| change.after.first()).map(text_of);
        let renamed = renamed.filter(|new| *new != name);
        let named = renamed
            .as_deref()
            .map(|new| dn::values(dn::split(new).0))
            .unwrap_or_default();
        let schema = self.schema().await?;
        let mut modifications = Vec::new();
        for change in changes
            .into_iter()
            .filter(|change| ![NAME, UID].contains(&change.attribute.as_str()))
        {
            // The new name brings this value along.
            let is_in_name = named.iter().any(|(attribute, value)| {
                attribute.eq_ignore_ascii_case(&change.attribute) && change.after == [Value::from(value.as_str())]
            });
            if !is_in_name {
                let is_comparable = schema.finds_equal_texts(&change.attribute);
                modifications.extend(self.modifications(kind, change, is_comparable)?);
            }
        }
        if renamed.as_deref().is_some_and(|new| !self.is_within(new)) {
            return Err(Error::Invalid(
                "the new name is in none of the base contexts".to_owned(),
            ));
        }
        let mut ldap = self.connections.take(&self.settings).await?;
        if !modifications.is_empty() {
            let modified = ldap.modify(&name, modifications).await.map_err(|error| lost(&error))?;
            if modified.rc != 0 {
                self.connections.give_back(ldap);
                return Err(refused(&modified, uid));
            }
        }
        if let Some(new) = &renamed {
            let (first, above) = dn::split(new);
            let moves = dn::differ(above, dn::split(&name).1).then_some(above);
            let moved = ldap
                .modifydn(&name, first, true, moves)
                .await
                .map_err(|error| lost(&error))?;
            if moved.rc != 0 {
                self.connections.give_back(ldap);
                return Err(refused(&moved, new));
            }
        }
        self.connections.give_back(ldap);
        Ok(match (self.uid_attribute(), renamed) {
            (None, Some(new)) => new,
            _ => uid.to_owned(),
        })
    }

    /// What makes the values what they are to be. Where the directory can compare them, only those that differ are sent,
    /// so that what others add at the same time stays.
    fn modifications(
        &self,
        kind: &ObjectType,
        change: Change,
        is_comparable: bool,
    ) -> Result<Vec<Mod<Vec<u8>>>, Error> {
        let after = entry::bytes(kind, &change.attribute, &change.after)?;
        let before = change
            .before
            .as_deref()
            .map(|before| entry::bytes(kind, &change.attribute, before))
            .transpose()?;
        let attribute = self.attribute(change.attribute).into_bytes();
        let Some(before) = before.filter(|before| is_comparable && !before.is_empty() && !after.is_empty()) else {
            return Ok(vec![Mod::Replace(attribute, after)]);
        };
        let removed: HashSet<Vec<u8>> = before.difference(&after).cloned().collect();
        let added: HashSet<Vec<u8>> = after.difference(&before).cloned().collect();
        let mut modifications = Vec::new();
        if !removed.is_empty() {
            modifications.push(Mod::Delete(attribute.clone(), removed));
        }
        if !added.is_empty() {
            modifications.push(Mod::Add(attribute, added));
        }
        Ok(modifications)
    }

    pub(super) async fn delete(&self, kind: &ObjectType, uid: &str) -> Result<(), Error> {
        let found = self.find(kind, uid, entry::asked([], self.uid_attribute())).await?;
        let name = found.ok_or_else(|| Error::Missing(uid.to_owned()))?.dn;
        let mut ldap = self.connections.take(&self.settings).await?;
        let deleted = ldap.delete(&name).await.map_err(|error| lost(&error))?;
        self.connections.give_back(ldap);
        match deleted.rc {
            0 => Ok(()),
            _ => Err(refused(&deleted, uid)),
        }
    }
}
