//! What one call of a guest may use. A tenant, a job and a plugin may each set limits; the smallest wins.

use std::time::Duration;

use host_resource::Pointer;
use serde_json::{Value, json};

use crate::invalid::Invalid;
use crate::members::Members;

/// What one call of a guest may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Units of work of the virtual machine, about one for each instruction.
    pub fuel: u64,
    /// Wall-clock time, host calls included.
    pub deadline: Duration,
    /// Linear memory, in bytes.
    pub memory_bytes: u64,
    /// Elements of its tables.
    pub table_elements: u64,
    /// Length of its answer, in bytes.
    pub output_bytes: u64,
    /// Calls into the host.
    pub host_calls: u64,
    /// Documents that it writes.
    pub written_rows: u64,
    /// Bytes that it writes into documents.
    pub written_bytes: u64,
    /// Lines that it writes to the log.
    pub log_lines: u64,
    /// Length of each of them, in bytes; longer ones are cut.
    pub log_line_bytes: u64,
}

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;

impl Default for Limits {
    /// Enough for a task on one object, and little enough that a wrong one harms nobody else.
    fn default() -> Limits {
        Limits {
            fuel: 1_000_000_000,
            deadline: Duration::from_secs(10),
            memory_bytes: 64 * MIB,
            table_elements: 20_000,
            output_bytes: MIB,
            host_calls: 10_000,
            written_rows: 1_000,
            written_bytes: 8 * MIB,
            log_lines: 1_000,
            log_line_bytes: 4 * KIB,
        }
    }
}

const MEMBERS: [&str; 10] = [
    "fuel",
    "deadlineMs",
    "memoryBytes",
    "tableElements",
    "outputBytes",
    "hostCalls",
    "writtenRows",
    "writtenBytes",
    "logLines",
    "logLineBytes",
];

impl Limits {
    /// What a call that both limits hold for may use: of each the smaller one.
    #[must_use]
    pub fn min(self, other: Limits) -> Limits {
        Limits {
            fuel: self.fuel.min(other.fuel),
            deadline: self.deadline.min(other.deadline),
            memory_bytes: self.memory_bytes.min(other.memory_bytes),
            table_elements: self.table_elements.min(other.table_elements),
            output_bytes: self.output_bytes.min(other.output_bytes),
            host_calls: self.host_calls.min(other.host_calls),
            written_rows: self.written_rows.min(other.written_rows),
            written_bytes: self.written_bytes.min(other.written_bytes),
            log_lines: self.log_lines.min(other.log_lines),
            log_line_bytes: self.log_line_bytes.min(other.log_line_bytes),
        }
    }

    /// The limits object, as [`Limits::parse`] reads it.
    pub fn to_json(&self) -> Value {
        json!({
            "fuel": self.fuel,
            "deadlineMs": u64::try_from(self.deadline.as_millis()).unwrap_or(u64::MAX),
            "memoryBytes": self.memory_bytes,
            "tableElements": self.table_elements,
            "outputBytes": self.output_bytes,
            "hostCalls": self.host_calls,
            "writtenRows": self.written_rows,
            "writtenBytes": self.written_bytes,
            "logLines": self.log_lines,
            "logLineBytes": self.log_line_bytes,
        })
    }

    /// Reads the limits object that stands at `pointer`. What it leaves out is as in `absent`.
    ///
    /// # Errors
    /// The first member that is unknown or not a whole number of its range.
    pub fn parse(value: &Value, pointer: Pointer, absent: Limits) -> Result<Limits, Invalid> {
        let members = Members::of(value, pointer)?;
        members.only(&MEMBERS)?;
        let read = |name: &str, least: i64, unit: &str, absent: u64| {
            Ok::<u64, Invalid>(members.natural(name, least..=i64::MAX, unit)?.unwrap_or(absent))
        };
        let deadline = members.natural("deadlineMs", 1..=i64::MAX, "milliseconds")?;
        let deadline = deadline.map(Duration::from_millis);
        Ok(Limits {
            fuel: read("fuel", 1, "units of fuel", absent.fuel)?,
            deadline: deadline.unwrap_or(absent.deadline),
            memory_bytes: read("memoryBytes", 1, "bytes", absent.memory_bytes)?,
            table_elements: read("tableElements", 1, "elements", absent.table_elements)?,
            output_bytes: read("outputBytes", 1, "bytes", absent.output_bytes)?,
            host_calls: read("hostCalls", 0, "calls", absent.host_calls)?,
            written_rows: read("writtenRows", 0, "documents", absent.written_rows)?,
            written_bytes: read("writtenBytes", 0, "bytes", absent.written_bytes)?,
            log_lines: read("logLines", 0, "lines", absent.log_lines)?,
            log_line_bytes: read("logLineBytes", 1, "bytes", absent.log_line_bytes)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn parse(value: Value) -> Result<Limits, Invalid> {
        Limits::parse(&value, Pointer::root().child("limits"), Limits::default())
    }

    #[test]
    fn what_is_shown_can_be_read() {
        let limits = Limits {
            fuel: 7,
            deadline: Duration::from_millis(5),
            ..Limits::default()
        };
        assert_eq!(parse(limits.to_json()), Ok(limits));
    }

    #[test]
    fn what_is_left_out_stays() {
        let absent = Limits::default();
        assert_eq!(parse(json!({})), Ok(absent));
        let expected = Limits {
            fuel: 5,
            deadline: Duration::from_millis(250),
            written_rows: 0,
            ..absent
        };
        assert_eq!(
            parse(json!({"fuel": 5, "deadlineMs": 250, "writtenRows": 0})),
            Ok(expected)
        );
        let all = json!({
            "fuel": 1, "deadlineMs": 2, "memoryBytes": 3, "tableElements": 4, "outputBytes": 5, "hostCalls": 6,
            "writtenRows": 7, "writtenBytes": 8, "logLines": 9, "logLineBytes": 10
        });
        let expected = Limits {
            fuel: 1,
            deadline: Duration::from_millis(2),
            memory_bytes: 3,
            table_elements: 4,
            output_bytes: 5,
            host_calls: 6,
            written_rows: 7,
            written_bytes: 8,
            log_lines: 9,
            log_line_bytes: 10,
        };
        assert_eq!(parse(all), Ok(expected));
    }

    #[test]
    fn of_two_limits_the_smaller_one_wins() {
        let one = Limits {
            fuel: 1,
            log_lines: 9,
            ..Limits::default()
        };
        let other = Limits {
            fuel: 2,
            log_lines: 3,
            deadline: Duration::from_secs(1),
            ..Limits::default()
        };
        let expected = Limits {
            fuel: 1,
            log_lines: 3,
            deadline: Duration::from_secs(1),
            ..Limits::default()
        };
        assert_eq!(one.min(other), expected);
        assert_eq!(other.min(one), expected);
    }

    #[test]
    fn a_mistake_is_named_with_its_pointer() {
        let check = |value: Value, expected: &str| assert_eq!(parse(value).unwrap_err().to_string(), expected);
        check(
            json!({"fule": 1}),
            "/limits/fule: unknown property 'fule'; known here are fuel, deadlineMs, memoryBytes, tableElements, outputBytes, hostCalls, writtenRows, writtenBytes, logLines, logLineBytes",
        );
        check(
            json!({"fuel": 0}),
            "/limits/fuel: a whole number of at least 1 (units of fuel) is expected, not 0",
        );
        check(
            json!({"deadlineMs": "10s"}),
            "/limits/deadlineMs: a whole number of at least 1 (milliseconds) is expected, not \"10s\"",
        );
        check(json!([]), "/limits: an object is expected here, not an array");
    }
}
