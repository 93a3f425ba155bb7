//! Writing to a service: resources come, change and go. What is changed is read first, and sent with the version that was
//! read, so that what others changed meanwhile is not overwritten.

use http::Method;
use serde_json::{Map, Value, json};

use super::Inner;
use super::client::About;
use super::filter::quoted;
use super::layout::{Layout, id_of};
use super::path::{AttributePath, member};
use super::provider::Provider;
use crate::connector::{Change, NewEntry, PASSWORD, UID};
use crate::definition::ObjectType;
use crate::error::Error;

/// More members that go at once are not named one by one: the whole list is sent.
const MAX_REMOVED: usize = 500;
/// What a PATCH says that it is.
const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

impl Inner {
    pub(super) async fn create(&self, kind: &ObjectType, mut new: NewEntry) -> Result<String, Error> {
        new.attributes.remove(UID);
        let provider = self.provider().await?;
        let layout = Layout::new(kind, provider)?;
        let mut resource = Map::new();
        resource.insert("schemas".to_owned(), json!([layout.of.schema]));
        for (native, values) in &new.attributes {
            self.put(&layout, provider, &mut resource, native, values)?;
        }
        let secret = new
            .attributes
            .get(PASSWORD)
            .and_then(|values| values.first())
            .and_then(Value::as_str);
        let name = layout
            .path(crate::connector::NAME)
            .map(|path| path.get(&Value::Object(resource.clone())));
        let name = name
            .and_then(|names| names.first().and_then(Value::as_str).map(str::to_owned))
            .unwrap_or_default();
        let about = About { object: &name, secret };
        let (path, body) = (self.collection(&layout), Value::Object(resource));
        let made = self.client.send(Method::POST, &path, None, Some(&body), about).await;
        let made = made.map_err(|error| match error {
            Error::Missing(_) => Error::Unsupported(format!("the service has no {}", layout.of.endpoint)),
            other => other,
        })?;
        Ok(id_of(&made.body)?.to_owned())
    }

    pub(super) async fn update(&self, kind: &ObjectType, uid: &str, changes: Vec<Change>) -> Result<String, Error> {
        let provider = self.provider().await?;
        let layout = Layout::new(kind, provider)?;
        let missing = || Error::Missing(uid.to_owned());
        let (now, version) = self.read(&layout, uid).await?.ok_or_else(missing)?;
        let path = self.collection(&layout).object(uid).ok_or_else(missing)?;
        let version = version.filter(|_| provider.has_etag);
        let Value::Object(mut resource) = now.clone() else {
            return Err(missing());
        };
        let mut touched: Vec<&AttributePath> = Vec::new();
        for change in changes.iter().filter(|change| change.attribute != UID) {
            self.put(&layout, provider, &mut resource, &change.attribute, &change.after)?;
            touched.extend(layout.path(&change.attribute));
        }
        let secret = changes.iter().find(|change| change.attribute == PASSWORD);
        let about = About {
            object: uid,
            secret: secret.and_then(|change| change.after.first()).and_then(Value::as_str),
        };
        let (method, body) = if provider.has_patch {
            let after = Value::Object(resource);
            let operations = operations(&now, &after, &touched);
            if operations.is_empty() {
                return Ok(uid.to_owned());
            }
            (Method::PATCH, json!({"schemas": [PATCH], "Operations": operations}))
        } else {
            resource.retain(|name, _| {
                let is_ours = !name.eq_ignore_ascii_case("meta") && !provider.is_read_only(&layout.of, name);
                is_ours || name.eq_ignore_ascii_case("id")
            });
            resource.entry("schemas").or_insert_with(|| json!([layout.of.schema]));
            (Method::PUT, Value::Object(resource))
        };
        self.client
            .send(method, &path, version.as_deref(), Some(&body), about)
            .await?;
        Ok(uid.to_owned())
    }

    pub(super) async fn delete(&self, kind: &ObjectType, uid: &str) -> Result<(), Error> {
        let layout = Layout::new(kind, self.provider().await?)?;
        let path = self.collection(&layout).object(uid);
        let path = path.ok_or_else(|| Error::Missing(uid.to_owned()))?;
        let about = About {
            object: uid,
            secret: None,
        };
        self.client.send(Method::DELETE, &path, None, None, about).await?;
        Ok(())
    }

    /// Puts values where they belong, and names the extension that they are in.
    fn put(
        &self,
        layout: &Layout<'_>,
        provider: &Provider,
        resource: &mut Map<String, Value>,
        native: &str,
        values: &[Value],
    ) -> Result<(), Error> {
        let path = layout
            .path(native)
            .ok_or_else(|| Error::Failed(format!("nothing is known of '{native}'")))?;
        let property = layout.kind.properties.iter().find(|property| property.native == native);
        let is_list = property.is_some_and(|property| property.is_multi);
        path.set(resource, values, is_list, provider.has_several(&layout.of, path));
        if let Some(urn) = &path.extension
            && !values.is_empty()
        {
            let schemas = resource.entry("schemas").or_insert_with(|| json!([layout.of.schema]));
            if let Value::Array(schemas) = schemas
                && !schemas
                    .iter()
                    .any(|schema| schema.as_str().is_some_and(|schema| schema.eq_ignore_ascii_case(urn)))
            {
                schemas.push(urn.as_str().into());
            }
        }
        Ok(())
    }
}

/// What makes of one state of a resource another one (RFC 7644, 3.5.2). An attribute with several values is sent as a
/// whole; of the members of a group only those that come and go, so that what others add at the same time stays.
fn operations(before: &Value, after: &Value, touched: &[&AttributePath]) -> Vec<Value> {
    let mut operations = Vec::new();
    let mut done: Vec<String> = Vec::new();
    for path in touched {
        let whole = AttributePath {
            select: None,
            sub: None,
            ..(*path).clone()
        };
        let values_of = |resource: &Value| raw(resource, &whole).cloned();
        let (was, is) = (values_of(before), values_of(after));
        let has_several = matches!(was, Some(Value::Array(_))) || matches!(is, Some(Value::Array(_)));
        let target = match &path.sub {
            Some(_) if path.select.is_none() && !has_several => AttributePath::clone(path),
            _ => whole,
        };
        let name = target.text();
        if done.contains(&name) {
            continue;
        }
        if path.extension.is_none()
            && path.name.eq_ignore_ascii_case("members")
            && let Some(few) = membership(was.as_ref(), is.as_ref())
        {
            operations.extend(few);
        } else {
            let value = match &target.sub {
                None => is,
                Some(sub) => is.as_ref().and_then(|whole| member(whole, sub)).cloned(),
            };
            match value {
                Some(value) => operations.push(json!({"op": "replace", "path": name, "value": value})),
                // A service refuses to remove what is not there.
                None if path.get(before).is_empty() && !name.eq_ignore_ascii_case("password") => {}
                None => operations.push(json!({"op": "remove", "path": name})),
            }
        }
        done.push(name);
    }
    operations
}

/// The value of an attribute as it stands in a resource.
fn raw<'a>(resource: &'a Value, path: &AttributePath) -> Option<&'a Value> {
    let base = match &path.extension {
        None => Some(resource),
        Some(urn) => member(resource, urn),
    };
    member(base?, &path.name)
}

/// Which members come and go; none where they cannot be told apart, or where it is too many.
fn membership(was: Option<&Value>, is: Option<&Value>) -> Option<Vec<Value>> {
    let members = |list: Option<&Value>| -> Option<Vec<(String, Value)>> {
        let items = list.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let id = |item: &Value| member(item, "value").and_then(Value::as_str).map(str::to_owned);
        items.iter().map(|item| Some((id(item)?, item.clone()))).collect()
    };
    let (was, is) = (members(was)?, members(is)?);
    let ids = |members: &[(String, Value)]| -> std::collections::HashSet<String> {
        members.iter().map(|(id, _)| id.clone()).collect()
    };
    let (before, after) = (ids(&was), ids(&is));
    let removed: Vec<&String> = was.iter().map(|(id, _)| id).filter(|id| !after.contains(*id)).collect();
    if removed.len() > MAX_REMOVED {
        return None;
    }
    let mut operations: Vec<Value> = removed
        .into_iter()
        .map(|id| json!({"op": "remove", "path": format!("members[value eq {}]", quoted(id))}))
        .collect();
    let added: Vec<Value> = is
        .into_iter()
        .filter(|(id, _)| !before.contains(id))
        .map(|(_, item)| item)
        .collect();
    if !added.is_empty() {
        operations.push(json!({"op": "add", "path": "members", "value": added}));
    }
    Some(operations)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_changes_is_sent() {
        let check = |before: Value, after: Value, natives: &[&str], expected: Value| {
            let paths: Vec<AttributePath> = natives
                .iter()
                .map(|native| AttributePath::parse(native).unwrap())
                .collect();
            let touched: Vec<&AttributePath> = paths.iter().collect();
            assert_eq!(Value::Array(operations(&before, &after, &touched)), expected);
        };
        check(
            json!({"name": {"givenName": "A", "familyName": "B"}, "title": "x"}),
            json!({"name": {"givenName": "C", "familyName": "B"}}),
            &["name.givenName", "title", "nickName"],
            json!([{"op": "replace", "path": "name.givenName", "value": "C"}, {"op": "remove", "path": "title"}]),
        );
        // Two properties of one attribute with several values are one operation.
        check(
            json!({"emails": [{"type": "work", "value": "a"}]}),
            json!({"emails": [{"type": "work", "value": "b"}, {"type": "home", "value": "c"}]}),
            &["emails[type eq \"work\"].value", "emails[type eq \"home\"].value"],
            json!([{"op": "replace", "path": "emails",
                "value": [{"type": "work", "value": "b"}, {"type": "home", "value": "c"}]}]),
        );
        check(
            json!({"members": [{"value": "a"}, {"value": "b\"c"}]}),
            json!({"members": [{"value": "a"}, {"value": "d"}]}),
            &["members.value"],
            json!([{"op": "remove", "path": "members[value eq \"b\\\"c\"]"},
                {"op": "add", "path": "members", "value": [{"value": "d"}]}]),
        );
        check(
            json!({"urn:x:2.0:Extra": {"desk": "1"}}),
            json!({"urn:x:2.0:Extra": {"desk": "2"}}),
            &["urn:x:2.0:Extra:desk"],
            json!([{"op": "replace", "path": "urn:x:2.0:Extra:desk", "value": "2"}]),
        );
        check(
            json!({}),
            json!({"password": "p"}),
            &["password"],
            json!([{"op": "replace", "path": "password", "value": "p"}]),
        );
    }
}
