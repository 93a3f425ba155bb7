//! Scripts that cannot be run: told when the job is stored.

use serde_json::{Value, json};

use super::{Empty, job_with, scan_with};

/// Where scripts stand, and what makes a job of one.
type Place = (&'static str, fn(&str, Value) -> Value);

const PLACES: [Place; 2] = [
    ("/invokeContext/script", job_with),
    ("/invokeContext/task/script", scan_with),
];

#[test]
fn a_script_of_an_unknown_type_is_refused() {
    let server = Empty::new();
    for (place, job_with) in PLACES {
        let check = |kind: Value, words: &str| {
            let pointer = format!("{place}/type");
            server.refuses_job(&job_with(&pointer, kind), &pointer, words);
        };
        check(
            json!("text/python"),
            "unknown script type 'text/python'; write text/javascript (with source or file) or application/wasm",
        );
        check(json!("groovy"), "Groovy runs on the Java platform only");
        check(json!(""), "'type' is required");
        check(Value::Null, "'type' is required");
        check(json!(1), "a string is expected");
    }
}

#[test]
fn a_syntax_error_is_refused_with_line_and_column() {
    let server = Empty::new();
    for (place, job_with) in PLACES {
        let check = |source: &str, line: u64, column: u64, words: &str| {
            let pointer = format!("{place}/source");
            let detail = json!({"pointer": pointer, "line": line, "column": column});
            server.refuses(
                ("PUT", "scheduler/job/bad"),
                &job_with(&pointer, json!(source)),
                400,
                words,
                detail,
            );
        };
        check("var a = ;", 1, 9, "unexpected token");
        check("var a = 1;\nvar b = (2;\ntrue;", 2, 11, "");
        check("true; }", 1, 7, "");
        check("'open", 1, 1, "unexpected end of string");
        check("return true;", 1, 1, "return");
        check("ä = 1; let ä = 2; let ä = 3;", 1, 28, "invalid redefinition");
    }
}

#[test]
fn a_script_is_a_text_or_a_file_and_nothing_else() {
    let server = Empty::new();
    for (place, job_with) in PLACES {
        let check = |script: Value, below: &str, words: &str| {
            server.refuses_job(&job_with(place, script), &format!("{place}{below}"), words);
        };
        check(
            json!({"type": "text/javascript"}),
            "",
            "exactly one of 'source' and 'file' is required",
        );
        check(
            json!({"type": "text/javascript", "source": "1", "file": "a.js"}),
            "",
            "exactly one of",
        );
        check(
            json!({"type": "text/javascript", "source": 1}),
            "/source",
            "a string is expected",
        );
        check(
            json!({"type": "text/javascript", "source": "1", "globals": []}),
            "/globals",
            "an object is expected",
        );
        check(
            json!({"type": "text/javascript", "plugin": "sunset-task@0.1.0"}),
            "/plugin",
            "unknown property",
        );
        check(
            json!({"type": "text/javascript", "source": "1", "grants": "all"}),
            "/grants",
            "an array of strings",
        );
        check(
            json!({"type": "text/javascript", "source": "1", "grants": ["managed/user: fly"]}),
            "/grants",
            "fly",
        );
    }
}

#[test]
fn a_script_file_lies_in_the_configuration_folder() {
    let large = vec![b' '; (1 << 20) + 1];
    let files: [(&str, &[u8]); 4] = [
        ("script/good.js", b"true;"),
        ("script/wrong.js", b"true;\n\n  ?;"),
        ("script/latin.js", b"'\xe4';"),
        ("script/large.js", &large),
    ];
    let server = Empty::with_files(&files);
    let outside = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(outside.path(), b"true;").unwrap();
    std::os::unix::fs::symlink(outside.path(), server.0.conf().join("script/link.js")).unwrap();
    for (place, job_with) in PLACES {
        let check = |file: &str, words: &str| {
            let script = json!({"type": "text/javascript", "file": file});
            server.refuses_job(&job_with(place, script), &format!("{place}/file"), words);
        };
        check("script/none.js", "the file script/none.js cannot be read");
        check("script", "");
        check("script/wrong.js", "line 3, column 3");
        check("script/latin.js", "is not UTF-8");
        check("script/large.js", "has 1048577 bytes; at most 1048576 are allowed");
        check("script/link.js", "lies outside the configuration folder");
        check("/etc/passwd", "is not a relative path inside the script folder");
        check("../conf/script/good.js", "is not a relative path");
        check("", "'file' is required");
    }
}
