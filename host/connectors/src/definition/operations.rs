//! What may be done with the objects of a system, and how long it may take.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use host_model::Invalid;
use host_model::members::Members;
use host_resource::Pointer;

use super::ObjectType;

/// What can be done with a system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Operation {
    /// Make an object.
    Create,
    /// Change an object.
    Update,
    /// Remove an object.
    Delete,
    /// Read one object.
    Get,
    /// Read many.
    Search,
    /// Read changes.
    Sync,
    /// See whether the system answers.
    Test,
    /// Check a password.
    Authenticate,
    /// Read what objects the system has.
    Schema,
}

/// The operations by their names in configurations.
const NAMES: [(&str, Operation); 9] = [
    ("CREATE", Operation::Create),
    ("UPDATE", Operation::Update),
    ("DELETE", Operation::Delete),
    ("GET", Operation::Get),
    ("SEARCH", Operation::Search),
    ("SYNC", Operation::Sync),
    ("TEST", Operation::Test),
    ("AUTHENTICATE", Operation::Authenticate),
    ("SCHEMA", Operation::Schema),
];
/// Operations of the platform that have no counterpart here; their limits mean nothing.
const OTHERS: [&str; 4] = [
    "VALIDATE",
    "SCRIPT_ON_CONNECTOR",
    "SCRIPT_ON_RESOURCE",
    "RESOLVEUSERNAME",
];

/// The longest deadline that a configuration can set.
const LONGEST: i64 = 24 * 3_600_000;

/// What a denied operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Denied {
    /// It answers 403.
    Refuse,
    /// It does nothing and answers as if there were nothing to do.
    Nothing,
}

/// Which operations are denied, by operation and, where it is not all, by native type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Operations(BTreeMap<(Operation, Option<String>), Option<Denied>>);

impl Operations {
    pub(super) fn parse(members: &Members<'_>, types: &BTreeMap<String, Arc<ObjectType>>) -> Result<Self, Invalid> {
        let mut denied = BTreeMap::new();
        let Some(options) = members.object("operationOptions")? else {
            return Ok(Self(denied));
        };
        let known: Vec<&str> = NAMES.iter().map(|(name, _)| *name).chain(OTHERS).collect();
        options.only(&known)?;
        for (name, operation) in NAMES {
            let Some(option) = options.object(name)? else { continue };
            option.only(&["denied", "onDeny", "objectFeatures", "operationOptionInfo"])?;
            options_have_no_meaning(&option)?;
            denied.insert((operation, None), denial(&option)?);
            let Some(features) = option.object("objectFeatures")? else {
                continue;
            };
            for native in features.others(&[]).keys() {
                let is_known = types
                    .values()
                    .any(|kind| kind.native == *native || kind.name == *native);
                if !is_known {
                    return Err(features.invalid(native, format!("there is no type '{native}' in objectTypes")));
                }
                let feature = features.require_object(native, "what holds for the type")?;
                feature.only(&["denied", "onDeny", "operationOptionInfo"])?;
                options_have_no_meaning(&feature)?;
                denied.insert((operation, Some(native.clone())), denial(&feature)?);
            }
        }
        Ok(Self(denied))
    }

    /// Whether an operation is denied on a type. What is said of the type goes before what is said of all.
    pub(crate) fn denied(&self, operation: Operation, kind: &ObjectType) -> Option<Denied> {
        let of = |name: &str| self.0.get(&(operation, Some(name.to_owned())));
        *of(&kind.native)
            .or_else(|| of(&kind.name))
            .or_else(|| self.0.get(&(operation, None)))
            .unwrap_or(&None)
    }
}

fn denial(members: &Members<'_>) -> Result<Option<Denied>, Invalid> {
    let how = match members.text("onDeny")? {
        None | Some("THROW_EXCEPTION") => Denied::Refuse,
        Some("DO_NOTHING") => Denied::Nothing,
        Some(_) => return Err(members.invalid("onDeny", "write THROW_EXCEPTION or DO_NOTHING")),
    };
    Ok(members.bool("denied", false)?.then_some(how))
}

/// The schema that the platform gives to options of its connectors; what matters is in it only when it has properties.
fn options_have_no_meaning(members: &Members<'_>) -> Result<(), Invalid> {
    let info = members.object("operationOptionInfo")?;
    let properties = info
        .as_ref()
        .map(|info| info.object("properties"))
        .transpose()?
        .flatten();
    match properties.map(|properties| properties.others(&[]).keys().next().cloned()) {
        Some(Some(option)) => {
            Err(members.invalid("operationOptionInfo", format!("the connector has no option '{option}'")))
        }
        _ => Ok(()),
    }
}

/// How long each operation may take.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Timeouts(BTreeMap<Operation, Duration>);

impl Timeouts {
    pub(super) fn parse(members: &Members<'_>) -> Result<Self, Invalid> {
        let mut timeouts = BTreeMap::new();
        let Some(limits) = members.object("operationTimeout")? else {
            return Ok(Self(timeouts));
        };
        let known: Vec<&str> = NAMES.iter().map(|(name, _)| *name).chain(OTHERS).collect();
        limits.only(&known)?;
        for (name, operation) in NAMES {
            let Some(ms) = limits.integer(name, -1..=LONGEST, "milliseconds; -1 is the default")? else {
                continue;
            };
            match u64::try_from(ms) {
                Ok(0) => {
                    return Err(Invalid::new(
                        Pointer::from_elements(["operationTimeout", name]),
                        "0 ms is too short",
                    ));
                }
                Ok(ms) => drop(timeouts.insert(operation, Duration::from_millis(ms))),
                Err(_) => {}
            }
        }
        Ok(Self(timeouts))
    }

    /// The longest of them.
    pub(crate) fn longest(&self) -> Duration {
        let all = NAMES.iter().map(|(_, operation)| self.of(*operation));
        all.max().unwrap_or_default()
    }

    /// How long an operation may take. What the platform lets run for ever ends here as well: a system that hangs must
    /// not keep a schedule or a request for ever.
    pub(crate) fn of(&self, operation: Operation) -> Duration {
        let default = match operation {
            Operation::Search | Operation::Sync => Duration::from_secs(300),
            Operation::Create
            | Operation::Update
            | Operation::Delete
            | Operation::Get
            | Operation::Test
            | Operation::Authenticate
            | Operation::Schema => Duration::from_secs(30),
        };
        self.0.get(&operation).copied().unwrap_or(default)
    }
}
