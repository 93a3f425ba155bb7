//! `cargo xtask fuzz [TARGET] [SECONDS]`: libFuzzer on stable Rust. The compiler is told to count which branches are
//! taken; everything it builds that way lies in xtask/fuzz/target, apart from everything else. What the fuzzer finds worth keeping
//! it adds to xtask/fuzz/corpus; an input that breaks something is left in xtask/fuzz/found, and the command fails.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, bail, ensure};
use clap::ValueEnum;

/// What the compiler adds for the fuzzer: the flags that cargo-fuzz uses, without a sanitizer, which stable Rust lacks and
/// code without `unsafe` does not need.
const FLAGS: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing -Ccodegen-units=1";

/// What is fed with made-up input.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Target {
    /// Filters, and what they say about an object and its bytes.
    Filter,
    /// Pointers.
    Pointer,
    /// Patches.
    Patch,
    /// Cookies of paged results.
    Cookie,
    /// Bodies of requests.
    Json,
}

/// Arguments of `cargo xtask fuzz`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What to feed; all of them if not said.
    target: Option<Target>,
    /// For how long each.
    #[arg(default_value_t = 60)]
    seconds: u32,
}

impl Target {
    fn name(self) -> &'static str {
        match self {
            Self::Filter => "filter",
            Self::Pointer => "pointer",
            Self::Patch => "patch",
            Self::Cookie => "cookie",
            Self::Json => "json",
        }
    }
}

pub(crate) fn fuzz(root: &Path, args: &Args) -> anyhow::Result<()> {
    let targets = args
        .target
        .map_or_else(|| Target::value_variants().to_vec(), |target| vec![target]);
    let host = host()?;
    for target in targets {
        one(&root.join("xtask/fuzz"), &host, target.name(), args.seconds)?;
    }
    Ok(())
}

fn one(folder: &Path, host: &str, name: &str, seconds: u32) -> anyhow::Result<()> {
    for kind in ["corpus", "found"] {
        std::fs::create_dir_all(folder.join(kind).join(name))?;
    }
    let limit = format!("-max_total_time={seconds}");
    let found = format!("-artifact_prefix=found/{name}/");
    let (corpus, seeds) = (format!("corpus/{name}"), format!("seeds/{name}"));
    // With a target of its own the flags do not reach what runs while building, which could not be linked with them.
    let build = ["run", "--release", "--quiet", "--target", host, "--bin", name, "--"];
    let options = [
        "-timeout=10",
        "-rss_limit_mb=2048",
        "-max_len=8192",
        "-print_final_stats=1",
        &limit,
        &found,
        &corpus,
        &seeds,
    ];
    eprintln!("$ fuzz {name} for {seconds} s");
    let status = Command::new("cargo")
        .args(build)
        .args(options)
        .current_dir(folder)
        .env("RUSTFLAGS", FLAGS)
        .env("CARGO_TARGET_DIR", folder.join("target"))
        .status()
        .context("cargo cannot be started")?;
    ensure!(
        status.success(),
        "{name}: see the last lines above, and xtask/fuzz/found/{name}"
    );
    Ok(())
}

/// The machine's own target, such as `x86_64-unknown-linux-gnu`.
fn host() -> anyhow::Result<String> {
    let output = Command::new("rustc")
        .arg("-vV")
        .output()
        .context("rustc cannot be started")?;
    let text = String::from_utf8(output.stdout)?;
    match text.lines().find_map(|line| line.strip_prefix("host: ")) {
        Some(host) => Ok(host.to_owned()),
        None => bail!("rustc does not say which machine it is for"),
    }
}
