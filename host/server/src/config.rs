//! What is known before a house is put together: `taskwarden.toml`, and the types of `managed.json`, without which nothing
//! is served. What is not understood is refused with its place: nothing is ignored in silence. The other files of the
//! folder are `host_config`'s.

use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use host_config::{Folder, FolderError};
use host_model::clock::Tz;
use host_model::configured::ConfigName;
use host_objects::ManagedTypes;
use host_resource::json::{self, JsonLimits};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use crate::audit::AuditSettings;
use crate::properties::Properties;

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
    /// Reconciliation.
    pub recon: Recon,
    /// Where guests run.
    pub runtime: Runtime,
    /// The REST port.
    pub rest: Rest,
    /// The files of the configuration.
    pub configuration: Configuration,
    /// Connected systems.
    pub connectors: Connectors,
    /// What the audit keeps.
    pub audit: AuditSettings,
    /// What scripts read with `identityServer.getProperty`, and what `&{name}` stands for. Never put a secret here.
    pub properties: Properties,
}

impl Settings {
    /// What is set, and beside it what the platform's boot properties and this house's settings say.
    pub fn all_properties(&self) -> Properties {
        let max_completed_runs = i64::try_from(self.taskscanner.max_completed_runs).unwrap_or(i64::MAX);
        let recon_runs = i64::try_from(self.recon.max_completed_runs).unwrap_or(i64::MAX);
        self.properties.clone().or([
            ("openidm.node.id", self.node.id.as_str().into()),
            ("openidm.taskscanner.maxcompletedruns", max_completed_runs.into()),
            ("openidm.recon.maxcompletedruns", recon_runs.into()),
        ])
    }
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

/// Connected systems.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Connectors {
    /// Folders beside that of the configuration whose files connectors may read and write.
    pub folders: Vec<PathBuf>,
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

/// Reconciliation.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Recon {
    /// Ended runs that are kept of all mappings together; each mapping says how many of its own.
    pub max_completed_runs: usize,
}

impl Default for Recon {
    fn default() -> Self {
        Self {
            max_completed_runs: host_recon::MAX_COMPLETED_RUNS,
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

/// The files of the configuration.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Configuration {
    /// True refuses changes over REST: only who edits the files changes anything.
    pub read_only: bool,
    /// How often the folder is looked at, in seconds; 0 is never.
    pub poll_seconds: u32,
}

impl Default for Configuration {
    fn default() -> Self {
        Self {
            read_only: false,
            poll_seconds: 2,
        }
    }
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
    /// The file of the types cannot be read.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// A file that this version does not know.
    #[error("{}: this version knows taskwarden.toml, the folder script/ and JSON files only", .0.display())]
    Unknown(PathBuf),
}

impl Config {
    /// What runs without a folder: one managed type, `user`.
    pub fn built_in() -> Self {
        let types = ManagedTypes::parse(&ManagedTypes::built_in()).expect("the built-in types are well-formed");
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
                Some(name) if name.ends_with(".toml") => return Err(ConfigError::Unknown(file)),
                Some(_) | None => {}
            }
        }
        if let Some(types) = types(&Folder::new(folder), &config.settings)? {
            config.types = types;
        }
        Ok(config)
    }

    /// Reads a folder that may not exist yet: what is written over REST is kept there.
    pub fn read_or_built_in(folder: &Path) -> Result<Self, ConfigError> {
        if folder.is_dir() {
            return Self::read(folder);
        }
        Ok(Self {
            folder: Some(folder.to_owned()),
            ..Self::built_in()
        })
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

/// The types of `managed.json`, if there is one.
fn types(folder: &Folder, settings: &Settings) -> Result<Option<ManagedTypes>, ConfigError> {
    let name = ConfigName::new("managed", None).expect("managed is the name of a configuration object");
    let content = |message: String| ConfigError::Content {
        file: folder.file(&name),
        message,
    };
    let Some(text) = folder.read(&name)? else {
        return Ok(None);
    };
    let document = json::parse(&text, &JsonLimits::default()).map_err(|error| content(error.to_string()))?;
    let document = settings.all_properties().placeholders().replaced(&document);
    let types = ManagedTypes::parse(&document).map_err(|error| content(error.to_string()))?;
    Ok(Some(types))
}

fn zone<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Tz, D::Error> {
    let name = String::deserialize(deserializer)?;
    name.parse().map_err(|_| {
        D::Error::custom(format!(
            "'{name}' is not a time zone: write a name such as Europe/Berlin"
        ))
    })
}
