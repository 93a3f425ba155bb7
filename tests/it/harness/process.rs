//! A server in a process of its own, over a data folder that outlives it: it can be killed.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::{Client, PASSWORD, shared_cache};

/// The binary under test.
pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_taskwarden-under-test");

/// A running server process. It is killed when it is dropped.
pub(crate) struct Process {
    pub(crate) client: Client,
    child: Child,
}

impl Process {
    /// `taskwarden serve` on a data folder and a free port, once it is ready.
    pub(crate) fn serve(data: &Path) -> Self {
        // The first start would compile the components that all tests share.
        let cache = data.join("cache");
        if !cache.exists() && shared_cache().exists() {
            std::fs::create_dir_all(data).unwrap();
            std::os::unix::fs::symlink(shared_cache(), &cache).unwrap();
        }
        let mut child = Command::new(BINARY)
            .args(["serve", "--listen", "127.0.0.1:0", "--data"])
            .arg(data)
            .env("TASKWARDEN_ADMIN_PASSWORD", PASSWORD)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let base = lines
            .find_map(|line| line.unwrap().strip_prefix("listening on ").map(str::to_owned))
            .expect("the server says where it listens");
        Self { client: Client::new(base), child }
    }

    /// SIGKILL: no cleaning up of any kind.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may be dead already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
