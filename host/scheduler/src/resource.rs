//! The resources of the scheduler, one for each path.

mod job;
mod record;
mod scheduler;
mod trigger;

use host_resource::{Action, ApiVersion, Problem, ResourcePath};
use serde_json::{Value, json};

use crate::scheduler::Scheduler;

pub use job::JobResource;
pub use record::{OccurrenceResource, RunResource, StatisticsResource};
pub use scheduler::SchedulerResource;
pub use trigger::TriggerResource;

/// The versions of the interface. The second one brought `trigger`, `pause` and `resume`.
pub const VERSIONS: &[ApiVersion] = &[ApiVersion { major: 1, minor: 0 }, ApiVersion { major: 2, minor: 0 }];

/// What a path below a collection's mount names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place<'a> {
    Collection,
    Instance(&'a str),
}

fn place(path: &ResourcePath) -> Result<Place<'_>, Problem> {
    match (path.len(), path.element(0)) {
        (0, _) => Ok(Place::Collection),
        (1, Some(id)) => Ok(Place::Instance(id)),
        _ => Err(Problem::not_found(path)),
    }
}

fn below_scheduler(path: &ResourcePath) -> ResourcePath {
    let mount = std::iter::once("scheduler");
    ResourcePath::from_elements(mount.chain(path.elements()))
}

fn no_instance(verb: &str) -> Problem {
    Problem::bad_request(format!("{verb} is for the whole collection, not for one of it"))
}

fn no_collection(verb: &str) -> Problem {
    Problem::bad_request(format!("{verb} is for one of the collection, so the path needs an id"))
}

fn unknown_action(name: &str) -> Problem {
    Problem::bad_request(format!("Unknown action given: {name}"))
}

/// The actions that are about no single job.
async fn act_on_all(scheduler: &Scheduler, action: Action) -> Result<Option<Value>, Problem> {
    let content = action.content.as_ref();
    Ok(Some(match action.name.as_str() {
        "validateQuartzCronExpression" => crate::expression::validate(content),
        "previewQuartzCronExpression" => scheduler.preview(content)?,
        "listCurrentlyExecutingJobs" => scheduler.executing(),
        "pauseJobs" => {
            scheduler.pause_all().await?;
            json!({"success": true})
        }
        "resumeJobs" => {
            scheduler.resume_all().await?;
            json!({"success": true})
        }
        other => return Err(unknown_action(other)),
    }))
}
