//! The id of a run: one execution of a job, or of a scan that somebody asked for.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::ids::Ids;

/// A run's id, in the platform's form: a UUID, a hyphen and a number. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId(Arc<str>);

/// The numbers behind the UUID are below this.
const NUMBERS: u64 = 10_000;

impl RunId {
    /// An id that no other run has.
    pub fn fresh(ids: &dyn Ids) -> RunId {
        RunId(format!("{}-{}", ids.uuid(), ids.random() % NUMBERS).into())
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A text that is no run's id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not the id of a run")]
pub struct RunIdError(pub String);

impl FromStr for RunId {
    type Err = RunIdError;

    fn from_str(text: &str) -> Result<RunId, RunIdError> {
        let is_id = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if is_id {
            Ok(RunId(text.into()))
        } else {
            Err(RunIdError(text.to_owned()))
        }
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Fixed;

    impl Ids for Fixed {
        fn uuid(&self) -> String {
            "9f2564c8-193c-4871-8869-6080f374b1bd".to_owned()
        }

        fn random(&self) -> u64 {
            12_073
        }
    }

    #[test]
    fn a_fresh_id_has_the_form_of_the_platform() {
        let id = RunId::fresh(&Fixed);
        assert_eq!(id.as_str(), "9f2564c8-193c-4871-8869-6080f374b1bd-2073");
        assert_eq!(id.as_str().parse(), Ok(id));
        for text in ["", "a/b", "a b"] {
            assert!(text.parse::<RunId>().is_err(), "{text}");
        }
    }
}
