//! Which members of an object an answer shows: the `_fields` parameter.

use serde_json::{Map, Value};

use crate::pointer::{Pointer, PointerError};

/// More pointers than this are refused: each costs a walk through every object of an answer.
pub const MAX_FIELDS: usize = 1000;

/// The members that an answer shows; by default everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields {
    /// None means everything.
    pointers: Option<Wanted>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Wanted {
    /// Whether `*` or the root is in the list, so that the other pointers only add to everything.
    everything: bool,
    pointers: Vec<Pointer>,
}

/// Why a text is no list of fields.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FieldsError {
    /// A pointer that is none.
    #[error("`{field}` in `_fields` is not a field")]
    Pointer {
        /// As it was written.
        field: String,
        /// What is wrong with it.
        source: PointerError,
    },
    /// More than [`MAX_FIELDS`].
    #[error("`_fields` names more than {MAX_FIELDS} fields")]
    Many,
}

impl Fields {
    /// Everything.
    pub fn all() -> Self {
        Self::default()
    }

    /// Parses the values of all `_fields` parameters of a request, each a list with commas. No values, empty ones and
    /// `*` mean everything.
    pub fn parse<S: AsRef<str>>(values: impl IntoIterator<Item = S>) -> Result<Self, FieldsError> {
        let mut wanted = Wanted::default();
        for value in values {
            for field in value
                .as_ref()
                .split(',')
                .map(str::trim)
                .filter(|field| !field.is_empty())
            {
                let pointer = if field == "*" {
                    Ok(Pointer::root())
                } else {
                    Pointer::parse(field)
                };
                let pointer = pointer.map_err(|source| FieldsError::Pointer {
                    field: field.to_owned(),
                    source,
                })?;
                if pointer.is_root() {
                    wanted.everything = true;
                } else {
                    wanted.pointers.push(pointer);
                }
                if wanted.pointers.len() > MAX_FIELDS {
                    return Err(FieldsError::Many);
                }
            }
        }
        let is_everything = wanted.pointers.is_empty();
        Ok(Self {
            pointers: if is_everything { None } else { Some(wanted) },
        })
    }

    /// Whether the answer is the whole object.
    pub fn is_all(&self) -> bool {
        self.pointers.is_none()
    }

    /// The pointers in order; none when everything is wanted.
    pub fn pointers(&self) -> &[Pointer] {
        self.pointers.as_ref().map_or(&[], |wanted| &wanted.pointers)
    }

    /// These fields; `*` is everything.
    pub fn of(pointers: impl IntoIterator<Item = Pointer>) -> Self {
        let is_everything = |pointer: &Pointer| pointer.is_root() || *pointer == Pointer::from_elements(["*"]);
        let mut wanted = Wanted::default();
        for pointer in pointers {
            if is_everything(&pointer) {
                wanted.everything = true;
            } else {
                wanted.pointers.push(pointer);
            }
        }
        let is_everything = wanted.pointers.is_empty();
        Self {
            pointers: if is_everything { None } else { Some(wanted) },
        }
    }

    /// Whether everything is wanted, and perhaps more.
    pub fn has_everything(&self) -> bool {
        self.pointers.as_ref().is_none_or(|wanted| wanted.everything)
    }

    /// The same with others in the place of some pointers; none stay as they are. Nothing in the place of all of them
    /// is nothing, not everything.
    #[must_use]
    pub fn replacing(&self, others: impl Fn(&Pointer) -> Option<Vec<Pointer>>) -> Self {
        let pointers = self.pointers.as_ref().map(|wanted| {
            let mut replaced: Vec<Pointer> = Vec::with_capacity(wanted.pointers.len());
            for pointer in &wanted.pointers {
                for new in others(pointer).unwrap_or_else(|| vec![pointer.clone()]) {
                    if !replaced.contains(&new) {
                        replaced.push(new);
                    }
                }
            }
            Wanted {
                everything: wanted.everything,
                pointers: replaced,
            }
        });
        Self { pointers }
    }

    /// The object as the answer shows it. An id and a revision come first whether they are wanted or not; then each
    /// pointer gives one member, named by its last element. What is absent is left out, what is null stays.
    pub fn apply(&self, id: Option<&str>, rev: Option<&str>, content: Value) -> Value {
        let mut shown = Map::new();
        for (name, value) in [("_id", id), ("_rev", rev)] {
            if let Some(value) = value {
                shown.insert(name.to_owned(), value.into());
            }
        }
        let Some(wanted) = &self.pointers else {
            return merge(shown, content);
        };
        for pointer in &wanted.pointers {
            let (Some(name), Some(value)) = (pointer.last(), pointer.get(&content)) else {
                continue;
            };
            let is_identity =
                pointer.elements().len() == 1 && (name == "_id" && id.is_some() || name == "_rev" && rev.is_some());
            if !is_identity {
                shown.insert(name.to_owned(), value.clone());
            }
        }
        if wanted.everything {
            merge(shown, content)
        } else {
            Value::Object(shown)
        }
    }
}

/// What is shown already, then the members of the content that are not.
fn merge(mut shown: Map<String, Value>, content: Value) -> Value {
    match content {
        Value::Object(members) => {
            for (name, value) in members {
                shown.entry(name).or_insert(value);
            }
            Value::Object(shown)
        }
        other if shown.is_empty() => other,
        _ => Value::Object(shown),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_pointer_gives_a_member_named_by_its_last_element() {
        let content = json!({"a": {"b": 1, "c": null}, "d": [{"e": 2}], "n": null, "z": "z"});
        let check = |fields: &[&str], expected: &str| {
            let fields = Fields::parse(fields).unwrap();
            assert_eq!(
                fields.apply(None, None, content.clone()).to_string(),
                expected,
                "{fields:?}"
            );
        };
        let everything = content.to_string();
        check(&[], &everything);
        check(&[""], &everything);
        check(&["/"], &everything);
        check(&["*"], &everything);
        check(&["a/b"], r#"{"b":1}"#);
        check(&["/a/b,/a"], r#"{"b":1,"a":{"b":1,"c":null}}"#);
        check(&["z", "n"], r#"{"z":"z","n":null}"#);
        check(&["z, n ,"], r#"{"z":"z","n":null}"#);
        check(&["absent,a/absent,z/z"], "{}");
        check(&["/a/c"], r#"{"c":null}"#);
        check(&["d/0/e,/d/0"], r#"{"e":2,"0":{"e":2}}"#);
        check(&["a/b,b"], r#"{"b":1}"#);
        check(
            &["a/b,*"],
            r#"{"b":1,"a":{"b":1,"c":null},"d":[{"e":2}],"n":null,"z":"z"}"#,
        );
    }

    #[test]
    fn the_identity_comes_first_whatever_is_wanted() {
        let check = |fields: &str, id: Option<&str>, rev: Option<&str>, expected: &str| {
            let content = json!({"name": "joe", "_rev": "old", "_id": "old"});
            let fields = Fields::parse([fields]).unwrap();
            assert_eq!(fields.apply(id, rev, content).to_string(), expected, "{fields:?}");
        };
        check("", Some("x"), Some("1"), r#"{"_id":"x","_rev":"1","name":"joe"}"#);
        check("name", Some("x"), Some("1"), r#"{"_id":"x","_rev":"1","name":"joe"}"#);
        check(
            "name,_rev,_id",
            Some("x"),
            Some("1"),
            r#"{"_id":"x","_rev":"1","name":"joe"}"#,
        );
        check("_id", Some("x"), Some("1"), r#"{"_id":"x","_rev":"1"}"#);
        check("_id,name", None, None, r#"{"_id":"old","name":"joe"}"#);
    }

    #[test]
    fn a_job_without_a_revision_shows_its_id_and_what_is_wanted() {
        let fields = Fields::parse(["_id,enabled,nextRunDate"]).unwrap();
        let job = json!({"enabled": false, "nextRunDate": null, "type": "cron"});
        assert_eq!(
            fields.apply(Some("x"), None, job).to_string(),
            r#"{"_id":"x","enabled":false,"nextRunDate":null}"#
        );
    }

    #[test]
    fn what_is_no_field_is_refused() {
        assert!(matches!(Fields::parse(["a,%%%"]), Err(FieldsError::Pointer { field, .. }) if field == "%%%"));
        assert_eq!(Fields::parse(["a,".repeat(MAX_FIELDS + 1)]), Err(FieldsError::Many));
        assert!(Fields::parse(["a,".repeat(MAX_FIELDS)]).is_ok());
        assert_eq!(Fields::parse(["a", "b/c"]).unwrap().pointers().len(), 2);
        assert!(Fields::parse(["*"]).unwrap().is_all());
    }

    #[test]
    fn what_is_no_object_stays_what_it_is() {
        assert_eq!(Fields::all().apply(None, None, json!([1])), json!([1]));
        assert_eq!(Fields::parse(["a"]).unwrap().apply(None, None, json!([1])), json!({}));
    }
}
