//! Where connectors may touch files: in folders that the operator allows, and nowhere else. Whoever may change the
//! configuration of a tenant is not the operator of the host.

use std::path::{Component, Path, PathBuf};

/// The folders whose files connectors may read and write. Relative paths begin at the first one.
#[derive(Clone, Debug)]
pub struct AllowedFolders(Vec<PathBuf>);

/// Why a connector cannot have a file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PathError {
    /// A `..` in it.
    #[error("a path with '..' in it is not taken")]
    Upwards,
    /// Not in an allowed folder, also after following links.
    #[error("the file is in no folder that connectors may use: see [connectors] folders in taskwarden.toml")]
    Outside,
    /// No name.
    #[error("a path to a file is expected")]
    Empty,
}

impl AllowedFolders {
    /// The configuration folder of the tenant, then what the operator allows besides.
    pub fn new(configuration: PathBuf, others: impl IntoIterator<Item = PathBuf>) -> Self {
        Self(std::iter::once(configuration).chain(others).collect())
    }

    /// The file at a path as a configuration spells it. Neither file nor folder need exist yet.
    pub(crate) fn file(&self, path: &str) -> Result<PathBuf, PathError> {
        let path = Path::new(path);
        if path.components().any(|part| matches!(part, Component::ParentDir)) {
            return Err(PathError::Upwards);
        }
        if path.file_name().is_none() {
            return Err(PathError::Empty);
        }
        let whole = match self.0.first() {
            Some(first) => first.join(path),
            None => path.to_owned(),
        };
        self.admits(&whole).then_some(whole).ok_or(PathError::Outside)
    }

    /// Whether the file lies in an allowed folder now, links followed.
    pub(crate) fn admits(&self, file: &Path) -> bool {
        let real = real(file);
        self.0.iter().any(|folder| real.starts_with(self::real(folder)))
    }
}

/// The path with the links in that part of it that exists followed.
fn real(path: &Path) -> PathBuf {
    let mut rest = Vec::new();
    let mut there = path;
    loop {
        if let Ok(found) = there.canonicalize() {
            return rest.iter().rev().fold(found, |path, part| path.join(part));
        }
        match (there.parent(), there.file_name()) {
            (Some(parent), Some(name)) => {
                rest.push(name);
                there = parent;
            }
            _ => return path.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_in_allowed_folders_only() {
        let root = tempfile::tempdir().unwrap();
        let conf = root.path().join("conf");
        let data = root.path().join("data");
        std::fs::create_dir_all(&conf).unwrap();
        std::fs::write(root.path().join("secret"), "").unwrap();
        std::os::unix::fs::symlink(root.path(), conf.join("link")).unwrap();
        let folders = AllowedFolders::new(conf.clone(), [data.clone()]);
        let check =
            |path: &str, expected: Result<PathBuf, PathError>| assert_eq!(folders.file(path), expected, "{path}");
        check("people.csv", Ok(conf.join("people.csv")));
        check("new/people.csv", Ok(conf.join("new/people.csv")));
        let other = data.join("people.csv");
        check(other.to_str().unwrap(), Ok(other.clone()));
        check("../secret", Err(PathError::Upwards));
        check("link/secret", Err(PathError::Outside));
        check(root.path().join("secret").to_str().unwrap(), Err(PathError::Outside));
        check("/etc/passwd", Err(PathError::Outside));
        check("", Err(PathError::Empty));
        check("/", Err(PathError::Empty));
    }
}
