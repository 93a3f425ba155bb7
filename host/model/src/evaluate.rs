//! The port to scripts: hooks, conditions, transformations and the like. Whoever has a script in its configuration
//! prepares it once and evaluates it as often as it is needed; where and how it runs is for the runtime.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use host_resource::{Context, Pointer, Problem};
use serde_json::{Map, Value};

use crate::script::ScriptSpec;

/// Makes scripts ready.
#[async_trait]
pub trait Scripting: Send + Sync + fmt::Debug {
    /// Makes a script ready. `pointer` is where it stands in the configuration or the request. `asking` is the request
    /// that brings it, if one does: a guest that brings scripts is charged for their being looked at.
    ///
    /// # Errors
    /// What is wrong with the script, with its pointer, and line and column where there are any.
    async fn prepare(
        &self,
        asking: Option<&Context>,
        spec: &ScriptSpec,
        pointer: &Pointer,
    ) -> Result<Arc<dyn Evaluate>, Problem>;
}

/// A script that is ready.
#[async_trait]
pub trait Evaluate: Send + Sync + fmt::Debug {
    /// Evaluates the script in a sandbox of its own, in the unit of work of the context, which there has to be. Asked on
    /// behalf of a guest, it is charged to that guest.
    ///
    /// # Errors
    /// The problem that the script threw, or 500 with how it ended. The unit of work may then hold a part of what the
    /// script wrote: it is for the caller to drop it.
    async fn evaluate(&self, context: &Context, evaluation: Evaluation<'_>) -> Result<Evaluated, Problem>;
}

/// One evaluation.
#[derive(Clone, Debug)]
pub struct Evaluation<'a> {
    /// What it is for, as logs and messages name it: `managed/user onCreate`.
    pub subject: Cow<'a, str>,
    /// The variables that the script finds, as JSON texts.
    pub bindings: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    /// What the caller wants to have.
    pub wanted: Wanted,
}

/// What the caller of a script wants to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// The value of the script.
    Value,
    /// What the script made of these variables; its value is of no interest.
    Bindings(&'static [&'static str]),
}

/// What came of an evaluation.
#[derive(Clone, Debug, PartialEq)]
pub enum Evaluated {
    /// The value of the script; null where it has none.
    Value(Value),
    /// The variables that were wanted, as the script left them. A component may leave out what it did not change.
    Bindings(Map<String, Value>),
}

impl<'a> Evaluation<'a> {
    /// An evaluation without variables, for its value.
    pub fn new(subject: impl Into<Cow<'a, str>>) -> Self {
        Self {
            subject: subject.into(),
            bindings: Vec::new(),
            wanted: Wanted::Value,
        }
    }

    /// With one more variable.
    #[must_use]
    pub fn bind(self, name: impl Into<Cow<'a, str>>, value: &Value) -> Self {
        self.bind_text(name, value.to_string())
    }

    /// With one more variable, whose value is JSON text.
    #[must_use]
    pub fn bind_text(mut self, name: impl Into<Cow<'a, str>>, text: impl Into<Cow<'a, str>>) -> Self {
        self.bindings.push((name.into(), text.into()));
        self
    }

    /// For what becomes of these variables.
    #[must_use]
    pub fn wanting(mut self, names: &'static [&'static str]) -> Self {
        self.wanted = Wanted::Bindings(names);
        self
    }
}

impl Evaluated {
    /// The value; null when variables were wanted.
    pub fn into_value(self) -> Value {
        match self {
            Self::Value(value) => value,
            Self::Bindings(_) => Value::Null,
        }
    }

    /// Takes a variable that was wanted; none when the script left it as it was.
    pub fn take(&mut self, name: &str) -> Option<Value> {
        match self {
            Self::Value(_) => None,
            Self::Bindings(bindings) => bindings.get_mut(name).map(Value::take),
        }
    }
}
