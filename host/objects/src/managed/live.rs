//! Replacing the types while requests go on.

use std::sync::Arc;

use host_resource::Problem;

use super::ManagedObjects;
use super::types::ManagedTypes;

impl ManagedObjects {
    /// Takes other types from now on. Requests that are under way end with the types that they began with. Indexes are
    /// built and dropped in the background: until they are there, queries give the same answers but look at more objects.
    ///
    /// # Errors
    /// A problem that names the place in the types; then the types are those from before.
    pub async fn replace_types(self: &Arc<Self>, types: ManagedTypes) -> Result<(), Problem> {
        let _one_at_a_time = self.replacing.lock().await;
        *self.types.write() = Arc::new(types);
        let managed = Arc::clone(self);
        tokio::spawn(async move { managed.declare_indexes().await });
        Ok(())
    }

    /// Declares the indexes of the types as they are now; whoever comes later finds newer types, never older ones.
    async fn declare_indexes(&self) {
        let _one_at_a_time = self.declaring.lock().await;
        let types = Arc::clone(&self.types.read());
        for managed in types.iter() {
            let declared = self.store.declare_indexes(&managed.collection, &managed.indexes).await;
            if let Err(error) = declared {
                tracing::error!(%error, collection = %managed.collection, "indexes cannot be declared: queries do without");
            }
        }
    }
}
