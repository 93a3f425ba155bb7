//! `cargo xtask bench`: builds and runs the measurements in release mode.

use std::path::Path;

use clap::ValueEnum;

use crate::command::run;

/// What is measured.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Bench {
    /// The sandbox's tax, and how near a scan comes to what redb can write.
    Scan,
    /// Whether memory and cost grow with the number of objects.
    Memory,
    /// How long a host with many schedules takes to be ready, and how late they fire.
    Schedule,
    /// What REST costs beside what is below it.
    Rest,
    /// First and second runs of a mapping, what scripts in it cost, and a directory beside its own protocol.
    Recon,
}

/// Arguments of `cargo xtask bench`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What to measure.
    bench: Bench,
    /// How many objects or schedules, if not the usual number.
    objects: Option<u64>,
}

pub(crate) fn bench(root: &Path, args: &Args) -> anyhow::Result<()> {
    let what = match args.bench {
        Bench::Scan => "scan",
        Bench::Memory => "memory",
        Bench::Schedule => "schedule",
        Bench::Rest => "rest",
        Bench::Recon => "recon",
    };
    let objects = args.objects.map(|objects| objects.to_string());
    let mut arguments = vec!["run", "--release", "--quiet", "--package", "xtask-bench", "--", what];
    arguments.extend(objects.as_deref());
    run(root, "cargo", &arguments)
}
