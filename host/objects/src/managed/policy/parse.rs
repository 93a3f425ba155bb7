//! Reading a policy: `{"policyId": "minimum-length", "params": {"minLength": 8}}`.

use host_model::Invalid;
use host_model::members::Members;
use host_resource::Pointer;
use serde_json::{Map, Value};

use super::Policy;
use super::pattern::Pattern;

/// The policies by name.
const IDS: [&str; 17] = [
    "required",
    "not-empty",
    "unique",
    "regexpMatches",
    "valid-date",
    "valid-email-address-format",
    "valid-name-format",
    "valid-phone-format",
    "at-least-X-capitals",
    "at-least-X-numbers",
    "minimum-length",
    "maximum-length",
    "minimum-number-value",
    "maximum-number-value",
    "cannot-contain-others",
    "cannot-contain-characters",
    "cannot-contain-duplicates",
];

impl Policy {
    /// Reads the policy that stands at a place of the configuration.
    pub(in super::super) fn parse(value: &Value, place: Pointer) -> Result<Self, Invalid> {
        let members = Members::of(value, place)?;
        members.only(&["policyId", "params"])?;
        let id = members.require_text("policyId", "the name of a policy")?;
        let none = Value::Object(Map::new());
        let params = Members::of(members.get("params").unwrap_or(&none), members.at("params"))?;
        let (policy, known): (Self, &[&str]) = match id {
            "required" => (Self::Required, &[]),
            "not-empty" => (Self::NotEmpty, &[]),
            "unique" => (Self::Unique, &[]),
            "valid-date" => (Self::Date, &[]),
            "valid-email-address-format" => (Self::Email, &[]),
            "valid-name-format" => (Self::Name, &[]),
            "valid-phone-format" => (Self::Phone, &[]),
            "cannot-contain-duplicates" => (Self::NoDuplicates, &[]),
            "at-least-X-capitals" => (Self::Capitals(count(&params, "numCaps")?), &["numCaps"]),
            "at-least-X-numbers" => (Self::Digits(count(&params, "numNums")?), &["numNums"]),
            "minimum-length" => (Self::MinimumLength(count(&params, "minLength")?), &["minLength"]),
            "maximum-length" => (Self::MaximumLength(count(&params, "maxLength")?), &["maxLength"]),
            "minimum-number-value" => (Self::Minimum(number(&params, "minimum")?), &["minimum"]),
            "maximum-number-value" => (Self::Maximum(number(&params, "maximum")?), &["maximum"]),
            "cannot-contain-others" => {
                let fields = texts(&params, "disallowedFields")?;
                (Self::NoOthers(fields), &["disallowedFields"])
            }
            "cannot-contain-characters" => {
                let characters = texts(&params, "forbiddenChars")?;
                (Self::NoCharacters(characters), &["forbiddenChars"])
            }
            "regexpMatches" => {
                let source = params.require_text("regexp", "a regular expression")?;
                let flags = params.text("flags")?.unwrap_or_default();
                let pattern = Pattern::new(source, flags, params.at("regexp"), params.at("flags"))?;
                (Self::Matches(pattern), &["regexp", "flags"])
            }
            "valid-type" => {
                let message = "the policy valid-type follows from the 'type' of the property: write the types there";
                return Err(members.invalid("policyId", message));
            }
            _ => {
                let message = format!("there is no policy '{id}'; there are {}", IDS.join(", "));
                return Err(members.invalid("policyId", message));
            }
        };
        params.only(known)?;
        Ok(policy)
    }

    /// The policy that a `pattern` stands for.
    pub(in super::super) fn matching(source: &str, flags: &str, place: Pointer) -> Result<Self, Invalid> {
        Pattern::new(source, flags, place.clone(), place).map(Self::Matches)
    }
}

fn count(params: &Members<'_>, name: &str) -> Result<u32, Invalid> {
    let count = params.integer(name, 0..=i64::from(u32::MAX), "how many")?;
    let count = count.ok_or_else(|| params.invalid(name, format!("'{name}' is required: how many")))?;
    Ok(u32::try_from(count).unwrap_or(u32::MAX))
}

fn number(params: &Members<'_>, name: &str) -> Result<serde_json::Number, Invalid> {
    match params.get(name) {
        Some(Value::Number(number)) => Ok(number.clone()),
        _ => Err(params.invalid(name, format!("'{name}' is required: a number"))),
    }
}

/// A list of texts, or one text with commas.
fn texts(params: &Members<'_>, name: &str) -> Result<Vec<String>, Invalid> {
    let wrong = || params.invalid(name, format!("'{name}' is required: a list of texts"));
    match params.get(name) {
        Some(Value::String(text)) => Ok(text.split(',').map(|part| part.trim().to_owned()).collect()),
        Some(Value::Array(items)) => items
            .iter()
            .map(|item| {
                item.as_str()
                    .filter(|text| !text.is_empty())
                    .map(str::to_owned)
                    .ok_or_else(wrong)
            })
            .collect(),
        _ => Err(wrong()),
    }
}
