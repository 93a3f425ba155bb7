//! Documents with calls that keep their word: each block of `sh` is run, in one shell, and answers as the block of `json`
//! behind it says.

use std::process::Command;

use serde_json::Value;

use super::{PASSWORD, run};

/// What stands for any text in an expected answer.
const ANYTHING: char = '…';

/// What documents talk to, and what is started instead of it.
const ADDRESS: &str = "http://localhost:8080";

/// Comes between the outputs of the blocks.
const BETWEEN: &str = "--- the next block of the tour ---";

/// A fenced block.
pub(crate) struct Block<'a> {
    pub(crate) language: &'a str,
    pub(crate) text: String,
    pub(crate) line: usize,
}

/// The fenced blocks of some text, with the numbers of their first lines.
pub(crate) fn blocks(text: &str) -> Vec<Block<'_>> {
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
pub(crate) fn between<'a>(text: &'a str, start: &str, end: &str) -> (&'a str, usize) {
    let (before, rest) = text.split_once(start).unwrap_or_else(|| panic!("no {start:?}"));
    let (inside, after) = rest.split_once(end).unwrap_or_else(|| panic!("no {end:?}"));
    assert!(!after.contains(start), "{start:?} comes twice");
    (inside, before.lines().count())
}

/// Walks through the tour of a document, which stands between `<!-- tour -->` and `<!-- /tour -->`, against a server.
/// False, loudly, where there is no curl to do it with.
pub(crate) fn walk(name: &str, document: &str, base: &str, variables: &[(&str, &str)]) -> bool {
    if Command::new("curl").arg("--version").output().is_err() {
        eprintln!("SKIPPED: curl is not installed, so the tour of {name} was not walked");
        assert!(std::env::var_os("CI").is_none(), "in CI nothing is skipped");
        return false;
    }
    let (tour, offset) = between(document, "<!-- tour -->", "<!-- /tour -->");
    let mut steps: Vec<(Block<'_>, Option<Block<'_>>)> = Vec::new();
    for block in blocks(tour) {
        match block.language {
            "sh" => steps.push((block, None)),
            "json" => {
                let (call, answer) = steps.last_mut().expect("a call comes before its answer");
                assert!(
                    answer.is_none(),
                    "{name}:{}: a second answer to one call",
                    call.line + offset
                );
                *answer = Some(block);
            }
            other => panic!("{name}:{}: a block of '{other}' in the tour", block.line + offset),
        }
    }
    assert!(steps.len() >= 5, "{} calls", steps.len());

    // One shell for all, as in the reader's terminal: a block may use what an earlier one has defined.
    let script: Vec<String> = steps.iter().map(|(call, _)| call.text.replace(ADDRESS, base)).collect();
    let script = script.join(&format!("\nprintf '%s\\n' '{BETWEEN}'\n"));
    let mut shell = Command::new("bash");
    shell
        .args(["-euo", "pipefail", "-c", &script])
        .env("TASKWARDEN_ADMIN_PASSWORD", PASSWORD)
        .envs(variables.iter().copied());
    let walked = run(&mut shell);
    let outputs: Vec<&str> = walked.output.split(&format!("{BETWEEN}\n")).collect();
    let at = |step: usize| format!("{name}:{}", steps[step].0.line + offset);
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
    true
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
