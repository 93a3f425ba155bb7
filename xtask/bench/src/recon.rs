//! Reconciliation: a first run, which makes every target object and its link, and a second one, which finds that nothing is
//! to be done; the same with a script in the mapping; and a directory beside the same operations without us.

use std::path::Path;

use anyhow::{Context as _, ensure};
use host_resource::{Action, Code, Create, Request, ResourcePath, Response, Update, Verb};
use host_server::Host;
use serde_json::{Value, json};

use crate::directory::{self, Directory};
use crate::memory;
use crate::raw::instant;
use crate::scan::{context, host, load, median, read};
use crate::table::Row;

const ROUNDS: usize = 3;

/// Objects where mappings are compared with each other: more would only take longer.
const COMPARED: u64 = 20_000;

/// Objects where the memory of a run begins.
const SMALL: u64 = 10_000;

/// Accounts of the directory.
const ACCOUNTS: u64 = 2_000;

/// How a mapping makes a target object.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    /// Properties.
    Declarative,
    /// One script that does what the properties do.
    JavaScript,
}

/// All measurements of one run.
pub(crate) async fn compare(objects: u64) -> anyhow::Result<Vec<Row>> {
    eprintln!("first and second runs over {objects} objects");
    let (mut firsts, mut seconds) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let (first, second) = rates(objects, Kind::Declarative).await?;
        firsts.push(first);
        seconds.push(second);
    }
    let [first, second] = [firsts, seconds].map(median);
    let mut rows = vec![
        Row::figure("objects", objects.to_string()),
        Row::figure("first run: each made and linked", format!("{first:.0} objects/s")),
        Row::figure("second run: each as it is", format!("{second:.0} objects/s")),
        Row::at_least("second run / first run, objects per second", second / first, 2.0),
    ];
    let fewer = objects.min(COMPARED);
    eprintln!("properties and scripts over {fewer} objects");
    let (mut plain, mut scripted) = ([Vec::new(), Vec::new()], [Vec::new(), Vec::new()]);
    for _ in 0..ROUNDS {
        // In turn, so that a machine whose speed drifts treats all alike.
        for (rates_of, kind) in [(&mut plain, Kind::Declarative), (&mut scripted, Kind::JavaScript)] {
            let (first, second) = rates(fewer, kind).await?;
            rates_of[0].push(first);
            rates_of[1].push(second);
        }
    }
    for (run, (plain, scripted)) in ["first", "second"].iter().zip(plain.into_iter().zip(scripted)) {
        let (plain, scripted) = (median(plain), median(scripted));
        rows.push(Row::figure(
            format!("{run} run, six properties, {fewer} objects"),
            format!("{plain:.0} objects/s"),
        ));
        rows.push(Row::figure(
            format!("{run} run, inline JavaScript instead"),
            format!("{scripted:.0} objects/s"),
        ));
        rows.push(Row::figure(
            format!("{run} run, inline JavaScript / properties, time"),
            format!("{:.2}", plain / scripted),
        ));
    }
    rows.push(Row::figure(
        "the same as a Rust component",
        "not measured: the components that are shipped are tasks of scans",
    ));
    eprintln!("memory of runs over {SMALL} and {objects} objects");
    rows.extend(memory::compare("run", SMALL, objects)?);
    if Directory::is_there() {
        eprintln!("a directory with {ACCOUNTS} accounts");
        rows.extend(with_directory().await?);
    } else {
        rows.push(Row::figure("a directory", "not measured: there is no slapd"));
    }
    Ok(rows)
}

/// A first and a second run: objects per second.
pub(crate) async fn rates(objects: u64, kind: Kind) -> anyhow::Result<(f64, f64)> {
    let folder = tempfile::tempdir()?;
    let host = host(folder.path()).await?;
    load(&host, objects).await?;
    put(
        &host,
        "config/managed",
        &json!({"objects": [{"name": "user"}, {"name": "account"}]}),
    )
    .await?;
    put(&host, "config/sync", &json!({"mappings": [mapping(kind)]})).await?;
    let first = objects as f64 / run(&host, objects, "created").await?;
    let second = objects as f64 / run(&host, objects, "unchanged").await?;
    host.stop().await?;
    Ok((first, second))
}

fn mapping(kind: Kind) -> Value {
    let mut mapping = json!({
        "name": "bench", "source": "managed/user", "target": "managed/account", "enableSync": false,
    });
    match kind {
        Kind::Declarative => {
            mapping["properties"] = json!([
                {"source": "_id", "target": "_id"},
                {"source": "userName", "target": "name"},
                {"source": "mail", "target": "mail"},
                {"source": "givenName", "target": "givenName"},
                {"source": "sn", "target": "sn"},
                {"source": "accountStatus", "target": "status"},
            ]);
        }
        Kind::JavaScript => {
            let source = "target._id = source._id; target.name = source.userName; target.mail = source.mail; \
                          target.givenName = source.givenName; target.sn = source.sn; \
                          target.status = source.accountStatus;";
            mapping["defaultMapping"] = json!({"type": "text/javascript", "source": source});
        }
    }
    mapping
}

/// One run, which has to do the same with every object. Seconds.
async fn run(host: &Host, objects: u64, what: &str) -> anyhow::Result<f64> {
    let parameters = [("mapping", "bench"), ("waitForCompletion", "true")];
    let action = Action {
        name: "recon".to_owned(),
        parameters: parameters
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
        ..Action::default()
    };
    let started = instant();
    let answer = ask(host, "recon", Verb::Action(action)).await?;
    let took = started.elapsed().as_secs_f64();
    let Response::Action(Some(answer)) = answer else {
        anyhow::bail!("a run was not answered as one");
    };
    let run = read(host, &["recon", answer["_id"].as_str().context("a run without an id")?]).await?;
    ensure!(
        run["state"] == "SUCCESS" && run["progress"]["target"][what] == objects,
        "not every object was {what}: {run:#}"
    );
    Ok(took)
}

/// Puts a configuration object in force, whether there is one or not.
async fn put(host: &Host, path: &str, content: &Value) -> anyhow::Result<()> {
    let update = Update {
        content: content.clone(),
        ..Update::default()
    };
    let request = Request {
        path: ResourcePath::parse(path)?,
        verb: Verb::Update(update),
        version: None,
    };
    match host.router().handle(&context(), request).await {
        Err(problem) if problem.code == Code::NOT_FOUND => {
            let (parent, id) = path.rsplit_once('/').context("an object in a container")?;
            let create = Create {
                id: Some(id.to_owned()),
                content: content.clone(),
                ..Create::default()
            };
            ask(host, parent, Verb::Create(create)).await.map(drop)
        }
        answer => Ok(answer.map(drop)?),
    }
}

async fn ask(host: &Host, path: &str, verb: Verb) -> anyhow::Result<Response> {
    let request = Request {
        path: ResourcePath::parse(path)?,
        verb,
        version: None,
    };
    Ok(host.router().handle(&context(), request).await?)
}

/// The same accounts made and looked at by a run, and by a client of the directory that does nothing else.
async fn with_directory() -> anyhow::Result<Vec<Row>> {
    let [mut alone_first, mut alone_second, mut first, mut second] = [const { Vec::new() }; 4];
    for _ in 0..ROUNDS {
        let folder = tempfile::tempdir()?;
        let directory = Directory::start(folder.path()).await?;
        alone_first.push(directory::make(directory.url(), ACCOUNTS).await?);
        alone_second.push(directory::look(directory.url(), ACCOUNTS).await?);
        drop(directory);
        let folder = tempfile::tempdir()?;
        let directory = Directory::start(folder.path()).await?;
        let (made, seen) = by_runs(&directory, folder.path()).await?;
        first.push(made);
        second.push(seen);
    }
    let [alone_first, alone_second, first, second] = [alone_first, alone_second, first, second].map(median);
    let rate = |seconds: f64| format!("{:.0} accounts/s", ACCOUNTS as f64 / seconds);
    Ok(vec![
        Row::figure("accounts made and read, the protocol alone", rate(alone_first)),
        Row::figure("accounts made and linked, first run", rate(first)),
        Row::at_most("first run / the protocol alone, time", first / alone_first, 1.3),
        Row::figure("accounts listed and read, the protocol alone", rate(alone_second)),
        Row::figure("accounts as they are, second run", rate(second)),
        Row::at_most("second run / the protocol alone, time", second / alone_second, 1.3),
    ])
}

async fn by_runs(directory: &Directory, folder: &Path) -> anyhow::Result<(f64, f64)> {
    let host = host(&folder.join("data")).await?;
    load(&host, ACCOUNTS).await?;
    put(&host, "config/provisioner.openicf/directory", &directory.system()).await?;
    let mapping = json!({
        "name": "bench", "source": "managed/user", "target": "system/directory/account", "enableSync": false,
        "taskThreads": directory::CONNECTIONS,
        "properties": [
            {"source": "dn", "target": "dn"},
            {"source": "userName", "target": "uid"},
            {"source": "userName", "target": "cn"},
            {"source": "sn", "target": "sn"},
            {"source": "mail", "target": "mail"},
        ],
        "policies": [{"situation": "UNASSIGNED", "action": "IGNORE"}],
    });
    // Whose accounts have which names is not what is measured: no script makes them.
    name_all(&host).await?;
    put(&host, "config/sync", &json!({"mappings": [mapping]})).await?;
    let first = run(&host, ACCOUNTS, "created").await?;
    let second = run(&host, ACCOUNTS, "unchanged").await?;
    host.stop().await?;
    Ok((first, second))
}

/// Gives each user the name of the account, and the mail addresses as the directory has them.
async fn name_all(host: &Host) -> anyhow::Result<()> {
    use host_store::{ChangeSet, Collection, Expectation};

    let users = Collection::new("managed/user");
    let mut changes = ChangeSet::new();
    for (id, body) in crate::scan::users(0, ACCOUNTS) {
        let mut user: Value = serde_json::from_slice(&body)?;
        let name = user["userName"].as_str().unwrap_or_default().to_owned();
        user["dn"] = directory::dn(&name).into();
        user["mail"] = json!([user["mail"]]);
        changes.put(users.key(id), Expectation::Any, user.to_string());
    }
    host.store().commit(changes).await?;
    Ok(())
}
