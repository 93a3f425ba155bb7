//! `configurationProperties` of the LDAP connector. An option that would change what happens and is not supported is
//! refused, unless it says what happens anyway.

use std::fmt;
use std::sync::Arc;

use host_model::Invalid;
use host_model::members::Members;
use rustls::ClientConfig;
use serde_json::Value;

use crate::definition::ObjectType;
use crate::options::{self, flag, texts, whole};
use crate::tls;

/// Values of these change nothing: they tune the platform's connector.
const WITHOUT_MEANING: [&str; 12] = [
    "usePagedResultControl",
    "useBlocks",
    "vlvSortAttribute",
    "readSchema",
    "changeLogBlockSize",
    "changeNumberAttribute",
    "removeLogEntryObjectClassFromFilter",
    "checkAliveMinInterval",
    "useTimestampsForSync",
    "timestampSyncOffset",
    "connectionTimeout",
    "readTimeout",
];
/// These are not supported: only what they are without being said is accepted.
const UNSUPPORTED: [&str; 16] = [
    "maintainLdapGroupMembership",
    "maintainPosixGroupMembership",
    "passwordHashAlgorithm",
    "respectResourcePasswordPolicyChangeAfterReset",
    "synchronizePasswords",
    "passwordAttributeToSynchronize",
    "passwordDecryptionKey",
    "passwordDecryptionInitializationVector",
    "filterWithOrInsteadOfAnd",
    "modifiersNamesToFilterOut",
    "attributesToSynchronize",
    "failover",
    "privateKeyAlias",
    "allowTreeDelete",
    "useOldADGroupMembership",
    "getGroupMemberId",
];
const SUPPORTED: [&str; 24] = [
    "host",
    "port",
    "ssl",
    "startTLS",
    "trustedCertificates",
    "principal",
    "credentials",
    "authType",
    "baseContexts",
    "baseContextsToSynchronize",
    "objectClassesToSynchronize",
    "accountObjectClasses",
    "accountUserNameAttributes",
    "accountSearchFilter",
    "accountSynchronizationFilter",
    "groupObjectClasses",
    "groupSearchFilter",
    "groupSynchronizationFilter",
    "groupMemberAttribute",
    "passwordAttribute",
    "uidAttribute",
    "blockSize",
    "referralsHandling",
    "hostNameVerification",
];

/// How a directory is reached and read.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(super) url: String,
    pub(super) starts_tls: bool,
    pub(super) tls: Option<Arc<ClientConfig>>,
    pub(super) principal: String,
    pub(super) credentials: String,
    pub(super) base_contexts: Vec<String>,
    pub(super) synchronized_contexts: Vec<String>,
    pub(super) synchronized_classes: Vec<String>,
    pub(super) user_name_attributes: Vec<String>,
    pub(super) password_attribute: String,
    /// None is the distinguished name.
    pub(super) uid_attribute: Option<String>,
    pub(super) block_size: i32,
    account: Class,
    group: Class,
}

impl fmt::Debug for Settings {
    /// Without credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

/// What the objects of a type are in the directory.
#[derive(Clone, Debug, Default)]
pub(super) struct Class {
    /// Object classes that a new one gets.
    pub(super) object_classes: Vec<String>,
    /// An LDAP filter that its objects match besides.
    pub(super) search_filter: Option<String>,
    /// The same for what is synchronised.
    pub(super) synchronization_filter: Option<String>,
}

impl Settings {
    /// Reads `configurationProperties`; secrets are open already.
    pub(crate) fn parse(properties: &Value) -> Result<Self, Invalid> {
        let members = options::read(properties, [&SUPPORTED, &UNSUPPORTED, &WITHOUT_MEANING])?;
        options::refuse(
            &members,
            UNSUPPORTED.map(|name| (name, "this is not supported:".to_owned())),
        )?;
        if members.text("authType")?.is_some_and(|kind| kind != "simple") {
            return Err(members.invalid("authType", "only 'simple' is supported"));
        }
        let host = members.require_text("host", "the name of the server")?;
        if host
            .chars()
            .any(|c| c.is_whitespace() || c.is_control() || "/@?#\\".contains(c))
        {
            return Err(members.invalid("host", "the name or the address of a server is expected"));
        }
        let (ssl, starts_tls) = (flag(&members, "ssl")?, flag(&members, "startTLS")?);
        let port = whole(&members, "port", 1, 65_535)?.unwrap_or(if ssl { 636 } else { 389 });
        let host = if host.contains(':') && !host.starts_with('[') {
            format!("[{host}]")
        } else {
            host.to_owned()
        };
        let base_contexts = texts(&members, "baseContexts")?;
        if base_contexts.is_empty() {
            return Err(members.invalid("baseContexts", "at least one base context is required"));
        }
        let synchronized = texts(&members, "baseContextsToSynchronize")?;
        let or = |names: Vec<String>, absent: &[&str]| match names.is_empty() {
            true => absent.iter().map(ToString::to_string).collect(),
            false => names,
        };
        let uid_attribute = members.text("uidAttribute")?.unwrap_or("entryUUID");
        let class = |prefix: &str, absent: &[&str]| -> Result<Class, Invalid> {
            Ok(Class {
                object_classes: or(texts(&members, &format!("{prefix}ObjectClasses"))?, absent),
                search_filter: filter(&members, &format!("{prefix}SearchFilter"))?,
                synchronization_filter: filter(&members, &format!("{prefix}SynchronizationFilter"))?,
            })
        };
        Ok(Self {
            url: format!("{}://{host}:{port}", if ssl { "ldaps" } else { "ldap" }),
            starts_tls,
            tls: (ssl || starts_tls).then(|| tls::client(&members)).transpose()?,
            principal: members.text("principal")?.unwrap_or_default().to_owned(),
            credentials: members.text("credentials")?.unwrap_or_default().to_owned(),
            synchronized_contexts: if synchronized.is_empty() {
                base_contexts.clone()
            } else {
                synchronized
            },
            base_contexts,
            synchronized_classes: texts(&members, "objectClassesToSynchronize")?,
            user_name_attributes: or(texts(&members, "accountUserNameAttributes")?, &["uid", "cn"]),
            password_attribute: members.text("passwordAttribute")?.unwrap_or("userPassword").to_owned(),
            uid_attribute: (!["dn", "entrydn"].contains(&uid_attribute.to_ascii_lowercase().as_str()))
                .then(|| uid_attribute.to_owned()),
            block_size: whole(&members, "blockSize", 1, 10_000)?.map_or(100, |size| size as i32),
            account: class("account", &["top", "person", "organizationalPerson", "inetOrgPerson"])?,
            group: class("group", &["top", "groupOfUniqueNames"])?,
        })
    }

    /// What the objects of a type are.
    pub(super) fn class(&self, kind: &ObjectType) -> Class {
        match kind.native.as_str() {
            "__ACCOUNT__" => self.account.clone(),
            "__GROUP__" => self.group.clone(),
            native => Class {
                object_classes: vec!["top".to_owned(), native.to_owned()],
                ..Class::default()
            },
        }
    }
}

fn filter(members: &Members<'_>, name: &str) -> Result<Option<String>, Invalid> {
    let Some(text) = members.text(name)?.map(str::trim).filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    let text = if text.starts_with('(') {
        text.to_owned()
    } else {
        format!("({text})")
    };
    match ldap3::parse_filter(&text) {
        Ok(_) => Ok(Some(text)),
        Err(()) => Err(members.invalid(
            name,
            "this is no LDAP filter: write one such as (employeeType=internal)",
        )),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// What a directory's sample configuration of the platform says.
    fn sample() -> Value {
        json!({
            "host": "localhost", "port": "1389", "ssl": "false", "startTLS": false, "principal": "cn=admin",
            "credentials": "secret", "baseContexts": ["dc=example,dc=com"], "baseContextsToSynchronize": [],
            "accountSearchFilter": null, "passwordAttributeToSynchronize": null, "synchronizePasswords": false,
            "removeLogEntryObjectClassFromFilter": true, "modifiersNamesToFilterOut": [], "changeLogBlockSize": 100,
            "attributesToSynchronize": [], "changeNumberAttribute": "changeNumber", "filterWithOrInsteadOfAnd": false,
            "objectClassesToSynchronize": ["inetOrgPerson"], "vlvSortAttribute": "uid", "useBlocks": false,
            "passwordAttribute": "userPassword", "maintainPosixGroupMembership": false, "failover": [],
            "readSchema": true, "accountUserNameAttributes": ["uid"], "groupMemberAttribute": "uniqueMember",
            "passwordHashAlgorithm": null, "usePagedResultControl": true, "blockSize": 50, "uidAttribute": "dn",
            "accountObjectClasses": ["top", "inetOrgPerson"], "maintainLdapGroupMembership": false,
            "respectResourcePasswordPolicyChangeAfterReset": false, "groupSearchFilter": "cn=a*"
        })
    }

    #[test]
    fn an_existing_configuration_is_read() {
        let settings = Settings::parse(&sample()).unwrap();
        assert_eq!(settings.url, "ldap://localhost:1389");
        assert_eq!((settings.uid_attribute.as_deref(), settings.block_size), (None, 50));
        assert_eq!(settings.synchronized_contexts, ["dc=example,dc=com"]);
        assert_eq!(settings.group.search_filter.as_deref(), Some("(cn=a*)"));
        assert!(!format!("{settings:?}").contains("secret"));
    }

    #[test]
    fn what_is_not_supported_is_refused_by_name() {
        let check = |name: &str, value: Value, expected: &str| {
            let mut properties = sample();
            properties[name] = value;
            let error = Settings::parse(&properties).unwrap_err().to_string();
            assert!(
                error.starts_with(&format!("/configurationProperties/{name}: {expected}")),
                "{error}"
            );
        };
        check("hostt", json!("x"), "unknown property 'hostt'; did you mean 'host'?");
        check("maintainLdapGroupMembership", json!(true), "this is not supported");
        check("passwordHashAlgorithm", json!("SSHA"), "this is not supported");
        check("failover", json!(["ldap://b"]), "this is not supported");
        check("authType", json!("GSSAPI"), "only 'simple'");
        check("host", json!("a/b"), "the name or the address");
        check("host", json!(null), "'host' is required");
        check("port", json!(70_000), "a whole number from 1 to 65535");
        check("ssl", json!("yes"), "true or false");
        check("baseContexts", json!([]), "at least one");
        check("accountSearchFilter", json!("(a=b"), "this is no LDAP filter");
        let mut properties = sample();
        properties["ssl"] = json!(true);
        properties["trustedCertificates"] = json!("nothing");
        let error = Settings::parse(&properties).unwrap_err().to_string();
        assert!(
            error.starts_with("/configurationProperties/trustedCertificates: a certificate"),
            "{error}"
        );
        properties["trustedCertificates"] = json!(null);
        properties["hostNameVerification"] = json!(false);
        let error = Settings::parse(&properties).unwrap_err().to_string();
        assert!(
            error.starts_with("/configurationProperties/hostNameVerification: certificates"),
            "{error}"
        );
    }
}
