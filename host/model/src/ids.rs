//! Chance as a port: fresh ids and random numbers, so that a test can repeat a run exactly.

/// Where ids and randomness come from.
pub trait Ids: Send + Sync + std::fmt::Debug {
    /// A fresh id: a version 4 UUID in lower case with hyphens.
    fn uuid(&self) -> String;

    /// Sixty-four random bits.
    fn random(&self) -> u64;
}
