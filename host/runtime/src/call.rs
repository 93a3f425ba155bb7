//! One call of a guest: a fresh sandbox, everything bounded, and an [`Outcome`] whatever happens.

use std::sync::Arc;
use std::time::{Duration, Instant};

use host_model::clock::Timestamp;
use host_model::limits::Limits;
use host_resource::{Code, Context, Problem};
use wasmtime::Store;

use crate::account::Account;
use crate::bindings::engine::Binding;
use crate::end::{End, Outcome, Refusal, Usage};
use crate::engine::{EPOCH, MAX_MEMORY, MAX_TABLE};
use crate::guest::Guest;
use crate::host::from_guest;
use crate::meter::Meter;
use crate::plugin::{Linked, Plugin};
use crate::runtime::Runtime;
use crate::surroundings::Surroundings;
use crate::transcript::player::Player;

/// Which export to call, with what.
#[derive(Clone, Copy, Debug)]
pub enum Entry<'a> {
    /// World `task`: the action on one object.
    Task {
        /// The object's resource path.
        object_id: &'a str,
        /// The object as JSON.
        input: &'a String,
    },
    /// World `script`: a free-standing script.
    Script {
        /// Its input as JSON.
        input: &'a String,
    },
    /// World `engine`: the value of some source text.
    Eval {
        /// The text.
        source: &'a str,
        /// Variables with their JSON values.
        bindings: &'a [(&'a str, &'a str)],
    },
}

/// One call.
pub struct Call<'a> {
    /// Which plugin.
    pub plugin: &'a Plugin,
    /// Which export.
    pub entry: Entry<'a>,
    /// What it may use.
    pub limits: Limits,
    /// What stays the same for the run.
    pub around: Arc<Surroundings>,
    /// Who it acts for, with which rights, in which unit of work.
    pub context: Context,
    /// The time that the guest sees, frozen for the call.
    pub now: Timestamp,
    /// What makes its random numbers its own: from run and object.
    pub seed: u64,
}

/// Where source text cannot be understood. Lines and columns count from 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {message}")]
pub struct SyntaxError {
    /// From 1.
    pub line: u32,
    /// From 1.
    pub column: u32,
    /// What is wrong.
    pub message: String,
}

impl Runtime {
    /// Calls a guest in a fresh sandbox. Never fails: whatever goes wrong is how the call ended.
    pub async fn call(&self, call: Call<'_>) -> Outcome {
        self.perform(call, None).await
    }

    /// The same with a player that answers in the place of the host, if there is one.
    pub(crate) async fn perform(&self, call: Call<'_>, player: Option<Player>) -> Outcome {
        let limits = call.limits;
        let started = instant();
        let account = Account::open(&call.context, &limits, started, call.seed);
        let meter = bounded_meter(&limits);
        let mut guest = Guest::new(meter, call.around, call.context, account, call.now, call.seed);
        guest.player = player;
        let mut store = self.sandbox(guest, &limits);
        let result = tokio::time::timeout(limits.deadline, enter(&mut store, call.plugin, call.entry)).await;
        let duration = instant().duration_since(started);
        let fuel = limits.fuel.saturating_sub(store.get_fuel().unwrap_or(0));
        let guest = store.into_data();
        let end = match result {
            Ok(Ok(Ok(value))) if value.len() as u64 > limits.output_bytes => {
                End::Refused(Refusal::Output(limits.output_bytes))
            }
            Ok(Ok(Ok(value))) => End::Done(value),
            Ok(Ok(Err(problem))) => match guest.refused {
                Some(what) if problem.code == Code::FORBIDDEN => End::Refused(Refusal::Grant(what)),
                _ => End::SaidNo(bounded(problem, limits.output_bytes)),
            },
            Ok(Err(error)) => End::of_error(&error, &limits),
            Err(_elapsed) => End::OutOfTime { limit: limits.deadline },
        };
        let usage = Usage {
            fuel,
            memory: guest.meter.peak_memory(),
            host_calls: guest.meter.host_calls(),
            duration,
        };
        Outcome {
            end,
            usage,
            log: guest.log,
            log_dropped: guest.log_dropped,
            transcript: guest.transcript,
        }
    }

    /// Whether source text can be compiled by an engine, and what that used. The outer error is how the engine itself
    /// failed.
    pub async fn check(
        &self,
        engine: &Plugin,
        source: &str,
        limits: Limits,
        around: Arc<Surroundings>,
        context: Context,
        now: Timestamp,
    ) -> (Result<Result<(), SyntaxError>, End>, Usage) {
        let Linked::Engine(pre) = &engine.linked else {
            let end = End::Trapped(format!("a component of world {} is no engine", engine.world()));
            return (Err(end), Usage::default());
        };
        let account = Account::open(&context, &limits, instant(), 0);
        let guest = Guest::new(bounded_meter(&limits), around, context, account, now, 0);
        let mut store = self.sandbox(guest, &limits);
        let checking = async {
            let instance = pre.instantiate_async(&mut store).await?;
            instance.call_check(&mut store, source).await
        };
        let checked = match tokio::time::timeout(limits.deadline, checking).await {
            Ok(Ok(Ok(()))) => Ok(Ok(())),
            Ok(Ok(Err(error))) => Ok(Err(SyntaxError {
                line: error.line,
                column: error.column,
                message: error.message,
            })),
            Ok(Err(error)) => Err(End::of_error(&error, &limits)),
            Err(_elapsed) => Err(End::OutOfTime { limit: limits.deadline }),
        };
        let usage = Usage {
            fuel: limits.fuel.saturating_sub(store.get_fuel().unwrap_or(0)),
            ..Usage::default()
        };
        (checked, usage)
    }

    fn sandbox(&self, guest: Guest, limits: &Limits) -> Store<Guest> {
        let mut store = Store::new(&self.engine, guest);
        store.limiter(|guest| &mut guest.meter);
        store.set_fuel(limits.fuel).expect("the engine counts fuel");
        store.set_epoch_deadline(ticks(limits.deadline));
        store
    }
}

/// A meter for limits that the pool can serve.
fn bounded_meter(limits: &Limits) -> Meter {
    let mut bounded = *limits;
    bounded.memory_bytes = bounded.memory_bytes.min(MAX_MEMORY);
    bounded.table_elements = bounded.table_elements.min(MAX_TABLE);
    Meter::new(bounded)
}

async fn enter(
    store: &mut Store<Guest>,
    plugin: &Plugin,
    entry: Entry<'_>,
) -> wasmtime::Result<Result<String, Problem>> {
    match (&plugin.linked, entry) {
        (Linked::Task(pre), Entry::Task { object_id, input }) => {
            let instance = pre.instantiate_async(&mut *store).await?;
            let answer = instance.call_run(store, object_id, input).await?;
            Ok(answer.map(|done| done.to_string()).map_err(from_guest))
        }
        (Linked::Script(pre), Entry::Script { input }) => {
            let instance = pre.instantiate_async(&mut *store).await?;
            Ok(instance.call_run(store, input).await?.map_err(from_guest))
        }
        (Linked::Engine(pre), Entry::Eval { source, bindings }) => {
            let bindings: Vec<Binding> = bindings
                .iter()
                .map(|(name, value)| Binding {
                    name: (*name).to_owned(),
                    value: (*value).to_owned(),
                })
                .collect();
            let instance = pre.instantiate_async(&mut *store).await?;
            Ok(instance.call_eval(store, source, &bindings).await?.map_err(from_guest))
        }
        (_, _) => Err(wasmtime::format_err!(
            "a component of world {} was called as another",
            plugin.world()
        )),
    }
}

/// Epoch ticks until the deadline has surely passed: the present tick has partly gone by.
fn ticks(deadline: Duration) -> u64 {
    u64::try_from(deadline.as_millis() / EPOCH.as_millis())
        .unwrap_or(u64::MAX / 2)
        .saturating_add(1)
}

/// A guest's problem is output too.
fn bounded(mut problem: Problem, limit: u64) -> Problem {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    if problem.message.len() > limit {
        problem.message.truncate(problem.message.floor_char_boundary(limit));
    }
    if problem
        .detail
        .as_ref()
        .is_some_and(|detail| detail.to_string().len() > limit)
    {
        problem.detail = None;
    }
    problem
}

#[expect(
    clippy::disallowed_methods,
    reason = "a call's duration is a measurement, not a moment that anything depends on"
)]
pub(crate) fn instant() -> Instant {
    Instant::now()
}
