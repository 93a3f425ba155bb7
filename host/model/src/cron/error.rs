//! Why a text is not a cron expression: the place, and what would be right there.

use std::fmt;

/// One of the seven fields of an expression, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CronField {
    /// 0-59
    Seconds,
    /// 0-59
    Minutes,
    /// 0-23
    Hours,
    /// 1-31
    DayOfMonth,
    /// 1-12 or JAN-DEC
    Month,
    /// 1-7 or SUN-SAT, 1 is Sunday
    DayOfWeek,
    /// 1970-2199, may be left out
    Year,
}

/// The first thing that is wrong with an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CronError {
    /// The field in which it is.
    pub field: CronField,
    /// Where the offending text begins in the expression, in characters from 0.
    pub offset: usize,
    /// The offending text; empty where something is missing.
    pub text: String,
    /// What is wrong with it.
    pub fault: CronFault,
}

impl CronError {
    /// Where the offending text begins, in characters from 1.
    pub fn column(&self) -> usize {
        self.offset + 1
    }
}

impl fmt::Display for CronError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let CronError {
            field,
            offset,
            text,
            fault,
        } = self;
        write!(
            f,
            "{fault} ({field} field, offset {offset}, column {}: '{text}'). {}",
            self.column(),
            fault.hint(*field)
        )
    }
}

impl std::error::Error for CronError {}

/// The kinds of mistakes. Their texts are those of Quartz where it has one, also in capitals and full stops.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CronFault {
    /// Fewer than six fields.
    #[error("Unexpected end of expression.")]
    EndOfExpression,
    /// More than seven fields.
    #[error("Unexpected text after the last field")]
    TooManyFields,
    /// An empty element of a list, or a range that lacks a side.
    #[error("A value is missing")]
    Missing,
    /// A number that the field does not have.
    #[error("{}", range_of(*.0))]
    OutOfRange(CronField),
    /// A name that is no month.
    #[error("Invalid Month value: '{0}'")]
    MonthName(String),
    /// A name that is no day of the week.
    #[error("Invalid Day-of-Week value: '{0}'")]
    DayName(String),
    /// Letters or signs that mean nothing here.
    #[error("Illegal characters for this position: '{0}'")]
    Illegal(String),
    /// `L`, `W` or `#` in a field that does not know it.
    #[error("'{0}' option is not valid here.")]
    OptionNotHere(char),
    /// `?` outside the two day fields.
    #[error("'?' can only be specified for Day-of-Month or Day-of-Week.")]
    QuestionNotHere,
    /// `?` in both day fields.
    #[error("'?' can only be specified for Day-of-Month -OR- Day-of-Week.")]
    QuestionTwice,
    /// Text after `?`.
    #[error("Illegal character after '?': {0}")]
    AfterQuestion(char),
    /// Neither day field is `?`.
    #[error("Support for specifying both a day-of-week AND a day-of-month parameter is not implemented.")]
    BothDays,
    /// A slash without a number.
    #[error("'/' must be followed by an integer.")]
    StepMissing,
    /// A step of nothing.
    #[error("Increment must be at least 1")]
    StepZero,
    /// A step as large as the field.
    #[error("Increment >= {limit} : {step}")]
    StepTooLarge {
        /// The first step that is too large.
        limit: u32,
        /// The step as written.
        step: String,
    },
    /// Years run forward only.
    #[error("Start year must be less than stop year")]
    YearsWrap,
    /// `L-n` with an n above 30.
    #[error("Offset from last day must be <= 30")]
    LastOffset,
    /// `dW` with a d above 31.
    #[error("The 'W' option does not make sense with values larger than 31 (max number of days in a month)")]
    WeekdayOfNoDay,
    /// `n#m` with an m outside 1-5.
    #[error("A numeric value between 1 and 5 must follow the '#' option")]
    Occurrence,
    /// `L` in a list of days of the week.
    #[error("Support for specifying 'L' with other days of the week is not implemented")]
    LastInList,
    /// More than one `n#m`.
    #[error("Support for specifying multiple \"nth\" days is not implemented.")]
    OccurrenceTwice,
    /// `n#m` in a list with other days.
    #[error("Support for specifying '#' with other days of the week is not implemented")]
    OccurrenceInList,
}

impl CronFault {
    /// What would be right, as a sentence.
    pub fn hint(&self, field: CronField) -> String {
        match self {
            CronFault::EndOfExpression => {
                "Write seconds, minutes, hours, day of month, month, day of week and, if wanted, the year.".into()
            }
            CronFault::TooManyFields => "An expression has six fields, or seven with the year.".into(),
            CronFault::Missing
            | CronFault::OutOfRange(_)
            | CronFault::Illegal(_)
            | CronFault::OptionNotHere(_)
            | CronFault::MonthName(_)
            | CronFault::DayName(_) => format!("Write {}.", accepted_by(field)),
            CronFault::QuestionNotHere => format!("Write * for every value, or {}.", accepted_by(field)),
            CronFault::QuestionTwice => "Write ? in one of the two day fields, and days or * in the other.".into(),
            CronFault::AfterQuestion(_) => "Write ? alone.".into(),
            CronFault::BothDays => "Write ? in one of the two day fields.".into(),
            CronFault::StepMissing | CronFault::StepZero => "Write for example */5 or 0/15.".into(),
            CronFault::StepTooLarge { limit, .. } => format!("Write a step from 1 to {}.", limit - 1),
            CronFault::YearsWrap => "Write the earlier year first.".into(),
            CronFault::LastOffset => "Write L-1 to L-30.".into(),
            CronFault::WeekdayOfNoDay => "Write 1W to 31W, or LW for the last weekday.".into(),
            CronFault::Occurrence => "Write for example 6#3 or FRI#3 for the third Friday.".into(),
            CronFault::LastInList | CronFault::OccurrenceTwice | CronFault::OccurrenceInList => {
                "Write it alone, and use a schedule of its own for the other days.".into()
            }
        }
    }
}

impl fmt::Display for CronField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            CronField::Seconds => "seconds",
            CronField::Minutes => "minutes",
            CronField::Hours => "hours",
            CronField::DayOfMonth => "day of month",
            CronField::Month => "month",
            CronField::DayOfWeek => "day of week",
            CronField::Year => "year",
        })
    }
}

fn range_of(field: CronField) -> &'static str {
    match field {
        CronField::Seconds | CronField::Minutes => "Minute and Second values must be between 0 and 59",
        CronField::Hours => "Hour values must be between 0 and 23",
        CronField::DayOfMonth => "Day of month values must be between 1 and 31",
        CronField::Month => "Month values must be between 1 and 12",
        CronField::DayOfWeek => "Day-of-Week values must be between 1 and 7",
        CronField::Year => "Year values must be between 1970 and 2199",
    }
}

fn accepted_by(field: CronField) -> &'static str {
    match field {
        CronField::Seconds | CronField::Minutes => "numbers from 0 to 59, such as 0, 0/15, 10-20 or *",
        CronField::Hours => "numbers from 0 to 23, such as 9, 9-17, 22-2 or *",
        CronField::DayOfMonth => "numbers from 1 to 31, ?, *, L, L-3, LW, L-3W or 15W",
        CronField::Month => "numbers from 1 to 12, names from JAN to DEC, or *",
        CronField::DayOfWeek => "numbers from 1 (Sunday) to 7, names from SUN to SAT, ?, *, L, 6L or 6#3",
        CronField::Year => "years from 1970 to 2199, or *",
    }
}
