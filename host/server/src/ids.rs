//! Ids and randomness from the operating system.

use host_model::ids::Ids;

/// The operating system's cryptographic source.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemIds;

impl Ids for SystemIds {
    #[expect(clippy::disallowed_methods, reason = "this is the one place where ids come from")]
    fn uuid(&self) -> String {
        uuid::Uuid::new_v4().to_string()
    }

    fn random(&self) -> u64 {
        getrandom::u64().expect("the operating system has randomness")
    }
}
