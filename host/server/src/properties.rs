//! Properties by name: what `[properties]` of `taskwarden.toml` says, and beneath it the platform's boot properties.

use std::collections::BTreeMap;
use std::fmt;

use host_config::Placeholders;
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// The platform's boot properties with their defaults (behaviour 8.2), where this house has no setting for them.
const BOOT: [(&str, Boot); 8] = [
    ("openidm.scheduler.execute.persistent.schedules", Boot::Flag(true)),
    ("openidm.port.http", Boot::Number(8080)),
    ("openidm.port.https", Boot::Number(8443)),
    ("openidm.port.mutualauth", Boot::Number(8444)),
    ("openidm.policy.enforcement.enabled", Boot::Flag(true)),
    ("openidm.config.crypto.alias", Boot::Text("openidm-sym-default")),
    ("openidm.scheduler.repo.retry", Boot::Number(-1)),
    ("javascript.exception.debug.info", Boot::Flag(false)),
];

#[derive(Clone, Copy)]
enum Boot {
    Flag(bool),
    Number(i64),
    Text(&'static str),
}

/// Properties by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Properties(BTreeMap<String, Scalar>);

/// What a property can be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scalar(Value);

impl Properties {
    /// These, the given ones where these say nothing, and the boot properties where nobody does.
    #[must_use]
    pub(crate) fn or(mut self, others: impl IntoIterator<Item = (&'static str, Scalar)>) -> Self {
        let boot = BOOT.map(|(name, value)| {
            let value = match value {
                Boot::Flag(flag) => Scalar(flag.into()),
                Boot::Number(number) => number.into(),
                Boot::Text(text) => text.into(),
            };
            (name, value)
        });
        for (name, value) in others.into_iter().chain(boot) {
            self.0.entry(name.to_owned()).or_insert(value);
        }
        self
    }

    /// Whether objects that break policies are refused.
    pub(crate) fn enforces_policies(&self) -> anyhow::Result<bool> {
        const NAME: &str = "openidm.policy.enforcement.enabled";
        match self.0.get(NAME).map(|Scalar(value)| value) {
            None | Some(Value::Bool(true)) => Ok(true),
            Some(Value::Bool(false)) => Ok(false),
            Some(Value::String(text)) if text == "true" => Ok(true),
            Some(Value::String(text)) if text == "false" => Ok(false),
            Some(other) => anyhow::bail!("the property {NAME} is true or false, not {other}"),
        }
    }

    /// For scripts, which read texts.
    pub(crate) fn texts(&self) -> host_runtime::Properties {
        let texts = self.0.iter().map(|(name, Scalar(value))| match value {
            Value::String(text) => (name.clone(), text.clone()),
            other => (name.clone(), other.to_string()),
        });
        texts.collect()
    }

    /// For the texts of configuration objects.
    pub(crate) fn placeholders(&self) -> Placeholders {
        let values = self.0.iter().map(|(name, Scalar(value))| (name.clone(), value.clone()));
        values.collect()
    }
}

impl From<&str> for Scalar {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl From<i64> for Scalar {
    fn from(number: i64) -> Self {
        Self(number.into())
    }
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OfToml;
        impl Visitor<'_> for OfToml {
            type Value = Scalar;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text, a whole number or a boolean")
            }

            fn visit_bool<E: Error>(self, flag: bool) -> Result<Scalar, E> {
                Ok(Scalar(flag.into()))
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Scalar, E> {
                Ok(number.into())
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Scalar, E> {
                Ok(text.into())
            }
        }
        deserializer.deserialize_any(OfToml)
    }
}
