//! What is JSON, what is not, and what is said about it.

use proptest::prelude::*;
use serde_json::json;

use super::*;

#[test]
fn json_is_read_in_its_order() {
    let check = |text: &str, expected: &str| {
        assert_eq!(
            parse(text.as_bytes(), &JsonLimits::default()).unwrap().to_string(),
            expected,
            "{text}"
        );
    };
    check(
        " {\"b\": 1, \"a\": [true, false, null, -0, 1.5e3]} \r\n\t",
        r#"{"b":1,"a":[true,false,null,-0.0,1500.0]}"#,
    );
    check(
        r#""\u00e9\ud83d\ude00\"\\\/\b\f\n\r\t""#,
        "\"é😀\\\"\\\\/\\b\\f\\n\\r\\t\"",
    );
    check("18446744073709551615", "18446744073709551615");
    check("-9223372036854775808", "-9223372036854775808");
    check("{}", "{}");
    check("[[],{}]", "[[],{}]");
    check("\"\u{7f}\"", "\"\u{7f}\"");
    check(r#"{"a":{"x":1},"b":{"x":1}}"#, r#"{"a":{"x":1},"b":{"x":1}}"#);
}

#[test]
fn an_error_says_where_and_what_would_be_right() {
    let check = |text: &str, expected: &str| {
        let error = parse(text.as_bytes(), &JsonLimits::default()).unwrap_err();
        assert_eq!(error.to_string(), expected, "{text}");
    };
    // The body of the documentation.
    check(
        "{\n  \"scan\": {\n    \"_queryFilter\": \"/sunset/date lt \\\"$\\{Time.now}\\\") AND !(/sunset/task-completed pr\"\n  }\n}",
        "line 3, column 41, in /scan/_queryFilter: invalid escape \"\\{\" in a string: write \"{\" for a brace or \"\\\\{\" for a \
         backslash and a brace",
    );
    // Escapes and what is inside texts.
    check(
        r#"{"é":"ü\x"}"#,
        "line 1, column 8, in /é: invalid escape \"\\x\" in a string: write \"x\" for a letter or \"\\\\x\" for a backslash and a letter",
    );
    check(
        r#""\'""#,
        "line 1, column 2: invalid escape \"\\'\" in a string: write \"'\" for a quote or \"\\\\'\" for a backslash and a quote",
    );
    check(
        "\"a\\\nb\"",
        "line 1, column 3: a backslash before a blank in a string: leave it out, or write \"\\\\\" for a backslash",
    );
    check(
        r#""\u12g4""#,
        "line 1, column 2: invalid escape \"\\u\" in a string: write four hexadecimal digits after it",
    );
    check(
        r#""\u12"#,
        "line 1, column 2: invalid escape \"\\u\" in a string: write four hexadecimal digits after it",
    );
    check(
        r#""\ud800""#,
        "line 1, column 2: \"\\ud800\" is half a letter: write both halves, or the letter itself",
    );
    check(
        r#""\ud800\ud800""#,
        "line 1, column 2: \"\\ud800\" is half a letter: write both halves, or the letter itself",
    );
    check(
        r#""\udc00\ud800""#,
        "line 1, column 2: \"\\udc00\" is half a letter: write both halves, or the letter itself",
    );
    check(
        "[\"a\nb\"]",
        "line 1, column 4, in /0: a line break in a string: write \\n, or close the string with \" before it",
    );
    check("\"a\tb\"", "line 1, column 3: a tab in a string: write \\t");
    check(
        "\"\u{1}\"",
        "line 1, column 2: a control character in a string: write \\u0001",
    );
    check(
        "{\"a\":\"x}",
        "line 1, column 6, in /a: a string without an end: close it with \"",
    );
    check("\"x\\", "line 1, column 1: a string without an end: close it with \"");
    // Commas, colons, brackets.
    check("{\"a\":1,}", "line 1, column 7: a comma before `}`: leave it out");
    check("[1, 2 , ]", "line 1, column 7: a comma before `]`: leave it out");
    check(
        "[1,,2]",
        "line 1, column 4, in /1: a value is missing before `,`: write one, such as `null`",
    );
    check(
        "{\"a\":}",
        "line 1, column 6, in /a: a value is missing before `}`: write one, such as `null`",
    );
    check(
        "{\"a\" 1}",
        "line 1, column 6, in /a: unexpected `1` after the name \"a\": write `:`",
    );
    check(
        "{\"a\"=1}",
        "line 1, column 5, in /a: unexpected `=` after the name \"a\": write `:`",
    );
    check(
        "{\"a\":1\n\"b\":2}",
        "line 2, column 1: a comma is missing: write `,` before this",
    );
    check("[1 2]", "line 1, column 4: unexpected `2`: write `,` or `]`");
    check(
        "{\"a\":[1}",
        "line 1, column 8, in /a: unexpected `}`: write `]`, for what starts at line 1, column 6",
    );
    check(
        "{\"a\":{\"b\":1}",
        "line 1, column 13: the text ends inside an object that starts at line 1, column 1: write `}`",
    );
    check(
        "[[1,",
        "line 1, column 5, in /0: the text ends inside an array that starts at line 1, column 2: write `]`",
    );
    check(
        "{\"a\"",
        "line 1, column 5, in /a: the text ends inside an object that starts at line 1, column 1: write `}`",
    );
    check(
        "{\"a\":",
        "line 1, column 6, in /a: the text ends where a value has to be: write one, such as `null`",
    );
    check("{,}", "line 1, column 2: unexpected `,`: write a name in double quotes");
    check("{1:2}", "line 1, column 2: a name without quotes: write \"1\"");
    // Other languages.
    check("{'a':1}", "line 1, column 2: single quotes around a name: write \"");
    check(
        "{\"a\":'x'}",
        "line 1, column 6, in /a: single quotes around a string: write \"",
    );
    check(
        "{“a”:1}",
        "line 1, column 2: unexpected `“`: write a name in double quotes",
    );
    check("[“a”]", "line 1, column 2, in /0: typographic quotes `“`: write \"");
    check("{a:1}", "line 1, column 2: a name without quotes: write \"a\"");
    check(
        "{\"a\":abc}",
        "line 1, column 6, in /a: a string without quotes: write \"abc\"",
    );
    check(
        "[true, True]",
        "line 1, column 8, in /1: `True` is no JSON: write `true`",
    );
    check("[None]", "line 1, column 2, in /0: `None` is no JSON: write `null`");
    check(
        "[undefined]",
        "line 1, column 2, in /0: `undefined` is no JSON: write `null`, or leave the member out",
    );
    check(
        "[NaN]",
        "line 1, column 2, in /0: `NaN` is no JSON: write a number or `null`",
    );
    check(
        "[nullx]",
        "line 1, column 2, in /0: a string without quotes: write \"nullx\"",
    );
    check(
        "{\"a\":1, // one\n\"b\":2}",
        "line 1, column 9: JSON has no comments: leave it out",
    );
    check("[1 /* one */]", "line 1, column 4: JSON has no comments: leave it out");
    // Numbers.
    check(
        "[01]",
        "line 1, column 2, in /0: a number starts with 0: leave the zeros out, or write a string",
    );
    check("[+1]", "line 1, column 2, in /0: a number with `+`: leave the sign out");
    check(
        "[.5]",
        "line 1, column 2, in /0: a number without a digit before the dot: write `0.`",
    );
    check(
        "[5.]",
        "line 1, column 2, in /0: a number ends with a dot: write a digit after it, or leave it out",
    );
    check(
        "[1e]",
        "line 1, column 2, in /0: a number ends with its exponent's sign: write the exponent",
    );
    check(
        "[-]",
        "line 1, column 2, in /0: a sign without a number: write digits after it",
    );
    check(
        "[0x1F]",
        "line 1, column 2, in /0: `0x1F` is no number: write a number, or a string",
    );
    check("[2024-01-01]", "line 1, column 6: unexpected `-`: write `,` or `]`");
    check(
        "[1e999]",
        "line 1, column 2, in /0: a number is too large: write one that a double can hold, or a string",
    );
    // The whole.
    check("", "line 1, column 1: there is no JSON: write a value such as {}");
    check(" \n ", "line 2, column 2: there is no JSON: write a value such as {}");
    check(
        "{} {}",
        "line 1, column 4: unexpected `{` after the end of the JSON: write one value only",
    );
    check(
        "{}\u{a0}",
        "line 1, column 3: unexpected U+00A0 after the end of the JSON: write one value only",
    );
    check(
        "\u{feff}{}",
        "line 1, column 1: the text starts with a byte order mark: leave it out",
    );
    check(
        "<html>",
        "line 1, column 1: unexpected `<`: write an object, an array, a string, a number, `true`, `false` or `null`",
    );
}

#[test]
fn a_name_occurs_once_in_an_object() {
    let check = |text: &str, expected: &str| {
        let error = parse(text.as_bytes(), &JsonLimits::default()).unwrap_err();
        assert_eq!(error.to_string(), expected, "{text}");
    };
    check(
        r#"{"a":1,"a":1}"#,
        "line 1, column 8, in /a: the name \"a\" occurs twice in an object: write it once",
    );
    check(
        r#"{"a":1,"\u0061":1}"#,
        "line 1, column 8, in /a: the name \"a\" occurs twice in an object: write it once",
    );
    check(
        "{\"l\":[{},{\"x/y\":1,\n \"b\":[],\n \"x/y\":2}]}",
        "line 3, column 2, in /l/1/x%2Fy: the name \"x/y\" occurs twice in an object: write it once",
    );
}

#[test]
fn depth_has_a_limit() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let check = |text: &str, depth: usize, expected: Result<(), &str>| {
        let parsed = parse(text.as_bytes(), &JsonLimits { depth });
        assert_eq!(
            parsed.map(drop).map_err(|error| error.to_string()),
            expected.map_err(str::to_owned),
            "{depth}"
        );
    };
    let deep = "too many objects and arrays inside each other: write a flatter document";
    check(&nested(100), 100, Ok(()));
    check(&nested(3), 2, Err(&format!("line 1, column 3, in /0/0: {deep}")));
    check(
        r#"{"a":{"b":{}}}"#,
        2,
        Err(&format!("line 1, column 11, in /a/b: {deep}")),
    );
    check(r#"{"a":{"b":1}}"#, 2, Ok(()));
    check("1", 0, Ok(()));
    check(&nested(127), 1000, Ok(()));
    assert!(
        parse(nested(128).as_bytes(), &JsonLimits { depth: 1000 })
            .unwrap_err()
            .to_string()
            .ends_with(deep)
    );
    assert!(
        parse("[".repeat(1_000_000).as_bytes(), &JsonLimits::default())
            .unwrap_err()
            .to_string()
            .ends_with(deep)
    );
}

#[test]
fn the_text_is_utf_8() {
    let check = |bytes: &[u8], expected: &str| {
        assert_eq!(parse(bytes, &JsonLimits::default()).unwrap_err().to_string(), expected);
    };
    check(
        b"{\"a\":\n \"\xc3\xa4\xff\"}",
        "line 2, column 4: the byte 0xff is not UTF-8: send the text in UTF-8",
    );
    check(
        b"\xc3",
        "line 1, column 1: the byte 0xc3 is not UTF-8: send the text in UTF-8",
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn the_explanation_agrees_with_the_reader(text in r#"([\[\]{}:,"'\\ \n0-9.eE+/a-cu-]|"a":|"b"|true|null|\\u00e9|\\ud83d|\\ude00|1.5){0,14}"#) {
        let expected = serde_json::from_str::<Value>(&text);
        match parse(text.as_bytes(), &JsonLimits::default()) {
            Ok(value) => {
                prop_assert_eq!(Some(value), expected.ok());
                prop_assert!(explain::explain(&text, 100).is_none());
            }
            Err(error) => {
                // serde_json lets a name occur twice.
                prop_assert!(expected.is_err() || error.message.contains("twice"), "{error}");
                prop_assert_eq!(explain::explain(&text, 100), Some(error));
            }
        }
    }

    #[test]
    fn what_was_printed_is_read(document in crate::filter::strategy::document(), at in any::<prop::sample::Index>()) {
        let text = serde_json::to_string_pretty(&document).unwrap();
        prop_assert_eq!(parse(text.as_bytes(), &JsonLimits::default()).unwrap(), document);
        let cut = at.index(text.len());
        if text.is_char_boundary(cut) {
            prop_assert!(parse(&text.as_bytes()[..cut], &JsonLimits::default()).is_err());
        }
    }
}

#[test]
fn the_value_of_an_error_is_not_lost() {
    let error = parse(b"{\"a\":[1,x]}", &JsonLimits::default()).unwrap_err();
    assert_eq!(
        (error.line, error.column, error.pointer),
        (1, 9, Some(Pointer::parse("/a/1").unwrap()))
    );
    assert_eq!(
        parse(b"{\"a\":[1]}", &JsonLimits::default()).unwrap(),
        json!({"a": [1]})
    );
}
