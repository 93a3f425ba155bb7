//! One call on a tenant's router, and its answer.

use std::sync::Arc;

use host_model::clock::Clock;
use host_resource::{ApiVersion, Code, Context, Page, Problem, Query, Request, ResourcePath, Response, Router, Verb};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use crate::answer::envelope::{Envelope, Totals};
use crate::answer::events::Events;
use crate::answer::pages::Everything;
use crate::answer::{self, Reply};
use crate::count::Count;
use crate::request::{Call, Style, Upsert};

/// How often an upsert looks again when the resource comes and goes between its two steps.
const UPSERT_ROUNDS: usize = 4;

/// What a call needs beside itself.
pub(crate) struct Exchange {
    pub(crate) router: Arc<Router>,
    pub(crate) context: Context,
    pub(crate) style: Style,
    /// The path before the resource's, as the client wrote it: `/openidm` or `/tenants/NAME/openidm`.
    pub(crate) base: String,
    /// The tenant's slot that the call takes up.
    pub(crate) slot: OwnedSemaphorePermit,
    pub(crate) streaming: Streaming,
}

/// What a stream of events needs.
pub(crate) struct Streaming {
    pub(crate) clock: Arc<dyn Clock>,
    /// Whether the server goes on.
    pub(crate) ready: watch::Receiver<bool>,
    /// The tenant's places for streams.
    pub(crate) places: Arc<Semaphore>,
}

/// A page of a query.
pub(crate) async fn page(
    router: &Router,
    context: &Context,
    path: &ResourcePath,
    query: &Query,
    version: Option<ApiVersion>,
) -> Result<Page, Problem> {
    let request = Request {
        path: path.clone(),
        verb: Verb::Query(query.clone()),
        version,
    };
    match router.handle(context, request).await? {
        Response::Page(page) => Ok(page),
        Response::Created(_) | Response::Object(_) | Response::Action(_) => {
            Err(Problem::internal("a query was not answered by a page"))
        }
    }
}

impl Exchange {
    /// Does what the call says.
    pub(crate) async fn perform(self, call: Call) -> Result<Reply, Problem> {
        match call {
            Call::Once(request) => {
                let container = request.path.clone();
                let chosen = match &request.verb {
                    Verb::Create(create) => create.id.clone(),
                    _ => None,
                };
                let response = self.ask(request).await?;
                self.reply(response, &container, chosen.as_deref())
            }
            Call::Read { request, unless } => match self.ask(request).await? {
                Response::Object(object) if object.rev.as_ref().is_some_and(|rev| unless.contains(rev)) => {
                    Ok(answer::not_modified(object.rev.as_deref().unwrap_or_default()))
                }
                response => self.reply(response, &ResourcePath::default(), None),
            },
            Call::Watch(request) => {
                let Self {
                    router,
                    context,
                    style,
                    slot,
                    streaming,
                    ..
                } = self;
                let place = streaming.places.try_acquire_owned();
                let place = place
                    .map_err(|_| Problem::unavailable("the tenant has too many streams of events open at once"))?;
                let events = Events {
                    router,
                    context,
                    request,
                    style,
                    clock: streaming.clock,
                    ready: streaming.ready,
                };
                let reply = events.answer(place).await;
                // A stream has a place of its own: it would keep the tenant from asking anything else.
                drop(slot);
                reply
            }
            Call::Upsert(upsert) => {
                let response = self.upsert(&upsert).await?;
                self.reply(response, upsert.container(), Some(upsert.id()))
            }
            Call::Everything {
                path,
                query,
                version,
                is_lines,
            } => {
                let Self {
                    router,
                    context,
                    style,
                    slot,
                    ..
                } = self;
                Everything {
                    router,
                    context,
                    path,
                    query,
                    version,
                    style,
                    is_lines,
                }
                .answer(slot)
                .await
            }
            Call::Count { path, query, version } => {
                let count = Count {
                    router: &self.router,
                    context: &self.context,
                    path,
                    query,
                    version,
                };
                answer::count(count.take().await?, &self.style)
            }
            Call::Options => Ok(answer::options()),
        }
    }

    /// Creates, or updates what is there already. If it vanishes in between, the loop begins again. If it still is not
    /// there in the end, others create and delete it all the time, or something else could not be created: a hook's, say.
    async fn upsert(&self, upsert: &Upsert) -> Result<Response, Problem> {
        let mut refused = None;
        for _ in 0..UPSERT_ROUNDS {
            match self.ask(upsert.create()).await {
                Err(problem) if problem.code == Code::PRECONDITION_FAILED => refused = Some(problem),
                // Where nothing can be made, what the path names is perhaps no single resource: the update knows.
                Err(problem) if [Code::NOT_FOUND, Code::UNSUPPORTED].contains(&problem.code) => {
                    return self.ask(upsert.update()).await;
                }
                done => return done,
            }
            match self.ask(upsert.update()).await {
                Err(problem) if problem.code == Code::NOT_FOUND => {}
                done => return done,
            }
        }
        let why = refused.map_or_else(String::new, |problem| format!(" ({})", problem.message));
        Err(Problem::conflict(format!(
            "the resource can neither be created{why} nor updated: it is not there"
        )))
    }

    async fn ask(&self, request: Request) -> Result<Response, Problem> {
        self.router.handle(&self.context, request).await
    }

    /// `chosen` is the id that the client chose, if it did: a resource may show itself under a longer one.
    fn reply(&self, response: Response, container: &ResourcePath, chosen: Option<&str>) -> Result<Reply, Problem> {
        match response {
            Response::Created(object) => {
                let location = format!("{}/{}", self.base, container.child(chosen.unwrap_or(&object.id)));
                answer::object(object, &self.style, Some(&location))
            }
            Response::Object(object) => answer::object(object, &self.style, None),
            Response::Page(page) => {
                let mut envelope = Envelope::new(self.style.clone());
                envelope.add(page.result)?;
                let totals = Totals {
                    cookie: page.cookie,
                    policy: page.policy,
                    total: page.total,
                };
                Ok(answer::json(envelope.close(totals)))
            }
            Response::Action(said) => answer::action(said, &self.style),
        }
    }
}
