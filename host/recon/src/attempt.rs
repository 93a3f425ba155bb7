//! One object of a run: its turn under each qualifier, in a unit of work of its own.

use std::sync::Arc;

use host_model::evaluate::Evaluation;
use host_model::limits::Limits;
use host_model::mapping::{Hook, Qualifiers};
use host_model::policy::Action;
use host_resource::{Code, Context, Problem};
use host_store::overlay::Ended;
use host_store::unit_of_work::WriteLimits;
use host_store::{Overlay, Snapshot, UnitOfWork};
use serde_json::{Value, json};

use crate::claims::{Claims, Looked, Made};
use crate::entry::{Entry, Seen};
use crate::item::Item;
use crate::turn::{Choice, Shown, Side, Turn};
use crate::work::{Surrounding, Work};

/// What came of it.
#[derive(Debug, Default)]
pub(crate) struct Attempt {
    pub(crate) entries: Vec<Entry>,
    /// Target objects that the target phase has nothing to do with any more, where no link says so.
    pub(crate) handled: Vec<String>,
    /// Qualifiers under which a target object is to be deleted later.
    pub(crate) deferred: Vec<String>,
    /// What it looked for in the target, where it had no link.
    pub(crate) looked: Vec<Looked>,
    /// Target objects that it made or changed, where others could have looked for them.
    pub(crate) made: Vec<Made>,
    /// Whether another object of the page goes first.
    pub(crate) is_postponed: bool,
    /// What it did, on which ground.
    pub(crate) ended: Ended,
    /// Why the run cannot go on.
    pub(crate) fatal: Option<Problem>,
}

/// Does an object's turn. `claims` is what those share who send at the same time.
pub(crate) async fn attempt(
    work: &Work,
    item: &Item,
    snapshot: Arc<dyn Snapshot>,
    ground: Overlay,
    claims: Option<&Arc<Claims>>,
) -> Attempt {
    let unit = Arc::new(UnitOfWork::over(snapshot, ground, limits()));
    let mut attempt = Attempt::default();
    let surrounding = Surrounding {
        through: vec![Arc::clone(&work.mapping.links.kind)],
        is_analysis: work.is_analysis,
    };
    let turn = async {
        match item.side {
            Side::Source => source(work, item, &unit, claims, &mut attempt).await,
            Side::Target => target(work, item, &unit, &mut attempt).await,
        }
    };
    let done = surrounding.scope(turn).await;
    if let Err(problem) = done {
        if problem.code == Code::UNAVAILABLE {
            attempt.fatal = Some(problem);
        } else {
            attempt.entries = vec![failed(item, problem)];
        }
    }
    attempt.ended = unit.end().unwrap_or_default();
    if work.is_analysis {
        attempt.ended.own = Overlay::default();
    }
    attempt
}

/// What the scripts of one object may write.
pub(crate) fn limits() -> WriteLimits {
    WriteLimits::from(&Limits::default())
}

async fn source(
    work: &Work,
    item: &Item,
    unit: &Arc<UnitOfWork>,
    claims: Option<&Arc<Claims>>,
    attempt: &mut Attempt,
) -> Result<(), Problem> {
    let context = work.context().within(Arc::clone(unit));
    let source = match &item.entry {
        Some(entry) => Some(Arc::clone(entry)),
        None => {
            let read = work.mapping.source.read(&work.router, &context, &item.id);
            work.timed("sourceObjectQuery", read)
                .await?
                .map(|value| Arc::new(Shown::new(value)))
        }
    };
    let Some(source) = source else {
        // It went after the page was read: the target phase, or the next run, sees to what it leaves behind.
        return match &item.planned {
            None => Ok(()),
            Some(_) => Err(Problem::conflict(
                "the source object is gone since the analysis: nothing was done",
            )),
        };
    };
    for qualifier in qualifiers(work, &context, Some(&source.value), None, item).await? {
        let shown = Some(Arc::clone(&source));
        let mut turn = Turn::of_source(work, context.clone(), Arc::clone(unit), qualifier, &item.id, shown);
        turn.claims = claims.cloned();
        take(turn, item, attempt).await?;
        if attempt.is_postponed {
            break;
        }
    }
    Ok(())
}

async fn target(work: &Work, item: &Item, unit: &Arc<UnitOfWork>, attempt: &mut Attempt) -> Result<(), Problem> {
    let context = work.context().within(Arc::clone(unit));
    if item.planned.is_none() && item.only.is_none() && is_led_to(work, &context, unit, &item.id).await? {
        return Ok(());
    }
    let read = work.mapping.target.read(&work.router, &context, &item.id);
    let Some(target) = work.timed("targetObjectQuery", read).await? else {
        return match &item.planned {
            None => Ok(()),
            Some(_) => Err(Problem::conflict(
                "the target object is gone since the analysis: nothing was done",
            )),
        };
    };
    let qualifiers = qualifiers(work, &context, None, None, item).await?;
    let mut linked = Vec::new();
    let mut free = None;
    for qualifier in qualifiers {
        let mut turn = Turn::of_target(work, context.clone(), Arc::clone(unit), qualifier, target.clone());
        turn.look_for_source().await?;
        if turn.link.is_some() {
            linked.push(turn);
        } else {
            free.get_or_insert(turn);
        }
    }
    // Whom a link leads to a source object that is there, the source phase had in its hands.
    let is_seen = |turn: &Turn<'_>| turn.source.is_some() && !work.is_restricted;
    if item.planned.is_none() && item.only.is_none() && linked.iter().any(is_seen) {
        return Ok(());
    }
    if linked.is_empty() {
        linked.extend(free);
    }
    for turn in linked {
        take(turn, item, attempt).await?;
    }
    Ok(())
}

/// Whether a link leads from a target object to a source object that is there: then the source phase had it in its hands.
/// Neither of the two is parsed for that. Qualifiers that a script names are not looked at here.
async fn is_led_to(work: &Work, context: &Context, unit: &Arc<UnitOfWork>, id: &str) -> Result<bool, Problem> {
    let mapping = &work.mapping;
    let Qualifiers::Named(names) = &mapping.spec.qualifiers else {
        return Ok(false);
    };
    if work.is_restricted || !mapping.spec.enable_linking {
        return Ok(false);
    }
    for qualifier in names {
        let link = mapping.links.by_target(unit, qualifier, id);
        if let Some(link) = work.timed("targetLinkQuery", link).await? {
            let source = mapping.links.source_of(&link);
            let found = mapping.source.has(&work.router, context, source);
            if work.timed("sourceObjectQuery", found).await? {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// One turn: all of it, or its failure.
async fn take(mut turn: Turn<'_>, item: &Item, attempt: &mut Attempt) -> Result<(), Problem> {
    let unit = Arc::clone(&turn.unit);
    let savepoint = unit.savepoint()?;
    let mut done = Done::default();
    let outcome = settle(&mut turn, item, &mut done).await;
    if outcome.is_err() || done.is_deferred {
        unit.roll_back(savepoint)?;
    }
    if turn.is_postponed {
        attempt.is_postponed = true;
        return Ok(());
    }
    remember(&mut turn, outcome.is_ok(), attempt);
    let failure = match outcome {
        Ok(()) => None,
        Err(problem) if is_fatal(&turn, &done, &problem) => return Err(problem),
        Err(problem) => Some(problem),
    };
    if turn.side == Side::Source {
        attempt.handled.extend(turn.candidates.iter().cloned());
        // A link that is kept says it as well as a note does, unless some source objects are left out.
        let is_said = done.is_linked_for_good && !turn.work.is_restricted;
        attempt
            .handled
            .extend(turn.target_id.iter().filter(|_| !is_said).cloned());
    }
    if done.is_deferred {
        attempt.deferred.push(turn.qualifier);
        return Ok(());
    }
    if let Some(problem) = &failure {
        on_error(&turn, problem).await;
    }
    let action = done.choice.map(|choice| choice.action);
    attempt.entries.push(Entry::of_turn(turn, action, failure, done.seen));
    Ok(())
}

/// What a turn looked for and made, for those that look for the same. A run whose target does not join the unit of work has
/// claims instead.
fn remember(turn: &mut Turn<'_>, is_kept: bool, attempt: &mut Attempt) {
    let mapping = &turn.work.mapping;
    if turn.work.is_analysis || mapping.spec.correlations.is_empty() || !mapping.target.joins(&turn.work.router) {
        return;
    }
    attempt.looked.extend(turn.looked.take());
    let counts = turn.counts;
    let is_made = is_kept && (counts.created || counts.updated);
    if let Some(object) = turn.target.as_ref().filter(|_| is_made) {
        attempt.made.push(Made {
            id: turn.target_id.clone(),
            object: object.clone(),
            is_new: counts.created,
        });
    }
}

/// How far a turn has come.
#[derive(Default)]
struct Done {
    choice: Option<Choice>,
    seen: Seen,
    is_deferred: bool,
    is_assessed: bool,
    /// Whether source and target object are linked in what is kept.
    is_linked_for_good: bool,
}

async fn settle(turn: &mut Turn<'_>, item: &Item, done: &mut Done) -> Result<(), Problem> {
    let situation = match turn.side {
        Side::Source => turn.assess_source().await?,
        Side::Target => turn.assess_target().await?,
    };
    done.is_assessed = true;
    if turn.work.is_analysis || item.planned.is_some() {
        done.seen = Seen::of(turn);
    }
    done.is_linked_for_good = turn.target.is_some() && turn.is_linked();
    let choice = turn.choose(situation).await?;
    let action = choice.action;
    done.choice = Some(choice.clone());
    if let Some(objection) = item
        .planned
        .as_ref()
        .and_then(|planned| planned.objection(&done.seen, situation, action))
    {
        return Err(Problem::conflict(objection));
    }
    let deletes = action == Action::Delete && turn.target.is_some();
    if deletes && !item.may_delete && !turn.work.is_analysis {
        done.is_deferred = true;
        done.is_linked_for_good = false;
        return Ok(());
    }
    if let Some(target) = turn
        .target
        .clone()
        .filter(|_| turn.claims.is_some() && turn.looked.is_some())
    {
        let id = turn.target_id.clone();
        turn.claim(|| Made {
            id,
            object: target,
            is_new: false,
        })?;
    }
    turn.planned.clone_from(&item.planned);
    turn.act(action).await?;
    turn.keep_to_plan()?;
    if !turn.work.is_analysis {
        done.is_linked_for_good = turn.target.is_some() && turn.is_linked();
    }
    turn.post_action(&choice).await
}

/// Whether a failure is one of the source system: then nobody knows what there is, and the run must not go on.
fn is_fatal(turn: &Turn<'_>, done: &Done, problem: &Problem) -> bool {
    problem.code == Code::UNAVAILABLE && !done.is_assessed && turn.work.recon_action.is_some()
}

/// The script for what fails; that it fails itself changes nothing.
async fn on_error(turn: &Turn<'_>, problem: &Problem) {
    let Some(script) = turn.work.mapping.hook(Hook::OnError) else {
        return;
    };
    let situation = turn.situation.map_or(Value::Null, |situation| situation.name().into());
    let evaluation = Evaluation::new(turn.work.mapping.subject(script))
        .bind(
            "source",
            turn.source.as_ref().map_or(&Value::Null, |shown| &shown.value),
        )
        .bind("target", turn.target.as_ref().unwrap_or(&Value::Null))
        .bind("situation", &situation)
        .bind("error", &problem.to_json());
    if let Err(problem) = turn.work.mapping.evaluate(script, &turn.context, evaluation).await {
        tracing::warn!(mapping = turn.work.mapping.spec.name, %problem, "the script onError failed");
    }
}

/// Under which qualifiers an object has its turn.
pub(crate) async fn qualifiers(
    work: &Work,
    context: &Context,
    source: Option<&Value>,
    old: Option<&Value>,
    item: &Item,
) -> Result<Vec<String>, Problem> {
    let mut all = match &work.mapping.spec.qualifiers {
        Qualifiers::Named(names) => names.clone(),
        Qualifiers::Script(script) => {
            let evaluation = Evaluation::new(work.mapping.subject(script))
                .bind("mapping", &json!(work.mapping.spec.name))
                .bind("object", source.unwrap_or(&Value::Null))
                .bind("oldValue", old.unwrap_or(&Value::Null))
                .bind("returnAll", &Value::Bool(source.is_none()));
            let answer = work.mapping.evaluate(script, context, evaluation);
            let answer = work.timed("linkQualifiersScript", answer).await?.into_value();
            let names = answer
                .as_array()
                .map(|names| names.iter().map(Value::as_str).collect::<Option<Vec<_>>>());
            match names {
                Some(Some(names)) => names.into_iter().map(str::to_owned).collect(),
                _ => {
                    let subject = work.mapping.subject(script);
                    return Err(Problem::internal(format!("{subject}: an array of strings is expected")));
                }
            }
        }
    };
    if let Some(only) = &item.only {
        all.retain(|qualifier| only.contains(qualifier));
    }
    Ok(all)
}

/// The entry of an object that failed before its turn began.
pub(crate) fn failed(item: &Item, problem: Problem) -> Entry {
    let id = Some(item.id.to_string());
    let (source_id, target_id) = match item.side {
        Side::Source => (id, None),
        Side::Target => (None, id),
    };
    Entry {
        side: item.side,
        situation: None,
        action: None,
        qualifier: item
            .only
            .as_ref()
            .and_then(|only| only.first().cloned())
            .unwrap_or_else(|| host_model::mapping::DEFAULT_QUALIFIER.to_owned()),
        source_id,
        target_id,
        candidates: Vec::new(),
        failure: Some(problem),
        counts: crate::entry::Counts::default(),
        seen: Seen::default(),
        change: Vec::new(),
    }
}

impl Attempt {
    /// An object that could not be done because others changed what it touched each time.
    pub(crate) fn overtaken(item: &Item) -> Self {
        let problem = Problem::conflict("something it touched was changed by others during each attempt");
        Self {
            entries: vec![failed(item, problem)],
            ..Self::default()
        }
    }
}
