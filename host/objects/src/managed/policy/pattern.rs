//! Regular expressions of a configuration. Matching takes time linear in the text, whatever the pattern: there are no
//! back references and no looking around.

use std::fmt;

use host_model::Invalid;
use host_resource::Pointer;
use regex::{Regex, RegexBuilder};

/// A compiled pattern is no larger (bytes).
const MAX_COMPILED: usize = 1 << 20;
/// A pattern is no longer (bytes).
const MAX_PATTERN: usize = 4096;
/// Parentheses and the like are nested no deeper.
const MAX_NESTING: u32 = 50;

/// A regular expression, and how it was written.
#[derive(Clone)]
pub(in super::super) struct Pattern {
    regex: Regex,
    source: String,
    flags: String,
}

impl Pattern {
    /// Compiles a pattern; `i`, `m`, `s`, `u` and `g` are flags.
    pub(in super::super) fn new(source: &str, flags: &str, place: Pointer, flags_at: Pointer) -> Result<Self, Invalid> {
        if let Some(flag) = flags.chars().find(|flag| !"imsug".contains(*flag)) {
            return Err(Invalid::new(
                flags_at,
                format!("there is no flag '{flag}'; there are i, m, s, u and g"),
            ));
        }
        if source.len() > MAX_PATTERN {
            return Err(Invalid::new(
                place,
                format!("a pattern has at most {MAX_PATTERN} bytes"),
            ));
        }
        let regex = RegexBuilder::new(source)
            .case_insensitive(flags.contains('i'))
            .multi_line(flags.contains('m'))
            .dot_matches_new_line(flags.contains('s'))
            .size_limit(MAX_COMPILED)
            .dfa_size_limit(MAX_COMPILED)
            .nest_limit(MAX_NESTING)
            .build();
        let regex = regex.map_err(|error| {
            let text = error.to_string();
            let last = text.lines().last().unwrap_or_default().trim_start_matches("error: ");
            Invalid::new(place, format!("the pattern cannot be used: {last}"))
        })?;
        Ok(Self {
            regex,
            source: source.to_owned(),
            flags: flags.to_owned(),
        })
    }

    /// Whether it matches somewhere in a text.
    pub(in super::super) fn is_match(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }

    /// As it was written.
    pub(in super::super) fn source(&self) -> &str {
        &self.source
    }

    /// As they were written.
    pub(in super::super) fn flags(&self) -> &str {
        &self.flags
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source && self.flags == other.flags
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/{}/{}", self.source, self.flags)
    }
}
