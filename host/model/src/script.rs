//! Scripts: which code is run, as a configuration names it. Whether the code exists and compiles is for the runtime.

use std::fmt;
use std::str::FromStr;

use host_resource::Pointer;
use serde_json::{Map, Value};

use crate::invalid::Invalid;
use crate::members::Members;

/// A script of a configuration.
#[derive(Debug, Clone, PartialEq)]
pub struct ScriptSpec {
    /// What is run.
    pub code: ScriptCode,
    /// What it may do besides what everybody may, as written; absent means as much as the owner of the job.
    pub grants: Option<Vec<String>>,
}

/// Where the code comes from.
#[derive(Debug, Clone, PartialEq)]
pub enum ScriptCode {
    /// Text that an engine runs.
    Source {
        /// The text's type, which names the engine.
        engine: EngineType,
        /// The text, or where it is.
        text: SourceText,
        /// Variables that the script finds besides those of its place.
        globals: Map<String, Value>,
    },
    /// An uploaded component.
    Plugin(PluginRef),
    /// A component in the tenant's script folder: a relative path without `..`.
    Component(String),
}

/// The types of text that an engine runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EngineType {
    /// `text/javascript`
    JavaScript,
}

/// The text of a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceText {
    /// Written into the configuration.
    Inline(String),
    /// In a file of the tenant's script folder: a relative path without `..`.
    File(String),
}

/// A plugin and its version, `name@version`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PluginRef {
    /// The plugin.
    pub name: String,
    /// Which version of it.
    pub version: String,
}

const COMPONENT_TYPE: &str = "application/wasm";
const KNOWN_TYPES: &str = "text/javascript (with source or file) or application/wasm (with plugin or file)";

impl ScriptSpec {
    /// Reads the script object that stands at `pointer`.
    ///
    /// # Errors
    /// The first member that is unknown, missing, or not what it has to be.
    pub fn parse(value: &Value, pointer: Pointer) -> Result<ScriptSpec, Invalid> {
        let members = Members::of(value, pointer)?;
        let kind = members.require_text("type", &format!("write {KNOWN_TYPES}"))?;
        let code = match kind.to_ascii_lowercase().as_str() {
            COMPONENT_TYPE => component(&members)?,
            "text/javascript" => source(&members, EngineType::JavaScript)?,
            "groovy" | "text/groovy" => {
                let message = format!("Groovy runs on the Java platform only; write the script as {KNOWN_TYPES}");
                return Err(members.invalid("type", message));
            }
            _ => return Err(members.invalid("type", format!("unknown script type '{kind}'; write {KNOWN_TYPES}"))),
        };
        Ok(ScriptSpec {
            code,
            grants: grants(&members)?,
        })
    }
}

fn component(members: &Members<'_>) -> Result<ScriptCode, Invalid> {
    members.only(&["type", "plugin", "file", "grants"])?;
    match (members.text("plugin")?, members.text("file")?) {
        (Some(plugin), None) => {
            let plugin = plugin
                .parse()
                .map_err(|error: PluginRefError| members.invalid("plugin", error.to_string()))?;
            Ok(ScriptCode::Plugin(plugin))
        }
        (None, Some(_)) => Ok(ScriptCode::Component(file(members)?)),
        _ => Err(Invalid::new(
            members.pointer().clone(),
            "exactly one of 'plugin' and 'file' is required",
        )),
    }
}

fn source(members: &Members<'_>, engine: EngineType) -> Result<ScriptCode, Invalid> {
    members.only(&["type", "source", "file", "globals", "grants"])?;
    let text = match (members.text("source")?, members.text("file")?) {
        (Some(source), None) => SourceText::Inline(source.to_owned()),
        (None, Some(_)) => SourceText::File(file(members)?),
        _ => {
            return Err(Invalid::new(
                members.pointer().clone(),
                "exactly one of 'source' and 'file' is required",
            ));
        }
    };
    let globals = members
        .object("globals")?
        .map(|globals| globals.others(&[]))
        .unwrap_or_default();
    Ok(ScriptCode::Source { engine, text, globals })
}

/// A path that stays inside the folder it is relative to, on every kind of machine.
fn file(members: &Members<'_>) -> Result<String, Invalid> {
    let path = members.require_text("file", "the path of a file in the script folder")?;
    let is_inside = path.split('/').all(|element| !matches!(element, "" | "." | ".."))
        && !path.contains(['\\', ':'])
        && !path.contains(char::is_control);
    if is_inside {
        Ok(path.to_owned())
    } else {
        let message =
            format!("'{path}' is not a relative path inside the script folder; write for example script/task.js");
        Err(members.invalid("file", message))
    }
}

fn grants(members: &Members<'_>) -> Result<Option<Vec<String>>, Invalid> {
    let Some(value) = members.get("grants") else {
        return Ok(None);
    };
    let refused = || {
        members.invalid(
            "grants",
            "an array of strings is expected, such as [\"managed/user: read, query\"]",
        )
    };
    let Value::Array(items) = value else {
        return Err(refused());
    };
    items
        .iter()
        .map(|item| item.as_str().map(str::to_owned).ok_or_else(refused))
        .collect::<Result<_, _>>()
        .map(Some)
}

/// A text that names no plugin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' names no plugin: write name@version, with letters, digits, '-', '_', '.' and '+' on both sides")]
pub struct PluginRefError(pub String);

impl FromStr for PluginRef {
    type Err = PluginRefError;

    fn from_str(text: &str) -> Result<PluginRef, PluginRefError> {
        let is_name = |part: &str| {
            let is_known = |c: char| c.is_ascii_alphanumeric() || "-_.+".contains(c);
            part.starts_with(|c: char| c.is_ascii_alphanumeric()) && part.chars().all(is_known)
        };
        match text.split_once('@') {
            Some((name, version)) if is_name(name) && is_name(version) => Ok(PluginRef {
                name: name.to_owned(),
                version: version.to_owned(),
            }),
            _ => Err(PluginRefError(text.to_owned())),
        }
    }
}

impl fmt::Display for PluginRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.name, self.version)
    }
}

impl fmt::Display for EngineType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            EngineType::JavaScript => "text/javascript",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn parse(value: Value) -> Result<ScriptSpec, Invalid> {
        ScriptSpec::parse(&value, Pointer::root().child("task").child("script"))
    }

    #[test]
    fn a_script_is_text_or_a_component() {
        let check = |value: Value, code: ScriptCode, grants: Option<&[&str]>| {
            let grants = grants.map(|grants| grants.iter().map(|grant| (*grant).to_owned()).collect());
            assert_eq!(parse(value), Ok(ScriptSpec { code, grants }));
        };
        let text = |text, globals: Value| ScriptCode::Source {
            engine: EngineType::JavaScript,
            text,
            globals: globals.as_object().unwrap().clone(),
        };
        let inline = |source: &str| SourceText::Inline(source.to_owned());
        check(
            json!({"type": "text/javascript", "source": "true;"}),
            text(inline("true;"), json!({})),
            None,
        );
        check(
            json!({"type": "text/javascript", "source": ""}),
            text(inline(""), json!({})),
            None,
        );
        check(
            json!({"type": "text/javascript", "file": "script/a.js", "globals": {"a": 1}, "grants": ["x"]}),
            text(SourceText::File("script/a.js".to_owned()), json!({"a": 1})),
            Some(&["x"]),
        );
        let plugin = PluginRef {
            name: "sunset-task".to_owned(),
            version: "1.2.0".to_owned(),
        };
        check(
            json!({"type": "application/wasm", "plugin": "sunset-task@1.2.0"}),
            ScriptCode::Plugin(plugin),
            None,
        );
        let component = ScriptCode::Component("task.wasm".to_owned());
        check(
            json!({"type": "application/wasm", "file": "task.wasm", "grants": []}),
            component,
            Some(&[]),
        );
    }

    #[test]
    fn a_mistake_is_named_with_its_pointer() {
        let check = |value: Value, pointer: &str, message: &str| {
            let invalid = parse(value.clone()).expect_err(&value.to_string());
            assert_eq!(invalid.pointer.to_string(), format!("/task/script{pointer}"), "{value}");
            assert!(invalid.message.contains(message), "{value}: {}", invalid.message);
        };
        check(json!("true"), "", "an object is expected here, not a string");
        check(json!({"source": "true"}), "/type", "'type' is required");
        check(json!({"type": "groovy", "source": "true"}), "/type", "Java platform");
        check(
            json!({"type": "text/python", "source": "True"}),
            "/type",
            "unknown script type 'text/python'",
        );
        check(
            json!({"type": "text/javascript"}),
            "",
            "exactly one of 'source' and 'file'",
        );
        check(
            json!({"type": "text/javascript", "source": "1", "file": "a.js"}),
            "",
            "exactly one of",
        );
        check(
            json!({"type": "text/javascript", "source": 1}),
            "/source",
            "a string is expected",
        );
        check(
            json!({"type": "text/javascript", "sorce": "1"}),
            "/sorce",
            "did you mean 'source'?",
        );
        check(
            json!({"type": "text/javascript", "source": "1", "globals": []}),
            "/globals",
            "an object is expected",
        );
        check(
            json!({"type": "text/javascript", "source": "1", "grants": [1]}),
            "/grants",
            "an array of strings",
        );
        check(
            json!({"type": "application/wasm", "source": "1"}),
            "/source",
            "unknown property",
        );
        check(
            json!({"type": "application/wasm"}),
            "",
            "exactly one of 'plugin' and 'file'",
        );
        for plugin in ["sunset", "@1", "a@", "a@1@2", "a b@1", "../a@1"] {
            check(
                json!({"type": "application/wasm", "plugin": plugin}),
                "/plugin",
                "name@version",
            );
        }
        for file in [
            "/etc/passwd",
            "../a.js",
            "a/../../b.js",
            "a//b.js",
            "./a.js",
            "C:a.js",
            "a\\..\\b.js",
            "a\0.js",
        ] {
            check(
                json!({"type": "text/javascript", "file": file}),
                "/file",
                "not a relative path",
            );
        }
        check(
            json!({"type": "text/javascript", "file": ""}),
            "/file",
            "'file' is required",
        );
    }
}
