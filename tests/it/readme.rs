//! The README keeps its word: its two commands, and its tour, call by call against the real binary.

use std::process::Command;

use serde_json::Value;

use crate::harness::{BINARY, PASSWORD, Process, demo_cache, run};

/// What stands for any text in an expected answer.
const ANYTHING: char = '…';

/// What the tour talks to, and what is started instead of it.
const ADDRESS: &str = "http://localhost:8080";

/// Comes between the outputs of the blocks.
const BETWEEN: &str = "--- the next block of the tour ---";

struct Block<'a> {
    language: &'a str,
    text: String,
    line: usize,
}

fn readme() -> String {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .join("README.md");
    std::fs::read_to_string(file).unwrap()
}

/// The fenced blocks of some text, with the numbers of their first lines.
fn blocks(text: &str) -> Vec<Block<'_>> {
    let mut blocks: Vec<Block<'_>> = Vec::new();
    let mut is_inside = false;
    for (number, line) in text.lines().enumerate() {
        match line.strip_prefix("```") {
            Some(_) if is_inside => is_inside = false,
            Some(language) => {
                blocks.push(Block {
                    language,
                    text: String::new(),
                    line: number + 2,
                });
                is_inside = true;
            }
            None if is_inside => {
                let block = blocks.last_mut().unwrap();
                block.text += line;
                block.text.push('\n');
            }
            None => {}
        }
    }
    assert!(!is_inside, "a block is not closed");
    blocks
}

/// The text between two lines, which both occur exactly once.
fn between<'a>(text: &'a str, start: &str, end: &str) -> (&'a str, usize) {
    let (before, rest) = text.split_once(start).unwrap_or_else(|| panic!("no {start:?}"));
    let (inside, after) = rest.split_once(end).unwrap_or_else(|| panic!("no {end:?}"));
    assert!(!after.contains(start), "{start:?} comes twice");
    (inside, before.lines().count())
}

#[test]
fn two_commands_set_everything_up() {
    let readme = readme();
    let (section, _) = between(&readme, "\n## Set up\n", "\n## ");
    let blocks = blocks(section);
    let commands: Vec<&str> = blocks.iter().map(|block| block.text.trim()).collect();
    assert_eq!(commands, ["cargo run --release -- demo", "cargo xtask check"]);
    assert!(blocks.iter().all(|block| block.language == "sh"));
}

#[test]
fn every_call_of_the_tour_answers_as_it_says() {
    if Command::new("curl").arg("--version").output().is_err() {
        eprintln!("SKIPPED: curl is not installed, so the tour of the README was not walked");
        assert!(std::env::var_os("CI").is_none(), "in CI nothing is skipped");
        return;
    }
    let readme = readme();
    let (tour, offset) = between(&readme, "<!-- tour -->", "<!-- /tour -->");
    let mut steps: Vec<(Block<'_>, Option<Block<'_>>)> = Vec::new();
    for block in blocks(tour) {
        match block.language {
            "sh" => steps.push((block, None)),
            "json" => {
                let (call, answer) = steps.last_mut().expect("a call comes before its answer");
                assert!(
                    answer.is_none(),
                    "README.md:{}: a second answer to one call",
                    call.line + offset
                );
                *answer = Some(block);
            }
            other => panic!("README.md:{}: a block of '{other}' in the tour", block.line + offset),
        }
    }
    assert!(steps.len() >= 5, "{} calls", steps.len());

    let mut demo = Command::new(BINARY);
    demo.args(["demo", "--users", "500", "--listen", "127.0.0.1:0"])
        .env("XDG_CACHE_HOME", demo_cache());
    let server = Process::start(demo.env("TASKWARDEN_ADMIN_PASSWORD", PASSWORD));

    // One shell for all, as in the reader's terminal: a block may use what an earlier one has defined.
    let script: Vec<String> = steps
        .iter()
        .map(|(call, _)| call.text.replace(ADDRESS, &server.client.base))
        .collect();
    let script = script.join(&format!("\nprintf '%s\\n' '{BETWEEN}'\n"));
    let walked = run(Command::new("bash")
        .args(["-euo", "pipefail", "-c", &script])
        .env("TASKWARDEN_ADMIN_PASSWORD", PASSWORD));
    let outputs: Vec<&str> = walked.output.split(&format!("{BETWEEN}\n")).collect();
    let at = |step: usize| format!("README.md:{}", steps[step].0.line + offset);
    assert_eq!(
        walked.code,
        Some(0),
        "{} ended the tour: {}{}",
        at(outputs.len() - 1),
        outputs[outputs.len() - 1],
        walked.errors
    );
    assert_eq!(
        (outputs.len(), walked.errors.as_str()),
        (steps.len(), ""),
        "{}",
        walked.output
    );

    for (step, ((_, expected), output)) in steps.iter().zip(outputs).enumerate() {
        let Some(expected) = expected else { continue };
        let answer: Value =
            serde_json::from_str(output).unwrap_or_else(|error| panic!("{}: {error}: {output}", at(step)));
        let expected: Value =
            serde_json::from_str(&expected.text).unwrap_or_else(|error| panic!("{}: {error}", at(step)));
        if let Some(difference) = difference("", &expected, &answer) {
            panic!("{}: {difference} in {answer:#}", at(step));
        }
    }
}

/// Where an answer is not what the document says: everything that it says has to be there, and there may be more.
fn difference(pointer: &str, expected: &Value, answer: &Value) -> Option<String> {
    match (expected, answer) {
        (Value::Object(wanted), Value::Object(found)) => {
            wanted.iter().find_map(|(name, wanted)| match found.get(name) {
                Some(found) => difference(&format!("{pointer}/{name}"), wanted, found),
                None => Some(format!("{pointer}/{name} is missing")),
            })
        }
        (Value::Array(wanted), Value::Array(found)) if wanted.len() == found.len() => {
            let mut pairs = wanted.iter().zip(found).enumerate();
            pairs.find_map(|(place, (wanted, found))| difference(&format!("{pointer}/{place}"), wanted, found))
        }
        (Value::String(wanted), _) if wanted.contains(ANYTHING) => None,
        (wanted, found) if wanted == found => None,
        (wanted, found) => Some(format!("{pointer}: {wanted} is expected, not {found}")),
    }
}

#[test]
fn a_difference_is_found_where_it_is() {
    let check = |expected: &str, answer: &str, place: Option<&str>| {
        let (expected, answer) = (
            serde_json::from_str(expected).unwrap(),
            serde_json::from_str(answer).unwrap(),
        );
        let found = difference("", &expected, &answer);
        assert_eq!(
            found.as_ref().map(|found| found.split([' ', ':']).next().unwrap()),
            place,
            "{found:?}"
        );
    };
    check(r#"{"a": 1}"#, r#"{"b": 2, "a": 1}"#, None);
    check(r#"{"a": "…", "b": "x…"}"#, r#"{"a": {"c": 1}, "b": 7}"#, None);
    check(r#"{"a": "…"}"#, r#"{"b": 1}"#, Some("/a"));
    check(r#"{"a": [{"b": 1}]}"#, r#"{"a": [{"b": 1, "c": 2}]}"#, None);
    check(r#"{"a": [{"b": 1}]}"#, r#"{"a": [{"b": 2}]}"#, Some("/a/0/b"));
    check(r#"{"a": [1]}"#, r#"{"a": [1, 2]}"#, Some("/a"));
}
