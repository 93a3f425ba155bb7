//! What an operator may set.

use chrono::TimeDelta;
use host_model::clock::Tz;
use host_model::misfire;

/// How a tenant's scheduler works.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The name of this host in triggers.
    pub node: String,
    /// The zone of jobs that name none.
    pub zone: Tz,
    /// At most so many runs at a time.
    pub threads: usize,
    /// A fire that is later than this is missed.
    pub misfire_threshold: TimeDelta,
    /// At most so many ended runs of each job are kept.
    pub runs_kept: usize,
    /// Ended runs older than this are not kept, also those of jobs that are gone.
    pub runs_kept_for: TimeDelta,
    /// At most so many records of due instants of each job are kept.
    pub occurrences_kept: usize,
    /// Records of due instants older than this are not kept, also those of jobs that are gone.
    pub occurrences_kept_for: TimeDelta,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            node: "node1".to_owned(),
            zone: Tz::UTC,
            threads: 10,
            misfire_threshold: misfire::THRESHOLD,
            runs_kept: 100,
            runs_kept_for: TimeDelta::days(30),
            occurrences_kept: 1000,
            occurrences_kept_for: TimeDelta::days(90),
        }
    }
}
