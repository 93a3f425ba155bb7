//! A filter on the first line, an object on the second: what is parsed is printed and parsed again as the same, and says
//! the same about an object and about its bytes.

#![no_main]

use host_resource::Filter;
use host_resource::filter::Matcher;
use libfuzzer_sys::fuzz_target;
use serde_json::{Map, Value};

fuzz_target!(|text: &str| {
    let (filter, object) = text.split_once('\n').unwrap_or((text, "{}"));
    let Ok(filter) = Filter::parse(filter) else { return };
    let printed = filter.to_string();
    let again = Filter::parse(&printed).unwrap_or_else(|error| panic!("{printed}: {error}"));
    assert_eq!(again.to_string(), printed);

    let Ok(Value::Object(mut members)) = serde_json::from_str(object) else {
        return;
    };
    members.shift_remove("_id");
    members.shift_remove("_rev");
    let bytes = serde_json::to_vec(&members).unwrap();
    let mut whole = Map::new();
    whole.insert("_id".to_owned(), "an id".into());
    whole.insert("_rev".to_owned(), "7".into());
    whole.extend(members);
    let whole = Value::Object(whole);
    let matches = filter.matches(&whole);
    assert_eq!(again.matches(&whole), matches, "{printed}");
    assert_eq!(
        Matcher::new(&filter).matches_bytes(&bytes, "an id", "7"),
        matches,
        "{printed} on {whole}"
    );
});
