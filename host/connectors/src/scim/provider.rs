//! What a service says of itself (RFC 7644, 4): what it can do, which types of resources it has and where, and what their
//! attributes are. A service that says nothing of something is asked for nothing that depends on it.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::client::{About, Client, Path};
use super::path::{AttributePath, member};
use crate::connector::PASSWORD;
use crate::definition::ObjectType;
use crate::error::Error;

/// So many resources are asked for at once, unless the service gives fewer.
const PAGE: u64 = 100;
/// Attributes that have several values, where no schema says it.
const SEVERAL: [&str; 10] = [
    "emails",
    "phoneNumbers",
    "ims",
    "photos",
    "addresses",
    "groups",
    "members",
    "entitlements",
    "roles",
    "x509Certificates",
];

/// A service as it describes itself.
#[derive(Debug, Default)]
pub(super) struct Provider {
    pub(super) has_patch: bool,
    pub(super) has_filter: bool,
    pub(super) has_sort: bool,
    pub(super) has_etag: bool,
    /// So many resources are asked for at once.
    pub(super) page: u64,
    types: Vec<ResourceType>,
    /// By schema and path, both in lower case.
    attributes: HashMap<(String, String), Attribute>,
    /// The schemas as they came.
    schemas: Vec<Value>,
}

/// A type of resources.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ResourceType {
    pub(super) name: String,
    /// Below the service's address: `/Users`.
    pub(super) endpoint: String,
    pub(super) schema: String,
    pub(super) extensions: Vec<String>,
}

/// What a schema says of an attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Attribute {
    /// `string`, `integer`, …
    pub(super) kind: String,
    pub(super) has_several: bool,
    pub(super) is_case_exact: bool,
    pub(super) is_read_only: bool,
}

impl Provider {
    /// Asks a service.
    pub(super) async fn discover(client: &Client) -> Result<Self, Error> {
        let config = optional(client, "/ServiceProviderConfig").await?.unwrap_or_default();
        let types = optional(client, "/ResourceTypes").await?.unwrap_or_default();
        let schemas = optional(client, "/Schemas").await?.unwrap_or_default();
        Self::read(&config, &types, schemas)
    }

    fn read(config: &Value, types: &Value, schemas: Value) -> Result<Self, Error> {
        let can = |what: &str| config[what]["supported"].as_bool().unwrap_or(false);
        let most = config["filter"]["maxResults"].as_u64().filter(|most| *most > 0);
        let mut provider = Self {
            has_patch: can("patch"),
            has_filter: can("filter"),
            has_sort: can("sort"),
            has_etag: can("etag"),
            page: most.unwrap_or(PAGE).min(PAGE),
            ..Self::default()
        };
        for described in resources(types) {
            provider.types.extend(resource_type(described)?);
        }
        for schema in resources(&schemas) {
            let urn = schema["id"].as_str().unwrap_or_default().to_ascii_lowercase();
            for attribute in schema["attributes"].as_array().into_iter().flatten() {
                let Some(name) = attribute["name"].as_str() else {
                    continue;
                };
                let name = name.to_ascii_lowercase();
                for part in attribute["subAttributes"].as_array().into_iter().flatten() {
                    if let Some(sub) = part["name"].as_str() {
                        let path = format!("{name}.{}", sub.to_ascii_lowercase());
                        provider.attributes.insert((urn.clone(), path), described(part));
                    }
                }
                provider.attributes.insert((urn.clone(), name), described(attribute));
            }
        }
        provider.schemas = match schemas {
            Value::Object(mut list) => match list.remove("Resources") {
                Some(Value::Array(schemas)) => schemas,
                _ => Vec::new(),
            },
            _ => Vec::new(),
        };
        Ok(provider)
    }

    /// The type of resources that a type of objects is.
    pub(super) fn resource_type(&self, kind: &ObjectType) -> Result<ResourceType, Error> {
        let wanted = match kind.native.as_str() {
            "__ACCOUNT__" => "User",
            "__GROUP__" => "Group",
            native => native,
        };
        let found = self.types.iter().find(|known| known.name.eq_ignore_ascii_case(wanted));
        let usual = |endpoint: &str| ResourceType {
            name: wanted.to_owned(),
            endpoint: endpoint.to_owned(),
            schema: format!("urn:ietf:params:scim:schemas:core:2.0:{wanted}"),
            extensions: Vec::new(),
        };
        match (found, wanted) {
            (Some(found), _) => Ok(found.clone()),
            (None, "User") if self.types.is_empty() => Ok(usual("/Users")),
            (None, "Group") if self.types.is_empty() => Ok(usual("/Groups")),
            (None, _) => {
                let all: Vec<&str> = self.types.iter().map(|known| known.name.as_str()).collect();
                Err(Error::Unsupported(format!(
                    "the service has no type of resources '{wanted}': it names {}",
                    if all.is_empty() {
                        "none".to_owned()
                    } else {
                        all.join(", ")
                    }
                )))
            }
        }
    }

    /// The collection whose answer shows that the service lets us in.
    pub(super) fn first_collection(&self) -> String {
        let users = self.types.iter().find(|known| known.name == "User");
        let any = users.or_else(|| self.types.first());
        any.map_or_else(|| "/Users".to_owned(), |known| known.endpoint.clone())
    }

    /// What is known of an attribute.
    pub(super) fn attribute(&self, of: &ResourceType, path: &AttributePath) -> Option<&Attribute> {
        let schema = path.extension.as_ref().unwrap_or(&of.schema).to_ascii_lowercase();
        let mut name = path.name.to_ascii_lowercase();
        if let Some(sub) = &path.sub {
            name = format!("{name}.{}", sub.to_ascii_lowercase());
        }
        self.attributes.get(&(schema, name))
    }

    /// Whether an attribute of a resource, not a part of one, has several values.
    pub(super) fn has_several(&self, of: &ResourceType, path: &AttributePath) -> bool {
        let whole = AttributePath {
            sub: None,
            select: None,
            ..path.clone()
        };
        match self.attribute(of, &whole) {
            Some(attribute) => attribute.has_several,
            None => path.extension.is_none() && SEVERAL.iter().any(|name| name.eq_ignore_ascii_case(&path.name)),
        }
    }

    /// Whether the service alone says what an attribute of a resource is.
    pub(super) fn is_read_only(&self, of: &ResourceType, name: &str) -> bool {
        let key = (of.schema.to_ascii_lowercase(), name.to_ascii_lowercase());
        self.attributes
            .get(&key)
            .is_some_and(|attribute| attribute.is_read_only)
    }

    /// The types of objects of the service, as a configuration has them.
    pub(super) fn object_types(&self) -> Result<serde_json::Map<String, Value>, Error> {
        if self.types.is_empty() || self.schemas.is_empty() {
            return Err(Error::Unsupported(
                "the service does not describe its resources in /ResourceTypes and /Schemas".to_owned(),
            ));
        }
        let types = self.types.iter().map(|known| {
            let (name, native) = match known.name.as_str() {
                "User" => ("account".to_owned(), "__ACCOUNT__"),
                "Group" => ("group".to_owned(), "__GROUP__"),
                other => (other.to_ascii_lowercase(), other),
            };
            let mut properties = serde_json::Map::new();
            for urn in std::iter::once(&known.schema).chain(&known.extensions) {
                let is_core = *urn == known.schema;
                let schema = self.schemas.iter().find(|schema| schema["id"] == urn.as_str());
                let attributes = schema.and_then(|schema| schema["attributes"].as_array());
                for attribute in attributes.into_iter().flatten() {
                    let Some(attribute_name) = attribute["name"].as_str() else {
                        continue;
                    };
                    let native = if is_core {
                        attribute_name.to_owned()
                    } else {
                        format!("{urn}:{attribute_name}")
                    };
                    if AttributePath::parse(&native).is_ok() && !["id", "meta", "schemas"].contains(&native.as_str()) {
                        let is_new = !properties.contains_key(attribute_name);
                        let name = if is_new {
                            attribute_name.to_owned()
                        } else {
                            native.clone()
                        };
                        properties.insert(name, property(attribute, &native));
                    }
                }
            }
            let object = json!({
                "$schema": "http://json-schema.org/draft-03/schema", "id": native, "type": "object",
                "nativeType": native, "properties": properties
            });
            (name, object)
        });
        Ok(types.collect())
    }
}

/// The property that an attribute is.
fn property(attribute: &Value, native: &str) -> Value {
    let kind = match attribute["type"].as_str() {
        Some("boolean") => "boolean",
        Some("integer") => "integer",
        Some("decimal") => "number",
        Some("complex") => "object",
        _ => "string",
    };
    let mut property = if attribute["multiValued"] == true {
        json!({"type": "array", "items": {"type": kind, "nativeType": kind}, "nativeName": native, "nativeType": kind})
    } else {
        json!({"type": kind, "nativeName": native, "nativeType": kind})
    };
    let mut flags = match attribute["mutability"].as_str() {
        Some("readOnly") => vec!["NOT_CREATABLE", "NOT_UPDATEABLE"],
        Some("immutable") => vec!["NOT_UPDATEABLE"],
        Some("writeOnly") => vec!["NOT_READABLE", "NOT_RETURNED_BY_DEFAULT"],
        _ => Vec::new(),
    };
    if native == "password" {
        property["nativeName"] = PASSWORD.into();
        flags = vec!["NOT_READABLE", "NOT_RETURNED_BY_DEFAULT"];
    } else if attribute["returned"] == "request" {
        flags.push("NOT_RETURNED_BY_DEFAULT");
    }
    if attribute["required"] == true && attribute["mutability"] != "readOnly" {
        property["required"] = Value::Bool(true);
    }
    if !flags.is_empty() {
        property["flags"] = json!(flags);
    }
    property
}

async fn optional(client: &Client, path: &str) -> Result<Option<Value>, Error> {
    let about = About {
        object: path,
        secret: None,
    };
    match client.get(&Path::collection(path), &[], about).await {
        Ok(reply) => Ok(Some(reply.body)),
        Err(Error::Missing(_) | Error::Denied(_) | Error::Unsupported(_) | Error::Invalid(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

fn resources(list: &Value) -> impl Iterator<Item = &Value> {
    member(list, "Resources")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

fn resource_type(described: &Value) -> Result<Option<ResourceType>, Error> {
    let (Some(name), Some(endpoint), Some(schema)) = (
        described["name"].as_str().or_else(|| described["id"].as_str()),
        described["endpoint"].as_str(),
        described["schema"].as_str(),
    ) else {
        return Ok(None);
    };
    let endpoint = format!("/{}", endpoint.trim_matches('/'));
    let is_plain = |step: &str| {
        !matches!(step, "" | "." | "..")
            && step
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
    };
    if !endpoint[1..].split('/').all(is_plain) {
        return Err(Error::Failed(format!(
            "its type '{name}' is at an address outside of the service"
        )));
    }
    let extensions = described["schemaExtensions"].as_array().into_iter().flatten();
    Ok(Some(ResourceType {
        name: name.to_owned(),
        endpoint,
        schema: schema.to_owned(),
        extensions: extensions
            .filter_map(|extension| extension["schema"].as_str().map(str::to_owned))
            .collect(),
    }))
}

fn described(attribute: &Value) -> Attribute {
    let kind = attribute["type"].as_str().unwrap_or("string");
    Attribute {
        kind: kind.to_ascii_lowercase(),
        has_several: attribute["multiValued"].as_bool().unwrap_or(false),
        is_case_exact: attribute["caseExact"].as_bool().unwrap_or(false),
        is_read_only: attribute["mutability"] == "readOnly",
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A service with users, and one extension of them.
    pub(in crate::scim) fn provider() -> Provider {
        let config = json!({"patch": {"supported": true}, "filter": {"supported": true, "maxResults": 50}});
        let types = json!({"Resources": [
            {"name": "User", "endpoint": "/Users", "schema": "urn:ietf:params:scim:schemas:core:2.0:User",
                "schemaExtensions": [{"schema": "urn:x:2.0:Extra", "required": false}]},
            {"id": "Device", "endpoint": "things/Devices/", "schema": "urn:x:2.0:Device"}
        ]});
        let text = |name: &str, exact: bool| json!({"name": name, "type": "string", "caseExact": exact});
        let schemas = json!({"Resources": [
            {"id": "urn:ietf:params:scim:schemas:core:2.0:User", "attributes": [
                text("userName", false), text("externalId", true), text("displayName", false),
                {"name": "active", "type": "boolean"}, {"name": "level", "type": "integer", "required": true},
                {"name": "birth", "type": "dateTime"}, {"name": "password", "type": "string", "mutability": "writeOnly"},
                {"name": "name", "type": "complex", "subAttributes": [text("givenName", false)]},
                {"name": "emails", "type": "complex", "multiValued": true, "subAttributes": [text("value", false)]},
                {"name": "groups", "type": "complex", "multiValued": true, "mutability": "readOnly"}
            ]},
            {"id": "urn:x:2.0:Extra", "attributes": [text("desk", false), text("userName", false)]}
        ]});
        Provider::read(&config, &types, schemas).unwrap()
    }

    #[test]
    fn a_service_describes_itself() {
        let provider = provider();
        assert_eq!(
            (provider.has_patch, provider.has_sort, provider.page),
            (true, false, 50)
        );
        let kind = |native: &str| ObjectType {
            name: "a".to_owned(),
            native: native.to_owned(),
            properties: Vec::new(),
        };
        assert_eq!(provider.resource_type(&kind("__ACCOUNT__")).unwrap().endpoint, "/Users");
        assert_eq!(
            provider.resource_type(&kind("Device")).unwrap().endpoint,
            "/things/Devices"
        );
        assert!(matches!(
            provider.resource_type(&kind("__GROUP__")),
            Err(Error::Unsupported(_))
        ));
        let types = provider.object_types().unwrap();
        let properties = &types["account"]["properties"];
        assert_eq!(properties["password"]["nativeName"], PASSWORD);
        assert_eq!(properties["emails"]["items"]["type"], "object");
        assert_eq!(properties["desk"]["nativeName"], "urn:x:2.0:Extra:desk");
        assert_eq!(properties["urn:x:2.0:Extra:userName"]["type"], "string");
        assert_eq!(properties["level"]["required"], true);
        // A service that says nothing has what every service has.
        let silent = Provider::read(&Value::Null, &Value::Null, Value::Null).unwrap();
        assert_eq!(silent.resource_type(&kind("__GROUP__")).unwrap().endpoint, "/Groups");
        assert!(!silent.has_filter && !silent.has_patch);
    }

    #[test]
    fn a_type_leads_nowhere_else() {
        for endpoint in [
            "https://evil.example/Users",
            "/../admin",
            "//evil.example",
            "/a?b",
            "/a%2Fb",
        ] {
            let types = json!({"Resources": [{"name": "User", "endpoint": endpoint, "schema": "urn:x"}]});
            let read = Provider::read(&Value::Null, &types, Value::Null);
            // What begins with slashes is below the service all the same.
            match endpoint {
                "//evil.example" => assert_eq!(read.unwrap().types[0].endpoint, "/evil.example"),
                _ => assert!(matches!(read, Err(Error::Failed(_))), "{endpoint}"),
            }
        }
    }
}
