//! Whether the memory of a scan or a run grows with the number of its objects.

use std::process::Command;

use anyhow::{Context as _, ensure};

use crate::table::Row;

/// The most memory that this process has had in use, in bytes.
pub(crate) fn peak_bytes() -> anyhow::Result<u64> {
    status_bytes("VmHWM:")
}

/// The memory that this process has in use, in bytes.
pub(crate) fn resident_bytes() -> anyhow::Result<u64> {
    status_bytes("VmRSS:")
}

fn status_bytes(name: &str) -> anyhow::Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status
        .lines()
        .find(|line| line.starts_with(name))
        .context("the system tells no memory")?;
    let kilobytes: u64 = line
        .split_whitespace()
        .nth(1)
        .context("the memory has no number")?
        .parse()?;
    Ok(kilobytes * 1024)
}

/// A small one and a large one, each in a process of its own: `what` is what the bench is called with.
pub(crate) fn compare(what: &str, small: u64, large: u64) -> anyhow::Result<Vec<Row>> {
    let (small_rate, small_peak) = one(what, small)?;
    let (large_rate, large_peak) = one(what, large)?;
    let more = (large_peak as f64 - small_peak as f64) / f64::from(1 << 20);
    Ok(vec![
        Row::figure(
            format!("peak memory, {small} objects"),
            format!("{} MiB", small_peak >> 20),
        ),
        Row::figure(
            format!("peak memory, {large} objects"),
            format!("{} MiB", large_peak >> 20),
        ),
        Row::at_most(
            format!("memory of {large} objects beyond that of {small}, MiB"),
            more,
            64.0,
        ),
        Row::at_most(
            format!("cost of an object, {large} / {small} objects"),
            small_rate / large_rate,
            1.2,
        ),
    ])
}

fn one(what: &str, objects: u64) -> anyhow::Result<(f64, u64)> {
    let output = Command::new(std::env::current_exe()?)
        .args([what, &objects.to_string()])
        .output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout)?;
    let mut words = text.split_whitespace();
    let rate = words.next().context("no rate")?.parse()?;
    let peak = words.next().context("no peak")?.parse()?;
    Ok((rate, peak))
}
