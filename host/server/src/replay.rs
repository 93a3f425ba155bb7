//! `taskwarden replay`: a failure that was read from `taskscanner/RUN/failure/OBJECT` is made again, offline, and the first
//! difference is shown.

use std::io::Read as _;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use host_model::tenant::TenantName;
use host_resource::{LateRouter, Router};
use host_runtime::replay::{Recording, Replayed, Verdict};
use host_runtime::{Runtime, RuntimeOptions, Scripts};
use serde_json::{Value, json};

use crate::cli::ReplayArguments;
use crate::clock::SystemClock;
use crate::demo;
use crate::shipped::{JAVASCRIPT, SHIPPED};

/// Longer files (bytes) are none of ours: a failure is bounded far below.
const MAX_FILE: u64 = 16 << 20;

/// Longer components (bytes) are refused by the runtime as well.
const MAX_COMPONENT: u64 = host_runtime::runtime::MAX_COMPONENT as u64;

/// It goes on as then, or well.
const AS_THEN: u8 = 0;
/// Something else happens.
const DIFFERS: u8 = 1;
/// The file cannot be played.
const UNUSABLE: u8 = 2;

pub(crate) async fn run(arguments: &ReplayArguments) -> ExitCode {
    match replay(arguments).await {
        Ok(replayed) => {
            if arguments.json {
                println!("{:#}", replayed.to_json());
            } else {
                println!("{}", told(&replayed));
            }
            ExitCode::from(match replayed.verdict {
                Verdict::Same | Verdict::Done => AS_THEN,
                Verdict::OtherCall { .. } | Verdict::OtherEnd => DIFFERS,
                Verdict::Unknown { .. } => UNUSABLE,
            })
        }
        Err(error) => {
            if arguments.json {
                println!("{:#}", json!({"verdict": "unusable", "why": format!("{error:#}")}));
            }
            eprintln!("taskwarden: {error:#}");
            ExitCode::from(UNUSABLE)
        }
    }
}

async fn replay(arguments: &ReplayArguments) -> anyhow::Result<Replayed> {
    let file = &arguments.failure;
    let text = read(file, MAX_FILE)?;
    let failure: Value = serde_json::from_slice(&text).with_context(|| format!("{} is no JSON", file.display()))?;
    let recording = Recording::parse(&failure).map_err(|invalid| {
        let place = if invalid.pointer.is_root() {
            "/".to_owned()
        } else {
            invalid.pointer.to_string()
        };
        anyhow::anyhow!(
            "{}: {place}: {}; a failure is expected as taskscanner/RUN/failure/OBJECT answers it",
            file.display(),
            invalid.message
        )
    })?;
    let component = match &arguments.plugin {
        Some(file) => Some(read(file, MAX_COMPONENT)?.into()),
        None => None,
    };
    let options = RuntimeOptions {
        cache: demo::cache(),
        instances: 2,
    };
    let runtime = Runtime::new(&options).map_err(|error| anyhow::anyhow!("cannot start WebAssembly: {error:#}"))?;
    let (router, late) = (Arc::new(Router::new()), LateRouter::default());
    late.bind(&router);
    let scripts = Scripts::new(
        Arc::clone(&runtime),
        TenantName::default_tenant(),
        None,
        JAVASCRIPT,
        SHIPPED,
        late,
        Arc::new(SystemClock),
    );
    let replayed = recording.play(&runtime, &scripts, component).await;
    replayed.map_err(|problem| anyhow::anyhow!("{}: {}", file.display(), problem.message))
}

fn read(file: &Path, limit: u64) -> anyhow::Result<Vec<u8>> {
    let cannot = || format!("cannot read {}", file.display());
    let mut bytes = Vec::new();
    let opened = std::fs::File::open(file).with_context(cannot)?;
    opened.take(limit + 1).read_to_end(&mut bytes).with_context(cannot)?;
    anyhow::ensure!(
        bytes.len() as u64 <= limit,
        "{} is longer than {limit} bytes",
        file.display()
    );
    Ok(bytes)
}

/// The replay for people.
fn told(replayed: &Replayed) -> String {
    let end = |(kind, message): &(String, String)| match message.as_str() {
        "" => kind.clone(),
        message => format!("{kind}: {message}"),
    };
    let call = |call: &Option<Value>| match call {
        Some(call) => format!("{call:#}"),
        None => "nothing more".to_owned(),
    };
    let mut told = match &replayed.verdict {
        Verdict::Same => format!("the same end: {}", end(&replayed.now)),
        Verdict::Done => "it ends well now".to_owned(),
        Verdict::OtherCall { number, then, now } => {
            format!("call {number} differs\nthen: {}\nnow: {}", call(then), call(now))
        }
        Verdict::OtherEnd => format!(
            "the end differs\nthen: {}\nnow: {}",
            end(&replayed.then),
            end(&replayed.now)
        ),
        Verdict::Unknown { number, why } => format!("it cannot be played beyond call {number}: {why}"),
    };
    if replayed.is_other_component {
        told.push_str("\nthe component is another one than then");
    }
    told
}
