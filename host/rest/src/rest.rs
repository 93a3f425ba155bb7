//! The server behind HTTP: whom a request is for, who sends it, what it says, and what the tenant's router answers.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use host_model::audit::Audit;
use host_model::clock::Clock;
use host_model::ids::Ids;
use host_resource::{Code, Context, Problem};
use http::HeaderMap;
use http::header::{CONTENT_LENGTH, HOST};
use http::request::Parts;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use tokio::sync::watch;

use crate::answer::{self, Reply};
use crate::bulk::Import;
use crate::exchange::{Exchange, Streaming};
use crate::limits::{BODY_TIME, Limits};
use crate::ping;
use crate::request::{Ask, Method, Operation, Payload};
use crate::tenants::{Tenant, Tenants, TenantsError};
use crate::versions::Answered;

/// The REST server of some tenants. [`crate::serve`] connects it to a socket.
#[derive(Debug)]
pub struct Rest {
    tenants: Tenants,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    limits: Limits,
    ready: watch::Sender<bool>,
}

/// What the log says about a request besides what HTTP knows.
#[derive(Clone, Default)]
pub(crate) struct Seen {
    pub(crate) tenant: Option<Arc<str>>,
    pub(crate) caller: Option<Arc<str>>,
    /// Where the request is told, if it is.
    pub(crate) audit: Option<Arc<dyn Audit>>,
    /// What was asked for, once that was understood.
    pub(crate) operation: Option<Operation>,
    /// The headers of the request.
    pub(crate) headers: HeaderMap,
}

impl Rest {
    /// Not ready at first: see [`Rest::set_ready`].
    pub fn new(
        tenants: Vec<Tenant>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
        limits: Limits,
    ) -> Result<Self, TenantsError> {
        let tenants = Tenants::new(tenants, limits.requests_per_tenant)?;
        Ok(Self {
            tenants,
            clock,
            ids,
            limits,
            ready: watch::Sender::new(false),
        })
    }

    /// What `/readyz` and `/openidm/info/ping` say from now on.
    pub fn set_ready(&self, is_ready: bool) {
        self.ready.send_replace(is_ready);
    }

    pub(crate) fn is_ready(&self) -> bool {
        *self.ready.borrow()
    }

    pub(crate) fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    pub(crate) fn ids(&self) -> &dyn Ids {
        self.ids.as_ref()
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Answers a request of the common REST language. The order matters: nothing is read from, and nothing told to, a
    /// client that has not said who it is.
    pub(crate) async fn answer(
        &self,
        head: &Parts,
        mut body: Body,
        request_id: Arc<str>,
        seen: &mut Seen,
    ) -> Result<Reply, Problem> {
        let destination = self.tenants.find(host(head), head.uri.path())?;
        let tenant = &destination.served.tenant;
        seen.tenant = Some(tenant.name.as_str().into());
        let ask = || {
            let method = Method::of(&head.method, &head.headers)?;
            Ask::of(
                method,
                destination.path,
                head.uri.query().unwrap_or_default(),
                &head.headers,
            )
        };
        if ping::is_ping(&head.method, destination.path) {
            return ping::answer(self.is_ready(), ask()?.style());
        }

        seen.audit = Some(Arc::clone(&tenant.audit));
        let caller = tenant.callers.authenticate(&head.headers).await?;
        seen.caller = Some(Arc::clone(&caller.name));
        let slot = Arc::clone(&destination.served.slots).try_acquire_owned();
        let slot = slot.map_err(|_| Problem::unavailable("the tenant has too many requests at once"))?;
        let ask = ask()?;
        seen.operation = Some(ask.operation().clone());
        let style = ask.style().clone();
        if let Some((path, parameters)) = ask.import(&head.headers)? {
            let import = Import {
                router: Arc::clone(&tenant.router),
                context: Context::new(caller, request_id),
                clock: Arc::clone(&self.clock),
                path,
                parameters,
                version: ask.versions().resource,
                line_bytes: self.limits.body_bytes,
            };
            let summary = import.run(&mut body).await?;
            return answer::action(Some(summary), &style);
        }
        let bytes = if ask.takes_body() {
            self.read(head, body).await?
        } else {
            Bytes::new()
        };
        let answered = Answered::of(&tenant.router, &ask);
        let call = ask.call(Payload::of(&head.headers, &bytes).await?)?;
        let exchange = Exchange {
            router: Arc::clone(&tenant.router),
            context: Context::new(caller, request_id),
            style,
            base: destination.base.to_owned(),
            slot,
            streaming: Streaming {
                clock: Arc::clone(&self.clock),
                ready: self.ready.subscribe(),
                places: Arc::clone(&destination.served.streams),
            },
        };
        let mut reply = exchange.perform(call).await?;
        answered.tell(reply.headers_mut());
        Ok(reply)
    }

    /// The whole body, if it is not too long and does not take too long.
    async fn read(&self, head: &Parts, body: Body) -> Result<Bytes, Problem> {
        let limit = self.limits.body_bytes;
        let too_large = || Problem::new(Code::TOO_LARGE, format!("the body is longer than {limit} bytes"));
        let declared = head
            .headers
            .get(CONTENT_LENGTH)
            .and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
        if declared.is_some_and(|length| length > limit as u64) {
            return Err(too_large());
        }
        let deadline = self.clock.now() + BODY_TIME;
        tokio::select! {
            read = Limited::new(body, limit).collect() => match read {
                Ok(collected) => Ok(collected.to_bytes()),
                Err(error) if error.is::<LengthLimitError>() => Err(too_large()),
                Err(error) => Err(body_problem(error.as_ref())),
            },
            () = self.clock.sleep_until(deadline) => {
                let message = format!("the body did not arrive within {} seconds", BODY_TIME.as_secs());
                Err(Problem::new(Code::new(408), message))
            }
        }
    }
}

/// A body that could not be read, or could not be decoded.
pub(crate) fn body_problem(error: &(dyn std::error::Error + 'static)) -> Problem {
    let is_broken_off =
        std::iter::successors(Some(error), |error| error.source()).any(|error| error.is::<hyper::Error>());
    Problem::bad_request(if is_broken_off {
        "the body broke off"
    } else {
        "the body is said to be gzip, and cannot be decoded as that"
    })
}

/// The host that the request is for: of the request line if it has one there, else of the header. Two headers are none:
/// a proxy may have looked at the other one.
fn host(head: &Parts) -> Option<&str> {
    if let Some(authority) = head.uri.authority() {
        return Some(authority.host());
    }
    let mut hosts = head.headers.get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(host), None) => host.to_str().ok(),
        (Some(_), Some(_)) | (None, _) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_is_said_once() {
        let check = |uri: &str, hosts: &[&str], expected: Option<&str>| {
            let mut request = http::Request::builder().uri(uri);
            for name in hosts {
                request = request.header(HOST, *name);
            }
            let (head, ()) = request.body(()).unwrap().into_parts();
            assert_eq!(host(&head), expected, "{uri} {hosts:?}");
        };
        check("/openidm", &["one:80"], Some("one:80"));
        check("/openidm", &[], None);
        check("/openidm", &["one", "two"], None);
        check("http://me:secret@three:80/openidm", &["one"], Some("three"));
    }
}
