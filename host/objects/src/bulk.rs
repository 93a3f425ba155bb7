//! Taking in many objects at once: the action `import` on a type. Its content is a batch of lines of a longer file, each
//! an object; what the batch changes is one commit. Each line is created or updated by the same verbs as a single object,
//! in a unit of work of its own on top of the lines before it, so a line that is refused leaves nothing behind and the
//! others go on.

use std::sync::Arc;

use host_resource::{Action, Code, Context, Create, Problem, Resource, ResourcePath, Update, VerbName};
use host_store::unit_of_work::WriteLimits;
use host_store::{CommitError, Overlay, TenantStore, UnitOfWork};
use serde_json::{Value, json};

#[cfg(test)]
mod tests;

/// A batch has at most so many lines: it is held in memory and committed at once.
pub const MAX_LINES: usize = 1000;
/// A batch that was overtaken by others is decided again on what is there now, so many times in all.
const ATTEMPTS: usize = 16;

/// What to do with an object that is there already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum IfExists {
    /// The line is refused.
    #[default]
    Fail,
    /// The object stays as it is.
    Skip,
    /// The line replaces it.
    Update,
}

const IF_EXISTS: [(&str, IfExists); 3] = [
    ("fail", IfExists::Fail),
    ("skip", IfExists::Skip),
    ("update", IfExists::Update),
];

/// What became of the lines.
#[derive(Debug, Default)]
struct Report {
    created: u64,
    updated: u64,
    skipped: u64,
    errors: Vec<Value>,
}

/// What became of a line.
enum Taken {
    Created,
    Updated,
    Skipped,
}

/// Takes in a batch: `[{"line": 1, "object": {…}}, …]`, with the parameter `ifExists`. The answer counts what was created,
/// updated and skipped, and has an error for each line that was refused.
pub(crate) async fn import(
    store: &TenantStore,
    objects: &dyn Resource,
    context: &Context,
    path: &ResourcePath,
    action: Action,
) -> Result<Value, Problem> {
    if context.is_within() {
        return Err(Problem::bad_request(
            "objects are imported by clients of REST: inside a unit of work, create them one by one",
        ));
    }
    let if_exists = if_exists(&action)?;
    refuse_without_rights(context, path, if_exists)?;
    let lines = lines(action.content)?;
    for attempt in 0..ATTEMPTS {
        let (report, done) = take(store, objects, context, path, &lines, if_exists).await?;
        let changes = done.to_changes();
        if changes.is_empty() {
            return Ok(report.into_json());
        }
        match store.commit(changes).await {
            Ok(_) => return Ok(report.into_json()),
            Err(CommitError::Conflict(_)) => {
                tracing::debug!(%path, attempt, "an import was overtaken by another change")
            }
            Err(CommitError::Store(error)) => return Err(error.into()),
        }
    }
    Err(Problem::conflict(format!(
        "'managed/{path}' is being changed by too many at once: try again later"
    )))
}

/// Whoever may call the action may not yet write.
fn refuse_without_rights(context: &Context, path: &ResourcePath, if_exists: IfExists) -> Result<(), Problem> {
    let whole = ResourcePath::from_elements(std::iter::once("managed").chain(path.elements()));
    let rights = &context.caller.rights;
    let may_update = if_exists != IfExists::Update || rights.allow(VerbName::Update, &whole.child("id"));
    if rights.allow(VerbName::Create, &whole) && may_update {
        Ok(())
    } else {
        Err(Problem::forbidden("Access denied"))
    }
}

fn if_exists(action: &Action) -> Result<IfExists, Problem> {
    if let Some((name, _)) = action
        .parameters
        .iter()
        .find(|(name, _)| !name.eq_ignore_ascii_case("ifExists"))
    {
        return Err(Problem::bad_request(format!("Unrecognized request parameter '{name}'"))
            .with_detail("parameter", name.as_str()));
    }
    let Some(given) = action.parameter("ifExists") else {
        return Ok(IfExists::default());
    };
    let found = IF_EXISTS.iter().find(|(name, _)| name.eq_ignore_ascii_case(given));
    found.map(|(_, if_exists)| *if_exists).ok_or_else(|| {
        Problem::bad_request(format!(
            "The value '{given}' for parameter 'ifExists' is none of fail, skip and update"
        ))
        .with_detail("parameter", "ifExists")
    })
}

/// The lines with their numbers.
fn lines(content: Option<Value>) -> Result<Vec<(u64, Value)>, Problem> {
    let form = |at: usize| {
        Problem::invalid(
            format!("/{at}"),
            "an item is an object with `line`, a number, and `object`, and nothing else",
        )
    };
    let Some(Value::Array(items)) = content else {
        return Err(Problem::bad_request(
            "an import has the content type application/x-ndjson, and an object on each line",
        ));
    };
    if items.len() > MAX_LINES {
        return Err(Problem::new(
            Code::TOO_LARGE,
            format!("a batch has at most {MAX_LINES} lines: send application/x-ndjson, which has no end"),
        ));
    }
    items
        .into_iter()
        .enumerate()
        .map(|(at, mut item)| {
            let line = item.get("line").and_then(Value::as_u64).ok_or_else(|| form(at))?;
            let members = item
                .as_object_mut()
                .filter(|members| members.len() == 2)
                .ok_or_else(|| form(at))?;
            Ok((line, members.get_mut("object").ok_or_else(|| form(at))?.take()))
        })
        .collect()
}

/// Stages all lines on one snapshot.
async fn take(
    store: &TenantStore,
    objects: &dyn Resource,
    context: &Context,
    path: &ResourcePath,
    lines: &[(u64, Value)],
    if_exists: IfExists,
) -> Result<(Report, Overlay), Problem> {
    let snapshot = store.snapshot().await?;
    let mut report = Report::default();
    let mut done = Overlay::default();
    for (line, object) in lines {
        let unit = Arc::new(UnitOfWork::over(Arc::clone(&snapshot), done, WriteLimits::NONE));
        let within = context.clone().within(Arc::clone(&unit));
        let taken = take_line(objects, &within, path, object, if_exists).await;
        let ended = unit.end().unwrap_or_default();
        done = match taken {
            Ok(taken) => {
                match taken {
                    Taken::Created => report.created += 1,
                    Taken::Updated => report.updated += 1,
                    Taken::Skipped => report.skipped += 1,
                }
                ended.keep()
            }
            // What the server could not do is no fault of the line: the whole batch waits for a better time.
            Err(problem) if problem.code.number() >= 500 && problem.code != Code::UNSUPPORTED => return Err(problem),
            Err(problem) => {
                report.errors.push(problem.of_line(*line));
                ended.ground
            }
        };
    }
    Ok((report, done))
}

async fn take_line(
    objects: &dyn Resource,
    within: &Context,
    path: &ResourcePath,
    object: &Value,
    if_exists: IfExists,
) -> Result<Taken, Problem> {
    if !object.is_object() {
        return Err(Problem::invalid("/", "a line is a JSON object"));
    }
    let create = Create {
        content: object.clone(),
        ..Create::default()
    };
    let refusal = match objects.create(within, path, create).await {
        Ok(_) => return Ok(Taken::Created),
        Err(refusal) => refusal,
    };
    let id = object.get("_id").and_then(Value::as_str);
    match (if_exists, id) {
        (_, None) | (IfExists::Fail, _) => Err(refusal),
        _ if refusal.code != Code::PRECONDITION_FAILED => Err(refusal),
        (IfExists::Skip, Some(_)) => Ok(Taken::Skipped),
        (IfExists::Update, Some(id)) => {
            let update = Update {
                content: object.clone(),
                ..Update::default()
            };
            objects
                .update(within, &path.child(id), update)
                .await
                .map(|_| Taken::Updated)
        }
    }
}

impl Report {
    fn into_json(self) -> Value {
        let Self {
            created,
            updated,
            skipped,
            errors,
        } = self;
        json!({"created": created, "updated": updated, "skipped": skipped, "errors": errors})
    }
}
