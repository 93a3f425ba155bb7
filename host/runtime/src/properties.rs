//! Configuration properties that guests may read, such as `openidm.node.id`.

use std::collections::BTreeMap;
use std::sync::Arc;

/// Properties by name. Cheap to clone. Never holds a secret: every inline script of the tenant can read all of it.
#[derive(Clone, Debug, Default)]
pub struct Properties(Arc<BTreeMap<String, String>>);

impl Properties {
    /// The value of a property.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

impl FromIterator<(String, String)> for Properties {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(properties: I) -> Self {
        Self(Arc::new(properties.into_iter().collect()))
    }
}
