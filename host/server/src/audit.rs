//! `[audit]` of `taskwarden.toml`.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use host_audit::{Access, Activity, Recon};
use serde::Deserialize;

/// What the audit keeps, and for how long.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct AuditSettings {
    /// Which requests are kept.
    pub access: Access,
    /// Whose changes of managed objects are kept.
    pub activity: Activity,
    /// Whether a change shows the object before and after.
    pub activity_objects: bool,
    /// Types of managed objects whose changes are not kept.
    pub activity_without: BTreeSet<String>,
    /// What is kept of reconciliations and synchronizations.
    pub recon: Recon,
    /// An entry has at most so many bytes.
    pub entry_bytes: usize,
    /// At most so many entries of each topic are kept.
    pub max_entries: usize,
    /// Entries that are older are not kept.
    pub max_days: u16,
}

impl Default for AuditSettings {
    fn default() -> Self {
        let defaults = host_audit::Settings::default();
        Self {
            access: defaults.access,
            activity: defaults.activity,
            activity_objects: defaults.shows_objects,
            activity_without: BTreeSet::new(),
            recon: defaults.recon,
            entry_bytes: defaults.entry_bytes,
            max_entries: defaults.entries_kept,
            max_days: 90,
        }
    }
}

impl AuditSettings {
    /// As the audit is given them.
    pub(crate) fn settings(&self) -> host_audit::Settings {
        host_audit::Settings {
            access: self.access,
            activity: self.activity,
            shows_objects: self.activity_objects,
            left_out: self
                .activity_without
                .iter()
                .map(|kind| format!("managed/{kind}"))
                .collect(),
            recon: self.recon,
            entry_bytes: self.entry_bytes,
            entries_kept: self.max_entries,
            kept_for: TimeDelta::days(self.max_days.into()),
        }
    }
}
