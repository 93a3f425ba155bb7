//! What a run leaves behind besides its result: the lines that it logged and the fuel that it used, both bounded.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::job::LogLevel;

/// Lines that are kept of one run; later ones are counted.
pub const MAX_LINES: usize = 100;

/// Bytes of text that are kept of one run, over all its lines.
pub const MAX_BYTES: usize = 16 * 1024;

/// A line of a run's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// How much it matters.
    pub level: LogLevel,
    /// What it says.
    pub text: String,
}

/// What was written down.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Account {
    /// The first lines, in order.
    pub lines: Vec<Line>,
    /// How many lines were not kept.
    pub dropped: u64,
    /// Units of fuel that guests used.
    pub fuel: u64,
    /// Whether the run ended because somebody wanted it to.
    pub is_cancelled: bool,
}

/// Where a run's service writes while it works.
#[derive(Debug, Default)]
pub struct Journal(Mutex<Written>);

#[derive(Debug, Default)]
struct Written {
    account: Account,
    bytes: usize,
}

impl Journal {
    /// Writes a line, if there is room for it.
    pub fn line(&self, level: LogLevel, text: &str) {
        let mut written = self.written();
        let room = MAX_BYTES - written.bytes;
        if written.account.lines.len() >= MAX_LINES || room == 0 {
            written.account.dropped += 1;
            return;
        }
        let text = &text[..text.floor_char_boundary(room)];
        written.bytes += text.len();
        written.account.lines.push(Line {
            level,
            text: text.to_owned(),
        });
    }

    /// Counts lines that nobody kept.
    pub fn dropped(&self, lines: u64) {
        let mut written = self.written();
        written.account.dropped = written.account.dropped.saturating_add(lines);
    }

    /// Counts fuel.
    pub fn fuel(&self, units: u64) {
        let mut written = self.written();
        written.account.fuel = written.account.fuel.saturating_add(units);
    }

    /// Notes that the run ends because somebody wanted it to, and not by itself.
    pub fn cancelled(&self) {
        self.written().account.is_cancelled = true;
    }

    /// What was written so far.
    pub fn account(&self) -> Account {
        self.written().account.clone()
    }

    fn written(&self) -> MutexGuard<'_, Written> {
        // A line is written completely or not at all, so a panic elsewhere has not spoiled anything.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_journal_is_bounded_in_lines_and_in_bytes() {
        let journal = Journal::default();
        for number in 0..MAX_LINES + 5 {
            journal.line(LogLevel::Info, &number.to_string());
        }
        journal.dropped(2);
        journal.fuel(7);
        let account = journal.account();
        assert_eq!((account.lines.len(), account.dropped, account.fuel), (MAX_LINES, 7, 7));
        assert_eq!(account.lines[1].text, "1");

        let journal = Journal::default();
        for _ in 0..3 {
            journal.line(LogLevel::Warn, &"é".repeat(MAX_BYTES / 3));
        }
        let account = journal.account();
        let bytes: usize = account.lines.iter().map(|line| line.text.len()).sum();
        assert_eq!((bytes, account.dropped), (MAX_BYTES, 1));
    }
}
