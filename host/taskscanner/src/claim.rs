//! Whether a scan may take an object: a pure decision over the object's two marks.

use host_model::clock::{Timestamp, parse_wire_time};

/// What an object's marks say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Marks<'a> {
    /// When somebody last began to work on it.
    pub(crate) started: Option<&'a str>,
    /// When it was last completed.
    pub(crate) completed: Option<&'a str>,
}

/// What to do with an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Take it.
    Claim,
    /// Somebody is working on it, and has time left.
    Busy,
    /// This run has completed it already: it was interrupted between that and its cursor.
    Done,
}

/// What the decision depends on beside the object.
#[derive(Clone, Copy)]
pub(crate) struct Facts<'a> {
    /// The present instant.
    pub(crate) now: Timestamp,
    /// Until when a claim that was made at an instant is respected.
    pub(crate) respected_until: &'a dyn Fn(Timestamp) -> Timestamp,
    /// Claims of this run from before it was interrupted: taken over at once.
    pub(crate) own: &'a [String],
    /// Set on the first pages after an interruption: when the run began.
    pub(crate) resumed_since: Option<Timestamp>,
}

/// Decides over one object.
///
/// A claim that cannot be read as an instant is nobody's. One that lies in the future is respected: clocks differ.
pub(crate) fn decide(marks: Marks<'_>, facts: Facts<'_>) -> Verdict {
    let completed = marks.completed.and_then(parse_wire_time);
    if completed
        .zip(facts.resumed_since)
        .is_some_and(|(completed, since)| completed >= since)
    {
        return Verdict::Done;
    }
    let Some(started) = marks.started else {
        return Verdict::Claim;
    };
    if facts.own.iter().any(|own| own == started) {
        return Verdict::Claim;
    }
    if marks.completed.is_some() {
        return Verdict::Claim;
    }
    match parse_wire_time(started) {
        Some(started) if (facts.respected_until)(started) > facts.now => Verdict::Busy,
        _ => Verdict::Claim,
    }
}

#[cfg(test)]
mod tests {
    use chrono::Duration;

    use super::*;

    fn at(text: &str) -> Timestamp {
        parse_wire_time(text).unwrap()
    }

    #[test]
    fn a_claim_is_respected_until_its_timeout_and_not_longer() {
        let check =
            |started: Option<&str>, completed: Option<&str>, own: &[&str], resumed: Option<&str>, expected: Verdict| {
                let own: Vec<String> = own.iter().map(|own| (*own).to_owned()).collect();
                let facts = Facts {
                    now: at("2026-01-01T12:00:00.000Z"),
                    respected_until: &|started| started + Duration::minutes(10),
                    own: &own,
                    resumed_since: resumed.map(at),
                };
                assert_eq!(
                    decide(Marks { started, completed }, facts),
                    expected,
                    "{started:?} {completed:?} {own:?}"
                );
            };
        check(None, None, &[], None, Verdict::Claim);
        check(Some("2026-01-01T11:55:00.000Z"), None, &[], None, Verdict::Busy);
        check(Some("2026-01-01T11:50:00.000Z"), None, &[], None, Verdict::Claim);
        check(Some("2026-01-01T11:49:59.999Z"), None, &[], None, Verdict::Claim);
        check(Some("2026-01-01T12:30:00.000Z"), None, &[], None, Verdict::Busy);
        check(Some("yesterday"), None, &[], None, Verdict::Claim);
        // A completed object that the filter selects again is free.
        check(
            Some("2026-01-01T11:55:00.000Z"),
            Some("2026-01-01T11:55:01.000Z"),
            &[],
            None,
            Verdict::Claim,
        );
        // Its own claim, after an interruption.
        check(
            Some("2026-01-01T11:55:00.000Z"),
            None,
            &["2026-01-01T11:55:00.000Z"],
            None,
            Verdict::Claim,
        );
        check(
            Some("2026-01-01T11:55:00.000Z"),
            None,
            &["2026-01-01T11:54:00.000Z"],
            None,
            Verdict::Busy,
        );
        // Completed by this run before it was interrupted.
        check(
            None,
            Some("2026-01-01T11:56:00.000Z"),
            &[],
            Some("2026-01-01T11:50:00.000Z"),
            Verdict::Done,
        );
        check(
            None,
            Some("2026-01-01T11:40:00.000Z"),
            &[],
            Some("2026-01-01T11:50:00.000Z"),
            Verdict::Claim,
        );
    }
}
