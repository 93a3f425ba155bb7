//! HTTP towards systems: one request, one answer, on a connection that is kept for the next. Nothing is followed, nothing
//! is repeated that may have arrived, and an answer that is too large is left where it is.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use host_model::clock::{Clock, Timestamp};
use http::header::{HOST, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use url::Url;

use crate::error::Error;

/// So many connections are kept while nobody uses them.
const MAX_IDLE: usize = 10;
/// For so long they are kept: servers close them some time later, and a write should not meet that.
const IDLE: chrono::Duration = chrono::Duration::seconds(15);
/// The longest time that a system can ask to be left alone.
const LONGEST_REST: Duration = Duration::from_secs(3600);

/// What is sent.
pub(crate) struct Call {
    pub(crate) method: Method,
    /// Where: scheme, host, port, path and query.
    pub(crate) url: Url,
    /// What is said besides; `Host` is said anyway.
    pub(crate) headers: HeaderMap,
    /// Empty is none.
    pub(crate) body: Bytes,
    /// A longer body of the answer (bytes) is not read.
    pub(crate) limit: usize,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    /// For how long the server asks to be left alone, if it says so, as seconds or as a time (RFC 9110, 10.2.3).
    pub(crate) fn retry_after(&self, now: Timestamp) -> Option<Duration> {
        let text = self.headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
        let rest = match text.parse::<u64>() {
            Ok(seconds) => Duration::from_secs(seconds),
            Err(_) => {
                let until = chrono::DateTime::parse_from_rfc2822(text).ok()?;
                (until.to_utc() - now).to_std().unwrap_or_default()
            }
        };
        Some(rest.min(LONGEST_REST))
    }
}

/// Where a connection leads. Two addresses with the same origin are the same server.
pub(crate) fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

/// A client with its connections.
pub(crate) struct HttpClient {
    tls: Arc<ClientConfig>,
    idle: Mutex<Vec<Idle>>,
    clock: Arc<dyn Clock>,
}

/// A connection that nobody uses.
struct Idle {
    connection: Connection,
    since: Timestamp,
}

/// A connection, and the task that moves its bytes, which ends with it.
struct Connection {
    origin: String,
    sender: SendRequest<Full<Bytes>>,
    task: JoinHandle<()>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl HttpClient {
    pub(crate) fn new(tls: Arc<ClientConfig>, clock: Arc<dyn Clock>) -> Self {
        Self {
            tls,
            idle: Mutex::default(),
            clock,
        }
    }

    /// Sends a call and reads the whole answer, whatever its status.
    pub(crate) async fn send(&self, call: Call) -> Result<Answer, Error> {
        let origin = origin(&call.url);
        let limit = call.limit;
        let mut request = request(call)?;
        let (mut connection, response) = loop {
            let idle = self.take(&origin);
            let is_used = idle.is_some();
            let mut connection = match idle {
                Some(connection) => connection,
                None => self.connect(&origin, request.1.clone()).await?,
            };
            if let Err(error) = connection.sender.ready().await {
                if is_used {
                    continue;
                }
                return Err(lost(&error));
            }
            match connection.sender.try_send_request(request.0).await {
                Ok(response) => break (connection, response),
                // It was closed before anything was sent: another connection takes it.
                Err(mut error) => match error.take_message() {
                    Some(message) if is_used => request.0 = message,
                    _ => return Err(lost(error.error())),
                },
            }
        };
        let (head, body) = response.into_parts();
        let collected = Limited::new(body, limit).collect().await.map_err(|error| {
            if error.is::<LengthLimitError>() {
                Error::TooLarge(format!("it answers with more than {limit} bytes"))
            } else {
                Error::Lost("the answer broke off".to_owned())
            }
        })?;
        // A server that closes says so to the sender.
        if connection.sender.ready().await.is_ok() {
            self.give_back(connection);
        }
        Ok(Answer {
            status: head.status,
            headers: head.headers,
            body: collected.to_bytes(),
        })
    }

    fn take(&self, origin: &str) -> Option<Connection> {
        let now = self.clock.now();
        let mut idle = self.idle.lock();
        idle.retain(|idle| idle.since + IDLE > now && !idle.connection.sender.is_closed());
        let at = idle.iter().rposition(|idle| idle.connection.origin == origin)?;
        Some(idle.swap_remove(at).connection)
    }

    fn give_back(&self, connection: Connection) {
        let since = self.clock.now();
        let mut idle = self.idle.lock();
        if idle.len() < MAX_IDLE {
            idle.push(Idle { connection, since });
        }
    }

    async fn connect(&self, origin: &str, target: Target) -> Result<Connection, Error> {
        let unreachable = |error: std::io::Error| Error::Unreachable(error.to_string());
        let stream = TcpStream::connect((target.host.as_str(), target.port)).await;
        let stream = stream.map_err(unreachable)?;
        stream.set_nodelay(true).map_err(unreachable)?;
        if !target.is_tls {
            return handshake(origin, stream).await;
        }
        let name = ServerName::try_from(target.host.clone())
            .map_err(|_| Error::Unreachable(format!("'{}' is no name of a server", target.host)))?;
        let stream = TlsConnector::from(Arc::clone(&self.tls)).connect(name, stream).await;
        handshake(origin, stream.map_err(unreachable)?).await
    }
}

/// Where to connect to.
#[derive(Clone)]
struct Target {
    is_tls: bool,
    host: String,
    port: u16,
}

fn request(call: Call) -> Result<(Request<Full<Bytes>>, Target), Error> {
    let unusable = || Error::Failed("the address of a call cannot be used".to_owned());
    let host = match call.url.host().ok_or_else(unusable)? {
        url::Host::Domain(name) => name.to_owned(),
        url::Host::Ipv4(address) => address.to_string(),
        url::Host::Ipv6(address) => address.to_string(),
    };
    let target = Target {
        is_tls: call.url.scheme() == "https",
        host,
        port: call.url.port_or_known_default().ok_or_else(unusable)?,
    };
    let shown = call.url.host_str().unwrap_or_default();
    let authority = match call.url.port() {
        Some(port) => format!("{shown}:{port}"),
        None => shown.to_owned(),
    };
    let path = match call.url.query() {
        Some(query) => format!("{}?{query}", call.url.path()),
        None => call.url.path().to_owned(),
    };
    let mut request = Request::builder()
        .method(call.method)
        .uri(path)
        .body(Full::new(call.body))
        .map_err(|_| unusable())?;
    *request.headers_mut() = call.headers;
    let authority = HeaderValue::from_str(&authority).map_err(|_| unusable())?;
    request.headers_mut().insert(HOST, authority);
    Ok((request, target))
}

async fn handshake(
    origin: &str,
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
) -> Result<Connection, Error> {
    let (sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| lost(&error))?;
    let task = tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection to a system ended");
        }
    });
    Ok(Connection {
        origin: origin.to_owned(),
        sender,
        task,
    })
}

/// What it means that there is no answer. The texts of the library hold nothing of what was sent.
fn lost(error: &hyper::Error) -> Error {
    if error.is_parse() {
        return Error::Failed("it does not answer in HTTP".to_owned());
    }
    Error::Lost(error.to_string())
}

#[cfg(test)]
mod tests {
    use host_model::clock::parse_wire_time;

    use super::*;

    #[test]
    fn a_server_says_for_how_long_it_is_to_be_left_alone() {
        let now = parse_wire_time("2026-06-01T12:00:00Z").unwrap();
        let check = |text: &'static str, expected: Option<u64>| {
            let answer = Answer {
                status: StatusCode::TOO_MANY_REQUESTS,
                headers: HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static(text))]),
                body: Bytes::new(),
            };
            assert_eq!(answer.retry_after(now), expected.map(Duration::from_secs), "{text}");
        };
        check("7", Some(7));
        check(" 0 ", Some(0));
        check("99999999999", Some(3600));
        check("Mon, 01 Jun 2026 12:00:30 GMT", Some(30));
        check("Mon, 01 Jun 2026 11:00:00 GMT", Some(0));
        check("soon", None);
        check("-1", None);
    }
}
