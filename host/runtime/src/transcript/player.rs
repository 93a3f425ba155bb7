//! A player in the host's place: answers the calls of a guest from a transcript, as long as it asks what it asked then.

use std::collections::VecDeque;
use std::sync::Arc;

use host_resource::{Code, Problem};
use parking_lot::Mutex;
use serde_json::Value;

use super::{Given, Transcript};
use crate::bindings::types;
use crate::host::to_guest;

/// Where a replay left the transcript.
#[derive(Clone, Debug, PartialEq)]
pub enum Departure {
    /// The guest asked something else than then, or more.
    Other {
        /// Which call, from 1.
        number: usize,
        /// What it asked then; none if it asked nothing more.
        then: Option<Value>,
        /// What it asks now.
        now: Value,
    },
    /// The transcript does not say how it goes on.
    Unknown {
        /// Which call, from 1.
        number: usize,
        /// Why.
        why: &'static str,
    },
}

/// A transcript that is played. Clones play the same one.
#[derive(Clone, Debug)]
pub struct Player(Arc<Mutex<Played>>);

#[derive(Debug)]
struct Played {
    left: VecDeque<Value>,
    number: usize,
    /// Whether the guest made further calls that were not recorded.
    is_cut: bool,
    departure: Option<Departure>,
}

/// What the guest is told.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) answer: Result<Option<String>, types::Problem>,
    /// What was refused for want of a grant.
    pub(crate) refused: Option<String>,
    /// What scripts used that ran because of the call.
    pub(crate) fuel: u64,
}

impl Player {
    /// Plays calls as [`Transcript::to_json`] shows them. `is_cut` says that there were more.
    pub fn new(calls: Vec<Value>, is_cut: bool) -> Self {
        Self(Arc::new(Mutex::new(Played {
            left: calls.into(),
            number: 0,
            is_cut,
            departure: None,
        })))
    }

    /// Where the guest did something else than then, if it did.
    pub fn departure(&self) -> Option<Departure> {
        self.0.lock().departure.clone()
    }

    /// The first call that the guest made then, and not now.
    pub fn next(&self) -> Option<(usize, Value)> {
        let played = self.0.lock();
        played.left.front().map(|call| (played.number + 1, call.clone()))
    }

    /// Answers a call. None where the transcript has no answer to it: the guest cannot go on.
    pub(crate) fn play(&self, verb: &'static str, path: &str, arguments: &[(&'static str, Given<'_>)]) -> Option<Told> {
        let mut transcript = Transcript::default();
        transcript.ask(verb, path, arguments);
        let now = transcript.calls.first().map_or(Value::Null, super::HostCall::to_json);
        self.0.lock().play(verb, now)
    }
}

impl Played {
    fn play(&mut self, verb: &str, now: Value) -> Option<Told> {
        let number = self.number + 1;
        let unknown = |why| Departure::Unknown { number, why };
        let Some(then) = self.left.front() else {
            self.departure = Some(match self.is_cut {
                true => unknown("more calls were made than were recorded"),
                false => Departure::Other {
                    number,
                    then: None,
                    now,
                },
            });
            return None;
        };
        if !is_alike(then, &now) {
            self.departure = Some(Departure::Other {
                number,
                then: Some(then.clone()),
                now,
            });
            return None;
        }
        let told = if names(then, "cut").any(|name| name == "answer") {
            Err("the answer was too long to be recorded")
        } else {
            told(then, verb).ok_or("the call was not answered")
        };
        match told {
            Ok(told) => {
                self.left.pop_front();
                self.number = number;
                Some(told)
            }
            Err(why) => {
                self.departure = Some(unknown(why));
                None
            }
        }
    }
}

/// Whether two calls ask the same, as far as they were recorded.
fn is_alike(then: &Value, now: &Value) -> bool {
    if then["verb"] != now["verb"] {
        return false;
    }
    let is_cut = |name: &str| names(then, "cut").chain(names(now, "cut")).any(|cut| cut == name);
    if then["path"] != now["path"] && !is_cut("path") {
        return false;
    }
    let (Some(before), Some(after)) = (then["arguments"].as_object(), now["arguments"].as_object()) else {
        return false;
    };
    before.len() == after.len()
        && before
            .iter()
            .all(|(name, value)| is_cut(name) || after.get(name) == Some(value))
}

fn names<'a>(call: &'a Value, member: &str) -> impl Iterator<Item = &'a str> {
    call[member].as_array().into_iter().flatten().filter_map(Value::as_str)
}

/// What a recorded call was answered.
fn told(then: &Value, verb: &str) -> Option<Told> {
    let recorded = then.get("answer")?;
    let answer = if let Some(value) = recorded.get("value") {
        Ok(Some(match value {
            Value::String(text) if verb == "property" => text.clone(),
            value => value.to_string(),
        }))
    } else if let Some(problem) = recorded.get("problem") {
        Err(to_guest(Problem {
            code: Code::new(u16::try_from(problem["code"].as_u64()?).ok()?),
            message: problem["message"].as_str()?.to_owned(),
            detail: problem.get("detail").cloned().map(Box::new),
        }))
    } else {
        recorded.get("absent")?;
        Ok(None)
    };
    let refused = (then["refused"] == true).then(|| {
        let message = recorded["problem"]["message"].as_str().unwrap_or_default();
        message.strip_prefix("no grant for ").unwrap_or(message).to_owned()
    });
    Some(Told {
        answer,
        refused,
        fuel: then["fuel"].as_u64().unwrap_or(0),
    })
}
