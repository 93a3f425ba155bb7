//! What is wrong with a number or a string.

use super::{Fault, Reader, clipped, fault, is_word};

impl Reader<'_> {
    pub(super) fn number(&mut self) -> Result<(), Fault> {
        let start = self.at;
        self.at += usize::from(self.rest().starts_with('-'));
        let whole = self.digits();
        if whole == 0 {
            return fault(start, "a sign without a number: write digits after it");
        }
        if whole > 1 && self.text[self.at - whole..].starts_with('0') {
            return fault(start, "a number starts with 0: leave the zeros out, or write a string");
        }
        if self.rest().starts_with('.') {
            self.at += 1;
            if self.digits() == 0 {
                return fault(
                    start,
                    "a number ends with a dot: write a digit after it, or leave it out",
                );
            }
        }
        if self.rest().starts_with(['e', 'E']) {
            self.at += 1;
            self.at += usize::from(self.rest().starts_with(['+', '-']));
            if self.digits() == 0 {
                return fault(start, "a number ends with its exponent's sign: write the exponent");
            }
        }
        let number = &self.text[start..self.at];
        if self.rest().starts_with(is_word) {
            return fault(
                start,
                format!(
                    "`{}{}` is no number: write a number, or a string",
                    clipped(number),
                    clipped(self.word())
                ),
            );
        }
        if number.parse::<f64>().is_ok_and(f64::is_finite) {
            return Ok(());
        }
        fault(
            start,
            "a number is too large: write one that a double can hold, or a string",
        )
    }

    fn digits(&mut self) -> usize {
        let count = self.rest().bytes().take_while(u8::is_ascii_digit).count();
        self.at += count;
        count
    }

    /// What a text in quotes says.
    pub(super) fn string(&mut self) -> Result<String, Fault> {
        let start = self.at;
        self.at += 1;
        let mut text = String::new();
        while let Some(letter) = self.rest().chars().next() {
            match letter {
                '"' => {
                    self.at += 1;
                    return Ok(text);
                }
                '\\' => text.push(self.escape(start)?),
                '\n' => {
                    return fault(
                        self.at,
                        "a line break in a string: write \\n, or close the string with \" before it",
                    );
                }
                '\t' => return fault(self.at, "a tab in a string: write \\t"),
                letter if letter < ' ' => {
                    return fault(
                        self.at,
                        format!("a control character in a string: write \\u{:04x}", u32::from(letter)),
                    );
                }
                letter => {
                    text.push(letter);
                    self.at += letter.len_utf8();
                }
            }
        }
        fault(start, "a string without an end: close it with \"")
    }

    fn escape(&mut self, start: usize) -> Result<char, Fault> {
        let at = self.at;
        self.at += 1;
        let Some(letter) = self.rest().chars().next() else {
            return fault(start, "a string without an end: close it with \"");
        };
        let meant = match letter {
            '"' | '\\' | '/' => letter,
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => return self.escaped_code(at),
            other => return fault(at, wrong_escape(other)),
        };
        self.at += 1;
        Ok(meant)
    }

    /// Reads `uXXXX`, or the two of them that a letter beyond the first 65,536 needs.
    fn escaped_code(&mut self, at: usize) -> Result<char, Fault> {
        let Some(code) = self.four_digits() else {
            return fault(
                at,
                "invalid escape \"\\u\" in a string: write four hexadecimal digits after it",
            );
        };
        if let Some(letter) = char::from_u32(code) {
            return Ok(letter);
        }
        let second = if self.rest().starts_with('\\') {
            self.second_half()
        } else {
            None
        };
        let pair = second.filter(|second| code < 0xdc00 && (0xdc00..0xe000).contains(second));
        match pair.and_then(|second| char::from_u32(0x1_0000 + ((code - 0xd800) << 10) + (second - 0xdc00))) {
            Some(letter) => Ok(letter),
            None => fault(
                at,
                format!("\"\\u{code:04x}\" is half a letter: write both halves, or the letter itself"),
            ),
        }
    }

    fn second_half(&mut self) -> Option<u32> {
        self.at += 1;
        self.four_digits()
    }

    /// Reads `uXXXX`.
    fn four_digits(&mut self) -> Option<u32> {
        let digits = self.rest().strip_prefix('u')?.get(..4)?;
        let code = digits
            .bytes()
            .all(|byte| byte.is_ascii_hexdigit())
            .then(|| u32::from_str_radix(digits, 16).ok())??;
        self.at += 5;
        Some(code)
    }
}

fn wrong_escape(letter: char) -> String {
    let name = match letter {
        '{' | '}' => "brace",
        '(' | ')' => "parenthesis",
        '[' | ']' => "bracket",
        '\'' => "quote",
        '$' => "dollar sign",
        letter if letter.is_whitespace() || letter.is_control() => {
            return "a backslash before a blank in a string: leave it out, or write \"\\\\\" for a backslash"
                .to_owned();
        }
        letter if letter.is_alphabetic() => "letter",
        letter if letter.is_numeric() => "digit",
        _ => "character",
    };
    format!(
        "invalid escape \"\\{letter}\" in a string: write \"{letter}\" for a {name} or \"\\\\{letter}\" for a backslash and a {name}"
    )
}
