//! What the type `managed` of the configuration is for: the types of managed objects.

use std::sync::Arc;

use async_trait::async_trait;
use host_model::configured::{ConfigName, Configured};
use host_resource::Problem;
use serde_json::Value;

use super::{ManagedObjects, ManagedTypes};

/// What the type `managed` of the configuration is for.
#[derive(Debug)]
pub struct ConfiguredTypes(pub Arc<ManagedObjects>);

#[async_trait]
impl Configured for ConfiguredTypes {
    fn kind(&self) -> &'static str {
        "managed"
    }

    fn has_instances(&self) -> bool {
        false
    }

    fn built_in(&self) -> Option<Value> {
        Some(ManagedTypes::built_in())
    }

    async fn check(&self, _name: &ConfigName, object: &Value) -> Result<(), Problem> {
        ManagedTypes::parse(object)?;
        Ok(())
    }

    async fn apply(&self, _name: &ConfigName, object: Option<&Value>) -> Result<(), Problem> {
        let types = match object {
            Some(object) => ManagedTypes::parse(object)?,
            None => ManagedTypes::parse(&ManagedTypes::built_in())?,
        };
        self.0.replace_types(types).await
    }
}
