//! What is wrong with a text that is not JSON. Reads strictly from the start and stops at the first fault, so it knows
//! the exact place and the path to it, and guesses what the author meant.

use std::collections::HashSet;

use super::JsonError;
use crate::pointer::Pointer;

mod scalar;

/// Words and names are shown up to this many letters.
const SHOWN: usize = 40;

/// What other languages write, and JSON.
const WORDS: [(&str, &str); 10] = [
    ("True", "`true`"),
    ("TRUE", "`true`"),
    ("False", "`false`"),
    ("FALSE", "`false`"),
    ("None", "`null`"),
    ("Null", "`null`"),
    ("NULL", "`null`"),
    ("undefined", "`null`, or leave the member out"),
    ("NaN", "a number or `null`"),
    ("Infinity", "a number or `null`"),
];

/// The first fault of a text; none when it is JSON.
pub(super) fn explain(text: &str, depth: usize) -> Option<JsonError> {
    let mut reader = Reader {
        text,
        at: 0,
        path: Vec::new(),
    };
    let fault = reader.document(depth).err()?;
    let pointer = Pointer::from_elements(reader.path);
    Some(error(
        text,
        fault.at,
        Some(pointer).filter(|pointer| !pointer.is_root()),
        fault.message,
    ))
}

pub(super) fn not_utf8(bytes: &[u8], at: usize) -> JsonError {
    let valid = String::from_utf8_lossy(&bytes[..at]);
    error(
        &valid,
        at,
        None,
        format!("the byte {:#04x} is not UTF-8: send the text in UTF-8", bytes[at]),
    )
}

fn error(text: &str, at: usize, pointer: Option<Pointer>, message: String) -> JsonError {
    let (line, column) = place(text, at);
    JsonError {
        line,
        column,
        pointer,
        message,
    }
}

fn place(text: &str, at: usize) -> (usize, usize) {
    let before = &text[..at];
    let start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (before.matches('\n').count() + 1, before[start..].chars().count() + 1)
}

struct Fault {
    /// The byte.
    at: usize,
    message: String,
}

fn fault<T>(at: usize, message: impl Into<String>) -> Result<T, Fault> {
    Err(Fault {
        at,
        message: message.into(),
    })
}

struct Reader<'a> {
    text: &'a str,
    /// The byte to read next.
    at: usize,
    /// The names and positions of the value that is being read.
    path: Vec<Box<str>>,
}

impl Reader<'_> {
    fn document(&mut self, depth: usize) -> Result<(), Fault> {
        if self.text.starts_with('\u{feff}') {
            return fault(0, "the text starts with a byte order mark: leave it out");
        }
        if self.peek().is_none() {
            return fault(self.at, "there is no JSON: write a value such as {}");
        }
        self.value(depth)?;
        match self.peek() {
            None => Ok(()),
            Some(letter) => fault(
                self.at,
                format!(
                    "unexpected {} after the end of the JSON: write one value only",
                    shown(letter)
                ),
            ),
        }
    }

    /// The next letter that is not blank.
    fn peek(&mut self) -> Option<char> {
        let rest = self.text[self.at..].trim_start_matches([' ', '\t', '\n', '\r']);
        self.at = self.text.len() - rest.len();
        rest.chars().next()
    }

    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn value(&mut self, depth: usize) -> Result<(), Fault> {
        match self.peek() {
            Some('{' | '[') if depth == 0 => fault(
                self.at,
                "too many objects and arrays inside each other: write a flatter document",
            ),
            Some('{') => self.object(depth - 1),
            Some('[') => self.array(depth - 1),
            Some('"') => self.string().map(drop),
            Some('-' | '0'..='9') => self.number(),
            other => self.word_or_worse(other),
        }
    }

    fn object(&mut self, depth: usize) -> Result<(), Fault> {
        let start = self.at;
        self.at += 1;
        let mut names = HashSet::new();
        let mut comma = None;
        loop {
            let letter = self.peek();
            let at = self.at;
            match (letter, comma) {
                (Some('"'), _) => {}
                (Some('}'), None) => {
                    self.at += 1;
                    break;
                }
                (Some('}'), Some(comma)) => return fault(comma, "a comma before `}`: leave it out"),
                (other, _) => return self.no_name(other, start),
            }
            let name = self.string()?;
            self.path.push(name.as_str().into());
            if !names.insert(name.clone()) {
                return fault(
                    at,
                    format!("the name {} occurs twice in an object: write it once", quoted(&name)),
                );
            }
            match self.peek() {
                Some(':') => self.at += 1,
                Some(other) => {
                    return fault(
                        self.at,
                        format!(
                            "unexpected {} after the name {}: write `:`",
                            shown(other),
                            quoted(&name)
                        ),
                    );
                }
                None => return self.ends_inside(start),
            }
            self.value(depth)?;
            self.path.pop();
            comma = Some(self.at);
            if !self.separator(start, '}', &mut comma)? {
                break;
            }
        }
        Ok(())
    }

    fn array(&mut self, depth: usize) -> Result<(), Fault> {
        let start = self.at;
        self.at += 1;
        let mut comma = None;
        for position in 0_usize.. {
            match (self.peek(), comma) {
                (Some(']'), None) => {
                    self.at += 1;
                    break;
                }
                (Some(']'), Some(comma)) => return fault(comma, "a comma before `]`: leave it out"),
                (None, _) => return self.ends_inside(start),
                (Some(_), _) => {}
            }
            self.path.push(position.to_string().into());
            self.value(depth)?;
            self.path.pop();
            if !self.separator(start, ']', &mut comma)? {
                break;
            }
        }
        Ok(())
    }

    /// Reads what follows a member or an item: true after a comma, false after the end.
    fn separator(&mut self, start: usize, end: char, comma: &mut Option<usize>) -> Result<bool, Fault> {
        match self.peek() {
            Some(',') => {
                *comma = Some(self.at);
                self.at += 1;
                Ok(true)
            }
            Some(letter) if letter == end => {
                self.at += 1;
                Ok(false)
            }
            Some(letter @ ('}' | ']')) => {
                let (line, column) = place(self.text, start);
                fault(
                    self.at,
                    format!("unexpected `{letter}`: write `{end}`, for what starts at line {line}, column {column}"),
                )
            }
            Some('/') => self.comment(),
            Some('"' | '{' | '[' | '\'') => fault(self.at, "a comma is missing: write `,` before this"),
            Some(letter) => fault(self.at, format!("unexpected {}: write `,` or `{end}`", shown(letter))),
            None => self.ends_inside(start),
        }
    }

    fn ends_inside<T>(&self, start: usize) -> Result<T, Fault> {
        let (what, end) = if self.text[start..].starts_with('{') {
            ("an object", '}')
        } else {
            ("an array", ']')
        };
        let (line, column) = place(self.text, start);
        fault(
            self.at,
            format!("the text ends inside {what} that starts at line {line}, column {column}: write `{end}`"),
        )
    }

    fn no_name<T>(&self, letter: Option<char>, start: usize) -> Result<T, Fault> {
        match letter {
            None => self.ends_inside(start),
            Some('\'') => fault(self.at, "single quotes around a name: write \""),
            Some('/') => self.comment(),
            Some(letter) if is_word(letter) => {
                let word = quoted(self.word());
                fault(self.at, format!("a name without quotes: write {word}"))
            }
            Some(letter) => fault(
                self.at,
                format!("unexpected {}: write a name in double quotes", shown(letter)),
            ),
        }
    }

    fn comment<T>(&self) -> Result<T, Fault> {
        fault(self.at, "JSON has no comments: leave it out")
    }

    fn word(&self) -> &str {
        let rest = self.rest();
        &rest[..rest.find(|letter| !is_word(letter)).unwrap_or(rest.len())]
    }

    /// What starts neither an object nor an array, a text or a number: a word, or something that is no value.
    fn word_or_worse(&mut self, letter: Option<char>) -> Result<(), Fault> {
        let Some(letter) = letter else {
            return fault(
                self.at,
                "the text ends where a value has to be: write one, such as `null`",
            );
        };
        let word = self.word();
        if matches!(word, "true" | "false" | "null") {
            self.at += word.len();
            return Ok(());
        }
        let known = WORDS.iter().find(|(known, _)| *known == word).map(|(_, right)| *right);
        match (letter, known) {
            (_, Some(right)) => fault(self.at, format!("`{word}` is no JSON: write {right}")),
            ('\'', _) => fault(self.at, "single quotes around a string: write \""),
            ('“' | '”' | '„' | '‘' | '’', _) => {
                fault(self.at, format!("typographic quotes `{letter}`: write \""))
            }
            ('/', _) => self.comment(),
            ('+', _) => fault(self.at, "a number with `+`: leave the sign out"),
            ('.', _) => fault(self.at, "a number without a digit before the dot: write `0.`"),
            (',' | '}' | ']' | ':', _) => fault(
                self.at,
                format!("a value is missing before `{letter}`: write one, such as `null`"),
            ),
            (letter, _) if is_word(letter) => {
                fault(self.at, format!("a string without quotes: write {}", quoted(word)))
            }
            (letter, _) => {
                let values = "an object, an array, a string, a number, `true`, `false` or `null`";
                fault(self.at, format!("unexpected {}: write {values}", shown(letter)))
            }
        }
    }
}

fn is_word(letter: char) -> bool {
    letter.is_alphanumeric() || matches!(letter, '_' | '$')
}

/// A letter for a message, by its number when it cannot be seen.
fn shown(letter: char) -> String {
    if letter.is_control() || letter.is_whitespace() || letter == '\u{feff}' {
        format!("U+{:04X}", u32::from(letter))
    } else {
        format!("`{letter}`")
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", clipped(text))
}

fn clipped(text: &str) -> String {
    let end = text.char_indices().nth(SHOWN).map(|(end, _)| end);
    end.map_or_else(|| text.to_owned(), |end| format!("{}…", &text[..end]))
}
