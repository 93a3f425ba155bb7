//! Which code the failures of a run come from: kept once for the run, and shown with each of its failures. After an
//! interruption a script in a file may be another one, so it is kept by its digest.

use std::sync::Arc;

use host_model::secrets::masked;
use host_resource::Problem;
use host_store::{Collection, TenantStore};
use serde_json::{Value, json};

use crate::definition::{Action, Definition};
use crate::edit::parse;
use crate::record::Record;

/// Where the code of a run lies, by its digest.
pub(crate) fn origins(run: &str) -> Collection {
    Collection::new(&format!("taskscanner/origin/{run}"))
}

/// The code of a run.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    /// What tells it from other code; `host` for an action of the host's own.
    pub(crate) digest: Arc<str>,
    /// As it is kept.
    pub(crate) body: Arc<str>,
}

impl Origin {
    pub(crate) fn of(definition: &Definition) -> Self {
        let Action::Script(script) = &definition.action else {
            return Self {
                digest: "host".into(),
                body: json!({"script": null}).to_string().into(),
            };
        };
        let mut spec = masked(&definition.spec.script);
        let mut origin = json!({"component": script.component_digest()});
        if let (Some(source), Some(members)) = (script.source(), spec.as_object_mut()) {
            // A file may change; what was run is the text.
            if let Some(file) = members.shift_remove("file") {
                origin["file"] = file;
            }
            members.insert("source".to_owned(), source.into());
        }
        origin["script"] = spec;
        Self {
            digest: script.digest().into(),
            body: origin.to_string().into(),
        }
    }
}

/// A stored failure with what its run knows: all that a replay needs.
pub(crate) async fn complete(store: &TenantStore, run: &str, record: &Record, body: &[u8]) -> Result<Value, Problem> {
    let mut failure = parse(body)?;
    let digest = failure["call"]["script"].as_str().unwrap_or_default().to_owned();
    let Some(call) = failure.get_mut("call").filter(|call| call.is_object()) else {
        return Ok(failure);
    };
    call["run"] = run.into();
    call["job"] = record.name.as_str().into();
    call["tenant"] = store.tenant().as_str().into();
    call["logLevel"] = record.log_level.as_str().into();
    if let Some(document) = store.get(&origins(run).key(digest)).await? {
        call["origin"] = parse(&document.body)?;
    }
    Ok(failure)
}
