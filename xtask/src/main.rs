//! The project's own chores, as `cargo xtask COMMAND`.

mod bench;
mod check;
mod command;
mod fuzz;
mod plugins;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "The project's own chores")]
enum Command {
    /// Format, lints, dependencies, tests: what must hold before a commit
    Check,
    /// Measures against the budgets
    Bench(bench::Args),
    /// Feeds made-up input to what reads what strangers write
    Fuzz(fuzz::Args),
    /// Builds the components of plugins/ into plugins/dist, or checks what is there
    Plugins(plugins::Args),
}

fn main() -> ExitCode {
    run(Command::parse()).unwrap_or_else(|error| {
        // As a sentence: the backtrace of a chore tells nobody anything.
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}

fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Check => check::check(&root()).map(|()| ExitCode::SUCCESS),
        Command::Bench(args) => bench::bench(&root(), &args).map(|()| ExitCode::SUCCESS),
        Command::Fuzz(args) => fuzz::fuzz(&root(), &args).map(|()| ExitCode::SUCCESS),
        Command::Plugins(args) => plugins::run(&root(), args),
    }
}

/// The root of the repository, above this crate.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("xtask lies in the root of the repository")
        .into()
}
