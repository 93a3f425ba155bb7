//! Which compiler builds the guests, and what is missing for it.
//!
//! rustup's own toolchain and its `wasm32-unknown-unknown` are the plain case. Where rustup can fetch no target, Debian's
//! `rustc-web` compiles the standard library from `rust-web-src` along the way; rustup's cargo drives it, and the linkers
//! are rustup's in both cases, because every toolchain of rustup contains them.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};

/// The target of all guests: nothing but what they import.
pub(super) const TARGET: &str = "wasm32-unknown-unknown";

const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
const DEBIAN_SOURCES: &str = "/usr/lib/rustlib/src";

/// Compilers that can make WebAssembly of the C in the JavaScript engine, the preferred one first.
const CLANGS: [&str; 5] = ["clang-22", "clang", "clang-21", "clang-19", "clang-14"];
const ARCHIVERS: [&str; 5] = ["llvm-ar", "llvm-ar-22", "llvm-ar-21", "llvm-ar-19", "llvm-ar-14"];

/// `--toolchain`.
#[derive(Clone, Copy, clap::ValueEnum)]
pub(super) enum Choice {
    /// Debian's if it is installed, else rustup's
    Auto,
    /// Debian's rustc-web, with the standard library from source
    Debian,
    /// rustup's, with its wasm32-unknown-unknown target
    Rustup,
}

/// Everything that a build calls.
pub(super) struct Toolchain {
    pub(super) compiler: Compiler,
    /// Makes a component of what `wasm_ld` links.
    pub(super) component_ld: PathBuf,
    pub(super) wasm_ld: PathBuf,
    pub(super) clang: PathBuf,
    pub(super) archiver: PathBuf,
}

pub(super) enum Compiler {
    Rustup,
    /// Another compiler than cargo's own, which also builds the standard library.
    Debian(PathBuf),
}

/// Finds everything, or says in one message all that is missing.
pub(super) fn find(root: &Path, choice: Choice) -> anyhow::Result<Toolchain> {
    let is_debian = match choice {
        Choice::Auto => has_debian(),
        Choice::Debian => true,
        Choice::Rustup => false,
    };
    let sysroot = rustc(root, &["--print", "sysroot"])?;
    let rustlib = Path::new(&sysroot).join("lib/rustlib");
    let tools = rustlib.join(host(root)?).join("bin");
    let component_ld = tools.join("wasm-component-ld");
    let wasm_ld = tools.join("gcc-ld/wasm-ld");
    let clang = find_program("CC_wasm32_unknown_unknown", &CLANGS);
    let archiver = find_program("AR_wasm32_unknown_unknown", &ARCHIVERS);

    let mut missing = Vec::new();
    if is_debian && !has_debian() {
        missing.push(format!(
            "{DEBIAN_RUSTC} and {DEBIAN_SOURCES}: apt-get install --no-install-recommends rustc-web rust-web-src"
        ));
    }
    if !is_debian && !rustlib.join(TARGET).exists() {
        missing.push(format!(
            "the target {TARGET}: rustup target add {TARGET}; where rustup cannot fetch it, on Debian: \
             apt-get install --no-install-recommends rustc-web rust-web-src"
        ));
    }
    if !component_ld.exists() || !wasm_ld.exists() {
        missing.push(format!(
            "{} and gcc-ld/wasm-ld beside it: a Rust toolchain from rustup",
            component_ld.display()
        ));
    }
    if clang.is_none() {
        missing.push(
            "clang: apt-get install --no-install-recommends clang-22 (any clang that knows wasm32 will do)".into(),
        );
    }
    if archiver.is_none() {
        missing.push("llvm-ar: apt-get install --no-install-recommends llvm".into());
    }
    match (clang, archiver) {
        (Some(clang), Some(archiver)) if missing.is_empty() => {
            let compiler = if is_debian {
                Compiler::Debian(DEBIAN_RUSTC.into())
            } else {
                Compiler::Rustup
            };
            Ok(Toolchain {
                compiler,
                component_ld,
                wasm_ld,
                clang,
                archiver,
            })
        }
        _ => bail!(
            "the components cannot be built here, this is missing:\n  {}",
            missing.join("\n  ")
        ),
    }
}

fn has_debian() -> bool {
    Path::new(DEBIAN_RUSTC).exists() && Path::new(DEBIAN_SOURCES).exists()
}

fn host(root: &Path) -> anyhow::Result<String> {
    let version = rustc(root, &["-vV"])?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("rustc -vV does not name its host")?.into())
}

/// Asks the compiler of the host's workspace.
fn rustc(root: &Path, args: &[&str]) -> anyhow::Result<String> {
    let output = Command::new("rustc")
        .args(args)
        .current_dir(root)
        .output()
        .context("failed to run rustc")?;
    if !output.status.success() {
        bail!(
            "rustc {} failed: {}",
            args.join(" "),
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(String::from_utf8(output.stdout)?.trim().into())
}

/// What the variable says, in the words of the crate `cc`, else the first of the names on the PATH.
fn find_program(variable: &str, names: &[&str]) -> Option<PathBuf> {
    if let Some(program) = env::var_os(variable) {
        return Some(program.into());
    }
    let path = env::var_os("PATH")?;
    let folders: Vec<PathBuf> = env::split_paths(&path).collect();
    names.iter().find_map(|name| {
        folders
            .iter()
            .map(|folder| folder.join(name))
            .find(|program| program.is_file())
    })
}
