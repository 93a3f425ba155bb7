//! Secrets in documents: which members hold one, how they are shown, and how what was shown is taken back.
//!
//! A member is secret by its name when it holds a text; what was encrypted is secret wherever it stands. What is read is
//! [`masked`]; what is written back with the mask in it keeps what was there ([`restore`]).

use serde_json::Value;

/// What is shown in the place of a secret.
pub const MASK: &str = "********";

/// How names of secret members end, in lower case and without `-` and `_`.
const SECRET: [&str; 9] = [
    "password",
    "passwd",
    "passphrase",
    "secret",
    "credentials",
    "credential",
    "apikey",
    "privatekey",
    "token",
];

/// Whether a member of this name holds a secret, if it holds a text.
pub fn is_secret_name(name: &str) -> bool {
    let plain: String = name
        .chars()
        .filter(|c| !matches!(c, '-' | '_'))
        .map(|c| c.to_ascii_lowercase())
        .collect();
    SECRET.iter().any(|end| plain.ends_with(end))
}

/// Whether a value under this name is not shown. A text that is nothing but placeholders says where the secret is, not
/// what it is.
fn is_hidden(name: &str, value: &Value) -> bool {
    match value {
        Value::String(text) => is_secret_name(name) && !text.is_empty() && !is_placeholder(text),
        Value::Object(members) => members.contains_key("$crypto") || members.contains_key("$hash"),
        _ => false,
    }
}

fn is_placeholder(text: &str) -> bool {
    text.strip_prefix("&{")
        .and_then(|rest| rest.strip_suffix('}'))
        .is_some_and(|name| !name.contains('}'))
}

/// Puts the mask in the place of every secret.
pub fn mask(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for (name, inner) in members.iter_mut() {
                if is_hidden(name, inner) {
                    *inner = Value::String(MASK.to_owned());
                } else {
                    mask(inner);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(mask),
        _ => {}
    }
}

/// The value with the mask in the place of every secret.
pub fn masked(value: &Value) -> Value {
    let mut value = value.clone();
    mask(&mut value);
    value
}

/// Puts the secrets of `before` back where `value` has the mask. An item of an array is the one at the same position.
pub fn restore(value: &mut Value, before: &Value) {
    match (value, before) {
        (Value::Object(members), Value::Object(before)) => {
            for (name, inner) in members.iter_mut() {
                match before.get(name) {
                    Some(secret) if *inner == MASK && is_hidden(name, secret) => *inner = secret.clone(),
                    Some(before) => restore(inner, before),
                    None => {}
                }
            }
        }
        (Value::Array(items), Value::Array(before)) => {
            for (item, before) in items.iter_mut().zip(before) {
                restore(item, before);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_text_under_a_secret_name_is_masked() {
        let check = |value: Value, expected: Value| assert_eq!(masked(&value), expected, "{value}");
        check(json!({"password": "x"}), json!({"password": MASK}));
        check(
            json!({"a": [{"clientSecret": "x"}]}),
            json!({"a": [{"clientSecret": MASK}]}),
        );
        check(
            json!({"bind_password": "x", "api-key": "y"}),
            json!({"bind_password": MASK, "api-key": MASK}),
        );
        check(json!({"x": {"$crypto": {"value": "y"}}}), json!({"x": MASK}));
        let open = json!({
            "password": "&{ldap.password}",
            "credentials": "",
            "schema": {"properties": {"password": {"type": "string"}}},
            "passwordPolicy": "strict",
            "apiKey": null,
        });
        check(open.clone(), open);
        check(json!({"password": "&{a} and the rest"}), json!({"password": MASK}));
        check(json!({"password": "&{a}x}"}), json!({"password": MASK}));
    }

    #[test]
    fn what_was_shown_can_be_written_back() {
        let stored = json!({"a": {"password": "x"}, "list": [{"secret": "y", "n": 1}], "e": {"$crypto": 1}});
        let mut shown = masked(&stored);
        restore(&mut shown, &stored);
        assert_eq!(shown, stored);
        let mut changed = json!({"a": {"password": "new"}, "list": [{"secret": MASK, "n": 2}]});
        restore(&mut changed, &stored);
        assert_eq!(
            changed,
            json!({"a": {"password": "new"}, "list": [{"secret": "y", "n": 2}]})
        );
        // Where there was no secret, the mask is a text like any other.
        let mut fresh = json!({"b": {"password": MASK}, "a": MASK});
        restore(&mut fresh, &stored);
        assert_eq!(fresh, json!({"b": {"password": MASK}, "a": MASK}));
    }
}
