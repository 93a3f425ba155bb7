//! `taskwarden check`: puts a configuration in force where nothing is kept and nothing runs, and says what could not be.

use std::sync::Arc;

use crate::cli::CheckArguments;
use crate::clock::SystemClock;
use crate::config::Config;
use crate::demo;
use crate::host::{Host, HostOptions, Place};
use crate::ids::SystemIds;

pub(crate) async fn run(arguments: CheckArguments) -> anyhow::Result<()> {
    let options = HostOptions {
        place: Place::Memory,
        cache: demo::cache(),
        config: Config::read(&arguments.folder)?,
        admin_password: None,
    };
    let host = Host::assemble(options, Arc::new(SystemClock), Arc::new(SystemIds)).await?;
    let refusals = host.configuration().refusals();
    host.stop().await?;
    if !refusals.is_empty() {
        let lines = refusals
            .iter()
            .map(|refusal| format!("{}: {}", refusal.file.display(), refusal.message));
        anyhow::bail!("{}", lines.collect::<Vec<_>>().join("\n"));
    }
    println!("{} can be served", arguments.folder.display());
    Ok(())
}
