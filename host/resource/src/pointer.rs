//! A pointer to a value inside a JSON document: `/name/givenName`. Elements are percent-encoded (`%2F` is a slash in a
//! name); the `~0` and `~1` of RFC 6901 mean nothing here.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

#[cfg(test)]
mod tests;

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
