//! The next fires, each with a sentence when a clock change moves, drops or doubles it.

use chrono::{DateTime, FixedOffset, NaiveDateTime, Offset, SecondsFormat, TimeZone};
use chrono_tz::Tz;
use serde_json::{Value, json};

use super::transition::{REACH, Transition};
use super::{ClockChange, Cron, Dropped, OnGap, OnOverlap};
use crate::clock::Timestamp;

/// One fire to come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fire {
    /// When it is.
    pub time: Timestamp,
    /// The same in the schedule's zone.
    pub local: DateTime<FixedOffset>,
    /// What a clock change does to it, or did to the fires that should have come before it.
    pub note: Option<String>,
}

impl Fire {
    /// The form in which the command line and REST show it: `time`, `local`, `note`.
    pub fn to_json(&self) -> Value {
        json!({
            "time": self.time.to_rfc3339_opts(SecondsFormat::Secs, true),
            "local": self.local.to_rfc3339_opts(SecondsFormat::Secs, false),
            "note": self.note,
        })
    }
}

impl Cron {
    /// The first `count` fires strictly after `after`; fewer if the expression comes to an end.
    pub fn preview(&self, after: Timestamp, zone: Tz, clock_change: ClockChange, count: usize) -> Vec<Fire> {
        let mut fires = Vec::new();
        let mut previous = after;
        while fires.len() < count
            && let Some(time) = self.next_after(previous, zone, clock_change)
        {
            // A sentence for each gap between two fires that swallowed some.
            let losses = self.losses(previous, time, zone, clock_change);
            let mut notes: Vec<String> = losses.map(|(change, lost)| dropped_by(change, &lost, zone)).collect();
            notes.extend(self.touched(time, zone, clock_change));
            let offset = zone.offset_from_utc_datetime(&time.naive_utc()).fix();
            let note = Some(notes.join(" ")).filter(|note| !note.is_empty());
            fires.push(Fire {
                time,
                local: time.with_timezone(&offset),
                note,
            });
            previous = time;
        }
        fires
    }

    /// A sentence if this fire was moved out of a gap, or its wall time comes twice.
    fn touched(&self, time: Timestamp, zone: Tz, clock_change: ClockChange) -> Option<String> {
        let mut from = time - REACH;
        while let Some(change) = Transition::between(zone, from, time + REACH) {
            let is_after = change.at <= time;
            if change.is_gap() && is_after && time < change.at + change.length() {
                return self.moved_by(change, time, zone, clock_change);
            }
            if change.is_overlap() && change.at - change.length() <= time && time < change.at + change.length() {
                return Some(doubled_by(change, time, zone, clock_change));
            }
            from = change.at;
        }
        None
    }

    fn moved_by(&self, change: Transition, time: Timestamp, zone: Tz, clock_change: ClockChange) -> Option<String> {
        let wall = time.naive_utc() + change.after;
        let left_out = time.naive_utc() + change.before;
        let is_moved = clock_change.on_gap == OnGap::Shift && self.names(left_out) && !self.names(wall);
        is_moved.then(|| {
            format!(
                "{} on {} does not exist in {zone}: the clock goes forward from {} to {}, so it fires at {} (onGap shift).",
                show(left_out),
                left_out.date(),
                show(change.wall_before()),
                show(change.wall_after()),
                show(wall)
            )
        })
    }
}

fn dropped_by(change: Transition, lost: &Dropped, zone: Tz) -> String {
    let Dropped { first, last, count, .. } = lost;
    let forward = format!(
        "the clock goes forward from {} to {}",
        show(change.wall_before()),
        show(change.wall_after())
    );
    let date = first.date();
    if *count == 1 {
        format!(
            "{} on {date} does not exist in {zone}: {forward}, so that fire is dropped (onGap skip).",
            show(*first)
        )
    } else {
        format!(
            "{} to {} on {date} do not exist in {zone}: {forward}, so {count} fires are dropped (onGap skip).",
            show(*first),
            show(*last),
        )
    }
}

fn doubled_by(change: Transition, time: Timestamp, zone: Tz, clock_change: ClockChange) -> String {
    let is_second = time >= change.at;
    let wall = time.naive_utc() + if is_second { change.after } else { change.before };
    let what = match (clock_change.on_overlap, is_second) {
        (OnOverlap::First, _) => "so it fires the first time only (onOverlap first)",
        (OnOverlap::Second, _) => "so it fires the second time only (onOverlap second)",
        (OnOverlap::Both, false) => "so it fires twice, this is the first (onOverlap both)",
        (OnOverlap::Both, true) => "so it fires twice, this is the second (onOverlap both)",
    };
    format!(
        "{} on {} comes twice in {zone}: the clock goes back from {} to {}, {what}.",
        show(wall),
        wall.date(),
        show(change.wall_before()),
        show(change.wall_after())
    )
}

fn show(wall: NaiveDateTime) -> impl std::fmt::Display {
    wall.format("%H:%M:%S")
}
