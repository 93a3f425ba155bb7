//! Digests of files, by which built components are tied to their sources.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;

/// What belongs to the sources of the components, from the root of the repository.
const SOURCES: [&str; 2] = ["plugins", "wit"];

/// What lies among the sources without being one: what is built from them, …
const BUILT: [&str; 2] = ["plugins/dist", "plugins/target"];

/// … and what only people read.
const PROSE: &str = "md";

/// One digest of everything that the components are built from: the files of `plugins/` (`Cargo.lock` too) and `wit/`,
/// without what is built and without Markdown. `root` is the root of the repository.
///
/// Paths count relative to the root and in byte order, with `/` between their parts, so that the digest is the same
/// wherever the repository lies.
pub fn sources(root: &Path) -> anyhow::Result<String> {
    let mut files = Vec::new();
    for folder in SOURCES {
        collect(root, &root.join(folder), &mut files)?;
    }
    files.sort();
    let mut hasher = blake3::Hasher::new();
    for name in files {
        let content = read(&root.join(&name))?;
        // Lengths go in front, so that no bytes can move from one file to the next unnoticed.
        for part in [name.as_bytes(), content.as_slice()] {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
    }
    Ok(hasher.finalize().to_hex().to_string())
}

/// The digest of a file, and its length.
pub fn file(path: &Path) -> anyhow::Result<(String, u64)> {
    let content = read(path)?;
    Ok((blake3::hash(&content).to_hex().to_string(), content.len() as u64))
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("failed to read {}", path.display()))
}

fn collect(root: &Path, folder: &Path, files: &mut Vec<String>) -> anyhow::Result<()> {
    let unreadable = || format!("failed to list {}", folder.display());
    for entry in fs::read_dir(folder).with_context(unreadable)? {
        let entry = entry.with_context(unreadable)?;
        let path = entry.path();
        let name = name(root, &path)?;
        if entry.file_type().with_context(unreadable)?.is_dir() {
            if !BUILT.contains(&name.as_str()) {
                collect(root, &path, files)?;
            }
        } else if path.extension().is_none_or(|extension| extension != PROSE) {
            files.push(name);
        }
    }
    Ok(())
}

fn name(root: &Path, path: &Path) -> anyhow::Result<String> {
    let relative: PathBuf = path.strip_prefix(root)?.into();
    let parts: Option<Vec<&str>> = relative.iter().map(|part| part.to_str()).collect();
    Ok(parts
        .with_context(|| format!("{} is not UTF-8", path.display()))?
        .join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Root(PathBuf);

    impl Root {
        fn new(test: &str) -> Self {
            let root = std::env::temp_dir().join(format!("xtask-digest-{test}-{}", std::process::id()));
            for folder in ["wit", "plugins/dist"] {
                fs::create_dir_all(root.join(folder)).expect("a temporary folder can be made");
            }
            Self(root)
        }

        fn with(self, name: &str, content: &str) -> Self {
            fs::write(self.0.join(name), content).expect("a temporary file can be written");
            self
        }

        fn digest(&self) -> String {
            sources(&self.0).expect("all files are there")
        }
    }

    impl Drop for Root {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn what_is_built_and_what_is_prose_does_not_count() {
        let root = Root::new("ignored").with("plugins/a.rs", "a").with("wit/b.wit", "b");
        let before = root.digest();
        let root = root
            .with("plugins/dist/a.wasm", "wasm")
            .with("plugins/README.md", "read me");
        assert_eq!(root.digest(), before);
    }

    #[test]
    fn names_and_contents_count() {
        let before = Root::new("names").with("plugins/a.rs", "a").digest();
        assert_ne!(Root::new("names").with("plugins/b.rs", "a").digest(), before);
        assert_ne!(Root::new("names").with("plugins/a.rs", "b").digest(), before);
        assert_ne!(
            Root::new("names")
                .with("plugins/a.rs", "a")
                .with("wit/a.wit", "a")
                .digest(),
            before
        );
    }

    #[test]
    fn the_place_of_the_repository_does_not_count() {
        let one = Root::new("one").with("plugins/a.rs", "a").with("wit/b.wit", "b");
        let other = Root::new("other").with("wit/b.wit", "b").with("plugins/a.rs", "a");
        assert_eq!(one.digest(), other.digest());
    }
}
