//! A pointer on the first line, a value on the second: what is parsed is printed and parsed again as the same, what is
//! set is found there, and what could not be set changed nothing.

#![no_main]

use host_resource::Pointer;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|text: &str| {
    let (pointer, document) = text.split_once('\n').unwrap_or((text, "{}"));
    let Ok(pointer) = Pointer::parse(pointer) else { return };
    assert_eq!(Pointer::parse(&pointer.to_string()), Ok(pointer.clone()));

    let Ok(document) = serde_json::from_str::<Value>(document) else {
        return;
    };
    let found = pointer.get(&document).cloned();
    let mut changed = document.clone();
    assert_eq!(pointer.get_mut(&mut changed).cloned(), found);
    match pointer.set(&mut changed, "set".into()) {
        Ok(()) if pointer.elements().iter().all(|element| &**element != "-") => {
            assert_eq!(pointer.get(&changed), Some(&"set".into()), "{pointer}");
        }
        Ok(()) => {}
        Err(_) => assert_eq!(changed, document, "{pointer}"),
    }
    let mut removed = document.clone();
    assert_eq!(pointer.remove(&mut removed), found, "{pointer}");
});
