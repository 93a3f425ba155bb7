//! The real binary: a server in a process of its own, over a data folder that outlives it, so that it can be killed; and
//! commands that end by themselves.

use std::io::{BufRead as _, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::thread::JoinHandle;

use super::client::pause;
use super::{Client, PASSWORD, shared_cache};

/// The binary under test.
pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_taskwarden-under-test");

/// Pauses, of 10 ms each, after which a process that should have ended by itself is killed.
const PATIENCE: usize = 9_000;

/// A running server process. It is killed when it is dropped.
pub(crate) struct Process {
    pub(crate) client: Client,
    /// What it printed before it said where it listens.
    pub(crate) greeting: Vec<String>,
    child: Child,
    /// Left open: a server that prints must not die of it.
    _output: BufReader<ChildStdout>,
}

/// What a command that has ended left behind.
#[derive(Debug)]
pub(crate) struct Ended {
    /// None when it was killed.
    pub(crate) code: Option<i32>,
    pub(crate) output: String,
    pub(crate) errors: String,
}

impl Process {
    /// `taskwarden serve` on a data folder and a free port, once it is ready.
    pub(crate) fn serve(data: &Path) -> Self {
        share_cache(data);
        let mut command = Command::new(BINARY);
        command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(data);
        Self::start(command.env("TASKWARDEN_ADMIN_PASSWORD", PASSWORD))
    }

    /// The same with a configuration folder.
    pub(crate) fn serve_with(data: &Path, conf: &Path) -> Self {
        share_cache(data);
        let mut command = Command::new(BINARY);
        command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(data);
        command.arg("--conf").arg(conf);
        Self::start(command.env("TASKWARDEN_ADMIN_PASSWORD", PASSWORD))
    }

    /// A command that serves sooner or later, once it is ready.
    pub(crate) fn start(command: &mut Command) -> Self {
        // Of the log only what is wrong: it comes between the lines of the tests.
        let mut child = command
            .env("TASKWARDEN_LOG", "warn")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut greeting = Vec::new();
        let base = loop {
            let mut line = String::new();
            let read = output.read_line(&mut line).unwrap();
            assert!(read > 0, "it ended and did not say where it listens: {greeting:?}");
            match line.trim_end().strip_prefix("listening on ") {
                Some(base) => break base.to_owned(),
                None => greeting.push(line.trim_end().to_owned()),
            }
        };
        Self {
            client: Client::new(base),
            greeting,
            child,
            _output: output,
        }
    }

    /// SIGTERM, and how it ended.
    pub(crate) fn terminate(mut self) -> ExitStatus {
        let sent = Command::new("kill")
            .args(["-TERM", &self.child.id().to_string()])
            .status()
            .unwrap();
        assert!(sent.success());
        patient(&mut self.child)
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

/// The first start over a data folder would compile the components that all tests share.
pub(crate) fn share_cache(data: &Path) {
    let cache = data.join("cache");
    if !cache.exists() {
        std::fs::create_dir_all(data).unwrap();
        std::fs::create_dir_all(shared_cache()).unwrap();
        std::os::unix::fs::symlink(shared_cache(), &cache).unwrap();
    }
}

/// The folder in which demonstrations keep compiled components (`XDG_CACHE_HOME`): those that all tests share.
pub(crate) fn demo_cache() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("demo");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::create_dir_all(shared_cache()).unwrap();
    // Another test may have made it.
    drop(std::os::unix::fs::symlink(shared_cache(), folder.join("taskwarden")));
    folder
}

/// Runs a command that ends by itself.
pub(crate) fn run(command: &mut Command) -> Ended {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (output, errors) = (
        reader(child.stdout.take().unwrap()),
        reader(child.stderr.take().unwrap()),
    );
    let status = patient(&mut child);
    Ended {
        code: status.code(),
        output: output.join().unwrap(),
        errors: errors.join().unwrap(),
    }
}

fn reader(mut pipe: impl Read + Send + 'static) -> JoinHandle<String> {
    std::thread::spawn(move || {
        let mut text = String::new();
        pipe.read_to_string(&mut text).unwrap();
        text
    })
}

fn patient(child: &mut Child) -> ExitStatus {
    for _ in 0..PATIENCE {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        pause();
    }
    child.kill().unwrap();
    child.wait().unwrap()
}
