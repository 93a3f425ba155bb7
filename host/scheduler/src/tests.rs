//! The scheduler as a whole, over a store in memory and a clock that only moves when it is told to.

mod fixture;

mod backfill;
mod firing;
mod jobs;
mod listing;
mod misfires;
mod occurrences;
mod pausing;
mod races;
mod restart;
mod runs;
mod year;
