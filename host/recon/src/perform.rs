//! `sync?_action=performAction`: somebody from outside carries out an action, as the action ASYNC left it to them.

use std::sync::Arc;

use host_model::policy::Action;
use host_model::situation::Situation;
use host_resource::{Context, Problem};
use serde_json::{Value, json};

use crate::audit;
use crate::entry::{Entry, Seen, exception_message};
use crate::implicit::{Synchronizer, unit_of};
use crate::request::{flag, known};
use crate::turn::{Choice, Shown, Turn};

const KNOWN: [&str; 9] = [
    "mapping",
    "action",
    "sourceId",
    "targetId",
    "target",
    "linkQualifier",
    "situation",
    "reconId",
    "ignorePostAction",
];

/// What is asked for.
pub(crate) struct Perform {
    mapping: String,
    action: Action,
    /// A source object, or a target object.
    object: Result<String, String>,
    qualifier: String,
    /// What the object must be in.
    situation: Situation,
    ignores_post_action: bool,
}

impl Perform {
    /// Reads a request.
    pub(crate) fn parse(action: &host_resource::Action) -> Result<Self, Problem> {
        known(action, &KNOWN)?;
        let given = |name: &str| {
            action
                .parameter(name)
                .filter(|text| !text.is_empty())
                .map(str::to_owned)
        };
        let required =
            |name: &str| given(name).ok_or_else(|| Problem::bad_request(format!("The parameter '{name}' is missing")));
        let (name, situation) = (required("action")?, required("situation")?);
        let object = if flag(action, "target")? {
            Err(required("targetId")?)
        } else {
            Ok(required("sourceId")?)
        };
        Ok(Self {
            mapping: required("mapping")?,
            action: Action::of_name(&name).ok_or_else(|| Problem::bad_request(format!("'{name}' is not an action")))?,
            object,
            qualifier: given("linkQualifier").unwrap_or_else(|| host_model::mapping::DEFAULT_QUALIFIER.to_owned()),
            situation: Situation::of_name(&situation)
                .ok_or_else(|| Problem::bad_request(format!("'{situation}' is not a situation")))?,
            ignores_post_action: flag(action, "ignorePostAction")?,
        })
    }
}

impl Synchronizer {
    /// Carries an action out in the unit of work of the context, if the object is still in the situation.
    pub(crate) async fn perform(&self, context: &Context, perform: &Perform) -> Result<Value, Problem> {
        let set = self.mappings.set();
        let mapping = set.require(&perform.mapping)?;
        let work = self.work(context, mapping, false)?;
        let unit = unit_of(context)?;
        let asked = context;
        let context = asked.clone().by(Arc::clone(&work.caller));
        let qualifier = perform.qualifier.clone();
        let missing = |id: &str| Problem::not_found(mapping.target.path_of(id));
        let (mut turn, situation) = match &perform.object {
            Ok(id) => {
                let source = mapping.source.read(&work.router, &context, id).await?;
                let is_there = source.is_some();
                let source = source.map(|value| Arc::new(Shown::new(value)));
                let mut turn = Turn::of_source(&work, context, Arc::clone(&unit), qualifier, id, source);
                let situation = if is_there {
                    turn.assess_source().await?
                } else {
                    turn.assess_deleted().await?
                };
                (turn, situation)
            }
            Err(id) => {
                let target = mapping.target.read(&work.router, &context, id).await?;
                let target = target.ok_or_else(|| missing(id))?;
                let mut turn = Turn::of_target(&work, context, Arc::clone(&unit), qualifier, target);
                turn.look_for_source().await?;
                let situation = turn.assess_target().await?;
                (turn, situation)
            }
        };
        if situation != perform.situation {
            return Err(Problem::conflict(format!(
                "the object is in the situation {situation} now, not in {}: nothing was done",
                perform.situation
            )));
        }
        if perform.action == Action::Exception {
            return Err(Problem::conflict(exception_message(situation)));
        }
        turn.act(perform.action).await?;
        if !perform.ignores_post_action {
            let choice = Choice {
                action: perform.action,
                post_action: turn.choose(situation).await?.post_action,
            };
            turn.post_action(&choice).await?;
        }
        let entry = Entry::of_turn(turn, Some(perform.action), None, Seen::default());
        audit::synced(&work, &unit, asked, &[entry]).await?;
        Ok(json!({"status": "OK"}))
    }
}
