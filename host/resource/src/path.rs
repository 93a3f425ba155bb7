//! The path of a resource: percent-decoded elements below `/openidm`.

use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// Elements longer than this (bytes, decoded) are refused: they become store keys.
pub const MAX_ELEMENT: usize = 512;
/// More elements than this are refused.
pub const MAX_ELEMENTS: usize = 32;

const KEPT: AsciiSet = NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~')
    .remove(b'@')
    .remove(b'+')
    .remove(b':');

/// Percent-decoded path elements, in the spelling of the client. Routing compares without regard to case, ids keep theirs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ResourcePath(Vec<Box<str>>);

/// Why a text is not a resource path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// Two slashes in a row.
    #[error("the path `{0}` has an empty element")]
    Empty(String),
    /// The bytes after percent-decoding are not UTF-8.
    #[error("the path `{0}` does not decode to UTF-8")]
    Encoding(String),
    /// An element is longer than [`MAX_ELEMENT`].
    #[error("a path element is longer than {MAX_ELEMENT} bytes")]
    Long,
    /// More than [`MAX_ELEMENTS`] elements.
    #[error("the path has more than {MAX_ELEMENTS} elements")]
    Deep,
    /// An element holds a control character.
    #[error("the path holds a control character")]
    Control,
}

impl ResourcePath {
    /// Parses `a/b/c`, `/a/b/c` or `/a/b/c/`; `a//b` is refused.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        let trimmed = text.strip_prefix('/').unwrap_or(text);
        let trimmed = trimmed.strip_suffix('/').unwrap_or(trimmed);
        if trimmed.is_empty() {
            return Ok(Self::default());
        }
        let mut elements = Vec::new();
        for raw in trimmed.split('/') {
            if raw.is_empty() {
                return Err(PathError::Empty(text.to_owned()));
            }
            let element = percent_decode_str(raw)
                .decode_utf8()
                .map_err(|_| PathError::Encoding(text.to_owned()))?;
            if element.len() > MAX_ELEMENT {
                return Err(PathError::Long);
            }
            if element.chars().any(char::is_control) {
                return Err(PathError::Control);
            }
            elements.push(element.into());
        }
        if elements.len() > MAX_ELEMENTS {
            return Err(PathError::Deep);
        }
        Ok(Self(elements))
    }

    /// A path from elements that are already decoded.
    pub fn from_elements<S: Into<Box<str>>>(elements: impl IntoIterator<Item = S>) -> Self {
        Self(elements.into_iter().map(Into::into).collect())
    }

    /// The elements in order.
    pub fn elements(&self) -> impl ExactSizeIterator<Item = &str> + DoubleEndedIterator + Clone {
        self.0.iter().map(AsRef::as_ref)
    }

    /// How many elements there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether this is the root.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The element at a position.
    pub fn element(&self, position: usize) -> Option<&str> {
        self.0.get(position).map(AsRef::as_ref)
    }

    /// The last element.
    pub fn last(&self) -> Option<&str> {
        self.0.last().map(AsRef::as_ref)
    }

    /// The path without its last element.
    pub fn parent(&self) -> Self {
        Self(self.0[..self.0.len().saturating_sub(1)].to_vec())
    }

    /// The path with one more element.
    #[must_use]
    pub fn child(&self, element: &str) -> Self {
        let mut elements = self.0.clone();
        elements.push(element.into());
        Self(elements)
    }

    /// What is left after the first `count` elements.
    #[must_use]
    pub fn tail(&self, count: usize) -> Self {
        Self(self.0[count.min(self.0.len())..].to_vec())
    }

    /// Whether the first elements are those of `prefix`, without regard to ASCII case.
    pub fn starts_with(&self, prefix: &Self) -> bool {
        self.len() >= prefix.len()
            && self
                .elements()
                .zip(prefix.elements())
                .all(|(a, b)| a.eq_ignore_ascii_case(b))
    }
}

impl fmt::Display for ResourcePath {
    /// Percent-encoded, without a leading slash.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, element) in self.elements().enumerate() {
            if position > 0 {
                f.write_str("/")?;
            }
            utf8_percent_encode(element, &KEPT).fmt(f)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slashes_at_the_ends_do_not_matter_and_ids_keep_what_they_hold() {
        let check = |text: &str, expected: &[&str]| {
            let path = ResourcePath::parse(text).unwrap();
            assert_eq!(path.elements().collect::<Vec<_>>(), expected, "{text}");
            assert_eq!(ResourcePath::parse(&path.to_string()).unwrap(), path, "{text}");
        };
        check("", &[]);
        check("/", &[]);
        check("a/b", &["a", "b"]);
        check("/a/b/", &["a", "b"]);
        check("system/ldap/uid%3Djoe%2Cdc%3Dx", &["system", "ldap", "uid=joe,dc=x"]);
        check("a/b%2Fc", &["a", "b/c"]);
        check("a/x+y", &["a", "x+y"]);
        check("a/%C3%A9", &["a", "é"]);
    }

    #[test]
    fn elements_are_routed_without_regard_to_case() {
        let path = ResourcePath::parse("Scheduler/JOB/MyJob").unwrap();
        assert!(path.starts_with(&ResourcePath::parse("scheduler/job").unwrap()));
        assert!(!path.starts_with(&ResourcePath::parse("scheduler/jobs").unwrap()));
        assert_eq!(path.tail(2), ResourcePath::parse("MyJob").unwrap());
    }

    #[test]
    fn what_is_no_path_is_refused() {
        assert!(matches!(ResourcePath::parse("a//b"), Err(PathError::Empty(_))));
        assert!(matches!(ResourcePath::parse("a/%FF"), Err(PathError::Encoding(_))));
        assert_eq!(ResourcePath::parse("a/%00"), Err(PathError::Control));
        assert_eq!(ResourcePath::parse(&"x".repeat(MAX_ELEMENT + 1)), Err(PathError::Long));
        assert_eq!(
            ResourcePath::parse(&"x/".repeat(MAX_ELEMENTS + 1)),
            Err(PathError::Deep)
        );
    }
}
