//! The port to scripts, over the worker pool. A script that runs because of another one stays on that one's worker, in its
//! unit of work and on its account.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use host_model::clock::Clock;
use host_model::evaluate::{Evaluate, Evaluated, Evaluation, Scripting, Wanted};
use host_model::limits::Limits;
use host_model::script::ScriptSpec;
use host_model::tenant::TenantName;
use host_resource::{Context, LateRouter, Pointer, Problem};
use serde_json::Value;

use crate::account::Account;
use crate::call::instant;
use crate::end::{End, Outcome, trace};
use crate::pool::Pool;
use crate::properties::Properties;
use crate::runtime::Runtime;
use crate::script::{Inputs, Invocation, Purpose, Script, Scripts};
use crate::surroundings::Surroundings;

/// Evaluates the scripts of one tenant's configuration. Cheap to clone.
#[derive(Clone)]
pub struct Evaluator(Arc<Parts>);

struct Parts {
    tenant: TenantName,
    clock: Arc<dyn Clock>,
    runtime: Arc<Runtime>,
    pool: Arc<Pool>,
    scripts: Arc<Scripts>,
    router: LateRouter,
    properties: Properties,
    evaluations: AtomicU64,
}

impl Evaluator {
    /// For one tenant.
    pub fn new(
        tenant: TenantName,
        clock: Arc<dyn Clock>,
        runtime: Arc<Runtime>,
        pool: Arc<Pool>,
        scripts: Arc<Scripts>,
        router: LateRouter,
        properties: Properties,
    ) -> Self {
        Self(Arc::new(Parts {
            tenant,
            clock,
            runtime,
            pool,
            scripts,
            router,
            properties,
            evaluations: AtomicU64::new(0),
        }))
    }
}

#[async_trait]
impl Scripting for Evaluator {
    async fn prepare(
        &self,
        asking: Option<&Context>,
        spec: &ScriptSpec,
        pointer: &Pointer,
    ) -> Result<Arc<dyn Evaluate>, Problem> {
        let pointer = pointer.to_string();
        let scripts = &self.0.scripts;
        let script = scripts.prepare_for(asking, spec, Purpose::Script, &pointer).await?;
        Ok(Arc::new(Prepared {
            parts: Arc::clone(&self.0),
            script: Arc::new(script),
        }))
    }
}

impl fmt::Debug for Evaluator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Evaluator").field(&self.0.tenant).finish()
    }
}

/// A script that is ready.
struct Prepared {
    parts: Arc<Parts>,
    script: Arc<Script>,
}

impl fmt::Debug for Prepared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prepared").finish_non_exhaustive()
    }
}

#[async_trait]
impl Evaluate for Prepared {
    async fn evaluate(&self, context: &Context, evaluation: Evaluation<'_>) -> Result<Evaluated, Problem> {
        let Evaluation {
            subject,
            bindings,
            wanted,
        } = evaluation;
        if !context.is_within() {
            return Err(Problem::internal(format!(
                "{subject}: a script runs within a unit of work"
            )));
        }
        let outcome = match context.account::<Account>() {
            Some(account) => {
                // The worker is ours already; to wait for another one could be to wait for oneself.
                let (limits, seed) = account.allow(&subject, instant())?;
                let outcome = self.call(context, &subject, &bindings, wanted, limits, seed).await?;
                account.charge(&outcome.usage);
                outcome
            }
            None => self.submit(context, &subject, bindings, wanted).await?,
        };
        for line in &outcome.log {
            trace(&self.parts.tenant, &context.request_id, &subject, line);
        }
        answer(&subject, outcome.end, wanted)
    }
}

impl Prepared {
    /// On a worker, when its turn comes.
    async fn submit(
        &self,
        context: &Context,
        subject: &str,
        bindings: Vec<(Cow<'_, str>, Cow<'_, str>)>,
        wanted: Wanted,
    ) -> Result<Outcome, Problem> {
        let owned = |text: Cow<'_, str>| Cow::<'static, str>::Owned(text.into_owned());
        let bindings: Vec<(Cow<'static, str>, Cow<'static, str>)> = bindings
            .into_iter()
            .map(|(name, value)| (owned(name), owned(value)))
            .collect();
        let number = self.parts.evaluations.fetch_add(1, Ordering::Relaxed);
        let millis = u64::try_from(self.parts.clock.now().timestamp_millis()).unwrap_or_default();
        let seed = millis ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let (prepared, context, subject) = (
            Self {
                parts: Arc::clone(&self.parts),
                script: Arc::clone(&self.script),
            },
            context.clone(),
            subject.to_owned(),
        );
        let job = async move {
            let outcome = prepared
                .call(&context, &subject, &bindings, wanted, Limits::default(), seed)
                .await;
            let fuel = outcome.as_ref().map_or(0, |outcome| outcome.usage.fuel);
            (outcome, fuel)
        };
        let outcome = self.parts.pool.run(&self.parts.tenant, job).await;
        outcome.ok_or_else(|| Problem::unavailable("the worker pool is closed"))?
    }

    async fn call(
        &self,
        context: &Context,
        subject: &str,
        bindings: &[(Cow<'_, str>, Cow<'_, str>)],
        wanted: Wanted,
        limits: Limits,
        seed: u64,
    ) -> Result<Outcome, Problem> {
        let around = Surroundings {
            tenant: self.parts.tenant.clone(),
            job: None,
            run: format!("{subject} {}", context.request_id).into(),
            is_dry_run: false,
            log_level: tracing::Level::INFO,
            properties: self.parts.properties.clone(),
            router: self.parts.router.get()?,
        };
        let bindings: Vec<(&str, &str)> = bindings.iter().map(|(name, value)| (&**name, &**value)).collect();
        let inputs = Inputs::Bindings {
            bindings: &bindings,
            wanted,
        };
        let invocation = Invocation {
            inputs,
            in_hand: None,
            limits: &limits,
            around: Arc::new(around),
            context: context.clone(),
            now: self.parts.clock.now(),
            seed,
        };
        Ok(self.script.call(&self.parts.runtime, invocation).await)
    }
}

fn answer(subject: &str, end: End, wanted: Wanted) -> Result<Evaluated, Problem> {
    let text = match end {
        End::Done(text) => text,
        End::SaidNo(problem) => return Err(problem),
        end => return Err(Problem::internal(format!("{subject}: {}: {end}", end.kind()))),
    };
    let value: Value = serde_json::from_str(&text)
        .map_err(|error| Problem::internal(format!("{subject}: the script did not answer with JSON: {error}")))?;
    match (wanted, value) {
        (Wanted::Value, value) => Ok(Evaluated::Value(value)),
        (Wanted::Bindings(_), Value::Object(bindings)) => Ok(Evaluated::Bindings(bindings)),
        (Wanted::Bindings(_), Value::Null) => Ok(Evaluated::Bindings(serde_json::Map::new())),
        (Wanted::Bindings(names), _) => Err(Problem::internal(format!(
            "{subject}: an object with the members {} is expected as the answer",
            names.join(", ")
        ))),
    }
}
