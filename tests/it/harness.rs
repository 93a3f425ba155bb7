//! What every test stands on: a server in this process with a clock that the test moves, or one in a process of its own
//! that can be killed; and a client.

mod client;
mod clock;
mod process;
mod server;

pub(crate) use client::{Answer, Client};
pub(crate) use clock::SimulatedClock;
pub(crate) use process::Process;
pub(crate) use server::{Server, shared_cache};

/// The password of `openidm-admin` in every test.
pub(crate) const PASSWORD: &str = "openidm-admin";
