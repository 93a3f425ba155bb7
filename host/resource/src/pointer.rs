//! A pointer to a value inside a JSON document: `/name/givenName`. Elements are percent-encoded (`%2F` is a slash in a
//! name); the `~0` and `~1` of RFC 6901 mean nothing here.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

/// A pointer with more elements is refused: documents are not that deep, and guests write pointers.
pub const MAX_DEPTH: usize = 64;
/// A pointer whose decoded elements, with a slash each, are longer (bytes) is refused.
pub const MAX_LENGTH: usize = 4096;

/// What a printed element encodes: what ends a token in a filter or an item in a list, and what is not allowed in a URI.
/// Letters beyond ASCII stay as they are, for people.
const ENCODED: AsciiSet = CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'\'')
    .add(b'(')
    .add(b')')
    .add(b',')
    .add(b'/')
    .add(b'<')
    .add(b'>')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// A pointer to a value inside a JSON document.
#[derive(Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Pointer(Vec<Box<str>>);

/// Why a text is no pointer, or why nothing can be written where it points.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PointerError {
    /// A percent sign without two hexadecimal digits.
    #[error("the pointer `{0}` has a `%` without two hexadecimal digits: write `%25` for a percent sign")]
    Escape(String),
    /// The bytes after percent-decoding are not UTF-8.
    #[error("the pointer `{0}` does not decode to UTF-8")]
    Encoding(String),
    /// Longer than [`MAX_LENGTH`].
    #[error("the pointer is longer than {MAX_LENGTH} bytes")]
    Long,
    /// More elements than [`MAX_DEPTH`].
    #[error("the pointer has more than {MAX_DEPTH} elements")]
    Deep,
    // The texts of the following three are compatibility: behaviour 1.11.
    /// Something below a text, a number or a boolean.
    #[error("{0}: Expecting a Map or List")]
    Scalar(Pointer),
    /// An index beyond the end of an array, or `-1` for a name where an array needs an index.
    #[error("List index out of range: {0}")]
    Index(String),
    /// An index below a value that does not exist, so that nothing says whether to make an array or an object.
    #[error("/: Expecting a value")]
    Missing,
}

impl Pointer {
    /// The whole document.
    pub fn root() -> Self {
        Self::default()
    }

    /// Parses `/a/b`, `a/b` or `/a/b/`, which are equal. The empty text and `/` are the root. `a//b` has an element
    /// with an empty name in the middle, as JSON objects may have one.
    pub fn parse(text: &str) -> Result<Self, PointerError> {
        // Decoding shortens a text to a third at most.
        if text.len() > 3 * MAX_LENGTH + 2 {
            return Err(PointerError::Long);
        }
        let inner = text.strip_prefix('/').unwrap_or(text);
        if inner.is_empty() {
            return Ok(Self::root());
        }
        let inner = inner.strip_suffix('/').unwrap_or(inner);
        let mut elements = Vec::new();
        let mut length = 0;
        for raw in inner.split('/') {
            let element = decode(raw, text)?;
            length += element.len() + 1;
            elements.push(element);
        }
        match (length > MAX_LENGTH, elements.len() > MAX_DEPTH) {
            (true, _) => Err(PointerError::Long),
            (_, true) => Err(PointerError::Deep),
            (false, false) => Ok(Self(elements)),
        }
    }

    /// A pointer from elements that are already decoded.
    pub fn from_elements<S: Into<Box<str>>>(elements: impl IntoIterator<Item = S>) -> Self {
        Self(elements.into_iter().map(Into::into).collect())
    }

    /// The decoded elements in order.
    pub fn elements(&self) -> &[Box<str>] {
        &self.0
    }

    /// Whether this points to the whole document.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The last element; the root has none.
    pub fn last(&self) -> Option<&str> {
        self.0.last().map(AsRef::as_ref)
    }

    /// The pointer without its last element; the root has none.
    pub fn parent(&self) -> Option<Self> {
        let (_, above) = self.0.split_last()?;
        Some(Self(above.to_vec()))
    }

    /// Whether this points to what `prefix` points to, or to something inside.
    pub fn starts_with(&self, prefix: &Self) -> bool {
        self.0.starts_with(&prefix.0)
    }

    /// The pointer with one more element, which is not decoded.
    #[must_use]
    pub fn child(&self, element: &str) -> Self {
        let mut elements = self.0.clone();
        elements.push(element.into());
        Self(elements)
    }

    /// The value that this points to. In an array an element must be an index; `-` is never found.
    pub fn get<'a>(&self, document: &'a Value) -> Option<&'a Value> {
        self.0.iter().try_fold(document, |value, element| match value {
            Value::Object(members) => members.get(element.as_ref()),
            Value::Array(items) => items.get(index(element)?),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
        })
    }

    /// Like [`Self::get`], to change the value in place.
    pub fn get_mut<'a>(&self, document: &'a mut Value) -> Option<&'a mut Value> {
        self.0.iter().try_fold(document, |value, element| match value {
            Value::Object(members) => members.get_mut(element.as_ref()),
            Value::Array(items) => items.get_mut(index(element)?),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
        })
    }

    /// Writes a value and the objects above it that do not exist yet; null counts as not existing. In an array an index
    /// replaces an item, while `-` and the index behind the last item append. Below something that does not exist, `-`
    /// makes an array and an index is refused. When this fails the document is as it was.
    pub fn set(&self, document: &mut Value, value: Value) -> Result<(), PointerError> {
        self.set_below(0, document, value)
    }

    fn set_below(&self, position: usize, current: &mut Value, value: Value) -> Result<(), PointerError> {
        let Some((element, below)) = self.0[position..].split_first() else {
            *current = value;
            return Ok(());
        };
        match current {
            Value::Object(members) => match members.get_mut(element.as_ref()) {
                Some(next) => return self.set_below(position + 1, next, value),
                None => drop(members.insert(element.to_string(), wrap(below, value)?)),
            },
            Value::Array(items) => {
                let at = if element.as_ref() == "-" {
                    Some(items.len())
                } else {
                    index(element)
                };
                let at = at.ok_or_else(|| PointerError::Index("-1".to_owned()))?;
                match at.cmp(&items.len()) {
                    Ordering::Less => return self.set_below(position + 1, &mut items[at], value),
                    Ordering::Equal => items.push(wrap(below, value)?),
                    Ordering::Greater => return Err(PointerError::Index(element.to_string())),
                }
            }
            Value::Null => *current = wrap(&self.0[position..], value)?,
            Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                return Err(PointerError::Scalar(Self(self.0[..position].to_vec())));
            }
        }
        Ok(())
    }

    /// Takes the value out; the items behind it in an array move up. Taking the root leaves null.
    pub fn remove(&self, document: &mut Value) -> Option<Value> {
        let Some(last) = self.last() else {
            return Some(document.take());
        };
        match self.parent()?.get_mut(document)? {
            Value::Object(members) => members.shift_remove(last),
            Value::Array(items) => index(last).filter(|at| *at < items.len()).map(|at| items.remove(at)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
        }
    }
}

/// The array index that an element is, when it is one: digits, without leading zeros.
pub(crate) fn index(element: &str) -> Option<usize> {
    let is_index = element.bytes().all(|byte| byte.is_ascii_digit()) && (element == "0" || !element.starts_with('0'));
    if is_index { element.parse().ok() } else { None }
}

/// The value inside new objects and arrays, one for each element.
fn wrap(elements: &[Box<str>], value: Value) -> Result<Value, PointerError> {
    elements
        .iter()
        .rev()
        .try_fold(value, |inner, element| match element.as_ref() {
            "-" => Ok(Value::Array(vec![inner])),
            name if index(name).is_some() => Err(PointerError::Missing),
            name => Ok(Value::Object(Map::from_iter([(name.to_owned(), inner)]))),
        })
}

fn decode(raw: &str, text: &str) -> Result<Box<str>, PointerError> {
    let mut parts = raw.split('%');
    let _ = parts.next();
    if parts.any(|part| part.len() < 2 || !part.as_bytes()[..2].iter().all(u8::is_ascii_hexdigit)) {
        return Err(PointerError::Escape(text.to_owned()));
    }
    let decoded = percent_decode_str(raw)
        .decode_utf8()
        .map_err(|_| PointerError::Encoding(text.to_owned()))?;
    Ok(decoded.into())
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_root() {
            return f.write_str("/");
        }
        for element in &self.0 {
            f.write_str("/")?;
            // The encoder has no way to keep what is not ASCII, so it sees the ASCII stretches only.
            for stretch in element.split_inclusive(|letter: char| !letter.is_ascii()) {
                let ascii = stretch.trim_end_matches(|letter: char| !letter.is_ascii());
                utf8_percent_encode(ascii, &ENCODED).fmt(f)?;
                f.write_str(&stretch[ascii.len()..])?;
            }
        }
        // A last slash is optional, so an empty last element needs one more to be seen.
        if self.last() == Some("") {
            f.write_str("/")
        } else {
            Ok(())
        }
    }
}

impl fmt::Debug for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pointer({self})")
    }
}

impl FromStr for Pointer {
    type Err = PointerError;

    fn from_str(text: &str) -> Result<Self, PointerError> {
        Self::parse(text)
    }
}

impl Serialize for Pointer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Pointer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn the_slashes_at_the_ends_are_optional_and_elements_are_percent_encoded() {
        let check = |text: &str, expected: &[&str], printed: &str| {
            let pointer = Pointer::parse(text).unwrap();
            assert_eq!(
                pointer.elements().iter().map(AsRef::as_ref).collect::<Vec<_>>(),
                expected,
                "{text}"
            );
            assert_eq!(pointer.to_string(), printed, "{text}");
            assert_eq!(Pointer::parse(printed).unwrap(), pointer, "{text}");
        };
        check("", &[], "/");
        check("/", &[], "/");
        check("a", &["a"], "/a");
        check("a/b", &["a", "b"], "/a/b");
        check("/a/b", &["a", "b"], "/a/b");
        check("/a/b/", &["a", "b"], "/a/b");
        check(
            "/sunset/task-completed",
            &["sunset", "task-completed"],
            "/sunset/task-completed",
        );
        check("/a%2Fb/c", &["a/b", "c"], "/a%2Fb/c");
        check("/a%2fb", &["a/b"], "/a%2Fb");
        check("/a%25", &["a%"], "/a%25");
        check("/a~0b~1c", &["a~0b~1c"], "/a~0b~1c");
        check("/a%20b", &["a b"], "/a%20b");
        check("/a b,(c)", &["a b,(c)"], "/a%20b%2C%28c%29");
        check("/a+b", &["a+b"], "/a+b");
        check("/Stra%C3%9Fe", &["Straße"], "/Straße");
        check("/é%2Fü", &["é/ü"], "/é%2Fü");
        check("/_id", &["_id"], "/_id");
        check("/list/-", &["list", "-"], "/list/-");
        check("!a", &["!a"], "/!a");
        check("//", &[""], "//");
        check("/a//b", &["a", "", "b"], "/a//b");
        check("/a//", &["a", ""], "/a//");
    }

    #[test]
    fn what_is_no_pointer_is_refused() {
        let check = |text: &str, expected: PointerError| assert_eq!(Pointer::parse(text), Err(expected), "{text}");
        check("%%%", PointerError::Escape("%%%".to_owned()));
        check("/a/%", PointerError::Escape("/a/%".to_owned()));
        check("/a/%2", PointerError::Escape("/a/%2".to_owned()));
        check("/a/%2/b", PointerError::Escape("/a/%2/b".to_owned()));
        check("/a/%GG", PointerError::Escape("/a/%GG".to_owned()));
        check("/%FF", PointerError::Encoding("/%FF".to_owned()));
        check(&"/x".repeat(MAX_DEPTH + 1), PointerError::Deep);
        check(&"x".repeat(MAX_LENGTH), PointerError::Long);
        check(&"%41".repeat(MAX_LENGTH), PointerError::Long);
        check(&"/".repeat(4 * MAX_LENGTH), PointerError::Long);
        assert!(Pointer::parse(&"/x".repeat(MAX_DEPTH)).is_ok());
        assert!(Pointer::parse(&"x".repeat(MAX_LENGTH - 1)).is_ok());
    }

    #[test]
    fn a_pointer_finds_members_and_items() {
        let document = json!({"a": {"b": 1, "0": 2}, "l": [{"x": 3}, null], "n": null, "a/b": 4, "": {"": 5}});
        let check = |pointer: &str, expected: Option<Value>| {
            let pointer = Pointer::parse(pointer).unwrap();
            assert_eq!(pointer.get(&document), expected.as_ref(), "{pointer}");
            assert_eq!(pointer.get_mut(&mut document.clone()).cloned(), expected, "{pointer}");
        };
        check("/", Some(document.clone()));
        check("/a/b", Some(json!(1)));
        check("/a/0", Some(json!(2)));
        check("/l/0/x", Some(json!(3)));
        check("/l/1", Some(json!(null)));
        check("/n", Some(json!(null)));
        check("/a%2Fb", Some(json!(4)));
        check("///", Some(json!(5)));
        check("/l/2", None);
        check("/l/-", None);
        check("/l/-1", None);
        check("/l/00", None);
        check("/l/x", None);
        check("/l/99999999999999999999", None);
        check("/a/b/c", None);
        check("/n/a", None);
        check("/A", None);
    }

    #[test]
    fn setting_makes_what_is_missing_and_failing_changes_nothing() {
        let check = |before: Value, pointer: &str, expected: Result<Value, &str>| {
            let mut document = before.clone();
            let set = Pointer::parse(pointer).unwrap().set(&mut document, json!("v"));
            match expected {
                Ok(after) => assert_eq!((set, document), (Ok(()), after), "{before} {pointer}"),
                Err(text) => assert_eq!(
                    (set.unwrap_err().to_string(), &document),
                    (text.to_owned(), &before),
                    "{pointer}"
                ),
            }
        };
        check(json!({}), "/a", Ok(json!({"a": "v"})));
        check(json!({"a": 1}), "/a", Ok(json!({"a": "v"})));
        check(json!({"a": {"b": 1}}), "/a", Ok(json!({"a": "v"})));
        check(json!({}), "/a/b/c", Ok(json!({"a": {"b": {"c": "v"}}})));
        check(json!({"a": null}), "/a/b", Ok(json!({"a": {"b": "v"}})));
        check(json!(null), "/a", Ok(json!({"a": "v"})));
        check(json!({"a": 1}), "/", Ok(json!("v")));
        check(json!({"l": [1]}), "/l/-", Ok(json!({"l": [1, "v"]})));
        check(json!({"l": [1]}), "/l/0", Ok(json!({"l": ["v"]})));
        check(json!({"l": [1]}), "/l/1", Ok(json!({"l": [1, "v"]})));
        check(json!({"l": [{}]}), "/l/0/x", Ok(json!({"l": [{"x": "v"}]})));
        check(json!({"l": [1]}), "/l/-/x", Ok(json!({"l": [1, {"x": "v"}]})));
        check(json!({"o": {}}), "/o/-", Ok(json!({"o": {"-": "v"}})));
        check(json!({"o": {}}), "/o/0", Ok(json!({"o": {"0": "v"}})));
        check(json!({}), "/missing/-", Ok(json!({"missing": ["v"]})));
        check(json!({"l": [1]}), "/l/2", Err("List index out of range: 2"));
        check(json!({"l": [1]}), "/l/x", Err("List index out of range: -1"));
        check(json!({"l": [1]}), "/l/-1", Err("List index out of range: -1"));
        check(json!({}), "/missing/0", Err("/: Expecting a value"));
        check(json!({"n": null}), "/n/0", Err("/: Expecting a value"));
        check(json!({}), "/a/0/b", Err("/: Expecting a value"));
        check(json!({"a": 1}), "/a/b", Err("/a: Expecting a Map or List"));
        check(
            json!({"a": {"b": "x"}}),
            "/a/b/c/d",
            Err("/a/b: Expecting a Map or List"),
        );
        check(json!(1), "/a", Err("/: Expecting a Map or List"));
    }

    #[test]
    fn removing_keeps_the_order_of_the_others() {
        let check = |before: Value, pointer: &str, removed: Option<Value>, after: &str| {
            let mut document = before;
            assert_eq!(
                Pointer::parse(pointer).unwrap().remove(&mut document),
                removed,
                "{pointer}"
            );
            assert_eq!(document.to_string(), after, "{pointer}");
        };
        check(
            json!({"a": 1, "b": 2, "c": 3}),
            "/a",
            Some(json!(1)),
            r#"{"b":2,"c":3}"#,
        );
        check(json!({"a": {"b": 2}}), "/a/b", Some(json!(2)), r#"{"a":{}}"#);
        check(json!({"l": [1, 2, 3]}), "/l/1", Some(json!(2)), r#"{"l":[1,3]}"#);
        check(json!({"l": [1]}), "/l/1", None, r#"{"l":[1]}"#);
        check(json!({"l": [1]}), "/l/-", None, r#"{"l":[1]}"#);
        check(json!({"a": 1}), "/b", None, r#"{"a":1}"#);
        check(json!({"a": 1}), "/a/b", None, r#"{"a":1}"#);
        check(json!({"a": 1}), "/", Some(json!({"a": 1})), "null");
    }

    #[test]
    fn pointers_know_what_is_above_them() {
        let pointer = Pointer::parse("/a/b").unwrap();
        assert_eq!(pointer.last(), Some("b"));
        assert_eq!(pointer.parent(), Some(Pointer::parse("a").unwrap()));
        assert_eq!(Pointer::root().parent(), None);
        assert_eq!(Pointer::root().last(), None);
        assert_eq!(pointer.child("c/d").to_string(), "/a/b/c%2Fd");
        assert!(pointer.starts_with(&Pointer::root()));
        assert!(pointer.starts_with(&Pointer::parse("/a").unwrap()));
        assert!(pointer.starts_with(&pointer));
        assert!(!pointer.starts_with(&Pointer::parse("/a/b/c").unwrap()));
        assert!(
            !Pointer::parse("/ab")
                .unwrap()
                .starts_with(&Pointer::parse("/a").unwrap())
        );
    }

    #[test]
    fn a_pointer_is_a_text_in_json() {
        let pointer: Pointer = serde_json::from_str(r#""a/b""#).unwrap();
        assert_eq!(serde_json::to_string(&pointer).unwrap(), r#""/a/b""#);
        assert!(
            serde_json::from_str::<Pointer>(r#""%%%""#)
                .unwrap_err()
                .to_string()
                .contains("`%25`")
        );
    }

    proptest! {
        #[test]
        fn a_printed_pointer_reads_the_same(elements in prop::collection::vec(any::<String>(), 0..5)) {
            let pointer = Pointer::from_elements(elements);
            prop_assert_eq!(Pointer::parse(&pointer.to_string()).unwrap(), pointer);
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in "[a/%20\u{e9}]{0,12}") {
            if let Ok(pointer) = Pointer::parse(&text) {
                prop_assert_eq!(Pointer::parse(&pointer.to_string()).unwrap(), pointer);
            }
        }

        #[test]
        fn what_was_set_is_found(
            elements in prop::collection::vec(prop::sample::select(vec!["a", "b", "0", "1", "-"]), 0..4),
            before in crate::filter::strategy::document(),
        ) {
            let pointer = Pointer::from_elements(elements);
            let mut document = before.clone();
            match pointer.set(&mut document, json!("v")) {
                // `-` is another item once it is there.
                Ok(()) if pointer.elements().iter().all(|element| element.as_ref() != "-") => {
                    prop_assert_eq!(pointer.get(&document), Some(&json!("v")));
                }
                Ok(()) => prop_assert_ne!(document, before),
                Err(_) => prop_assert_eq!(document, before),
            }
        }
    }
}
