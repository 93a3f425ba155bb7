//! The wall clock.

use async_trait::async_trait;
use chrono::Utc;
use host_model::clock::{Clock, Timestamp};

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place where the time comes from"
    )]
    fn now(&self) -> Timestamp {
        Utc::now()
    }

    #[expect(clippy::disallowed_methods, reason = "this is the one place where sleeping is done")]
    async fn sleep_until(&self, instant: Timestamp) {
        // The wall clock may be set while we sleep: look again at least once a minute.
        const LOOK: std::time::Duration = std::time::Duration::from_secs(60);
        while let Ok(left) = (instant - self.now()).to_std() {
            if left.is_zero() {
                return;
            }
            tokio::time::sleep(left.min(LOOK)).await;
        }
    }
}
