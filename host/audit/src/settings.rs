//! What an operator may set.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use serde::Deserialize;

/// Which requests are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Access {
    /// All of them.
    All,
    /// Those that write.
    Writes,
    /// None.
    Off,
}

/// Which changes of managed objects are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Activity {
    /// Those of guests and scheduled jobs as well.
    All,
    /// Those that come from outside.
    Requests,
    /// None.
    Off,
}

/// What is kept of reconciliations and synchronizations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Recon {
    /// What they did with each object, as far as its action is one that is reported.
    All,
    /// Runs, and the objects that they changed or failed with.
    Changes,
    /// Nothing.
    Off,
}

/// What is kept, and for how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Which requests are kept.
    pub access: Access,
    /// Which changes of managed objects are kept.
    pub activity: Activity,
    /// Whether an entry of a change shows the object before and after.
    pub shows_objects: bool,
    /// Types of managed objects whose changes are not kept, such as `managed/device`.
    pub left_out: BTreeSet<String>,
    /// What is kept of reconciliations and synchronizations.
    pub recon: Recon,
    /// The largest members of an entry that would be larger (bytes) are left out.
    pub entry_bytes: usize,
    /// At most so many entries of each topic, and a tenth more until they are trimmed.
    pub entries_kept: usize,
    /// Older entries are not kept.
    pub kept_for: TimeDelta,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            access: Access::All,
            activity: Activity::Requests,
            shows_objects: true,
            left_out: BTreeSet::new(),
            recon: Recon::All,
            entry_bytes: 32 * 1024,
            entries_kept: 100_000,
            kept_for: TimeDelta::days(90),
        }
    }
}
