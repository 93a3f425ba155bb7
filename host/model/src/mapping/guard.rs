//! What keeps a run from deleting too much: a source that answers with half of its objects must not empty the target.

use crate::invalid::Invalid;
use crate::members::Members;

/// When a run may not delete what it would.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guard {
    /// Whether there is one.
    pub is_enabled: bool,
    /// No more objects than this are deleted.
    pub max_deletions: u64,
    /// No larger part of the target than this is deleted, in percent.
    pub max_percent: u64,
    /// So few deletions are fine, whatever part of the target they are.
    pub min_deletions: u64,
}

impl Default for Guard {
    /// On: a day's leavers pass, a source that lost a part of itself does not.
    fn default() -> Guard {
        Guard {
            is_enabled: true,
            max_deletions: 1000,
            max_percent: 25,
            min_deletions: 10,
        }
    }
}

impl Guard {
    /// The guard of the member `name`.
    ///
    /// # Errors
    /// The first member that is unknown or not what it has to be.
    pub fn of(members: &Members<'_>, name: &str) -> Result<Guard, Invalid> {
        let default = Guard::default();
        let Some(members) = members.object(name)? else {
            return Ok(default);
        };
        members.only(&["enabled", "maxDeletions", "maxPercent", "minDeletions"])?;
        let number = |name: &str, absent: u64, most: i64, unit: &str| {
            Ok(members.natural(name, 0..=most, unit)?.unwrap_or(absent))
        };
        Ok(Guard {
            is_enabled: members.bool("enabled", default.is_enabled)?,
            max_deletions: number("maxDeletions", default.max_deletions, i64::MAX, "objects")?,
            max_percent: number("maxPercent", default.max_percent, 100, "percent")?,
            min_deletions: number("minDeletions", default.min_deletions, i64::MAX, "objects")?,
        })
    }

    /// Why a run may not delete so many of so many target objects; none if it may.
    pub fn objection(&self, deletions: u64, targets: u64) -> Option<String> {
        let Guard {
            is_enabled,
            max_deletions,
            max_percent,
            min_deletions,
        } = *self;
        if !is_enabled {
            return None;
        }
        let would = format!("the run would delete {deletions} of {targets} target objects");
        let how = "nothing was deleted; look at an analysed run, and if this is meant, raise deletionGuard in the mapping \
                   or start the run with ignoreDeletionGuard=true";
        if deletions > max_deletions {
            return Some(format!(
                "{would}, and deletionGuard/maxDeletions allows {max_deletions}: {how}"
            ));
        }
        let is_large = u128::from(deletions) * 100 > u128::from(targets) * u128::from(max_percent);
        if is_large && deletions > min_deletions {
            return Some(format!(
                "{would}, and deletionGuard/maxPercent allows {max_percent} percent: {how}"
            ));
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guard_counts_objects_and_percent() {
        let guard = Guard::default();
        for (deletions, targets, words) in [
            (0, 0, None),
            (10, 10, None),
            (11, 44, None),
            (11, 43, Some("25 percent")),
            (1000, 4000, None),
            (1001, 1_000_000, Some("allows 1000:")),
        ] {
            let objection = guard.objection(deletions, targets);
            assert_eq!(
                objection.is_some(),
                words.is_some(),
                "{deletions} of {targets}: {objection:?}"
            );
            assert!(objection.unwrap_or_default().contains(words.unwrap_or_default()));
        }
        let off = Guard {
            is_enabled: false,
            ..guard
        };
        assert_eq!(off.objection(5000, 5000), None);
    }
}
