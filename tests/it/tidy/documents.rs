//! What documents say of files and tests is true.

use std::collections::BTreeSet;
use std::path::Path;

use super::{assert_none, files, read, root};

fn documents() -> Vec<String> {
    let own = ["README.md", "plugins/README.md", "wit/README.md"]
        .map(str::to_owned)
        .into_iter();
    own.chain(files("docs", "md"))
        .filter(|file| root().join(file).exists())
        .collect()
}

/// The lines of a document that are prose, with their numbers.
fn prose(text: &str) -> Vec<(usize, &str)> {
    let mut is_code = false;
    let mut lines = Vec::new();
    for (number, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            is_code = !is_code;
        } else if !is_code {
            lines.push((number + 1, line));
        }
    }
    lines
}

/// The targets of links: what stands in `](…)`.
fn links(line: &str) -> impl Iterator<Item = &str> {
    line.split("](").skip(1).filter_map(|rest| rest.split(')').next())
}

/// What stands between backticks.
fn quoted(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2)
}

/// The anchors of a document, as GitHub makes them of headings.
fn anchors(text: &str) -> BTreeSet<String> {
    let heading = |(_, line): (usize, &str)| line.starts_with('#').then(|| slug(line.trim_start_matches('#').trim()));
    prose(text).into_iter().filter_map(heading).collect()
}

fn slug(heading: &str) -> String {
    let kept = |letter: &char| letter.is_alphanumeric() || matches!(letter, ' ' | '-' | '_');
    heading
        .to_lowercase()
        .chars()
        .filter(kept)
        .map(|letter| if letter == ' ' { '-' } else { letter })
        .collect()
}

#[test]
fn links_lead_somewhere() {
    let mut wrong = Vec::new();
    for document in documents() {
        let text = read(&document);
        let folder = Path::new(&document).parent().unwrap_or(Path::new(""));
        for (number, link) in prose(&text)
            .iter()
            .flat_map(|(number, line)| links(line).map(|link| (*number, link)))
        {
            if link.contains("://") || link.starts_with("mailto:") {
                continue;
            }
            let (target, anchor) = link.split_once('#').unwrap_or((link, ""));
            let file = if target.is_empty() {
                root().join(&document)
            } else {
                root().join(folder).join(target)
            };
            let is_there = file.exists()
                && (anchor.is_empty()
                    || std::fs::read_to_string(&file).is_ok_and(|text| anchors(&text).contains(anchor)));
            if !is_there {
                wrong.push(format!("{document}:{number}: {link}"));
            }
        }
    }
    assert_none(&wrong, "a link leads somewhere");
}

/// Paths from the root that a document names: in backticks, below one of our folders, without placeholders.
#[test]
fn files_that_are_named_exist() {
    let folders = ["host/", "plugins/", "tests/", "xtask/", "docs/", "wit/", "examples/"];
    let is_plain = |path: &str| {
        path.chars()
            .all(|letter| letter.is_ascii_alphanumeric() || "/._-".contains(letter))
    };
    // Written by a build.
    let is_built = |path: &str| path.split('/').any(|part| part == "target");
    let mut wrong = Vec::new();
    for document in documents() {
        let text = read(&document);
        let named = prose(&text)
            .into_iter()
            .flat_map(|(number, line)| quoted(line).map(move |path| (number, path)));
        for (number, path) in named {
            let is_ours = folders.iter().any(|folder| path.starts_with(folder)) && is_plain(path) && !is_built(path);
            if is_ours && !root().join(path).exists() {
                wrong.push(format!("{document}:{number}: {path}"));
            }
        }
    }
    assert_none(&wrong, "a file that a document names exists");
}

/// The tables that promise something name the test of each promise: a function, or a file with tests.
#[test]
fn every_promise_names_its_test() {
    let sources: Vec<String> = ["host", "tests", "xtask"]
        .into_iter()
        .flat_map(|folder| files(folder, "rs"))
        .map(|file| read(&file))
        .collect();
    let tables = [
        ("docs/ARCHITECTURE.md", "\n## Invariants", 10),
        (
            "docs/compatibility.md",
            "\n## The common REST language, rule by rule",
            40,
        ),
    ];
    let mut wrong = Vec::new();
    for (document, heading, least) in tables {
        let text = read(document);
        let section = text.split(heading).nth(1).expect("the document has this section");
        let section = section.split("\n## ").next().unwrap_or_default();
        let rows: Vec<&str> = section.lines().filter(|line| line.starts_with("| ")).skip(1).collect();
        assert!(rows.len() >= least, "{document}: {rows:?}");
        for row in &rows {
            let tests: Vec<&str> = row
                .trim_end_matches([' ', '|'])
                .rsplit('|')
                .next()
                .map(quoted)
                .into_iter()
                .flatten()
                .collect();
            if tests.is_empty() {
                wrong.push(format!("{document}: no test: {row}"));
            }
            let is_function = |name: &&str| {
                name.chars()
                    .all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
            };
            for test in tests.into_iter().filter(is_function) {
                if !sources.iter().any(|source| source.contains(&format!("fn {test}("))) {
                    wrong.push(format!("{document}: no test is called {test}"));
                }
            }
        }
    }
    assert_none(&wrong, "each promise names a test that exists");
}

#[test]
fn every_decision_is_listed() {
    let folder = "docs/adr/";
    let list = read("docs/adr/README.md");
    let decisions: Vec<String> = files("docs/adr", "md")
        .into_iter()
        .filter(|file| !file.ends_with("/README.md"))
        .collect();
    let mut wrong = Vec::new();
    for (position, file) in decisions.iter().enumerate() {
        let name = file.strip_prefix(folder).unwrap();
        if !list.contains(&format!("]({name})")) {
            wrong.push(format!("{name} is not in the list"));
        }
        let number = format!("{:04}", position + 1);
        let title = read(file).lines().next().unwrap_or_default().to_owned();
        if !name.starts_with(&format!("{number}-")) || !title.starts_with(&format!("# {number}: ")) {
            wrong.push(format!(
                "{name} should be {number}, and its title should say so: {title}"
            ));
        }
    }
    assert!(!decisions.is_empty());
    assert_none(&wrong, "docs/adr/README.md lists every decision");
}
