//! Cuts a body into lines, whatever pieces it comes in.

use axum::body::Bytes;
use host_resource::{Code, Problem};

/// Pieces go in, lines come out. It holds one line that is not finished, and no more of it than is allowed.
pub(crate) struct Lines {
    /// The longest line (bytes).
    limit: usize,
    /// The beginning of a line whose end has not come.
    begun: Vec<u8>,
    /// Lines so far.
    count: u64,
}

/// A line and its number, counted from one.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) number: u64,
    pub(crate) text: Vec<u8>,
}

impl Lines {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            limit,
            begun: Vec::new(),
            count: 0,
        }
    }

    /// The next line that ends in this piece, which loses it; none when the piece is used up.
    pub(crate) fn next(&mut self, piece: &mut Bytes) -> Result<Option<Line>, Problem> {
        let end = piece.iter().position(|byte| *byte == b'\n');
        let part = piece.split_to(end.map_or(piece.len(), |end| end + 1));
        let part = part.strip_suffix(b"\n").unwrap_or(&part);
        if self.begun.len() + part.len() > self.limit {
            let message = format!("line {}: longer than {} bytes", self.count + 1, self.limit);
            return Err(Problem::new(Code::TOO_LARGE, message).with_detail("line", self.count + 1));
        }
        self.begun.extend_from_slice(part);
        Ok(end.map(|_| self.take()))
    }

    /// The last line, which may lack its end.
    pub(crate) fn last(mut self) -> Option<Line> {
        (!self.begun.is_empty()).then(|| self.take())
    }

    fn take(&mut self) -> Line {
        self.count += 1;
        Line {
            number: self.count,
            text: std::mem::take(&mut self.begun),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(pieces: &[&'static str], limit: usize) -> Result<Vec<(u64, String)>, Problem> {
        let mut lines = Lines::new(limit);
        let mut found = Vec::new();
        for piece in pieces {
            let mut piece = Bytes::from_static(piece.as_bytes());
            while let Some(line) = lines.next(&mut piece)? {
                found.push(line);
            }
            assert!(piece.is_empty());
        }
        found.extend(lines.last());
        Ok(found
            .into_iter()
            .map(|line| (line.number, String::from_utf8(line.text).unwrap()))
            .collect())
    }

    #[test]
    fn lines_are_the_same_whatever_the_pieces() {
        let expected = [(1, "ab"), (2, ""), (3, "c\r"), (4, "d")].map(|(number, text)| (number, text.to_owned()));
        for pieces in [
            &["ab\n\nc\r\nd"][..],
            &["a", "b\n", "", "\nc\r", "\n", "d"],
            &["ab\n\n", "c\r\nd\n"],
        ] {
            assert_eq!(cut(pieces, 10).unwrap(), expected, "{pieces:?}");
        }
        assert_eq!(cut(&[""], 10).unwrap(), []);
    }

    #[test]
    fn a_line_without_end_is_refused_by_its_number() {
        for pieces in [&["abc\nabcd"][..], &["abc\n", "ab", "cd", "e"]] {
            let problem = cut(pieces, 3).unwrap_err();
            assert_eq!(
                (problem.code, problem.message.as_str()),
                (Code::TOO_LARGE, "line 2: longer than 3 bytes")
            );
        }
    }
}
