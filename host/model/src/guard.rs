//! Guards: how much a run may change or delete before it is stopped, so that a wrong filter costs a little and not
//! everything.

use crate::invalid::Invalid;
use crate::members::Members;

/// So many deletions are allowed without a percentage to be asked, when nothing is said.
const DELETIONS_AT_LEAST: u64 = 10;

/// Percent of the objects of a run that may be deleted when nothing is said.
const DELETIONS_PERCENT: u64 = 10;

/// How much a run may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Guard {
    /// Documents that it writes, marks not counted.
    pub changes: Bound,
    /// Documents that it deletes.
    pub deletions: Bound,
}

/// The most of something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// Any number.
    None,
    /// What a job has when it says nothing of deletions: a tenth of the run's objects, and ten in any case.
    Usual,
    /// As many as both allow.
    Most {
        /// A number.
        count: Option<u64>,
        /// A part of the run's objects, 0 to 100.
        percent: Option<u64>,
    },
}

/// What a run has done, as far as guards are concerned.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Done {
    /// Documents written.
    pub changes: u64,
    /// Documents deleted.
    pub deletions: u64,
}

impl Default for Guard {
    fn default() -> Self {
        Self {
            changes: Bound::None,
            deletions: Bound::Usual,
        }
    }
}

impl Bound {
    /// The most for a run over so many objects; none is without end.
    pub fn of(self, total: u64) -> Option<u64> {
        let part = |percent: u64| total.saturating_mul(percent).div_ceil(100);
        match self {
            Self::None => None,
            Self::Usual => Some(part(DELETIONS_PERCENT).max(DELETIONS_AT_LEAST)),
            Self::Most { count, percent } => [count, percent.map(part)].into_iter().flatten().min(),
        }
    }

    fn parse(guard: &Members<'_>, name: &str, absent: Self) -> Result<Self, Invalid> {
        let Some(bound) = guard.object(name)? else {
            return Ok(absent);
        };
        bound.only(&["count", "percent"])?;
        let count = bound.natural("count", 0..=i64::MAX, "documents")?;
        let percent = bound.natural("percent", 0..=100, "percent")?;
        if count.is_none() && percent.is_none() {
            return Err(guard.invalid(
                name,
                "a bound has a count, a percent, or both; {\"percent\": 100} allows everything",
            ));
        }
        Ok(Self::Most { count, percent })
    }
}

impl Guard {
    /// Reads the member `guard`.
    ///
    /// # Errors
    /// The first member that is unknown or not what it has to be.
    pub fn parse(members: &Members<'_>) -> Result<Self, Invalid> {
        let Some(guard) = members.object("guard")? else {
            return Ok(Self::default());
        };
        guard.only(&["changes", "deletions"])?;
        Ok(Self {
            changes: Bound::parse(&guard, "changes", Bound::None)?,
            deletions: Bound::parse(&guard, "deletions", Bound::Usual)?,
        })
    }

    /// Why a run over `total` objects may not come to have done this much; none when it may.
    pub fn objection(&self, total: u64, done: Done) -> Option<String> {
        let over = |bound: Bound, count: u64, verb: &str, name: &str| {
            let most = bound.of(total).filter(|most| count > *most)?;
            Some(format!(
                "the run would {verb} {count} documents, and its guard allows {most} (guard/{name}, {total} objects in the run)"
            ))
        };
        over(self.deletions, done.deletions, "delete", "deletions")
            .or_else(|| over(self.changes, done.changes, "change", "changes"))
    }
}

#[cfg(test)]
mod tests {
    use host_resource::Pointer;
    use serde_json::{Value, json};

    use super::*;

    fn parse(value: Value) -> Result<Guard, Invalid> {
        Guard::parse(&Members::of(&value, Pointer::root()).unwrap())
    }

    fn deleting(deletions: u64) -> Done {
        Done { changes: 0, deletions }
    }

    #[test]
    fn what_says_nothing_may_delete_a_tenth_and_change_everything() {
        let guard = parse(json!({})).unwrap();
        assert_eq!(guard.objection(1_000, deleting(100)), None);
        assert!(guard.objection(1_000, deleting(101)).unwrap().contains("allows 100"));
        assert_eq!(guard.objection(20, deleting(10)), None);
        assert!(guard.objection(20, deleting(11)).is_some());
        let changing = Done {
            changes: 1_000_000,
            deletions: 0,
        };
        assert_eq!(guard.objection(10, changing), None);
    }

    #[test]
    fn the_smaller_of_count_and_percent_holds() {
        let guard =
            parse(json!({"guard": {"deletions": {"count": 5, "percent": 50}, "changes": {"count": 7}}})).unwrap();
        assert_eq!(guard.objection(100, deleting(5)), None);
        assert!(guard.objection(100, deleting(6)).is_some());
        assert!(guard.objection(4, deleting(3)).unwrap().contains("allows 2"));
        let changing = Done {
            changes: 8,
            deletions: 0,
        };
        assert!(guard.objection(100, changing).unwrap().contains("guard/changes"));
        let none = parse(json!({"guard": {"deletions": {"count": 0}}})).unwrap();
        assert!(none.objection(100, deleting(1)).is_some());
    }

    #[test]
    fn a_wrong_guard_is_refused_with_its_place() {
        for (guard, pointer) in [
            (json!({"deletes": {}}), "/guard/deletes"),
            (json!({"deletions": {}}), "/guard/deletions"),
            (json!({"deletions": {"percent": 101}}), "/guard/deletions/percent"),
            (json!({"changes": {"count": -1}}), "/guard/changes/count"),
            (json!({"changes": 5}), "/guard/changes"),
        ] {
            let invalid = parse(json!({ "guard": guard })).unwrap_err();
            assert_eq!(invalid.pointer.to_string(), pointer, "{}", invalid.message);
        }
    }
}
