//! Compiled components on disk, so that a restart costs no compilation. A file is named by the component's digest and
//! the engine's settings, and begins with the digest of what follows: a torn or damaged file is compiled anew.

use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::{Hash as _, Hasher as _};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use wasmtime::Engine;
use wasmtime::component::Component;

const DIGEST: usize = blake3::OUT_LEN;

/// A folder of compiled components. It belongs to the host alone: who can write to it can run code in the host.
#[derive(Debug)]
pub(crate) struct Cache {
    folder: PathBuf,
}

impl Cache {
    /// Makes the folder if need be, readable by nobody else.
    pub(crate) fn open(folder: &Path) -> std::io::Result<Self> {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(folder)?;
        Ok(Self {
            folder: folder.to_owned(),
        })
    }

    /// The compiled component, from the folder or compiled now. What cannot be kept is only a warning.
    pub(crate) fn component(
        &self,
        engine: &Engine,
        digest: &blake3::Hash,
        bytes: &[u8],
    ) -> wasmtime::Result<Component> {
        let path = self.path(engine, digest);
        if let Some(component) = read(engine, &path) {
            return Ok(component);
        }
        let compiled = engine.precompile_component(bytes)?;
        if let Err(error) = self.write(&path, &compiled) {
            tracing::warn!(path = %path.display(), %error, "a compiled component could not be kept");
        }
        deserialize(engine, &compiled)
    }

    fn path(&self, engine: &Engine, digest: &blake3::Hash) -> PathBuf {
        let mut hasher = DefaultHasher::new();
        engine.precompile_compatibility_hash().hash(&mut hasher);
        self.folder
            .join(format!("{}-{:016x}.cwasm", digest.to_hex(), hasher.finish()))
    }

    fn write(&self, path: &Path, compiled: &[u8]) -> std::io::Result<()> {
        // Written aside and renamed, so that nobody reads half a file. Two processes write the same bytes.
        let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
        file.write_all(blake3::hash(compiled).as_bytes())?;
        file.write_all(compiled)?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|error| error.error)?;
        Ok(())
    }
}

fn read(engine: &Engine, path: &Path) -> Option<Component> {
    let bytes = fs::read(path).ok()?;
    let (digest, compiled) = bytes.split_at_checked(DIGEST)?;
    if blake3::hash(compiled).as_bytes() != digest {
        tracing::warn!(path = %path.display(), "a compiled component is damaged and is compiled anew");
        return None;
    }
    deserialize(engine, compiled).ok()
}

#[expect(
    unsafe_code,
    reason = "wasmtime takes compiled code on trust; the proof is at the call"
)]
fn deserialize(engine: &Engine, compiled: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: the bytes are what `Engine::precompile_component` made, either just now or before they were written to the
    // cache: only `Cache::write` writes files there, the folder is closed to other users (mode 0700), and `read` has
    // checked the digest over the whole file. wasmtime itself refuses code of another version or other settings.
    unsafe { Component::deserialize(engine, compiled) }
}
