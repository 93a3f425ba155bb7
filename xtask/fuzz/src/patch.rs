//! A patch on the first line, an object on the second: a patch that fails changes nothing, one that says it changed
//! nothing did not, and none makes an object that is too deep.

#![no_main]

use host_resource::patch::{self, PatchOperation};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|text: &str| {
    let Some((operations, object)) = text.split_once('\n') else {
        return;
    };
    let Ok(operations) = serde_json::from_str::<Value>(operations) else {
        return;
    };
    let Ok(operations) = PatchOperation::parse_all(&operations) else {
        return;
    };
    let Ok(before @ Value::Object(_)) = serde_json::from_str::<Value>(object) else {
        return;
    };
    let deepest = depth(&before).max(patch::PatchLimits::default().depth);
    let mut after = before.clone();
    match patch::apply(&operations, &mut after) {
        Ok(is_changed) => {
            assert_eq!(is_changed, after != before);
            assert!(after.is_object() && depth(&after) <= deepest);
        }
        Err(_) => assert_eq!(after.to_string(), before.to_string()),
    }
});

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}
