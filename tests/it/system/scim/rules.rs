//! What the test's SCIM service knows of the protocol: how it describes itself, how it filters, and how it patches.

use serde_json::{Value, json};

use super::service::Abilities;

pub(super) const EXTRA: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

pub(super) fn provider_config(abilities: &Abilities) -> Value {
    json!({
        "patch": {"supported": abilities.patch}, "filter": {"supported": abilities.filter, "maxResults": abilities.most},
        "sort": {"supported": false}, "etag": {"supported": abilities.etag}
    })
}

pub(super) fn resource_types() -> Value {
    json!({"totalResults": 2, "Resources": [
        {"id": "User", "name": "User", "endpoint": "/Users", "schema": "urn:ietf:params:scim:schemas:core:2.0:User",
            "schemaExtensions": [{"schema": EXTRA, "required": false}]},
        {"id": "Group", "name": "Group", "endpoint": "/Groups", "schema": "urn:ietf:params:scim:schemas:core:2.0:Group"}
    ]})
}

pub(super) fn schemas() -> Value {
    let text =
        |name: &str, exact: bool| json!({"name": name, "type": "string", "multiValued": false, "caseExact": exact});
    json!({"totalResults": 3, "Resources": [
        {"id": "urn:ietf:params:scim:schemas:core:2.0:User", "attributes": [
            text("userName", false), text("externalId", true), text("title", false),
            {"name": "active", "type": "boolean"}, {"name": "level", "type": "integer"},
            {"name": "password", "type": "string", "mutability": "writeOnly", "returned": "never"},
            {"name": "name", "type": "complex", "subAttributes": [text("givenName", false), text("familyName", false)]},
            {"name": "emails", "type": "complex", "multiValued": true,
                "subAttributes": [text("value", false), text("type", false)]},
            {"name": "groups", "type": "complex", "multiValued": true, "mutability": "readOnly"}
        ]},
        {"id": "urn:ietf:params:scim:schemas:core:2.0:Group", "attributes": [
            text("displayName", false),
            {"name": "members", "type": "complex", "multiValued": true, "subAttributes": [text("value", true)]}
        ]},
        {"id": EXTRA, "attributes": [text("employeeNumber", false)]}
    ]})
}

/// The values of a path such as `name.givenName` or `URN:employeeNumber`.
fn values<'a>(resource: &'a Value, path: &str) -> Vec<&'a Value> {
    let (base, path) = match path.strip_prefix(EXTRA) {
        Some(rest) => (&resource[EXTRA], rest.trim_start_matches(':')),
        None => (resource, path),
    };
    let mut found = vec![base];
    for step in path.split('.') {
        let inner = found.into_iter().map(|value| &value[step]);
        found = inner
            .flat_map(|value| match value {
                Value::Array(items) => items.iter().collect(),
                one => vec![one],
            })
            .collect();
    }
    found.into_iter().filter(|value| !value.is_null()).collect()
}

/// What of a resource was asked for, and its id, which is always given; all if nothing was said.
pub(super) fn projected(resource: &Value, wanted: &[&str]) -> Value {
    if wanted.is_empty() {
        return resource.clone();
    }
    let mut shown = json!({"id": resource["id"]});
    for name in wanted {
        match name.strip_prefix(EXTRA).and_then(|rest| rest.strip_prefix(':')) {
            Some(inner) if !resource[EXTRA][inner].is_null() => shown[EXTRA][inner] = resource[EXTRA][inner].clone(),
            None if !resource[*name].is_null() => shown[*name] = resource[*name].clone(),
            _ => {}
        }
    }
    shown
}

/// Whether a resource matches a filter with `and`, `or`, parentheses and the usual operators.
pub(super) fn matches(filter: &str, resource: &Value) -> Result<bool, String> {
    let mut rest = filter;
    let result = any(&mut rest, resource)?;
    if rest.trim().is_empty() {
        Ok(result)
    } else {
        Err(format!("'{rest}' is left over"))
    }
}

fn any(rest: &mut &str, resource: &Value) -> Result<bool, String> {
    let mut result = all(rest, resource)?;
    while word(rest, "or") {
        result |= all(rest, resource)?;
    }
    Ok(result)
}

fn all(rest: &mut &str, resource: &Value) -> Result<bool, String> {
    let mut result = test(rest, resource)?;
    while word(rest, "and") {
        result &= test(rest, resource)?;
    }
    Ok(result)
}

fn word(rest: &mut &str, word: &str) -> bool {
    let after = rest
        .trim_start()
        .strip_prefix(word)
        .filter(|after| after.starts_with([' ', '(']));
    if let Some(after) = after {
        *rest = after;
    }
    after.is_some()
}

fn test(rest: &mut &str, resource: &Value) -> Result<bool, String> {
    *rest = rest.trim_start();
    if let Some(inner) = rest.strip_prefix('(') {
        *rest = inner;
        let result = any(rest, resource)?;
        *rest = rest.trim_start().strip_prefix(')').ok_or("a parenthesis is open")?;
        return Ok(result);
    }
    let mut words = rest.splitn(3, ' ');
    let (path, operator) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let after = words.next().ok_or("a value is missing")?;
    let end = if after.starts_with('"') {
        let mut stream = serde_json::Deserializer::from_str(after).into_iter::<Value>();
        stream
            .next()
            .ok_or("a value is missing")?
            .map_err(|error| error.to_string())?;
        stream.byte_offset()
    } else {
        after.find([' ', ')']).unwrap_or(after.len())
    };
    let wanted: Value = serde_json::from_str(&after[..end]).map_err(|error| error.to_string())?;
    *rest = &after[end..];
    let is_exact = ["id", "externalId"].contains(&path);
    let fold = |text: &str| {
        if is_exact {
            text.to_owned()
        } else {
            text.to_ascii_lowercase()
        }
    };
    let holds = |value: &&Value| match (*value, &wanted) {
        (Value::String(value), Value::String(wanted)) => {
            let (value, wanted) = (fold(value), fold(wanted));
            match operator {
                "eq" => value == wanted,
                "co" => value.contains(&wanted),
                "sw" => value.starts_with(&wanted),
                "ew" => value.ends_with(&wanted),
                "ge" => value >= wanted,
                _ => false,
            }
        }
        (Value::Number(value), Value::Number(wanted)) => {
            let (value, wanted) = (value.as_i64(), wanted.as_i64());
            match operator {
                "eq" => value == wanted,
                "lt" => value < wanted,
                "le" => value <= wanted,
                "gt" => value > wanted,
                "ge" => value >= wanted,
                _ => false,
            }
        }
        (value, wanted) => operator == "eq" && value == wanted,
    };
    Ok(values(resource, path).iter().any(holds))
}

/// Applies one operation.
pub(super) fn patch(resource: &mut Value, operation: &Value) -> Result<(), String> {
    let (op, path) = (
        operation["op"].as_str().unwrap_or_default(),
        operation["path"].as_str().unwrap_or_default(),
    );
    if let Some((list, condition)) = path.split_once('[') {
        let wanted = condition
            .strip_prefix("value eq ")
            .and_then(|rest| rest.strip_suffix(']'))
            .ok_or("bad path")?;
        let wanted: Value = serde_json::from_str(wanted).map_err(|error| error.to_string())?;
        let items = resource[list].as_array_mut().ok_or("nothing to remove")?;
        let before = items.len();
        items.retain(|item| item["value"] != wanted);
        return if op == "remove" && items.len() < before {
            Ok(())
        } else {
            Err("no such item".to_owned())
        };
    }
    let (base, path) = match path.strip_prefix(EXTRA) {
        Some(rest) => (&mut resource[EXTRA], rest.trim_start_matches(':')),
        None => (resource, path),
    };
    let (holder, name) = match path.split_once('.') {
        Some((first, last)) => (&mut base[first], last),
        None => (base, path),
    };
    match op {
        "replace" => holder[name] = operation["value"].clone(),
        "add" => match holder[name].as_array_mut() {
            Some(items) => items.extend(
                operation["value"]
                    .as_array()
                    .ok_or("a list is expected")?
                    .iter()
                    .cloned(),
            ),
            None => holder[name] = operation["value"].clone(),
        },
        "remove" => {
            let members = holder.as_object_mut().ok_or("nothing to remove")?;
            members.shift_remove(name).ok_or("nothing to remove")?;
        }
        other => return Err(format!("no operation {other}")),
    }
    Ok(())
}
