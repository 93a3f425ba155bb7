//! A body of several parts (behaviour 1.10): the part `json` is the content, and the others are put into it where it
//! says `{"$ref": "cid:PART#content"}`, or `#filename` or `#mimetype`.

use std::collections::BTreeMap;
use std::convert::Infallible;

use axum::body::Bytes;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use host_resource::{Code, Pointer, Problem};
use multer::Multipart;
use serde_json::Value;

use super::body::parse;

/// Further parts are refused.
const MAX_PARTS: usize = 100;
/// All that references bring in is at most this long together (bytes), however often a part is named.
const MAX_REFERRED: usize = 16 * 1024 * 1024;
/// The part that is the content.
const CONTENT: &str = "json";

/// A part other than the content.
struct Part {
    filename: Option<String>,
    mimetype: Option<String>,
    bytes: Bytes,
}

/// The boundary, when the type says that there are parts; an error when it does not say where they end.
pub(super) fn boundary(content_type: &str) -> Option<Result<String, Problem>> {
    let kind = content_type.split(';').next()?.trim();
    kind.eq_ignore_ascii_case("multipart/form-data").then(|| {
        multer::parse_boundary(content_type).map_err(|error| {
            Problem::bad_request(format!("the header content-type is '{content_type}': {error}"))
                .with_detail("header", "Content-Type")
        })
    })
}

/// The content with what it refers to.
pub(super) async fn assemble(boundary: String, bytes: Bytes) -> Result<Value, Problem> {
    let stream = futures::stream::iter([Ok::<_, Infallible>(bytes)]);
    let mut multipart = Multipart::new(stream, boundary);
    let mut content = None;
    let mut parts = BTreeMap::new();
    while let Some(field) = multipart.next_field().await.map_err(malformed)? {
        let name = field
            .name()
            .ok_or_else(|| Problem::bad_request("a part of the body has no name"))?
            .to_owned();
        let part = Part {
            filename: field.file_name().map(str::to_owned),
            mimetype: field.content_type().map(ToString::to_string),
            bytes: field.bytes().await.map_err(malformed)?,
        };
        let twice = || Problem::bad_request(format!("the body has two parts with the name '{name}'"));
        if name == CONTENT {
            let value = parse(&part.bytes, "the part 'json' of the body")?;
            if content.replace(value).is_some() {
                return Err(twice());
            }
        } else if parts.insert(name.clone(), part).is_some() {
            return Err(twice());
        }
        if parts.len() > MAX_PARTS {
            return Err(Problem::bad_request(format!(
                "the body has more than {MAX_PARTS} parts"
            )));
        }
    }
    let mut content = content
        .ok_or_else(|| Problem::bad_request("the body has no part with the name 'json', which would be the content"))?;
    let mut references = References {
        parts: &parts,
        room: MAX_REFERRED,
        path: Vec::new(),
    };
    references.resolve(&mut content)?;
    Ok(content)
}

fn malformed(error: multer::Error) -> Problem {
    Problem::bad_request(format!("the body is no multipart/form-data: {error}"))
}

struct References<'a> {
    parts: &'a BTreeMap<String, Part>,
    /// How much (bytes) may still be brought in.
    room: usize,
    /// Where in the content.
    path: Vec<Box<str>>,
}

impl References<'_> {
    fn resolve(&mut self, value: &mut Value) -> Result<(), Problem> {
        if let Some(reference) = reference(value) {
            *value = self.referred(reference)?;
            return Ok(());
        }
        match value {
            Value::Object(members) => {
                for (name, value) in members {
                    self.inside(name, value)?;
                }
            }
            Value::Array(items) => {
                for (position, item) in items.iter_mut().enumerate() {
                    self.inside(&position.to_string(), item)?;
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
        Ok(())
    }

    fn inside(&mut self, name: &str, value: &mut Value) -> Result<(), Problem> {
        self.path.push(name.into());
        self.resolve(value)?;
        self.path.pop();
        Ok(())
    }

    fn referred(&mut self, reference: &str) -> Result<Value, Problem> {
        let wrong = |message: String| {
            let pointer = Pointer::from_elements(self.path.iter().cloned());
            Err(Problem::invalid(pointer, message))
        };
        let Some((name, what)) = reference.split_once('#') else {
            return wrong(format!(
                "'cid:{reference}' does not say what of the part is meant: write cid:PART#content, #filename or #mimetype"
            ));
        };
        let Some(part) = self.parts.get(name) else {
            return wrong(format!("the body has no part with the name '{name}'"));
        };
        let text = match what {
            "content" if part.bytes.len().saturating_mul(4) / 3 > self.room => {
                return Err(Problem::new(
                    Code::TOO_LARGE,
                    format!("what the part 'json' refers to is longer than {MAX_REFERRED} bytes together"),
                ));
            }
            "content" => Some(URL_SAFE_NO_PAD.encode(&part.bytes)),
            "filename" => part.filename.clone(),
            "mimetype" => part.mimetype.clone(),
            other => return wrong(format!("'#{other}' is unknown: write #content, #filename or #mimetype")),
        };
        self.room = self.room.saturating_sub(text.as_ref().map_or(0, String::len));
        Ok(text.map_or(Value::Null, Value::String))
    }
}

/// What stands behind `cid:` in an object that is nothing but a reference to a part.
fn reference(value: &Value) -> Option<&str> {
    let members = value.as_object().filter(|members| members.len() == 1)?;
    members.get("$ref")?.as_str()?.strip_prefix("cid:")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    async fn assembled(parts: &[(&str, &str, &str)]) -> Result<Value, Problem> {
        let mut body = String::new();
        for (name, more, content) in parts {
            body += &format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"{more}\r\n\r\n{content}\r\n");
        }
        body += "--x--\r\n";
        assemble("x".to_owned(), body.into()).await
    }

    #[tokio::test]
    async fn parts_come_to_stand_where_the_content_names_them() {
        let content = r##"{"photo": {"$ref": "cid:p#content"}, "list": [{"$ref": "cid:p#filename"}, {"$ref": "cid:p#mimetype"}, {"$ref": "cid:q#filename"}],
            "manager": {"$ref": "managed/user/1"}, "more": {"$ref": "cid:p#content", "x": 1}}"##;
        let found = assembled(&[
            ("json", "", content),
            ("p", "; filename=\"a.png\"\r\nContent-Type: image/png", "\u{ff}\u{fe}?"),
            ("q", "", "text"),
        ])
        .await;
        let expected = json!({
            "photo": URL_SAFE_NO_PAD.encode("\u{ff}\u{fe}?"), "list": ["a.png", "image/png", null],
            "manager": {"$ref": "managed/user/1"}, "more": {"$ref": "cid:p#content", "x": 1},
        });
        assert_eq!(found.unwrap(), expected);
    }

    #[tokio::test]
    async fn what_cannot_be_put_together_is_refused() {
        let check = async |parts: &[(&str, &str, &str)], words: &str| {
            let problem = assembled(parts).await.unwrap_err();
            assert!(
                problem.code == Code::BAD_REQUEST && problem.message.contains(words),
                "{problem}"
            );
        };
        check(&[("p", "", "x")], "no part with the name 'json'").await;
        check(
            &[("json", "", "{}"), ("json", "", "{}")],
            "two parts with the name 'json'",
        )
        .await;
        check(
            &[("json", "", "{}"), ("p", "", ""), ("p", "", "")],
            "two parts with the name 'p'",
        )
        .await;
        check(&[("json", "", "{\n\"a\": 1, \"a\": 2}")], "line 2, column 9").await;
        check(
            &[("json", "", r##"{"a": [{"$ref": "cid:p#content"}]}"##)],
            "/a/0: the body has no part",
        )
        .await;
        check(
            &[("json", "", r#"{"a": {"$ref": "cid:p"}}"#), ("p", "", "")],
            "does not say what",
        )
        .await;
        check(
            &[("json", "", r##"{"a": {"$ref": "cid:p#size"}}"##), ("p", "", "")],
            "'#size' is unknown",
        )
        .await;
        let names: Vec<String> = (0..=MAX_PARTS).map(|number| number.to_string()).collect();
        let many: Vec<_> = names.iter().map(|name| (name.as_str(), "", "")).collect();
        check(&many, "more than 100 parts").await;
        let cut = assemble(
            "x".to_owned(),
            Bytes::from_static(b"--x\r\nContent-Disposition: form-data; name=\"json\"\r\n\r\n{}"),
        );
        assert!(cut.await.unwrap_err().message.contains("no multipart/form-data"));
    }

    #[tokio::test]
    async fn a_part_that_is_named_a_thousand_times_does_not_fill_the_memory() {
        let photo = "x".repeat(100_000);
        let content = format!("[{}]", vec![r##"{"$ref":"cid:p#content"}"##; 1000].join(","));
        let refused = assembled(&[("json", "", &content), ("p", "", &photo)])
            .await
            .unwrap_err();
        assert_eq!(refused.code, Code::TOO_LARGE);
    }

    #[test]
    fn a_type_with_parts_names_their_boundary() {
        assert!(boundary("application/json").is_none());
        assert_eq!(
            boundary("Multipart/Form-Data; boundary=\"a b\"").unwrap().unwrap(),
            "a b"
        );
        assert_eq!(
            boundary("multipart/form-data").unwrap().unwrap_err().code,
            Code::BAD_REQUEST
        );
    }
}
