//! The same scan with the same effect, done by a Rust component, by inline JavaScript and by a native closure in the
//! same pipeline.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use host_model::clock::Clock as _;
use host_resource::patch::PatchOperation;
use host_resource::project::Fields;
use host_resource::{Filter, Patch, Problem, Query, Read, Request, ResourcePath, Response, Router, Verb};
use host_server::clock::SystemClock;
use host_server::config::Config;
use host_server::ids::SystemIds;
use host_server::{Host, HostOptions, Place, sample};
use host_store::unit_of_work::UnitOfWork;
use host_store::{ChangeSet, Collection, Expectation, Key};
use host_taskscanner::{Native, Order};
use serde_json::{Value, json};

use crate::raw::{self, instant};
use crate::sandbox;
use crate::table::Row;

/// Each measurement is taken so often; the median counts.
const ROUNDS: usize = 3;

/// Who does the work.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Native,
    Component,
    JavaScript,
}

impl std::str::FromStr for Kind {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        Ok(match text {
            "native" => Self::Native,
            "component" => Self::Component,
            "javascript" => Self::JavaScript,
            _ => anyhow::bail!("native, component or javascript, not {text}"),
        })
    }
}

/// All measurements of one run.
pub(crate) async fn compare(objects: u64) -> anyhow::Result<Vec<Row>> {
    let folder = tempfile::tempdir()?;
    let documents: Vec<(String, Vec<u8>)> = users(0, objects);
    let (mut raw_rates, mut bare, mut native) = (Vec::new(), Vec::new(), Vec::new());
    let (mut component, mut javascript) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let place = folder.path().join(format!("raw-{round}"));
        std::fs::create_dir_all(&place)?;
        raw_rates.push(raw::rate(&place, &documents)?);
        bare.push(sandbox::rate(&cache(), objects)?);
        // In turn, so that a machine whose speed drifts treats all alike.
        native.push(once(objects, Kind::Native).await?);
        component.push(once(objects, Kind::Component).await?);
        javascript.push(once(objects, Kind::JavaScript).await?);
    }
    let [raw, bare, native, component, javascript] = [raw_rates, bare, native, component, javascript].map(median);
    // Written pages and fresh sandboxes share the cores, so that nothing which needs both can be faster than this.
    let ceiling = 1.0 / (1.0 / raw + 1.0 / bare);
    Ok(vec![
        Row::figure("objects in the scan", objects.to_string()),
        Row::figure("raw redb, the same pages written", format!("{raw:.0} objects/s")),
        Row::figure("sandboxes alone: made, called, dropped", format!("{bare:.0} objects/s")),
        Row::figure("both and nothing else: the ceiling", format!("{ceiling:.0} objects/s")),
        Row::figure("native closure, whole scan", format!("{native:.0} objects/s")),
        Row::figure("Rust component, whole scan", format!("{component:.0} objects/s")),
        Row::figure("inline JavaScript, whole scan", format!("{javascript:.0} objects/s")),
        Row::at_most("Rust component / native closure, time", native / component, 1.5),
        Row::at_most("inline JavaScript / Rust component, time", component / javascript, 3.0),
        Row::at_least("Rust component / raw redb, objects per second", component / raw, 0.3),
        Row::figure("Rust component / the ceiling", format!("{:.2}", component / ceiling)),
    ])
}

/// Compiled components, kept from one run to the next.
pub(crate) fn cache() -> std::path::PathBuf {
    std::env::temp_dir().join("taskwarden-bench-cache")
}

/// The password of the administrator of hosts that are measured.
pub(crate) const PASSWORD: &str = "bench-password";

/// A host over a folder.
pub(crate) async fn host(folder: &std::path::Path) -> anyhow::Result<Host> {
    let options = HostOptions {
        place: Place::Folder(folder.to_owned()),
        cache: cache(),
        config: Config::built_in(),
        admin_password: Some(PASSWORD.to_owned()),
    };
    Host::start(options, Arc::new(SystemClock), Arc::new(SystemIds)).await
}

/// One scan: objects per second.
pub(crate) async fn once(objects: u64, kind: Kind) -> anyhow::Result<f64> {
    let folder = tempfile::tempdir()?;
    let host = host(folder.path()).await?;
    load(&host, objects).await?;
    let started = instant();
    let id = start(&host, kind).await?;
    host.scanner().wait(&id).await;
    let took = started.elapsed();
    let run = read(&host, &["taskscanner", &id]).await?;
    ensure!(
        run["progress"]["successes"] == objects,
        "not every object was done: {run}"
    );
    let user = read(&host, &["managed", "user", &sample::user_id(objects - 1)]).await?;
    ensure!(
        user["active"] == false && user["accountStatus"] == "inactive",
        "the action had no effect: {user}"
    );
    let left = Query::filter(Arc::new(Filter::parse("active eq true")?));
    let request = Request {
        path: ResourcePath::parse("managed/user")?,
        verb: Verb::Query(left),
        version: None,
    };
    if let Response::Page(page) = host.router().handle(&context(), request).await? {
        ensure!(page.result.is_empty(), "some objects were left out");
    }
    host.stop().await?;
    Ok(objects as f64 / took.max(Duration::from_millis(1)).as_secs_f64())
}

async fn start(host: &Host, kind: Kind) -> anyhow::Result<Arc<str>> {
    let script = match kind {
        Kind::Native | Kind::Component => json!({"type": "application/wasm", "plugin": "sunset-task@0.1.0"}),
        Kind::JavaScript => json!({"type": "text/javascript", "source": SCRIPT}),
    };
    let invoke_context = json!({
        "numberOfThreads": 8,
        "scan": {
            "_queryFilter": "!(/sunset/task-completed pr)",
            "object": "managed/user",
            "taskState": {"started": "/sunset/task-started", "completed": "/sunset/task-completed"},
            "recovery": {"timeout": "10m"},
        },
        "task": {"script": script},
    });
    let order = Order {
        id: None,
        name: "bench".to_owned(),
        invoke_context,
        is_analysis: false,
        log_level: "info".parse().context("a log level")?,
    };
    let started = match kind {
        Kind::Native => host.scanner().start_native(order, native(host.router())).await,
        _ => host.scanner().start(order).await,
    };
    Ok(started?)
}

const SCRIPT: &str = r#"var patch = [{ "operation" : "replace", "field" : "/active", "value" : false }, { "operation" : "replace", "field" : "/accountStatus", "value" : "inactive" }];
logger.debug("Performing Sunset Task on {} ({})", input.mail, objectID);
openidm.patch(objectID, null, patch); true;"#;

/// What the sunset task does, with the same calls of the router, without a sandbox around it.
fn native(router: &Arc<Router>) -> Native {
    let router = Arc::clone(router);
    Arc::new(move |unit: Arc<UnitOfWork>, key: Key| {
        let router = Arc::clone(&router);
        Box::pin(async move {
            let Some(seen) = unit.get(&key).await? else {
                return Ok(false);
            };
            let damaged = |error: serde_json::Error| Problem::internal(error.to_string());
            let user: User = serde_json::from_slice(&seen.body).map_err(damaged)?;
            let path = format!("managed/user/{}", key.id);
            tracing::trace!(
                "Performing Sunset Task on {} ({path})",
                user.mail.as_deref().unwrap_or("undefined")
            );
            let operations = json!([
                {"operation": "replace", "field": "/active", "value": false},
                {"operation": "replace", "field": "/accountStatus", "value": "inactive"},
            ]);
            let invalid = |error: &dyn std::fmt::Display| Problem::bad_request(error.to_string());
            let patch = Patch {
                rev: None,
                operations: PatchOperation::parse_all(&operations).map_err(|error| invalid(&error))?,
                fields: Fields::default(),
            };
            let request = Request {
                path: ResourcePath::parse(&path).map_err(|error| invalid(&error))?,
                verb: Verb::Patch(patch),
                version: None,
            };
            match router.handle(&context().within(unit), request).await? {
                Response::Object(object) => object.to_json().map_err(damaged)?,
                _ => return Err(Problem::internal("a patch was not answered by an object")),
            };
            Ok(true)
        })
    })
}

/// What the sunset task reads of a user.
#[derive(serde::Deserialize)]
struct User {
    mail: Option<String>,
}

pub(crate) async fn load(host: &Host, objects: u64) -> anyhow::Result<()> {
    const BATCH: u64 = 1_000;
    let users_collection = Collection::new("managed/user");
    let mut number = 0;
    while number < objects {
        let mut changes = ChangeSet::new();
        let end = (number + BATCH).min(objects);
        for (id, body) in users(number, end) {
            changes.put(users_collection.key(id), Expectation::Absent, body);
        }
        host.store().commit(changes).await?;
        number = end;
    }
    Ok(())
}

pub(crate) fn users(from: u64, to: u64) -> Vec<(String, Vec<u8>)> {
    let now = SystemClock.now();
    (from..to)
        .map(|number| {
            (
                sample::user_id(number),
                sample::user(number, now).to_string().into_bytes(),
            )
        })
        .collect()
}

pub(crate) async fn read(host: &Host, elements: &[&str]) -> anyhow::Result<Value> {
    let path = ResourcePath::from_elements(elements.iter().copied());
    let request = Request {
        path,
        verb: Verb::Read(Read::default()),
        version: None,
    };
    match host.router().handle(&context(), request).await? {
        Response::Object(object) => Ok(object.into_value()?),
        _ => anyhow::bail!("a read was not answered by an object"),
    }
}

pub(crate) fn context() -> host_resource::Context {
    host_resource::Context::new(Arc::new(host_resource::Caller::internal("default", "bench")), "bench")
}

pub(crate) fn median(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}
