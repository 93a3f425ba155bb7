//! The scheduler as a whole, over a store in memory and a clock that only moves when it is told to.

mod fixture;

mod firing;
mod jobs;
mod listing;
mod misfires;
mod pausing;
mod races;
mod restart;
