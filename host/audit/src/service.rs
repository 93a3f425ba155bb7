//! A service whose runs are in the audit: each is an access by its schedule (behaviour 2.9).

use std::sync::Arc;

use async_trait::async_trait;
use host_model::audit::{Audit, Event, Topic};
use host_model::clock::Clock;
use host_model::job::ServiceName;
use host_model::journal::Journal;
use host_model::run::RunId;
use host_model::service::{Invocation, Service};
use host_model::tenant::TenantName;
use host_resource::Problem;
use serde_json::{Map, Value, json};

use crate::entry::bounded;

/// A longer message of a run that failed is cut.
const MAX_MESSAGE: usize = 2048;

/// A service whose runs are in the audit.
pub struct AuditedService {
    /// What does the work.
    pub service: Arc<dyn Service>,
    /// Where it is told.
    pub audit: Arc<dyn Audit>,
    /// Where the time comes from.
    pub clock: Arc<dyn Clock>,
}

#[async_trait]
impl Service for AuditedService {
    fn name(&self) -> ServiceName {
        self.service.name()
    }

    async fn validate(&self, tenant: &TenantName, invoke_context: &Value) -> Result<(), Problem> {
        self.service.validate(tenant, invoke_context).await
    }

    async fn run(&self, invocation: Invocation, journal: &Journal) -> Result<Value, Problem> {
        if !self.audit.wants_access(true) {
            return self.service.run(invocation, journal).await;
        }
        let (job, run) = (invocation.job.clone(), invocation.run.clone());
        let began = self.clock.now();
        let answer = self.service.run(invocation, journal).await;
        let elapsed = (self.clock.now() - began).num_milliseconds();
        let mut response = json!({
            "status": if answer.is_ok() { "SUCCESSFUL" } else { "FAILED" },
            "statusCode": answer.as_ref().err().map(|problem| problem.code.number().to_string()),
            "elapsedTime": elapsed,
            "elapsedTimeUnits": "MILLISECONDS",
        });
        if let Err(problem) = &answer {
            response["detail"] = json!({"reason": &*bounded(&problem.message, MAX_MESSAGE)});
        }
        let task = format!("scheduler-service-group.{job}");
        let request = json!({"protocol": "CREST", "operation": "ScheduledTask", "detail": {"taskName": task}});
        let mut members = Map::new();
        members.insert("request".to_owned(), request);
        members.insert("response".to_owned(), response);
        members.insert("roles".to_owned(), json!(["system"]));
        members.insert("component".to_owned(), json!("scheduler"));
        self.audit.note(Event {
            topic: Topic::Access,
            name: "access",
            transaction: run.as_str().into(),
            user: Some(format!("Scheduled {job}").into()),
            members,
        });
        answer
    }

    async fn cancel(&self, run: &RunId) -> bool {
        self.service.cancel(run).await
    }

    fn is_resumable(&self) -> bool {
        self.service.is_resumable()
    }
}
