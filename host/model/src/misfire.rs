//! Missed fires: what a trigger does when its fire time has long passed.
//!
//! A fire is missed when nobody was there to act on it: the host was down, the trigger paused, all threads taken, or the
//! previous run of the job still going. A small delay is no miss, see [`THRESHOLD`].

use std::fmt;
use std::str::FromStr;

use chrono::TimeDelta;

use crate::clock::Timestamp;
use crate::trigger::{Repeat, Stretch, Timing, Trigger};

/// A fire that is later than this is missed. Quartz's value.
pub const THRESHOLD: TimeDelta = TimeDelta::seconds(10);

/// What a cron trigger does about missed fires.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MisfirePolicy {
    /// Fire once at once, drop the others, go on as planned.
    #[default]
    FireAndProceed,
    /// Drop them all, go on as planned.
    DoNothing,
}

/// What has become of a trigger at `now`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settled {
    /// Its next fire is not missed; it may be due.
    OnTime(Trigger),
    /// It missed fires, and its next fire time is another one.
    Moved(Trigger, Stretch),
    /// It missed fires, and has no time left to make up for them.
    Complete(Stretch),
}

/// Applies the policy to a trigger whose fire time may have passed.
///
/// | trigger | policy | becomes |
/// |---|---|---|
/// | cron | fireAndProceed | next fire now |
/// | cron | doNothing | next fire at the next regular time |
/// | simple, count 0 | fire now | next fire now |
/// | simple, repeating | fire now | starts again now, with the count that is left |
pub fn settle(mut trigger: Trigger, policy: MisfirePolicy, now: Timestamp, threshold: TimeDelta) -> Settled {
    if now - trigger.next <= threshold {
        return Settled::OnTime(trigger);
    }
    let missed = trigger.due(trigger.next, now).unwrap_or(Stretch::one(trigger.next));
    let next = match (&mut trigger.timing, policy) {
        (Timing::Cron { .. }, MisfirePolicy::FireAndProceed) => Some(now),
        (
            Timing::Cron {
                cron,
                zone,
                clock_change,
            },
            MisfirePolicy::DoNothing,
        ) => cron.next_after(now, *zone, *clock_change),
        (
            Timing::Simple {
                repeat: Repeat::Times(0),
                ..
            },
            _,
        ) => Some(now),
        (Timing::Simple { interval, repeat }, _) => {
            if let Repeat::Times(count) = repeat {
                let gone = trigger
                    .times_triggered
                    .saturating_add(intervals(*interval, now - trigger.next));
                *count = count.saturating_sub(gone);
            }
            trigger.start = now;
            trigger.times_triggered = 0;
            Some(now)
        }
    };
    match next {
        Some(next) if trigger.is_before_end(next) => Settled::Moved(Trigger { next, ..trigger }, missed),
        _ => Settled::Complete(missed),
    }
}

/// How many whole intervals fit into a stretch of time; none if the interval is zero.
fn intervals(interval: TimeDelta, stretch: TimeDelta) -> u64 {
    let count = stretch
        .num_milliseconds()
        .checked_div(interval.num_milliseconds())
        .unwrap_or(0);
    u64::try_from(count).unwrap_or(0)
}

/// A text that names no policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Invalid misfire policy: {0}")]
pub struct UnknownPolicy(pub String);

const NAMES: [(MisfirePolicy, &str); 2] = [
    (MisfirePolicy::FireAndProceed, "fireAndProceed"),
    (MisfirePolicy::DoNothing, "doNothing"),
];

impl fmt::Display for MisfirePolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = NAMES.iter().find(|(policy, _)| policy == self).map(|(_, name)| *name);
        f.write_str(name.expect("every policy has a name"))
    }
}

impl FromStr for MisfirePolicy {
    type Err = UnknownPolicy;

    fn from_str(text: &str) -> Result<MisfirePolicy, UnknownPolicy> {
        let found = NAMES.iter().find(|(_, name)| *name == text).map(|(policy, _)| *policy);
        found.ok_or_else(|| UnknownPolicy(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{parse_wire_time, wire_time};
    use crate::cron::{ClockChange, Cron};
    use crate::trigger::AfterFire;

    fn at(text: &str) -> Timestamp {
        parse_wire_time(text).unwrap()
    }

    fn show(missed: Stretch) -> String {
        format!(
            "{} from {} to {}",
            missed.count,
            wire_time(missed.first),
            wire_time(missed.last)
        )
    }

    fn cron() -> Timing {
        let cron = Cron::parse("0 0 * * * ?").unwrap();
        Timing::Cron {
            cron,
            zone: chrono_tz::UTC,
            clock_change: ClockChange::default(),
        }
    }

    fn simple(count: i64) -> Timing {
        Timing::Simple {
            interval: TimeDelta::hours(1),
            repeat: Repeat::from_wire(count).unwrap(),
        }
    }

    /// Settles a trigger that was made at midnight, fired so often on time, and was then left alone until `now`.
    fn settled(timing: Timing, policy: MisfirePolicy, fired: u32, end: Option<&str>, now: &str) -> String {
        let mut trigger = Trigger::new(timing, None, end.map(at), at("2026-01-01T00:00:00Z")).unwrap();
        for _ in 0..fired {
            trigger = match trigger.fire() {
                AfterFire::Again(trigger) => trigger,
                AfterFire::Complete { .. } => panic!("it does not fire so often"),
            };
        }
        match settle(trigger, policy, at(now), THRESHOLD) {
            Settled::OnTime(trigger) => format!("on time {}", wire_time(trigger.next)),
            Settled::Complete(missed) => format!("complete, missed {}", show(missed)),
            Settled::Moved(trigger, missed) => {
                let count = match trigger.timing {
                    Timing::Simple { repeat, .. } => format!(", count {}", repeat.to_wire()),
                    Timing::Cron { .. } => String::new(),
                };
                format!("moved to {}{count}, missed {}", wire_time(trigger.next), show(missed))
            }
        }
    }

    #[test]
    fn the_policy_table() {
        use MisfirePolicy::*;
        let check = |timing, policy, fired, now: &str, expected: &str| {
            assert_eq!(settled(timing, policy, fired, None, now), expected);
        };
        // Up to ten seconds it is a delay and no miss.
        check(
            cron(),
            FireAndProceed,
            1,
            "2026-01-01T01:00:10Z",
            "on time 2026-01-01T01:00:00.000Z",
        );
        check(
            cron(),
            FireAndProceed,
            1,
            "2026-01-01T00:30:00Z",
            "on time 2026-01-01T01:00:00.000Z",
        );
        let now = "2026-01-01T03:30:00.250Z";
        let missed = "missed 3 from 2026-01-01T01:00:00.000Z to 2026-01-01T03:00:00.000Z";
        check(
            cron(),
            FireAndProceed,
            1,
            "2026-01-01T01:00:10.001Z",
            "moved to 2026-01-01T01:00:10.001Z, missed 1 from 2026-01-01T01:00:00.000Z to 2026-01-01T01:00:00.000Z",
        );
        check(
            cron(),
            FireAndProceed,
            1,
            now,
            &format!("moved to 2026-01-01T03:30:00.250Z, {missed}"),
        );
        check(
            cron(),
            DoNothing,
            1,
            now,
            &format!("moved to 2026-01-01T04:00:00.000Z, {missed}"),
        );
        check(
            simple(-1),
            FireAndProceed,
            1,
            now,
            &format!("moved to {now}, count -1, {missed}"),
        );
        // Five fires in all: one happened; those of 01:00 and 02:00 are lost, 03:00 happens now, one more comes later.
        check(
            simple(4),
            FireAndProceed,
            1,
            now,
            &format!("moved to {now}, count 1, {missed}"),
        );
        // Its last two fires are both missed: there is nothing at 03:00 and later.
        check(
            simple(2),
            FireAndProceed,
            1,
            "2026-01-01T09:00:00.000Z",
            "moved to 2026-01-01T09:00:00.000Z, count 0, \
             missed 2 from 2026-01-01T01:00:00.000Z to 2026-01-01T02:00:00.000Z",
        );
        check(
            simple(0),
            FireAndProceed,
            0,
            now,
            &format!("moved to {now}, count 0, missed 1 from 2026-01-01T00:00:00.000Z to 2026-01-01T00:00:00.000Z"),
        );
    }

    #[test]
    fn nothing_is_made_up_for_after_the_end() {
        let check = |timing, policy, expected: &str| {
            assert_eq!(
                settled(timing, policy, 1, Some("2026-01-01T03:00:00Z"), "2026-01-01T03:00:00Z"),
                expected
            );
        };
        let complete = "complete, missed 2 from 2026-01-01T01:00:00.000Z to 2026-01-01T02:00:00.000Z";
        check(cron(), MisfirePolicy::FireAndProceed, complete);
        check(cron(), MisfirePolicy::DoNothing, complete);
        check(simple(-1), MisfirePolicy::FireAndProceed, complete);
    }

    #[test]
    fn fires_at_once_that_took_long_keep_their_number() {
        let timing = Timing::Simple {
            interval: TimeDelta::zero(),
            repeat: Repeat::Times(4),
        };
        let found = settled(
            timing,
            MisfirePolicy::FireAndProceed,
            2,
            None,
            "2026-01-01T00:01:00.000Z",
        );
        // Only the next one is made up for; the others follow at the new start.
        assert_eq!(
            found,
            "moved to 2026-01-01T00:01:00.000Z, count 2, \
             missed 1 from 2026-01-01T00:00:00.000Z to 2026-01-01T00:00:00.000Z"
        );
    }

    #[test]
    fn every_policy_is_read_as_it_is_written() {
        for name in ["fireAndProceed", "doNothing"] {
            assert_eq!(name.parse::<MisfirePolicy>().unwrap().to_string(), name);
        }
        assert_eq!(
            "x".parse::<MisfirePolicy>().unwrap_err().to_string(),
            "Invalid misfire policy: x"
        );
    }
}
