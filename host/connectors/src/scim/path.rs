//! The native name of an attribute: `userName`, `name.givenName`, `emails.value`, `emails[type eq "work"].value`,
//! `urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber`; how it is read from a resource and written
//! to one.

use serde_json::{Map, Value};

/// Where the values of an attribute are in a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct AttributePath {
    /// The extension that has it.
    pub(super) extension: Option<String>,
    pub(super) name: String,
    /// Which of several values: that whose attribute has this value.
    pub(super) select: Option<(String, Value)>,
    /// The part of a value that is meant.
    pub(super) sub: Option<String>,
}

/// What extensions' names begin with.
const URN: &str = "urn:";
/// The schemas whose attributes stand in the resource itself.
const CORE: &str = "urn:ietf:params:scim:schemas:core:";

impl AttributePath {
    /// Reads a native name; the error says what is wrong with it.
    pub(super) fn parse(native: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "'{native}' is no attribute of SCIM: write one such as userName, name.givenName, \
                 emails[type eq \"work\"].value or urn:…:2.0:User:employeeNumber"
            )
        };
        let (head, rest) = native.split_at(native.find('[').unwrap_or(native.len()));
        let (extension, attribute) = match head.get(..URN.len()) {
            Some(start) if start.eq_ignore_ascii_case(URN) => {
                let (urn, attribute) = head.rsplit_once(':').ok_or_else(wrong)?;
                if !urn
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b":._-".contains(&byte))
                {
                    return Err(wrong());
                }
                let is_core = urn
                    .get(..CORE.len())
                    .is_some_and(|start| start.eq_ignore_ascii_case(CORE));
                ((!is_core).then(|| urn.to_owned()), attribute)
            }
            _ => (None, head),
        };
        let (name, select, sub) = match rest.strip_prefix('[') {
            None => match attribute.split_once('.') {
                Some((name, sub)) => (name, None, Some(sub)),
                None => (attribute, None, None),
            },
            Some(rest) => {
                let (condition, after) = rest.rsplit_once(']').ok_or_else(wrong)?;
                let sub = match after {
                    "" => None,
                    after => Some(after.strip_prefix('.').ok_or_else(wrong)?),
                };
                (attribute, Some(condition_of(condition).ok_or_else(wrong)?), sub)
            }
        };
        if !is_name(name) || sub.is_some_and(|sub| !is_name(sub)) {
            return Err(wrong());
        }
        Ok(Self {
            extension,
            name: name.to_owned(),
            select,
            sub: sub.map(str::to_owned),
        })
    }

    /// How requests write the whole attribute that it is or is a part of.
    pub(super) fn top(&self) -> String {
        match &self.extension {
            Some(urn) => format!("{urn}:{}", self.name),
            None => self.name.clone(),
        }
    }

    /// How requests write it, without the part that selects.
    pub(super) fn text(&self) -> String {
        let mut text = self.top();
        if let Some(sub) = &self.sub {
            text.push('.');
            text.push_str(sub);
        }
        text
    }

    /// Its values in a resource.
    pub(super) fn get(&self, resource: &Value) -> Vec<Value> {
        let base = match &self.extension {
            None => Some(resource),
            Some(urn) => member(resource, urn),
        };
        let Some(value) = base.and_then(|base| member(base, &self.name)) else {
            return Vec::new();
        };
        let items = match value {
            Value::Array(items) => items.as_slice(),
            one => std::slice::from_ref(one),
        };
        let selected = items.iter().filter(|item| self.is_selected(item));
        let values = selected.filter_map(|item| match &self.sub {
            None => Some(item),
            Some(sub) => member(item, sub),
        });
        values.filter(|value| !value.is_null()).cloned().collect()
    }

    /// Makes its values in a resource these; none removes it. `is_list` says whether the property means all of several
    /// values, `is_multi` whether the attribute has several where it is not there yet.
    pub(super) fn set(&self, resource: &mut Map<String, Value>, values: &[Value], is_list: bool, is_multi: bool) {
        let Some(urn) = &self.extension else {
            return self.set_in(resource, values, is_list, is_multi);
        };
        let key = key_of(resource, urn).unwrap_or_else(|| urn.clone());
        let mut extension = match resource.shift_remove(&key) {
            Some(Value::Object(extension)) => extension,
            _ => Map::new(),
        };
        self.set_in(&mut extension, values, is_list, is_multi);
        if !extension.is_empty() {
            resource.insert(key, Value::Object(extension));
        }
    }

    fn set_in(&self, base: &mut Map<String, Value>, values: &[Value], is_list: bool, is_multi: bool) {
        let key = key_of(base, &self.name).unwrap_or_else(|| self.name.clone());
        let now = base.shift_remove(&key);
        let new = match (&self.select, &self.sub) {
            (None, None) if is_list || is_multi => items_or_none(values.to_vec()),
            (None, None) => values.first().cloned(),
            (None, Some(sub)) => with_parts(now, sub, values, is_list, is_multi),
            (Some(select), sub) => self.with_selected(now, select, sub.as_deref(), values),
        };
        if let Some(new) = new {
            base.insert(key, new);
        }
    }

    fn is_selected(&self, item: &Value) -> bool {
        let Some((attribute, wanted)) = &self.select else {
            return true;
        };
        match (member(item, attribute), wanted) {
            (Some(Value::String(text)), Value::String(wanted)) => text.eq_ignore_ascii_case(wanted),
            (value, wanted) => value == Some(wanted),
        }
    }

    fn with_selected(
        &self,
        now: Option<Value>,
        select: &(String, Value),
        sub: Option<&str>,
        values: &[Value],
    ) -> Option<Value> {
        let mut items = items_of(now);
        let at = items.iter().position(|item| self.is_selected(item));
        let fresh = || Map::from_iter([(select.0.clone(), select.1.clone())]);
        match (values.first(), sub) {
            (None, None) => drop(at.map(|at| items.remove(at))),
            (None, Some(sub)) => {
                if let Some(at) = at {
                    let mut item = object_of(items.remove(at));
                    remove(&mut item, sub);
                    // What is left says only which one it was.
                    if item
                        .keys()
                        .any(|name| !name.eq_ignore_ascii_case(&select.0) && !name.eq_ignore_ascii_case("primary"))
                    {
                        items.insert(at, Value::Object(item));
                    }
                }
            }
            (Some(value), sub) => {
                let mut item = match sub {
                    Some(_) => at.map(|at| object_of(items[at].clone())).unwrap_or_else(fresh),
                    None => object_of(value.clone()),
                };
                match sub {
                    Some(sub) => put(&mut item, sub, value.clone()),
                    None => put(&mut item, &select.0, select.1.clone()),
                }
                match at {
                    Some(at) => items[at] = Value::Object(item),
                    None => items.push(Value::Object(item)),
                }
            }
        }
        items_or_none(items)
    }
}

/// A value, or several, with these as their parts.
fn with_parts(now: Option<Value>, sub: &str, values: &[Value], is_list: bool, is_multi: bool) -> Option<Value> {
    let fresh = |value: &Value| Value::Object(Map::from_iter([(sub.to_owned(), value.clone())]));
    if is_list {
        // Those that stay keep what else they have.
        let items = items_of(now);
        let kept = |value: &Value| items.iter().find(|item| member(item, sub) == Some(value)).cloned();
        return items_or_none(
            values
                .iter()
                .map(|value| kept(value).unwrap_or_else(|| fresh(value)))
                .collect(),
        );
    }
    let several = is_multi || matches!(now, Some(Value::Array(_)));
    if several {
        let mut items = items_of(now);
        match (values.first(), items.is_empty()) {
            (None, true) => {}
            (None, false) => drop(items.remove(0)),
            (Some(value), true) => items.push(fresh(value)),
            (Some(value), false) => {
                let mut first = object_of(items[0].take());
                put(&mut first, sub, value.clone());
                items[0] = Value::Object(first);
            }
        }
        return items_or_none(items);
    }
    let mut whole = now.map(object_of).unwrap_or_default();
    match values.first() {
        Some(value) => put(&mut whole, sub, value.clone()),
        None => remove(&mut whole, sub),
    }
    (!whole.is_empty()).then_some(Value::Object(whole))
}

fn items_of(value: Option<Value>) -> Vec<Value> {
    match value {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(items)) => items,
        Some(one) => vec![one],
    }
}

fn items_or_none(items: Vec<Value>) -> Option<Value> {
    (!items.is_empty()).then_some(Value::Array(items))
}

fn object_of(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

fn put(members: &mut Map<String, Value>, name: &str, value: Value) {
    let key = key_of(members, name).unwrap_or_else(|| name.to_owned());
    members.insert(key, value);
}

fn remove(members: &mut Map<String, Value>, name: &str) {
    if let Some(key) = key_of(members, name) {
        members.shift_remove(&key);
    }
}

fn key_of(members: &Map<String, Value>, name: &str) -> Option<String> {
    if members.contains_key(name) {
        return Some(name.to_owned());
    }
    members.keys().find(|key| key.eq_ignore_ascii_case(name)).cloned()
}

/// A member, by its name without regard to case, as SCIM has it.
pub(super) fn member<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    let members = value.as_object()?;
    members.get(name).or_else(|| {
        let mut others = members.iter();
        others
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    })
}

/// `type eq "work"`, `primary eq true`.
fn condition_of(text: &str) -> Option<(String, Value)> {
    let mut words = text.trim().splitn(3, ' ');
    let (attribute, operator, value) = (words.next()?, words.next()?, words.next()?);
    let value: Value = serde_json::from_str(value.trim()).ok()?;
    let is_plain = matches!(value, Value::String(_) | Value::Bool(_));
    (is_name(attribute) && operator.eq_ignore_ascii_case("eq") && is_plain).then(|| (attribute.to_owned(), value))
}

/// A name of an attribute (RFC 7643, 2.1), `$ref` among them.
fn is_name(text: &str) -> bool {
    let text = text.strip_prefix('$').unwrap_or(text);
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

    fn resource() -> Value {
        json!({
            "userName": "joe", "Name": {"givenName": "Joe", "familyName": "Doe"},
            "emails": [{"value": "a@x", "type": "work", "primary": true}, {"value": "b@x", "type": "home"}],
            ENTERPRISE: {"employeeNumber": "7", "manager": {"value": "m"}}
        })
    }

    #[test]
    fn values_are_found() {
        let check = |native: &str, expected: Value| {
            let path = AttributePath::parse(native).unwrap();
            assert_eq!(Value::Array(path.get(&resource())), expected, "{native}");
        };
        check("userName", json!(["joe"]));
        check("USERNAME", json!(["joe"]));
        check("name", json!([{"givenName": "Joe", "familyName": "Doe"}]));
        check("name.givenName", json!(["Joe"]));
        check("emails.value", json!(["a@x", "b@x"]));
        check("emails[type eq \"Home\"].value", json!(["b@x"]));
        check("emails[primary eq true].type", json!(["work"]));
        check("emails[type eq \"home\"]", json!([{"value": "b@x", "type": "home"}]));
        check("emails[type eq \"other\"].value", json!([]));
        check(&format!("{ENTERPRISE}:employeeNumber"), json!(["7"]));
        check(&format!("{ENTERPRISE}:manager.value"), json!(["m"]));
        check("urn:ietf:params:scim:schemas:core:2.0:User:userName", json!(["joe"]));
        check("nickName", json!([]));
        check("userName.value", json!([]));
    }

    #[test]
    fn values_are_written() {
        let check = |native: &str, values: Value, is_list: bool, pointer: &str, expected: Value| {
            let path = AttributePath::parse(native).unwrap();
            let Value::Object(mut members) = resource() else { return };
            path.set(&mut members, values.as_array().unwrap(), is_list, is_list);
            let written = Value::Object(members);
            assert_eq!(
                written.pointer(pointer).cloned().unwrap_or_default(),
                expected,
                "{native}"
            );
        };
        check("userName", json!(["ann"]), false, "/userName", json!("ann"));
        check("userName", json!([]), false, "/userName", json!(null));
        check(
            "name.givenName",
            json!(["A"]),
            false,
            "/Name",
            json!({"givenName": "A", "familyName": "Doe"}),
        );
        check(
            "name.givenName",
            json!([]),
            false,
            "/Name",
            json!({"familyName": "Doe"}),
        );
        check("nick.value", json!(["x"]), true, "/nick", json!([{"value": "x"}]));
        check(
            "emails.value",
            json!(["b@x", "c@x"]),
            true,
            "/emails",
            json!([{"value": "b@x", "type": "home"}, {"value": "c@x"}]),
        );
        check("emails.value", json!([]), true, "/emails", json!(null));
        // A property of one value that is one of several: the first, and the others stay.
        check("emails.value", json!(["z@x"]), false, "/emails/0/value", json!("z@x"));
        check("emails.value", json!(["z@x"]), false, "/emails/1/value", json!("b@x"));
        check(
            "emails[type eq \"home\"].value",
            json!(["z@x"]),
            false,
            "/emails/1/value",
            json!("z@x"),
        );
        check(
            "emails[type eq \"home\"].value",
            json!([]),
            false,
            "/emails/1",
            json!(null),
        );
        check(
            "emails[type eq \"other\"].value",
            json!(["o@x"]),
            false,
            "/emails/2",
            json!({"type": "other", "value": "o@x"}),
        );
        check(
            &format!("{ENTERPRISE}:employeeNumber"),
            json!(["8"]),
            false,
            &format!("/{ENTERPRISE}/employeeNumber"),
            json!("8"),
        );
        check("urn:a:b:c", json!(["d"]), false, "/urn:a:b/c", json!("d"));
    }

    #[test]
    fn what_is_no_attribute_is_refused() {
        for native in [
            "",
            "a b",
            "name.",
            ".a",
            "a.b.c",
            "emails[type].value",
            "emails[type eq work].value",
            "emails[type eq \"a\"]x",
            "emails[type ne \"a\"].value",
            "urn:a b:c",
            "urn:a:",
            "a/b",
            "9a",
            "emails[type eq \"a\"",
            "a\"",
        ] {
            assert!(AttributePath::parse(native).is_err(), "{native}");
        }
    }
}
