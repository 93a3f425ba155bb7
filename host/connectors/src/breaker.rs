//! When a system that fails is left alone: after some failures in a row nobody calls it for a while, then one call tries.

use std::time::Duration;

use host_model::clock::Timestamp;

/// So many failures in a row open the breaker.
const FAILURES: u32 = 5;
/// For so long nobody calls a system that failed.
const REST: Duration = Duration::from_secs(30);

/// Whether a system is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Breaker {
    /// It is, and failed so often in a row.
    Closed(u32),
    /// Not before this instant.
    Open(Timestamp),
    /// One call is on its way to see whether the system is well again; another goes if that one is not back by then.
    Trying(Timestamp),
}

impl Default for Breaker {
    fn default() -> Self {
        Self::Closed(0)
    }
}

impl Breaker {
    /// Whether a call may go now.
    pub(crate) fn admit(&mut self, now: Timestamp) -> bool {
        match *self {
            Self::Closed(_) => true,
            Self::Open(until) | Self::Trying(until) if now < until => false,
            Self::Open(_) | Self::Trying(_) => {
                *self = Self::Trying(now + REST);
                true
            }
        }
    }

    /// The system answered, whatever it said.
    pub(crate) fn answered(&mut self) {
        *self = Self::Closed(0);
    }

    /// The system did not answer.
    pub(crate) fn failed(&mut self, now: Timestamp) {
        *self = match *self {
            Self::Closed(failures) if failures + 1 < FAILURES => Self::Closed(failures + 1),
            Self::Closed(_) | Self::Trying(_) => Self::Open(now + REST),
            // A call that had begun before.
            Self::Open(until) => Self::Open(until),
        };
    }
}

#[cfg(test)]
mod tests {
    use host_model::clock::parse_wire_time;

    use super::*;

    #[test]
    fn after_failures_in_a_row_the_system_is_left_alone_and_tried_again() {
        let begin = parse_wire_time("2026-01-01T00:00:00Z").unwrap();
        let at = |seconds| begin + Duration::from_secs(seconds);
        let mut breaker = Breaker::default();
        for _ in 0..FAILURES - 1 {
            assert!(breaker.admit(at(0)));
            breaker.failed(at(0));
        }
        breaker.answered();
        for _ in 0..FAILURES {
            assert!(breaker.admit(at(1)));
            breaker.failed(at(1));
        }
        assert!(!breaker.admit(at(2)) && !breaker.admit(at(30)));
        assert!(breaker.admit(at(31)), "one call tries");
        assert!(!breaker.admit(at(31)), "and only one");
        breaker.failed(at(32));
        assert!(!breaker.admit(at(33)) && breaker.admit(at(62)));
        breaker.answered();
        assert!(breaker.admit(at(62)) && breaker.admit(at(62)));
    }

    #[test]
    fn a_call_that_never_comes_back_does_not_keep_the_breaker_open() {
        let begin = parse_wire_time("2026-01-01T00:00:00Z").unwrap();
        let mut breaker = Breaker::Open(begin);
        assert!(breaker.admit(begin));
        assert!(!breaker.admit(begin + Duration::from_secs(29)));
        assert!(breaker.admit(begin + Duration::from_secs(30)));
    }
}
