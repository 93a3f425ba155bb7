//! Schedules: how long a host with many takes to be ready, what an idle one needs, how late fires are, and whether
//! finding the next one depends on how many there are.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use anyhow::{Context as _, ensure};
use chrono::{DateTime, TimeDelta};
use host_model::clock::{Clock as _, Timestamp, parse_wire_time};
use host_model::job::JobId;
use host_resource::{Create, Request, ResourcePath, Verb};
use host_scheduler::{Due, DueIndex, ShelfName};
use host_server::clock::SystemClock;
use host_server::config::Config;
use host_server::ids::SystemIds;
use host_server::{Host, HostOptions, Place};
use host_store::{Collection, Scan};
use serde_json::{Value, json};

use crate::memory::resident_bytes;
use crate::raw::instant;
use crate::table::Row;

/// Fires in a second when lateness is measured: as many schedules that fire each second.
const FIRING: u64 = 500;

/// Seconds for which they fire.
const SECONDS: i64 = 10;

/// Schedules that are made at a time: the commits of several share an fsync.
const MAKERS: u64 = 64;

/// Looks at the index in each size.
const LOOKS: u32 = 200_000;

/// All measurements.
pub(crate) async fn measure(schedules: u64) -> anyhow::Result<Vec<Row>> {
    // Each part takes a while, so it is said which one it is.
    eprintln!("finding the next due");
    let mut rows = finding()?;
    eprintln!("storing {schedules} schedules, and starting with them");
    rows.extend(starting(schedules).await?);
    eprintln!("firing {FIRING} times a second for {SECONDS} seconds");
    rows.extend(firing().await?);
    Ok(rows)
}

/// What it costs to take out the next one that is due and to note when it is due again.
fn finding() -> anyhow::Result<Vec<Row>> {
    let at = |ms: i64| DateTime::from_timestamp_millis(ms).context("a time");
    let mut rows = Vec::new();
    let mut largest = 0.0;
    for size in [1_000_i64, 10_000, 100_000, 1_000_000] {
        let mut index = DueIndex::default();
        let due = |ms: i64| {
            Ok::<Due, anyhow::Error>(Due {
                at: at(ms)?,
                shelf: ShelfName::Persisted,
                is_overlapped: false,
            })
        };
        for number in 0..size {
            // In no order.
            let job: JobId = format!("schedule-{number}").parse()?;
            index.set(&job, due(number.wrapping_mul(7_919) % size)?);
        }
        let started = instant();
        for look in 0..i64::from(LOOKS) {
            let (job, _) = index.pop(at(look + size)?).context("something is due")?;
            index.set(&job, due(look + size)?);
        }
        largest = started.elapsed().as_secs_f64() * 1e6 / f64::from(LOOKS);
        rows.push(Row::figure(
            format!("finding the next due of {size} schedules"),
            format!("{largest:.2} us"),
        ));
    }
    rows.push(Row::at_most(
        "finding the next due of 1000000 schedules, us",
        largest,
        20.0,
    ));
    Ok(rows)
}

async fn starting(schedules: u64) -> anyhow::Result<Vec<Row>> {
    let folder = tempfile::tempdir()?;
    let (full, empty) = (folder.path().join("full"), folder.path().join("empty"));
    start(&empty).await?.stop().await?;
    let host = start(&full).await?;
    let started = instant();
    let host = make(host, schedules, "idle", |_| {
        json!({"persisted": true, "schedule": "0 0 0 1 1 ? 2099", "invokeService": "script", "invokeContext": empty_script()})
    })
    .await?;
    let made = started.elapsed().as_secs_f64();
    host.stop().await?;
    let (_, without) = ready_elsewhere(&empty)?;
    let (seconds, with) = ready_elsewhere(&full)?;
    let each = with.saturating_sub(without) as f64 / schedules as f64;
    Ok(vec![
        Row::figure(
            "schedules stored in a second",
            format!("{:.0}", schedules as f64 / made),
        ),
        Row::at_most(
            format!("start with {schedules} schedules to ready, seconds"),
            seconds,
            10.0,
        ),
        Row::at_most("memory of an idle schedule, bytes", each, 1024.0),
    ])
}

/// How late runs of an empty script begin, from the instant of the schedule until the service is asked.
async fn firing() -> anyhow::Result<Vec<Row>> {
    let folder = tempfile::tempdir()?;
    let host = start(folder.path()).await?;
    let begin = SystemClock.now();
    for number in 0..FIRING {
        // A simple schedule fires at the millisecond at which it was made, so they are spread over the second.
        let offset = TimeDelta::milliseconds(i64::try_from(number * 1_000 / FIRING)?);
        SystemClock.sleep_until(begin + offset + TimeDelta::seconds(1)).await;
        let body = json!({
            "persisted": true, "type": "simple", "repeatInterval": 1_000, "invokeService": "script",
            "invokeContext": empty_script(),
        });
        create(&host, &format!("firing-{number}"), body).await?;
    }
    let from = SystemClock.now() + TimeDelta::seconds(1);
    let to = from + TimeDelta::seconds(SECONDS);
    SystemClock.sleep_until(to + TimeDelta::seconds(1)).await;
    host.scheduler().stop();
    host.scheduler().finished().await;
    let mut late = lateness(&host, from, to).await?;
    host.stop().await?;
    let expected = FIRING * u64::try_from(SECONDS)?;
    ensure!(
        late.len() as u64 * 100 >= expected * 99,
        "only {} of {expected} fires happened",
        late.len()
    );
    late.sort_by(f64::total_cmp);
    let part = |percent: usize| late[(late.len() - 1) * percent / 100];
    Ok(vec![
        Row::figure(format!("fires in {SECONDS} seconds"), late.len().to_string()),
        Row::figure("lateness at 500 fires a second, p50", format!("{:.1} ms", part(50))),
        Row::at_most("lateness at 500 fires a second, p99, ms", part(99), 50.0),
        Row::figure("lateness at 500 fires a second, max", format!("{:.1} ms", part(100))),
    ])
}

async fn lateness(host: &Host, from: Timestamp, to: Timestamp) -> anyhow::Result<Vec<f64>> {
    let mut late = Vec::new();
    let mut scan = Scan::all(Collection::new("scheduler/run"), 1_000);
    loop {
        let page = host.store().scan(&scan).await?;
        for document in &page.documents {
            let run: Value = serde_json::from_slice(&document.body)?;
            let time = |name: &str| run[name].as_str().and_then(parse_wire_time);
            if let (Some(scheduled), Some(started)) = (time("scheduled"), time("started"))
                && scheduled >= from
                && scheduled < to
            {
                ensure!(run["state"] == "succeeded", "a run did not succeed: {run}");
                late.push((started - scheduled).num_milliseconds() as f64);
            }
        }
        match page.cursor {
            None => return Ok(late),
            cursor => scan = scan.after(cursor),
        }
    }
}

/// Seconds until a host on this folder is ready, and its memory then.
pub(crate) async fn ready(folder: &Path) -> anyhow::Result<(f64, u64)> {
    let started = instant();
    let host = start(folder).await?;
    let seconds = started.elapsed().as_secs_f64();
    let bytes = resident_bytes()?;
    host.stop().await?;
    Ok((seconds, bytes))
}

/// The same in a process of its own, so that its memory is its own.
fn ready_elsewhere(folder: &Path) -> anyhow::Result<(f64, u64)> {
    let output = Command::new(std::env::current_exe()?)
        .arg("ready")
        .arg(folder)
        .output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout)?;
    let (seconds, bytes) = text.trim().split_once(' ').context("two numbers")?;
    Ok((seconds.parse()?, bytes.parse()?))
}

async fn start(folder: &Path) -> anyhow::Result<Host> {
    let options = HostOptions {
        place: Place::Folder(folder.to_owned()),
        cache: std::env::temp_dir().join("taskwarden-bench-cache"),
        config: Config::built_in(),
        admin_password: Some("bench-password".to_owned()),
    };
    Host::start(options, Arc::new(SystemClock), Arc::new(SystemIds)).await
}

async fn make(host: Host, count: u64, name: &str, body: fn(u64) -> Value) -> anyhow::Result<Host> {
    let host = Arc::new(host);
    let mut makers = tokio::task::JoinSet::new();
    for maker in 0..MAKERS {
        let (host, name) = (Arc::clone(&host), name.to_owned());
        makers.spawn(async move {
            let mut number = maker;
            while number < count {
                create(&host, &format!("{name}-{number:07}"), body(number)).await?;
                number += MAKERS;
            }
            Ok::<(), anyhow::Error>(())
        });
    }
    while let Some(done) = makers.join_next().await {
        done??;
    }
    Arc::into_inner(host).context("all makers have ended")
}

async fn create(host: &Host, id: &str, content: Value) -> anyhow::Result<()> {
    let create = Create {
        id: Some(id.to_owned()),
        content,
        ..Create::default()
    };
    let request = Request {
        path: ResourcePath::parse("scheduler/job")?,
        verb: Verb::Create(create),
        version: None,
    };
    let caller = host_resource::Caller::internal("default", "bench");
    let context = host_resource::Context::new(Arc::new(caller), "bench");
    host.router().handle(&context, request).await?;
    Ok(())
}

fn empty_script() -> Value {
    json!({"script": {"type": "text/javascript", "source": "true;"}})
}
