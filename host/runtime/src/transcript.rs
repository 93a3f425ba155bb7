//! What a guest asked of the host in one call, and what it was answered: kept for calls that end badly, so that they can be
//! understood and played again. Recording costs copies of short texts and nothing else; they are understood, and their
//! secrets masked, when they are shown.

pub mod player;
mod repair;
pub mod shown;

use host_resource::Problem;

use crate::bindings::objects::Parameter;
use crate::bindings::types;
use crate::host::from_guest;

/// Calls of one guest that are recorded; those beyond are counted.
pub const MAX_CALLS: usize = 100;

/// Bytes of all texts that are recorded of one guest.
pub const MAX_BYTES: usize = 64 << 10;

/// Bytes of one text; longer ones are cut.
const MAX_TEXT: usize = 16 << 10;

/// Fields or parameters of one call.
const MAX_ITEMS: usize = 100;

/// The host calls of one guest, in their order.
#[derive(Clone, Debug, Default)]
pub struct Transcript {
    calls: Vec<HostCall>,
    bytes: usize,
    dropped: u64,
    /// Whether the call that is under way is the last of `calls`.
    is_open: bool,
}

/// One call of the host.
#[derive(Clone, Debug)]
struct HostCall {
    verb: &'static str,
    path: Text,
    arguments: Vec<(&'static str, Argument)>,
    /// None when the guest was ended before it had one.
    answer: Option<Answer>,
    /// Whether it was refused for want of a grant.
    is_refused: bool,
    /// What scripts used that ran because of it.
    fuel: u64,
}

/// A text, perhaps only its beginning.
#[derive(Clone, Debug)]
struct Text {
    text: Box<str>,
    is_cut: bool,
}

#[derive(Clone, Debug)]
enum Argument {
    Absent,
    Json(Text),
    Plain(Text),
    List(Vec<Text>),
    Pairs(Vec<(Text, Text)>),
}

#[derive(Clone, Debug)]
enum Answer {
    Json(Text),
    Plain(Text),
    Absent,
    Problem(Problem, bool),
}

/// An argument as it was given.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Given<'a> {
    /// JSON text, if any.
    Json(Option<&'a str>),
    /// Words.
    Plain(Option<&'a str>),
    /// Words in a row.
    List(&'a [String]),
    /// Names with values.
    Pairs(&'a [Parameter]),
}

/// An answer as the guest gets it.
pub(crate) enum Answered<'a> {
    /// JSON text, if there is such a thing.
    Json(Option<&'a str>),
    /// Words, if there are.
    Plain(Option<&'a str>),
    /// No.
    Problem(&'a types::Problem),
}

impl Transcript {
    /// A call begins.
    pub(crate) fn ask(&mut self, verb: &'static str, path: &str, arguments: &[(&'static str, Given<'_>)]) {
        self.is_open = self.calls.len() < MAX_CALLS && self.bytes < MAX_BYTES;
        if !self.is_open {
            self.dropped += 1;
            return;
        }
        let path = self.take(path);
        let arguments = arguments
            .iter()
            .map(|(name, given)| (*name, self.argument(*given)))
            .collect();
        self.calls.push(HostCall {
            verb,
            path,
            arguments,
            answer: None,
            is_refused: false,
            fuel: 0,
        });
    }

    /// The call that is under way was answered. `fuel` is what scripts used because of it.
    pub(crate) fn answer(&mut self, given: Answered<'_>, is_refused: bool, fuel: u64) {
        if !std::mem::take(&mut self.is_open) {
            return;
        }
        let answer = match given {
            Answered::Json(None) | Answered::Plain(None) => Answer::Absent,
            Answered::Json(Some(text)) => Answer::Json(self.take(text)),
            Answered::Plain(Some(text)) => Answer::Plain(self.take(text)),
            Answered::Problem(problem) => self.problem(problem),
        };
        if let Some(call) = self.calls.last_mut() {
            call.answer = Some(answer);
            call.is_refused = is_refused;
            call.fuel = fuel;
        }
    }

    /// How many calls were made beyond those that are recorded.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Bytes of the texts that are recorded.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    fn argument(&mut self, given: Given<'_>) -> Argument {
        match given {
            Given::Json(None) | Given::Plain(None) => Argument::Absent,
            Given::Json(Some(text)) => Argument::Json(self.take(text)),
            Given::Plain(Some(text)) => Argument::Plain(self.take(text)),
            Given::List(items) => Argument::List(items.iter().take(MAX_ITEMS).map(|item| self.take(item)).collect()),
            Given::Pairs(pairs) => Argument::Pairs(
                pairs
                    .iter()
                    .take(MAX_ITEMS)
                    .map(|pair| (self.take(&pair.name), self.take(&pair.value)))
                    .collect(),
            ),
        }
    }

    fn problem(&mut self, problem: &types::Problem) -> Answer {
        let mut problem = from_guest(problem.clone());
        let message = self.take(&problem.message);
        let mut is_cut = message.is_cut;
        problem.message = message.text.into();
        if let Some(detail) = &problem.detail {
            let size = detail.to_string().len();
            if size > self.room() {
                problem.detail = None;
                is_cut = true;
            } else {
                self.bytes += size;
            }
        }
        Answer::Problem(problem, is_cut)
    }

    fn room(&self) -> usize {
        MAX_TEXT.min(MAX_BYTES.saturating_sub(self.bytes))
    }

    /// As much of a text as there is room for.
    fn take(&mut self, text: &str) -> Text {
        let kept = &text[..text.floor_char_boundary(self.room())];
        self.bytes += kept.len();
        Text {
            text: kept.into(),
            is_cut: kept.len() < text.len(),
        }
    }
}

#[cfg(test)]
mod tests;
