//! Taking in lines, batch after batch. A batch is one commit of the resource; what was taken stays taken, and the answer
//! or the problem says with which line to go on.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use host_model::clock::Clock;
use host_resource::{Action, ApiVersion, Code, Context, Problem, Request, ResourcePath, Response, Router, Verb};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};

use super::IMPORT;
use super::lines::{Line, Lines};
use crate::limits::PIECE_TIME;
use crate::request::{ActionParameters, read_line, refuse_parameter};
use crate::rest::body_problem;

/// Lines in a batch.
const BATCH: usize = 500;
/// A batch ends early when its lines are longer than this together (bytes).
const BATCH_BYTES: usize = 4 * 1024 * 1024;
/// So many errors are shown; the others are counted.
const SHOWN_ERRORS: usize = 1000;
/// The parameter that names the first line to take.
const FROM_LINE: &str = "fromLine";

/// An import whose body is still to be read.
pub(crate) struct Import {
    pub(crate) router: Arc<Router>,
    pub(crate) context: Context,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) path: ResourcePath,
    pub(crate) parameters: ActionParameters,
    pub(crate) version: Option<ApiVersion>,
    /// The longest line (bytes).
    pub(crate) line_bytes: usize,
}

/// What became of all lines so far.
#[derive(Debug, Default)]
struct Summary {
    /// The last line that is settled.
    lines: u64,
    created: u64,
    updated: u64,
    skipped: u64,
    failed: u64,
    errors: Vec<Value>,
}

/// Lines that are gathered for a commit.
#[derive(Default)]
struct Batch {
    items: Vec<Value>,
    errors: Vec<Value>,
    bytes: usize,
    /// The last line that was read.
    last: u64,
}

/// A body that is read line by line.
struct Reader<'b> {
    body: &'b mut Body,
    /// None once the body has ended.
    lines: Option<Lines>,
    /// What is left of its last piece.
    piece: Bytes,
    from_line: u64,
}

impl Batch {
    fn is_full(&self) -> bool {
        self.items.len() + self.errors.len() >= BATCH || self.bytes >= BATCH_BYTES
    }

    /// Takes a line in. An empty one means nothing.
    fn push(&mut self, line: &Line) {
        self.last = line.number;
        self.bytes += line.text.len();
        if line.text.iter().all(u8::is_ascii_whitespace) {
            return;
        }
        match read_line(&line.text) {
            Ok(object) => self.items.push(json!({"line": line.number, "object": object})),
            Err(problem) => self.errors.push(problem.of_line(line.number)),
        }
    }
}

impl Import {
    /// Reads the body to its end.
    ///
    /// # Errors
    /// A problem whose detail has `nextLine`: what stands before that line is settled.
    pub(crate) async fn run(mut self, body: &mut Body) -> Result<Value, Problem> {
        let from_line = self.take_from_line()?;
        // Nobody may find out after an hour that there is no such type, or that a parameter is wrong.
        self.commit(&mut Summary::default(), Batch::default()).await?;
        let mut summary = Summary {
            lines: from_line - 1,
            ..Summary::default()
        };
        match self.take_all(body, from_line, &mut summary).await {
            Ok(()) => Ok(summary.into_json()),
            Err(problem) => {
                tracing::info!(path = %self.path, lines = summary.lines, %problem, "an import ended early");
                let Summary {
                    lines,
                    created,
                    updated,
                    skipped,
                    failed,
                    ..
                } = summary;
                let taken = json!({"created": created, "updated": updated, "skipped": skipped, "failed": failed});
                Err(problem.with_detail("nextLine", lines + 1).with_detail("taken", taken))
            }
        }
    }

    fn take_from_line(&mut self) -> Result<u64, Problem> {
        let is_it = |name: &str| name.eq_ignore_ascii_case(FROM_LINE);
        let given: Vec<String> = self
            .parameters
            .extract_if(.., |(name, _)| is_it(name))
            .map(|(_, value)| value)
            .collect();
        match given.as_slice() {
            [] => Ok(1),
            [one] => one.parse().ok().filter(|line| *line > 0).ok_or_else(|| {
                refuse_parameter(
                    FROM_LINE,
                    format!("The value '{one}' for parameter '{FROM_LINE}' is not the number of a line, from 1 on"),
                )
            }),
            _ => Err(refuse_parameter(
                FROM_LINE,
                format!("The request parameter '{FROM_LINE}' is given more than once"),
            )),
        }
    }

    /// Reads a batch while the one before it is being committed.
    async fn take_all(&self, body: &mut Body, from_line: u64, summary: &mut Summary) -> Result<(), Problem> {
        let mut reader = Reader {
            body,
            lines: Some(Lines::new(self.line_bytes)),
            piece: Bytes::new(),
            from_line,
        };
        let mut waiting = Batch::default();
        loop {
            let gathered = if waiting.last > 0 {
                // What cannot be committed is told at once, however slowly the client sends; what goes wrong with the
                // body does not break a commit off.
                let gather = async { Ok(self.gather(&mut reader).await) };
                tokio::try_join!(self.commit(summary, waiting), gather)?.1
            } else {
                self.gather(&mut reader).await
            };
            waiting = gathered?;
            if waiting.last == 0 {
                return Ok(());
            }
        }
    }

    /// The next batch; an empty one at the end.
    async fn gather(&self, reader: &mut Reader<'_>) -> Result<Batch, Problem> {
        let mut batch = Batch::default();
        while let Some(lines) = &mut reader.lines {
            let line = match lines.next(&mut reader.piece)? {
                Some(line) => Some(line),
                None => match self.piece(reader.body).await? {
                    Some(piece) => {
                        reader.piece = piece;
                        continue;
                    }
                    None => reader.lines.take().and_then(Lines::last),
                },
            };
            if let Some(line) = line.filter(|line| line.number >= reader.from_line) {
                batch.push(&line);
            }
            if batch.is_full() {
                break;
            }
        }
        Ok(batch)
    }

    /// The next piece of the body; none at its end.
    async fn piece(&self, body: &mut Body) -> Result<Option<Bytes>, Problem> {
        let deadline = self.clock.now() + PIECE_TIME;
        loop {
            let frame = tokio::select! {
                frame = body.frame() => frame,
                () = self.clock.sleep_until(deadline) => {
                    let message = format!("nothing of the body came for {} seconds", PIECE_TIME.as_secs());
                    return Err(Problem::new(Code::new(408), message));
                }
            };
            match frame.transpose().map_err(|error| body_problem(&error))? {
                None => return Ok(None),
                // Trailers say nothing here.
                Some(frame) => match frame.into_data() {
                    Ok(data) => return Ok(Some(data)),
                    Err(_) => continue,
                },
            }
        }
    }

    async fn commit(&self, summary: &mut Summary, batch: Batch) -> Result<(), Problem> {
        let action = Action {
            name: IMPORT.to_owned(),
            parameters: self.parameters.clone(),
            content: Some(Value::Array(batch.items)),
            ..Action::default()
        };
        let request = Request {
            path: self.path.clone(),
            verb: Verb::Action(action),
            version: self.version,
        };
        let Response::Action(Some(report)) = self.router.handle(&self.context, request).await? else {
            return Err(Problem::internal("an import was not answered by a report"));
        };
        summary.add(&report, batch.errors);
        summary.lines = summary.lines.max(batch.last);
        Ok(())
    }
}

impl Summary {
    fn add(&mut self, report: &Value, unread: Vec<Value>) {
        let count = |name: &str| report[name].as_u64().unwrap_or(0);
        self.created += count("created");
        self.updated += count("updated");
        self.skipped += count("skipped");
        let refused = report["errors"].as_array().cloned().unwrap_or_default();
        let mut errors: Vec<Value> = refused.into_iter().chain(unread).collect();
        errors.sort_by_key(|error| error["line"].as_u64());
        self.failed += errors.len() as u64;
        errors.truncate(SHOWN_ERRORS - self.errors.len());
        self.errors.append(&mut errors);
    }

    fn into_json(self) -> Value {
        let Self {
            lines,
            created,
            updated,
            skipped,
            failed,
            errors,
        } = self;
        let omitted = failed - errors.len() as u64;
        json!({
            "lines": lines, "created": created, "updated": updated, "skipped": skipped, "failed": failed,
            "errors": errors, "errorsOmitted": omitted,
        })
    }
}
