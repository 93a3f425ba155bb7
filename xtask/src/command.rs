//! Running other programs, loudly.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, ensure};

/// Runs a program in a folder, shows what it is, and fails if it does.
pub(crate) fn run(folder: &Path, program: &str, arguments: &[&str]) -> anyhow::Result<()> {
    eprintln!("$ {program} {}", arguments.join(" "));
    let status = Command::new(program).args(arguments).current_dir(folder).status();
    let status = status.with_context(|| format!("{program} cannot be started"))?;
    ensure!(status.success(), "{program} {} failed: {status}", arguments.join(" "));
    Ok(())
}

/// Whether a program answers to `--version` after these arguments.
pub(crate) fn has(program: &str, arguments: &[&str]) -> bool {
    Command::new(program)
        .args(arguments)
        .arg("--version")
        .output()
        .is_ok_and(|output| output.status.success())
}
