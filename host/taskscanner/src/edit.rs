//! Setting marks in a document. A document is text, and a mark a small part of it: the text is spliced, not parsed and
//! written anew. A place that splicing does not know is set the long way.

use bytes::Bytes;
use host_resource::text::members;
use host_resource::{Pointer, Problem};
use host_store::document;
use serde_json::Value;

/// The document's text with a mark set, its parents made where they are missing.
pub(crate) fn with_mark(body: &[u8], mark: &Pointer, value: &Value) -> Result<Bytes, Problem> {
    let elements: Vec<&str> = mark.elements().iter().map(AsRef::as_ref).collect();
    let spliced = std::str::from_utf8(body)
        .ok()
        .and_then(|text| splice(text, &elements, &value.to_string()));
    if let Some(text) = spliced {
        return Ok(text.into());
    }
    let mut document = parse(body)?;
    mark.set(&mut document, value.clone())
        .map_err(|error| Problem::conflict(format!("the mark {mark} cannot be set: {error}")))?;
    document::to_bytes(&document)
}

/// The document.
pub(crate) fn parse(body: &[u8]) -> Result<Value, Problem> {
    serde_json::from_slice(body).map_err(|error| Problem::internal(format!("a stored document is damaged: {error}")))
}

/// The text of an object with a value set in it. None where something on the way is no object.
fn splice(object: &str, elements: &[&str], value: &str) -> Option<String> {
    let (first, rest) = elements.split_first()?;
    let members = members(object).ok()?;
    let mut text = String::with_capacity(object.len() + value.len() + 64);
    if let Some((_, old)) = members.iter().find(|(name, _)| name == first) {
        let start = old.as_ptr() as usize - object.as_ptr() as usize;
        text.push_str(&object[..start]);
        if rest.is_empty() {
            text.push_str(value);
        } else {
            text.push_str(&splice(old, rest, value)?);
        }
        text.push_str(&object[start + old.len()..]);
        return Some(text);
    }
    let end = object.rfind('}')?;
    text.push_str(&object[..end]);
    if !members.is_empty() {
        text.push(',');
    }
    for (depth, element) in elements.iter().enumerate() {
        if depth > 0 {
            text.push('{');
        }
        text.push_str(&serde_json::to_string(element).ok()?);
        text.push(':');
    }
    text.push_str(value);
    text.extend(std::iter::repeat_n('}', rest.len()));
    text.push_str(&object[end..]);
    Some(text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_spliced_document_is_what_the_long_way_makes() {
        let check = |text: &str, mark: &str| {
            let mark = Pointer::parse(mark).unwrap();
            let value = json!("2026-01-01T00:00:00.000Z");
            let mut expected: Value = serde_json::from_str(text).unwrap();
            let is_possible = mark.set(&mut expected, value.clone()).is_ok();
            match with_mark(text.as_bytes(), &mark, &value) {
                Ok(bytes) => assert_eq!(
                    serde_json::from_slice::<Value>(&bytes).unwrap(),
                    expected,
                    "{text} {mark}"
                ),
                Err(problem) => assert!(!is_possible, "{text} {mark}: {problem}"),
            }
        };
        for text in [
            "{}",
            " { } ",
            r#"{"a":1}"#,
            r#"{"a":1,"sunset":{"date":"x"}}"#,
            r#"{ "sunset" : { "date" : "x" , "started" : null } , "b" : "}" }"#,
            r#"{"sunset":{}}"#,
            r#"{"sunset":null}"#,
            r#"{"sunset":"text with } and \" in it"}"#,
            r#"{"sunset":[1,2]}"#,
            r#"{"s\u0075nset":{"started":"y"},"z":{"sunset":{"started":1}}}"#,
            "{\"sunset\":{\"started\":\"é\u{1f600}\"},\"q\":1.50}",
        ] {
            for mark in [
                "/started",
                "/sunset/started",
                "/sunset/deep/er/started",
                "/a",
                "/we\"ird",
            ] {
                check(text, mark);
            }
        }
    }
}
