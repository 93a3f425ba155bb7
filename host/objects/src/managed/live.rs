//! The types as they are now: with their scripts ready and their schemas unfolded. They are replaced while requests go on.

use std::sync::Arc;

use host_model::evaluate::{Evaluate, Scripting};
use host_resource::{Pointer, Problem};
use serde_json::Value;

use super::ManagedObjects;
use super::hooks::Moment;
use super::relationship::{ends, rows};
use super::schema::{Hook, Property, PropertyScript, Relationship};
use super::secret::Protection;
use super::types::{ManagedType, ManagedTypes};
use super::unique::Unique;
use super::unique::declare::{declare, declared, release_all, reserve_all};

/// The types of a tenant.
#[derive(Debug, Default)]
pub(super) struct LiveTypes(Vec<Arc<LiveType>>);

/// A type, ready to be used.
#[derive(Debug)]
pub(super) struct LiveType {
    pub(super) definition: Arc<ManagedType>,
    scripts: Vec<(Moment, Arc<dyn Evaluate>)>,
    pub(super) actions: Vec<(String, Arc<dyn Evaluate>)>,
    pub(super) on_retrieve: Vec<PropertyScript>,
    pub(super) on_store: Vec<PropertyScript>,
    pub(super) on_validate: Vec<PropertyScript>,
    /// Never shown to callers from outside.
    pub(super) hidden: Vec<Pointer>,
    /// Not to be changed by them.
    pub(super) read_only: Vec<Pointer>,
    /// Not stored.
    pub(super) virtuals: Vec<Pointer>,
    /// Shown only when they are asked for.
    pub(super) on_demand: Vec<Pointer>,
    pub(super) protected: Vec<(Pointer, Protection)>,
    pub(super) defaults: Vec<(Pointer, Value)>,
    /// By the names of their properties.
    pub(super) relationships: Vec<(Box<str>, Relationship)>,
    pub(super) unique: Unique,
    /// Whether an object is written as it is given.
    pub(super) is_plain: bool,
}

impl LiveTypes {
    /// The type of this name, without regard to case.
    pub(super) fn get(&self, name: &str) -> Option<&Arc<LiveType>> {
        self.0.iter().find(|live| live.definition.is_named(name))
    }
}

impl LiveType {
    /// Makes the scripts of a type ready.
    async fn prepare(definition: &Arc<ManagedType>, scripting: &dyn Scripting) -> Result<Self, Problem> {
        let ready = async |hook: &Hook| scripting.prepare(None, &hook.spec, &hook.pointer).await;
        let mut scripts = Vec::new();
        for (moment, hook) in &definition.hooks {
            scripts.push((*moment, ready(hook).await?));
        }
        let mut actions = Vec::new();
        for (name, hook) in &definition.actions {
            actions.push((name.clone(), ready(hook).await?));
        }
        let properties = definition
            .schema
            .as_ref()
            .map(|schema| schema.all())
            .unwrap_or_default();
        let ready_all = async |hook: fn(&Property) -> Option<&Hook>| {
            let mut scripts = Vec::new();
            for property in &properties {
                if let Some(hook) = hook(property) {
                    let script = ready(hook).await?;
                    let pointer = property.pointer.clone();
                    scripts.push(PropertyScript { pointer, script });
                }
            }
            Ok::<_, Problem>(scripts)
        };
        let where_ = |is_one: fn(&Property) -> bool| {
            let found = properties.iter().filter(|property| is_one(property));
            found.map(|property| property.pointer.clone()).collect::<Vec<_>>()
        };
        let is_plain = definition.schema.is_none() && definition.hooks.is_empty();
        Ok(Self {
            definition: Arc::clone(definition),
            scripts,
            actions,
            on_retrieve: ready_all(|property| property.on_retrieve.as_ref()).await?,
            on_store: ready_all(|property| property.on_store.as_ref()).await?,
            on_validate: ready_all(|property| property.on_validate.as_ref()).await?,
            hidden: where_(Property::is_hidden),
            read_only: where_(|property| property.traits.is_read_only),
            virtuals: where_(|property| property.traits.is_virtual),
            on_demand: where_(|property| property.traits.is_on_demand),
            protected: properties
                .iter()
                .filter_map(|property| Some((property.pointer.clone(), property.protection.clone()?)))
                .collect(),
            defaults: properties
                .iter()
                .filter_map(|property| Some((property.pointer.clone(), property.default.clone()?)))
                .collect(),
            relationships: properties
                .iter()
                .filter_map(|property| Some((property.name.clone(), (**property.relationship.as_ref()?).clone())))
                .collect(),
            unique: Unique::new(&definition.name, where_(|property| property.traits.is_unique)),
            is_plain,
        })
    }

    /// The relationship that a property is.
    pub(super) fn relationship(&self, name: &str) -> Option<&Relationship> {
        let found = self.relationships.iter().find(|(own, _)| **own == *name);
        found.map(|(_, relationship)| relationship)
    }

    /// The script for a moment.
    pub(super) fn script(&self, moment: Moment) -> Option<&Arc<dyn Evaluate>> {
        let found = self.scripts.iter().find(|(other, _)| *other == moment);
        found.map(|(_, script)| script)
    }
}

impl ManagedObjects {
    /// Takes other types from now on. Requests that are under way end with the types that they began with. Indexes are
    /// built and dropped in the background: until they are there, queries give the same answers but look at more objects.
    ///
    /// # Errors
    /// A problem that names the place in the types: a script that cannot be used, or a unique property of which there
    /// are duplicates, which are listed. Then the types are those from before.
    pub async fn replace_types(self: &Arc<Self>, types: ManagedTypes) -> Result<(), Problem> {
        let _one_at_a_time = self.replacing.lock().await;
        let mut ready = LiveTypes::default();
        for definition in types.iter() {
            let live = LiveType::prepare(definition, &*self.scripting).await?;
            ready.0.push(Arc::new(live));
        }
        let mut news = Vec::new();
        for live in &ready.0 {
            let known = declared(&self.store, live).await?;
            if known != live.unique.pointers {
                let added = live.unique.pointers.iter().filter(|pointer| !known.contains(pointer));
                let added: Vec<Pointer> = added.cloned().collect();
                news.push((Arc::clone(live), known, added));
            }
        }
        // First while nobody minds the new properties, so that duplicates harm nobody …
        for (live, _, added) in &news {
            self.reserve_added(live, added).await?;
        }
        let before = std::mem::replace(&mut *self.types.write(), Arc::new(ready));
        // … and then what came meanwhile: from the declaration on, who does not mind them is not committed any more.
        if let Err(problem) = self.declare_unique(&news).await {
            *self.types.write() = before;
            for (live, known, _) in &news {
                declare(&self.store, live, known).await?;
            }
            return Err(problem);
        }
        for (live, known, _) in news {
            let dropped: Vec<Pointer> = known
                .into_iter()
                .filter(|pointer| !live.unique.pointers.contains(pointer))
                .collect();
            release_all(&self.store, &live, &dropped).await?;
        }
        let managed = Arc::clone(self);
        tokio::spawn(async move { managed.declare_indexes().await });
        Ok(())
    }

    /// Whether a property of some type is encrypted with the keys of an alias.
    pub(super) fn has_alias(&self, alias: &str) -> bool {
        let types = Arc::clone(&self.types.read());
        let mut protected = types.0.iter().flat_map(|live| &live.protected);
        protected.any(|(_, how)| matches!(how, Protection::Encrypted { alias: own } if own == alias))
    }

    async fn declare_unique(&self, news: &[(Arc<LiveType>, Vec<Pointer>, Vec<Pointer>)]) -> Result<(), Problem> {
        for (live, _, added) in news {
            declare(&self.store, live, &live.unique.pointers).await?;
            self.reserve_added(live, added).await?;
        }
        Ok(())
    }

    async fn reserve_added(&self, live: &LiveType, added: &[Pointer]) -> Result<(), Problem> {
        if added.is_empty() {
            return Ok(());
        }
        let duplicates = reserve_all(&self.store, live, added).await?;
        if duplicates.is_empty() {
            return Ok(());
        }
        release_all(&self.store, live, added).await?;
        Err(duplicates.problem(&live.definition.place, &live.definition.name))
    }

    /// Declares the indexes of the types as they are now; whoever comes later finds newer types, never older ones.
    async fn declare_indexes(&self) {
        let _one_at_a_time = self.declaring.lock().await;
        let types = Arc::clone(&self.types.read());
        let relationships = (rows(), vec![ends()]);
        let has_relationships = types.0.iter().any(|live| !live.relationships.is_empty());
        let of_types = types.0.iter().map(|live| {
            let ManagedType {
                collection, indexes, ..
            } = &*live.definition;
            (collection, indexes)
        });
        let of_relationships = has_relationships.then_some((&relationships.0, &relationships.1));
        for (collection, indexes) in of_types.chain(of_relationships) {
            if let Err(error) = self.store.declare_indexes(collection, indexes).await {
                tracing::error!(%error, %collection, "indexes cannot be declared: queries do without");
            }
        }
    }
}
