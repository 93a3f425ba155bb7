//! `scheduler/waitingTriggers` and `scheduler/acquiredTriggers`: the ids of the triggers that wait for their time, and of
//! those that a node has taken up.

use host_resource::{Content, Object};
use serde_json::{Map, Value, json};

use super::Scheduler;
use super::walk::Walk;
use crate::error::Error;
use crate::shelf;
use crate::wire;

/// Names in a list at most; who wants more asks `scheduler/trigger`, which has pages.
const MAX_NAMES: usize = 10_000;

impl Scheduler {
    /// The triggers that wait for their time, in the order of their names.
    pub(crate) async fn waiting_triggers(&self) -> Result<Object, Error> {
        let mut walk = Walk::new(&self.0.shelves, shelf::triggers(), None, None, MAX_NAMES);
        let mut names = Vec::new();
        while names.len() < MAX_NAMES
            && let Some(found) = walk.next().await?
        {
            let job = found.document.id.parse()?;
            let is_waiting = shelf::read_trigger(&found.document)?.record.is_waiting();
            if is_waiting && !self.0.board().sight(&job).is_acquired {
                names.push(wire::trigger_id(&job));
            }
        }
        Ok(list("waitingTriggers", json!({ "names": names })))
    }

    /// The triggers that this node has taken up, under the node's name.
    pub(crate) fn acquired_triggers(&self) -> Object {
        let jobs = self.0.board().acquired();
        let names: Vec<String> = jobs.iter().take(MAX_NAMES).map(wire::trigger_id).collect();
        let mut of_node = Map::new();
        of_node.insert(self.0.settings.node.clone(), json!(names));
        list("acquiredTriggers", Value::Object(of_node))
    }
}

fn list(id: &str, content: Value) -> Object {
    Object {
        id: id.to_owned(),
        rev: None,
        content: Content::Json(content),
    }
}
