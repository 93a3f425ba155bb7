//! A directory of its own for a measurement, and a client of it that does what a run does, and nothing else.

use std::collections::HashSet;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, bail, ensure};
use chrono::TimeDelta;
use host_model::clock::Clock as _;
use host_server::clock::SystemClock;
use ldap3::adapters::{Adapter, EntriesOnly, PagedResults};
use ldap3::{Ldap, LdapConnAsync, Scope, SearchEntry};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::raw::instant;

/// Connections, as many as a connector has.
pub(crate) const CONNECTIONS: u64 = 10;

const ADMIN: &str = "cn=admin,dc=example,dc=com";
const PASSWORD: &str = "correct horse battery staple";
const PEOPLE: &str = "ou=people,dc=example,dc=com";
const SHOWN: [&str; 6] = ["uid", "cn", "sn", "mail", "entryUUID", "objectClass"];

/// Between two looks whether it has come up.
const PAUSE: TimeDelta = TimeDelta::milliseconds(10);

/// Entries of a page, as a run asks for them.
const PAGE: i32 = 500;

/// A running directory: the one of the example. It ends when it is dropped.
pub(crate) struct Directory {
    child: Child,
    port: u16,
}

impl Directory {
    /// Whether this machine has one.
    pub(crate) fn is_there() -> bool {
        Path::new("/usr/sbin/slapd").exists()
    }

    pub(crate) async fn start(folder: &Path) -> anyhow::Result<Self> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/hr-to-directory/directory.sh");
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let child = Command::new(script)
            .arg(folder.join("ldap"))
            .arg(port.to_string())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let directory = Self { child, port };
        for _ in 0..1_000 {
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return Ok(directory);
            }
            SystemClock.sleep_until(SystemClock.now() + PAUSE).await;
        }
        bail!("slapd does not come up")
    }

    pub(crate) fn url(&self) -> String {
        format!("ldap://127.0.0.1:{}", self.port)
    }

    /// The directory as a connected system.
    pub(crate) fn system(&self) -> Value {
        let text = |native: &str| json!({"type": "string", "nativeName": native, "nativeType": "string"});
        json!({
            "connectorRef": {"connectorName": "org.identityconnectors.ldap.LdapConnector"},
            "configurationProperties": {
                "host": "127.0.0.1", "port": self.port, "principal": ADMIN, "credentials": PASSWORD,
                "baseContexts": [PEOPLE], "accountUserNameAttributes": ["uid"],
            },
            "objectTypes": {"account": {
                "id": "__ACCOUNT__", "nativeType": "__ACCOUNT__", "type": "object",
                "properties": {
                    "dn": {"type": "string", "nativeName": "__NAME__", "required": true},
                    "uid": text("uid"), "cn": text("cn"), "sn": text("sn"),
                    "mail": {"type": "array", "items": {"type": "string"}, "nativeName": "mail"},
                },
            }},
        })
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The name of an account.
pub(crate) fn dn(name: &str) -> String {
    format!("uid={name},{PEOPLE}")
}

async fn connect(url: &str) -> anyhow::Result<Ldap> {
    let (connection, mut ldap) = LdapConnAsync::new(url).await?;
    ldap3::drive!(connection);
    ldap.simple_bind(ADMIN, PASSWORD).await?.success()?;
    Ok(ldap)
}

/// Makes accounts, asks for the id of each, and reads it by its id, as a run does. Seconds.
pub(crate) async fn make(url: String, accounts: u64) -> anyhow::Result<f64> {
    let started = instant();
    let mut workers = JoinSet::new();
    for worker in 0..CONNECTIONS {
        let url = url.clone();
        workers.spawn(async move {
            let mut ldap = connect(&url).await?;
            for number in (worker..accounts).step_by(CONNECTIONS as usize) {
                let name = format!("user.{number}");
                let one = |value: &str| HashSet::from([value.to_owned()]);
                let attributes = vec![
                    ("objectClass".to_owned(), one("inetOrgPerson")),
                    ("uid".to_owned(), one(&name)),
                    ("cn".to_owned(), one(&name)),
                    ("sn".to_owned(), one("Family")),
                    ("mail".to_owned(), one(&format!("{name}@example.com"))),
                ];
                ldap.add(&dn(&name), attributes).await?.success()?;
                let (found, _) = ldap
                    .search(&dn(&name), Scope::Base, "(objectClass=*)", vec!["entryUUID"])
                    .await?
                    .success()?;
                let entry = SearchEntry::construct(found.into_iter().next().context("no entry")?);
                let id = entry
                    .attrs
                    .get("entryUUID")
                    .and_then(|ids| ids.first())
                    .context("no id")?;
                read(&mut ldap, id).await?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(done) = workers.join_next().await {
        done??;
    }
    Ok(started.elapsed().as_secs_f64())
}

async fn read(ldap: &mut Ldap, id: &str) -> anyhow::Result<()> {
    let filter = format!("(entryUUID={id})");
    let (found, _) = ldap
        .search(PEOPLE, Scope::Subtree, &filter, SHOWN.to_vec())
        .await?
        .success()?;
    ensure!(found.len() == 1, "{} entries of one id", found.len());
    drop(found.into_iter().map(SearchEntry::construct).collect::<Vec<_>>());
    Ok(())
}

/// Reads each account by its id and lists them all in pages, as a run does that finds nothing to do. Seconds.
pub(crate) async fn look(url: String, accounts: u64) -> anyhow::Result<f64> {
    let ids = listed(&url).await?;
    ensure!(ids.len() as u64 >= accounts, "{} accounts", ids.len());
    let started = instant();
    let mut workers = JoinSet::new();
    for worker in 0..CONNECTIONS as usize {
        let own: Vec<String> = ids.iter().skip(worker).step_by(CONNECTIONS as usize).cloned().collect();
        let url = url.clone();
        workers.spawn(async move {
            let mut ldap = connect(&url).await?;
            for id in own {
                read(&mut ldap, &id).await?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(done) = workers.join_next().await {
        done??;
    }
    listed(&url).await?;
    Ok(started.elapsed().as_secs_f64())
}

async fn listed(url: &str) -> anyhow::Result<Vec<String>> {
    let mut ldap = connect(url).await?;
    let adapters: Vec<Box<dyn Adapter<'_, _, _>>> =
        vec![Box::new(EntriesOnly::new()), Box::new(PagedResults::new(PAGE))];
    let filter = "(objectClass=inetOrgPerson)";
    let mut search = ldap
        .streaming_search_with(adapters, PEOPLE, Scope::Subtree, filter, SHOWN.to_vec())
        .await?;
    let mut ids = Vec::new();
    while let Some(entry) = search.next().await? {
        let entry = SearchEntry::construct(entry);
        ids.extend(entry.attrs.get("entryUUID").and_then(|ids| ids.first()).cloned());
    }
    search.finish().await.success()?;
    Ok(ids)
}
