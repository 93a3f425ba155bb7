//! The dialect, row by row of the reference, and a comparison with an enumeration of all seconds.

mod dialect;
mod enumeration;
mod fires;
mod notes;
