//! Texts as a database can be asked for them. Our comparison folds letter by letter. The database folds ASCII only (`lower`
//! under the collation "C"), and what is not ASCII is left open in a pattern. Two letters outside ASCII fold into it: the
//! Kelvin sign to `k`, and the capital I with a dot to `i` and a combining dot.

/// Longer patterns (bytes) are not handed over, nor ones with more open places: what they cost grows with both.
pub(super) const MAX_PATTERN: usize = 1000;
pub(super) const MAX_OPEN: usize = 8;
const OPEN: char = '%';
const KELVIN: char = '\u{212a}';
const DOT_ABOVE: char = '\u{307}';

/// Where in a text the literal has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Whole,
    Begin,
    Anywhere,
    End,
}

/// A text with each `k` as that and as the Kelvin sign.
pub(super) fn spellings(folded: &str) -> Vec<String> {
    let mut all = vec![String::new()];
    for letter in folded.chars() {
        if letter == 'k' {
            let other: Vec<String> = all.iter().map(|begin| format!("{begin}{KELVIN}")).collect();
            all.iter_mut().for_each(|begin| begin.push('k'));
            all.extend(other);
        } else {
            all.iter_mut().for_each(|begin| begin.push(letter));
        }
    }
    all
}

/// A pattern of LIKE that every text is like, its ASCII folded, that matches; none if it would say nothing.
pub(super) fn pattern(folded: &str, part: Part) -> Option<String> {
    let mut pattern = String::new();
    let open = |pattern: &mut String| {
        if !pattern.ends_with(OPEN) || is_escaped(pattern) {
            pattern.push(OPEN);
        }
    };
    if matches!(part, Part::Anywhere | Part::End) {
        open(&mut pattern);
    }
    let mut letters = folded.chars().peekable();
    while let Some(letter) = letters.next() {
        let may_be_dotted = match letters.peek() {
            None => matches!(part, Part::Begin | Part::Anywhere),
            Some(next) => *next == DOT_ABOVE,
        };
        match letter {
            'k' => open(&mut pattern),
            'i' if may_be_dotted => open(&mut pattern),
            '%' | '_' | '\\' => pattern.extend(['\\', letter]),
            _ if letter.is_ascii() => pattern.push(letter),
            _ => open(&mut pattern),
        }
    }
    if matches!(part, Part::Begin | Part::Anywhere) {
        open(&mut pattern);
    }
    let says_something = pattern.chars().any(|letter| letter != OPEN);
    let is_cheap = pattern.len() <= MAX_PATTERN && pattern.matches(OPEN).count() <= MAX_OPEN;
    (is_cheap && says_something).then_some(pattern)
}

/// Whether the last letter of a pattern stands for itself.
fn is_escaped(pattern: &str) -> bool {
    let before = pattern.trim_end_matches(OPEN);
    (before.len() - before.trim_end_matches('\\').len()) % 2 == 1
}
