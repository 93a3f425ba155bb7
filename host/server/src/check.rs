//! `taskwarden check`.

use crate::cli::CheckArguments;
use crate::config::Config;

pub(crate) fn run(arguments: &CheckArguments) -> anyhow::Result<()> {
    Config::read(&arguments.folder)?;
    println!("{} can be served", arguments.folder.display());
    Ok(())
}
