//! What each role may do. This table is the only place that knows.

use host_resource::Rights;

/// Everything.
pub const ADMIN: &str = "openidm-admin";
/// Who has signed in. Sees no more than whether the tenant is up, until rights to one's own data are a notion here.
pub const AUTHORIZED: &str = "openidm-authorized";

const ROLES: [(&str, &[&str]); 2] = [(ADMIN, &["*: *"]), (AUTHORIZED, &["info/ping: read"])];

/// The union of what the roles may do. A role that does not exist, because a later version wrote it, gives nothing.
pub(crate) fn rights(roles: &[String]) -> Rights {
    let of = |role: &String| {
        ROLES
            .iter()
            .find(|(name, _)| name == role)
            .map_or(&[][..], |(_, grants)| *grants)
    };
    let grants = roles.iter().flat_map(of).copied();
    Rights::parse(grants).expect("the table holds nothing but grants, and a test reads all of it")
}

/// The first of the roles that does not exist.
pub(crate) fn first_unknown<'a>(roles: &[&'a str]) -> Option<&'a str> {
    roles
        .iter()
        .copied()
        .find(|role| ROLES.iter().all(|(name, _)| name != role))
}

#[cfg(test)]
mod tests {
    use host_resource::{ResourcePath, VerbName};

    use super::*;

    #[test]
    fn a_role_may_what_its_row_says() {
        let check = |roles: &[&str], verb: VerbName, path: &str, expected: bool| {
            let roles: Vec<String> = roles.iter().map(ToString::to_string).collect();
            let path = ResourcePath::parse(path).unwrap();
            assert_eq!(rights(&roles).allow(verb, &path), expected, "{roles:?} {verb} {path}");
        };
        check(&[ADMIN], VerbName::Action, "scheduler/job/x", true);
        check(&[AUTHORIZED], VerbName::Read, "info/ping", true);
        check(&[AUTHORIZED], VerbName::Read, "scheduler/job/x", false);
        check(&[AUTHORIZED, ADMIN], VerbName::Delete, "managed/user/1", true);
        check(&["made-up"], VerbName::Read, "info/ping", false);
        check(&[], VerbName::Read, "info/ping", false);
    }

    #[test]
    fn an_unknown_role_is_noticed() {
        assert_eq!(first_unknown(&[ADMIN, AUTHORIZED]), None);
        assert_eq!(first_unknown(&[ADMIN, "openidm-amdin"]), Some("openidm-amdin"));
    }
}
