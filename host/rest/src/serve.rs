//! Connections: accepting them, bounding them, and letting them end.

mod stall;

use std::pin::pin;
use std::sync::Arc;

use axum::Extension;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;

use crate::audit::Peer;
use crate::limits::{ACCEPT_PAUSE, GRACE_TIME, HEAD_BYTES, HEAD_TIME};
use crate::rest::Rest;
use crate::shell;
use stall::Stalling;

/// Serves until `shutdown` is done: then nothing new is accepted, `/readyz` says so to whoever is still connected, idle
/// connections close, and requests that are under way get half a minute. A handler that needs longer loses its
/// connection; it goes on until the runtime ends.
pub async fn serve(listener: TcpListener, rest: Arc<Rest>, shutdown: impl Future<Output = ()> + Send) {
    let places = Arc::new(Semaphore::new(rest.limits().connections));
    let routes = shell::routes(Arc::clone(&rest));
    let (stop, stopping) = watch::channel(false);
    let mut connections = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            Some(_) = connections.join_next() => {}
            (accepted, place) = accept(&listener, &places) => match accepted {
                Ok(stream) => {
                    let connection = connection(stream, place, Arc::clone(&rest), routes.clone(), stopping.clone());
                    connections.spawn(connection);
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    let later = rest.clock().now() + ACCEPT_PAUSE;
                    tokio::select! {
                        () = &mut shutdown => break,
                        () = rest.clock().sleep_until(later) => {}
                    }
                }
            },
        }
    }
    drop(listener);
    rest.set_ready(false);
    stop.send_replace(true);
    let deadline = rest.clock().now() + GRACE_TIME;
    tokio::select! {
        () = async { while connections.join_next().await.is_some() {} } => {}
        () = rest.clock().sleep_until(deadline) => {
            tracing::warn!(connections = connections.len(), "requests did not end in time and are cut off");
            connections.shutdown().await;
        }
    }
}

/// Accepts a connection once there is a place for it.
async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> (std::io::Result<TcpStream>, Option<OwnedSemaphorePermit>) {
    // The semaphore is never closed.
    let place = Arc::clone(places).acquire_owned().await.ok();
    (listener.accept().await.map(|(stream, _)| stream), place)
}

/// Serves one connection until it ends.
async fn connection(
    stream: TcpStream,
    place: Option<OwnedSemaphorePermit>,
    rest: Arc<Rest>,
    routes: axum::Router,
    mut stopping: watch::Receiver<bool>,
) {
    // Answers are written as a whole; waiting for more to send would only delay them. Without it they still arrive.
    let _ = stream.set_nodelay(true);
    let routes = match stream.peer_addr() {
        Ok(peer) => routes.layer(Extension(Peer(peer))),
        Err(_) => routes,
    };
    let stream = Stalling::new(stream, Arc::clone(rest.clock()), stopping.clone());
    // hyper's timer is the machine's: a connection is real also where the tenants' time is simulated.
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_buf_size(HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(routes));
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        _ = stopping.changed() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke");
    }
    drop(place);
}
