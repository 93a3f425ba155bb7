//! The properties of a mapping, applied to a target object. Behaviour 5.2.

use host_model::mapping::{Hook, PropertySpec};
use host_model::policy::Condition;
use host_resource::Problem;
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
                property.write(value, scope.target()).map_err(|error| {
                    Problem::bad_request(format!("'{}' cannot be written: {error}", property.target))
                })?;
            }
        }
        let mut target = scope.into_target();
        self.default_mapping(&mut target).await?;
        Ok(target)
    }

    async fn is_wanted(&self, property: &PropertySpec, scope: &Scope) -> Result<bool, Problem> {
        match &property.condition {
            None => Ok(true),
            Some(Condition::Filter(filter)) => Ok(filter.matches(&scope.0)),
            Some(Condition::Script(script)) => {
                let evaluation = self
                    .evaluation(script)
                    .bind_text("object", script::text(self.source.as_deref()))
                    .bind_text("oldSource", script::text(self.old_source.as_deref()))
                    .bind("target", scope.member("target"))
                    .bind("oldTarget", scope.member("oldTarget"));
                let value = self.run("propertyMappingConditionScript", script, evaluation).await?;
                Ok(is_truthy(&value.into_value()))
            }
        }
    }

    async fn value_of(&self, property: &PropertySpec, scope: &Scope) -> Result<Value, Problem> {
        let value = property.value(scope.member("object"));
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

/// What the conditions of properties look at; the target in it is the one that is being made.
struct Scope(Value);

impl Scope {
    fn new(turn: &Turn<'_>, target: Value) -> Self {
        let spec = &turn.work.mapping.spec;
        let looks = |property: &PropertySpec| matches!(property.condition, Some(Condition::Filter(_)));
        let shown = |shown: Option<&super::Shown>| shown.map_or(Value::Null, |shown| shown.value.clone());
        let mut members = Map::new();
        members.insert("object".to_owned(), shown(turn.source.as_deref()));
        if spec.properties.iter().any(looks) {
            members.insert("linkQualifier".to_owned(), turn.qualifier.clone().into());
            members.insert("oldSource".to_owned(), shown(turn.old_source.as_deref()));
            members.insert("oldTarget".to_owned(), turn.target.clone().unwrap_or(Value::Null));
        }
        members.insert("target".to_owned(), target);
        Self(Value::Object(members))
    }

    fn member(&self, name: &str) -> &Value {
        &self.0[name]
    }

    fn target(&mut self) -> &mut Value {
        &mut self.0["target"]
    }

    fn into_target(mut self) -> Value {
        self.0["target"].take()
    }
}
