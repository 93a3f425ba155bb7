//! The components in `plugins/dist` belong to their sources: `cargo xtask plugins` builds them anew.

use serde_json::{Value, json};

use super::{assert_none, files, read, root};

#[test]
fn the_lock_fits_the_components_and_their_sources() {
    let lock: Value = serde_json::from_str(&read("plugins/dist/lock.json")).unwrap();
    let lock = lock.as_object().unwrap();
    let sources = xtask::digest::sources(&root()).unwrap();
    let mut wrong = Vec::new();
    let built: Vec<String> = files("plugins/dist", "wasm");
    for file in &built {
        let name = file.rsplit('/').next().unwrap();
        let (digest, size) = xtask::digest::file(&root().join(file)).unwrap();
        match lock.get(name) {
            None => wrong.push(format!("{name} is not in lock.json")),
            Some(entry) if entry["blake3"] != digest || entry["size"] != json!(size) => {
                wrong.push(format!("{name} is not the component of lock.json"));
            }
            Some(entry) if entry["sources"] != sources => wrong.push(format!("{name} was built from other sources")),
            Some(_) => {}
        }
    }
    let is_built = |name: &str| built.iter().any(|file| file.ends_with(&format!("/{name}")));
    wrong.extend(
        lock.keys()
            .filter(|name| !is_built(name))
            .map(|name| format!("{name} is in lock.json only")),
    );
    assert!(built.len() >= 3, "{built:?}");
    assert_none(&wrong, "run `cargo xtask plugins`");
}
