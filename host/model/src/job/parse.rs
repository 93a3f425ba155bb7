//! Reading a job from JSON. Nothing is ignored in silence but what the host itself writes into its answers.

use chrono::TimeDelta;
use host_resource::Pointer;
use serde_json::Value;

use super::{Job, JobId, LogLevel, Schedule, ScheduleTime, ServiceName};
use crate::cron::{ClockChange, Cron, UnknownRule};
use crate::invalid::Invalid;
use crate::members::Members;
use crate::misfire::MisfirePolicy;
use crate::trigger::Repeat;

/// What may be configured.
const INPUT: [&str; 17] = [
    "enabled",
    "persisted",
    "recoverable",
    "misfirePolicy",
    "schedule",
    "repeatInterval",
    "repeatCount",
    "type",
    "invokeService",
    "invokeContext",
    "invokeLogLevel",
    "timeZone",
    "onGap",
    "onOverlap",
    "startTime",
    "endTime",
    "concurrentExecution",
];

/// What answers hold besides: a body that was read may be sent back.
const OUTPUT_ONLY: [&str; 5] = ["_id", "_rev", "triggers", "previousRunDate", "nextRunDate"];

/// A simple schedule's own word for the one thing it does about missed fires.
const FIRE_NOW: &str = "MISFIRE_INSTRUCTION_FIRE_NOW";

impl Job {
    /// Reads a job's configuration.
    ///
    /// # Errors
    /// The first property that is unknown, missing, or not what it has to be.
    pub fn parse(id: JobId, value: &Value) -> Result<Job, Invalid> {
        let members = Members::of(value, Pointer::root())?;
        members.only(&INPUT.into_iter().chain(OUTPUT_ONLY).collect::<Vec<_>>())?;
        let schedule = schedule(&members)?;
        let misfire_policy = misfire_policy(&members, &schedule)?;
        let (start, end) = times(&members)?;
        Ok(Job {
            id,
            enabled: enabled(&members)?,
            persisted: members.bool("persisted", false)?,
            recoverable: members.bool("recoverable", false)?,
            misfire_policy,
            schedule,
            service: service(&members)?,
            invoke_context: members.get("invokeContext").cloned().unwrap_or(Value::Null),
            log_level: log_level(&members)?,
            time_zone: time_zone(&members)?,
            clock_change: clock_change(&members)?,
            start,
            end,
            concurrent: members.bool("concurrentExecution", false)?,
        })
    }
}

/// The platform takes this one flag as a string as well.
fn enabled(members: &Members<'_>) -> Result<bool, Invalid> {
    match members.get("enabled").and_then(Value::as_str) {
        Some("true") => Ok(true),
        Some("false") => Ok(false),
        _ => members.bool("enabled", true),
    }
}

fn schedule(members: &Members<'_>) -> Result<Schedule, Invalid> {
    match members.text("type")?.unwrap_or("cron") {
        "cron" => cron(members),
        "simple" => simple(members),
        other => {
            let message = format!("Specified type value invalid: {other}; write simple or cron");
            Err(members.invalid("type", message))
        }
    }
}

fn cron(members: &Members<'_>) -> Result<Schedule, Invalid> {
    let expression = members.text("schedule")?.filter(|text| !text.trim().is_empty()).ok_or_else(|| {
        let message = "A schedule of type cron must provide a cron schedule: write an expression such as 0 0/5 * * * ?, \
                       or give the type simple";
        members.invalid("schedule", message)
    })?;
    let cron = Cron::parse(expression).map_err(|error| members.invalid("schedule", error.to_string()))?;
    // Answers show a count and an interval of 0 for cron, and -1 is what an absent count means elsewhere.
    let simple_only = "belongs to schedules of type simple; leave it out, or give 0";
    if members
        .integer("repeatInterval", 0..=i64::MAX, MILLISECONDS)?
        .is_some_and(|interval| interval != 0)
    {
        return Err(members.invalid("repeatInterval", format!("repeatInterval {simple_only}")));
    }
    if members
        .integer("repeatCount", -1..=i64::MAX, TIMES)?
        .is_some_and(|count| count > 0)
    {
        return Err(members.invalid("repeatCount", format!("repeatCount {simple_only}")));
    }
    Ok(Schedule::Cron(cron))
}

const MILLISECONDS: &str = "milliseconds";
const TIMES: &str = "times, -1 for no end";

fn simple(members: &Members<'_>) -> Result<Schedule, Invalid> {
    if members.text("schedule")?.is_some_and(|text| !text.is_empty()) {
        let message = "a schedule of type simple has no cron expression; leave it out, or give the type cron";
        return Err(members.invalid("schedule", message));
    }
    let interval = members
        .integer("repeatInterval", 0..=MAX_INTERVAL, MILLISECONDS)?
        .unwrap_or(0);
    let count = members.integer("repeatCount", -1..=i64::MAX, TIMES)?.unwrap_or(-1);
    let repeat = Repeat::from_wire(count).unwrap_or(Repeat::Forever);
    if interval == 0 && repeat == Repeat::Forever {
        let message = "an interval of 0 without an end would fire for ever at once; give a repeatInterval in milliseconds, \
                       or a repeatCount of 0 or more";
        return Err(members.invalid("repeatInterval", message));
    }
    Ok(Schedule::Simple {
        interval: TimeDelta::milliseconds(interval),
        repeat,
    })
}

/// Longest interval, in milliseconds: longer ones reach beyond every calendar.
const MAX_INTERVAL: i64 = i64::MAX / 2;

fn misfire_policy(members: &Members<'_>, schedule: &Schedule) -> Result<MisfirePolicy, Invalid> {
    let Some(text) = members.text("misfirePolicy")?.filter(|text| !text.is_empty()) else {
        return Ok(MisfirePolicy::default());
    };
    match (schedule, text.parse()) {
        (Schedule::Cron(_), Ok(policy)) => Ok(policy),
        (Schedule::Cron(_), Err(error)) => {
            Err(members.invalid("misfirePolicy", format!("{error}; write fireAndProceed or doNothing")))
        }
        (Schedule::Simple { .. }, Ok(MisfirePolicy::FireAndProceed)) => Ok(MisfirePolicy::FireAndProceed),
        (Schedule::Simple { .. }, _) if text == FIRE_NOW => Ok(MisfirePolicy::FireAndProceed),
        (Schedule::Simple { .. }, _) => {
            let message = format!(
                "Invalid misfire policy: {text}; a simple schedule can only fire at once what it missed, which is fireAndProceed"
            );
            Err(members.invalid("misfirePolicy", message))
        }
    }
}

fn service(members: &Members<'_>) -> Result<ServiceName, Invalid> {
    let Some(text) = members.text("invokeService")?.filter(|text| !text.is_empty()) else {
        let message = "Invalid scheduler configuration, the invokeService property needs to be set but is empty. Write one \
                       of sync, provisioner, script, taskscanner.";
        return Err(members.invalid("invokeService", message));
    };
    text.parse::<ServiceName>()
        .map_err(|error| members.invalid("invokeService", error.to_string()))
}

fn log_level(members: &Members<'_>) -> Result<LogLevel, Invalid> {
    match members.text("invokeLogLevel")? {
        None | Some("") => Ok(LogLevel::default()),
        Some(text) => text
            .parse::<LogLevel>()
            .map_err(|error| members.invalid("invokeLogLevel", error.to_string())),
    }
}

fn time_zone(members: &Members<'_>) -> Result<Option<chrono_tz::Tz>, Invalid> {
    let Some(text) = members.text("timeZone")?.filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    text.parse().map(Some).map_err(|_| {
        let message = format!(
            "Scheduler configured timezone is not understood: {text}; write a name of the tz database such as Europe/Berlin"
        );
        members.invalid("timeZone", message)
    })
}

fn clock_change(members: &Members<'_>) -> Result<ClockChange, Invalid> {
    let on_gap = members.text("onGap")?.map(str::parse).transpose();
    let on_overlap = members.text("onOverlap")?.map(str::parse).transpose();
    Ok(ClockChange {
        on_gap: on_gap
            .map_err(|error: UnknownRule| members.invalid("onGap", error.to_string()))?
            .unwrap_or_default(),
        on_overlap: on_overlap
            .map_err(|error: UnknownRule| members.invalid("onOverlap", error.to_string()))?
            .unwrap_or_default(),
    })
}

fn times(members: &Members<'_>) -> Result<(Option<ScheduleTime>, Option<ScheduleTime>), Invalid> {
    let start = time(members, "startTime")?;
    let end = time(members, "endTime")?;
    if let (Some(start), Some(end)) = (&start, &end) {
        if start.offset() != end.offset() {
            let message = format!("'{end}' has to have the same offset as the startTime '{start}', or both have none");
            return Err(members.invalid("endTime", message));
        }
        if end.local() <= start.local() {
            return Err(members.invalid("endTime", format!("'{end}' has to be after the startTime '{start}'")));
        }
    }
    Ok((start, end))
}

fn time(members: &Members<'_>, name: &str) -> Result<Option<ScheduleTime>, Invalid> {
    let Some(text) = members.text(name)?.filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    let time = text
        .parse::<ScheduleTime>()
        .map_err(|error| members.invalid(name, error.to_string()))?;
    Ok(Some(time))
}
