//! The moments at which a type's scripts run, and what these find.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use host_model::evaluate::{Evaluate, Evaluation};
use host_resource::{Caller, Context, Problem};
use host_store::UnitOfWork;
use serde_json::{Value, json};

use super::live::LiveType;

/// A moment in the life of an object (behaviour 8.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moment {
    OnCreate,
    PostCreate,
    OnRead,
    OnRetrieve,
    OnQueryResult,
    OnUpdate,
    PostUpdate,
    OnDelete,
    PostDelete,
    OnValidate,
    OnStore,
    OnSync,
}

/// The moments, by the names of their hooks in a type.
pub(super) const MOMENTS: [(&str, Moment); 12] = [
    ("onCreate", Moment::OnCreate),
    ("postCreate", Moment::PostCreate),
    ("onRead", Moment::OnRead),
    ("onRetrieve", Moment::OnRetrieve),
    ("onQueryResult", Moment::OnQueryResult),
    ("onUpdate", Moment::OnUpdate),
    ("postUpdate", Moment::PostUpdate),
    ("onDelete", Moment::OnDelete),
    ("postDelete", Moment::PostDelete),
    ("onValidate", Moment::OnValidate),
    ("onStore", Moment::OnStore),
    ("onSync", Moment::OnSync),
];

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = MOMENTS
            .iter()
            .find(|(_, moment)| moment == self)
            .map_or("?", |(name, _)| name);
        f.write_str(name)
    }
}

/// What surrounds the scripts of one operation on one object.
pub(super) struct Occasion<'a> {
    pub(super) live: &'a LiveType,
    /// The house, on behalf of who asked, within the unit of work.
    context: Context,
    /// The path of the object.
    path: String,
    about: String,
    request: String,
}

impl<'a> Occasion<'a> {
    /// Scripts of the configuration belong to the tenant, so they may do everything in it, whoever makes them run.
    pub(super) fn new(
        context: &Context,
        unit: &Arc<UnitOfWork>,
        live: &'a LiveType,
        path: String,
        method: &str,
    ) -> Self {
        let caller = Caller::internal(
            Arc::clone(&context.caller.tenant),
            format!("Hooks of managed/{}", live.definition.name),
        );
        let about = json!({
            "security": {"authenticationId": *context.caller.name},
            "caller": {"external": context.caller.is_external},
            "current": {"name": "managed"},
        });
        let request = json!({"method": method, "resourcePath": path});
        Self {
            live,
            context: context.clone().by(Arc::new(caller)).within(Arc::clone(unit)),
            path,
            about: about.to_string(),
            request: request.to_string(),
        }
    }

    /// The context that scripts run in.
    pub(super) fn context(&self) -> &Context {
        &self.context
    }

    /// An evaluation for what happens at a moment, with what every script finds.
    pub(super) fn evaluation(&self, what: impl fmt::Display) -> Evaluation<'_> {
        Evaluation::new(format!("managed/{} {what}", self.live.definition.name))
            .bind_text("context", Cow::Borrowed(self.about.as_str()))
            .bind_text("request", Cow::Borrowed(self.request.as_str()))
            .bind("resourceName", &Value::from(self.path.as_str()))
    }

    /// What a script of the type makes of an object at a moment; the object itself when there is no script. The others
    /// are further variables.
    pub(super) async fn change(
        &self,
        moment: Moment,
        object: Value,
        others: &[(&'static str, &Value)],
    ) -> Result<Value, Problem> {
        let Some(script) = self.live.script(moment) else {
            return Ok(object);
        };
        let mut evaluation = self.evaluation(moment).bind("object", &object).wanting(&["object"]);
        for (name, value) in others {
            evaluation = evaluation.bind(*name, value);
        }
        let changed = script.evaluate(&self.context, evaluation).await?.take("object");
        match changed {
            None => Ok(object),
            Some(changed @ Value::Object(_)) => Ok(changed),
            Some(_) => Err(Problem::internal(format!(
                "managed/{} {moment}: the script left a variable 'object' that is no object",
                self.live.definition.name
            ))),
        }
    }

    /// Runs a script of the type at a moment for its effects.
    pub(super) async fn happen(&self, moment: Moment, variables: &[(&'static str, &Value)]) -> Result<Value, Problem> {
        match self.live.script(moment) {
            None => Ok(Value::Null),
            Some(script) => self.value(script, moment, variables).await,
        }
    }

    /// The value of a script.
    pub(super) async fn value(
        &self,
        script: &Arc<dyn Evaluate>,
        what: impl fmt::Display,
        variables: &[(&'static str, &Value)],
    ) -> Result<Value, Problem> {
        let mut evaluation = self.evaluation(what);
        for (name, value) in variables {
            evaluation = evaluation.bind(*name, value);
        }
        Ok(script.evaluate(&self.context, evaluation).await?.into_value())
    }
}
