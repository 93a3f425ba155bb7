//! A run while it is worked on: `taskscanner/RUN/live`, and what can be said to it. And taking up what failed in it.

use std::sync::Arc;

use host_model::scan::MAX_THREADS;
use host_resource::{Action, Content, Object, Problem};
use serde_json::{Value, json};

use super::parameters::only;
use crate::control::Control;
use crate::record::missing;
use crate::scanner::Scanner;
use crate::wire;

/// How the run goes just now.
pub(super) async fn live(scanner: &Scanner, run: &str) -> Result<Object, Problem> {
    let content = match scanner.at_work(run) {
        Some(live) => wire::now(&live, scanner.parts.clock.now()),
        None => {
            let record = scanner.record(run).await?.ok_or_else(|| missing(run))?;
            wire::then(&record, scanner.control(run).await?)
        }
    };
    Ok(Object {
        id: run.to_owned(),
        rev: None,
        content: Content::Json(content),
    })
}

/// `pause`, `resume` and `threads`.
pub(super) async fn say(scanner: &Scanner, run: &str, action: &Action) -> Result<Value, Problem> {
    let change: Box<dyn Fn(&mut Control) + Send + Sync> = match action.name.as_str() {
        "threads" => {
            only(action, &["numberOfThreads"])?;
            let threads = threads(action)?;
            Box::new(move |control| control.threads = Some(threads))
        }
        name => {
            only(action, &[])?;
            let paused = name == "pause";
            Box::new(move |control| control.paused = paused)
        }
    };
    let control = scanner.steer(run, &*change).await?.ok_or_else(|| missing(run))?;
    let mut said = json!({"_id": run, "status": "SUCCESS", "paused": control.paused});
    if let Some(threads) = control.threads {
        said["numberOfThreads"] = threads.into();
    }
    Ok(said)
}

fn threads(action: &Action) -> Result<u32, Problem> {
    let wrong = |given: &str| {
        Problem::bad_request(format!(
            "numberOfThreads must be a whole number from 1 to {MAX_THREADS}, not '{given}'"
        ))
        .with_detail("parameter", "numberOfThreads")
    };
    let given = action.parameter("numberOfThreads").ok_or_else(|| wrong(""))?;
    given
        .parse()
        .ok()
        .filter(|threads| (1..=MAX_THREADS).contains(threads))
        .ok_or_else(|| wrong(given))
}

/// A new run over what failed in this one.
pub(super) async fn retry(scanner: &Arc<Scanner>, run: &str, action: &Action) -> Result<Value, Problem> {
    only(action, &[])?;
    let (id, record) = scanner.retry(run).await?.ok_or_else(|| missing(run))?;
    if record.invoke_context["waitForCompletion"] == true {
        scanner.wait(&id).await;
    }
    let mut said = json!({"_id": &*id, "retries": run});
    let not_kept = scanner.record(&id).await?.and_then(|record| record.retries);
    if let Some(retry) = not_kept.filter(|retry| retry.not_kept > 0) {
        said["notKept"] = retry.not_kept.into();
    }
    Ok(said)
}
