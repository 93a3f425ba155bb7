//! What makes two failures the same: the kind, the message without what differs from object to object, and the code.

/// The fingerprint of a failure: 16 hexadecimal digits.
pub(crate) fn fingerprint(kind: &str, message: &str, object: &str, script: &str) -> String {
    let mut hasher = blake3::Hasher::new();
    for part in [kind, &normal(message, object), script] {
        hasher.update(&(part.len() as u64).to_be_bytes());
        hasher.update(part.as_bytes());
    }
    hasher.finalize().to_hex()[..16].to_owned()
}

/// A message with the object's id, quoted texts, and words that hold digits (numbers, ids, instants) replaced.
fn normal(message: &str, object: &str) -> String {
    let message = if object.is_empty() {
        message.to_owned()
    } else {
        message.replace(object, "#")
    };
    let mut normal = String::with_capacity(message.len());
    let mut rest = message.as_str();
    while let Some(first) = rest.chars().next() {
        let taken = quoted(rest).or_else(|| word(rest));
        match taken {
            Some(length) => {
                let piece = &rest[..length];
                let is_kept = piece.starts_with(char::is_alphabetic) && !piece.contains(|c: char| c.is_ascii_digit());
                normal.push_str(if is_kept { piece } else { "#" });
                rest = &rest[length..];
            }
            None => {
                normal.push(first);
                rest = &rest[first.len_utf8()..];
            }
        }
    }
    normal
}

/// The length of the quoted text that begins here. An apostrophe within a word begins none: words are taken whole.
fn quoted(text: &str) -> Option<usize> {
    let quote = text.chars().next().filter(|c| matches!(c, '"' | '\'' | '`'))?;
    text[1..].find(quote).map(|end| end + 2)
}

/// The length of the word that begins here.
fn word(text: &str) -> Option<usize> {
    let is_inside = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '\'');
    if !text.starts_with(char::is_alphanumeric) {
        return None;
    }
    Some(text.find(|c| !is_inside(c)).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_from_object_to_object_does_not_count() {
        let check = |one: &str, other: &str, is_same: bool| {
            let of = |message: &str| fingerprint("problem", message, "joe", "script");
            assert_eq!(of(one) == of(other), is_same, "{one} {other}: {}", normal(one, "joe"));
        };
        check("user 12 is too old", "user 13 is too old", true);
        check("no mail for 'a b'", "no mail for 'c'", true);
        check("no mail for \"a\"", "no mail for \"b 1\"", true);
        check("read of 9f2564c8-193c-4871-8869-6080f374b1bd", "read of a2", true);
        check("at 2026-06-01T12:00:00.000Z", "at 2027-06-02T13:14:15.161Z", true);
        check("managed/user/joe is gone", "managed/user/7 is gone", true);
        check("it doesn't work", "it doesn't fit", false);
        check("", "x", false);
        check(
            "used up its 5 units of fuel",
            "asked for more than 5 bytes of memory",
            false,
        );
        check("an open 'quote", "an open 'word", false);
    }

    #[test]
    fn kind_and_code_count() {
        let one = fingerprint("problem", "no", "joe", "a");
        assert_eq!(one.len(), 16);
        assert_ne!(one, fingerprint("trap", "no", "joe", "a"));
        assert_ne!(one, fingerprint("problem", "no", "joe", "b"));
        assert_eq!(one, fingerprint("problem", "no", "jim", "a"));
    }
}
