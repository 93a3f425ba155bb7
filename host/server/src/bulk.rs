//! `taskwarden export` and `taskwarden import`: many objects as lines of JSON, from and to a server that runs. Neither side
//! ever holds more than a few of them.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write as _};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, bail, ensure};
use serde_json::Value;
use ureq::http::Response;
use ureq::{Agent, Body, SendBody};

use crate::cli::{ExportArguments, ImportArguments, ServerArguments};

/// The longest answer to an import (bytes): it shows at most a thousand errors.
const ANSWER: u64 = 16 << 20;

/// Writes the objects of a type, each in a line.
pub(crate) fn export(arguments: &ExportArguments) -> anyhow::Result<ExitCode> {
    let mut parameters = vec![("_action", "export")];
    parameters.extend(arguments.filter.iter().map(|filter| ("_queryFilter", filter.as_str())));
    parameters.extend(arguments.fields.iter().map(|fields| ("_fields", fields.as_str())));
    let mut answer = post(
        &arguments.server,
        &arguments.container,
        &parameters,
        None,
        SendBody::none(),
    )?;
    let lines = answer.body_mut().as_reader();
    let (bytes, place) = match arguments.to.as_deref() {
        None => (copy(lines, io::stdout().lock()), "standard output".to_owned()),
        Some(file) => {
            let made = File::create(file).with_context(|| format!("cannot write {}", file.display()))?;
            (copy(lines, made), file.display().to_string())
        }
    };
    bytes.with_context(|| format!("{place} is incomplete"))?;
    Ok(ExitCode::SUCCESS)
}

fn copy(mut from: impl Read, to: impl io::Write) -> io::Result<u64> {
    let mut to = BufWriter::new(to);
    let bytes = io::copy(&mut from, &mut to)?;
    to.flush()?;
    Ok(bytes)
}

/// Sends lines to a server that makes objects of them, and says what became of them.
pub(crate) fn import(arguments: &ImportArguments) -> anyhow::Result<ExitCode> {
    let from_line = arguments.from_line.to_string();
    let parameters = [
        ("_action", "import"),
        ("ifExists", arguments.if_exists.as_str()),
        ("fromLine", from_line.as_str()),
    ];
    let mut lines: Box<dyn Read> = if arguments.file == Path::new("-") {
        Box::new(io::stdin().lock())
    } else {
        let file = File::open(&arguments.file);
        Box::new(BufReader::new(
            file.with_context(|| format!("cannot read {}", arguments.file.display()))?,
        ))
    };
    let body = SendBody::from_reader(&mut lines);
    let answer = post(
        &arguments.server,
        &arguments.container,
        &parameters,
        Some("application/x-ndjson"),
        body,
    );
    let mut answer = answer.context("the import did not come to its end; send it again with --if-exists skip")?;
    let answer = answer.body_mut().with_config().limit(ANSWER).read_json::<Value>()?;
    if arguments.json {
        println!("{answer}");
    } else {
        show(&answer);
    }
    let is_complete = answer["failed"].as_u64() == Some(0);
    Ok(if is_complete {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn show(answer: &Value) {
    for error in answer["errors"].as_array().into_iter().flatten() {
        let at = |name: &str| error[name].as_str().unwrap_or_default();
        println!("line {}: {} {}", error["line"], at("pointer"), at("message"));
    }
    if let Some(omitted) = answer["errorsOmitted"].as_u64().filter(|omitted| *omitted > 0) {
        println!("and {omitted} more");
    }
    let count = |name: &str| answer[name].as_u64().unwrap_or(0);
    println!(
        "{} lines: {} created, {} updated, {} skipped, {} failed",
        count("lines"),
        count("created"),
        count("updated"),
        count("skipped"),
        count("failed")
    );
}

/// An action of a container. A problem becomes an error with its message, and with the line to go on with.
fn post(
    server: &ServerArguments,
    container: &str,
    parameters: &[(&str, &str)],
    kind: Option<&str>,
    body: SendBody<'_>,
) -> anyhow::Result<Response<Body>> {
    let agent: Agent = Agent::config_builder().http_status_as_error(false).build().into();
    let url = format!(
        "{}/openidm/{}",
        server.url.trim_end_matches('/'),
        container.trim_matches('/')
    );
    let mut request = agent.post(&url).query_pairs(parameters.iter().copied());
    request = match (&server.token, &server.user, &server.password) {
        (Some(token), _, _) => request.header("Authorization", format!("Bearer {token}")),
        (None, user, Some(password)) => request
            .header("X-OpenIDM-Username", user)
            .header("X-OpenIDM-Password", password),
        (None, _, None) => bail!(
            "set TASKWARDEN_TOKEN, or TASKWARDEN_PASSWORD for the user {}",
            server.user
        ),
    };
    if let Some(kind) = kind {
        request = request.header("Content-Type", kind);
    }
    let mut answer = request.send(body).with_context(|| format!("cannot reach {url}"))?;
    let status = answer.status();
    if !status.is_success() {
        let problem: Value = answer
            .body_mut()
            .with_config()
            .limit(ANSWER)
            .read_json()
            .unwrap_or_default();
        let message = problem["message"].as_str().unwrap_or("no reason was given");
        let next = problem["detail"]["nextLine"].as_u64();
        let next = next.map_or_else(String::new, |line| format!("; go on with --from-line {line}"));
        bail!("{url} answers {}: {message}{next}", status.as_u16());
    }
    ensure!(
        status.as_u16() == 200,
        "{url} answers {}, which an import or export does not",
        status.as_u16()
    );
    Ok(answer)
}
