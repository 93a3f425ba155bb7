//! JSON text of which only the beginning is left, made whole: what is incomplete at its end goes, and what is open is closed.

/// The longest JSON text that a beginning allows; none where there is not even an open bracket.
pub(super) fn repair(text: &str) -> Option<String> {
    let mut closers = Vec::new();
    let (mut in_string, mut is_escaped) = (false, false);
    // Where everything is complete but for brackets, and how many of those are open there.
    let mut whole: Option<(usize, usize)> = None;
    for (at, byte) in text.bytes().enumerate() {
        if in_string {
            match byte {
                _ if is_escaped => is_escaped = false,
                b'\\' => is_escaped = true,
                b'"' => in_string = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'{' | b'[' => {
                closers.push(if byte == b'{' { '}' } else { ']' });
                whole = Some((at + 1, closers.len()));
            }
            b'}' | b']' => {
                closers.pop()?;
                whole = Some((at + 1, closers.len()));
            }
            b',' => whole = Some((at, closers.len())),
            _ => {}
        }
    }
    let (end, open) = whole?;
    let mut repaired = text[..end].to_owned();
    repaired.extend(closers[..open].iter().rev());
    Some(repaired)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn every_beginning_becomes_json_and_says_nothing_new() {
        let whole = r#"{"a":[1,{"b":"x, } \" y"},[]],"password":"se\\cret","c":{"$crypto":{"v":"z"}},"d":-1.5e3}"#;
        for end in 1..whole.len() {
            let repaired = repair(&whole[..end]).unwrap();
            let value: Value = serde_json::from_str(&repaired).unwrap_or_else(|error| panic!("{repaired}: {error}"));
            assert!(value.is_object());
            // What is half there is not there.
            assert!(value.get("password").is_none_or(|value| value == "se\\cret"), "{value}");
        }
        assert_eq!(repair(r#"[1,2,{"a":tr"#), Some("[1,2,{}]".to_owned()));
        for hopeless in ["", "12", "\"text", "tru", "]"] {
            assert_eq!(repair(hopeless), None, "{hopeless}");
        }
        assert_eq!(
            serde_json::from_str::<Value>(&repair("{\"a\":1,\"b").unwrap()).unwrap(),
            json!({"a": 1})
        );
    }
}
