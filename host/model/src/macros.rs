//! Macros in the queries of a scan: `${Time.now}` and `${Time.now + 1d}` become an instant, afresh at every run.
//!
//! What follows a macro stays where it is. A macro that is not understood is refused: to copy it would ask for objects
//! that nobody meant. `\${` is no macro, and neither is `${` without a closing brace.

use crate::clock::{Timestamp, wire_time};
use crate::duration::{CalendarDuration, DurationError};

/// Why a macro is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MacroError {
    /// A name that is no macro, or a form that is not known.
    #[error(
        "unknown macro '${{{text}}}' at position {position}: write ${{Time.now}}, ${{Time.now + 1d}} or ${{Time.now - 2h}}, \
         with single spaces"
    )]
    Unknown {
        /// What stands between the braces.
        text: String,
        /// Where the macro begins, in characters from 0.
        position: usize,
    },
    /// What is added or taken away is no duration.
    #[error("the macro at position {position} has no duration")]
    Duration {
        /// Where the macro begins, in characters from 0.
        position: usize,
        /// What is wrong with it.
        #[source]
        source: DurationError,
    },
    /// The instant is outside the calendar.
    #[error("the macro '${{{text}}}' at position {position} leads out of the calendar")]
    OutOfCalendar {
        /// What stands between the braces.
        text: String,
        /// Where the macro begins, in characters from 0.
        position: usize,
    },
}

/// The text with every macro replaced by the instant it stands for.
///
/// # Errors
/// The first macro that is not understood.
pub fn expand(text: &str, now: Timestamp) -> Result<String, MacroError> {
    let mut expanded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        let Some(length) = rest[start + 2..].find('}') else {
            break;
        };
        let end = start + 2 + length + 1;
        expanded.push_str(&rest[..start]);
        if rest[..start].ends_with('\\') {
            expanded.push_str(&rest[start..end]);
        } else {
            let position = text[..text.len() - rest.len() + start].chars().count();
            let instant = instant(&rest[start + 2..end - 1], position, now)?;
            expanded.push_str(&wire_time(instant));
        }
        rest = &rest[end..];
    }
    expanded.push_str(rest);
    Ok(expanded)
}

fn instant(text: &str, position: usize, now: Timestamp) -> Result<Timestamp, MacroError> {
    let unknown = || MacroError::Unknown {
        text: text.to_owned(),
        position,
    };
    let out_of_calendar = || MacroError::OutOfCalendar {
        text: text.to_owned(),
        position,
    };
    let duration = |text: &str| -> Result<CalendarDuration, MacroError> {
        text.parse().map_err(|source| MacroError::Duration { position, source })
    };
    match text.split(' ').collect::<Vec<_>>().as_slice() {
        ["Time.now"] => Ok(now),
        ["Time.now", "+", length] => duration(length)?.after(now).ok_or_else(out_of_calendar),
        ["Time.now", "-", length] => duration(length)?.before(now).ok_or_else(out_of_calendar),
        _ => Err(unknown()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::parse_wire_time;

    fn now() -> Timestamp {
        parse_wire_time("2026-03-31T10:48:14.818Z").unwrap()
    }

    #[test]
    fn a_macro_becomes_an_instant_and_the_rest_stays() {
        let check = |text: &str, expected: &str| assert_eq!(expand(text, now()).as_deref(), Ok(expected));
        check("", "");
        check("no macro $ { } here", "no macro $ { } here");
        check("${Time.now}", "2026-03-31T10:48:14.818Z");
        check("${Time.now + 1d}", "2026-04-01T10:48:14.818Z");
        check("${Time.now - 2h}", "2026-03-31T08:48:14.818Z");
        check("${Time.now - 1M}", "2026-02-28T10:48:14.818Z");
        check(
            r#"((/sunset/date lt "${Time.now}") AND !(/sunset/task-completed pr))"#,
            r#"((/sunset/date lt "2026-03-31T10:48:14.818Z") AND !(/sunset/task-completed pr))"#,
        );
        check(
            "${Time.now}ä${Time.now + 1s}!",
            "2026-03-31T10:48:14.818Zä2026-03-31T10:48:15.818Z!",
        );
        check(r"\${Time.now} ${Time.now}", r"\${Time.now} 2026-03-31T10:48:14.818Z");
        check(r"\${anything}", r"\${anything}");
        check("${Time.now", "${Time.now");
    }

    #[test]
    fn a_macro_that_is_not_understood_is_refused_with_its_place() {
        let check = |text: &str, expected: MacroError| assert_eq!(expand(text, now()), Err(expected), "{text}");
        let unknown = |text: &str, position| MacroError::Unknown {
            text: text.to_owned(),
            position,
        };
        check("ä ${Time.now+1d}", unknown("Time.now+1d", 2));
        check("${Time.now} ${Time.then}", unknown("Time.then", 12));
        check("${}", unknown("", 0));
        check("${Time.now  + 1d}", unknown("Time.now  + 1d", 0));
        check("${Time.now * 1d}", unknown("Time.now * 1d", 0));
        check(
            "${Time.now + 1w}",
            MacroError::Duration {
                position: 0,
                source: DurationError("1w".to_owned()),
            },
        );
        let far = "Time.now + 4294967295y";
        check(
            "${Time.now + 4294967295y}",
            MacroError::OutOfCalendar {
                text: far.to_owned(),
                position: 0,
            },
        );
    }
}
