//! Replays: a call that failed is made again, away from everything. The host's answers come from the transcript, so that
//! what differs is the component or the script, and nothing else.

use std::sync::Arc;

use host_model::clock::{Timestamp, parse_wire_time};
use host_model::invalid::Invalid;
use host_model::limits::Limits;
use host_model::members::Members;
use host_model::script::{ScriptCode, ScriptSpec};
use host_model::secrets::MASK;
use host_model::tenant::TenantName;
use host_resource::{Caller, Context, Pointer, Problem, Rights, Router};
use serde_json::{Value, json};

use crate::end::{End, Outcome, not_true};
use crate::properties::Properties;
use crate::runtime::Runtime;
use crate::script::{Inputs, Invocation, Purpose, Scripts};
use crate::surroundings::Surroundings;
use crate::transcript::player::{Departure, Player};

/// A failure as `taskscanner/RUN/failure/OBJECT` answers it, ready to be played.
#[derive(Clone, Debug)]
pub struct Recording {
    kind: String,
    message: String,
    object: String,
    input: String,
    now: Timestamp,
    seed: u64,
    is_dry_run: bool,
    limits: Limits,
    calls: Vec<Value>,
    is_cut: bool,
    tenant: TenantName,
    job: String,
    run: String,
    script: ScriptSpec,
    component: String,
}

/// How a replay went.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// As then: the same calls, the same end.
    Same,
    /// It ends well now.
    Done,
    /// It asks the host something else than then.
    OtherCall {
        /// Which call, from 1.
        number: usize,
        /// What it asked then; none if nothing more.
        then: Option<Value>,
        /// What it asks now; none if nothing more.
        now: Option<Value>,
    },
    /// It asks the same and ends in another way.
    OtherEnd,
    /// The recording does not say how it goes on.
    Unknown {
        /// Which call, from 1.
        number: usize,
        /// Why.
        why: &'static str,
    },
}

/// A replay that has ended.
#[derive(Clone, Debug)]
pub struct Replayed {
    /// What it comes to.
    pub verdict: Verdict,
    /// How it ended then: kind and message.
    pub then: (String, String),
    /// How it ends now; kind and message.
    pub now: (String, String),
    /// What it uses now.
    pub usage: crate::end::Usage,
    /// Whether another component was run than then.
    pub is_other_component: bool,
}

impl Recording {
    /// Understands a failure.
    ///
    /// # Errors
    /// The first member that is missing or not what it has to be, by its pointer; or why it cannot be played.
    pub fn parse(failure: &Value) -> Result<Self, Invalid> {
        let failure = Members::of(failure, Pointer::root())?;
        let call = failure.require_object("call", "only failures of calls can be played")?;
        if !call.bool("isRecorded", false)? {
            let message = "the call was not recorded: its run had kept enough of others already";
            return Err(call.invalid("isRecorded", message));
        }
        if call.bool("isInputCut", false)? {
            return Err(call.invalid("isInputCut", "the object was too large to be recorded"));
        }
        let text = |name: &str, what: &str| call.require_text(name, what).map(str::to_owned);
        let origin = call.require_object("origin", "which code failed")?;
        let script = origin.require_object("script", "the script of the scan")?;
        let script = ScriptSpec::parse(&Value::Object(script.others(&[])), origin.at("script"))?;
        let limits = call.require_object("limits", "what the call might use")?;
        let now = call.require_text("now", "the time that the call saw")?;
        let seed = call.require_text("seed", "what made its random numbers")?;
        let tenant = call.require_text("tenant", "whose run it was")?;
        Ok(Self {
            kind: failure.require_text("kind", "how it ended")?.to_owned(),
            message: failure.text("message")?.unwrap_or_default().to_owned(),
            object: text("object", "the object's path")?,
            input: Value::Object(call.require_object("input", "the object")?.others(&[])).to_string(),
            now: parse_wire_time(now).ok_or_else(|| call.invalid("now", format!("'{now}' is not an instant")))?,
            seed: seed
                .parse()
                .map_err(|_| call.invalid("seed", format!("'{seed}' is not a whole number")))?,
            is_dry_run: call.bool("isDryRun", false)?,
            limits: Limits::parse(&Value::Object(limits.others(&[])), call.at("limits"), Limits::default())?,
            calls: calls(&call)?,
            is_cut: call.integer("callsNotRecorded", 0..=i64::MAX, "calls")?.unwrap_or(0) > 0,
            tenant: tenant
                .parse()
                .map_err(|_| call.invalid("tenant", format!("'{tenant}' is not a tenant's name")))?,
            job: text("job", "the job of the run")?,
            run: text("run", "the run")?,
            script,
            component: origin
                .require_text("component", "the digest of the component")?
                .to_owned(),
        })
    }

    /// Makes the call again: with another component, if one is given, and else with what it was made with. Nothing outside
    /// is asked or changed.
    pub async fn play(
        &self,
        runtime: &Runtime,
        scripts: &Scripts,
        component: Option<Arc<[u8]>>,
    ) -> Result<Replayed, Problem> {
        let script = match (component, &self.script.code) {
            (Some(bytes), _) => scripts.given(bytes, Purpose::Task, "--plugin").await?,
            (None, ScriptCode::Component(file)) => {
                return Err(Problem::bad_request(format!(
                    "the component that failed is the file {file}, which is not part of the recording: give it with --plugin"
                )));
            }
            (None, _) => {
                scripts
                    .prepare(&self.script, Purpose::Task, "/call/origin/script")
                    .await?
            }
        };
        let player = Player::new(self.calls.clone(), self.is_cut);
        let around = Surroundings {
            tenant: self.tenant.clone(),
            job: Some(self.job.as_str().into()),
            run: self.run.as_str().into(),
            is_dry_run: self.is_dry_run,
            log_level: tracing::Level::TRACE,
            properties: Properties::default(),
            router: Arc::new(Router::new()),
        };
        let nobody = Caller::internal(self.tenant.as_str(), "replay").with_rights(Arc::new(Rights::none()));
        let invocation = Invocation {
            inputs: Inputs::Task {
                object_id: &self.object,
                input: &self.input,
            },
            in_hand: None,
            limits: &self.limits,
            around: Arc::new(around),
            context: Context::new(Arc::new(nobody), "replay"),
            now: self.now,
            seed: self.seed,
        };
        let outcome = script.replay(runtime, invocation, player.clone()).await;
        Ok(self.judge(&outcome, &player, script.component_digest() != self.component))
    }

    fn judge(&self, outcome: &Outcome, player: &Player, is_other_component: bool) -> Replayed {
        let now = match &outcome.end {
            End::Done(value) if value == "true" => ("done".to_owned(), String::new()),
            End::Done(value) => ("not-true".to_owned(), not_true(value)),
            end => (end.kind().to_owned(), end.to_string()),
        };
        let verdict = match (player.departure(), player.next()) {
            (Some(Departure::Unknown { number, why }), _) => Verdict::Unknown { number, why },
            (Some(Departure::Other { number, then, now }), _) => Verdict::OtherCall {
                number,
                then,
                now: Some(now),
            },
            (None, _) if now.0 == "done" => Verdict::Done,
            (None, Some((number, then))) if then.get("answer").is_some() => Verdict::OtherCall {
                number,
                then: Some(then),
                now: None,
            },
            (None, _) if now.0 == self.kind && is_like(&self.message, &now.1) => Verdict::Same,
            (None, _) => Verdict::OtherEnd,
        };
        Replayed {
            verdict,
            then: (self.kind.clone(), self.message.clone()),
            now,
            usage: outcome.usage,
            is_other_component,
        }
    }
}

impl Replayed {
    /// The replay for programs.
    pub fn to_json(&self) -> Value {
        let end = |(kind, message): &(String, String)| json!({"kind": kind, "message": message});
        let (verdict, difference) = match &self.verdict {
            Verdict::Same => ("same", Value::Null),
            Verdict::Done => ("done", Value::Null),
            Verdict::OtherCall { number, then, now } => ("differs", json!({"call": number, "then": then, "now": now})),
            Verdict::OtherEnd => ("differs", json!({"then": end(&self.then), "now": end(&self.now)})),
            Verdict::Unknown { number, why } => ("unusable", json!({"call": number, "why": why})),
        };
        json!({
            "verdict": verdict,
            "then": end(&self.then),
            "now": end(&self.now),
            "difference": difference,
            "fuel": self.usage.fuel,
            "memory": self.usage.memory,
            "hostCalls": self.usage.host_calls,
            "isOtherComponent": self.is_other_component,
        })
    }
}

fn calls(call: &Members<'_>) -> Result<Vec<Value>, Invalid> {
    let Some(Value::Array(calls)) = call.get("transcript") else {
        return Err(call.invalid("transcript", "the calls of the host are expected here, as a list"));
    };
    for (at, one) in calls.iter().enumerate() {
        let pointer = call.at("transcript").child(&at.to_string());
        let one = Members::of(one, pointer)?;
        one.only(&["verb", "path", "arguments", "answer", "refused", "fuel", "cut"])?;
        one.require_text("verb", "which verb was called")?;
        one.require_text("path", "on which path")?;
        one.require_object("arguments", "with which arguments")?;
        one.object("answer")?;
    }
    Ok(calls.clone())
}

/// Whether a message is the one of then: where it shows a mask now, there may have been a secret; a long one was cut.
fn is_like(then: &str, now: &str) -> bool {
    let is_cut = then.len() < now.len() && now.starts_with(then) && !then.is_empty();
    if then == now || is_cut {
        return true;
    }
    let pieces: Vec<&str> = now.split(MASK).collect();
    let [first, between @ .., last] = pieces.as_slice() else {
        return false;
    };
    let Some(mut rest) = then.strip_prefix(first) else {
        return false;
    };
    for piece in between {
        let Some(at) = rest.find(piece) else { return false };
        rest = &rest[at + piece.len()..];
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_in_a_message_is_no_difference() {
        let check = |then: &str, now: &str, expected: bool| assert_eq!(is_like(then, now), expected, "{then} {now}");
        check("no", "no", true);
        check("no", "yes", false);
        check("bad hunter2!", &format!("bad {MASK}!"), true);
        check("bad hunter2?", &format!("bad {MASK}!"), false);
        check("a x b y c", &format!("a {MASK} b {MASK} c"), true);
        check("a x y c", &format!("a {MASK} b {MASK} c"), false);
        check("the beginn", "the beginning", true);
        check("", "something", false);
    }

    #[test]
    fn a_file_that_was_tampered_with_is_refused_by_its_pointer() {
        let failure = || {
            json!({
                "objectId": "a", "kind": "problem", "message": "no",
                "call": {
                    "object": "managed/user/a", "now": "2026-06-01T12:00:00.000Z", "seed": "7", "limits": {"fuel": 5},
                    "isRecorded": true, "input": {"_id": "a"}, "transcript": [], "callsNotRecorded": 0, "tenant": "default",
                    "job": "scan", "run": "r",
                    "origin": {"component": "x", "script": {"type": "text/javascript", "source": "true"}},
                },
            })
        };
        assert!(Recording::parse(&failure()).is_ok());
        let check = |place: &str, value: Value, pointer: &str| {
            let mut failure = failure();
            Pointer::parse(place).unwrap().set(&mut failure, value).unwrap();
            let error = Recording::parse(&failure).expect_err(place);
            assert_eq!(error.pointer.to_string(), pointer, "{place}: {}", error.message);
        };
        check("/call", Value::Null, "/call");
        check("/kind", json!(1), "/kind");
        check("/call/isRecorded", json!(false), "/call/isRecorded");
        check("/call/isInputCut", json!(true), "/call/isInputCut");
        check("/call/input", json!("text"), "/call/input");
        check("/call/now", json!("yesterday"), "/call/now");
        check("/call/seed", json!("-1"), "/call/seed");
        check("/call/limits/fuel", json!(-1), "/call/limits/fuel");
        check("/call/limits/fuels", json!(1), "/call/limits/fuels");
        check("/call/transcript", json!({}), "/call/transcript");
        check("/call/transcript", json!([1]), "/call/transcript/0");
        check("/call/transcript", json!([{"verb": "read"}]), "/call/transcript/0/path");
        check("/call/origin/script/type", json!("x"), "/call/origin/script/type");
        check("/call/origin/component", Value::Null, "/call/origin/component");
        assert!(Recording::parse(&json!([])).is_err());
    }
}
