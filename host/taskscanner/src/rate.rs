//! How fast a run goes, from what it had done at some moments of the last half minute.

use std::collections::VecDeque;

use chrono::Duration;
use host_model::clock::Timestamp;

/// How far back moments count.
const WINDOW: Duration = Duration::seconds(30);

/// Moments lie no closer together than this, so that there are few of them.
const APART: Duration = Duration::milliseconds(500);

/// How fast something goes.
#[derive(Debug, Default)]
pub(crate) struct Rate(VecDeque<(Timestamp, u64)>);

impl Rate {
    /// Forgets what was before: counting begins here.
    pub(crate) fn begin(&mut self, now: Timestamp, done: u64) {
        self.0.clear();
        self.0.push_back((now, done));
    }

    /// So much is done by now.
    pub(crate) fn note(&mut self, now: Timestamp, done: u64) {
        match self.0.back() {
            Some((last, _)) if now - *last < APART && self.0.len() > 1 => {
                if let Some(last) = self.0.back_mut() {
                    last.1 = done;
                }
            }
            _ => self.0.push_back((now, done)),
        }
        while self.0.len() > 2 && self.0.front().is_some_and(|(first, _)| now - *first > WINDOW) {
            self.0.pop_front();
        }
    }

    /// So many a second, if anything can be said yet.
    pub(crate) fn per_second(&self, now: Timestamp) -> Option<f64> {
        let ((first, before), (_, done)) = (self.0.front()?, self.0.back()?);
        let millis = (now - *first).num_milliseconds();
        let count = done.saturating_sub(*before);
        #[expect(clippy::cast_precision_loss, reason = "a rate is no exact number")]
        (millis > 0 && count > 0).then(|| count as f64 * 1_000.0 / millis as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_that_of_the_last_half_minute() {
        let at = |millis| Timestamp::UNIX_EPOCH + Duration::milliseconds(millis);
        let mut rate = Rate::default();
        assert_eq!(rate.per_second(at(0)), None);
        rate.begin(at(0), 100);
        assert_eq!(rate.per_second(at(1_000)), None);
        rate.note(at(1_000), 200);
        assert_eq!(rate.per_second(at(1_000)), Some(100.0));
        // Nothing happens: it becomes slower.
        assert_eq!(rate.per_second(at(2_000)), Some(50.0));
        for second in 2..100 {
            for part in 0..20 {
                rate.note(
                    at(second * 1_000 + part * 50),
                    200 + u64::try_from(second).unwrap() * 1_000,
                );
            }
        }
        let found = rate.per_second(at(100_000)).unwrap();
        assert!((900.0..1_100.0).contains(&found), "{found}");
        assert!(rate.0.len() < 100, "{}", rate.0.len());
        rate.begin(at(200_000), 7);
        assert_eq!(rate.per_second(at(300_000)), None);
    }
}
