//! What is an expression, and what is said about a text that is none.

use super::super::*;

#[test]
fn what_the_dialect_knows_is_accepted() {
    for text in [
        "0/1 * * * * ?",
        "0 0/1 * * * ?",
        "  0\t0 12  * * ?  ",
        "0 0 12 ? * WED",
        "0 0 12 ? * wed",
        "0 15 10 ? * MON-FRI",
        "0 15 10 ? * fri-mon",
        "0 15 10 L * ?",
        "0 15 10 L-30 * ?",
        "0 15 10 LW * ?",
        "0 15 10 L-3W * ?",
        "0 15 10 lw * ?",
        "0 15 10 15W * ?",
        "0 15 10 1,L * ?",
        "0 15 10 15,L-2 * ?",
        "0 15 10 2W,16 * ?",
        "0 15 10 L-1W,L-1 * ?",
        "0 15 10 29-3 * ?",
        "0 15 10 ? * L",
        "0 15 10 ? * 6L",
        "0 15 10 ? * FRIL 2026-2028",
        "0 15 10 ? * 6#3",
        "0 15 10 ? * FRI#5",
        "0 15 10 ? * *",
        "/5 /5 /2 /3 /2 ?",
        "58-4 50-10/5 22-2 ? NOV-FEB MON,WED,FRI",
        "0 0 0 1 JAN,JUL ? 2026/2",
        "0 0 0 1 7/6 ? *",
        "0 0 0 ? * MON-FRI/2 2199",
        "59 59 23 31 12 ? 1970-2199/10",
    ] {
        assert!(Cron::parse(text).is_ok(), "{text}: {}", Cron::parse(text).unwrap_err());
    }
}

#[test]
fn a_mistake_is_named_with_its_field_and_place() {
    let check = |input: &str, field: CronField, offset: usize, text: &str, message: &str| {
        let error = Cron::parse(input).expect_err(input);
        let found = (error.field, error.offset, error.text.as_str(), error.fault.to_string());
        assert_eq!(found, (field, offset, text, message.to_owned()), "{input}");
    };
    use CronField::*;
    let minute = "Minute and Second values must be between 0 and 59";
    let both = "Support for specifying both a day-of-week AND a day-of-month parameter is not implemented.";
    let question = "'?' can only be specified for Day-of-Month or Day-of-Week.";
    let nth = "A numeric value between 1 and 5 must follow the '#' option";

    check("", Seconds, 0, "", "Unexpected end of expression.");
    check("0 0 12 * *", DayOfWeek, 10, "", "Unexpected end of expression.");
    check(
        "0 0 12 * * ? 2026 x",
        Year,
        18,
        "x",
        "Unexpected text after the last field",
    );

    check("61 * * * * ?", Seconds, 0, "61", minute);
    check("0 5,60 * * * ?", Minutes, 4, "60", minute);
    check("0 0 24 * * ?", Hours, 4, "24", "Hour values must be between 0 and 23");
    check(
        "0 0 99999999999 * * ?",
        Hours,
        4,
        "99999999999",
        "Hour values must be between 0 and 23",
    );
    check(
        "0 0 0 32 * ?",
        DayOfMonth,
        6,
        "32",
        "Day of month values must be between 1 and 31",
    );
    check(
        "0 0 0 0 * ?",
        DayOfMonth,
        6,
        "0",
        "Day of month values must be between 1 and 31",
    );
    check(
        "0 0 0 0W * ?",
        DayOfMonth,
        6,
        "0W",
        "Day of month values must be between 1 and 31",
    );
    check("0 0 0 1 13 ?", Month, 8, "13", "Month values must be between 1 and 12");
    check(
        "0 0 0 ? * 8",
        DayOfWeek,
        10,
        "8",
        "Day-of-Week values must be between 1 and 7",
    );
    check(
        "0 0 0 ? * 8L",
        DayOfWeek,
        10,
        "8",
        "Day-of-Week values must be between 1 and 7",
    );
    check(
        "0 0 0 1 1 ? 1969",
        Year,
        12,
        "1969",
        "Year values must be between 1970 and 2199",
    );
    check(
        "0 0 0 1 1 ? 2030-2026",
        Year,
        12,
        "2030-2026",
        "Start year must be less than stop year",
    );

    check("0 0 0 1 foo ?", Month, 8, "foo", "Invalid Month value: 'FOO'");
    check(
        "0 0 0 ? * MON,FOO",
        DayOfWeek,
        14,
        "FOO",
        "Invalid Day-of-Week value: 'FOO'",
    );
    check(
        "0 0 0 ? * MONDAY",
        DayOfWeek,
        10,
        "MONDAY",
        "Invalid Day-of-Week value: 'MONDAY'",
    );
    check(
        "0 0 0 ? * FRI*",
        DayOfWeek,
        10,
        "FRI*",
        "Illegal characters for this position: 'FRI*'",
    );
    check(
        "*A 0 0 ? * FRI",
        Seconds,
        0,
        "*A",
        "Illegal characters for this position: '*A'",
    );
    check(
        "0 MON 0 ? * FRI",
        Minutes,
        2,
        "MON",
        "Illegal characters for this position: 'MON'",
    );
    check(
        "0 1-2-3 0 ? * FRI",
        Minutes,
        4,
        "2-3",
        "Illegal characters for this position: '2-3'",
    );
    check(
        "0 ä 0 ? * FRI x",
        Minutes,
        2,
        "ä",
        "Illegal characters for this position: 'ä'",
    );
    check("0 1,,2 0 ? * FRI", Minutes, 4, "", "A value is missing");
    check("0 5- 0 ? * FRI", Minutes, 4, "", "A value is missing");
    check("0 0 0 L- * ?", DayOfMonth, 6, "L-", "A value is missing");

    check("L * * * * ?", Seconds, 0, "L", "'L' option is not valid here.");
    check("0 0 5L * * ?", Hours, 4, "5L", "'L' option is not valid here.");
    check("0 0 0 1 L ?", Month, 8, "L", "'L' option is not valid here.");
    check("0 0 0 1 1 ? L", Year, 12, "L", "'L' option is not valid here.");
    check("0 0 5W * * ?", Hours, 4, "5W", "'W' option is not valid here.");
    check("0 0 0 5#2 * ?", DayOfMonth, 6, "5#2", "'#' option is not valid here.");
    check("0 0 0 ? * 5W", DayOfWeek, 10, "5W", "'W' option is not valid here.");

    check("0 0 0 * * *", DayOfWeek, 10, "*", both);
    check("0 0 0 1 * MON", DayOfWeek, 10, "MON", both);
    check(
        "0 0 0 ? * ?",
        DayOfWeek,
        10,
        "?",
        "'?' can only be specified for Day-of-Month -OR- Day-of-Week.",
    );
    check("? 0 0 1 * ?", Seconds, 0, "?", question);
    check("0 0 0 1 ? ?", Month, 8, "?", question);
    check("0 0 0 ?5 * 1", DayOfMonth, 6, "?5", "Illegal character after '?': 5");

    check("0/ * * * * ?", Seconds, 0, "0/", "'/' must be followed by an integer.");
    check("/ * * * * ?", Seconds, 0, "/", "'/' must be followed by an integer.");
    check(
        "0/5s * * * * ?",
        Seconds,
        0,
        "0/5s",
        "'/' must be followed by an integer.",
    );
    check("0/0 * * * * ?", Seconds, 2, "0", "Increment must be at least 1");
    check("/120 * * * * ?", Seconds, 1, "120", "Increment >= 60 : 120");
    check("0 0/60 * * * ?", Minutes, 4, "60", "Increment >= 60 : 60");
    check("0 0 0/24 * * ?", Hours, 6, "24", "Increment >= 24 : 24");
    check("0 0 0 1/31 * ?", DayOfMonth, 8, "31", "Increment >= 31 : 31");
    check("0 0 0 1 1/12 ?", Month, 10, "12", "Increment >= 12 : 12");
    check("0 0 0 ? * 1/7", DayOfWeek, 12, "7", "Increment >= 7 : 7");

    check(
        "0 0 0 L-31 * ?",
        DayOfMonth,
        6,
        "L-31",
        "Offset from last day must be <= 30",
    );
    let weekday = "The 'W' option does not make sense with values larger than 31 (max number of days in a month)";
    check("0 0 0 32W * ?", DayOfMonth, 6, "32W", weekday);
    let last = "Support for specifying 'L' with other days of the week is not implemented";
    check("0 0 0 ? * SAT,SUN,L", DayOfWeek, 10, "SAT,SUN,L", last);
    check("0 0 0 ? * 6#0", DayOfWeek, 10, "6#0", nth);
    check("0 0 0 ? * 6#6", DayOfWeek, 10, "6#6", nth);
    check("0 0 0 ? * 6#", DayOfWeek, 10, "6#", nth);
    let twice = "Support for specifying multiple \"nth\" days is not implemented.";
    check("0 0 0 ? * 6#1,6#3", DayOfWeek, 10, "6#1,6#3", twice);
    let list = "Support for specifying '#' with other days of the week is not implemented";
    check("0 0 0 ? * 6#1,3", DayOfWeek, 10, "6#1,3", list);
}

#[test]
fn the_whole_text_of_a_mistake_says_what_would_be_right() {
    assert_eq!(
        Cron::parse("0 0 24 * * ?").unwrap_err().to_string(),
        "Hour values must be between 0 and 23 (hours field, offset 4, column 5: '24'). \
         Write numbers from 0 to 23, such as 9, 9-17, 22-2 or *."
    );
    assert_eq!(
        Cron::parse("0 0 0 * * *").unwrap_err().to_string(),
        "Support for specifying both a day-of-week AND a day-of-month parameter is not implemented. \
         (day of week field, offset 10, column 11: '*'). Write ? in one of the two day fields."
    );
}
