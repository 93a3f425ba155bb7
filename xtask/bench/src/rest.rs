//! What REST costs beside what is below it: reads by id beside a bare handler, a query with an index among few and many
//! objects, a query without one beside reading the pages, an import beside writing them.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::ensure;
use host_server::{Host, sample};
use host_store::{Collection, Scan, TenantStore};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::spawn_blocking;

use crate::raw::{self, instant};
use crate::scan::{PASSWORD, host, load, median, users};
use crate::table::Row;
use crate::wire::{self, Connection};

const ROUNDS: usize = 3;
/// Connections of the client.
const CONNECTIONS: u64 = 8;
/// Reads by id in a round.
const READS: u64 = 40_000;
/// Queries with an index in a round.
const QUERIES: u64 = 4_000;
/// The collection that a query with an index is compared with has so many times fewer objects.
const FEWER: u64 = 50;
/// Objects in one go of a scan.
const PAGE: usize = 1000;

/// A host that answers on a port.
struct Served {
    host: Arc<Host>,
    address: SocketAddr,
    /// The header that signs in.
    headers: String,
    _folder: tempfile::TempDir,
}

/// All measurements of one run.
pub(crate) async fn compare(objects: u64) -> anyhow::Result<Vec<Row>> {
    let (many, few) = (serve(objects).await?, serve(objects / FEWER).await?);
    let bare_address = bare(many.host.store().clone()).await?;
    let (mut bare_reads, mut reads, mut among_few, mut among_many) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let (mut pages, mut filtered, mut raw_writes, mut imports) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        // In turn, so that a machine whose speed drifts treats all alike.
        let id = move |number: u64| sample::user_id(number * 7919 % objects);
        bare_reads.push(
            gets(bare_address, String::new(), READS, move |number| {
                format!("/{}", id(number))
            })
            .await?,
        );
        let path = move |number: u64| format!("/openidm/managed/user/{}", id(number));
        reads.push(gets(many.address, many.headers.clone(), READS, path).await?);
        among_few.push(queries(&few, objects / FEWER).await?);
        among_many.push(queries(&many, objects).await?);
        pages.push(objects as f64 / read_pages(many.host.store()).await?);
        filtered.push(objects as f64 / full_scan(&many).await?);
        let (raw_rate, import_rate) = writes(objects.min(50_000)).await?;
        raw_writes.push(raw_rate);
        imports.push(import_rate);
    }
    let [bare_reads, reads, among_few, among_many] = [bare_reads, reads, among_few, among_many].map(median);
    let [pages, filtered, raw_writes, imports] = [pages, filtered, raw_writes, imports].map(median);
    Ok(vec![
        Row::figure("objects", objects.to_string()),
        Row::figure(
            "read by id, a bare axum handler on the same store",
            format!("{bare_reads:.0} requests/s"),
        ),
        Row::figure("read by id, REST", format!("{reads:.0} requests/s")),
        Row::at_least("read by id, REST / bare handler", reads / bare_reads, 0.7),
        Row::figure(
            format!("query with an index, {} objects", objects / FEWER),
            format!("{among_few:.0} requests/s"),
        ),
        Row::figure(
            format!("query with an index, {objects} objects"),
            format!("{among_many:.0} requests/s"),
        ),
        Row::at_most(
            format!("query with an index, time among {objects} / {}", objects / FEWER),
            among_few / among_many,
            1.5,
        ),
        Row::figure("all pages read, without a filter", format!("{pages:.0} objects/s/core")),
        Row::figure(
            "filter on one pointer without an index, REST",
            format!("{filtered:.0} objects/s/core"),
        ),
        // No query is faster than the pages are read.
        Row::at_least(
            "filter without an index, objects/s/core",
            filtered.round(),
            pages.min(300_000.0).round(),
        ),
        Row::figure(
            "raw redb, the same objects written once in pages of 500",
            format!("{raw_writes:.0} objects/s"),
        ),
        Row::figure("import, REST", format!("{imports:.0} objects/s")),
        Row::at_least("import / raw redb, objects per second", imports / raw_writes, 0.5),
    ])
}

async fn serve(objects: u64) -> anyhow::Result<Served> {
    let folder = tempfile::tempdir()?;
    let host = Arc::new(host(folder.path()).await?);
    load(&host, objects).await?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let serving = Arc::clone(&host);
    tokio::spawn(async move { serving.serve(listener, std::future::pending()).await });
    let headers = spawn_blocking(move || token(address)).await??;
    Ok(Served {
        host,
        address,
        headers,
        _folder: folder,
    })
}

/// A token, as a client that sends many requests has one.
fn token(address: SocketAddr) -> anyhow::Result<String> {
    let headers = format!(
        "X-OpenIDM-Username: openidm-admin\r\nX-OpenIDM-Password: {PASSWORD}\r\nContent-Type: application/json\r\n"
    );
    let made =
        Connection::open(address, &headers)?.send("POST", "/openidm/internal/token", "", b"{\"name\": \"bench\"}")?;
    let made: Value = serde_json::from_slice(&made)?;
    let token = made["token"].as_str().unwrap_or_default();
    Ok(format!(
        "Authorization: Bearer {token}\r\nAccept-API-Version: resource=1.0\r\n"
    ))
}

/// The least that can answer a read: no caller, no rights, no language, the stored text as it is.
async fn bare(store: TenantStore) -> anyhow::Result<SocketAddr> {
    let read = |axum::extract::State(store): axum::extract::State<TenantStore>,
                axum::extract::Path(id): axum::extract::Path<String>| async move {
        let found = store.get(&Collection::new("managed/user").key(id)).await;
        match found.ok().flatten() {
            Some(document) => Ok(([("content-type", "application/json")], document.body)),
            None => Err(axum::http::StatusCode::NOT_FOUND),
        }
    };
    let routes = axum::Router::new()
        .route("/{id}", axum::routing::get(read))
        .with_state(store);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move { axum::serve(listener, routes).await });
    Ok(address)
}

async fn gets(
    address: SocketAddr,
    headers: String,
    requests: u64,
    path: impl Fn(u64) -> String + Sync + Send + 'static,
) -> anyhow::Result<f64> {
    spawn_blocking(move || wire::rate(address, &headers, CONNECTIONS, requests, path)).await?
}

/// Queries for one object by what an index has.
async fn queries(served: &Served, objects: u64) -> anyhow::Result<f64> {
    let names: Vec<String> = users(0, objects.min(500))
        .into_iter()
        .map(|(_, user)| {
            Ok(serde_json::from_slice::<Value>(&user)?["userName"]
                .as_str()
                .unwrap_or_default()
                .to_owned())
        })
        .collect::<anyhow::Result<_>>()?;
    let path = move |number: u64| {
        let name = &names[number as usize % names.len()];
        format!("/openidm/managed/user?_queryFilter=userName+eq+%22{name}%22&_pageSize=10")
    };
    gets(served.address, served.headers.clone(), QUERIES, path).await
}

/// Seconds that it takes to read all objects of the store, page by page.
async fn read_pages(store: &TenantStore) -> anyhow::Result<f64> {
    let started = instant();
    let snapshot = store.snapshot().await?;
    let mut cursor = None;
    loop {
        let scan = Scan::all(Collection::new("managed/user"), PAGE);
        let page = snapshot.scan(&scan.after(cursor)).await?;
        cursor = page.cursor;
        if cursor.is_none() {
            return Ok(started.elapsed().as_secs_f64());
        }
    }
}

/// Seconds that it takes to look for what is not there, by a property without an index. One query works on one core.
async fn full_scan(served: &Served) -> anyhow::Result<f64> {
    let (address, headers) = (served.address, served.headers.clone());
    spawn_blocking(move || {
        let mut connection = Connection::open(address, &headers)?;
        let path = "/openidm/managed/user?_queryFilter=telephoneNumber+eq+%22none%22";
        let started = instant();
        let answer: Value = serde_json::from_slice(&connection.send("GET", path, "", b"")?)?;
        ensure!(answer["resultCount"] == 0, "something was found");
        Ok(started.elapsed().as_secs_f64())
    })
    .await?
}

/// Objects per second that redb writes, and that an import takes in.
async fn writes(objects: u64) -> anyhow::Result<(f64, f64)> {
    let folder = tempfile::tempdir()?;
    let documents = users(0, objects);
    let raw_rate = raw::written_once(folder.path(), &documents)?;
    let mut lines = Vec::new();
    for (id, body) in &documents {
        lines.extend(format!("{{\"_id\":\"{id}\",").as_bytes());
        lines.extend(&body[1..]);
        lines.push(b'\n');
    }
    drop(documents);
    let served = serve(0).await?;
    let (address, headers) = (served.address, served.headers.clone());
    let rate = spawn_blocking(move || {
        let mut connection = Connection::open(address, &headers)?;
        let path = "/openidm/managed/user?_action=import";
        let started = instant();
        let answer = connection.send("POST", path, "Content-Type: application/x-ndjson\r\n", &lines)?;
        let took = started.elapsed().as_secs_f64();
        let report: Value = serde_json::from_slice(&answer)?;
        ensure!(report["created"] == objects, "not every object was taken in: {report}");
        anyhow::Ok(objects as f64 / took)
    })
    .await??;
    Ok((raw_rate, rate))
}
