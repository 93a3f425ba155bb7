//! Compares an answer with the one that a document shows: the same members in the same order at each level, the same
//! values but for what a document cannot know.
//!
//! For those the expected text has placeholders. `<uuid>` stands for any UUID; `<uuid:job>` as well, but for the same one
//! wherever it stands, and it can be asked for afterwards by the name `job`. `<any>` alone is any value.

use std::collections::BTreeMap;

use host_model::clock::parse_wire_time;
use serde_json::Value;

/// What named placeholders turned out to stand for.
#[derive(Debug, Default)]
pub(crate) struct Names(BTreeMap<String, String>);

/// A placeholder's name, and how much of a text it stands for.
type Kind = (&'static str, fn(&str) -> Option<usize>);

/// The kinds of placeholders: each says how many bytes of a text it takes, if it takes any.
const KINDS: [Kind; 6] = [
    ("uuid", uuid),
    ("run", run),
    ("rev", rev),
    ("instant", instant),
    ("number", number),
    ("text", |text| (!text.is_empty()).then_some(text.len())),
];

impl Names {
    /// What a name stands for.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.0.get(name).unwrap_or_else(|| panic!("nothing was named {name}"))
    }

    /// A text with `{{name}}` replaced by what the names stand for.
    pub(crate) fn fill(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, (name, value)| {
            text.replace(&format!("{{{{{name}}}}}"), value)
        })
    }
}

/// Fails with the pointer of the first difference.
#[track_caller]
pub(crate) fn assert_like(answer: &Value, expected: &Value) {
    assert_like_named(answer, expected, &mut Names::default());
}

/// The same with names that are known already, and become known.
#[track_caller]
pub(crate) fn assert_like_named(answer: &Value, expected: &Value, names: &mut Names) {
    if let Some(difference) = difference("", expected, answer, names) {
        panic!("{difference}\nin {answer:#}");
    }
}

/// The first difference, with its pointer.
fn difference(pointer: &str, expected: &Value, answer: &Value, names: &mut Names) -> Option<String> {
    match (expected, answer) {
        (Value::Object(wanted), Value::Object(found)) => {
            let mut found_names = found.keys();
            for (name, value) in wanted {
                match found_names.next() {
                    Some(found_name) if found_name == name => {}
                    other => {
                        return Some(format!(
                            "{pointer}: the member '{name}' is expected here, not {other:?}"
                        ));
                    }
                }
                let inner = format!("{pointer}/{}", name.replace('/', "%2F"));
                if let Some(difference) = difference(&inner, value, &found[name], names) {
                    return Some(difference);
                }
            }
            found_names
                .next()
                .map(|name| format!("{pointer}: the member '{name}' is not expected"))
        }
        (Value::Array(wanted), Value::Array(found)) => {
            if wanted.len() != found.len() {
                return Some(format!(
                    "{pointer}: {} items are expected, not {}",
                    wanted.len(),
                    found.len()
                ));
            }
            let mut pairs = wanted.iter().zip(found).enumerate();
            pairs.find_map(|(at, (wanted, found))| difference(&format!("{pointer}/{at}"), wanted, found, names))
        }
        (Value::String(pattern), _) if pattern == "<any>" => None,
        (Value::String(pattern), Value::String(text)) if matches(pattern, text, names) => None,
        (Value::String(pattern), Value::Number(_)) if pattern == "<number>" => None,
        (expected, found) if expected == found => None,
        (expected, found) => Some(format!("{pointer}: {expected} is expected, not {found}")),
    }
}

/// Whether a text is what a pattern says: literal pieces and placeholders.
fn matches(pattern: &str, text: &str, names: &mut Names) -> bool {
    let Some((start, name, end)) = placeholder(pattern) else {
        return pattern == text;
    };
    let Some(text) = text.strip_prefix(&pattern[..start]) else {
        return false;
    };
    let (kind, label) = name.split_once(':').unwrap_or((name, ""));
    let take = KINDS.iter().find(|(known, _)| *known == kind).map(|(_, take)| take);
    let Some(length) = take.unwrap_or_else(|| panic!("no placeholder is called {kind}"))(text) else {
        return false;
    };
    let (value, rest) = text.split_at(length);
    if !label.is_empty() && names.0.entry(label.to_owned()).or_insert_with(|| value.to_owned()) != value {
        return false;
    }
    matches(&pattern[end..], rest, names)
}

/// The first placeholder of a pattern: where it begins, what it says, where it ends.
fn placeholder(pattern: &str) -> Option<(usize, &str, usize)> {
    let start = pattern.find('<')?;
    let end = start + pattern[start..].find('>')?;
    Some((start, &pattern[start + 1..end], end + 1))
}

fn uuid(text: &str) -> Option<usize> {
    let groups: Vec<usize> = text.get(..36)?.split('-').map(str::len).collect();
    let is_hex = |byte: u8| byte == b'-' || byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    (groups == [8, 4, 4, 4, 12] && text.bytes().take(36).all(is_hex)).then_some(36)
}

/// A UUID and a number, as the documents show the ids of scans.
fn run(text: &str) -> Option<usize> {
    let rest = text[uuid(text)?..].strip_prefix('-')?;
    Some(37 + number(rest)?)
}

fn rev(text: &str) -> Option<usize> {
    let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    (text.len() >= 16 && text.bytes().take(16).all(is_hex)).then_some(16)
}

fn instant(text: &str) -> Option<usize> {
    const LENGTH: usize = "2026-06-01T12:00:00.000Z".len();
    text.get(..LENGTH).and_then(parse_wire_time).map(|_| LENGTH)
}

fn number(text: &str) -> Option<usize> {
    let length = text.bytes().take_while(u8::is_ascii_digit).count();
    (length > 0).then_some(length)
}

mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_first_difference_is_told_by_its_pointer() {
        let check = |expected: Value, answer: Value, words: Option<&str>| {
            let found = difference("", &expected, &answer, &mut Names::default());
            match words {
                None => assert_eq!(found, None),
                Some(words) => assert!(
                    found.as_ref().is_some_and(|found| found.starts_with(words)),
                    "{found:?}"
                ),
            }
        };
        check(json!({"a": [1, {"b": null}]}), json!({"a": [1, {"b": null}]}), None);
        check(
            json!({"a": [1, {"b": null}]}),
            json!({"a": [1, {"b": 0}]}),
            Some("/a/1/b: null is expected, not 0"),
        );
        check(
            json!({"a": 1, "b": 2}),
            json!({"b": 2, "a": 1}),
            Some(": the member 'a' is expected here"),
        );
        check(
            json!({"a": 1}),
            json!({"a": 1, "b": 2}),
            Some(": the member 'b' is not expected"),
        );
        check(
            json!({"a": 1, "b": 2}),
            json!({"a": 1}),
            Some(": the member 'b' is expected here, not None"),
        );
        check(json!([1]), json!([1, 2]), Some(": 1 items are expected, not 2"));
        check(json!({"a": 1}), json!({"a": 1.0}), Some("/a: 1 is expected, not 1.0"));
        let id = "9f2564c8-193c-4871-8869-6080f374b1bd";
        check(json!("<uuid>"), json!(id), None);
        check(
            json!("trigger-<uuid:a>/<uuid:a>"),
            json!(format!("trigger-{id}/{id}")),
            None,
        );
        check(
            json!(["<uuid:a>", "<uuid:a>"]),
            json!([id, id.replace('9', "8")]),
            Some("/1"),
        );
        check(json!("<run>"), json!(format!("{id}-2073")), None);
        check(json!("<run>"), json!(id), Some(": \"<run>\" is expected"));
        check(json!("node1_<number>"), json!("node1_1570611359345"), None);
        check(json!("<number>"), json!(1570611359345_u64), None);
        check(json!("<rev>"), json!("000000006751ccf1"), None);
        check(json!({"a": "<any>"}), json!({"a": [1]}), None);
        check(json!("<rev>"), json!("12"), Some(""));
        check(json!("<instant>"), json!("2019-10-09T10:48:14.818Z"), None);
        check(json!("<instant>"), json!("2019-10-09T10:48:14Z"), Some(""));
        check(json!("<instant>"), json!(null), Some(""));
    }
}
