//! What a source file looks like.

use super::{assert_none, files, read};

/// A longer file usually holds two nouns.
const LINES: usize = 500;

/// What no source says: the pieces are apart so that this file does not say it either.
const UNSAID: [&str; 5] = [
    concat!("to", "do!("),
    concat!("unimpl", "emented!("),
    concat!("#[ign", "ore"),
    concat!("#[al", "low("),
    concat!("#![al", "low("),
];

/// Where `unsafe` stands, with the proof beside it.
const UNSAFE: [&str; 4] = [
    "host/runtime/src/cache.rs",
    "plugins/javascript/src/clock.rs",
    "plugins/javascript/src/syntax.rs",
    "plugins/sdk/src/allocator.rs",
];

/// All sources; those of the guests too.
fn sources() -> Vec<String> {
    ["host", "xtask", "tests", "plugins"]
        .into_iter()
        .flat_map(|folder| files(folder, "rs"))
        .collect()
}

#[test]
fn no_file_is_longer_than_one_noun_needs() {
    let wrong: Vec<String> = sources()
        .into_iter()
        .map(|file| (read(&file).lines().count(), file))
        .filter(|(lines, _)| *lines > LINES)
        .map(|(lines, file)| format!("{file}: {lines} lines"))
        .collect();
    assert_none(&wrong, &format!("a file has at most {LINES} lines"));
}

#[test]
fn every_module_begins_with_what_it_is() {
    let wrong: Vec<String> = sources()
        .into_iter()
        .filter(|file| !read(file).starts_with("//! "))
        .collect();
    assert_none(&wrong, "a module begins with //! and a sentence");
}

#[test]
fn nothing_is_left_open_or_silenced() {
    let mut wrong = Vec::new();
    for file in sources() {
        for (number, line) in read(&file).lines().enumerate() {
            if UNSAID.iter().any(|word| line.contains(word)) {
                wrong.push(format!("{file}:{}: {}", number + 1, line.trim()));
            }
        }
    }
    assert_none(
        &wrong,
        "nothing is left to be done, no test is left out, no lint is silenced without a reason",
    );
}

#[test]
fn unsafe_stands_only_where_it_is_proven() {
    let is_word = |line: &str| {
        let code = line.split("//").next().unwrap_or_default();
        code.split(|letter: char| !letter.is_alphanumeric() && letter != '_')
            .any(|word| word == concat!("un", "safe"))
    };
    let mut wrong = Vec::new();
    for file in sources() {
        let text = read(&file);
        let uses = text.lines().any(is_word);
        match (uses, UNSAFE.contains(&file.as_str())) {
            (true, false) => wrong.push(format!("{file} is not in the list")),
            (false, true) => wrong.push(format!("{file} needs to be in the list no more")),
            (true, true) if !text.contains("SAFETY: ") => wrong.push(format!("{file} gives no proof")),
            _ => {}
        }
    }
    assert_none(
        &wrong,
        "what the compiler cannot check is in few places, each with // SAFETY:",
    );
}

#[test]
fn modules_lie_beside_their_folders() {
    let wrong: Vec<String> = sources().into_iter().filter(|file| file.ends_with("/mod.rs")).collect();
    assert_none(&wrong, "foo.rs lies beside foo/");
}
