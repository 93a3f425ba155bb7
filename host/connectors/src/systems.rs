//! The connected systems of a tenant, as the configuration has them at the moment.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use host_model::Invalid;
use host_model::clock::Clock;
use host_model::configured::{ConfigName, Configured};
use host_model::ids::Ids;
use host_resource::{LateRouter, Pointer, Problem};
use host_secrets::Keystore;
use host_store::TenantStore;
use parking_lot::{Mutex, RwLock};
use serde_json::Value;

use crate::connector::Connector;
use crate::csv::{self, CsvConnector};
use crate::definition::{ConnectorName, Definition, refuse_objects};
use crate::error::Error;
use crate::ldap::{self, LdapConnector};
use crate::paths::AllowedFolders;
use crate::scim::{self, ScimConnector};
use crate::sql::{self, SqlConnector};
use crate::system::System;

/// What the systems of a tenant need.
pub struct Parts {
    /// Where tokens and dead letters are kept.
    pub store: TenantStore,
    /// For deadlines.
    pub clock: Arc<dyn Clock>,
    /// For searches that wait for their next page.
    pub ids: Arc<dyn Ids>,
    /// Where changes are handed over.
    pub router: LateRouter,
    /// Whose files connectors may use.
    pub folders: AllowedFolders,
    /// What opens encrypted values of a configuration.
    pub keystore: Arc<Keystore>,
}

/// The connected systems of a tenant.
pub struct Systems {
    pub(crate) parts: Parts,
    /// By the instance of the configuration object.
    systems: RwLock<BTreeMap<String, Arc<System>>>,
    /// The sources whose changes are being read.
    pub(crate) syncing: Mutex<HashSet<String>>,
}

impl fmt::Debug for Systems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Systems").finish_non_exhaustive()
    }
}

impl Systems {
    /// No system yet: the configuration says which there are.
    pub fn new(parts: Parts) -> Arc<Self> {
        Arc::new(Self {
            parts,
            systems: RwLock::default(),
            syncing: Mutex::default(),
        })
    }

    /// All systems with the instance of their configuration, by name.
    pub(crate) fn all(&self) -> Vec<(String, Arc<System>)> {
        let systems = self.systems.read();
        let mut all: Vec<_> = systems
            .iter()
            .map(|(name, system)| (name.clone(), Arc::clone(system)))
            .collect();
        all.sort_by(|(_, one), (_, other)| one.name().cmp(other.name()));
        all
    }

    /// The system of this name; 503 if there is none, as the platform says.
    pub(crate) fn require(&self, name: &str) -> Result<(String, Arc<System>), Problem> {
        let found = self
            .systems
            .read()
            .iter()
            .find_map(|(instance, system)| (system.name() == name).then(|| (instance.clone(), Arc::clone(system))));
        found.ok_or_else(|| {
            Problem::unavailable(format!("System: {name} is not available.")).with_detail("system", name)
        })
    }

    /// Makes a system of what a configuration says, without calling it.
    pub(crate) fn build(&self, instance: &str, object: &Value) -> Result<System, Problem> {
        let mut definition = Definition::parse(instance, object)?;
        self.open_secrets(
            &mut definition.properties,
            Pointer::from_elements(["configurationProperties"]),
        )?;
        let (clock, ids) = (Arc::clone(&self.parts.clock), Arc::clone(&self.parts.ids));
        let connector: Arc<dyn Connector> = match definition.connector {
            ConnectorName::Ldap => {
                refuse_objects(&definition.types)?;
                let settings = ldap::Settings::parse(&definition.properties)?;
                Arc::new(LdapConnector::new(settings, Arc::clone(&clock), ids))
            }
            ConnectorName::Csv => {
                accounts_only(&definition, "a CSV file")?;
                refuse_objects(&definition.types)?;
                let folders = self.parts.folders.clone();
                let settings = csv::Settings::parse(&definition.properties, &folders)?;
                Arc::new(CsvConnector::new(settings, folders))
            }
            ConnectorName::Scim => {
                scim::check_types(&definition.types)?;
                let settings = scim::Settings::parse(&definition.properties)?;
                Arc::new(ScimConnector::new(settings, Arc::clone(&clock)))
            }
            ConnectorName::Table => {
                accounts_only(&definition, "a table")?;
                refuse_objects(&definition.types)?;
                for (name, kind) in &definition.types {
                    sql::check(kind).map_err(|(property, message)| {
                        let place = ["objectTypes", name.as_str(), "properties", property.as_str(), "type"];
                        Invalid::new(Pointer::from_elements(place), message)
                    })?;
                }
                let folders = self.parts.folders.clone();
                let settings = sql::Settings::parse(&definition.properties, &folders, definition.timeouts.longest())?;
                Arc::new(SqlConnector::new(settings, folders, definition.types.values()))
            }
        };
        // They are with the connector now.
        definition.properties = Value::Null;
        Ok(System::new(definition, connector, clock))
    }

    /// Puts what was encrypted in the place of its stored form.
    fn open_secrets(&self, value: &mut Value, pointer: Pointer) -> Result<(), Problem> {
        if host_secrets::is_encrypted(value) {
            let opened = self.parts.keystore.decrypt(value);
            *value = opened.map_err(|error| {
                Problem::from(Invalid::new(pointer, format!("the value cannot be opened: {error}")))
            })?;
            return Ok(());
        }
        match value {
            Value::Object(members) => members
                .iter_mut()
                .try_for_each(|(name, inner)| self.open_secrets(inner, pointer.child(name))),
            Value::Array(items) => items
                .iter_mut()
                .enumerate()
                .try_for_each(|(at, inner)| self.open_secrets(inner, pointer.child(&at.to_string()))),
            _ => Ok(()),
        }
    }
}

/// What has one kind of objects only.
fn accounts_only(definition: &Definition, what: &str) -> Result<(), Invalid> {
    match definition.types.iter().find(|(_, kind)| kind.native != "__ACCOUNT__") {
        None => Ok(()),
        Some((name, kind)) => Err(Invalid::new(
            Pointer::from_elements(["objectTypes", name.as_str(), "nativeType"]),
            format!("{what} has objects of the type __ACCOUNT__ only, not {}", kind.native),
        )),
    }
}

/// What the type `provisioner.openicf` of the configuration is for.
#[derive(Debug)]
pub struct ConfiguredSystems(pub Arc<Systems>);

impl ConfiguredSystems {
    fn built(&self, name: &ConfigName, object: &Value) -> Result<System, Problem> {
        let instance = instance_of(name)?;
        let system = self.0.build(instance, object)?;
        let systems = self.0.systems.read();
        let other = systems
            .iter()
            .find(|(other, there)| *other != instance && there.name() == system.name());
        if let Some((other, _)) = other {
            return Err(Invalid::new(
                Pointer::from_elements(["name"]),
                format!(
                    "the system '{}' is configured in provisioner.openicf/{other} already",
                    system.name()
                ),
            )
            .into());
        }
        Ok(system)
    }
}

#[async_trait]
impl Configured for ConfiguredSystems {
    fn kind(&self) -> &'static str {
        "provisioner.openicf"
    }

    fn has_instances(&self) -> bool {
        true
    }

    async fn check(&self, name: &ConfigName, object: &Value) -> Result<(), Problem> {
        self.built(name, object).map(drop)
    }

    async fn apply(&self, name: &ConfigName, object: Option<&Value>) -> Result<(), Problem> {
        let instance = instance_of(name)?;
        let system = object.map(|object| self.built(name, object)).transpose()?;
        let mut systems = self.0.systems.write();
        // Calls that are on their way end with what they began with.
        match system {
            Some(system) => drop(systems.insert(instance.to_owned(), Arc::new(system))),
            None => drop(systems.remove(instance)),
        }
        Ok(())
    }
}

fn instance_of(name: &ConfigName) -> Result<&str, Problem> {
    name.instance()
        .ok_or_else(|| Problem::bad_request("a connected system has a name: provisioner.openicf/NAME"))
}

impl System {
    /// The type of objects of this name.
    pub(crate) fn require_type(&self, name: &str) -> Result<Arc<crate::definition::ObjectType>, Problem> {
        self.definition.object_type(name).cloned().ok_or_else(|| {
            let all: Vec<&str> = self.definition.types.keys().map(String::as_str).collect();
            Error::Unsupported(format!("there is no type '{name}': there are {}", all.join(", "))).problem(self.name())
        })
    }
}
