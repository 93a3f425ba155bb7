//! `log`: lines for the run, bounded in number and length.

use tracing::Level;

use crate::bindings::log;
use crate::end::LogLine;
use crate::guest::Guest;

impl log::Host for Guest {
    async fn write(&mut self, level: log::Level, message: String) -> wasmtime::Result<()> {
        self.meter.host_call()?;
        let level = match level {
            log::Level::Trace => Level::TRACE,
            log::Level::Debug => Level::DEBUG,
            log::Level::Info => Level::INFO,
            log::Level::Warn => Level::WARN,
            log::Level::Error => Level::ERROR,
        };
        // `tracing` orders levels by verbosity: an error is the least.
        if level > self.around.log_level {
            return Ok(());
        }
        let limits = self.meter.limits();
        if self.log.len() as u64 >= limits.log_lines {
            self.log_dropped += 1;
            return Ok(());
        }
        let message = cut(&message, usize::try_from(limits.log_line_bytes).unwrap_or(usize::MAX)).into();
        self.log.push(LogLine { level, message });
        Ok(())
    }
}

/// The text's beginning, at most `limit` bytes, cut between characters.
fn cut(text: &str, limit: usize) -> &str {
    &text[..text.floor_char_boundary(limit)]
}

#[cfg(test)]
mod tests {
    use super::cut;

    #[test]
    fn a_long_line_is_cut_between_characters() {
        assert_eq!(cut("short", 10), "short");
        assert_eq!(cut("aé", 2), "a");
        assert_eq!(cut("aé", 3), "aé");
    }
}
