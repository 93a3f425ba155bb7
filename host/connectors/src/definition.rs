//! A configuration object `provisioner.openicf/NAME`: which connector, how it reaches its system, and which objects the
//! system has. The format is the platform's; what is not understood is refused with its place, and what the platform
//! has for its Java connectors only is accepted where leaving it out changes no answer.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use host_model::Invalid;
use host_model::members::Members;
use host_resource::Pointer;
use serde_json::{Value, json};

mod failure;
mod object_type;
mod operations;

pub(crate) use failure::{Afterwards, FailureHandler};
pub(crate) use object_type::{Kind, ObjectType, Property, refuse_objects};
pub(crate) use operations::{Denied, Operation, Operations, Timeouts};

/// The members of a definition. Those that shape how the platform's connectors run inside a Java process are accepted and
/// mean nothing here.
const MEMBERS: [&str; 14] = [
    "_id",
    "_rev",
    "name",
    "displayName",
    "description",
    "enabled",
    "connectorRef",
    "configurationProperties",
    "objectTypes",
    "operationOptions",
    "poolConfigOption",
    "resultsHandlerConfig",
    "operationTimeout",
    "syncFailureHandler",
];
const WITHOUT_MEANING: [&str; 6] = [
    "producerBufferSize",
    "connectorPoolingSupported",
    "excludeUnmodified",
    "systemActions",
    "connectorHostRef",
    "systemType",
];

/// Calls of one system at the same time when nothing says otherwise.
const AT_ONCE: i64 = 10;
/// More calls at the same time are refused in a configuration.
const MAX_AT_ONCE: i64 = 1000;

/// The connectors that there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum ConnectorName {
    /// A directory.
    Ldap,
    /// A file of comma-separated values.
    Csv,
    /// A service that speaks SCIM 2.0.
    Scim,
    /// A table of a database.
    Table,
}

/// A connector as configurations name it.
pub(crate) struct Known {
    pub(crate) which: ConnectorName,
    pub(crate) class: &'static str,
    pub(crate) bundle: &'static str,
    pub(crate) display_name: &'static str,
}

/// The connectors that there are, by the names that existing configurations have.
pub(crate) const CONNECTORS: [Known; 4] = [
    Known {
        which: ConnectorName::Ldap,
        class: "org.identityconnectors.ldap.LdapConnector",
        bundle: "org.forgerock.openicf.connectors.ldap-connector",
        display_name: "LDAP Connector",
    },
    Known {
        which: ConnectorName::Csv,
        class: "org.forgerock.openicf.csvfile.CSVFileConnector",
        bundle: "org.forgerock.openicf.connectors.csvfile-connector",
        display_name: "CSV File Connector",
    },
    Known {
        which: ConnectorName::Scim,
        class: "org.forgerock.openicf.connectors.scim.ScimConnector",
        bundle: "org.forgerock.openicf.connectors.scim-connector",
        display_name: "Scim Connector",
    },
    Known {
        which: ConnectorName::Table,
        class: "org.identityconnectors.databasetable.DatabaseTableConnector",
        bundle: "org.forgerock.openicf.connectors.databasetable-connector",
        display_name: "Database Table Connector",
    },
];

/// A connected system as it is configured.
#[derive(Clone)]
pub(crate) struct Definition {
    /// Its name in paths: `system/NAME`.
    pub(crate) name: String,
    /// Its name for people.
    pub(crate) display_name: Option<String>,
    /// Whether it is in service.
    pub(crate) is_enabled: bool,
    /// Which connector.
    pub(crate) connector: ConnectorName,
    /// `connectorRef` as it was written.
    pub(crate) connector_ref: Value,
    /// How the connector reaches its system; its own business.
    pub(crate) properties: Value,
    /// Its objects, by the name of their type.
    pub(crate) types: BTreeMap<String, Arc<ObjectType>>,
    /// What may be done with them.
    pub(crate) operations: Operations,
    /// How long each operation may take.
    pub(crate) timeouts: Timeouts,
    /// Calls at the same time.
    pub(crate) at_once: usize,
    /// How long a call waits until others are done.
    pub(crate) patience: Duration,
    /// What becomes of a change that cannot be handed over.
    pub(crate) failure_handler: FailureHandler,
}

impl fmt::Debug for Definition {
    /// Without the properties: credentials are among them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Definition")
            .field("name", &self.name)
            .field("connector", &self.connector)
            .finish_non_exhaustive()
    }
}

impl Definition {
    /// Reads a definition; `instance` is the name where it does not say one itself.
    ///
    /// # Errors
    /// The first thing that is not understood.
    pub(crate) fn parse(instance: &str, object: &Value) -> Result<Self, Invalid> {
        let members = Members::of(object, Pointer::root())?;
        let known: Vec<&str> = MEMBERS.into_iter().chain(WITHOUT_MEANING).collect();
        members.only(&known)?;
        let name = members.text("name")?.unwrap_or(instance);
        if name.is_empty() || name.len() > 100 || !name.chars().all(is_plain) {
            return Err(members.invalid(
                "name",
                "the name of a system has 1 to 100 letters, digits, '-' and '_': it is part of paths",
            ));
        }
        let (connector, connector_ref) = connector(&members)?;
        let (at_once, patience) = pool(&members)?;
        let types = object_type::parse_all(&members)?;
        results_handlers(&members)?;
        Ok(Self {
            name: name.to_owned(),
            display_name: members.text("displayName")?.map(str::to_owned),
            is_enabled: members.bool("enabled", true)?,
            connector,
            connector_ref,
            properties: members
                .get("configurationProperties")
                .cloned()
                .unwrap_or_else(|| json!({})),
            operations: Operations::parse(&members, &types)?,
            types,
            timeouts: Timeouts::parse(&members)?,
            at_once,
            patience,
            failure_handler: FailureHandler::parse(&members)?,
        })
    }

    /// The type of this name, or of this native name: `account` and `__ACCOUNT__` are the same.
    pub(crate) fn object_type(&self, name: &str) -> Option<&Arc<ObjectType>> {
        self.types
            .get(name)
            .or_else(|| self.types.values().find(|kind| kind.native == name))
    }
}

fn is_plain(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '-' | '_')
}

/// Which connector a `connectorRef` names. Its bundle's version is that of a Java archive: any will do.
pub(crate) fn connector(members: &Members<'_>) -> Result<(ConnectorName, Value), Invalid> {
    let reference = members.require_object("connectorRef", "it names the connector")?;
    reference.only(&[
        "connectorHostRef",
        "connectorName",
        "bundleName",
        "bundleVersion",
        "displayName",
        "systemType",
    ])?;
    let class = reference.require_text("connectorName", "the name of the connector's class")?;
    let Some(known) = CONNECTORS.iter().find(|known| known.class == class) else {
        let all: Vec<&str> = CONNECTORS.iter().map(|known| known.class).collect();
        return Err(reference.invalid(
            "connectorName",
            format!("unknown connector '{class}': there are {}", all.join(" and ")),
        ));
    };
    match reference.text("bundleName")? {
        Some(bundle) if bundle != known.bundle => {
            return Err(reference.invalid(
                "bundleName",
                format!("the connector {class} belongs to the bundle {}", known.bundle),
            ));
        }
        _ => {}
    }
    match reference.text("connectorHostRef")? {
        None | Some("" | "#LOCAL") => {}
        Some(_) => {
            return Err(reference.invalid(
                "connectorHostRef",
                "remote connector servers are not supported: write #LOCAL, or leave it out",
            ));
        }
    }
    reference.text("bundleVersion")?;
    let value = members.get("connectorRef").cloned().unwrap_or_default();
    Ok((known.which, value))
}

/// How many calls go to the system at once, and how long others wait.
fn pool(members: &Members<'_>) -> Result<(usize, Duration), Invalid> {
    let Some(pool) = members.object("poolConfigOption")? else {
        return Ok((AT_ONCE as usize, Duration::from_secs(30)));
    };
    pool.only(&[
        "maxObjects",
        "maxIdle",
        "maxWait",
        "minEvictableIdleTimeMillis",
        "minIdle",
    ])?;
    for name in ["maxIdle", "minEvictableIdleTimeMillis", "minIdle"] {
        pool.integer(name, 0..=i64::MAX, "as the platform has it")?;
    }
    let at_once = pool.integer("maxObjects", 1..=MAX_AT_ONCE, "calls at the same time")?;
    let wait = pool.integer("maxWait", -1..=3_600_000, "milliseconds")?;
    let wait = wait.and_then(|ms| u64::try_from(ms).ok()).unwrap_or(30_000);
    Ok((
        usize::try_from(at_once.unwrap_or(AT_ONCE)).unwrap_or(1),
        Duration::from_millis(wait),
    ))
}

/// What the platform does with results between connector and mapping. Filters are always finished here, and attributes
/// are always those that were asked for, so the switches have nothing to switch.
fn results_handlers(members: &Members<'_>) -> Result<(), Invalid> {
    let Some(handlers) = members.object("resultsHandlerConfig")? else {
        return Ok(());
    };
    let known = [
        "enableNormalizingResultsHandler",
        "enableFilteredResultsHandler",
        "enableCaseInsensitiveFilter",
        "enableAttributesToGetSearchResultsHandler",
    ];
    handlers.only(&known)?;
    known.iter().try_for_each(|name| handlers.bool(name, false).map(drop))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minimal() -> Value {
        json!({
            "connectorRef": {"connectorName": "org.forgerock.openicf.csvfile.CSVFileConnector"},
            "configurationProperties": {"csvFile": "a.csv", "headerUid": "uid"},
            "objectTypes": {"account": {"id": "__ACCOUNT__", "nativeType": "__ACCOUNT__", "type": "object",
                "properties": {"mail": {"type": "string", "nativeName": "email"}}}},
        })
    }

    #[test]
    fn a_definition_is_read() {
        let definition = Definition::parse("hr", &minimal()).unwrap();
        assert_eq!((definition.name.as_str(), definition.is_enabled), ("hr", true));
        assert_eq!(definition.connector, ConnectorName::Csv);
        assert!(definition.object_type("account").is_some());
        assert_eq!(
            definition.object_type("__ACCOUNT__").map(|kind| kind.name.as_str()),
            Some("account")
        );
        assert!(definition.object_type("group").is_none());
    }

    #[test]
    fn what_is_not_understood_is_refused_with_its_place() {
        let check = |pointer: &str, value: Value, expected: &str| {
            let mut object = minimal();
            Pointer::parse(pointer).unwrap().set(&mut object, value).unwrap();
            let error = Definition::parse("hr", &object).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{error}");
        };
        check(
            "objectType",
            json!({}),
            "/objectType: unknown property 'objectType'; did you mean",
        );
        check("name", json!("a/b"), "/name: the name of a system");
        check(
            "connectorRef/connectorName",
            json!("org.x.Db"),
            "/connectorRef/connectorName: unknown connector 'org.x.Db'",
        );
        check(
            "connectorRef/bundleName",
            json!("x"),
            "/connectorRef/bundleName: the connector",
        );
        check(
            "connectorRef/connectorHostRef",
            json!("dotnet"),
            "/connectorRef/connectorHostRef: remote",
        );
        check(
            "poolConfigOption",
            json!({"maxObjects": 0}),
            "/poolConfigOption/maxObjects: ",
        );
        check("poolConfigOption", json!({"max": 1}), "/poolConfigOption/max: unknown");
        check(
            "resultsHandlerConfig",
            json!({"enableFilteredResultsHandler": 1}),
            "/resultsHandlerConfig/enableFilteredResultsHandler: ",
        );
        check(
            "operationTimeout",
            json!({"REED": 1}),
            "/operationTimeout/REED: unknown",
        );
        check(
            "operationOptions",
            json!({"REED": {}}),
            "/operationOptions/REED: unknown",
        );
        check(
            "syncFailureHandler",
            json!({"retries": 1}),
            "/syncFailureHandler/retries: unknown",
        );
        check("objectTypes", json!({}), "/objectTypes: ");
        check(
            "objectTypes/account/nativeType",
            json!(1),
            "/objectTypes/account/nativeType: ",
        );
        check(
            "objectTypes/account/properties/mail/type",
            json!("text"),
            "/objectTypes/account/properties/mail/type: ",
        );
        check(
            "objectTypes/account/properties/mail/flags",
            json!(["X"]),
            "/objectTypes/account/properties/mail/flags/0: ",
        );
        check(
            "objectTypes/account/properties/mail/nativeName",
            json!("__ENABLE__"),
            "/objectTypes/account/properties/mail/nativeName: ",
        );
        check(
            "objectTypes/account/properties/_id",
            json!({"type": "string"}),
            "/objectTypes/account/properties/_id: ",
        );
    }
}
