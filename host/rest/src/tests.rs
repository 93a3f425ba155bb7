//! The whole crate through a socket: a tenant with a few small resources, a server on a free port, a client.

mod client;
mod conversations;
mod encodings;
mod endings;
mod events;
mod house;
mod queries;
mod things;
