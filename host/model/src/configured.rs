//! The port to what configuration is about. `config/…` keeps the objects and their files; what an object means, and
//! whether it can be put in force, its [`Configured`] says. Neither knows the other.

use std::collections::BTreeSet;
use std::fmt;

use async_trait::async_trait;
use host_resource::Problem;
use serde_json::Value;

/// Longest instance of a configuration object, in bytes: it becomes part of a file's name.
pub const MAX_INSTANCE: usize = 200;

/// What consumes the configuration objects of one type.
#[async_trait]
pub trait Configured: Send + Sync {
    /// The type: `managed`, `schedule`.
    fn kind(&self) -> &'static str;

    /// Whether its objects have an instance, as `schedule/NAME` does; otherwise there is one object.
    fn has_instances(&self) -> bool;

    /// What is in force without a file. Only a type without instances has it.
    fn built_in(&self) -> Option<Value> {
        None
    }

    /// Checks everything that can be checked before the object is put in force; nothing is kept that cannot be.
    /// Placeholders have been replaced.
    ///
    /// # Errors
    /// A problem whose pointer starts at the object.
    async fn check(&self, name: &ConfigName, object: &Value) -> Result<(), Problem>;

    /// Puts an object in force; none takes it out of force. Doing it again with the same object changes nothing.
    ///
    /// # Errors
    /// A problem: then what was in force before still is.
    async fn apply(&self, name: &ConfigName, object: Option<&Value>) -> Result<(), Problem>;

    /// Called once at a start, after everything that there is was applied: what an earlier host applied under another
    /// instance is taken out of force.
    ///
    /// # Errors
    /// The store failed.
    async fn keep_only(&self, instances: &BTreeSet<String>) -> Result<(), Problem> {
        let _ = instances;
        Ok(())
    }
}

/// The name of a configuration object: a type, and perhaps an instance of it. `schedule/sunset` lies in the file
/// `schedule-sunset.json`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConfigName {
    kind: String,
    instance: Option<String>,
}

/// Why a configuration object cannot have a name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigNameError {
    /// A type that could not be told from its instance in a file's name.
    #[error("the type of a configuration object is made of letters, digits, '.' and '_', not '{0}'")]
    Kind(String),
    /// An instance that cannot be part of a file's name.
    #[error("the name of a configuration object has 1 to {MAX_INSTANCE} bytes, no slash and no control character")]
    Instance,
}

impl ConfigName {
    /// Names an object.
    ///
    /// # Errors
    /// The name could not be that of a file.
    pub fn new(kind: &str, instance: Option<&str>) -> Result<Self, ConfigNameError> {
        let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_');
        if kind.is_empty() || kind.starts_with('.') || kind.len() > MAX_INSTANCE || !kind.chars().all(is_word) {
            return Err(ConfigNameError::Kind(kind.chars().take(MAX_INSTANCE).collect()));
        }
        let is_bad = |text: &str| {
            text.is_empty() || text.len() > MAX_INSTANCE || text.chars().any(|c| c == '/' || c.is_control())
        };
        if instance.is_some_and(is_bad) {
            return Err(ConfigNameError::Instance);
        }
        Ok(Self {
            kind: kind.to_owned(),
            instance: instance.map(str::to_owned),
        })
    }

    /// The name that a file's name stands for: `schedule-a-b.json` is `schedule/a-b`. None if it does not end in `.json`.
    ///
    /// # Errors
    /// What stands before `.json` is no name.
    pub fn of_file(file: &str) -> Option<Result<Self, ConfigNameError>> {
        let stem = file.strip_suffix(".json")?;
        Some(match stem.split_once('-') {
            None => Self::new(stem, None),
            Some((kind, instance)) => Self::new(kind, Some(instance)),
        })
    }

    /// The name of its file.
    pub fn file(&self) -> String {
        match &self.instance {
            None => format!("{}.json", self.kind),
            Some(instance) => format!("{}-{instance}.json", self.kind),
        }
    }

    /// The type.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// The instance, if it has one.
    pub fn instance(&self) -> Option<&str> {
        self.instance.as_deref()
    }
}

impl fmt::Display for ConfigName {
    /// As `_id` shows it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.instance {
            None => f.write_str(&self.kind),
            Some(instance) => write!(f, "{}/{instance}", self.kind),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_split_at_its_first_dash() {
        let check = |file: &str, kind: &str, instance: Option<&str>| {
            let name = ConfigName::of_file(file).unwrap().unwrap();
            assert_eq!((name.kind(), name.instance()), (kind, instance), "{file}");
            assert_eq!(name.file(), file);
        };
        check("managed.json", "managed", None);
        check("schedule-sunset.json", "schedule", Some("sunset"));
        check("schedule-a-b.c.json", "schedule", Some("a-b.c"));
        check("provisioner.openicf-ldap.json", "provisioner.openicf", Some("ldap"));
    }

    #[test]
    fn what_is_no_name_is_refused() {
        let check = |file: &str, expected: ConfigNameError| {
            assert_eq!(ConfigName::of_file(file).unwrap().unwrap_err(), expected, "{file}");
        };
        check("-x.json", ConfigNameError::Kind(String::new()));
        check(".json", ConfigNameError::Kind(String::new()));
        check(".x.json", ConfigNameError::Kind(".x".to_owned()));
        check("a b.json", ConfigNameError::Kind("a b".to_owned()));
        check("schedule-.json", ConfigNameError::Instance);
        check("schedule-a\nb.json", ConfigNameError::Instance);
        assert_eq!(ConfigName::of_file("taskwarden.toml"), None);
        let long = "x".repeat(MAX_INSTANCE + 1);
        assert_eq!(ConfigName::new("schedule", Some(&long)), Err(ConfigNameError::Instance));
    }
}
