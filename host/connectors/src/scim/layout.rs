//! Between resources and entries: where the attributes of a type of objects are in its resources.

use std::collections::BTreeMap;

use serde_json::Value;

use super::path::{AttributePath, member};
use super::provider::{Provider, ResourceType};
use crate::connector::{Entry, NAME, PASSWORD, UID};
use crate::definition::ObjectType;
use crate::error::Error;

/// Where the attributes of a type of objects are.
pub(super) struct Layout<'a> {
    pub(super) kind: &'a ObjectType,
    pub(super) of: ResourceType,
    /// By native name, [`NAME`] among them.
    paths: BTreeMap<String, AttributePath>,
}

impl<'a> Layout<'a> {
    pub(super) fn new(kind: &'a ObjectType, provider: &Provider) -> Result<Self, Error> {
        let of = provider.resource_type(kind)?;
        let name = if of.name == "User" { "userName" } else { "displayName" };
        let mut paths = BTreeMap::new();
        let natives = kind.properties.iter().map(|property| property.native.as_str());
        for native in natives.chain([NAME]).filter(|native| *native != UID) {
            let text = match native {
                NAME => name,
                PASSWORD => "password",
                other => other,
            };
            paths.insert(native.to_owned(), AttributePath::parse(text).map_err(Error::Failed)?);
        }
        Ok(Self { kind, of, paths })
    }

    /// Where an attribute is.
    pub(super) fn path(&self, native: &str) -> Option<&AttributePath> {
        self.paths.get(native)
    }

    /// What of a resource is needed for these attributes.
    pub(super) fn tops(&self, natives: &[String]) -> String {
        let mut tops: Vec<String> = Vec::new();
        let natives = natives.iter().map(String::as_str);
        for path in natives.chain([NAME]).filter_map(|native| self.path(native)) {
            let top = path.top();
            if !tops.contains(&top) {
                tops.push(top);
            }
        }
        tops.join(",")
    }

    /// The entry that a resource is.
    pub(super) fn entry(&self, resource: &Value) -> Result<Entry, Error> {
        let uid = id_of(resource)?.to_owned();
        let name = self.path(NAME).map(|path| path.get(resource)).unwrap_or_default();
        let name = name.first().and_then(Value::as_str).map(str::to_owned);
        let readable = self.kind.properties.iter().filter(|property| property.is_readable);
        let natives = readable.map(|property| &property.native);
        let attributes = natives
            .filter(|native| ![NAME, UID, PASSWORD].contains(&native.as_str()))
            .filter_map(|native| Some((native.clone(), self.path(native)?.get(resource))))
            .filter(|(_, values)| !values.is_empty())
            .collect();
        Ok(Entry {
            name: name.unwrap_or_else(|| uid.clone()),
            uid,
            attributes,
        })
    }
}

/// The id of a resource.
pub(super) fn id_of(resource: &Value) -> Result<&str, Error> {
    let id = member(resource, "id")
        .and_then(Value::as_str)
        .filter(|id| !id.is_empty());
    id.ok_or_else(|| Error::Failed("it answers with a resource that has no id".to_owned()))
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::json;

    use super::*;
    use crate::definition::Definition;
    use crate::scim::provider::tests::provider;

    /// The accounts with these properties.
    pub(in crate::scim) fn kind(properties: Value) -> ObjectType {
        let object = json!({
            "connectorRef": {"connectorName": "org.forgerock.openicf.connectors.scim.ScimConnector"},
            "objectTypes": {"account": {"nativeType": "__ACCOUNT__", "type": "object", "properties": properties}}
        });
        let definition = Definition::parse("scim", &object).unwrap();
        ObjectType::clone(definition.object_type("account").unwrap())
    }

    #[test]
    fn a_resource_is_an_entry() {
        let kind = kind(json!({
            "login": {"type": "string", "nativeName": "__NAME__"},
            "mail": {"type": "array", "items": {"type": "string"}, "nativeName": "emails.value"},
            "password": {"type": "string", "nativeName": "__PASSWORD__"},
            "nick": {"type": "string", "nativeName": "nickName"}
        }));
        let provider = provider();
        let layout = Layout::new(&kind, &provider).unwrap();
        let resource =
            json!({"id": "1", "userName": "joe", "password": "x", "emails": [{"value": "a"}, {"value": "b"}]});
        let entry = layout.entry(&resource).unwrap();
        assert_eq!((entry.uid.as_str(), entry.name.as_str()), ("1", "joe"));
        assert_eq!(
            entry.attributes,
            BTreeMap::from([("emails.value".to_owned(), vec![json!("a"), json!("b")])])
        );
        assert_eq!(
            layout.tops(&["emails.value".to_owned(), "nickName".to_owned()]),
            "emails,nickName,userName"
        );
        assert!(layout.entry(&json!({"userName": "joe"})).is_err());
    }
}
