//! `taskwarden serve`.

use std::sync::Arc;

use anyhow::Context as _;

use crate::cli::ServeArguments;
use crate::clock::SystemClock;
use crate::config::Config;
use crate::host::{Host, HostOptions, Place, conf_in};
use crate::ids::SystemIds;
use crate::signals::Signals;

/// The environment variable with the password of `openidm-admin` at first start.
pub(crate) const ADMIN_PASSWORD: &str = "TASKWARDEN_ADMIN_PASSWORD";

pub(crate) async fn run(arguments: ServeArguments) -> anyhow::Result<()> {
    let config = match &arguments.conf {
        Some(folder) => Config::read(folder)?,
        None => Config::read_or_built_in(&conf_in(&arguments.data))?,
    };
    let options = HostOptions {
        place: Place::Folder(arguments.data.clone()),
        cache: arguments.data.join("cache"),
        config,
        admin_password: std::env::var(ADMIN_PASSWORD).ok(),
    };
    let listener = listen(arguments.listen).await?;
    let address = listener.local_addr()?;
    let host = Host::start(options, Arc::new(SystemClock), Arc::new(SystemIds)).await?;
    let signals = Signals::catch().context("cannot catch the signals to stop")?;
    if let Some(password) = &host.generated_password {
        println!("the password of openidm-admin is {password}; it is shown this once");
    }
    println!("listening on http://{address}");
    host.serve(listener, signals.stop()).await;
    host.stop().await?;
    Ok(())
}

pub(crate) async fn listen(address: std::net::SocketAddr) -> anyhow::Result<tokio::net::TcpListener> {
    tokio::net::TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {address}"))
}
