//! An entry as it is stored: its id, and its text without secrets and within bounds.

use std::sync::Arc;

use chrono::DateTime;
use host_model::audit::{Event, Topic};
use host_model::clock::{Timestamp, wire_time};
use host_model::secrets;
use host_store::Collection;
use serde_json::{Map, Value, json};

/// Milliseconds count down from here: the year 10889.
const LAST_MS: i64 = (1 << 48) - 1;

/// The entries of a topic, by id: the newest first.
pub(crate) fn entries(topic: Topic) -> Collection {
    Collection::new(collection(topic))
}

/// The name of the collection of a topic.
pub(crate) fn collection(topic: Topic) -> &'static str {
    match topic {
        Topic::Access => "audit/access",
        Topic::Activity => "audit/activity",
        Topic::Authentication => "audit/authentication",
        Topic::Config => "audit/config",
        Topic::Recon => "audit/recon",
        Topic::Sync => "audit/sync",
    }
}

/// The id of an entry: those of a later millisecond, or of the same one and a later number, sort before it.
pub(crate) fn id(at: Timestamp, number: u32, chance: u64) -> String {
    let left = (LAST_MS - at.timestamp_millis()).clamp(0, LAST_MS);
    format!("{left:012x}-{:08x}-{chance:016x}", u32::MAX - number)
}

/// When the entry of an id was made.
pub(crate) fn time_of(id: &str) -> Option<Timestamp> {
    let left = i64::from_str_radix(id.get(..12)?, 16).ok()?;
    DateTime::from_timestamp_millis(LAST_MS - left)
}

/// The text of an entry: at most so many bytes, as long as what all entries have leaves room.
pub(crate) fn text(event: Event, at: Timestamp, limit: usize) -> Vec<u8> {
    let mut body = Map::new();
    body.insert("timestamp".to_owned(), json!(wire_time(at)));
    body.insert("eventName".to_owned(), json!(event.name));
    body.insert("transactionId".to_owned(), json!(&*event.transaction));
    body.insert("userId".to_owned(), json!(event.user.as_deref()));
    body.insert("trackingIds".to_owned(), json!([]));
    let common = body.len();
    body.extend(event.members);
    let mut body = Value::Object(body);
    secrets::mask(&mut body);
    let mut text = body.to_string();
    // Each round takes the largest member away, so there are no more rounds than members.
    while text.len() > limit {
        let Value::Object(members) = &mut body else { break };
        let largest = members
            .iter_mut()
            .skip(common)
            .map(|(_, value)| (value.to_string().len(), value))
            .max_by_key(|(length, _)| *length);
        let Some((length, value)) = largest.filter(|(length, _)| *length > LEFT_OUT) else {
            break;
        };
        *value = json!({ "leftOutBytes": length });
        text = body.to_string();
    }
    text.into_bytes()
}

/// What says that a member was left out is no longer than this.
const LEFT_OUT: usize = 40;

/// A text that comes from a client, no longer than it may be.
pub(crate) fn bounded(text: &str, limit: usize) -> Arc<str> {
    text[..text.floor_char_boundary(limit)].into()
}

#[cfg(test)]
mod tests {
    use host_model::clock::parse_wire_time;

    use super::*;

    fn at(text: &str) -> Timestamp {
        parse_wire_time(text).unwrap()
    }

    fn event(members: Value) -> Event {
        Event {
            topic: Topic::Activity,
            name: "activity",
            transaction: "t".into(),
            user: Some("joe".into()),
            members: members.as_object().unwrap().clone(),
        }
    }

    #[test]
    fn later_entries_sort_before_earlier_ones() {
        let earlier = id(at("2026-01-01T00:00:00.000Z"), 7, 1);
        let next = id(at("2026-01-01T00:00:00.000Z"), 8, 0);
        let later = id(at("2026-01-01T00:00:00.001Z"), 0, 9);
        assert!(later < next && next < earlier, "{later} {next} {earlier}");
        assert_eq!(time_of(&later), Some(at("2026-01-01T00:00:00.001Z")));
        assert_eq!(time_of("x"), None);
    }

    #[test]
    fn secrets_are_masked_and_what_is_too_large_is_left_out() {
        let large = json!({"password": "hunter2", "before": {"x": "y".repeat(5000)}, "after": {"x": "z"}});
        let text = text(event(large), at("2026-01-01T00:00:00.000Z"), 1000);
        let entry: Value = serde_json::from_slice(&text).unwrap();
        assert_eq!(
            entry,
            json!({
                "timestamp": "2026-01-01T00:00:00.000Z", "eventName": "activity", "transactionId": "t", "userId": "joe",
                "trackingIds": [], "password": "********", "before": {"leftOutBytes": 5008}, "after": {"x": "z"},
            })
        );
    }

    #[test]
    fn many_small_members_come_to_an_end() {
        let many: Map<String, Value> = (0..500).map(|n| (format!("member{n}"), json!(n))).collect();
        let length = text(event(Value::Object(many)), at("2026-01-01T00:00:00.000Z"), 1000).len();
        assert!(length > 1000);
    }

    #[test]
    fn a_text_is_cut_between_characters() {
        assert_eq!(&*bounded("aäb", 2), "a");
        assert_eq!(&*bounded("aäb", 3), "aä");
        assert_eq!(&*bounded("ab", 9), "ab");
    }
}
