//! Simulated time: it stands still until a test moves it.

use async_trait::async_trait;
use host_model::clock::{Clock, Timestamp, parse_wire_time};
use tokio::sync::watch;

/// A clock that a test moves.
#[derive(Debug)]
pub(crate) struct SimulatedClock(watch::Sender<Timestamp>);

impl SimulatedClock {
    /// Stands at an instant such as `2026-06-01T12:00:00.000Z`.
    pub(crate) fn at(instant: &str) -> Self {
        Self(watch::Sender::new(parse_wire_time(instant).unwrap()))
    }

    pub(crate) fn advance(&self, by: chrono::Duration) {
        self.0.send_modify(|now| *now += by);
    }
}

#[async_trait]
impl Clock for SimulatedClock {
    fn now(&self) -> Timestamp {
        *self.0.borrow()
    }

    async fn sleep_until(&self, instant: Timestamp) {
        // The sender lives in `self`, so waiting cannot fail.
        drop(self.0.subscribe().wait_for(|now| *now >= instant).await);
    }
}
