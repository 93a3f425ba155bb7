//! `taskwarden cron`.

use std::process::ExitCode;

use host_model::clock::{Clock as _, Timestamp, Tz};
use host_model::cron::{ClockChange, Cron, Fire};
use serde_json::{Value, json};

use crate::cli::CronArguments;
use crate::clock::SystemClock;

/// What the command says is wrong.
const INVALID: u8 = 2;

pub(crate) fn run(arguments: &CronArguments) -> ExitCode {
    match preview(arguments) {
        Ok(fires) if arguments.json => {
            println!("{}", json!({"valid": true, "next": fires}));
            ExitCode::SUCCESS
        }
        Ok(fires) => {
            if fires.is_empty() {
                println!("never fires after that time");
            }
            for fire in &fires {
                let note = fire["note"]
                    .as_str()
                    .map(|note| format!("  ({note})"))
                    .unwrap_or_default();
                println!("{}  {}{note}", text(&fire["time"]), text(&fire["local"]));
            }
            ExitCode::SUCCESS
        }
        Err(message) => {
            if arguments.json {
                println!("{}", json!({"valid": false, "message": message}));
            } else {
                eprintln!("taskwarden: {message}");
            }
            ExitCode::from(INVALID)
        }
    }
}

fn preview(arguments: &CronArguments) -> Result<Vec<Value>, String> {
    let zone: Tz = arguments.tz.parse().map_err(|_| {
        format!(
            "'{}' is not a time zone: write a name such as Europe/Berlin",
            arguments.tz
        )
    })?;
    let after = match &arguments.after {
        None => SystemClock.now(),
        Some(text) => chrono::DateTime::parse_from_rfc3339(text)
            .map(Timestamp::from)
            .map_err(|_| format!("'{text}' is not an RFC 3339 time: write for example 2026-03-28T00:00:00Z"))?,
    };
    let cron = Cron::parse(&arguments.expression).map_err(|error| error.to_string())?;
    let clock_change = ClockChange {
        on_gap: arguments.on_gap,
        on_overlap: arguments.on_overlap,
    };
    let fires = cron.preview(after, zone, clock_change, arguments.count.into());
    Ok(fires.iter().map(Fire::to_json).collect())
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
