//! The file with the keys. It is made when the first key is needed, is its owner's alone, and is never logged nor handed
//! out. Keys are only ever added: what was encrypted with an old one stays readable.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use host_model::ids::Ids;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

/// The alias of keys for properties that name none.
pub const DEFAULT_ALIAS: &str = "openidm-sym-default";

/// A key of AES-256.
pub(crate) type Key = [u8; 32];

/// The keys of one tenant, by alias and version.
pub struct Keystore {
    /// None keeps the keys in memory.
    file: Option<PathBuf>,
    keys: Mutex<BTreeMap<String, BTreeMap<u32, Key>>>,
    ids: Arc<dyn Ids>,
}

/// Why keys cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum KeystoreError {
    /// The file cannot be read or written.
    #[error("the keystore {} cannot be {what}", .file.display())]
    Io {
        /// Which.
        file: PathBuf,
        /// `read` or `written`.
        what: &'static str,
        /// Why.
        source: io::Error,
    },
    /// The file is not a keystore. Its content is not shown.
    #[error("the keystore {} is damaged", .0.display())]
    Damaged(PathBuf),
    /// Others than its owner may read the file.
    #[error("the keystore {} can be read by others than its owner: make its mode 0600", .0.display())]
    Open(PathBuf),
}

/// The file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    /// Alias to version to key, in Base64.
    keys: BTreeMap<String, BTreeMap<u32, String>>,
}

impl Keystore {
    /// Keys that are forgotten at the end.
    pub fn in_memory(ids: Arc<dyn Ids>) -> Self {
        Self {
            file: None,
            keys: Mutex::default(),
            ids,
        }
    }

    /// The keys in a file, which need not exist yet.
    pub fn open(file: PathBuf, ids: Arc<dyn Ids>) -> Result<Self, KeystoreError> {
        let keys = read(&file)?;
        Ok(Self {
            file: Some(file),
            keys: Mutex::new(keys),
            ids,
        })
    }

    /// Makes a new key for an alias; from now on values are encrypted with it. Answers its version.
    pub fn rotate(&self, alias: &str) -> Result<u32, KeystoreError> {
        let mut keys = self.keys.lock();
        let mut changed = keys.clone();
        let versions = changed.entry(alias.to_owned()).or_default();
        let version = versions.last_key_value().map_or(1, |(version, _)| version + 1);
        versions.insert(version, self.random());
        if let Some(file) = &self.file {
            write(file, &changed)?;
        }
        *keys = changed;
        Ok(version)
    }

    /// The newest key of an alias and its name; the first one is made now.
    pub(crate) fn newest(&self, alias: &str) -> Result<(String, Key), KeystoreError> {
        let newest = || {
            let keys = self.keys.lock();
            let (version, key) = keys.get(alias)?.last_key_value()?;
            Some((format!("{alias}.{version}"), *key))
        };
        if let Some(found) = newest() {
            return Ok(found);
        }
        self.rotate(alias)?;
        Ok(newest().expect("a key was made just now"))
    }

    /// The key of this name.
    pub(crate) fn named(&self, name: &str) -> Option<Key> {
        let (alias, version) = name.rsplit_once('.')?;
        self.keys.lock().get(alias)?.get(&version.parse().ok()?).copied()
    }

    pub(crate) fn random<const N: usize>(&self) -> [u8; N] {
        crate::random(&*self.ids)
    }
}

impl fmt::Debug for Keystore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keystore")
            .field("file", &self.file)
            .finish_non_exhaustive()
    }
}

fn read(file: &Path) -> Result<BTreeMap<String, BTreeMap<u32, Key>>, KeystoreError> {
    let failed = |source| KeystoreError::Io {
        file: file.to_owned(),
        what: "read",
        source,
    };
    let metadata = match fs::metadata(file) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(error) => return Err(failed(error)),
    };
    if metadata.permissions().mode() & 0o077 != 0 {
        return Err(KeystoreError::Open(file.to_owned()));
    }
    let text = fs::read(file).map_err(failed)?;
    let damaged = || KeystoreError::Damaged(file.to_owned());
    let stored: Stored = serde_json::from_slice(&text).map_err(|_| damaged())?;
    let decode = |text: &String| -> Option<Key> { BASE64.decode(text).ok()?.try_into().ok() };
    let mut keys = BTreeMap::new();
    for (alias, versions) in &stored.keys {
        let decoded: Option<BTreeMap<u32, Key>> = versions
            .iter()
            .map(|(version, text)| Some((*version, decode(text)?)))
            .collect();
        keys.insert(alias.clone(), decoded.ok_or_else(damaged)?);
    }
    Ok(keys)
}

/// Writes beside the file and renames: after a crash there are the old keys or the new ones.
fn write(file: &Path, keys: &BTreeMap<String, BTreeMap<u32, Key>>) -> Result<(), KeystoreError> {
    let failed = |source| KeystoreError::Io {
        file: file.to_owned(),
        what: "written",
        source,
    };
    let encode = |versions: &BTreeMap<u32, Key>| {
        versions
            .iter()
            .map(|(version, key)| (*version, BASE64.encode(key)))
            .collect()
    };
    let keys = keys
        .iter()
        .map(|(alias, versions)| (alias.clone(), encode(versions)))
        .collect();
    let text = serde_json::to_vec(&Stored { keys }).map_err(|error| failed(error.into()))?;
    let beside = file.with_extension("new");
    let write = || {
        let mut options = OpenOptions::new();
        let mut new = options
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&beside)?;
        new.write_all(&text)?;
        new.sync_all()?;
        fs::rename(&beside, file)?;
        match file.parent() {
            Some(folder) => File::open(folder)?.sync_all(),
            None => Ok(()),
        }
    };
    write().map_err(failed)
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use serde_json::json;

    use super::*;

    #[derive(Debug, Default)]
    pub(crate) struct CountedIds(AtomicU64);

    impl Ids for CountedIds {
        fn uuid(&self) -> String {
            self.random().to_string()
        }

        fn random(&self) -> u64 {
            self.0.fetch_add(1, Ordering::Relaxed)
        }
    }

    #[test]
    fn the_file_is_its_owners_alone_and_survives() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("keys.json");
        let open = || Keystore::open(file.clone(), Arc::new(CountedIds::default()));
        let keystore = open().unwrap();
        assert!(!file.exists(), "it is made when it is needed");
        let sealed = keystore.encrypt("a", &json!("secret")).unwrap();
        keystore.rotate("a").unwrap();
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(open().unwrap().decrypt(&sealed).unwrap(), json!("secret"));
        assert!(!format!("{keystore:?}").contains("AA"));
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(open(), Err(KeystoreError::Open(_))));
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(&file, "{}").unwrap();
        assert!(matches!(open(), Err(KeystoreError::Damaged(_))));
    }
}
