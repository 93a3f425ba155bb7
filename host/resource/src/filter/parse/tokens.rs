//! Cuts a filter into tokens. The only separators are the blank and the parentheses, so `!a` is a field and a tab is a
//! letter (behaviour 1.9). A text starts where a token starts with a quote; a backslash in it keeps the next letter.

use crate::filter::FilterError;

/// Found tokens are shown up to this many letters.
const SHOWN: usize = 40;

pub(super) struct Token<'a> {
    /// The byte where it starts.
    pub(super) at: usize,
    pub(super) kind: Kind<'a>,
}

pub(super) enum Kind<'a> {
    Open,
    Close,
    Text(String),
    Word(&'a str),
    End,
}

impl Kind<'_> {
    pub(super) fn shown(&self) -> String {
        let (quote, text) = match self {
            Self::Open => ("", "("),
            Self::Close => ("", ")"),
            Self::Text(text) => ("\"", text.as_str()),
            Self::Word(word) => ("", *word),
            Self::End => return "end".to_owned(),
        };
        let end = text.char_indices().nth(SHOWN).map(|(at, _)| at);
        format!(
            "`{quote}{}{}{quote}`",
            &text[..end.unwrap_or(text.len())],
            if end.is_some() { "…" } else { "" }
        )
    }
}

pub(super) struct Tokens<'a> {
    text: &'a str,
    /// The byte to read next.
    at: usize,
}

impl<'a> Tokens<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    pub(super) fn read(&mut self) -> Result<Token<'a>, FilterError> {
        let rest = self.text[self.at..].trim_start_matches(' ');
        let at = self.text.len() - rest.len();
        let (length, kind) = match rest.chars().next() {
            None => (0, Kind::End),
            Some('(') => (1, Kind::Open),
            Some(')') => (1, Kind::Close),
            Some(quote @ ('"' | '\'')) => {
                let (length, text) = self.quoted(at, quote)?;
                (length, Kind::Text(text))
            }
            Some(_) => {
                let length = rest.find([' ', '(', ')']).unwrap_or(rest.len());
                (length, Kind::Word(&rest[..length]))
            }
        };
        self.at = at + length;
        Ok(Token { at, kind })
    }

    /// The length of a text with its quotes, and what it says.
    fn quoted(&self, at: usize, quote: char) -> Result<(usize, String), FilterError> {
        let mut text = String::new();
        let mut letters = self.text[at..].char_indices().skip(1);
        while let Some((offset, letter)) = letters.next() {
            match letter {
                '\\' => match letters.next() {
                    Some((_, kept)) => text.push(kept),
                    None => return Err(self.error(at + offset, "a backslash", "a letter after it")),
                },
                letter if letter == quote => return Ok((offset + 1, text)),
                letter => text.push(letter),
            }
        }
        Err(self.error(at, "a text without an end", &format!("a closing `{quote}`")))
    }

    pub(super) fn error(&self, at: usize, found: &str, expected: &str) -> FilterError {
        let position = self.text[..at].chars().count();
        FilterError {
            position,
            found: found.to_owned(),
            expected: expected.to_owned(),
        }
    }
}
