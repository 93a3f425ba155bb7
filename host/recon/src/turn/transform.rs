//! The properties of a mapping, applied to a target object. Behaviour 5.2.

use host_model::mapping::{Hook, PropertySpec};
use host_model::policy::Condition;
use host_resource::{Filter, Problem};
use serde_json::{Map, Value};

use super::{Turn, script};
use crate::mapping::is_truthy;

impl Turn<'_> {
    /// What the mapping makes of a target object: its properties in order, then `defaultMapping`.
    pub(super) async fn mapped(&self, target: Value) -> Result<Value, Problem> {
        let mut scope = Scope::new(self, target);
        for property in &self.work.mapping.spec.properties {
            if self.is_wanted(property, &scope).await? {
                let value = self.value_of(property, &scope).await?;
                property.write(value, scope.target_mut()).map_err(|error| {
                    Problem::bad_request(format!("'{}' cannot be written: {error}", property.target))
                })?;
            }
        }
        let mut target = scope.into_target();
        self.default_mapping(&mut target).await?;
        Ok(target)
    }

    async fn is_wanted(&self, property: &PropertySpec, scope: &Scope<'_>) -> Result<bool, Problem> {
        match &property.condition {
            None => Ok(true),
            Some(Condition::Filter(filter)) => Ok(scope.matches(filter)),
            Some(Condition::Script(script)) => {
                let evaluation = self
                    .evaluation(script)
                    .bind_text("object", script::text(self.source.as_deref()))
                    .bind_text("oldSource", script::text(self.old_source.as_deref()))
                    .bind("target", scope.target())
                    .bind("oldTarget", self.target.as_ref().unwrap_or(&Value::Null));
                let value = self.run("propertyMappingConditionScript", script, evaluation).await?;
                Ok(is_truthy(&value.into_value()))
            }
        }
    }

    async fn value_of(&self, property: &PropertySpec, scope: &Scope<'_>) -> Result<Value, Problem> {
        let value = property.value(scope.source);
        let Some(script) = &property.transform else {
            return Ok(value.clone());
        };
        let evaluation = host_model::evaluate::Evaluation::new(self.work.mapping.subject(script))
            .bind("source", value)
            .bind("linkQualifier", &Value::String(self.qualifier.clone()));
        match self.run("propertyMappingScript", script, evaluation).await {
            Ok(value) => Ok(value.into_value()),
            // The text is compatibility: behaviour 5.2.
            Err(problem) => Err(Problem {
                message: format!("Transformation script error : {}", problem.message),
                ..problem
            }),
        }
    }

    async fn default_mapping(&self, target: &mut Value) -> Result<(), Problem> {
        let Some(script) = self.work.mapping.hook(Hook::DefaultMapping) else {
            return Ok(());
        };
        let evaluation = self
            .evaluation(script)
            .bind_text("oldSource", script::text(self.old_source.as_deref()))
            .bind("target", target)
            .bind("existingTarget", self.target.as_ref().unwrap_or(&Value::Null))
            .bind("config", &self.work.mapping.spec.written)
            .wanting(&["target"]);
        let mut evaluated = self.run("defaultMappingScript", script, evaluation).await?;
        if let Some(made @ Value::Object(_)) = evaluated.take("target") {
            *target = made;
        }
        Ok(())
    }
}

/// The source object and the target object that is being made of it; and together with them, where a condition is a filter,
/// what filters look at.
struct Scope<'a> {
    source: &'a Value,
    /// The target object, or an object that has it as a member.
    made: Value,
    is_looked_at: bool,
}

impl<'a> Scope<'a> {
    fn new(turn: &'a Turn<'_>, target: Value) -> Self {
        let spec = &turn.work.mapping.spec;
        let looks = |property: &PropertySpec| matches!(property.condition, Some(Condition::Filter(_)));
        let is_looked_at = spec.properties.iter().any(looks);
        let shown = |shown: Option<&'a super::Shown>| shown.map_or(&Value::Null, |shown| &shown.value);
        let source = shown(turn.source.as_deref());
        if !is_looked_at {
            return Self {
                source,
                made: target,
                is_looked_at,
            };
        }
        let mut members = Map::new();
        members.insert("object".to_owned(), source.clone());
        members.insert("linkQualifier".to_owned(), turn.qualifier.clone().into());
        members.insert("oldSource".to_owned(), shown(turn.old_source.as_deref()).clone());
        members.insert("oldTarget".to_owned(), turn.target.clone().unwrap_or(Value::Null));
        members.insert("target".to_owned(), target);
        Self {
            source,
            made: Value::Object(members),
            is_looked_at,
        }
    }

    fn matches(&self, filter: &Filter) -> bool {
        filter.matches(&self.made)
    }

    fn target(&self) -> &Value {
        if self.is_looked_at {
            &self.made["target"]
        } else {
            &self.made
        }
    }

    fn target_mut(&mut self) -> &mut Value {
        if self.is_looked_at {
            &mut self.made["target"]
        } else {
            &mut self.made
        }
    }

    fn into_target(mut self) -> Value {
        self.target_mut().take()
    }
}
