//! `audit/…`: who did what, and how it ended.

mod changes;
mod keeping;
mod recon;
mod requests;

use serde_json::Value;

use crate::harness::Client;

/// The entries of a topic that match, the newest first.
fn entries(client: &Client, topic: &str, filter: &str) -> Vec<Value> {
    client.query(&format!("audit/{topic}"), filter)
}

/// The one entry that matches.
#[track_caller]
fn entry(client: &Client, topic: &str, filter: &str) -> Value {
    let mut found = entries(client, topic, filter);
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}
