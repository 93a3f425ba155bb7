//! Scripts: from what a configuration names to something that can be called.
//!
//! A type names an engine, itself a plugin, that gets the source text; or a component is named directly. Either way a
//! script is checked when its configuration is stored, not when it first runs.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use host_model::clock::{Clock, Timestamp};
use host_model::evaluate::Wanted;
use host_model::limits::Limits;
use host_model::script::{EngineType, PluginRef, ScriptCode, ScriptSpec, SourceText};
use host_model::tenant::TenantName;
use host_resource::{Caller, Context, LateRouter, Problem, ResourcePath, Rights, VerbName};
use parking_lot::Mutex;

use crate::account::Account;
use crate::call::{Call, Entry, instant};
use crate::end::Outcome;
use crate::plugin::{LoadError, Plugin, World};
use crate::properties::Properties;
use crate::runtime::Runtime;
use crate::surroundings::Surroundings;
use crate::transcript::player::Player;

/// A script file is no larger.
const MAX_SOURCE: u64 = 1 << 20;

/// What a script is for: which world a component must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The action on one object of a scan.
    Task,
    /// A free-standing script.
    Script,
}

impl Purpose {
    fn world(self) -> World {
        match self {
            Self::Task => World::Task,
            Self::Script => World::Script,
        }
    }
}

/// A component that comes with the host.
#[derive(Clone, Copy, Debug)]
pub struct Shipped {
    /// The name in `name@version`.
    pub name: &'static str,
    /// The version in `name@version`.
    pub version: &'static str,
    /// The component.
    pub bytes: &'static [u8],
}

/// The scripts of one tenant.
pub struct Scripts {
    runtime: Arc<Runtime>,
    tenant: TenantName,
    folder: Option<PathBuf>,
    javascript: &'static [u8],
    shipped: &'static [Shipped],
    router: LateRouter,
    clock: Arc<dyn Clock>,
    /// What comes with the host, once it was loaded: by name and version, the engine under none.
    loaded: Mutex<HashMap<(&'static str, &'static str), Arc<Plugin>>>,
    checked: Mutex<Checked>,
}

/// Source texts that an engine has found to be right, so that they are not checked again for each run.
#[derive(Default)]
struct Checked {
    texts: HashSet<Arc<str>>,
    bytes: usize,
}

/// Bytes of source texts that are remembered; then all are forgotten.
const CHECKED_BYTES: usize = 4 << 20;

impl Checked {
    fn insert(&mut self, text: &Arc<str>) {
        if self.bytes + text.len() > CHECKED_BYTES {
            *self = Checked::default();
        }
        if self.texts.insert(Arc::clone(text)) {
            self.bytes += text.len();
        }
    }
}

/// A script that is ready to be called.
pub struct Script {
    plugin: Arc<Plugin>,
    /// For an engine: the text, and variables that every call sees.
    source: Option<Source>,
    /// What it may do beyond the object in hand. None: as much as who it acts for.
    rights: Option<Rights>,
}

struct Source {
    text: Arc<str>,
    globals: Vec<(String, String)>,
}

/// What a script is given.
#[derive(Clone, Copy, Debug)]
pub enum Inputs<'a> {
    /// One object of a scan.
    Task {
        /// Its resource path.
        object_id: &'a str,
        /// The object as JSON.
        input: &'a String,
    },
    /// A free-standing script.
    Script {
        /// Its input as JSON.
        input: &'a String,
    },
    /// A script of the configuration, such as a hook.
    Bindings {
        /// Its variables with their values as JSON. A component gets them as the members of its input.
        bindings: &'a [(&'a str, &'a str)],
        /// What is wanted: the value of the script, or what it made of these variables.
        wanted: Wanted,
    },
}

/// One call of a script.
pub struct Invocation<'a> {
    /// What it is given.
    pub inputs: Inputs<'a>,
    /// The object in hand, and what any script may do with it.
    pub in_hand: Option<(ResourcePath, &'a [VerbName])>,
    /// What it may use.
    pub limits: &'a Limits,
    /// What stays the same for the run.
    pub around: Arc<Surroundings>,
    /// Who it acts for, and in which unit of work.
    pub context: Context,
    /// The time that it sees.
    pub now: Timestamp,
    /// What makes its random numbers its own.
    pub seed: u64,
}

impl Scripts {
    /// The scripts of a tenant: those in its folder, and those that come with the host.
    pub fn new(
        runtime: Arc<Runtime>,
        tenant: TenantName,
        folder: Option<PathBuf>,
        javascript: &'static [u8],
        shipped: &'static [Shipped],
        router: LateRouter,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            runtime,
            tenant,
            folder,
            javascript,
            shipped,
            router,
            clock,
            loaded: Mutex::default(),
            checked: Mutex::default(),
        }
    }

    /// Makes a script ready: loads its component, checks its world, its syntax and its grants. `pointer` is where the
    /// script stands in the request, for what is wrong with it.
    pub async fn prepare(&self, spec: &ScriptSpec, purpose: Purpose, pointer: &str) -> Result<Script, Problem> {
        self.prepare_for(None, spec, purpose, pointer).await
    }

    /// The same for a request that brings the script: if a guest asks, it is charged for the look at the text.
    pub(crate) async fn prepare_for(
        &self,
        asking: Option<&Context>,
        spec: &ScriptSpec,
        purpose: Purpose,
        pointer: &str,
    ) -> Result<Script, Problem> {
        let rights = match &spec.grants {
            None => None,
            Some(grants) => {
                let grants = Rights::parse(grants.iter().map(String::as_str));
                Some(grants.map_err(|error| Problem::invalid(format!("{pointer}/grants"), error))?)
            }
        };
        match &spec.code {
            ScriptCode::Source {
                engine: EngineType::JavaScript,
                text,
                globals,
            } => {
                let (text, place): (Arc<str>, _) = match text {
                    SourceText::Inline(text) => (text.as_str().into(), format!("{pointer}/source")),
                    SourceText::File(file) => {
                        let place = format!("{pointer}/file");
                        (self.read_text(file, &place).await?.into(), place)
                    }
                };
                let plugin = self.load_shipped(("", ""), self.javascript, pointer).await?;
                if !self.checked.lock().texts.contains(&text) {
                    self.check(asking, &plugin, &text, &place).await?;
                    self.checked.lock().insert(&text);
                }
                let globals = globals
                    .iter()
                    .map(|(name, value)| (name.clone(), value.to_string()))
                    .collect();
                Ok(Script {
                    plugin,
                    source: Some(Source { text, globals }),
                    rights,
                })
            }
            ScriptCode::Plugin(reference) => {
                let place = format!("{pointer}/plugin");
                let shipped = self.shipped(reference).ok_or_else(|| self.unknown(reference, &place))?;
                let name = (shipped.name, shipped.version);
                let plugin = self.load_shipped(name, shipped.bytes, &place).await?;
                component(plugin, purpose, rights, &place)
            }
            ScriptCode::Component(file) => {
                let place = format!("{pointer}/file");
                let bytes = self.read(file, crate::runtime::MAX_COMPONENT as u64, &place).await?;
                let plugin = self.load(bytes.into(), &place).await?;
                component(plugin, purpose, rights, &place)
            }
        }
    }

    /// Makes a component ready that is given as it is. `place` is what is said to be wrong if it cannot be used.
    pub async fn given(&self, bytes: Arc<[u8]>, purpose: Purpose, place: &str) -> Result<Script, Problem> {
        component(self.load(bytes, place).await?, purpose, None, place)
    }

    /// What comes with the host is loaded once.
    async fn load_shipped(
        &self,
        name: (&'static str, &'static str),
        bytes: &'static [u8],
        place: &str,
    ) -> Result<Arc<Plugin>, Problem> {
        if let Some(plugin) = self.loaded.lock().get(&name) {
            return Ok(Arc::clone(plugin));
        }
        let plugin = self.load(bytes.into(), place).await?;
        self.loaded.lock().insert(name, Arc::clone(&plugin));
        Ok(plugin)
    }

    /// Compiling takes seconds: not where others wait for their turn.
    async fn load(&self, bytes: Arc<[u8]>, place: &str) -> Result<Arc<Plugin>, Problem> {
        let runtime = Arc::clone(&self.runtime);
        let loaded = tokio::task::spawn_blocking(move || runtime.load(&bytes)).await;
        let loaded = loaded.map_err(|_panic| Problem::internal("the component could not be loaded"))?;
        loaded.map_err(|error| match error {
            LoadError::Io(_) => Problem::internal(error.to_string()),
            _ => Problem::invalid(place, error),
        })
    }

    async fn check(&self, asking: Option<&Context>, engine: &Plugin, text: &str, place: &str) -> Result<(), Problem> {
        let account = asking.and_then(Context::account::<Account>);
        let limits = match &account {
            Some(account) => account.allow("a script's text", instant())?.0,
            None => Limits::default(),
        };
        let around = Arc::new(Surroundings {
            tenant: self.tenant.clone(),
            job: None,
            run: "check".into(),
            is_dry_run: true,
            log_level: tracing::Level::ERROR,
            properties: Properties::default(),
            router: self.router.get()?,
        });
        // Nothing of the text is run, so it needs no rights at all.
        let nobody = Caller::internal(self.tenant.as_str(), "script check").with_rights(Arc::new(Rights::none()));
        let context = Context::new(Arc::new(nobody), "check");
        let now = self.clock.now();
        let (checked, usage) = self.runtime.check(engine, text, limits, around, context, now).await;
        if let Some(account) = account {
            account.charge(&usage);
        }
        match checked {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(Problem::invalid(place, &error)
                .with_detail("line", error.line)
                .with_detail("column", error.column)),
            Err(end) => Err(Problem::invalid(place, format!("the script cannot be checked: {end}"))),
        }
    }

    async fn read_text(&self, file: &str, place: &str) -> Result<String, Problem> {
        let bytes = self.read(file, MAX_SOURCE, place).await?;
        String::from_utf8(bytes).map_err(|_| Problem::invalid(place, format!("the file {file} is not UTF-8")))
    }

    /// A file of the tenant's folder. Links that lead out of it are not followed.
    async fn read(&self, file: &str, limit: u64, place: &str) -> Result<Vec<u8>, Problem> {
        let Some(folder) = self.folder.clone() else {
            return Err(Problem::invalid(
                place,
                "the tenant has no configuration folder, so scripts in files cannot be found",
            ));
        };
        let name = file.to_owned();
        let read = tokio::task::spawn_blocking(move || read_within(&folder, &name, limit)).await;
        let read = read.map_err(|_panic| Problem::internal("the script file could not be read"))?;
        read.map_err(|message| Problem::invalid(place, message))
    }

    fn shipped(&self, reference: &PluginRef) -> Option<&'static Shipped> {
        self.shipped
            .iter()
            .find(|plugin| plugin.name == reference.name && plugin.version == reference.version)
    }

    fn unknown(&self, reference: &PluginRef, place: &str) -> Problem {
        let known: Vec<String> = self
            .shipped
            .iter()
            .map(|plugin| format!("{}@{}", plugin.name, plugin.version))
            .collect();
        Problem::invalid(
            place,
            format!("there is no plugin {reference}; there are {}", known.join(", ")),
        )
    }
}

fn component(plugin: Arc<Plugin>, purpose: Purpose, rights: Option<Rights>, place: &str) -> Result<Script, Problem> {
    if plugin.world() != purpose.world() {
        let message = format!(
            "the component is of world {}, but world {} is needed here",
            plugin.world(),
            purpose.world()
        );
        return Err(Problem::invalid(place, message));
    }
    Ok(Script {
        plugin,
        source: None,
        rights: Some(rights.unwrap_or_default()),
    })
}

impl Script {
    /// The digest (BLAKE3) of the component that runs: for source text, the engine's.
    pub fn component_digest(&self) -> String {
        self.plugin.digest()
    }

    /// The source text, if it is no component.
    pub fn source(&self) -> Option<&str> {
        self.source.as_ref().map(|source| &*source.text)
    }

    /// What tells this script from all others: a digest over the component, the text and its variables.
    pub fn digest(&self) -> String {
        let Some(source) = &self.source else {
            return self.component_digest();
        };
        let mut hasher = blake3::Hasher::new();
        let mut part = |text: &str| {
            hasher.update(&(text.len() as u64).to_be_bytes());
            hasher.update(text.as_bytes());
        };
        part(&self.component_digest());
        part(&source.text);
        for (name, value) in &source.globals {
            part(name);
            part(value);
        }
        hasher.finalize().to_hex().to_string()
    }

    /// Calls the script in a fresh sandbox.
    pub async fn call(&self, runtime: &Runtime, invocation: Invocation<'_>) -> Outcome {
        self.perform(runtime, invocation, None).await
    }

    /// Calls the script again as it was called once: the host's answers come from the transcript.
    pub async fn replay(&self, runtime: &Runtime, invocation: Invocation<'_>, player: Player) -> Outcome {
        self.perform(runtime, invocation, Some(player)).await
    }

    async fn perform(&self, runtime: &Runtime, invocation: Invocation<'_>, player: Option<Player>) -> Outcome {
        let Invocation {
            inputs,
            in_hand,
            limits,
            around,
            mut context,
            now,
            seed,
        } = invocation;
        if let Some(rights) = &self.rights {
            let rights = match in_hand {
                Some((path, verbs)) => rights.and(path, verbs),
                None => rights.clone(),
            };
            context.caller = Arc::new(context.caller.with_rights(Arc::new(rights)));
        }
        let object_id;
        let text;
        let mut bindings: Vec<(&str, &str)> = Vec::new();
        let entry = match (&self.source, inputs) {
            (None, Inputs::Task { object_id, input }) => Entry::Task { object_id, input },
            (None, Inputs::Script { input }) => Entry::Script { input },
            (None, Inputs::Bindings { bindings, .. }) => {
                text = members(bindings);
                Entry::Script { input: &text }
            }
            (Some(source), inputs) => {
                bindings.extend(
                    source
                        .globals
                        .iter()
                        .map(|(name, value)| (name.as_str(), value.as_str())),
                );
                let mut run = &*source.text;
                match inputs {
                    Inputs::Task { object_id: id, input } => {
                        object_id = serde_json::Value::from(id).to_string();
                        bindings.extend([("input", input.as_str()), ("objectID", object_id.as_str())]);
                    }
                    Inputs::Script { input } => {
                        bindings.extend([("input", input.as_str()), ("object", input.as_str())])
                    }
                    Inputs::Bindings {
                        bindings: given,
                        wanted,
                    } => {
                        bindings.extend(given);
                        if let Wanted::Bindings(names) = wanted {
                            text = answering(run, names);
                            run = &text;
                        }
                    }
                }
                Entry::Eval {
                    source: run,
                    bindings: &bindings,
                }
            }
        };
        let call = Call {
            plugin: &self.plugin,
            entry,
            limits: *limits,
            around,
            context,
            now,
            seed,
        };
        runtime.perform(call, player).await
    }
}

/// Source text whose value is what it made of some variables. The lines of the text stay where they are.
fn answering(source: &str, names: &[&str]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("{name}: {name}")).collect();
    format!("{source}\n;({{ {} }});", names.join(", "))
}

/// A JSON object of members that are JSON texts.
fn members(bindings: &[(&str, &str)]) -> String {
    let members: Vec<String> = bindings
        .iter()
        .map(|(name, value)| format!("{}:{value}", serde_json::Value::from(*name)))
        .collect();
    format!("{{{}}}", members.join(","))
}

fn read_within(folder: &Path, file: &str, limit: u64) -> Result<Vec<u8>, String> {
    let missing = |error: std::io::Error| format!("the file {file} cannot be read: {error}");
    let folder = folder.canonicalize().map_err(missing)?;
    let path = folder.join(file).canonicalize().map_err(missing)?;
    if !path.starts_with(&folder) {
        return Err(format!("the file {file} lies outside the configuration folder"));
    }
    let size = std::fs::metadata(&path).map_err(missing)?.len();
    if size > limit {
        return Err(format!("the file {file} has {size} bytes; at most {limit} are allowed"));
    }
    std::fs::read(&path).map_err(missing)
}
