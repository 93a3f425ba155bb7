//! `taskwarden demo`: users, the sunset scan on a schedule, a progress bar, what happened; then it keeps serving.

mod report;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use host_model::clock::Clock as _;
use host_resource::{Caller, Context, Create, Filter, Query, Read, Request, ResourcePath, Response, Verb};
use host_store::unit_of_work::{UnitOfWork, WriteLimits};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use crate::cli::DemoArguments;
use crate::clock::SystemClock;
use crate::config::Config;
use crate::host::{ADMIN, Host, HostOptions, Place};
use crate::ids::SystemIds;
use crate::signals::Signals;
use crate::{sample, serve};

/// Users that are created in one unit of work.
const BATCH: u64 = 500;

/// How often the progress bar moves.
const LOOK: chrono::Duration = chrono::Duration::milliseconds(50);

const JOB: &str = "sunsetTask";

pub(crate) async fn run(arguments: DemoArguments) -> anyhow::Result<()> {
    let listener = serve::listen(arguments.listen).await?;
    let address = listener.local_addr()?;
    let folder = tempfile::Builder::new().prefix("taskwarden-demo-").tempdir()?;
    let given = std::env::var(serve::ADMIN_PASSWORD).ok();
    println!(
        "Starting Taskwarden on {} (removed at the end) …",
        folder.path().display()
    );
    let options = HostOptions {
        place: Place::Folder(folder.path().join("data")),
        cache: cache(),
        config: Config::built_in(),
        admin_password: given,
    };
    let host = Host::start(options, Arc::new(SystemClock), Arc::new(SystemIds)).await?;
    let signals = Signals::catch().context("cannot catch the signals to stop")?;
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = host.serve(listener, async {
        // Stopped by a word or by silence, it is the same.
        drop(stopped.await);
    });
    let showing = async {
        let outcome = tokio::select! {
            outcome = show_and_stay(&host, &arguments, address) => outcome,
            () = signals.stop() => Ok(()),
        };
        drop(stop);
        outcome
    };
    let (outcome, ()) = tokio::join!(showing, serving);
    host.stop().await?;
    outcome
}

async fn show_and_stay(host: &Host, arguments: &DemoArguments, address: SocketAddr) -> anyhow::Result<()> {
    show(host, u64::from(arguments.users)).await?;
    if !arguments.once {
        report::invite(address, host.generated_password.as_deref());
        std::future::pending::<()>().await;
    }
    Ok(())
}

/// Compiled components are kept from one demonstration, or check, to the next.
pub(crate) fn cache() -> std::path::PathBuf {
    let home = std::env::var_os("XDG_CACHE_HOME").map(std::path::PathBuf::from);
    let home = home.or_else(|| std::env::var_os("HOME").map(|home| std::path::PathBuf::from(home).join(".cache")));
    home.unwrap_or_else(std::env::temp_dir).join("taskwarden")
}

async fn show(host: &Host, users: u64) -> anyhow::Result<()> {
    load(host, users).await?;
    let watched: Vec<u64> = (0..users)
        .filter(|number| sample::is_past_sunset(*number))
        .take(3)
        .collect();
    let mut before = Vec::new();
    for number in &watched {
        before.push(read(host, &["managed", "user", &sample::user_id(*number)]).await?);
    }
    println!("Scheduling {JOB}: every user whose sunset date has passed is deactivated by inline JavaScript,");
    println!("each in a fresh WebAssembly sandbox, each all or nothing …");
    let content = json!({
        "enabled": true,
        "type": "simple",
        "repeatInterval": 3_600_000,
        "persisted": true,
        "concurrentExecution": false,
        "invokeService": "taskscanner",
        "invokeContext": {
            "waitForCompletion": false,
            "numberOfThreads": 8,
            "scan": {
                "_queryFilter": "((/sunset/date lt \"${Time.now}\") AND !(/sunset/task-completed pr))",
                "object": "managed/user",
                "taskState": { "started": "/sunset/task-started", "completed": "/sunset/task-completed" },
                "recovery": { "timeout": "10m" },
            },
            "task": { "script": { "type": "text/javascript", "source": SCRIPT } },
        },
    });
    let create = Create {
        id: Some(JOB.to_owned()),
        content,
        ..Create::default()
    };
    ask(host, &["scheduler", "job"], Verb::Create(create)).await?;
    let run = watch(host).await?;
    let mut changed = Vec::new();
    for (number, before) in watched.iter().zip(before) {
        changed.push((
            before,
            read(host, &["managed", "user", &sample::user_id(*number)]).await?,
        ));
    }
    report::result(&run, &changed);
    Ok(())
}

/// The script of the platform's own documents.
const SCRIPT: &str = r#"var patch = [{ "operation" : "replace", "field" : "/active", "value" : false }, { "operation" : "replace", "field" : "/accountStatus", "value" : "inactive" }];

logger.debug("Performing Sunset Task on {} ({})", input.mail, objectID);

openidm.patch(objectID, null, patch); true;"#;

async fn load(host: &Host, users: u64) -> anyhow::Result<()> {
    let bar = bar(users, "users loaded");
    let now = SystemClock.now();
    let mut number = 0;
    while number < users {
        let unit = Arc::new(UnitOfWork::new(host.store().snapshot().await?, WriteLimits::NONE));
        let context = context().within(Arc::clone(&unit));
        let end = (number + BATCH).min(users);
        for number in number..end {
            let create = Create {
                id: Some(sample::user_id(number)),
                content: sample::user(number, now),
                ..Create::default()
            };
            let request = Request {
                path: path(&["managed", "user"]),
                verb: Verb::Create(create),
                version: None,
            };
            host.router().handle(&context, request).await?;
        }
        let made = unit.end().context("the unit of work has ended")?;
        host.store().commit(made.own.to_changes()).await?;
        bar.inc(end - number);
        number = end;
    }
    bar.finish();
    Ok(())
}

/// Watches the scheduled run until it has ended.
async fn watch(host: &Host) -> anyhow::Result<Value> {
    let mut progress: Option<ProgressBar> = None;
    loop {
        if let Some(run) = find(host).await? {
            let number = |name: &str| run["progress"][name].as_u64().unwrap_or_default();
            if number("total") > 0 {
                let bar = progress.get_or_insert_with(|| bar(number("total"), "users processed"));
                bar.set_position(number("processed"));
            }
            match run["progress"]["state"].as_str() {
                Some("COMPLETED") => {
                    if let Some(bar) = progress {
                        bar.finish();
                    }
                    return Ok(run);
                }
                Some("ERROR" | "CANCELLED") => bail!("the scan ended early: {}", run["message"]),
                _ => {}
            }
        }
        SystemClock.sleep_until(SystemClock.now() + LOOK).await;
    }
}

async fn find(host: &Host) -> anyhow::Result<Option<Value>> {
    let query = Query::filter(Arc::new(Filter::parse(&format!("name eq \"{JOB}\""))?));
    let Response::Page(page) = ask(host, &["taskscanner"], Verb::Query(query)).await? else {
        return Ok(None);
    };
    Ok(page
        .result
        .into_iter()
        .next()
        .map(host_resource::Object::into_value)
        .transpose()?)
}

fn bar(length: u64, what: &str) -> ProgressBar {
    let bar = ProgressBar::new(length);
    let template = format!("  {{bar:40}} {{pos:>7}}/{{len}} {what}  {{per_sec}}  {{elapsed}}");
    bar.set_style(ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

async fn read(host: &Host, elements: &[&str]) -> anyhow::Result<Value> {
    match ask(host, elements, Verb::Read(Read::default())).await? {
        Response::Object(object) => Ok(object.into_value()?),
        _ => bail!("a read was not answered by an object"),
    }
}

async fn ask(host: &Host, elements: &[&str], verb: Verb) -> anyhow::Result<Response> {
    let request = Request {
        path: path(elements),
        verb,
        version: None,
    };
    Ok(host.router().handle(&context(), request).await?)
}

fn path(elements: &[&str]) -> ResourcePath {
    ResourcePath::from_elements(elements.iter().copied())
}

fn context() -> Context {
    Context::new(Arc::new(Caller::internal("default", ADMIN)), "demo")
}
