//! The configuration folder: `taskwarden.toml`, `managed.json`, and the scripts in `script/`. What is not understood is
//! refused with its place: nothing is ignored in silence.

use std::collections::BTreeMap;
use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use host_model::clock::Tz;
use host_objects::ManagedTypes;
use host_resource::json::{self, JsonLimits};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

/// A configuration that can be run.
#[derive(Clone, Debug)]
pub struct Config {
    /// The folder, if there is one.
    pub folder: Option<PathBuf>,
    /// What `taskwarden.toml` says.
    pub settings: Settings,
    /// What `managed.json` says.
    pub types: ManagedTypes,
}

/// `taskwarden.toml`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Settings {
    /// This node.
    pub node: Node,
    /// The scheduler.
    pub scheduler: Scheduler,
    /// The task scanner.
    pub taskscanner: TaskScanner,
    /// Where guests run.
    pub runtime: Runtime,
    /// The REST port.
    pub rest: Rest,
    /// What scripts read with `identityServer.getProperty`. Never put a secret here.
    pub properties: BTreeMap<String, String>,
}

/// This node.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Node {
    /// Its name in triggers and as the property `openidm.node.id`.
    pub id: String,
    /// The time zone of schedules that name none.
    #[serde(deserialize_with = "zone")]
    pub time_zone: Tz,
}

impl Default for Node {
    fn default() -> Self {
        Self {
            id: "node1".to_owned(),
            time_zone: Tz::UTC,
        }
    }
}

/// The scheduler.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Scheduler {
    /// Runs that go on at a time, at most; at least one.
    pub threads: NonZeroUsize,
    /// Ended runs that are kept of each schedule.
    pub runs_kept: usize,
    /// Days for which ended runs are kept.
    pub runs_kept_days: u16,
    /// Records of due instants that are kept of each schedule.
    pub occurrences_kept: usize,
    /// Days for which they are kept.
    pub occurrences_kept_days: u16,
}

impl Default for Scheduler {
    fn default() -> Self {
        let settings = host_scheduler::Settings::default();
        let days = |time: chrono::TimeDelta| u16::try_from(time.num_days()).unwrap_or(u16::MAX);
        Self {
            threads: NonZeroUsize::new(settings.threads).unwrap_or(NonZeroUsize::MIN),
            runs_kept: settings.runs_kept,
            runs_kept_days: days(settings.runs_kept_for),
            occurrences_kept: settings.occurrences_kept,
            occurrences_kept_days: days(settings.occurrences_kept_for),
        }
    }
}

impl Scheduler {
    /// The same for the scheduler itself.
    pub(crate) fn settings(&self) -> host_scheduler::Settings {
        host_scheduler::Settings {
            threads: self.threads.get(),
            runs_kept: self.runs_kept,
            runs_kept_for: chrono::TimeDelta::days(self.runs_kept_days.into()),
            occurrences_kept: self.occurrences_kept,
            occurrences_kept_for: chrono::TimeDelta::days(self.occurrences_kept_days.into()),
            ..host_scheduler::Settings::default()
        }
    }
}

/// The task scanner.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct TaskScanner {
    /// Ended runs that are kept.
    pub max_completed_runs: usize,
}

impl Default for TaskScanner {
    fn default() -> Self {
        Self {
            max_completed_runs: host_taskscanner::MAX_COMPLETED_RUNS,
        }
    }
}

/// Where guests run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Runtime {
    /// Worker threads; none means as many as cores.
    pub workers: Option<usize>,
}

/// The REST port.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Rest {
    /// Longer request bodies are refused; none means 4 MiB.
    pub body_bytes: Option<usize>,
}

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file cannot be read.
    #[error("cannot read {}", .file.display())]
    Read {
        /// Which.
        file: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file does not say what it should.
    #[error("{}: {message}", .file.display())]
    Content {
        /// Which.
        file: PathBuf,
        /// Place, what is wrong, what would be right.
        message: String,
    },
    /// A file that this version does not know.
    #[error("{}: this version knows taskwarden.toml, managed.json and the folder script/ only", .0.display())]
    Unknown(PathBuf),
}

impl Config {
    /// What runs without a folder: one managed type, `user`.
    pub fn built_in() -> Self {
        let types = json!({"objects": [{"name": "user", "indexes": ["/userName", "/sunset/date"]}]});
        let types = ManagedTypes::parse(&types).expect("the built-in types are well-formed");
        Self {
            folder: None,
            settings: Settings::default(),
            types,
        }
    }

    /// Reads a folder. A file that is missing says nothing: the built-in content counts.
    pub fn read(folder: &Path) -> Result<Self, ConfigError> {
        let mut config = Self {
            folder: Some(folder.to_owned()),
            ..Self::built_in()
        };
        for file in files(folder)? {
            match file.file_name().and_then(|name| name.to_str()) {
                Some("taskwarden.toml") => config.settings = settings(&file)?,
                Some("managed.json") => config.types = types(&file)?,
                Some(name) if !name.ends_with(".json") && !name.ends_with(".toml") => {}
                _ => return Err(ConfigError::Unknown(file)),
            }
        }
        Ok(config)
    }
}

fn files(folder: &Path) -> Result<Vec<PathBuf>, ConfigError> {
    let failed = |source| ConfigError::Read {
        file: folder.to_owned(),
        source,
    };
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn read(file: &Path) -> Result<Vec<u8>, ConfigError> {
    fs::read(file).map_err(|source| ConfigError::Read {
        file: file.to_owned(),
        source,
    })
}

fn settings(file: &Path) -> Result<Settings, ConfigError> {
    let content = |message: String| ConfigError::Content {
        file: file.to_owned(),
        message,
    };
    let text = String::from_utf8(read(file)?).map_err(|_| content("the file is not UTF-8".to_owned()))?;
    // The text shows line and column with the offending line beneath.
    toml::from_str(&text).map_err(|error| content(error.to_string().trim_end().to_owned()))
}

fn types(file: &Path) -> Result<ManagedTypes, ConfigError> {
    let content = |message: String| ConfigError::Content {
        file: file.to_owned(),
        message,
    };
    let document: Value =
        json::parse(&read(file)?, &JsonLimits::default()).map_err(|error| content(error.to_string()))?;
    ManagedTypes::parse(&document).map_err(|error| content(error.to_string()))
}

fn zone<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Tz, D::Error> {
    let name = String::deserialize(deserializer)?;
    name.parse().map_err(|_| {
        D::Error::custom(format!(
            "'{name}' is not a time zone: write a name such as Europe/Berlin"
        ))
    })
}
