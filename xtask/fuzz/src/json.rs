//! The body of a request: what is read is what serde_json reads, and what is refused is refused with a place in it.

#![no_main]

use host_resource::json::{JsonLimits, parse};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|bytes: &[u8]| {
    let other = serde_json::from_slice::<Value>(bytes);
    match parse(bytes, &JsonLimits::default()) {
        Ok(value) => assert_eq!(other.expect("serde_json reads what we read"), value),
        Err(error) => {
            let lines = bytes.iter().filter(|byte| **byte == b'\n').count() + 1;
            assert!((1..=lines).contains(&error.line) && error.column >= 1, "{error}");
            assert!(!error.message.is_empty());
        }
    }
});
