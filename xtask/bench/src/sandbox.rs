//! What the sandbox costs on its own: fresh instances on all cores, without a store, a router or an action.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, ensure};
use host_model::clock::Clock as _;
use host_model::limits::Limits;
use host_model::tenant::TenantName;
use host_resource::{Caller, Context, Router};
use host_runtime::{Call, End, Entry, Plugin, Properties, Runtime, RuntimeOptions, Surroundings};
use host_server::clock::SystemClock;

use crate::raw::instant;

/// A component that answers `false` when its input says so, and does nothing else.
const PLUGIN: &str = "plugins/dist/misbehaving-task.wasm";
const INPUT: &str = r#"{"misbehave":"false"}"#;

/// Instances made, called and dropped per second, on as many threads as there are cores.
pub(crate) fn rate(cache: &Path, calls: u64) -> anyhow::Result<f64> {
    let cores = std::thread::available_parallelism()?.get();
    let options = RuntimeOptions {
        cache: cache.to_owned(),
        instances: u32::try_from(cores)? + 1,
    };
    let runtime = Runtime::new(&options).map_err(|error| anyhow::anyhow!("{error:#}"))?;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let bytes = std::fs::read(root.join(PLUGIN)).context(PLUGIN)?;
    let plugin = runtime.load(&bytes)?;
    let started = instant();
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..cores)
            .map(|_| scope.spawn(|| work(&runtime, &plugin, calls / cores as u64)))
            .collect();
        for thread in threads {
            thread.join().map_err(|_| anyhow::anyhow!("a thread panicked"))??;
        }
        anyhow::Ok(())
    })?;
    Ok(calls as f64 / started.elapsed().as_secs_f64())
}

fn work(runtime: &Runtime, plugin: &Plugin, calls: u64) -> anyhow::Result<()> {
    let around = Arc::new(Surroundings {
        tenant: TenantName::default_tenant(),
        job: None,
        run: "bench".into(),
        is_dry_run: false,
        log_level: tracing::Level::INFO,
        properties: Properties::default(),
        router: Arc::new(Router::new()),
    });
    let caller = Arc::new(Caller::internal("default", "bench"));
    let input = INPUT.to_owned();
    let timers = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    timers.block_on(async {
        for seed in 0..calls {
            let call = Call {
                plugin,
                entry: Entry::Task {
                    object_id: "managed/user/x",
                    input: &input,
                },
                limits: Limits::default(),
                around: Arc::clone(&around),
                context: Context::new(Arc::clone(&caller), "bench"),
                now: SystemClock.now(),
                seed,
            };
            let outcome = runtime.call(call).await;
            ensure!(
                matches!(&outcome.end, End::Done(answer) if answer == "false"),
                "{:?}",
                outcome.end
            );
        }
        Ok(())
    })
}
