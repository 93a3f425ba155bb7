//! How much a client may ask of this server, and for how long.

use std::time::Duration;

/// The limits that an operator may choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Longer request bodies (bytes) are refused.
    pub body_bytes: usize,
    /// Open connections; further ones wait to be accepted.
    pub connections: usize,
    /// Requests of one tenant that are answered at the same time. The next is told to come back, so that a tenant whose
    /// requests are slow does not take the connections of the others.
    pub requests_per_tenant: usize,
}

impl Default for Limits {
    /// Bodies of 4 MiB; as many connections as fit into the usual limit of 1024 open files, with room for the rest of
    /// the process; a quarter of that for each tenant.
    fn default() -> Self {
        Self {
            body_bytes: 4 * 1024 * 1024,
            connections: 512,
            requests_per_tenant: 128,
        }
    }
}

/// A request's head has to arrive within this time. It is also how long an idle connection is kept open.
pub(crate) const HEAD_TIME: Duration = Duration::from_secs(30);
/// A request's body has to arrive within this time, as a whole: the largest one then needs 70 kB a second.
pub(crate) const BODY_TIME: Duration = Duration::from_secs(60);
/// The body of an import may take as long as it likes, but no piece of it longer than this.
pub(crate) const PIECE_TIME: Duration = Duration::from_secs(30);
/// A client that takes none of its answer for so long is given up.
pub(crate) const STALL_TIME: Duration = Duration::from_secs(30);
/// What a client still sends when its connection ends is read and thrown away for so long, and so much (bytes) of it: then
/// it can read the answer that made the connection end.
pub(crate) const LINGER_TIME: Duration = Duration::from_secs(10);
/// See [`LINGER_TIME`].
pub(crate) const LINGER_BYTES: usize = 64 * 1024 * 1024;
/// Streams of events of one tenant at the same time; the next is told to come back.
pub(crate) const EVENT_STREAMS: usize = 32;
/// How often a resource that is watched is looked at.
pub(crate) const EVENT_POLL: Duration = Duration::from_millis(500);
/// A stream with nothing to tell says so, so that nobody in between takes the connection for dead.
pub(crate) const EVENT_HEARTBEAT: Duration = Duration::from_secs(15);
/// A stream of events ends after this time; who still wants to know asks again, and shows again who it is.
pub(crate) const EVENT_TIME: Duration = Duration::from_secs(3600);
/// At shutdown, requests that are under way get this time.
pub(crate) const GRACE_TIME: Duration = Duration::from_secs(30);
/// A request's head (bytes) is at most this long: the longest URL and as much again for the headers.
pub(crate) const HEAD_BYTES: usize = 2 * crate::request::MAX_URL;
/// After a connection could not be accepted, because files have run out, say, the next attempt is made so much later.
pub(crate) const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
