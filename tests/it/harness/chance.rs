//! Chance that can be repeated, and how often a process is killed by it.

/// The variable that says how often a process is killed.
const KILLS: &str = "TASKWARDEN_KILLS";

/// How often a process is killed: as the environment says, or so often.
pub(crate) fn kills(usually: u64) -> u64 {
    std::env::var(KILLS).map_or(usually, |kills| kills.parse().expect("a number of kills"))
}

/// Dice that fall alike for the same number: splitmix64.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    /// A number below a bound.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound.max(1)
    }

    /// Whether something happens that does so in this many of a hundred cases.
    pub(crate) fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}
