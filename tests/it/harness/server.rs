//! A server in this process: documents in memory, simulated time, a free port.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use host_server::config::Config;
use host_server::ids::SystemIds;
use host_server::{Host, HostOptions, Place};
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

use super::{Client, PASSWORD, SimulatedClock};

/// When every test begins, unless it says otherwise.
pub(crate) const BEGIN: &str = "2026-06-01T12:00:00.000Z";

/// A running server. It stops when it is dropped.
pub(crate) struct Server {
    pub(crate) client: Client,
    pub(crate) clock: Arc<SimulatedClock>,
    host: Option<Arc<Host>>,
    runtime: Option<Runtime>,
    stop: Option<oneshot::Sender<()>>,
    folder: tempfile::TempDir,
}

/// Compiled components are shared by all tests and all runs of them.
pub(crate) fn shared_cache() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("components")
}

impl Server {
    /// A server with the managed types `user`, `role` and `realm-name_user`.
    pub(crate) fn start() -> Self {
        Self::with_files(&[])
    }

    /// The same with more files in its configuration folder, such as `("script/a.js", "true;")`.
    pub(crate) fn with_files(files: &[(&str, &[u8])]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let conf = folder.path().join("conf");
        let indexes = json!(["/userName", "/sunset/date"]);
        let types: Value = json!({"objects": [
            {"name": "user", "indexes": indexes},
            {"name": "role"},
            {"name": "realm-name_user", "indexes": indexes},
        ]});
        write(&conf.join("managed.json"), types.to_string().as_bytes());
        for (name, content) in files {
            write(&conf.join(name), content);
        }
        Self::begin(folder, &conf, Place::Memory).unwrap_or_else(|refused| panic!("{refused}"))
    }

    /// A server with these types whose documents are in a folder, where the next one finds them.
    pub(crate) fn in_folder(data: &Path, types: &Value) -> Self {
        Self::try_in_folder(data, types).unwrap_or_else(|refused| panic!("{refused}"))
    }

    /// The same, or why it does not start.
    pub(crate) fn try_in_folder(data: &Path, types: &Value) -> Result<Self, String> {
        let folder = tempfile::tempdir().unwrap();
        let conf = folder.path().join("conf");
        write(&conf.join("managed.json"), types.to_string().as_bytes());
        Self::begin(folder, &conf, Place::Folder(data.to_owned()))
    }

    fn begin(folder: tempfile::TempDir, conf: &Path, place: Place) -> Result<Self, String> {
        let options = HostOptions {
            place,
            cache: shared_cache(),
            config: Config::read(conf).unwrap(),
            admin_password: Some(PASSWORD.to_owned()),
        };
        let clock = Arc::new(SimulatedClock::at(BEGIN));
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let (host, base) = {
            let clock = clock.clone();
            runtime.block_on(async move {
                let host = Host::start(options, clock, Arc::new(SystemIds)).await;
                let host = Arc::new(host.map_err(|error| format!("{error:#}"))?);
                let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
                let base = format!("http://{}", listener.local_addr().unwrap());
                let serving = host.clone();
                tokio::spawn(async move { serving.serve(listener, async { drop(stopped.await) }).await });
                Ok::<_, String>((host, base))
            })?
        };
        Ok(Self {
            client: Client::new(base),
            clock,
            host: Some(host),
            runtime: Some(runtime),
            stop: Some(stop),
            folder,
        })
    }

    /// Stops in order and closes the store.
    pub(crate) fn stop(mut self) {
        drop(self.stop.take());
        let (runtime, host) = (self.runtime.as_ref().unwrap(), self.host.take().unwrap());
        runtime.block_on(async move {
            let mut host = host;
            // The connections end first.
            let host = loop {
                match Arc::try_unwrap(host) {
                    Ok(host) => break host,
                    Err(shared) => host = shared,
                }
                tokio::task::yield_now().await;
            };
            host.stop().await.unwrap();
        });
    }

    /// The configuration folder.
    pub(crate) fn conf(&self) -> PathBuf {
        self.folder.path().join("conf")
    }

    /// Has the server look at its configuration folder, and returns when it has taken up what it found.
    pub(crate) fn look(&self) {
        let (runtime, host) = (self.runtime.as_ref().unwrap(), self.host.as_ref().unwrap());
        runtime.block_on(host.configuration().look());
    }

    /// Moves the time on and returns when what became due is done.
    pub(crate) fn advance(&self, by: chrono::Duration) {
        self.clock.advance(by);
        self.settle();
    }

    /// Returns when nothing is due and no run goes on.
    pub(crate) fn settle(&self) {
        let (runtime, host) = (self.runtime.as_ref().unwrap(), self.host.as_ref().unwrap());
        runtime.block_on(host.scheduler().finished());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        drop(self.host.take());
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

fn write(file: &Path, content: &[u8]) {
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(file, content).unwrap();
}
