//! One run of cargo for all guests, and one of `xtask-wizen` for what is shipped initialised.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, bail};
use serde_json::Value;

use super::COMPONENTS;
use super::toolchain::{Compiler, TARGET, Toolchain};

/// Of its own, because another compiler would make cargo build everything again, in turn for each.
const TARGET_FOLDER: &str = "target/guests";

/// Builds all components into a folder.
pub(super) fn components(root: &Path, out: &Path, toolchain: &Toolchain) -> anyhow::Result<()> {
    run(&mut guests(root, toolchain)?)?;
    fs::create_dir_all(out).with_context(|| format!("failed to create {}", out.display()))?;
    let wizen = wizen(root)?;
    for component in &COMPONENTS {
        let file = format!("{}.wasm", component.package.replace('-', "_"));
        let built = root.join(TARGET_FOLDER).join(TARGET).join("release").join(file);
        let shipped = out.join(component.file());
        if component.is_initialised {
            run(Command::new(&wizen).arg(&built).arg(&shipped))?;
        } else {
            fs::copy(&built, &shipped).with_context(|| format!("failed to write {}", shipped.display()))?;
        }
    }
    Ok(())
}

fn guests(root: &Path, toolchain: &Toolchain) -> anyhow::Result<Command> {
    let mut cargo = cargo();
    cargo
        .current_dir(root.join("plugins"))
        .args(["build", "--release", "--locked", "--target", TARGET, "--target-dir"])
        .arg(root.join(TARGET_FOLDER))
        .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", &toolchain.component_ld)
        .env("CARGO_ENCODED_RUSTFLAGS", rustflags(toolchain)?.join("\x1f"))
        .env("CC_wasm32_unknown_unknown", &toolchain.clang)
        .env("AR_wasm32_unknown_unknown", &toolchain.archiver);
    match &toolchain.compiler {
        Compiler::Rustup => {}
        Compiler::Debian(rustc) => {
            // cargo's own options for building the standard library are not stable; Debian's compiler is a release.
            cargo
                .arg("-Zbuild-std=std,panic_abort")
                .env("RUSTC", rustc)
                .env("RUSTC_BOOTSTRAP", "1");
        }
    }
    Ok(cargo)
}

/// What the linkers need, and what keeps the place of a build out of its bytes.
fn rustflags(toolchain: &Toolchain) -> anyhow::Result<Vec<String>> {
    let registry = cargo_home()?.join("registry/src");
    Ok(vec![
        "-Clinker-flavor=wasm-ld".into(),
        format!("-Clink-arg=--wasm-ld-path={}", toolchain.wasm_ld.display()),
        format!("--remap-path-prefix={}=/crates", registry.display()),
    ])
}

fn cargo_home() -> anyhow::Result<PathBuf> {
    if let Some(home) = env::var_os("CARGO_HOME") {
        return Ok(home.into());
    }
    Ok(env::home_dir().context("there is no home folder")?.join(".cargo"))
}

/// Builds `xtask-wizen` and answers where it is.
fn wizen(root: &Path) -> anyhow::Result<PathBuf> {
    let mut cargo = cargo();
    // Of the whole workspace, so that wasmtime has the features that it has for the host, and is built once.
    cargo
        .current_dir(root)
        .args([
            "build",
            "--workspace",
            "--bin",
            "xtask-wizen",
            "--message-format",
            "json-render-diagnostics",
        ])
        .stderr(Stdio::inherit());
    let output = cargo.output().context("failed to run cargo")?;
    if !output.status.success() {
        bail!("failed to build xtask-wizen");
    }
    let messages = String::from_utf8(output.stdout)?;
    let executable = messages.lines().find_map(|line| {
        let message: Value = serde_json::from_str(line).ok()?;
        Some(PathBuf::from(message["executable"].as_str()?))
    });
    executable.context("cargo does not say where xtask-wizen is")
}

/// The cargo that runs this program, without the settings that a caller meant for the host.
fn cargo() -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for variable in [
        "RUSTFLAGS",
        "CARGO_ENCODED_RUSTFLAGS",
        "CARGO_BUILD_TARGET",
        "RUSTC_WRAPPER",
    ] {
        cargo.env_remove(variable);
    }
    cargo
}

fn run(command: &mut Command) -> anyhow::Result<()> {
    let program = PathBuf::from(command.get_program());
    let status = command
        .status()
        .with_context(|| format!("failed to run {}", program.display()))?;
    if !status.success() {
        bail!("{} failed: {status}", program.display());
    }
    Ok(())
}
