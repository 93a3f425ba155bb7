//! One configuration object: what is in force, what its file said when it was last looked at, and why that is not in
//! force if it is not.

use std::path::PathBuf;
use std::sync::Arc;

use host_model::configured::ConfigName;
use host_model::secrets;
use host_resource::json::{self, JsonError, JsonLimits};
use host_resource::{Code, Content, Object, Problem};
use serde_json::{Map, Value, json};

use crate::folder::{FolderError, Stamp};

/// What is known of a name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Known {
    /// What is in force, if something is.
    pub(crate) held: Option<Held>,
    /// Why the file's content is not in force.
    pub(crate) refused: Option<Refused>,
    /// The file when it was last read; none if there is none.
    pub(crate) stamp: Option<Stamp>,
}

/// An object that is in force.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Held {
    /// As it was written, with its placeholders, without `_id` and `_rev`.
    pub(crate) object: Arc<Value>,
    /// What `_rev` shows: a digest of the content.
    pub(crate) rev: Arc<str>,
}

/// Why a file's content is not in force.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Refused {
    pub(crate) file: PathBuf,
    pub(crate) message: String,
    pub(crate) line: Option<usize>,
    pub(crate) column: Option<usize>,
    pub(crate) pointer: Option<String>,
    /// The file itself may be right: it is to be tried again also if it does not change.
    pub(crate) may_pass: bool,
}

impl Held {
    /// An object that is not in force yet. Whatever the members' layout in the file, equal content is of equal revision.
    pub(crate) fn new(mut object: Value) -> Self {
        if let Value::Object(members) = &mut object {
            members.shift_remove("_id");
            members.shift_remove("_rev");
        }
        let digest = blake3::hash(object.to_string().as_bytes());
        Self {
            rev: digest.to_hex()[..32].into(),
            object: Arc::new(object),
        }
    }

    /// What a file holds.
    pub(crate) fn text(&self) -> String {
        let mut text = serde_json::to_string_pretty(&*self.object).expect("a JSON value has a text");
        text.push('\n');
        text
    }

    /// As a request sees it: secrets are masked.
    pub(crate) fn shown(&self, name: &ConfigName) -> Object {
        Object {
            id: name.to_string(),
            rev: Some(self.rev.to_string()),
            content: Content::Json(secrets::masked(&self.object)),
        }
    }
}

/// Reads the text of a file.
pub(crate) fn read(bytes: &[u8]) -> Result<Held, JsonError> {
    let value = json::parse(bytes, &JsonLimits::default())?;
    Ok(Held::new(value))
}

impl Refused {
    pub(crate) fn json(file: PathBuf, error: &JsonError) -> Self {
        Self {
            file,
            message: error.to_string(),
            line: Some(error.line),
            column: Some(error.column),
            pointer: error.pointer.as_ref().map(ToString::to_string),
            may_pass: false,
        }
    }

    pub(crate) fn problem(file: PathBuf, problem: &Problem) -> Self {
        let pointer = problem.detail.as_ref().and_then(|detail| detail["pointer"].as_str());
        Self {
            file,
            message: problem.message.clone(),
            line: None,
            column: None,
            pointer: pointer.map(str::to_owned),
            may_pass: problem.code == Code::CONFLICT || problem.code.number() >= 500,
        }
    }

    pub(crate) fn folder(file: PathBuf, error: &FolderError) -> Self {
        let cause = std::error::Error::source(error).map(|cause| format!(": {cause}"));
        Self {
            file,
            message: format!("{error}{}", cause.unwrap_or_default()),
            line: None,
            column: None,
            pointer: None,
            may_pass: true,
        }
    }

    /// As the list of all objects shows it. The folder is the operator's business, the file's name is not.
    pub(crate) fn shown(&self, is_other_in_force: bool) -> Value {
        let mut members = Map::new();
        let file = self.file.file_name().map(|name| name.to_string_lossy().into_owned());
        members.insert("file".to_owned(), json!(file));
        members.insert("message".to_owned(), json!(self.message));
        if let (Some(line), Some(column)) = (self.line, self.column) {
            members.insert("line".to_owned(), json!(line));
            members.insert("column".to_owned(), json!(column));
        }
        if let Some(pointer) = &self.pointer {
            members.insert("pointer".to_owned(), json!(pointer));
        }
        members.insert("lastGoodInForce".to_owned(), json!(is_other_in_force));
        Value::Object(members)
    }

    pub(crate) fn log(&self, is_other_in_force: bool) {
        tracing::error!(
            file = %self.file.display(),
            line = self.line,
            column = self.column,
            pointer = self.pointer,
            is_other_in_force,
            "a configuration file is refused: {}",
            self.message
        );
    }
}
