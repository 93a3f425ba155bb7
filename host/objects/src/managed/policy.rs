//! Policies: what the value of a property has to be like (behaviour 8.1). A policy that is broken says which requirement
//! it is about, in the words of the platform.

use host_resource::pointer::Pointer;
use serde_json::{Map, Number, Value, json};

mod failed;
mod parse;
mod pattern;

pub(super) use failed::{Failed, Requirement, refusal, verdict};
use pattern::Pattern;

/// What a value has to be like.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Policy {
    /// There is a value, and it is not null.
    Required,
    /// If there is a value, it has characters or items.
    NotEmpty,
    /// No two objects have the same value. Judged by the store when the object is written.
    Unique,
    /// A text matches.
    Matches(Pattern),
    /// An ISO 8601 date, or date and time.
    Date,
    /// An address for e-mails.
    Email,
    /// A name of a person.
    Name,
    /// A telephone number.
    Phone,
    /// A text has so many capital letters.
    Capitals(u32),
    /// A text has so many digits.
    Digits(u32),
    /// A text or list is not shorter.
    MinimumLength(u32),
    /// A text or list is not longer.
    MaximumLength(u32),
    /// A number is not less.
    Minimum(Number),
    /// A number is not greater.
    Maximum(Number),
    /// The value is one of these.
    OneOf(Vec<Value>),
    /// A text does not contain the text of these other properties.
    NoOthers(Vec<String>),
    /// A text has none of these characters.
    NoCharacters(Vec<String>),
    /// No item of a list is there twice.
    NoDuplicates,
}

impl Policy {
    /// What is broken by the value of a property in an object. Nothing but `required` minds a value that is absent.
    pub(super) fn judge(&self, value: Option<&Value>, object: &Value) -> Option<Requirement> {
        let value = value.filter(|value| !value.is_null());
        let Some(value) = value else {
            return (*self == Self::Required).then(|| self.requirement(json!({})));
        };
        let text = value.as_str();
        let is_broken = |is_broken: bool| is_broken.then(|| self.requirement(self.parameters()));
        match self {
            Self::Required | Self::Unique => None,
            Self::NotEmpty => is_broken(length(value) == Some(0)),
            Self::Matches(pattern) => is_broken(text.is_some_and(|text| !pattern.is_match(text))),
            Self::Date => is_broken(!text.is_some_and(is_date)),
            Self::Email => is_broken(!text.is_some_and(is_email)),
            Self::Name => is_broken(!text.is_some_and(is_name)),
            Self::Phone => is_broken(!text.is_some_and(is_phone)),
            Self::Capitals(least) => is_broken(text.is_some_and(|text| count(text, char::is_uppercase) < *least)),
            Self::Digits(least) => is_broken(text.is_some_and(|text| count(text, |c| c.is_ascii_digit()) < *least)),
            Self::MinimumLength(least) => is_broken(length(value).is_some_and(|length| length < *least as usize)),
            Self::MaximumLength(most) => is_broken(length(value).is_some_and(|length| length > *most as usize)),
            Self::Minimum(least) => is_broken(is_less(value, &Value::Number(least.clone()))),
            Self::Maximum(most) => is_broken(is_less(&Value::Number(most.clone()), value)),
            Self::OneOf(values) => is_broken(!values.contains(value)),
            Self::NoOthers(fields) => {
                let text = text?.to_lowercase();
                let contained: Vec<&String> = fields
                    .iter()
                    .filter(|field| {
                        let other = Pointer::parse(field).ok().and_then(|field| field.get(object)?.as_str());
                        other.is_some_and(|other| !other.is_empty() && text.contains(&other.to_lowercase()))
                    })
                    .collect();
                (!contained.is_empty()).then(|| self.requirement(json!({"disallowedFields": contained})))
            }
            Self::NoCharacters(characters) => {
                let text = text?;
                let contained: Vec<&String> = characters.iter().filter(|one| text.contains(one.as_str())).collect();
                (!contained.is_empty()).then(|| self.requirement(json!({"forbiddenChars": contained})))
            }
            Self::NoDuplicates => {
                let duplicate = first_duplicate(value.as_array()?)?;
                Some(self.requirement(json!({"duplicateValue": duplicate})))
            }
        }
    }

    /// The policy's name and the name of its requirement.
    pub(super) fn names(&self) -> (&'static str, &'static str) {
        match self {
            Self::Required => ("required", "REQUIRED"),
            Self::NotEmpty => ("not-empty", "REQUIRED"),
            Self::Unique => ("unique", "UNIQUE"),
            Self::Matches(_) => ("regexpMatches", "MATCH_REGEXP"),
            Self::Date => ("valid-date", "VALID_DATE"),
            Self::Email => ("valid-email-address-format", "VALID_EMAIL_ADDRESS_FORMAT"),
            Self::Name => ("valid-name-format", "VALID_NAME_FORMAT"),
            Self::Phone => ("valid-phone-format", "VALID_PHONE_FORMAT"),
            Self::Capitals(_) => ("at-least-X-capitals", "AT_LEAST_X_CAPITAL_LETTERS"),
            Self::Digits(_) => ("at-least-X-numbers", "AT_LEAST_X_NUMBERS"),
            Self::MinimumLength(_) => ("minimum-length", "MIN_LENGTH"),
            Self::MaximumLength(_) => ("maximum-length", "MAX_LENGTH"),
            Self::Minimum(_) => ("minimum-number-value", "MIN_NUMBER_VALUE"),
            Self::Maximum(_) => ("maximum-number-value", "MAX_NUMBER_VALUE"),
            Self::OneOf(_) => ("valid-enum-value", "VALID_ENUM_VALUE"),
            Self::NoOthers(_) => ("cannot-contain-others", "CANNOT_CONTAIN_OTHERS"),
            Self::NoCharacters(_) => ("cannot-contain-characters", "CANNOT_CONTAIN_CHARACTERS"),
            Self::NoDuplicates => ("cannot-contain-duplicates", "CANNOT_CONTAIN_DUPLICATES"),
        }
    }

    /// The parameters, as they are shown.
    pub(super) fn parameters(&self) -> Value {
        match self {
            Self::Required
            | Self::NotEmpty
            | Self::Unique
            | Self::Date
            | Self::Email
            | Self::Name
            | Self::Phone
            | Self::NoDuplicates => Value::Object(Map::new()),
            Self::Matches(pattern) => json!({"regexp": pattern.source(), "flags": pattern.flags()}),
            Self::Capitals(least) => json!({"numCaps": least}),
            Self::Digits(least) => json!({"numNums": least}),
            Self::MinimumLength(least) => json!({"minLength": least}),
            Self::MaximumLength(most) => json!({"maxLength": most}),
            Self::Minimum(least) => json!({"minimum": least}),
            Self::Maximum(most) => json!({"maximum": most}),
            Self::OneOf(values) => json!({"values": values}),
            Self::NoOthers(fields) => json!({"disallowedFields": fields}),
            Self::NoCharacters(characters) => json!({"forbiddenChars": characters}),
        }
    }

    fn requirement(&self, parameters: Value) -> Requirement {
        Requirement {
            name: self.names().1,
            parameters: Some(parameters).filter(|parameters| *parameters != json!({})),
        }
    }
}

/// The characters of a text, the items of a list.
fn length(value: &Value) -> Option<usize> {
    match value {
        Value::String(text) => Some(text.chars().count()),
        Value::Array(items) => Some(items.len()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => None,
    }
}

fn count(text: &str, is_one: impl Fn(char) -> bool) -> u32 {
    u32::try_from(text.chars().filter(|letter| is_one(*letter)).count()).unwrap_or(u32::MAX)
}

fn is_less(left: &Value, right: &Value) -> bool {
    let whole = |value: &Value| value.as_i64().map(i128::from).or(value.as_u64().map(i128::from));
    match (whole(left), whole(right)) {
        (Some(left), Some(right)) => left < right,
        _ => matches!((left.as_f64(), right.as_f64()), (Some(left), Some(right)) if left < right),
    }
}

/// The first item that is there twice. Texts are looked up in a set, so that a long list costs no square.
fn first_duplicate(items: &[Value]) -> Option<&Value> {
    let mut seen = std::collections::HashSet::with_capacity(items.len());
    items.iter().find(|item| !seen.insert(item.to_string()))
}

fn is_date(text: &str) -> bool {
    let is_day = |text: &str| {
        let mut parts = text.splitn(3, '-');
        let mut number = |digits: usize| {
            let part = parts.next().filter(|part| part.len() == digits)?;
            part.bytes()
                .all(|byte| byte.is_ascii_digit())
                .then(|| part.parse::<u32>().ok())?
        };
        match (number(4), number(2), number(2)) {
            (Some(year), Some(month @ 1..=12), Some(day @ 1..=31)) => {
                let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
                day <= match month {
                    2 if is_leap => 29,
                    2 => 28,
                    4 | 6 | 9 | 11 => 30,
                    _ => 31,
                }
            }
            _ => false,
        }
    };
    is_day(text) || host_model::clock::parse_wire_time(text).is_some()
}

fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else {
        return false;
    };
    let is_local = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+/=?^_`{|}~.-".contains(&byte);
    let is_label =
        |label: &str| !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    !local.is_empty() && local.bytes().all(is_local) && domain.split('.').all(is_label)
}

fn is_name(text: &str) -> bool {
    text.chars()
        .all(|letter| letter.is_alphabetic() || " '’`´.,-‐·".contains(letter) || is_combining(letter))
}

/// Marks that stand above or below the letter before them.
fn is_combining(letter: char) -> bool {
    matches!(letter, '\u{300}'..='\u{36f}' | '\u{900}'..='\u{dff}' | '\u{e31}'..='\u{e4e}')
}

fn is_phone(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or(text);
    digits
        .chars()
        .all(|letter| letter.is_ascii_digit() || "- ()".contains(letter))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(id: &str, params: Value) -> Policy {
        Policy::parse(&json!({"policyId": id, "params": params}), Pointer::root()).unwrap()
    }

    /// What a policy says of a value: nothing, or its requirement.
    fn judged(id: &str, params: Value, value: &Value) -> Value {
        let object = json!({"x": value, "userName": "Babs", "n": 7, "empty": ""});
        let requirement = policy(id, params).judge(Some(value), &object);
        requirement.map_or(Value::Null, |requirement| requirement.to_json())
    }

    #[test]
    fn each_policy_knows_right_from_wrong() {
        let check = |id: &str, params: Value, right: Vec<Value>, wrong: Vec<Value>, name: &str| {
            for value in right {
                assert_eq!(judged(id, params.clone(), &value), Value::Null, "{id} {value}");
            }
            for value in wrong {
                let judged = judged(id, params.clone(), &value);
                assert_eq!(judged["policyRequirement"], name, "{id} {value}");
            }
        };
        check(
            "required",
            json!({}),
            vec![json!(""), json!(0), json!(false)],
            vec![json!(null)],
            "REQUIRED",
        );
        check(
            "not-empty",
            json!({}),
            vec![json!(" "), json!([1]), json!({}), json!(null)],
            vec![json!(""), json!([])],
            "REQUIRED",
        );
        check(
            "regexpMatches",
            json!({"regexp": "^[a-z]+$", "flags": "i"}),
            vec![json!("abC"), json!(7)],
            vec![json!("a1"), json!("")],
            "MATCH_REGEXP",
        );
        check(
            "valid-date",
            json!({}),
            vec![
                json!("2024-02-29"),
                json!("2025-01-31T10:00:00Z"),
                json!("2025-01-31T10:00:00.5+02:00"),
            ],
            vec![
                json!("2025-02-29"),
                json!("2025-13-01"),
                json!("01-02-2025"),
                json!("soon"),
                json!(1),
                json!("2025-1-1"),
            ],
            "VALID_DATE",
        );
        check(
            "valid-email-address-format",
            json!({}),
            vec![json!("a.b+c@example.com"), json!("x@localhost")],
            vec![
                json!("a"),
                json!("@b.c"),
                json!("a@"),
                json!("a@b..c"),
                json!("a b@c.d"),
                json!(5),
            ],
            "VALID_EMAIL_ADDRESS_FORMAT",
        );
        check(
            "valid-name-format",
            json!({}),
            vec![json!("Jean-Luc d'Été"), json!("Łukasz"), json!("山田")],
            vec![json!("a1"), json!("a<b"), json!(1)],
            "VALID_NAME_FORMAT",
        );
        check(
            "valid-phone-format",
            json!({}),
            vec![json!("+49 (30) 123-45"), json!("")],
            vec![json!("12a"), json!("1+2")],
            "VALID_PHONE_FORMAT",
        );
        check(
            "at-least-X-capitals",
            json!({"numCaps": 2}),
            vec![json!("aBÉ")],
            vec![json!("aB"), json!("")],
            "AT_LEAST_X_CAPITAL_LETTERS",
        );
        check(
            "at-least-X-numbers",
            json!({"numNums": 1}),
            vec![json!("a1")],
            vec![json!("a")],
            "AT_LEAST_X_NUMBERS",
        );
        check(
            "minimum-length",
            json!({"minLength": 2}),
            vec![json!("éé"), json!([1, 2])],
            vec![json!("é"), json!([1])],
            "MIN_LENGTH",
        );
        check(
            "maximum-length",
            json!({"maxLength": 2}),
            vec![json!("éé")],
            vec![json!("abc")],
            "MAX_LENGTH",
        );
        check(
            "cannot-contain-others",
            json!({"disallowedFields": "userName,empty,n"}),
            vec![json!("other"), json!(7)],
            vec![json!("xxBABSxx")],
            "CANNOT_CONTAIN_OTHERS",
        );
        check(
            "cannot-contain-characters",
            json!({"forbiddenChars": ["/", ";"]}),
            vec![json!("ab")],
            vec![json!("a/b")],
            "CANNOT_CONTAIN_CHARACTERS",
        );
        check(
            "cannot-contain-duplicates",
            json!({}),
            vec![json!(["a", "A", 1, "1"]), json!("aa")],
            vec![json!(["a", "b", "a"])],
            "CANNOT_CONTAIN_DUPLICATES",
        );
        check(
            "minimum-number-value",
            json!({"minimum": 2}),
            vec![json!(2), json!(2.5), json!("1")],
            vec![json!(1), json!(-1.5)],
            "MIN_NUMBER_VALUE",
        );
        check(
            "maximum-number-value",
            json!({"maximum": 2}),
            vec![json!(2)],
            vec![json!(2.5), json!(u64::MAX)],
            "MAX_NUMBER_VALUE",
        );
    }

    #[test]
    fn a_requirement_says_what_was_asked_and_what_was_found() {
        let check = |id: &str, params: Value, value: Value, expected: Value| {
            assert_eq!(judged(id, params, &value), expected, "{id} {value}");
        };
        check(
            "required",
            json!({}),
            json!(null),
            json!({"policyRequirement": "REQUIRED"}),
        );
        check(
            "minimum-length",
            json!({"minLength": 8}),
            json!("a"),
            json!({"policyRequirement": "MIN_LENGTH", "params": {"minLength": 8}}),
        );
        check(
            "cannot-contain-others",
            json!({"disallowedFields": ["mail", "userName"]}),
            json!("babs1"),
            json!({"policyRequirement": "CANNOT_CONTAIN_OTHERS", "params": {"disallowedFields": ["userName"]}}),
        );
        check(
            "cannot-contain-duplicates",
            json!({}),
            json!([1, 2, 1]),
            json!({"policyRequirement": "CANNOT_CONTAIN_DUPLICATES", "params": {"duplicateValue": 1}}),
        );
    }

    #[test]
    fn what_is_no_policy_is_refused_with_its_place() {
        let check = |value: Value, expected: &str| {
            let refused = Policy::parse(&value, Pointer::root().child("policies"))
                .unwrap_err()
                .to_string();
            assert!(refused.starts_with(expected), "{value}: {refused}");
        };
        check(json!("unique"), "/policies: an object is expected");
        check(json!({}), "/policies/policyId: 'policyId' is required");
        check(
            json!({"policyId": "uniqe"}),
            "/policies/policyId: there is no policy 'uniqe'; there are required",
        );
        check(
            json!({"policyId": "minimum-length"}),
            "/policies/params/minLength: 'minLength' is required",
        );
        check(
            json!({"policyId": "minimum-length", "params": {"minLength": "8"}}),
            "/policies/params/minLength: a whole number",
        );
        check(
            json!({"policyId": "minimum-length", "params": {"minLength": 8, "x": 1}}),
            "/policies/params/x: unknown property",
        );
        check(
            json!({"policyId": "regexpMatches", "params": {"regexp": "(a+)\\1"}}),
            "/policies/params/regexp: the pattern cannot be used",
        );
        check(
            json!({"policyId": "regexpMatches", "params": {"regexp": "((a{1000}){1000}){1000}"}}),
            "/policies/params/regexp: the pattern cannot be used",
        );
        check(
            json!({"policyId": "regexpMatches", "params": {"regexp": "a", "flags": "y"}}),
            "/policies/params/flags: ",
        );
    }
}
