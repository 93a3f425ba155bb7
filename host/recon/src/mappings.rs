//! The mappings that are in force, and how they come to be: the configuration object `sync`.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use host_model::configured::{ConfigName, Configured};
use host_model::evaluate::Scripting;
use host_model::mapping::{MappingSpec, parse_all};
use host_resource::Problem;
use parking_lot::RwLock;
use serde_json::Value;

use crate::mapping::Mapping;

/// The mappings of a tenant.
pub struct Mappings {
    scripting: Arc<dyn Scripting>,
    set: RwLock<Arc<Set>>,
}

/// All mappings at one moment.
#[derive(Debug, Default)]
pub(crate) struct Set {
    pub(crate) document: Value,
    pub(crate) specs: Vec<MappingSpec>,
    pub(crate) ready: Vec<Arc<Mapping>>,
}

impl Mappings {
    /// None yet.
    pub fn new(scripting: Arc<dyn Scripting>) -> Self {
        Self {
            scripting,
            set: RwLock::default(),
        }
    }

    /// Those in force now.
    pub(crate) fn set(&self) -> Arc<Set> {
        Arc::clone(&self.set.read())
    }

    /// Reads a configuration and makes its mappings ready.
    async fn prepare(&self, document: &Value) -> Result<Set, Problem> {
        let specs = parse_all(document)?;
        let mut ready = Vec::with_capacity(specs.len());
        for spec in &specs {
            ready.push(Arc::new(
                Mapping::prepare(spec.clone(), &specs, &*self.scripting).await?,
            ));
        }
        Ok(Set {
            document: document.clone(),
            specs,
            ready,
        })
    }

    /// One mapping of a configuration that may not be in force any more.
    pub(crate) async fn of_document(&self, document: &Value, name: &str) -> Result<Mapping, Problem> {
        let specs = parse_all(document)?;
        let spec = specs
            .iter()
            .find(|spec| spec.name == name)
            .ok_or_else(|| unknown(name))?;
        Mapping::prepare(spec.clone(), &specs, &*self.scripting).await
    }
}

impl Set {
    /// The mapping of a name.
    pub(crate) fn require(&self, name: &str) -> Result<&Arc<Mapping>, Problem> {
        let mut ready = self.ready.iter();
        ready
            .find(|mapping| mapping.spec.name == name)
            .ok_or_else(|| unknown(name))
    }
}

impl fmt::Debug for Mappings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mappings").finish_non_exhaustive()
    }
}

/// What the configuration object `sync` is for.
#[derive(Debug)]
pub struct ConfiguredMappings(pub Arc<Mappings>);

#[async_trait]
impl Configured for ConfiguredMappings {
    fn kind(&self) -> &'static str {
        "sync"
    }

    fn has_instances(&self) -> bool {
        false
    }

    async fn check(&self, _name: &ConfigName, object: &Value) -> Result<(), Problem> {
        self.0.prepare(object).await.map(drop)
    }

    async fn apply(&self, _name: &ConfigName, object: Option<&Value>) -> Result<(), Problem> {
        let set = match object {
            Some(object) => self.0.prepare(object).await?,
            None => Set::default(),
        };
        *self.0.set.write() = Arc::new(set);
        Ok(())
    }
}

/// 409, as the platform answers.
pub(crate) fn unknown(name: &str) -> Problem {
    Problem::conflict(format!("there is no mapping '{name}' in the configuration sync"))
}
