//! The action for a situation: the first policy whose condition holds, or the default. Behaviour 5.4.

use host_model::policy::{Action, Condition, PolicyAction, PolicySpec, Scripted};
use host_model::situation::Situation;
use host_resource::Problem;
use serde_json::{Value, json};

use super::{Side, Turn};
use crate::mapping::is_truthy;

/// What is to be done.
#[derive(Clone, Debug)]
pub(crate) struct Choice {
    pub(crate) action: Action,
    /// What runs behind it.
    pub(crate) post_action: Option<Scripted>,
}

impl Turn<'_> {
    /// What is to be done in this situation.
    pub(crate) async fn choose(&self, situation: Situation) -> Result<Choice, Problem> {
        let policies = &self.work.mapping.spec.policies;
        let mut first: Option<&PolicySpec> = None;
        for policy in policies.iter().filter(|policy| policy.situation == situation) {
            first = first.or(Some(policy));
            if self.holds(policy).await? {
                return Ok(Choice {
                    action: self.named(policy, situation).await?,
                    post_action: policy.post_action.clone(),
                });
            }
        }
        Ok(Choice {
            action: situation.default_action(),
            post_action: first.and_then(|policy| policy.post_action.clone()),
        })
    }

    async fn holds(&self, policy: &PolicySpec) -> Result<bool, Problem> {
        match &policy.condition {
            None => Ok(true),
            Some(Condition::Filter(filter)) => {
                let source = self.source.as_deref().map_or(Value::Null, |shown| shown.value.clone());
                Ok(filter.matches(&json!({"object": source, "linkQualifier": self.qualifier})))
            }
            Some(Condition::Script(script)) => {
                let object = super::script::text(self.source.as_deref());
                let evaluation = self.evaluation(script).bind_text("object", object);
                let value = self.run("activePolicyConditionScript", script, evaluation).await?;
                Ok(is_truthy(&value.into_value()))
            }
        }
    }

    async fn named(&self, policy: &PolicySpec, situation: Situation) -> Result<Action, Problem> {
        let script = match &policy.action {
            PolicyAction::Named(action) => return Ok(*action),
            PolicyAction::Script(script) => script,
        };
        let param = json!({
            "reconId": &*self.work.id,
            "mapping": self.work.mapping.spec.name,
            "situation": situation.name(),
            "action": situation.default_action().name(),
            "sourceId": self.source_id,
            "targetId": self.target_id,
            "linkQualifier": self.qualifier,
            "ambiguousTargetIds": self.candidates,
            "_action": "performAction",
        });
        let evaluation = self
            .evaluation(script)
            .bind("target", self.target.as_ref().unwrap_or(&Value::Null))
            .bind("sourceAction", &Value::Bool(self.side == Side::Source))
            .bind("recon", &json!({"actionParam": param}));
        let answer = self.run("activePolicyScript", script, evaluation).await?.into_value();
        // The texts are compatibility: behaviour 5.4.
        match &answer {
            Value::Null => Err(Problem::internal("action script returned null value")),
            Value::String(name) => Action::of_name(name)
                .ok_or_else(|| Problem::internal(format!("action script returned invalid action '{name}'"))),
            _ => Err(Problem::internal("action script returned invalid action")),
        }
    }

    /// What runs behind an action.
    pub(crate) async fn post_action(&self, choice: &Choice) -> Result<(), Problem> {
        let Some(script) = choice.post_action.as_ref().filter(|_| choice.action.has_post_action()) else {
            return Ok(());
        };
        let situation = self.situation.map_or(Value::Null, |situation| situation.name().into());
        let recon_id = self
            .work
            .recon_action
            .map_or(Value::Null, |_| Value::from(&*self.work.id));
        let evaluation = self
            .evaluation(script)
            .bind("target", self.target.as_ref().unwrap_or(&Value::Null))
            .bind("action", &Value::from(choice.action.name()))
            .bind("sourceAction", &Value::Bool(self.side == Side::Source))
            .bind("situation", &situation)
            .bind("reconId", &recon_id);
        self.run("activePolicyPostActionScript", script, evaluation)
            .await
            .map(drop)
    }
}
