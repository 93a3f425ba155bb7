//! `taskwarden check`.

use std::sync::Arc;

use anyhow::Context as _;

use crate::cli::CheckArguments;
use crate::clock::SystemClock;
use crate::config::Config;
use crate::host::{Host, HostOptions, Place};
use crate::ids::SystemIds;

pub(crate) async fn run(arguments: &CheckArguments) -> anyhow::Result<()> {
    let config = Config::read(&arguments.folder)?;
    if config.types.has_scripts() {
        scripts(config).await?;
    }
    println!("{} can be served", arguments.folder.display());
    Ok(())
}

/// Whether the scripts can be compiled: a house without a folder tries, and is taken down again.
async fn scripts(config: Config) -> anyhow::Result<()> {
    let cache = tempfile::tempdir().context("cannot make a folder for compiled components")?;
    let options = HostOptions {
        place: Place::Memory,
        cache: cache.path().to_owned(),
        config,
        admin_password: None,
    };
    let host = Host::start(options, Arc::new(SystemClock), Arc::new(SystemIds)).await?;
    host.stop().await
}
