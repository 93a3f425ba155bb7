//! What a run does: its `invokeContext`, checked and made ready.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use host_model::clock::Timestamp;
use host_model::limits::Limits;
use host_model::macros;
use host_model::scan::{ScanQuery, ScanSpec};
use host_model::script::ScriptSpec;
use host_resource::filter::Extractor;
use host_resource::{Filter, Pointer, Problem, ResourcePath, Router};
use host_runtime::{Purpose, Script, Scripts};
use host_store::{Collection, UnitOfWork};
use serde_json::Value;

/// An action that is part of the host: the measure by which the sandbox's tax is taken.
pub type Native = Arc<
    dyn Fn(Arc<UnitOfWork>, host_store::Key) -> Pin<Box<dyn Future<Output = Result<bool, Problem>> + Send>>
        + Send
        + Sync,
>;

/// What is done with each object.
#[derive(Clone)]
pub(crate) enum Action {
    Script(Arc<Script>),
    Native(Native),
    /// Nothing: what was found out before is committed.
    Plan,
}

/// A run's work, ready to be done.
pub(crate) struct Definition {
    pub(crate) spec: ScanSpec,
    pub(crate) collection: Collection,
    /// The container's path.
    pub(crate) path: ResourcePath,
    pub(crate) action: Action,
    /// Finds the claim (0) and the completion (1) in a document.
    pub(crate) marks: Extractor,
    /// Where the two are.
    pub(crate) places: Arc<[Pointer]>,
    pub(crate) limits: Limits,
}

impl Definition {
    /// Checks an `invokeContext` and makes its script ready.
    pub(crate) async fn prepare(invoke_context: &Value, scripts: &Scripts, router: &Router) -> Result<Self, Problem> {
        let spec = ScanSpec::parse(invoke_context).map_err(within)?;
        let script = ScriptSpec::parse(&spec.script, script_pointer()).map_err(within)?;
        let script = scripts
            .prepare(&script, Purpose::Task, "/invokeContext/task/script")
            .await?;
        Self::ready(spec, Action::Script(Arc::new(script)), router)
    }

    /// The same with an action of the host's own.
    pub(crate) fn native(invoke_context: &Value, action: Native, router: &Router) -> Result<Self, Problem> {
        let spec = ScanSpec::parse(invoke_context).map_err(within)?;
        Self::ready(spec, Action::Native(action), router)
    }

    /// What is needed to commit a plan: no script is called any more.
    pub(crate) fn to_apply(invoke_context: &Value, router: &Router) -> Result<Self, Problem> {
        let spec = ScanSpec::parse(invoke_context).map_err(within)?;
        Self::ready(spec, Action::Plan, router)
    }

    fn ready(spec: ScanSpec, action: Action, router: &Router) -> Result<Self, Problem> {
        let at = |message: String| Problem::invalid("/invokeContext/scan/object", message);
        let path = ResourcePath::parse(&spec.object).map_err(|error| at(error.to_string()))?;
        let collection = router.collection(&path).ok_or_else(|| {
            at(format!(
                "'{}' cannot be scanned: name a container of managed objects that exists",
                spec.object
            ))
        })?;
        for (name, place) in [("started", &spec.started), ("completed", &spec.completed)] {
            router.check_mark(&path, place).map_err(|why| {
                Problem::invalid(
                    format!("/invokeContext/scan/taskState/{name}"),
                    format!("'{place}': {why}"),
                )
            })?;
        }
        let places = [spec.started.clone(), spec.completed.clone()];
        let definition = Self {
            collection: Collection::new(&collection),
            path,
            action,
            marks: Extractor::new(&places),
            places: places.into(),
            limits: Limits::default(),
            spec,
        };
        // The instant does not matter: only whether the filter can be understood.
        definition.filter(Timestamp::UNIX_EPOCH)?;
        Ok(definition)
    }

    /// The filter as it stands at an instant.
    pub(crate) fn filter(&self, now: Timestamp) -> Result<Arc<Filter>, Problem> {
        let at = |message: String| Problem::invalid("/invokeContext/scan/_queryFilter", message);
        match &self.spec.query {
            ScanQuery::Filter(text) => {
                let expanded = macros::expand(text, now).map_err(|error| at(error.to_string()))?;
                // Positions count in the text as it was written, so that text is parsed first: a macro lies within a
                // string, whose content does not matter to the grammar.
                if let Err(error) = Filter::parse(text) {
                    return Err(at(error.to_string()).with_detail("position", error.position));
                }
                Filter::parse(&expanded)
                    .map(Arc::new)
                    .map_err(|error| at(error.to_string()))
            }
            ScanQuery::Id { id, .. } if id == "query-all" || id == "query-all-ids" => {
                Ok(Arc::new(Filter::Literal(true)))
            }
            ScanQuery::Id { id, .. } => {
                let message = format!("'{id}' is not a query: use query-all or a _queryFilter");
                Err(Problem::invalid("/invokeContext/scan/_queryId", message))
            }
            ScanQuery::Expression(_) => {
                let message = "query expressions are not supported: use a _queryFilter";
                Err(Problem::invalid("/invokeContext/scan/_queryExpression", message))
            }
        }
    }
}

fn script_pointer() -> Pointer {
    Pointer::root().child("task").child("script")
}

fn within(invalid: host_model::Invalid) -> Problem {
    let below = if invalid.pointer.is_root() {
        String::new()
    } else {
        invalid.pointer.to_string()
    };
    Problem::invalid(format!("/invokeContext{below}"), invalid.message)
}
