//! The rules for wall times that a clock change touches, and their names on the wire.

use std::fmt;
use std::str::FromStr;

/// What happens to wall times that a clock change touches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ClockChange {
    /// For a wall time that does not exist.
    pub on_gap: OnGap,
    /// For a wall time that exists twice.
    pub on_overlap: OnOverlap,
}

/// What happens to a wall time in the hour that the clock leaves out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnGap {
    /// It does not fire that day, as in Quartz.
    #[default]
    Skip,
    /// It fires later by the length of the gap: 02:30 at 03:30. (RFC 5545 reads such times in the same way.)
    Shift,
}

/// What happens to a wall time in the hour that the clock repeats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnOverlap {
    /// It fires the first time, in daylight saving time.
    First,
    /// It fires the second time, in standard time, as in Quartz.
    #[default]
    Second,
    /// It fires both times.
    Both,
}

/// A text that names no rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{text}' is not known here; write {known}")]
pub struct UnknownRule {
    /// The text.
    pub text: String,
    /// What would be right.
    pub known: &'static str,
}

impl FromStr for OnGap {
    type Err = UnknownRule;

    fn from_str(text: &str) -> Result<OnGap, UnknownRule> {
        match text {
            "skip" => Ok(OnGap::Skip),
            "shift" => Ok(OnGap::Shift),
            _ => Err(UnknownRule {
                text: text.to_owned(),
                known: "skip or shift",
            }),
        }
    }
}

impl fmt::Display for OnGap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            OnGap::Skip => "skip",
            OnGap::Shift => "shift",
        })
    }
}

impl FromStr for OnOverlap {
    type Err = UnknownRule;

    fn from_str(text: &str) -> Result<OnOverlap, UnknownRule> {
        match text {
            "first" => Ok(OnOverlap::First),
            "second" => Ok(OnOverlap::Second),
            "both" => Ok(OnOverlap::Both),
            _ => Err(UnknownRule {
                text: text.to_owned(),
                known: "first, second or both",
            }),
        }
    }
}

impl fmt::Display for OnOverlap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            OnOverlap::First => "first",
            OnOverlap::Second => "second",
            OnOverlap::Both => "both",
        })
    }
}
