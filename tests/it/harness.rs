//! What every test stands on: a server in this process with a clock that the test moves, or one in a process of its own
//! that can be killed; and a client.

mod chance;
mod client;
mod clock;
mod like;
mod process;
mod server;
pub(crate) mod tour;
mod transcript;

pub(crate) use chance::{Dice, kills};
pub(crate) use client::{Answer, Client, encode, pause};
pub(crate) use clock::SimulatedClock;
pub(crate) use like::assert_like;
pub(crate) use process::{BINARY, Ended, Process, demo_cache, run, share_cache};
pub(crate) use server::{BEGIN, Server, shared_cache};
pub(crate) use transcript::Transcript;

/// The password of `openidm-admin` in every test.
pub(crate) const PASSWORD: &str = "openidm-admin";
