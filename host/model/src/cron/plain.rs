//! The syntax that all fields share: values, names, ranges that wrap around, steps and lists.

use super::error::{CronError, CronFault, CronField};
use super::piece::Piece;

const MONTHS: [&str; 12] = [
    "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
];
const DAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

/// The values that a whole field of plain elements names, ascending and each once.
pub(super) fn values(field: Piece<'_>) -> Result<Vec<u32>, CronError> {
    let mut values = Vec::new();
    for element in field.elements() {
        values.extend(element_values(element)?);
    }
    values.sort_unstable();
    values.dedup();
    Ok(values)
}

/// The values of one element: `*`, `a` or `a-b`, each with or without `/n`; `/n` alone is `*/n`.
pub(super) fn element_values(element: Piece<'_>) -> Result<Vec<u32>, CronError> {
    let (base, step) = match element.split_at('/') {
        Some((base, step)) => (base, Some(parse_step(element, step)?)),
        None => (element, None),
    };
    let (minimum, maximum) = bounds(element.field);
    let (from, to) = match (base.text(), base.split_at('-')) {
        ("*", _) => (minimum, maximum),
        ("", _) if step.is_some() => (minimum, maximum),
        (_, Some((from, to))) => (value(from)?, value(to)?),
        (_, None) => {
            let from = value(base)?;
            (from, if step.is_some() { maximum } else { from })
        }
    };
    let to = match element.field {
        _ if from <= to => to,
        CronField::Year => return Err(base.fail(CronFault::YearsWrap)),
        _ => to + maximum - minimum + 1,
    };
    let wrapped = |value| {
        if value > maximum {
            value - (maximum - minimum + 1)
        } else {
            value
        }
    };
    let step = usize::try_from(step.unwrap_or(1)).unwrap_or(usize::MAX);
    Ok((from..=to).step_by(step).map(wrapped).collect())
}

/// A number or a name within the bounds of the field.
pub(super) fn value(piece: Piece<'_>) -> Result<u32, CronError> {
    let capitals = piece.capitals();
    if capitals.is_empty() {
        return Err(piece.fail(CronFault::Missing));
    }
    if capitals.bytes().all(|byte| byte.is_ascii_digit()) {
        let (minimum, maximum) = bounds(piece.field);
        return match capitals.parse() {
            Ok(number) if (minimum..=maximum).contains(&number) => Ok(number),
            _ => Err(piece.fail(CronFault::OutOfRange(piece.field))),
        };
    }
    named(piece.field, &capitals).ok_or_else(|| piece.fail(stranger(piece.field, capitals)))
}

/// The smallest and the largest value of a field.
pub(super) fn bounds(field: CronField) -> (u32, u32) {
    match field {
        CronField::Seconds | CronField::Minutes => (0, 59),
        CronField::Hours => (0, 23),
        CronField::DayOfMonth => (1, 31),
        CronField::Month => (1, 12),
        CronField::DayOfWeek => (1, 7),
        CronField::Year => (1970, 2199),
    }
}

fn named(field: CronField, capitals: &str) -> Option<u32> {
    let names: &[&str] = match field {
        CronField::Month => &MONTHS,
        CronField::DayOfWeek => &DAYS,
        CronField::Seconds | CronField::Minutes | CronField::Hours | CronField::DayOfMonth | CronField::Year => &[],
    };
    (1..)
        .zip(names)
        .find(|(_, name)| **name == capitals)
        .map(|(value, _)| value)
}

/// What to say about a text that is neither a number nor a name.
fn stranger(field: CronField, capitals: String) -> CronFault {
    let digits = capitals.bytes().take_while(u8::is_ascii_digit).count();
    if capitals == "?" {
        return CronFault::QuestionNotHere;
    }
    match capitals[digits..].chars().next() {
        Some(option @ ('L' | 'W')) if digits + 1 == capitals.len() || capitals == "LW" => {
            CronFault::OptionNotHere(option)
        }
        Some('#') => CronFault::OptionNotHere('#'),
        _ if !capitals.bytes().all(|byte| byte.is_ascii_alphabetic()) => CronFault::Illegal(capitals),
        _ => match field {
            CronField::Month => CronFault::MonthName(capitals),
            CronField::DayOfWeek => CronFault::DayName(capitals),
            CronField::Seconds | CronField::Minutes | CronField::Hours | CronField::DayOfMonth | CronField::Year => {
                CronFault::Illegal(capitals)
            }
        },
    }
}

fn parse_step(element: Piece<'_>, step: Piece<'_>) -> Result<u32, CronError> {
    let text = step.text();
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(element.fail(CronFault::StepMissing));
    }
    let too_large = |limit| {
        step.fail(CronFault::StepTooLarge {
            limit,
            step: text.to_owned(),
        })
    };
    let limit = match element.field {
        CronField::Seconds | CronField::Minutes => 60,
        CronField::Hours => 24,
        CronField::DayOfMonth => 31,
        CronField::Month => 12,
        CronField::DayOfWeek => 7,
        // A step longer than all years together names the first year only, which is odd but clear.
        CronField::Year => u32::MAX,
    };
    match text.parse() {
        Ok(0) => Err(step.fail(CronFault::StepZero)),
        Ok(number) if number < limit => Ok(number),
        _ => Err(too_large(limit)),
    }
}
