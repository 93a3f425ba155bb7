//! The folder of configuration files. A file is replaced as a whole: written beside it, made durable, renamed, and the
//! folder made durable; so it is the old one or the new one, whenever the host stops.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use host_model::configured::ConfigName;

/// Larger configuration objects (bytes of JSON) are refused.
pub const MAX_OBJECT: usize = 1 << 20;
/// More configuration objects are refused: they are kept in memory.
pub const MAX_OBJECTS: usize = 10_000;

/// How names of files begin that are being written.
const UNFINISHED: &str = ".taskwarden-";

/// A folder of configuration files, which may not exist yet.
#[derive(Clone, Debug)]
pub struct Folder(PathBuf);

/// Why a file could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// The system said no.
    #[error("cannot {verb} {}", .path.display())]
    Io {
        /// `read`, `write`, `remove`.
        verb: &'static str,
        /// Which file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file of more than [`MAX_OBJECT`] bytes.
    #[error("{} is larger than {MAX_OBJECT} bytes", .0.display())]
    Large(PathBuf),
}

/// What tells whether a file has changed since it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    length: u64,
    inode: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    fn of(metadata: &fs::Metadata) -> Self {
        Self {
            length: metadata.len(),
            inode: metadata.ino(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

impl Folder {
    /// The folder at a path.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Where the file of an object is.
    pub fn file(&self, name: &ConfigName) -> PathBuf {
        self.0.join(name.file())
    }

    /// The content of an object's file; none if there is no file.
    ///
    /// # Errors
    /// It cannot be read, or is too large.
    pub fn read(&self, name: &ConfigName) -> Result<Option<Vec<u8>>, FolderError> {
        let path = self.file(name);
        let failed = |source| FolderError::Io {
            verb: "read",
            path: path.clone(),
            source,
        };
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        let mut content = Vec::new();
        file.take(MAX_OBJECT as u64 + 1)
            .read_to_end(&mut content)
            .map_err(failed)?;
        if content.len() > MAX_OBJECT {
            return Err(FolderError::Large(path));
        }
        Ok(Some(content))
    }

    /// The JSON files of the folder with their stamps, by name. Hidden ones are none; a folder that does not exist has
    /// none.
    pub(crate) fn list(&self) -> Result<Vec<(String, Stamp)>, FolderError> {
        let failed = |source| FolderError::Io {
            verb: "read",
            path: self.0.clone(),
            source,
        };
        let entries = match fs::read_dir(&self.0) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(failed(error)),
        };
        let mut files = Vec::new();
        for entry in entries {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.starts_with('.') || !name.ends_with(".json") {
                continue;
            }
            // A link counts as what it leads to. What has gone meanwhile is not there.
            if let Some(metadata) = fs::metadata(entry.path()).ok().filter(fs::Metadata::is_file) {
                files.push((name, Stamp::of(&metadata)));
            }
        }
        files.sort_by(|(one, _), (other, _)| one.cmp(other));
        Ok(files)
    }

    /// The stamp of an object's file; none if there is no file.
    pub(crate) fn stamp(&self, name: &ConfigName) -> Option<Stamp> {
        let metadata = fs::metadata(self.file(name)).ok().filter(fs::Metadata::is_file)?;
        Some(Stamp::of(&metadata))
    }

    /// Makes this the content of an object's file, durably.
    pub(crate) fn write(&self, name: &ConfigName, content: &[u8]) -> Result<Option<Stamp>, FolderError> {
        let path = self.file(name);
        self.replace(&path, content).map_err(|source| FolderError::Io {
            verb: "write",
            path,
            source,
        })?;
        Ok(self.stamp(name))
    }

    fn replace(&self, path: &Path, content: &[u8]) -> io::Result<()> {
        make_folder(&self.0)?;
        self.sweep();
        let mut file = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(&self.0)?;
        file.write_all(content)?;
        if let Ok(before) = fs::metadata(path) {
            file.as_file().set_permissions(before.permissions())?;
        }
        file.as_file().sync_all()?;
        file.persist(path).map_err(|error| error.error)?;
        File::open(&self.0)?.sync_all()
    }

    /// Removes an object's file, durably.
    pub(crate) fn remove(&self, name: &ConfigName) -> Result<(), FolderError> {
        let path = self.file(name);
        let removed = match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => File::open(&self.0).and_then(|folder| folder.sync_all()),
        };
        removed.map_err(|source| FolderError::Io {
            verb: "remove",
            path,
            source,
        })
    }

    /// Removes what a host that was killed had begun to write. Only one writes at a time.
    fn sweep(&self) {
        for entry in fs::read_dir(&self.0).into_iter().flatten().flatten() {
            if entry.file_name().to_string_lossy().starts_with(UNFINISHED) {
                // It is in nobody's way: the next write tries again.
                drop(fs::remove_file(entry.path()));
            }
        }
    }
}

/// Makes a folder for the owner only, durably, with those above it.
fn make_folder(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        make_folder(parent)?;
    }
    match fs::DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    match path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        Some(parent) => File::open(parent)?.sync_all(),
        None => Ok(()),
    }
}
