//! `cargo xtask plugins`: builds the guests of `plugins/` from source, and ties what it built to the sources.

mod build;
mod lock;
mod toolchain;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;

use lock::Lock;
use toolchain::Choice;

/// What is built: the package in `plugins/`, and how it becomes the component that is shipped.
const COMPONENTS: [Component; 3] = [
    Component {
        package: "javascript",
        is_initialised: true,
    },
    Component {
        package: "misbehaving-task",
        is_initialised: false,
    },
    Component {
        package: "sunset-task",
        is_initialised: false,
    },
];

/// `--verify`: everything could be rebuilt, but not to the same bytes.
const OTHER_BYTES: u8 = 3;

struct Component {
    package: &'static str,
    /// Its `init` has run when it is shipped, and its memory is what that left.
    is_initialised: bool,
}

impl Component {
    fn file(&self) -> String {
        format!("{}.wasm", self.package)
    }
}

/// The arguments of `cargo xtask plugins`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Builds nothing; says whether plugins/dist belongs to the sources as they are
    #[arg(long, conflicts_with_all = ["verify", "out"])]
    check: bool,
    /// Rebuilds into target/plugins-rebuilt and compares; exits with 3 if only bytes differ
    #[arg(long, conflicts_with = "out")]
    verify: bool,
    /// Where to build to, instead of plugins/dist
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Whose compiler: rustup's with its wasm32-unknown-unknown target, or Debian's rustc-web
    #[arg(long, value_enum, default_value_t = Choice::Auto)]
    toolchain: Choice,
}

pub(crate) fn run(root: &Path, args: Args) -> anyhow::Result<ExitCode> {
    let dist = root.join("plugins/dist");
    if args.check {
        return check(root, &dist);
    }
    if args.verify {
        let rebuilt = root.join("target/plugins-rebuilt");
        build_to(root, &rebuilt, args.toolchain)?;
        return compare(&dist, &rebuilt);
    }
    build_to(root, &args.out.unwrap_or(dist), args.toolchain)?;
    Ok(ExitCode::SUCCESS)
}

fn build_to(root: &Path, out: &Path, toolchain: Choice) -> anyhow::Result<()> {
    build::components(root, out, &toolchain::find(root, toolchain)?)?;
    let lock = Lock::of(root, out)?;
    lock.write(out)?;
    print!("{lock}");
    Ok(())
}

fn check(root: &Path, dist: &Path) -> anyhow::Result<ExitCode> {
    let differences = Lock::read(dist)?.differences(&Lock::of(root, dist)?);
    for difference in &differences {
        println!("{difference}");
    }
    if differences.is_empty() {
        println!("plugins/dist belongs to the sources");
        return Ok(ExitCode::SUCCESS);
    }
    println!("run `cargo xtask plugins`, and commit what it builds");
    Ok(ExitCode::FAILURE)
}

fn compare(dist: &Path, rebuilt: &Path) -> anyhow::Result<ExitCode> {
    let mut is_identical = true;
    for component in &COMPONENTS {
        let read = |folder: &Path| {
            let path = folder.join(component.file());
            std::fs::read(&path).with_context(|| format!("failed to read {}", path.display()))
        };
        let same = read(dist)? == read(rebuilt)?;
        println!(
            "{}: {}",
            component.file(),
            if same { "identical" } else { "other bytes" }
        );
        is_identical &= same;
    }
    Ok(if is_identical {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(OTHER_BYTES)
    })
}
