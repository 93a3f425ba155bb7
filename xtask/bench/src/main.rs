//! `cargo xtask bench`: what the sandbox costs, how near a scan comes to what the disk can do, how late schedules fire, what
//! REST costs. Where it can be, a figure is a ratio within one run on one machine: single times mean nothing on a shared
//! one.

mod directory;
mod memory;
mod raw;
mod recon;
mod rest;
mod sandbox;
mod scan;
mod schedule;
mod table;
mod wire;

use std::path::Path;

use anyhow::{Context as _, bail};

/// Objects of a scan, unless the command line says otherwise.
const OBJECTS: u64 = 20_000;

/// Objects of a reconciliation, unless the command line says otherwise.
const RECONCILED: u64 = 100_000;

/// Schedules of a host, unless the command line says otherwise.
const SCHEDULES: u64 = 100_000;

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    match arguments.next().as_deref() {
        Some("scan") => {
            let objects = arguments.next().map_or(Ok(OBJECTS), |count| count.parse())?;
            table::print(&runtime()?.block_on(scan::compare(objects))?);
            Ok(())
        }
        // One scan in a process of its own, so that its peak memory is its own.
        Some("one") => {
            let objects = arguments.next().map_or(Ok(OBJECTS), |count| count.parse())?;
            let kind = arguments
                .next()
                .map_or(Ok(scan::Kind::JavaScript), |kind| kind.parse())?;
            let rate = runtime()?.block_on(scan::once(objects, kind))?;
            println!("{rate} {}", memory::peak_bytes()?);
            Ok(())
        }
        Some("memory") => {
            let large = arguments.next().map_or(Ok(1_000_000), |count| count.parse())?;
            table::print(&memory::compare("one", 10_000, large)?);
            Ok(())
        }
        Some("recon") => {
            let objects = arguments.next().map_or(Ok(RECONCILED), |count| count.parse())?;
            table::print(&runtime()?.block_on(recon::compare(objects))?);
            Ok(())
        }
        // One run in a process of its own, so that its peak memory is its own, and so that it can be profiled.
        Some("run") => {
            let objects = arguments.next().map_or(Ok(RECONCILED), |count| count.parse())?;
            let (first, _) = runtime()?.block_on(recon::rates(objects, recon::Kind::Declarative))?;
            println!("{first} {}", memory::peak_bytes()?);
            Ok(())
        }
        Some("schedule") => {
            let schedules = arguments.next().map_or(Ok(SCHEDULES), |count| count.parse())?;
            table::print(&runtime()?.block_on(schedule::measure(schedules))?);
            Ok(())
        }
        // One start in a process of its own, so that its memory is its own.
        Some("ready") => {
            let folder = arguments.next().context("a data folder")?;
            let (seconds, bytes) = runtime()?.block_on(schedule::ready(Path::new(&folder)))?;
            println!("{seconds} {bytes}");
            Ok(())
        }
        Some("rest") => {
            let objects = arguments.next().map_or(Ok(200_000), |count| count.parse())?;
            table::print(&runtime()?.block_on(rest::compare(objects))?);
            Ok(())
        }
        _ => bail!(
            "usage: bench scan [OBJECTS] | bench memory [OBJECTS] | bench schedule [SCHEDULES] | bench rest [OBJECTS] | \
             bench recon [OBJECTS]"
        ),
    }
}

fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()
}
