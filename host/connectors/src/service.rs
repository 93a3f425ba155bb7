//! `provisioner` as a service that a schedule invokes: `{"action": "liveSync", "source": "system/ldap/account"}`.

use std::sync::Arc;

use async_trait::async_trait;
use host_model::Invalid;
use host_model::job::{LogLevel, ServiceName};
use host_model::journal::Journal;
use host_model::members::Members;
use host_model::service::{Invocation, Service};
use host_model::tenant::TenantName;
use host_resource::{Caller, Context, Pointer, Problem};
use serde_json::{Value, json};

use crate::live_sync::Source;
use crate::systems::Systems;

/// The service `provisioner`.
#[derive(Debug)]
pub struct ProvisionerService(pub Arc<Systems>);

fn parse(invoke_context: &Value) -> Result<(Source, bool), Invalid> {
    let members = Members::of(invoke_context, Pointer::from_elements(["invokeContext"]))?;
    members.only(&["action", "source", "detailedFailure"])?;
    let action = members.require_text("action", "liveSync")?;
    if !["livesync", "activesync"].contains(&action.to_ascii_lowercase().as_str()) {
        return Err(members.invalid(
            "action",
            format!("unknown action '{action}': the provisioner has liveSync"),
        ));
    }
    let source = members.require_text("source", "whose changes are read, such as system/ldap/account")?;
    let source = Source::parse(source).map_err(|message| members.invalid("source", message))?;
    Ok((source, members.bool("detailedFailure", false)?))
}

#[async_trait]
impl Service for ProvisionerService {
    fn name(&self) -> ServiceName {
        ServiceName::Provisioner
    }

    /// The system need not be configured yet.
    async fn validate(&self, _tenant: &TenantName, invoke_context: &Value) -> Result<(), Problem> {
        parse(invoke_context)?;
        Ok(())
    }

    async fn run(&self, invocation: Invocation, journal: &Journal) -> Result<Value, Problem> {
        let (source, is_detailed) = parse(&invocation.invoke_context)?;
        let caller = Caller::internal(invocation.tenant.as_str(), format!("Scheduled {}", invocation.job));
        let context = Context::new(Arc::new(caller), invocation.run.to_string());
        let outcome = self.0.live_sync(&context, &source, is_detailed).await?;
        let mut result = Vec::new();
        for one in outcome.types {
            let summary = json!({
                "source": one.source, "handedOver": one.handed_over, "leftOut": one.left_out, "failure": one.trouble
            });
            if let Some(cause) = one.trouble {
                journal.line(LogLevel::Error, &format!("{}: {cause}", one.source));
                return Err(Problem::internal(format!(
                    "liveSync of '{}' stopped at a change that was not handed over: {cause}",
                    one.source
                ))
                .with_detail("liveSync", summary));
            }
            let line = format!(
                "{}: {} changes handed over, {} left out",
                one.source, one.handed_over, one.left_out
            );
            journal.line(LogLevel::Info, &line);
            result.push(summary);
        }
        Ok(Value::Array(result))
    }
}
