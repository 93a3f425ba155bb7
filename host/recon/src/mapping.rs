//! A mapping that is ready: its scripts prepared, its ends and its links known.

use std::collections::HashMap;
use std::sync::Arc;

use host_model::evaluate::{Evaluate, Evaluated, Evaluation, Scripting};
use host_model::mapping::{Hook, MappingSpec, Qualifiers};
use host_model::policy::{Condition, PolicyAction, Scripted};
use host_resource::{Context, Pointer, Problem};
use serde_json::Value;

use crate::endpoint::Endpoint;
use crate::links::LinkTable;

/// A mapping that is ready.
#[derive(Debug)]
pub(crate) struct Mapping {
    pub(crate) spec: MappingSpec,
    pub(crate) source: Endpoint,
    pub(crate) target: Endpoint,
    pub(crate) links: LinkTable,
    scripts: HashMap<Pointer, Arc<dyn Evaluate>>,
}

impl Mapping {
    /// Makes a mapping ready that stands among others.
    pub(crate) async fn prepare(
        spec: MappingSpec,
        all: &[MappingSpec],
        scripting: &dyn Scripting,
    ) -> Result<Self, Problem> {
        let mut scripts = HashMap::new();
        for scripted in scripts_of(&spec) {
            let script = scripting.prepare(None, &scripted.spec, &scripted.pointer).await?;
            scripts.insert(scripted.pointer.clone(), script);
        }
        Ok(Self {
            source: Endpoint::new(&spec.source)?,
            target: Endpoint::new(&spec.target)?,
            links: LinkTable::of(&spec, all),
            scripts,
            spec,
        })
    }

    /// The same mapping with other queries and flags; its scripts stay.
    pub(crate) fn with_spec(&self, spec: MappingSpec) -> Self {
        Self {
            spec,
            source: self.source.clone(),
            target: self.target.clone(),
            links: self.links.clone(),
            scripts: self.scripts.clone(),
        }
    }

    /// The script of a moment.
    pub(crate) fn hook(&self, hook: Hook) -> Option<&Scripted> {
        self.spec.hooks.get(&hook)
    }

    /// What a script is called in messages.
    pub(crate) fn subject(&self, script: &Scripted) -> String {
        // The place within the mapping: `/mappings/0/onCreate` is the mapping's `onCreate`.
        let place: Vec<&str> = script.pointer.elements().iter().skip(2).map(AsRef::as_ref).collect();
        format!("{} {}", self.spec.name, place.join("/"))
    }

    /// Evaluates one of its scripts.
    pub(crate) async fn evaluate(
        &self,
        script: &Scripted,
        context: &Context,
        evaluation: Evaluation<'_>,
    ) -> Result<Evaluated, Problem> {
        let ready = self
            .scripts
            .get(&script.pointer)
            .ok_or_else(|| Problem::internal(format!("{}: the script was not made ready", self.subject(script))))?;
        ready.evaluate(context, evaluation).await
    }
}

/// Every script of a mapping.
fn scripts_of(spec: &MappingSpec) -> Vec<&Scripted> {
    let mut scripts: Vec<&Scripted> = spec.hooks.values().collect();
    if let Qualifiers::Script(script) = &spec.qualifiers {
        scripts.push(script);
    }
    scripts.extend(spec.correlations.iter().map(|correlation| &correlation.script));
    let mut conditions = vec![&spec.source_condition];
    for property in &spec.properties {
        scripts.extend(&property.transform);
        conditions.push(&property.condition);
    }
    for policy in &spec.policies {
        scripts.extend(&policy.post_action);
        conditions.push(&policy.condition);
        if let PolicyAction::Script(script) = &policy.action {
            scripts.push(script);
        }
    }
    for one in conditions {
        if let Some(Condition::Script(script)) = one {
            scripts.push(script);
        }
    }
    scripts
}

/// Whether a script said yes, as its language understands it.
pub(crate) fn is_truthy(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(flag) => *flag,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(_) | Value::Object(_) => true,
    }
}
