//! Reconciliation as a service that a schedule invokes: `{"action": "reconcile", "mapping": NAME}`.

use std::sync::Arc;

use async_trait::async_trait;
use host_model::Invalid;
use host_model::job::{LogLevel, ServiceName};
use host_model::journal::Journal;
use host_model::members::Members;
use host_model::run::RunId;
use host_model::service::{Invocation, Service};
use host_model::tenant::TenantName;
use host_resource::{Caller, Pointer, Problem};
use serde_json::{Value, json};

use crate::reconciler::{Ask, Reconciler};
use crate::record::{Kind, Stage};

/// The service `sync`.
pub struct SyncService(pub Arc<Reconciler>);

/// What a schedule may ask for; `recon` is the platform's other word.
const ACTIONS: [&str; 2] = ["reconcile", "recon"];

fn mapping_of(invoke_context: &Value) -> Result<String, Invalid> {
    let members = Members::of(invoke_context, Pointer::root().child("invokeContext"))?;
    members.only(&["action", "mapping", "persistAssociations", "analyze"])?;
    let action = members.require_text("action", "write \"reconcile\"")?;
    if !ACTIONS.contains(&action) {
        return Err(members.invalid("action", format!("unknown action '{action}': write \"reconcile\"")));
    }
    members.bool("persistAssociations", false)?;
    members.bool("analyze", false)?;
    Ok(members
        .require_text("mapping", "the name of a mapping of sync.json")?
        .to_owned())
}

#[async_trait]
impl Service for SyncService {
    fn name(&self) -> ServiceName {
        ServiceName::Sync
    }

    async fn validate(&self, _tenant: &TenantName, invoke_context: &Value) -> Result<(), Problem> {
        let mapping = mapping_of(invoke_context)?;
        let known = self.0.parts.mappings.set();
        if known.require(&mapping).is_err() {
            let names: Vec<&str> = known.specs.iter().map(|spec| spec.name.as_str()).collect();
            let hint = if names.is_empty() {
                "there are none".to_owned()
            } else {
                format!("known are {}", names.join(", "))
            };
            let message = format!("there is no mapping '{mapping}' in the configuration sync: {hint}");
            return Err(Problem::invalid("/invokeContext/mapping", message));
        }
        Ok(())
    }

    /// Runs until the reconciliation has ended, so that the schedule keeps two runs of the same job apart. The schedule's
    /// run id is the reconciliation's, so that a second hand-over joins the first.
    async fn run(&self, invocation: Invocation, journal: &Journal) -> Result<Value, Problem> {
        let mapping = mapping_of(&invocation.invoke_context)?;
        let flag = |name: &str| invocation.invoke_context[name] == true;
        let by = Caller::internal(invocation.tenant.as_str(), format!("Scheduled {}", invocation.job));
        let ask = Ask {
            id: Some(invocation.run.to_string()),
            mapping,
            kind: Kind::All,
            overrides: None,
            is_analysis: flag("analyze"),
            keeps_entries: flag("persistAssociations"),
            ignores_guard: false,
            by: Arc::new(by),
        };
        let id = self.0.start(ask).await?;
        self.0.wait(&id).await;
        let record = self
            .0
            .record(&id)
            .await?
            .ok_or_else(|| Problem::internal(format!("the reconciliation {id} was forgotten")))?;
        let (_, state, _) = record.stage.shown();
        let tally = &record.tally;
        let line = format!(
            "the reconciliation {id} of {} is {state}: {} successes, {} failures",
            record.mapping, tally.successes, tally.failures
        );
        journal.line(LogLevel::Info, &line);
        match record.stage {
            Stage::CompletedFailed => Err(Problem::internal(
                record
                    .message
                    .unwrap_or_else(|| "the reconciliation could not go on".to_owned()),
            )),
            Stage::CompletedCanceled | Stage::CompletedSuccess => {
                if record.stage == Stage::CompletedCanceled {
                    journal.cancelled();
                }
                Ok(json!({"recon": &*id, "state": state, "successes": tally.successes, "failures": tally.failures}))
            }
            Stage::ActiveInitialized
            | Stage::ActiveQueryEntries
            | Stage::ActiveReconcilingSource
            | Stage::ActiveReconcilingTarget
            | Stage::ActiveLinkCleanup
            | Stage::ActiveProcessingResults
            | Stage::ActiveCanceling => Err(Problem::unavailable(
                "the host stops: the reconciliation goes on at the next start",
            )),
        }
    }

    fn is_resumable(&self) -> bool {
        true
    }

    async fn cancel(&self, run: &RunId) -> bool {
        matches!(self.0.cancel(run.as_str()).await, Ok(Some(true)))
    }
}
