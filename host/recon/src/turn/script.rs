//! The variables that a mapping's scripts find. Behaviour 7.4.

use std::borrow::Cow;

use host_model::evaluate::{Evaluated, Evaluation};
use host_model::mapping::Hook;
use host_model::policy::Scripted;
use host_resource::Problem;
use serde_json::Value;

use super::{Shown, Turn};

/// The text of an object that may not be there.
pub(super) fn text(shown: Option<&Shown>) -> Cow<'_, str> {
    shown.map_or(Cow::Borrowed("null"), |shown| Cow::Borrowed(shown.text()))
}

impl Turn<'_> {
    /// An evaluation that knows the source object and the qualifier.
    pub(super) fn evaluation(&self, script: &Scripted) -> Evaluation<'_> {
        Evaluation::new(self.work.mapping.subject(script))
            .bind_text("source", text(self.source.as_deref()))
            .bind("linkQualifier", &Value::String(self.qualifier.clone()))
    }

    /// The same with all that hooks know.
    pub(super) fn of_hook(&self, script: &Scripted, target: &Value) -> Evaluation<'_> {
        let id = |id: &Option<String>| id.clone().map_or(Value::Null, Value::String);
        let situation = self.situation.map_or(Value::Null, |situation| situation.name().into());
        self.evaluation(script)
            .bind("target", target)
            .bind("situation", &situation)
            .bind("sourceId", &id(&self.source_id))
            .bind("targetId", &id(&self.target_id))
            .bind("context", &self.work.shown_context())
            .bind("mappingConfig", &self.work.mapping.spec.written)
            .bind_text("oldSource", text(self.old_source.as_deref()))
    }

    /// Evaluates a script and remembers how long that took.
    pub(super) async fn run(
        &self,
        what: &'static str,
        script: &Scripted,
        evaluation: Evaluation<'_>,
    ) -> Result<Evaluated, Problem> {
        let work = self.work;
        work.timed(what, work.mapping.evaluate(script, &self.context, evaluation))
            .await
    }

    /// The script of a moment, if the mapping has one: for what it does, with what it makes of the target object.
    pub(super) async fn hook(&self, hook: Hook, metric: &'static str, target: &mut Value) -> Result<(), Problem> {
        let Some(script) = self.work.mapping.hook(hook) else {
            return Ok(());
        };
        let evaluation = self.of_hook(script, target);
        let evaluation = match (hook, &self.target) {
            (Hook::OnUpdate | Hook::OnDelete, Some(old)) => evaluation.bind("oldTarget", old),
            _ => evaluation,
        };
        let mut evaluated = self.run(metric, script, evaluation.wanting(&["target"])).await?;
        match evaluated.take("target") {
            None => Ok(()),
            Some(made @ Value::Object(_)) => {
                *target = made;
                Ok(())
            }
            Some(_) => Err(Problem::internal(format!(
                "{}: the script made something else than an object of the target",
                self.work.mapping.subject(script)
            ))),
        }
    }

    /// The script of a moment whose effect is all that counts.
    pub(super) async fn tell(&self, hook: Hook, metric: &'static str) -> Result<(), Problem> {
        let Some(script) = self.work.mapping.hook(hook) else {
            return Ok(());
        };
        let target = self.target.as_ref().unwrap_or(&Value::Null);
        let evaluation = self.of_hook(script, target);
        self.run(metric, script, evaluation).await.map(drop)
    }
}
