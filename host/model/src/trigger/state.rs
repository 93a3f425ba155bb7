//! The states of a trigger, under Quartz's names, and the moves between them.

use std::fmt;
use std::str::FromStr;

/// One state of a trigger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TriggerState {
    /// There is no trigger.
    None,
    /// It waits for its fire time.
    Normal,
    /// It waits to be resumed.
    Paused,
    /// It will never fire again.
    Complete,
    /// Its job cannot be read.
    Error,
    /// It waits for the end of its job's run.
    Blocked,
}

/// The state of a trigger and the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status {
    /// Now.
    pub state: TriggerState,
    /// Before; a paused trigger returns to it.
    pub previous: Option<TriggerState>,
}

impl Status {
    /// Of a trigger that was just made.
    pub const NEW: Status = Status {
        state: TriggerState::Normal,
        previous: None,
    };

    /// Pausing; a paused or finished trigger stays as it is.
    #[must_use]
    pub fn paused(self) -> Status {
        match self.state {
            TriggerState::Normal | TriggerState::Blocked | TriggerState::Error => self.turned(TriggerState::Paused),
            TriggerState::Paused | TriggerState::Complete | TriggerState::None => self,
        }
    }

    /// Resuming; a trigger that is not paused stays as it is.
    #[must_use]
    pub fn resumed(self) -> Status {
        match self.state {
            TriggerState::Paused => self.turned(self.previous.unwrap_or(TriggerState::Normal)),
            TriggerState::Normal
            | TriggerState::Blocked
            | TriggerState::Error
            | TriggerState::Complete
            | TriggerState::None => self,
        }
    }

    /// Having fired for the last time.
    #[must_use]
    pub fn completed(self) -> Status {
        self.turned(TriggerState::Complete)
    }

    /// How it looks while a run of its job goes on that does not allow a second one. This is not kept anywhere: it ends
    /// with the run, also with one that a crash cuts off.
    #[must_use]
    pub fn during_run(self) -> Status {
        match self.state {
            TriggerState::Normal => self.turned(TriggerState::Blocked),
            TriggerState::Paused => Status {
                previous: Some(TriggerState::Blocked),
                ..self
            },
            TriggerState::Blocked | TriggerState::Error | TriggerState::Complete | TriggerState::None => self,
        }
    }

    fn turned(self, state: TriggerState) -> Status {
        Status {
            state,
            previous: Some(self.state),
        }
    }
}

const NAMES: [(TriggerState, &str); 6] = [
    (TriggerState::None, "NONE"),
    (TriggerState::Normal, "NORMAL"),
    (TriggerState::Paused, "PAUSED"),
    (TriggerState::Complete, "COMPLETE"),
    (TriggerState::Error, "ERROR"),
    (TriggerState::Blocked, "BLOCKED"),
];

/// A text that names no state.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not the state of a trigger")]
pub struct UnknownState(pub String);

impl fmt::Display for TriggerState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = NAMES.iter().find(|(state, _)| state == self).map(|(_, name)| *name);
        f.write_str(name.expect("every state has a name"))
    }
}

impl FromStr for TriggerState {
    type Err = UnknownState;

    fn from_str(text: &str) -> Result<TriggerState, UnknownState> {
        let found = NAMES.iter().find(|(_, name)| *name == text).map(|(state, _)| *state);
        found.ok_or_else(|| UnknownState(text.to_owned()))
    }
}
