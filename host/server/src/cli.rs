//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use host_model::cron::{OnGap, OnOverlap};
use tracing_subscriber::EnvFilter;

use crate::{bulk, check, cron, demo, replay, serve};

/// A self-hosted WebAssembly plugin host: schedules, task scans and managed objects over REST.
#[derive(Debug, Parser)]
#[command(name = "taskwarden", version, propagate_version = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Sample data, the sunset scan with a progress bar, the result; then keeps serving.
    Demo(DemoArguments),
    /// Serves a data folder.
    Serve(ServeArguments),
    /// Shows the next fire times of a Quartz cron expression, and what clock changes do to them.
    Cron(CronArguments),
    /// Checks a configuration folder.
    Check(CheckArguments),
    /// Writes the objects of a container of a running server, each in a line of JSON.
    Export(ExportArguments),
    /// Makes objects of lines of JSON, in commits of 500 lines, and says what became of each that failed.
    Import(ImportArguments),
    /// Makes a call of the task scanner that failed again, offline. Ends with 0 if it goes as then or well, 1 if not, 2 if
    /// the file cannot be played.
    Replay(ReplayArguments),
}

#[derive(Debug, clap::Args)]
pub(crate) struct DemoArguments {
    /// How many users to make.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=5_000_000))]
    pub(crate) users: u32,
    /// Where to serve afterwards; port 0 picks a free one.
    #[arg(long, default_value = "127.0.0.1:8080")]
    pub(crate) listen: SocketAddr,
    /// End after the result instead of serving.
    #[arg(long)]
    pub(crate) once: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ServeArguments {
    /// The folder of the databases.
    #[arg(long)]
    pub(crate) data: PathBuf,
    /// The folder of the configuration.
    #[arg(long)]
    pub(crate) conf: Option<PathBuf>,
    /// Where to listen; port 0 picks a free one.
    #[arg(long, default_value = "127.0.0.1:8080")]
    pub(crate) listen: SocketAddr,
}

#[derive(Debug, clap::Args)]
pub(crate) struct CronArguments {
    /// The expression: seconds, minutes, hours, day of month, month, day of week, and perhaps years.
    pub(crate) expression: String,
    /// The time zone, such as Europe/Berlin.
    #[arg(long, default_value = "UTC")]
    pub(crate) tz: String,
    /// What becomes of a wall time that the clock leaves out: `skip`, as Quartz does, or `shift` it by the gap.
    #[arg(long, default_value_t)]
    pub(crate) on_gap: OnGap,
    /// What becomes of a wall time that the clock shows twice: it fires the `first` time, the `second`, as Quartz does, or
    /// `both` times.
    #[arg(long, default_value_t)]
    pub(crate) on_overlap: OnOverlap,
    /// Only fire times after this RFC 3339 time; now by default.
    #[arg(long)]
    pub(crate) after: Option<String>,
    /// How many fire times to show.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(crate) count: u16,
    /// Answer in JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct CheckArguments {
    /// The folder.
    pub(crate) folder: PathBuf,
}

/// Which server, and as whom.
#[derive(Debug, clap::Args)]
pub(crate) struct ServerArguments {
    /// Where the server listens.
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    pub(crate) url: String,
    /// A token that the server issued.
    #[arg(long, env = "TASKWARDEN_TOKEN", hide_env_values = true)]
    pub(crate) token: Option<String>,
    /// The user, where there is no token.
    #[arg(long, env = "TASKWARDEN_USER", default_value = "openidm-admin")]
    pub(crate) user: String,
    /// The user's password; better in the environment, where other users of the machine do not see it.
    #[arg(long, env = "TASKWARDEN_PASSWORD", hide_env_values = true)]
    pub(crate) password: Option<String>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ExportArguments {
    /// The container, such as managed/user.
    pub(crate) container: String,
    /// Only objects that match this filter.
    #[arg(long)]
    pub(crate) filter: Option<String>,
    /// Only these fields, such as userName,mail.
    #[arg(long)]
    pub(crate) fields: Option<String>,
    /// The file to write; standard output by default.
    #[arg(long)]
    pub(crate) to: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) server: ServerArguments,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ImportArguments {
    /// The container, such as managed/user.
    pub(crate) container: String,
    /// The file with an object in each line; - for standard input.
    pub(crate) file: PathBuf,
    /// What becomes of an object that is there already.
    #[arg(long, default_value = "fail", value_parser = ["fail", "skip", "update"])]
    pub(crate) if_exists: String,
    /// The first line to take, where an import that broke off goes on.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) from_line: u64,
    /// Show the server's answer.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) server: ServerArguments,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ReplayArguments {
    /// The failure, as `GET taskscanner/RUN/failure/OBJECT` answers it.
    pub(crate) failure: PathBuf,
    /// A component (world task) to run in the place of what failed.
    #[arg(long)]
    pub(crate) plugin: Option<PathBuf>,
    /// Answer in JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // What a check finds is its answer, not its log.
    if !matches!(arguments.command, Command::Check(_) | Command::Replay(_)) {
        log();
    }
    let outcome = match arguments.command {
        Command::Demo(demo) => block_on(demo::run(demo)).map(|()| ExitCode::SUCCESS),
        Command::Serve(serve) => block_on(serve::run(serve)).map(|()| ExitCode::SUCCESS),
        Command::Cron(cron) => return cron::run(&cron),
        Command::Check(check) => block_on(check::run(check)).map(|()| ExitCode::SUCCESS),
        Command::Export(export) => bulk::export(&export),
        Command::Import(import) => bulk::import(&import),
        Command::Replay(replay) => block_on(async { Ok(replay::run(&replay).await) }),
    };
    match outcome {
        Ok(code) => code,
        Err(error) => {
            // One line: what failed, and why, and why that.
            eprintln!("taskwarden: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn block_on<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(work)
}

/// Logs go to standard error, as JSON where `TASKWARDEN_LOG_FORMAT=json`; `TASKWARDEN_LOG` filters them.
fn log() {
    let filter = EnvFilter::try_from_env("TASKWARDEN_LOG").unwrap_or_else(|_| EnvFilter::new("warn,taskwarden=info"));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    if std::env::var("TASKWARDEN_LOG_FORMAT").is_ok_and(|format| format == "json") {
        builder.json().init();
    } else {
        builder.init();
    }
}
