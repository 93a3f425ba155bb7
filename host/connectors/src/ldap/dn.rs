//! Distinguished names, as far as a connector looks into them (RFC 4514).

/// The first part of a name and the name of what is above it.
pub(super) fn split(dn: &str) -> (&str, &str) {
    match unescaped(dn, ',') {
        Some(at) => (dn[..at].trim(), dn[at + 1..].trim()),
        None => (dn.trim(), ""),
    }
}

/// Attributes and values of a name's first part.
pub(super) fn values(rdn: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = rdn;
    loop {
        let (part, next) = match unescaped(rest, '+') {
            Some(at) => (&rest[..at], Some(&rest[at + 1..])),
            None => (rest, None),
        };
        if let Some((attribute, value)) = part.split_once('=')
            && let Some(value) = unescape(value)
        {
            found.push((attribute.trim().to_owned(), value));
        }
        match next {
            Some(next) => rest = next,
            None => return found,
        }
    }
}

/// Whether two names differ in more than capitals and spaces around their parts.
pub(super) fn differ(one: &str, other: &str) -> bool {
    let (mut one, mut other) = (one, other);
    while !(one.is_empty() && other.is_empty()) {
        let ((first, above), (other_first, other_above)) = (split(one), split(other));
        if first.to_lowercase() != other_first.to_lowercase() {
            return true;
        }
        (one, other) = (above, other_above);
    }
    false
}

fn unescaped(text: &str, wanted: char) -> Option<usize> {
    let mut is_escaped = false;
    text.char_indices().find_map(|(at, c)| {
        let found = c == wanted && !is_escaped;
        is_escaped = c == '\\' && !is_escaped;
        found.then_some(at)
    })
}

/// None where the bytes are no text.
fn unescape(value: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = value.trim_start().as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let pair = after.get(..2).and_then(|pair| std::str::from_utf8(pair).ok());
        let hex = pair.and_then(|pair| u8::from_str_radix(pair, 16).ok());
        match (byte, hex) {
            (b'\\', Some(hex)) => {
                bytes.push(hex);
                rest = &after[2..];
            }
            (b'\\', None) => {
                bytes.extend(after.first());
                rest = after.get(1..).unwrap_or_default();
            }
            _ => {
                bytes.push(byte);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_taken_apart() {
        assert_eq!(split("cn=a\\, b,dc=x,dc=y"), ("cn=a\\, b", "dc=x,dc=y"));
        assert_eq!(split("cn=a"), ("cn=a", ""));
        let check = |rdn: &str, expected: &[(&str, &str)]| {
            let found = values(rdn);
            let found: Vec<(&str, &str)> = found
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str()))
                .collect();
            assert_eq!(found, expected, "{rdn}");
        };
        check("cn=a\\, b+uid=j\\2be", &[("cn", "a, b"), ("uid", "j+e")]);
        check("cn = x", &[("cn", "x")]);
        check("cn=\\c3\\a9", &[("cn", "é")]);
        check("cn=\\", &[("cn", "")]);
        check("nothing", &[]);
    }

    #[test]
    fn capitals_and_spaces_make_no_other_name() {
        assert!(!differ("CN=Joe, dc=x", "cn=joe,dc=X"));
        assert!(differ("cn=joe,dc=x", "cn=joe,dc=y"));
        assert!(differ("cn=joe,dc=x", "cn=joe"));
    }
}
