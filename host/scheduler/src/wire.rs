//! What jobs and triggers look like in answers: the properties of the platform, in its order, with its class names.
//! (`docs/compatibility.md`, schedules.)

use host_model::clock::{Timestamp, Tz, wire_time};
use host_model::cron::ClockChange;
use host_model::job::{Job, JobId, Schedule, ScheduleTime};
use host_model::misfire::MisfirePolicy;
use host_model::trigger::{Repeat, Status, TriggerState};
use host_resource::{Content, Object};
use serde_json::{Map, Value, json};

use crate::board::Sight;
use crate::shelf::{Stored, StoredTrigger};

/// The one group of all jobs and triggers.
pub(crate) const GROUP: &str = "scheduler-service-group";

/// What is needed to show a job besides what is stored.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View<'a> {
    /// The name of this host.
    pub(crate) node: &'a str,
    /// The zone of jobs that name none.
    pub(crate) zone: Tz,
    /// What goes on with it.
    pub(crate) sight: Sight,
}

/// A whole job. It has no revision.
pub(crate) fn job(stored: &Stored, view: View<'_>) -> Object {
    let mut content = configuration(&stored.job);
    let record = stored.trigger.as_ref().map(|trigger| &trigger.record);
    let triggers: Vec<Value> = stored
        .trigger
        .iter()
        .map(|trigger| trigger_of_job(&stored.job, trigger, view))
        .collect();
    let date = |time: Option<Timestamp>| time.map_or(Value::Null, |time| Value::String(wire_time(time)));
    content.insert("triggers".to_owned(), Value::Array(triggers));
    content.insert(
        "previousRunDate".to_owned(),
        date(record.and_then(|record| record.previous)),
    );
    content.insert("nextRunDate".to_owned(), date(record.and_then(|record| record.next)));
    Object {
        id: stored.job.id.to_string(),
        rev: None,
        content: Content::Json(Value::Object(content)),
    }
}

/// A whole trigger.
pub(crate) fn trigger(job: &Job, trigger: &StoredTrigger, view: View<'_>) -> Object {
    Object {
        id: trigger_id(&job.id),
        rev: Some(trigger.revision.to_string()),
        content: Content::Json(Value::Object(trigger_content(job, trigger, view))),
    }
}

/// The id of a job's trigger.
pub(crate) fn trigger_id(job: &JobId) -> String {
    format!("{GROUP}.{}", trigger_name(job))
}

/// The job whose trigger has this id.
pub(crate) fn job_of_trigger(id: &str) -> Option<JobId> {
    id.strip_prefix(GROUP)?.strip_prefix(".trigger-")?.parse().ok()
}

/// What may be configured of a job, as it was configured. What the platform does not show is left out unless it was set.
pub(crate) fn configuration(job: &Job) -> Map<String, Value> {
    let mut members = platform_configuration(job);
    let mut extras = Vec::new();
    if let Some(zone) = job.time_zone {
        extras.push(("timeZone", zone.name().to_owned()));
    }
    let default = ClockChange::default();
    if job.clock_change.on_gap != default.on_gap {
        extras.push(("onGap", job.clock_change.on_gap.to_string()));
    }
    if job.clock_change.on_overlap != default.on_overlap {
        extras.push(("onOverlap", job.clock_change.on_overlap.to_string()));
    }
    let place = members
        .keys()
        .position(|name| name == "startTime")
        .unwrap_or(members.len());
    for (offset, (name, value)) in extras.into_iter().enumerate() {
        members.shift_insert(place + offset, name.to_owned(), Value::String(value));
    }
    members
}

/// A job in the list of those that are running.
pub(crate) fn executing(job: &Job) -> Value {
    let mut members = platform_configuration(job);
    for name in ["recoverable", "schedule"] {
        members.shift_remove(name);
    }
    // The type comes before the interval here.
    if let Some(kind) = members.shift_remove("type") {
        let place = members
            .keys()
            .position(|name| name == "repeatInterval")
            .unwrap_or(members.len());
        members.shift_insert(place, "type".to_owned(), kind);
    }
    let place = members
        .keys()
        .position(|name| name == "startTime")
        .unwrap_or(members.len());
    let zone = job
        .time_zone
        .map_or(Value::Null, |zone| Value::String(zone.name().to_owned()));
    members.shift_insert(place, "timeZone".to_owned(), zone);
    Value::Object(members)
}

fn platform_configuration(job: &Job) -> Map<String, Value> {
    let (kind, expression, interval, count) = match &job.schedule {
        Schedule::Cron(cron) => ("cron", Value::String(cron.to_string()), 0, 0),
        Schedule::Simple { interval, repeat } => ("simple", Value::Null, interval.num_milliseconds(), repeat.to_wire()),
    };
    let time = |time: &Option<ScheduleTime>| time.as_ref().map(ScheduleTime::as_str).map_or(Value::Null, Value::from);
    object(json!({
        "enabled": job.enabled,
        "persisted": job.persisted,
        "recoverable": job.recoverable,
        "misfirePolicy": job.misfire_policy.to_string(),
        "schedule": expression,
        "repeatInterval": interval,
        "repeatCount": count,
        "type": kind,
        "invokeService": job.service.full(),
        "invokeContext": job.invoke_context,
        "invokeLogLevel": job.log_level.to_string(),
        "startTime": time(&job.start),
        "endTime": time(&job.end),
        "concurrentExecution": job.concurrent,
    }))
}

/// Inside a job, the id and the revision come last.
fn trigger_of_job(job: &Job, trigger: &StoredTrigger, view: View<'_>) -> Value {
    let mut content = trigger_content(job, trigger, view);
    content.insert("_rev".to_owned(), Value::String(trigger.revision.to_string()));
    content.insert("_id".to_owned(), Value::String(trigger_id(&job.id)));
    Value::Object(content)
}

fn trigger_content(job: &Job, trigger: &StoredTrigger, view: View<'_>) -> Map<String, Value> {
    let status = shown_status(trigger.record.status, view.sight);
    object(json!({
        "calendar": null,
        "group": GROUP,
        "jobKey": format!("{GROUP}.{}", job.id),
        "name": trigger_name(&job.id),
        "nodeId": view.sight.is_acquired.then_some(view.node),
        "previousState": status.previous.map(|state| state.to_string()),
        "serialized": serialized(job, trigger, view),
        "state": status.state.to_string(),
    }))
}

fn shown_status(status: Status, sight: Sight) -> Status {
    if sight.is_blocked { status.during_run() } else { status }
}

fn trigger_name(job: &JobId) -> String {
    format!("trigger-{job}")
}

fn serialized(job: &Job, trigger: &StoredTrigger, view: View<'_>) -> Value {
    let record = &trigger.record;
    let ms = |time: Option<Timestamp>| time.map(|time| time.timestamp_millis());
    let name = trigger_name(&job.id);
    match &job.schedule {
        Schedule::Simple { interval, repeat } => json!({
            "type": "SimpleTriggerImpl",
            "calendarName": null,
            "complete": record.status.state == TriggerState::Complete,
            "description": null,
            "endTime": ms(record.end),
            "fireInstanceId": record.fire_instance,
            "group": GROUP,
            "jobDataMap": job_data_map(job),
            "jobGroup": GROUP,
            "jobName": job.id.as_str(),
            "misfireInstruction": 1,
            "name": name,
            "nextFireTime": ms(record.next),
            "previousFireTime": ms(record.previous),
            "priority": 5,
            "repeatCount": record.repeat.map_or(repeat.to_wire(), Repeat::to_wire),
            "repeatInterval": interval.num_milliseconds(),
            "startTime": record.start.timestamp_millis(),
            "timesTriggered": record.times_triggered,
            "volatility": false,
        }),
        Schedule::Cron(cron) => json!({
            "type": "CronTriggerImpl",
            "calendarName": null,
            "cronEx": {"cronExpression": cron.as_str(), "timeZone": job.time_zone.unwrap_or(view.zone).name()},
            "description": null,
            "endTime": ms(record.end),
            "fireInstanceId": record.fire_instance,
            "group": GROUP,
            "jobDataMap": job_data_map(job),
            "jobGroup": GROUP,
            "jobName": job.id.as_str(),
            "misfireInstruction": match job.misfire_policy {
                MisfirePolicy::FireAndProceed => 1,
                MisfirePolicy::DoNothing => 2,
            },
            "name": name,
            "nextFireTime": ms(record.next),
            "previousFireTime": ms(record.previous),
            "priority": 5,
            "startTime": record.start.timestamp_millis(),
            "volatility": false,
        }),
    }
}

fn job_data_map(job: &Job) -> Value {
    json!({
        "scheduler.invokeService": job.service.full(),
        "scheduler.config-name": format!("scheduler-{}", job.id),
        "scheduler.invokeContext": job.invoke_context,
        "schedule.config": platform_configuration(job),
        "scheduler.invokeLogLevel": job.log_level.to_string(),
    })
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}
