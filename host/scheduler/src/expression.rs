//! What can be asked about a cron expression without storing anything: whether it is valid, and when it would fire.

use host_model::Invalid;
use host_model::clock::{Timestamp, Tz, parse_wire_time};
use host_model::cron::{ClockChange, Cron, Fire};
use host_model::members::Members;
use host_resource::Pointer;
use serde_json::{Value, json};

/// Fires of a preview when nothing is said.
const DEFAULT_COUNT: usize = 10;

/// Most fires of a preview: an answer has to end.
const MAX_COUNT: i64 = 1000;

/// The answer to `validateQuartzCronExpression`. A body without an expression is not valid, and no error.
pub(crate) fn validate(content: Option<&Value>) -> Value {
    let expression = content.and_then(|content| content["cronExpression"].as_str());
    json!({"valid": expression.is_some_and(|expression| Cron::parse(expression).is_ok())})
}

/// The answer to `previewQuartzCronExpression`: the next fires with what clock changes do to them.
///
/// # Errors
/// What is asked for besides the expression is not understood.
pub(crate) fn preview(content: Option<&Value>, host_zone: Tz, now: Timestamp) -> Result<Value, Invalid> {
    let nothing = json!({});
    let members = Members::of(content.unwrap_or(&nothing), Pointer::root())?;
    members.only(&["cronExpression", "timeZone", "onGap", "onOverlap", "after", "count"])?;
    let expression = members.require_text("cronExpression", "an expression such as 0 0/5 * * * ?")?;
    let zone = parsed(&members, "timeZone", |text| {
        text.parse()
            .map_err(|_| format!("'{text}' is not a time zone; write for example Europe/Berlin"))
    })?;
    let after = parsed(&members, "after", |text| {
        parse_wire_time(text).ok_or_else(|| format!("'{text}' is not a time; write for example 2026-03-29T00:00:00Z"))
    })?;
    let clock_change = ClockChange {
        on_gap: parsed(&members, "onGap", |text| text.parse().map_err(as_text))?.unwrap_or_default(),
        on_overlap: parsed(&members, "onOverlap", |text| text.parse().map_err(as_text))?.unwrap_or_default(),
    };
    let count = members.integer("count", 1..=MAX_COUNT, "fires")?;
    let count = count
        .and_then(|count| usize::try_from(count).ok())
        .unwrap_or(DEFAULT_COUNT);
    Ok(match Cron::parse(expression) {
        Err(error) => json!({"valid": false, "message": error.to_string()}),
        Ok(cron) => {
            let fires = cron.preview(after.unwrap_or(now), zone.unwrap_or(host_zone), clock_change, count);
            json!({"valid": true, "next": fires.iter().map(Fire::to_json).collect::<Vec<_>>()})
        }
    })
}

fn as_text(error: host_model::cron::UnknownRule) -> String {
    error.to_string()
}

fn parsed<T>(
    members: &Members<'_>,
    name: &str,
    parse: impl FnOnce(&str) -> Result<T, String>,
) -> Result<Option<T>, Invalid> {
    let value = members.text(name)?.map(parse).transpose();
    value.map_err(|message| members.invalid(name, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_is_valid_or_not() {
        let check = |content: Option<Value>, expected: bool| {
            assert_eq!(validate(content.as_ref()), json!({"valid": expected}), "{content:?}");
        };
        check(Some(json!({"cronExpression": "0 0/1 * * * ?"})), true);
        check(Some(json!({"cronExpression": "0 0/1 * * * *"})), false);
        check(Some(json!({"cronExpression": ""})), false);
        check(Some(json!({"cronExpression": 5})), false);
        check(Some(json!({})), false);
        check(Some(json!([])), false);
        check(None, false);
    }

    #[test]
    fn a_preview_shows_the_next_fires() {
        let now = parse_wire_time("2026-03-28T12:00:00Z").unwrap();
        let check = |content: Value, expected: Value| {
            assert_eq!(
                preview(Some(&content), Tz::UTC, now).map_err(|error| error.to_string()),
                Ok(expected)
            );
        };
        check(
            json!({"cronExpression": "0 0 3 * * ?", "timeZone": "Europe/Berlin", "count": 2}),
            json!({"valid": true, "next": [
                {"time": "2026-03-29T01:00:00Z", "local": "2026-03-29T03:00:00+02:00", "note": null},
                {"time": "2026-03-30T01:00:00Z", "local": "2026-03-30T03:00:00+02:00", "note": null},
            ]}),
        );
        check(
            json!({"cronExpression": "0 0 0 1 1 ? 2027-2028", "after": "2027-01-01T00:00:00Z"}),
            json!({"valid": true, "next": [
                {"time": "2028-01-01T00:00:00Z", "local": "2028-01-01T00:00:00+00:00", "note": null},
            ]}),
        );
        let message = Cron::parse("0 0 24 * * ?").unwrap_err().to_string();
        check(
            json!({"cronExpression": "0 0 24 * * ?"}),
            json!({"valid": false, "message": message}),
        );
    }

    #[test]
    fn a_mistake_is_named_with_its_pointer() {
        let now = parse_wire_time("2026-03-28T12:00:00Z").unwrap();
        let check = |content: Option<Value>, pointer: &str| {
            assert_eq!(
                preview(content.as_ref(), Tz::UTC, now).unwrap_err().pointer.to_string(),
                pointer
            );
        };
        let with = |name: &str, value: Value| {
            let mut content = json!({"cronExpression": "0 0 3 * * ?"});
            content[name] = value;
            Some(content)
        };
        check(None, "/cronExpression");
        check(with("timeZone", json!("Mars")), "/timeZone");
        check(with("after", json!("now")), "/after");
        check(with("onGap", json!("jump")), "/onGap");
        check(with("onOverlap", json!("third")), "/onOverlap");
        check(with("count", json!(1001)), "/count");
        check(with("zone", json!("UTC")), "/zone");
    }
}
