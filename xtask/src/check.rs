//! `cargo xtask check`: everything that must hold before a commit. CI runs the same.

use std::path::Path;

use anyhow::ensure;

use crate::command::{has, run};

pub(crate) fn check(root: &Path) -> anyhow::Result<()> {
    run(root, "cargo", &["fmt", "--all", "--check"])?;
    run(&root.join("plugins"), "cargo", &["fmt", "--all", "--check"])?;
    run(
        root,
        "cargo",
        &[
            "clippy",
            "--workspace",
            "--all-targets",
            "--quiet",
            "--",
            "--deny",
            "warnings",
        ],
    )?;
    if has("cargo", &["deny"]) {
        run(
            root,
            "cargo",
            &["deny", "--log-level", "error", "check", "bans", "licenses", "sources"],
        )?;
    } else {
        // CI installs it, so that it is never skipped there.
        ensure!(
            std::env::var_os("CI").is_none(),
            "cargo-deny is not installed, and in CI nothing is skipped"
        );
        eprintln!("SKIPPED: cargo deny is not installed (cargo install --locked cargo-deny)");
    }
    run(root, "cargo", &["test", "--workspace", "--quiet"])
}
