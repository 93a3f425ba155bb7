//! `lock.json`: which sources the components were built from, and what came out.

use std::collections::BTreeMap;
use std::path::Path;
use std::{fmt, fs};

use anyhow::Context;
use serde_json::{Value, json};
use xtask::digest;

use super::COMPONENTS;

const FILE: &str = "lock.json";

/// What is known of each component, by its file name.
pub(super) struct Lock(BTreeMap<String, Entry>);

#[derive(PartialEq)]
struct Entry {
    blake3: String,
    size: u64,
    /// [`digest::sources`].
    sources: String,
}

impl Lock {
    /// The lock that fits the components in a folder and the sources as they are. A missing component has no entry.
    pub(super) fn of(root: &Path, folder: &Path) -> anyhow::Result<Self> {
        let sources = digest::sources(root)?;
        let mut entries = BTreeMap::new();
        for component in &COMPONENTS {
            let path = folder.join(component.file());
            if path.exists() {
                let (blake3, size) = digest::file(&path)?;
                entries.insert(
                    component.file(),
                    Entry {
                        blake3,
                        size,
                        sources: sources.clone(),
                    },
                );
            }
        }
        Ok(Self(entries))
    }

    pub(super) fn read(folder: &Path) -> anyhow::Result<Self> {
        let path = folder.join(FILE);
        let text = fs::read_to_string(&path).with_context(|| format!("failed to read {}", path.display()))?;
        parse(&text).with_context(|| format!("{} is not a lock", path.display()))
    }

    pub(super) fn write(&self, folder: &Path) -> anyhow::Result<()> {
        let path = folder.join(FILE);
        let entry = |(name, Entry { blake3, size, sources }): (&String, &Entry)| {
            (
                name.clone(),
                json!({ "blake3": blake3, "size": size, "sources": sources }),
            )
        };
        let entries: serde_json::Map<String, Value> = self.0.iter().map(entry).collect();
        let text = format!("{:#}\n", Value::from(entries));
        fs::write(&path, text).with_context(|| format!("failed to write {}", path.display()))
    }

    /// What a person has to know about this lock when things are like `actual`.
    pub(super) fn differences(&self, actual: &Self) -> Vec<String> {
        let mut differences = Vec::new();
        for component in &COMPONENTS {
            let name = component.file();
            match (self.0.get(&name), actual.0.get(&name)) {
                (None, None) => differences.push(format!("{name} is missing")),
                (None, Some(_)) => differences.push(format!("{name} is not in {FILE}")),
                (Some(_), None) => differences.push(format!("{name} is in {FILE}, but missing")),
                (Some(locked), Some(actual)) => {
                    if (&locked.blake3, locked.size) != (&actual.blake3, actual.size) {
                        differences.push(format!("{name} is not what was built"));
                    }
                    if locked.sources != actual.sources {
                        differences.push(format!("{name} was built from other sources"));
                    }
                }
            }
        }
        differences
    }
}

fn parse(text: &str) -> anyhow::Result<Lock> {
    let value: BTreeMap<String, Value> = serde_json::from_str(text)?;
    let mut entries = BTreeMap::new();
    for (name, entry) in value {
        let text = |member: &str| {
            entry[member]
                .as_str()
                .map(String::from)
                .with_context(|| format!("{name} has no {member}"))
        };
        let size = entry["size"].as_u64().with_context(|| format!("{name} has no size"))?;
        let entry = Entry {
            blake3: text("blake3")?,
            size,
            sources: text("sources")?,
        };
        entries.insert(name, entry);
    }
    Ok(Lock(entries))
}

impl fmt::Display for Lock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, Entry { blake3, size, .. }) in &self.0 {
            writeln!(f, "{name:<24} {size:>9} bytes  {blake3}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lock(blake3: &str, sources: &str) -> Lock {
        let entry = |name: &str| {
            (
                name.into(),
                Entry {
                    blake3: blake3.into(),
                    size: 1,
                    sources: sources.into(),
                },
            )
        };
        Lock(COMPONENTS.iter().map(|component| entry(&component.file())).collect())
    }

    #[test]
    fn a_lock_differs_from_other_components_and_other_sources() {
        let locked = lock("a", "s");
        assert_eq!(locked.differences(&lock("a", "s")), Vec::<String>::new());
        assert_eq!(
            locked.differences(&lock("b", "s"))[0],
            "javascript.wasm is not what was built"
        );
        assert_eq!(
            locked.differences(&lock("a", "t"))[0],
            "javascript.wasm was built from other sources"
        );
        assert_eq!(
            locked.differences(&Lock(BTreeMap::new()))[0],
            "javascript.wasm is in lock.json, but missing"
        );
    }

    #[test]
    fn what_lacks_a_member_is_no_lock() {
        assert!(parse(r#"{ "a.wasm": { "blake3": "x", "size": 1 } }"#).is_err());
        assert!(parse(r#"{ "a.wasm": { "blake3": "x", "size": 1, "sources": "y" } }"#).is_ok());
    }
}
