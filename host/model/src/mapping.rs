//! A mapping: how objects of a source become objects of a target. `sync.json` lists them, in the order in which they are
//! synchronized. Behaviour 5.1 and 5.2.

mod guard;
mod parse;
mod property;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde_json::Value;

use crate::policy::{Condition, PolicySpec, Scripted};

pub use guard::Guard;
pub use parse::{parse_all, with_overrides};
pub use property::PropertySpec;

/// A mapping as it is written.
#[derive(Clone, Debug, PartialEq)]
pub struct MappingSpec {
    /// Its name.
    pub name: String,
    /// The container of its source, such as `system/ldap/account`.
    pub source: String,
    /// The container of its target.
    pub target: String,
    /// Whose links it uses: its own, or those of the mapping in the other direction.
    pub links: Option<String>,
    /// As what source and target objects may be linked.
    pub qualifiers: Qualifiers,
    /// Whether a change of a source object is carried over at once.
    pub enable_sync: bool,
    /// Whether it keeps links.
    pub enable_linking: bool,
    /// Whether ids of the source differ in capitals only.
    pub source_ids_case_sensitive: bool,
    /// Whether ids of the target differ in capitals only.
    pub target_ids_case_sensitive: bool,
    /// How target objects are found that belong to a source object and are not linked.
    pub correlations: Vec<CorrelationSpec>,
    /// Which source objects qualify.
    pub source_condition: Option<Condition>,
    /// What is carried over.
    pub properties: Vec<PropertySpec>,
    /// What is done in which situation.
    pub policies: Vec<PolicySpec>,
    /// Scripts at certain moments.
    pub hooks: BTreeMap<Hook, Scripted>,
    /// Which source objects a run looks at.
    pub source_query: Option<QuerySpec>,
    /// Which target objects a run looks at.
    pub target_query: Option<QuerySpec>,
    /// Whether what a source query answers is the whole object; none decides by looking.
    pub source_query_full_entry: Option<bool>,
    /// The same for target queries.
    pub target_query_full_entry: Option<bool>,
    /// Whether to correlate although the target is empty.
    pub correlate_empty_target_set: bool,
    /// Whether a run goes on when the source is empty.
    pub allow_empty_source_set: bool,
    /// Whether a run looks at target objects that no source object led to.
    pub run_target_phase: bool,
    /// Source objects that are read at a time.
    pub source_page_size: Option<usize>,
    /// Target objects that are read at a time.
    pub target_page_size: Option<usize>,
    /// Objects that are worked on at a time.
    pub task_threads: usize,
    /// How many analysed runs are kept.
    pub max_analysis_runs: usize,
    /// How many other runs are kept.
    pub max_runs: usize,
    /// What keeps a run from deleting too much.
    pub guard: Guard,
    /// Mappings whose implicit synchronization comes first.
    pub sync_after: Vec<String>,
    /// Implicit synchronization only when one of these changes; none means any.
    pub trigger_properties: Option<Vec<host_resource::Pointer>>,
    /// The mapping as it was written, for scripts.
    pub written: Value,
}

/// As what source and target objects may be linked.
#[derive(Clone, Debug, PartialEq)]
pub enum Qualifiers {
    /// As these.
    Named(Vec<String>),
    /// As a script says.
    Script(Scripted),
}

/// The qualifier of mappings that name none.
pub const DEFAULT_QUALIFIER: &str = "default";

/// How target objects are found that belong to a source object.
#[derive(Clone, Debug, PartialEq)]
pub struct CorrelationSpec {
    /// For this qualifier only.
    pub qualifier: Option<String>,
    /// Whether the script answers a query, rather than what was found.
    pub is_query: bool,
    /// The script.
    pub script: Scripted,
}

/// A query of a run over a container.
#[derive(Clone, Debug, PartialEq)]
pub enum QuerySpec {
    /// What matches.
    Filter(host_resource::Filter),
    /// A query by name.
    Id(String),
}

/// The moments at which a mapping has scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Hook {
    /// Whether a source object takes part.
    ValidSource,
    /// Whether a target object takes part.
    ValidTarget,
    /// Before a target object is made.
    OnCreate,
    /// Before a target object is changed.
    OnUpdate,
    /// Before a target object is deleted.
    OnDelete,
    /// When a link is made.
    OnLink,
    /// When a link is deleted.
    OnUnlink,
    /// When a run begins.
    OnRecon,
    /// When an object fails.
    OnError,
    /// When a run has come to its end.
    Result,
    /// Behind the properties of an object.
    DefaultMapping,
    /// When the target object was written.
    PostMapping,
}

impl Hook {
    /// Every hook with its name.
    pub const ALL: [(&'static str, Hook); 12] = [
        ("validSource", Hook::ValidSource),
        ("validTarget", Hook::ValidTarget),
        ("onCreate", Hook::OnCreate),
        ("onUpdate", Hook::OnUpdate),
        ("onDelete", Hook::OnDelete),
        ("onLink", Hook::OnLink),
        ("onUnlink", Hook::OnUnlink),
        ("onRecon", Hook::OnRecon),
        ("onError", Hook::OnError),
        ("result", Hook::Result),
        ("defaultMapping", Hook::DefaultMapping),
        ("postMapping", Hook::PostMapping),
    ];

    /// The name in a mapping.
    pub fn name(self) -> &'static str {
        Hook::ALL
            .into_iter()
            .find(|(_, hook)| *hook == self)
            .map_or("", |(name, _)| name)
    }
}

impl MappingSpec {
    /// The correlation that counts for a qualifier: its own, or the one for all.
    pub fn correlation(&self, qualifier: &str) -> Option<&CorrelationSpec> {
        let of = |wanted: Option<&str>| self.correlations.iter().find(|one| one.qualifier.as_deref() == wanted);
        of(Some(qualifier)).or_else(|| of(None))
    }
}
