//! A patch on the text of an object: the members that it touches are parsed, the others stay as they are written.

use bytes::Bytes;
use host_resource::patch::PatchOperation;
use host_resource::text;
use host_store::unit_of_work::Seen;
use serde_json::{Map, Value};

use super::body::{BodyError, MAX_DEPTH, MAX_OBJECT, fits};
use super::change::{ChangeError, apply, damaged, may_undo};

/// The text of the object as the operations leave it; none if they change nothing. Each operation names a member, and
/// none is `_id` or `_rev`.
pub(super) fn patched(present: &Seen, operations: &[PatchOperation]) -> Result<Option<Bytes>, ChangeError> {
    let broken = |error: serde_json::Error| ChangeError::from(damaged(present, &error));
    let body = std::str::from_utf8(&present.body).map_err(|error| damaged(present, &error))?;
    let members = text::members(body).map_err(broken)?;
    let mut touched = Map::new();
    for (name, value) in &members {
        if is_touched(name, operations) {
            touched.insert(name.as_ref().to_owned(), serde_json::from_str(value).map_err(broken)?);
        }
    }
    let before = may_undo(operations).then(|| touched.clone());
    let mut content = Value::Object(touched);
    if !apply(operations, &mut content)? {
        return Ok(None);
    }
    let Value::Object(mut after) = content else {
        return Err(BodyError::Kind.into());
    };
    if before.is_some_and(|before| before == after) {
        return Ok(None);
    }
    if !after.values().all(|value| fits(value, MAX_DEPTH - 1)) {
        return Err(BodyError::Deep.into());
    }
    let mut writer = Writer::with_capacity(body.len() + 64);
    for (name, value) in &members {
        if !is_touched(name, operations) {
            writer.member(name, value)?;
        } else if let Some(value) = after.get_mut(&**name) {
            writer.member(name, &value.take().to_string())?;
            // What is left are the members that came to be.
        }
    }
    let is_known = |name: &str| members.iter().any(|(known, _)| known == name);
    for (name, value) in after.iter().filter(|(name, _)| !is_known(name)) {
        writer.member(name, &value.to_string())?;
    }
    writer.end().map(Some)
}

fn is_touched(name: &str, operations: &[PatchOperation]) -> bool {
    operations
        .iter()
        .flat_map(|operation| std::iter::once(&operation.field).chain(&operation.from))
        .any(|pointer| pointer.elements().first().is_some_and(|first| **first == *name))
}

/// An object's text that is being written.
struct Writer(Vec<u8>);

impl Writer {
    fn with_capacity(bytes: usize) -> Self {
        let mut text = Vec::with_capacity(bytes);
        text.push(b'{');
        Self(text)
    }

    fn member(&mut self, name: &str, value: &str) -> Result<(), ChangeError> {
        if self.0.len() > 1 {
            self.0.push(b',');
        }
        serde_json::to_writer(&mut self.0, name).map_err(BodyError::from)?;
        self.0.push(b':');
        self.0.extend_from_slice(value.as_bytes());
        Ok(())
    }

    fn end(mut self) -> Result<Bytes, ChangeError> {
        self.0.push(b'}');
        if self.0.len() > MAX_OBJECT {
            return Err(BodyError::Large.into());
        }
        Ok(self.0.into())
    }
}

#[cfg(test)]
mod tests {
    use host_store::Revision;
    use host_store::unit_of_work::Rev;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn seen(body: &Value) -> Seen {
        Seen {
            id: "joe".into(),
            rev: Rev::Committed(Revision(1)),
            body: body.to_string().into(),
        }
    }

    fn value() -> impl Strategy<Value = Value> {
        prop_oneof![
            Just(json!(1)),
            Just(json!("x\"\n")),
            Just(json!([1, 2, 1])),
            Just(json!({"a": 1, "b": {"a": 2}})),
            Just(json!(null)),
        ]
    }

    fn field() -> impl Strategy<Value = &'static str> {
        prop::sample::select(vec![
            "/a",
            "/b",
            "/c",
            "/a/a",
            "/a/b",
            "/b/a",
            "/b/-",
            "/\u{e9}/q\"",
            "/a/0",
            "/c/b/a",
        ])
    }

    fn operation() -> impl Strategy<Value = Value> {
        let name = prop::sample::select(vec!["add", "replace", "remove", "increment", "move", "copy"]);
        (name, field(), field(), prop::option::of(value())).prop_map(|(name, field, from, value)| {
            let mut operation = json!({"operation": name, "field": field});
            match (name, value) {
                ("move" | "copy", _) => operation["from"] = json!(from),
                ("remove", None) => {}
                ("increment", _) => operation["value"] = json!(2),
                (_, value) => operation["value"] = value.filter(|value| !value.is_null()).unwrap_or(json!(2)),
            }
            operation
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn a_patched_text_is_the_patched_object(
            members in prop::collection::btree_map(prop::sample::select(vec!["a", "b", "c", "\u{e9}", "z"]), value(), 0..5),
            operations in prop::collection::vec(operation(), 0..5),
        ) {
            let body = json!(members);
            let operations = PatchOperation::parse_all(&json!(operations)).unwrap();
            let mut whole = body.clone();
            let expected = apply(&operations, &mut whole).map(|_| (whole != body).then_some(whole));
            let found = patched(&seen(&body), &operations)
                .map(|text| text.map(|text| serde_json::from_slice::<Value>(&text).unwrap()));
            prop_assert_eq!(
                found.map_err(|error| error.to_string()),
                expected.map_err(|error| error.to_string())
            );
        }
    }

    #[test]
    fn members_that_are_not_touched_stay_as_they_are_written() {
        let mut seen = seen(&json!({}));
        seen.body = Bytes::from_static(b"{ \"n\" : 1.50, \"a\":1, \"o\": { \"x\" : [ ] } }");
        let operations = PatchOperation::parse_all(&json!([
            {"operation": "replace", "field": "/a", "value": true},
            {"operation": "add", "field": "/new/b", "value": 1},
        ]));
        let text = patched(&seen, &operations.unwrap()).unwrap().unwrap();
        assert_eq!(text, r#"{"n":1.50,"a":true,"o":{ "x" : [ ] },"new":{"b":1}}"#);
    }
}
