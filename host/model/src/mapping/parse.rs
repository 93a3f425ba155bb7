//! Reading `sync.json`: what is not understood is refused with its place.

use std::collections::BTreeMap;

use host_resource::{Filter, Pointer};
use serde_json::Value;

use super::{CorrelationSpec, DEFAULT_QUALIFIER, Guard, Hook, MappingSpec, PropertySpec, Qualifiers, QuerySpec};
use crate::invalid::Invalid;
use crate::members::Members;
use crate::policy::{Condition, PolicySpec, Scripted};

/// More mappings than this are refused.
const MAX_MAPPINGS: usize = 200;
/// More properties or policies of a mapping than this are refused.
const MAX_PARTS: usize = 1000;
/// Objects that a run of a mapping may work on at a time.
const MAX_THREADS: i64 = 64;
/// Objects that a run may read at a time.
const MAX_PAGE: i64 = 5000;
/// Threads when the mapping does not say (behaviour 5.1).
const THREADS: usize = 10;
/// Most runs of a kind that a mapping may keep.
const MAX_RUNS: i64 = 1000;

const KNOWN: [&str; 44] = [
    "name",
    "source",
    "target",
    "displayName",
    "icon",
    "consentRequired",
    "links",
    "linkQualifiers",
    "enableSync",
    "enableLinking",
    "sourceIdsCaseSensitive",
    "targetIdsCaseSensitive",
    "correlationQuery",
    "correlationScript",
    "validSource",
    "validTarget",
    "sourceCondition",
    "properties",
    "policies",
    "onCreate",
    "onUpdate",
    "onDelete",
    "onLink",
    "onUnlink",
    "onRecon",
    "onError",
    "result",
    "defaultMapping",
    "postMapping",
    "sourceQuery",
    "targetQuery",
    "sourceQueryFullEntry",
    "targetQueryFullEntry",
    "prefetchLinks",
    "correlateEmptyTargetSet",
    "allowEmptySourceSet",
    "runTargetPhase",
    "reconSourceQueryPaging",
    "reconSourceQueryPageSize",
    "reconTargetQueryPaging",
    "reconTargetQueryPageSize",
    "taskThreads",
    "feedSize",
    "clusteredSourceReconEnabled",
];

/// Known as well: what is ours, and what came later.
const ALSO_KNOWN: [&str; 5] = [
    "reconAssociation",
    "deletionGuard",
    "syncAfter",
    "triggerSyncProperties",
    "reconProgressStateUpdateInterval",
];

/// Members that the platform knows and this version does not carry out: better refused than ignored.
const NOT_YET: [&str; 3] = ["onMapping", "queuedSync", "optimizeAssignmentSync"];

/// Reads the mappings of a `sync.json`.
///
/// # Errors
/// The first member that is unknown, missing, or not what it has to be.
pub fn parse_all(document: &Value) -> Result<Vec<MappingSpec>, Invalid> {
    let members = Members::of(document, Pointer::root())?;
    members.only(&["_id", "_rev", "mappings"])?;
    let mut mappings: Vec<MappingSpec> = Vec::new();
    for (value, at) in items(&members, "mappings", MAX_MAPPINGS)? {
        let mapping = mapping(value, at.clone())?;
        if mappings.iter().any(|other| other.name == mapping.name) {
            let message = format!("there is a mapping '{}' already", mapping.name);
            return Err(Invalid::new(at.child("name"), message));
        }
        mappings.push(mapping);
    }
    for (position, mapping) in mappings.iter().enumerate() {
        let at = |name: &str| {
            Pointer::root()
                .child("mappings")
                .child(&position.to_string())
                .child(name)
        };
        check_links(mapping, &mappings).map_err(|message| Invalid::new(at("links"), message))?;
        if let Some(stranger) = mapping
            .sync_after
            .iter()
            .find(|name| !mappings.iter().any(|other| other.name == **name))
        {
            return Err(Invalid::new(
                at("syncAfter"),
                format!("there is no mapping '{stranger}'"),
            ));
        }
    }
    Ok(mappings)
}

fn check_links(mapping: &MappingSpec, mappings: &[MappingSpec]) -> Result<(), String> {
    let Some(links) = &mapping.links else { return Ok(()) };
    let owner = mappings
        .iter()
        .find(|other| other.name == *links)
        .ok_or_else(|| format!("there is no mapping '{links}' whose links could be used"))?;
    if owner.links.as_ref().is_some_and(|links| *links != owner.name) {
        return Err(format!(
            "'{links}' uses the links of another mapping itself: name that one"
        ));
    }
    let same = |one: &str, other: &str| one.eq_ignore_ascii_case(other);
    let is_reverse = same(&owner.source, &mapping.target) && same(&owner.target, &mapping.source);
    let is_parallel = same(&owner.source, &mapping.source) && same(&owner.target, &mapping.target);
    if is_reverse || is_parallel {
        return Ok(());
    }
    Err(format!(
        "'{links}' maps {} to {}: links can be shared by mappings between the same two containers only",
        owner.source, owner.target
    ))
}

fn mapping(value: &Value, at: Pointer) -> Result<MappingSpec, Invalid> {
    let members = Members::of(value, at)?;
    if let Some(name) = NOT_YET.into_iter().find(|name| members.has(name)) {
        return Err(members.invalid(name, format!("'{name}' is not part of this version")));
    }
    let known: Vec<&str> = KNOWN.into_iter().chain(ALSO_KNOWN).collect();
    members.only(&known)?;
    for text in ["displayName", "icon"] {
        members.text(text)?;
    }
    for flag in [
        "consentRequired",
        "prefetchLinks",
        "clusteredSourceReconEnabled",
        "reconSourceQueryPaging",
        "reconTargetQueryPaging",
    ] {
        members.bool(flag, false)?;
    }
    members.integer("feedSize", 1..=i64::MAX, "objects")?;
    members.integer("reconProgressStateUpdateInterval", 0..=i64::MAX, "objects")?;
    let page = |name: &str| members.natural(name, 1..=MAX_PAGE, "objects");
    let threads = members.natural("taskThreads", 0..=MAX_THREADS, "threads")?;
    let mut hooks = BTreeMap::new();
    for (name, hook) in Hook::ALL {
        if let Some(script) = Scripted::of(&members, name)? {
            hooks.insert(hook, script);
        }
    }
    let (max_analysis_runs, max_runs) = kept(&members)?;
    Ok(MappingSpec {
        name: members.require_text("name", "the name of the mapping")?.to_owned(),
        source: container(&members, "source")?,
        target: container(&members, "target")?,
        links: members.text("links")?.map(str::to_owned),
        qualifiers: qualifiers(&members)?,
        enable_sync: members.bool("enableSync", true)?,
        enable_linking: members.bool("enableLinking", true)?,
        source_ids_case_sensitive: members.bool("sourceIdsCaseSensitive", true)?,
        target_ids_case_sensitive: members.bool("targetIdsCaseSensitive", true)?,
        correlations: correlations(&members)?,
        source_condition: Condition::of(&members, "sourceCondition")?,
        properties: items(&members, "properties", MAX_PARTS)?
            .into_iter()
            .map(|(value, at)| PropertySpec::parse(value, at))
            .collect::<Result<_, _>>()?,
        policies: items(&members, "policies", MAX_PARTS)?
            .into_iter()
            .map(|(value, at)| PolicySpec::parse(value, at))
            .collect::<Result<_, _>>()?,
        hooks,
        source_query: query(&members, "sourceQuery")?,
        target_query: query(&members, "targetQuery")?,
        source_query_full_entry: flag(&members, "sourceQueryFullEntry")?,
        target_query_full_entry: flag(&members, "targetQueryFullEntry")?,
        correlate_empty_target_set: members.bool("correlateEmptyTargetSet", false)?,
        allow_empty_source_set: members.bool("allowEmptySourceSet", false)?,
        run_target_phase: members.bool("runTargetPhase", true)?,
        source_page_size: page("reconSourceQueryPageSize")?,
        target_page_size: page("reconTargetQueryPageSize")?,
        task_threads: threads.unwrap_or(THREADS),
        max_analysis_runs,
        max_runs,
        guard: Guard::of(&members, "deletionGuard")?,
        sync_after: texts(&members, "syncAfter")?.unwrap_or_default(),
        trigger_properties: pointers(&members, "triggerSyncProperties")?,
        written: value.clone(),
    })
}

fn container(members: &Members<'_>, name: &str) -> Result<String, Invalid> {
    let text = members.require_text(
        name,
        "a container of objects, such as managed/user or system/ldap/account",
    )?;
    match host_resource::ResourcePath::parse(text) {
        Ok(path) if path.len() >= 2 => Ok(text.trim_matches('/').to_owned()),
        Ok(_) => Err(members.invalid(
            name,
            format!("'{text}' is not a container: write one such as managed/user"),
        )),
        Err(error) => Err(members.invalid(name, error.to_string())),
    }
}

/// Behaviour 5.1: one analysed run and three others.
fn kept(members: &Members<'_>) -> Result<(usize, usize), Invalid> {
    let Some(members) = members.object("reconAssociation")? else {
        return Ok((1, 3));
    };
    members.only(&["maxAnalysisRunsPerMapping", "maxNonAnalysisRunsPerMapping"])?;
    let number = |name: &str, absent: usize| Ok(members.natural(name, 0..=MAX_RUNS, "runs")?.unwrap_or(absent));
    Ok((
        number("maxAnalysisRunsPerMapping", 1)?,
        number("maxNonAnalysisRunsPerMapping", 3)?,
    ))
}

fn qualifiers(members: &Members<'_>) -> Result<Qualifiers, Invalid> {
    match members.get("linkQualifiers") {
        Some(Value::Object(_)) => {
            Ok(Scripted::of(members, "linkQualifiers")?
                .map_or_else(|| Qualifiers::Named(Vec::new()), Qualifiers::Script))
        }
        _ => match texts(members, "linkQualifiers")? {
            None => Ok(Qualifiers::Named(vec![DEFAULT_QUALIFIER.to_owned()])),
            Some(names) if names.is_empty() => Err(members.invalid("linkQualifiers", "name at least one qualifier")),
            Some(names) => Ok(Qualifiers::Named(names)),
        },
    }
}

fn correlations(members: &Members<'_>) -> Result<Vec<CorrelationSpec>, Invalid> {
    let mut found: Vec<CorrelationSpec> = Vec::new();
    for (name, is_query) in [("correlationQuery", true), ("correlationScript", false)] {
        let scripts = match members.get(name) {
            None => Vec::new(),
            Some(Value::Array(_)) => items(members, name, MAX_PARTS)?,
            Some(one) => vec![(one, members.at(name))],
        };
        for (value, at) in scripts {
            let mut script = value.clone();
            let qualifier = script
                .as_object_mut()
                .and_then(|members| members.shift_remove("linkQualifier"));
            let qualifier = match qualifier {
                None | Some(Value::Null) => None,
                Some(Value::String(text)) => Some(text),
                Some(_) => return Err(Invalid::new(at.child("linkQualifier"), "a string is expected here")),
            };
            if found.iter().any(|other| other.qualifier == qualifier) {
                let message = "there is another correlation for the same qualifier already: one of them is too many";
                return Err(Invalid::new(at, message));
            }
            found.push(CorrelationSpec {
                qualifier,
                is_query,
                script: Scripted::parse(&script, at)?,
            });
        }
    }
    Ok(found)
}

/// The query of the member `name`, as a mapping and as a request write it.
fn query(members: &Members<'_>, name: &str) -> Result<Option<QuerySpec>, Invalid> {
    let Some(query) = members.object(name)? else {
        return Ok(None);
    };
    query.only(&[
        "_queryFilter",
        "queryFilter",
        "_queryId",
        "queryId",
        "_fields",
        "resourceName",
    ])?;
    let either = |one: &'static str, other: &'static str| -> Result<Option<(&'static str, &str)>, Invalid> {
        Ok(match query.text(one)? {
            Some(text) => Some((one, text)),
            None => query.text(other)?.map(|text| (other, text)),
        })
    };
    match (either("_queryFilter", "queryFilter")?, either("_queryId", "queryId")?) {
        (Some((name, text)), None) => match Filter::parse(text) {
            Ok(filter) => Ok(Some(QuerySpec::Filter(filter))),
            Err(error) => Err(query.invalid(name, format!("this is not a filter: {error}"))),
        },
        (None, Some((_, id))) => Ok(Some(QuerySpec::Id(id.to_owned()))),
        _ => Err(Invalid::new(
            query.pointer().clone(),
            "exactly one of '_queryFilter' and '_queryId' is required",
        )),
    }
}

fn flag(members: &Members<'_>, name: &str) -> Result<Option<bool>, Invalid> {
    if !members.has(name) {
        return Ok(None);
    }
    members.bool(name, false).map(Some)
}

fn items<'a>(members: &Members<'a>, name: &str, most: usize) -> Result<Vec<(&'a Value, Pointer)>, Invalid> {
    let list = match members.get(name) {
        None => return Ok(Vec::new()),
        Some(Value::Array(list)) => list,
        Some(_) => return Err(members.invalid(name, "an array is expected here")),
    };
    if list.len() > most {
        return Err(members.invalid(name, format!("there are more than {most}")));
    }
    let at = members.at(name);
    Ok(list
        .iter()
        .enumerate()
        .map(|(number, value)| (value, at.child(&number.to_string())))
        .collect())
}

fn texts(members: &Members<'_>, name: &str) -> Result<Option<Vec<String>>, Invalid> {
    if !members.has(name) {
        return Ok(None);
    }
    let texts = items(members, name, MAX_PARTS)?
        .into_iter()
        .map(|(value, at)| match value {
            Value::String(text) if !text.is_empty() => Ok(text.clone()),
            _ => Err(Invalid::new(at, "a text is expected here")),
        });
    texts.collect::<Result<_, _>>().map(Some)
}

fn pointers(members: &Members<'_>, name: &str) -> Result<Option<Vec<Pointer>>, Invalid> {
    let Some(texts) = texts(members, name)? else {
        return Ok(None);
    };
    let parsed = texts.iter().map(|text| {
        Pointer::parse(text).map_err(|error| members.invalid(name, format!("'{text}' is not a pointer: {error}")))
    });
    parsed.collect::<Result<_, _>>().map(Some)
}

/// The queries and flags that a request for a run may carry (behaviour 5.1): as a mapping writes them, and instead of the
/// mapping's own.
///
/// # Errors
/// The first member that is unknown or not what it has to be.
pub fn with_overrides(mapping: &MappingSpec, body: &Value) -> Result<MappingSpec, Invalid> {
    let members = Members::of(body, Pointer::root())?;
    members.only(&[
        "ids",
        "sourceQuery",
        "targetQuery",
        "allowEmptySourceSet",
        "runTargetPhase",
        "sourceQueryFullEntry",
        "targetQueryFullEntry",
    ])?;
    let mut mapping = mapping.clone();
    mapping.source_query = query(&members, "sourceQuery")?.or(mapping.source_query);
    mapping.target_query = query(&members, "targetQuery")?.or(mapping.target_query);
    mapping.allow_empty_source_set = members.bool("allowEmptySourceSet", mapping.allow_empty_source_set)?;
    mapping.run_target_phase = members.bool("runTargetPhase", mapping.run_target_phase)?;
    mapping.source_query_full_entry = flag(&members, "sourceQueryFullEntry")?.or(mapping.source_query_full_entry);
    mapping.target_query_full_entry = flag(&members, "targetQueryFullEntry")?.or(mapping.target_query_full_entry);
    Ok(mapping)
}
