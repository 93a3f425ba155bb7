//! A cookie: what is opened is sealed again as the same text, and only by its own query.

#![no_main]

use host_resource::mark::QueryMark;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let mark = QueryMark::new(["managed/user", "true", "+/name"]);
    if let Ok((kind, position)) = mark.open(text) {
        assert_eq!(mark.seal(kind, &position), text);
    }
    // The text as a query and as a position.
    let (query, position) = text.split_once('\n').unwrap_or((text, ""));
    let own = QueryMark::new(["managed/user", query]);
    let cookie = own.seal(b'x', position.as_bytes());
    assert_eq!(own.open(&cookie), Ok((b'x', position.as_bytes().to_vec())));
    assert!(QueryMark::new(["managed/user", query, ""]).open(&cookie).is_err());
});
