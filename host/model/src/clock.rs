//! Time as a port. Nothing in the host reads the wall clock or sleeps on its own; a test replaces this with simulated time.

use async_trait::async_trait;
use chrono::{DateTime, SecondsFormat, Utc};

/// A time zone of the tz database.
pub use chrono_tz::Tz;

/// An instant, in UTC.
pub type Timestamp = DateTime<Utc>;

/// Where the time comes from.
#[async_trait]
pub trait Clock: Send + Sync + std::fmt::Debug {
    /// The present instant.
    fn now(&self) -> Timestamp;

    /// Returns once `now()` is at or after `instant`; at once if it is already.
    async fn sleep_until(&self, instant: Timestamp);
}

/// The form in which instants cross the wire: ISO 8601 in UTC with milliseconds, `2019-10-09T10:48:14.818Z`.
///
/// Such texts sort like the instants they stand for, so stored dates are compared as strings.
pub fn wire_time(instant: Timestamp) -> String {
    instant.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// Reads what [`wire_time`] writes, and any other RFC 3339 time. `None` if it is not one.
pub fn parse_wire_time(text: &str) -> Option<Timestamp> {
    DateTime::parse_from_rfc3339(text)
        .ok()
        .map(|instant| instant.with_timezone(&Utc))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_crosses_the_wire_with_milliseconds_and_z() {
        let check = |input: &str, expected: &str| {
            let instant = parse_wire_time(input).unwrap();
            assert_eq!(wire_time(instant), expected, "{input}");
        };
        check("2019-10-09T10:48:14.818Z", "2019-10-09T10:48:14.818Z");
        check("2019-10-09T10:48:14Z", "2019-10-09T10:48:14.000Z");
        check("2019-10-09T12:48:14.8189+02:00", "2019-10-09T10:48:14.818Z");
    }

    #[test]
    fn a_text_that_is_no_time_is_none() {
        for text in ["", "2019-10-09", "2019-10-09T10:48:14", "soon"] {
            assert_eq!(parse_wire_time(text), None, "{text}");
        }
    }
}
