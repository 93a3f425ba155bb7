//! The task scanner as a service that a schedule invokes.

use std::sync::Arc;

use async_trait::async_trait;
use host_model::job::{LogLevel, ServiceName};
use host_model::journal::Journal;
use host_model::run::RunId;
use host_model::service::{Invocation, Service};
use host_model::tenant::TenantName;
use host_resource::Problem;
use host_runtime::end::level;
use serde_json::{Value, json};

use crate::record::State;
use crate::scanner::{Order, Scanner};

/// The service `taskscanner`.
pub struct TaskScannerService(pub Arc<Scanner>);

#[async_trait]
impl Service for TaskScannerService {
    fn name(&self) -> ServiceName {
        ServiceName::TaskScanner
    }

    async fn validate(&self, _tenant: &TenantName, invoke_context: &Value) -> Result<(), Problem> {
        self.0.validate(invoke_context).await
    }

    /// Runs until the scan has ended, whatever `waitForCompletion` says: only so can the schedule keep two runs of the
    /// same job apart. The schedule's run id is the scan's, so that a second hand-over joins the first.
    async fn run(&self, invocation: Invocation, journal: &Journal) -> Result<Value, Problem> {
        let order = Order {
            id: Some(invocation.run.to_string()),
            name: if invocation.is_configured {
                format!("schedule/{}", invocation.job)
            } else {
                invocation.job.to_string()
            },
            invoke_context: invocation.invoke_context,
            is_analysis: false,
            log_level: level(invocation.log_level),
        };
        let id = self.0.start(order).await?;
        self.0.wait(&id).await;
        let record = self
            .0
            .record(&id)
            .await?
            .ok_or_else(|| Problem::internal(format!("the scan {id} was forgotten")))?;
        let progress = &record.progress;
        journal.line(
            LogLevel::Info,
            &format!(
                "the scan {id} is {}: {} successes, {} failures",
                record.state.name(),
                progress.successes,
                progress.failures
            ),
        );
        let fuel = record.usage.as_ref().and_then(|usage| usage["fuel"]["sum"].as_u64());
        journal.fuel(fuel.unwrap_or(0));
        if record.state == State::Cancelled {
            journal.cancelled();
        }
        match record.state {
            State::Error => Err(Problem::internal(
                record.message.unwrap_or_else(|| "the scan could not go on".to_owned()),
            )),
            State::Initialized | State::Active => Err(Problem::unavailable(
                "the host stops: the scan goes on at the next start",
            )),
            State::Completed | State::Cancelled => Ok(json!({
                "taskscanner": &*id,
                "state": record.state.name(),
                "successes": record.progress.successes,
                "failures": record.progress.failures,
            })),
        }
    }

    fn is_resumable(&self) -> bool {
        true
    }

    async fn cancel(&self, run: &RunId) -> bool {
        matches!(self.0.cancel(run.as_str()).await, Ok(Some(true)))
    }
}
