//! The service `script`: a schedule runs a free-standing script. Its effects are one commit.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use host_model::clock::Clock;
use host_model::job::ServiceName;
use host_model::journal::Journal;
use host_model::limits::Limits;
use host_model::run::RunId;
use host_model::script::ScriptSpec;
use host_model::service::{Invocation, Service};
use host_model::tenant::TenantName;
use host_resource::{Caller, Context, LateRouter, Pointer, Problem};
use host_store::document::texts;
use host_store::unit_of_work::{UnitOfWork, WriteLimits};
use host_store::{Collection, CommitError, Key, Overlay, TenantStore};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::sync::{Notify, watch};

use crate::end::{End, Outcome, level, log_level, trace};
use crate::pool::Pool;
use crate::properties::Properties;
use crate::runtime::Runtime;
use crate::script::{Inputs, Purpose, Script, Scripts};
use crate::surroundings::Surroundings;

/// How often a script whose documents others changed meanwhile is run again.
const ATTEMPTS: usize = 5;

/// Runs whose effects are remembered for each job: enough for all that can be under way at a time.
const REMEMBERED: usize = 32;

/// The service `script`.
pub struct ScriptService {
    store: TenantStore,
    clock: Arc<dyn Clock>,
    runtime: Arc<Runtime>,
    pool: Arc<Pool>,
    scripts: Arc<Scripts>,
    router: LateRouter,
    properties: Properties,
    live: Mutex<HashMap<RunId, Arc<Live>>>,
}

/// A run that goes on.
#[derive(Default)]
struct Live {
    stop: Notify,
    /// Once it is over: whether it was stopped.
    fate: watch::Sender<Option<bool>>,
}

impl ScriptService {
    /// The service for one tenant.
    pub fn new(
        store: TenantStore,
        clock: Arc<dyn Clock>,
        runtime: Arc<Runtime>,
        pool: Arc<Pool>,
        scripts: Arc<Scripts>,
        router: LateRouter,
        properties: Properties,
    ) -> Self {
        Self {
            store,
            clock,
            runtime,
            pool,
            scripts,
            router,
            properties,
            live: Mutex::default(),
        }
    }

    async fn prepare(&self, invoke_context: &Value) -> Result<(Arc<Script>, String), Problem> {
        let members = invoke_context
            .as_object()
            .ok_or_else(|| Problem::invalid("/invokeContext", "must be an object"))?;
        for name in members.keys() {
            if name != "script" && name != "input" {
                let message = "unknown property; known here are script, input";
                return Err(Problem::invalid(format!("/invokeContext/{name}"), message));
            }
        }
        let script = members
            .get("script")
            .ok_or_else(|| Problem::invalid("/invokeContext/script", "is missing"))?;
        let pointer = Pointer::root().child("invokeContext").child("script");
        let spec = ScriptSpec::parse(script, pointer)?;
        let script = self
            .scripts
            .prepare(&spec, Purpose::Script, "/invokeContext/script")
            .await?;
        let input = members.get("input").unwrap_or(&Value::Null).to_string();
        Ok((Arc::new(script), input))
    }

    /// Runs the script once, on the state as it is now. What it did, if it ended well.
    async fn attempt(
        &self,
        invocation: &Invocation,
        script: &Arc<Script>,
        input: &str,
    ) -> Result<(Overlay, Outcome), Problem> {
        let limits = Limits::default();
        let bounds = WriteLimits::from(&limits);
        let unit = Arc::new(UnitOfWork::new(self.store.snapshot().await?, bounds));
        remember(&unit, invocation).await?;
        let around = Surroundings {
            tenant: invocation.tenant.clone(),
            job: Some(invocation.job.to_string().into()),
            run: invocation.run.as_str().into(),
            is_dry_run: false,
            log_level: level(invocation.log_level),
            properties: self.properties.clone(),
            router: self.router.get()?,
        };
        let caller = Caller::internal(invocation.tenant.as_str(), format!("Scheduled {}", invocation.job));
        let context = Context::new(Arc::new(caller), invocation.run.as_str()).within(Arc::clone(&unit));
        let (runtime, script, input, now) = (
            Arc::clone(&self.runtime),
            Arc::clone(script),
            input.to_owned(),
            self.clock.now(),
        );
        let job = async move {
            let call = crate::script::Invocation {
                inputs: Inputs::Script { input: &input },
                in_hand: None,
                limits: &limits,
                around: Arc::new(around),
                context,
                now,
                seed: u64::try_from(now.timestamp_millis()).unwrap_or_default(),
            };
            let outcome = script.call(&runtime, call).await;
            let fuel = outcome.usage.fuel;
            (outcome, fuel)
        };
        let outcome = self.pool.run(&invocation.tenant, job).await;
        let outcome = outcome.ok_or_else(|| Problem::unavailable("the worker pool is closed"))?;
        let own = unit.end().unwrap_or_default().own;
        Ok((own, outcome))
    }
}

#[async_trait]
impl Service for ScriptService {
    fn name(&self) -> ServiceName {
        ServiceName::Script
    }

    async fn validate(&self, _tenant: &TenantName, invoke_context: &Value) -> Result<(), Problem> {
        self.prepare(invoke_context).await.map(drop)
    }

    /// Runs the script and commits what it did. A run that is handed over again after a crash, and whose effects are in
    /// the store already, does nothing.
    async fn run(&self, invocation: Invocation, journal: &Journal) -> Result<Value, Problem> {
        let live = Arc::new(Live::default());
        let run = invocation.run.clone();
        self.live.lock().insert(run.clone(), Arc::clone(&live));
        let answer = self.run_until_stopped(&invocation, journal, &live).await;
        self.live.lock().remove(&run);
        live.fate.send_replace(Some(answer.is_none()));
        answer.unwrap_or_else(|| {
            journal.cancelled();
            Err(Problem::conflict("the run was cancelled"))
        })
    }

    /// Nobody waits for the guest any more, and nothing that it wrote is kept; its sandbox ends at its deadline.
    async fn cancel(&self, run: &RunId) -> bool {
        let Some(live) = self.live.lock().get(run).cloned() else {
            return false;
        };
        live.stop.notify_one();
        let mut fate = live.fate.subscribe();
        fate.wait_for(Option::is_some)
            .await
            .is_ok_and(|fate| *fate == Some(true))
    }
}

impl ScriptService {
    /// None if it was stopped.
    async fn run_until_stopped(
        &self,
        invocation: &Invocation,
        journal: &Journal,
        live: &Live,
    ) -> Option<Result<Value, Problem>> {
        let (script, input) = match self.prepare(&invocation.invoke_context).await {
            Ok(prepared) => prepared,
            Err(problem) => return Some(Err(problem)),
        };
        for _ in 0..ATTEMPTS {
            match is_remembered(&self.store, invocation).await {
                Ok(false) => {}
                Ok(true) => return Some(Ok(Value::Null)),
                Err(problem) => return Some(Err(problem)),
            }
            let attempted = tokio::select! {
                attempted = self.attempt(invocation, &script, &input) => attempted,
                () = live.stop.notified() => return None,
            };
            match attempted {
                Ok((own, outcome)) => match self.keep(invocation, journal, &own, outcome).await {
                    Ok(None) => {}
                    Ok(Some(value)) => return Some(Ok(value)),
                    Err(problem) => return Some(Err(problem)),
                },
                Err(problem) => return Some(Err(problem)),
            }
        }
        Some(Err(Problem::conflict(format!(
            "something the script touched was changed by others during each of {ATTEMPTS} attempts"
        ))))
    }

    /// Commits what an attempt did. None if others changed the same documents meanwhile.
    async fn keep(
        &self,
        invocation: &Invocation,
        journal: &Journal,
        own: &Overlay,
        outcome: Outcome,
    ) -> Result<Option<Value>, Problem> {
        journal.fuel(outcome.usage.fuel);
        journal.dropped(outcome.log_dropped);
        for line in &outcome.log {
            journal.line(log_level(line.level), &line.message);
            trace(
                &invocation.tenant,
                invocation.run.as_str(),
                invocation.job.as_str(),
                line,
            );
        }
        let value = match outcome.end {
            End::Done(value) => value,
            End::SaidNo(problem) => return Err(problem),
            end => return Err(Problem::internal(format!("{}: {end}", end.kind()))),
        };
        match self.store.commit(own.to_changes()).await {
            Ok(_) => Ok(Some(serde_json::from_str(&value).unwrap_or(Value::Null))),
            Err(CommitError::Conflict(_)) => Ok(None),
            Err(CommitError::Store(error)) => Err(error.into()),
        }
    }
}

/// Where it is remembered which runs of a job have had their effects.
fn key(invocation: &Invocation) -> Key {
    Collection::new("script/run").key(invocation.job.as_str())
}

async fn is_remembered(store: &TenantStore, invocation: &Invocation) -> Result<bool, Problem> {
    let document = store.get(&key(invocation)).await?;
    Ok(document.is_some_and(|document| {
        texts(&document.body, "runs")
            .iter()
            .any(|run| run == invocation.run.as_str())
    }))
}

/// The memory is part of the unit of work: it is there if and only if the effects are.
async fn remember(unit: &UnitOfWork, invocation: &Invocation) -> Result<(), Problem> {
    let key = key(invocation);
    let mut runs = unit
        .get(&key)
        .await?
        .map(|seen| texts(&seen.body, "runs"))
        .unwrap_or_default();
    runs.push(invocation.run.to_string());
    let surplus = runs.len().saturating_sub(REMEMBERED);
    runs.drain(..surplus);
    unit.put(key, json!({ "runs": runs }).to_string().into()).await?;
    Ok(())
}
