//! One call on a tenant's router, and its answer.

use std::sync::Arc;

use host_resource::{Code, Context, Problem, Request, ResourcePath, Response, Router};
use tokio::sync::OwnedSemaphorePermit;

use crate::answer::envelope::{Envelope, Totals};
use crate::answer::pages::Everything;
use crate::answer::{self, Reply};
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
}

impl Exchange {
    /// Does what the call says.
    pub(crate) async fn perform(self, call: Call) -> Result<Reply, Problem> {
        match call {
            Call::Once(request) => {
                let container = request.path.clone();
                let response = self.ask(request).await?;
                self.reply(response, &container)
            }
            Call::Read { request, unless } => match self.ask(request).await? {
                Response::Object(object) if object.rev.as_ref().is_some_and(|rev| unless.contains(rev)) => {
                    Ok(answer::not_modified(object.rev.as_deref().unwrap_or_default()))
                }
                response => self.reply(response, &ResourcePath::default()),
            },
            Call::Upsert(upsert) => {
                let response = self.upsert(&upsert).await?;
                self.reply(response, upsert.container())
            }
            Call::Everything { path, query, version } => {
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
                }
                .answer(slot)
                .await
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

    fn reply(&self, response: Response, container: &ResourcePath) -> Result<Reply, Problem> {
        match response {
            Response::Created(object) => {
                let location = format!("{}/{}", self.base, container.child(&object.id));
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
