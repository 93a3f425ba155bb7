//! A transcript as it is kept and shown: JSON, without secrets.

use host_model::secrets::{MASK, is_secret_name, mask};
use host_resource::Pointer;
use serde_json::{Map, Value, json};

use super::repair::repair;
use super::{Answer, Argument, HostCall, Text, Transcript};

/// The value of a JSON text with the mask in the place of its secrets, and whether only the beginning of the text, so many
/// bytes, is shown. Text that is no JSON is not shown: nobody can say where its secrets are.
pub fn masked(text: &str, limit: usize) -> (Value, bool) {
    let kept = &text[..text.floor_char_boundary(limit)];
    let is_cut = kept.len() < text.len();
    (value(kept, is_cut), is_cut)
}

impl Transcript {
    /// The calls, without their secrets.
    pub fn to_json(&self) -> Value {
        Value::Array(self.calls.iter().map(HostCall::to_json).collect())
    }
}

impl HostCall {
    pub(super) fn to_json(&self) -> Value {
        let mut cut = Vec::new();
        if self.path.is_cut {
            cut.push("path");
        }
        let mut arguments = Map::new();
        for (name, argument) in &self.arguments {
            if argument.is_cut() {
                cut.push(name);
            }
            arguments.insert((*name).to_owned(), argument.to_json());
        }
        let mut arguments = Value::Object(arguments);
        mask(&mut arguments);
        if let Some(operations) = arguments.get_mut("operations") {
            mask_operations(operations);
        }
        let mut call = json!({"verb": self.verb, "path": &*self.path.text, "arguments": arguments});
        if let Some(answer) = &self.answer {
            if answer.is_cut() {
                cut.push("answer");
            }
            call["answer"] = answer.to_json(self.verb == "property" && is_secret_name(&self.path.text));
        }
        if self.is_refused {
            call["refused"] = true.into();
        }
        if self.fuel > 0 {
            call["fuel"] = self.fuel.into();
        }
        if !cut.is_empty() {
            call["cut"] = json!(cut);
        }
        call
    }
}

impl Argument {
    fn is_cut(&self) -> bool {
        match self {
            Self::Absent => false,
            Self::Json(text) | Self::Plain(text) => text.is_cut,
            Self::List(texts) => texts.len() == super::MAX_ITEMS || texts.iter().any(|text| text.is_cut),
            Self::Pairs(pairs) => {
                pairs.len() == super::MAX_ITEMS || pairs.iter().any(|(name, value)| name.is_cut || value.is_cut)
            }
        }
    }

    fn to_json(&self) -> Value {
        match self {
            Self::Absent => Value::Null,
            Self::Json(text) => text.value(),
            Self::Plain(text) => (*text.text).into(),
            Self::List(texts) => texts.iter().map(|text| &*text.text).collect(),
            // One object each: a name may occur more than once.
            Self::Pairs(pairs) => pairs
                .iter()
                .map(|(name, value)| json!({ &*name.text: &*value.text }))
                .collect(),
        }
    }
}

impl Answer {
    fn is_cut(&self) -> bool {
        match self {
            Self::Json(text) | Self::Plain(text) => text.is_cut,
            Self::Absent => false,
            Self::Problem(_, is_cut) => *is_cut,
        }
    }

    fn to_json(&self, is_secret: bool) -> Value {
        let mut answer = match self {
            Self::Plain(_) if is_secret => json!({ "value": MASK }),
            Self::Json(text) => json!({ "value": text.value() }),
            Self::Plain(text) => json!({ "value": &*text.text }),
            Self::Absent => json!({ "absent": true }),
            Self::Problem(problem, _) => json!({ "problem": problem.to_json() }),
        };
        mask(&mut answer);
        answer
    }
}

impl Text {
    fn value(&self) -> Value {
        value(&self.text, self.is_cut)
    }
}

fn value(text: &str, is_cut: bool) -> Value {
    let parsed = if is_cut {
        repair(text).and_then(|text| serde_json::from_str(&text).ok())
    } else {
        serde_json::from_str(text).ok()
    };
    let mut value = parsed.unwrap_or_else(|| format!("({} bytes that are no JSON)", text.len()).into());
    mask(&mut value);
    value
}

/// In a patch the secret's name is the value of another member.
fn mask_operations(operations: &mut Value) {
    let Some(operations) = operations.as_array_mut() else {
        return;
    };
    for operation in operations {
        let field = operation["field"].as_str().and_then(|field| Pointer::parse(field).ok());
        let is_secret = field.is_some_and(|field| field.elements().iter().any(|element| is_secret_name(element)));
        if let (true, Some(value)) = (is_secret, operation.get_mut("value").filter(|value| value.is_string())) {
            *value = MASK.into();
        }
    }
}
