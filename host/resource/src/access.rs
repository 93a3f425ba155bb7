//! What a caller may do: verbs on paths. One rule list serves people's roles and plugins' grants.

use std::fmt;
use std::str::FromStr;

use crate::path::{PathError, ResourcePath};

/// The verbs by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum VerbName {
    /// Makes a resource.
    Create = 1,
    /// Reads one resource.
    Read = 2,
    /// Replaces one resource.
    Update = 4,
    /// Changes parts of one resource.
    Patch = 8,
    /// Removes one resource.
    Delete = 16,
    /// Lists what matches.
    Query = 32,
    /// Anything else.
    Action = 64,
}

const VERBS: [(VerbName, &str); 7] = [
    (VerbName::Create, "create"),
    (VerbName::Read, "read"),
    (VerbName::Update, "update"),
    (VerbName::Patch, "patch"),
    (VerbName::Delete, "delete"),
    (VerbName::Query, "query"),
    (VerbName::Action, "action"),
];

impl fmt::Display for VerbName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = VERBS
            .iter()
            .find(|(verb, _)| verb == self)
            .map_or("?", |(_, name)| name);
        f.write_str(name)
    }
}

/// One permission: the verbs on a path, and on everything below it when it ends in `/*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    path: ResourcePath,
    below: bool,
    verbs: u8,
}

/// Why a text is not a grant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GrantError {
    /// Not of the form `path: verb, verb`.
    #[error("`{0}` is not a grant: write `path: verb, verb`, such as `managed/user/*: read, patch`")]
    Form(String),
    /// A verb that does not exist.
    #[error("`{0}` is not a verb: use create, read, update, patch, delete, query, action or *")]
    Verb(String),
    /// The path cannot be parsed.
    #[error("the path of a grant cannot be used")]
    Path(#[from] PathError),
}

impl FromStr for Grant {
    type Err = GrantError;

    /// `managed/user/*: read, query`; `*: *` is everything.
    fn from_str(text: &str) -> Result<Self, GrantError> {
        let (path, verbs) = text.rsplit_once(':').ok_or_else(|| GrantError::Form(text.to_owned()))?;
        let path = path.trim();
        let (path, below) = match path.strip_suffix('*') {
            Some("") => ("", true),
            Some(prefix) if prefix.ends_with('/') => (prefix, true),
            Some(_) => return Err(GrantError::Form(text.to_owned())),
            None => (path, false),
        };
        let mut mask = 0;
        for verb in verbs.split(',').map(str::trim) {
            mask |= match VERBS.iter().find(|(_, name)| *name == verb) {
                Some((verb, _)) => *verb as u8,
                None if verb == "*" => u8::MAX,
                None => return Err(GrantError::Verb(verb.to_owned())),
            };
        }
        Ok(Self {
            path: ResourcePath::parse(path)?,
            below,
            verbs: mask,
        })
    }
}

impl Grant {
    fn allows(&self, verb: VerbName, path: &ResourcePath) -> bool {
        self.verbs & verb as u8 != 0 && path.starts_with(&self.path) && (self.below || path.len() == self.path.len())
    }
}

/// All permissions of a caller. Nothing that is not listed is allowed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rights(Vec<Grant>);

impl Rights {
    /// No rights at all.
    pub fn none() -> Self {
        Self::default()
    }

    /// Every verb on every path.
    pub fn all() -> Self {
        Self(vec![Grant {
            path: ResourcePath::default(),
            below: true,
            verbs: u8::MAX,
        }])
    }

    /// The union of some grants.
    pub fn new(grants: impl IntoIterator<Item = Grant>) -> Self {
        Self(grants.into_iter().collect())
    }

    /// These rights and some verbs on one path.
    #[must_use]
    pub fn and(&self, path: ResourcePath, verbs: &[VerbName]) -> Self {
        let verbs = verbs.iter().fold(0, |mask, verb| mask | *verb as u8);
        let mut grants = self.0.clone();
        grants.push(Grant {
            path,
            below: false,
            verbs,
        });
        Self(grants)
    }

    /// Parses a list of grants.
    pub fn parse<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Self, GrantError> {
        texts
            .into_iter()
            .map(str::parse)
            .collect::<Result<Vec<_>, _>>()
            .map(Self)
    }

    /// Whether one of the grants covers the request.
    pub fn allow(&self, verb: VerbName, path: &ResourcePath) -> bool {
        self.0.iter().any(|grant| grant.allows(verb, path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grant_covers_its_path_its_verbs_and_nothing_else() {
        let check = |grant: &str, verb: VerbName, path: &str, expected: bool| {
            let rights = Rights::parse([grant]).unwrap();
            assert_eq!(
                rights.allow(verb, &ResourcePath::parse(path).unwrap()),
                expected,
                "{grant} {verb} {path}"
            );
        };
        check("managed/user/*: read, query", VerbName::Read, "managed/user/1", true);
        check("managed/user/*: read, query", VerbName::Query, "managed/user", true);
        check("managed/user/*: read, query", VerbName::Delete, "managed/user/1", false);
        check("managed/user/*: read", VerbName::Read, "managed/users/1", false);
        check("managed/user: query", VerbName::Query, "managed/user", true);
        check("managed/user: query", VerbName::Query, "managed/user/1", false);
        check("MANAGED/user: query", VerbName::Query, "managed/USER", true);
        check("*: *", VerbName::Action, "taskscanner", true);
        check("info/ping: read", VerbName::Read, "info", false);
    }

    #[test]
    fn what_is_no_grant_is_refused() {
        assert!(matches!("managed/user".parse::<Grant>(), Err(GrantError::Form(_))));
        assert!(matches!("managed/us*: read".parse::<Grant>(), Err(GrantError::Form(_))));
        assert!(matches!(
            "managed/user: reed".parse::<Grant>(),
            Err(GrantError::Verb(_))
        ));
        assert!(matches!(
            "managed//user: read".parse::<Grant>(),
            Err(GrantError::Path(_))
        ));
    }

    #[test]
    fn nothing_is_allowed_by_default() {
        assert!(!Rights::none().allow(VerbName::Read, &ResourcePath::parse("managed/user/1").unwrap()));
    }
}
