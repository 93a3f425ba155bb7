//! Whom a request is for: the tenant by host name or by path.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use host_model::audit::Audit;
use host_model::tenant::TenantName;
use host_resource::{Problem, Router};
use tokio::sync::Semaphore;

use crate::callers::Callers;
use crate::limits::EVENT_STREAMS;

/// A tenant as REST sees it.
pub struct Tenant {
    /// Its name, also in the path prefix `/tenants/NAME/openidm`.
    pub name: TenantName,
    /// The host names that mean it, without a port.
    pub hosts: Vec<String>,
    /// Its resources.
    pub router: Arc<Router>,
    /// Its users and tokens.
    pub callers: Arc<Callers>,
    /// Where its requests are told.
    pub audit: Arc<dyn Audit>,
}

impl fmt::Debug for Tenant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tenant")
            .field("name", &self.name)
            .field("hosts", &self.hosts)
            .finish_non_exhaustive()
    }
}

/// Why some tenants cannot be served together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TenantsError {
    /// Two tenants of one name.
    #[error("there are two tenants with the name {0}")]
    Name(TenantName),
    /// A host name that means two tenants.
    #[error("the host name '{0}' is given to two tenants")]
    Host(String),
}

/// The tenants of this server.
#[derive(Debug)]
pub(crate) struct Tenants(Vec<Arc<Served>>);

/// A tenant and its share of the server.
#[derive(Debug)]
pub(crate) struct Served {
    pub(crate) tenant: Tenant,
    /// Requests that may be answered at the same time.
    pub(crate) slots: Arc<Semaphore>,
    /// Streams of events that may be open at the same time.
    pub(crate) streams: Arc<Semaphore>,
}

/// Where a path leads.
#[derive(Debug)]
pub(crate) struct Destination<'a> {
    pub(crate) served: &'a Arc<Served>,
    /// The path before the resource's.
    pub(crate) base: &'a str,
    /// The resource's path.
    pub(crate) path: &'a str,
}

const PREFIX: &str = "/tenants/";
const ROOT: &str = "/openidm";

impl Tenants {
    /// Refuses what would be ambiguous. `slots` is each tenant's share.
    pub(crate) fn new(tenants: Vec<Tenant>, slots: usize) -> Result<Self, TenantsError> {
        let (mut names, mut hosts) = (HashSet::new(), HashSet::new());
        let mut served = Vec::new();
        for mut tenant in tenants {
            if !names.insert(tenant.name.clone()) {
                return Err(TenantsError::Name(tenant.name));
            }
            for host in &mut tenant.hosts {
                *host = normal(host);
                if !hosts.insert(host.clone()) {
                    return Err(TenantsError::Host(host.clone()));
                }
            }
            served.push(Arc::new(Served {
                tenant,
                slots: Arc::new(Semaphore::new(slots)),
                streams: Arc::new(Semaphore::new(EVENT_STREAMS)),
            }));
        }
        Ok(Self(served))
    }

    /// Finds the tenant that a host name and a path mean. Without one, 404: whether a tenant exists is nobody's
    /// business.
    pub(crate) fn find<'a>(&'a self, host: Option<&str>, path: &'a str) -> Result<Destination<'a>, Problem> {
        let found = match path.strip_prefix(PREFIX) {
            Some(rest) => rest.find('/').and_then(|end| {
                let (name, below) = rest.split_at(end);
                let served = self.0.iter().find(|served| served.tenant.name.as_str() == name)?;
                Some((served, PREFIX.len() + end, below))
            }),
            None => self.of_host(host).map(|served| (served, 0, path)),
        };
        let found = found.and_then(|(served, start, below)| {
            let rest = below
                .strip_prefix(ROOT)
                .filter(|rest| rest.is_empty() || rest.starts_with('/'))?;
            Some(Destination {
                served,
                base: &path[..start + ROOT.len()],
                path: rest,
            })
        });
        found.ok_or_else(|| Problem::not_found(path))
    }

    fn of_host(&self, host: Option<&str>) -> Option<&Arc<Served>> {
        match self.0.as_slice() {
            [only] if only.tenant.name == TenantName::default_tenant() => Some(only),
            several => {
                let host = normal(host?);
                several.iter().find(|served| served.tenant.hosts.contains(&host))
            }
        }
    }
}

/// A host name in lower case, without a port or the dot of the root.
fn normal(host: &str) -> String {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    name.trim_end_matches('.').to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use host_store::TenantStore;

    use super::*;
    use crate::testing::{ManualClock, Numbers, memory_store};

    fn tenant(name: &str, hosts: &[&str]) -> Tenant {
        let name: TenantName = name.parse().unwrap();
        let store = TenantStore::new(memory_store(), name.clone());
        let callers = Callers::new(store, Arc::new(ManualClock::default()), Arc::new(Numbers::default()));
        let hosts = hosts.iter().map(ToString::to_string).collect();
        Tenant {
            name,
            hosts,
            router: Arc::new(Router::new()),
            callers: Arc::new(callers),
            audit: Arc::new(host_model::audit::NoAudit),
        }
    }

    fn check(tenants: &Tenants, host: Option<&str>, path: &str, expected: Option<(&str, &str, &str)>) {
        let found = tenants.find(host, path).ok();
        let found = found
            .as_ref()
            .map(|found| (found.served.tenant.name.as_str(), found.base, found.path));
        assert_eq!(found, expected, "{host:?} {path}");
    }

    #[tokio::test]
    async fn a_lone_default_tenant_answers_for_any_host() {
        let tenants = Tenants::new(vec![tenant("default", &[])], 1).unwrap();
        check(&tenants, None, "/openidm/a/b", Some(("default", "/openidm", "/a/b")));
        check(
            &tenants,
            Some("example.com:8080"),
            "/openidm",
            Some(("default", "/openidm", "")),
        );
        check(
            &tenants,
            None,
            "/tenants/default/openidm/a",
            Some(("default", "/tenants/default/openidm", "/a")),
        );
        check(&tenants, None, "/openidmx/a", None);
        check(&tenants, None, "/", None);
        check(&tenants, None, "/tenants/other/openidm/a", None);
        check(&tenants, None, "/tenants/default", None);
        check(&tenants, None, "/tenants//openidm", None);
        check(&tenants, None, "/tenants/default/x", None);
    }

    #[tokio::test]
    async fn several_tenants_are_told_apart_by_exact_host_name_or_by_path() {
        let tenants = vec![
            tenant("default", &[]),
            tenant("one", &["ONE.example.com"]),
            tenant("two", &["[::1]"]),
        ];
        let tenants = Tenants::new(tenants, 1).unwrap();
        check(
            &tenants,
            Some("one.example.com"),
            "/openidm/a",
            Some(("one", "/openidm", "/a")),
        );
        check(
            &tenants,
            Some("One.Example.Com.:8080"),
            "/openidm/a",
            Some(("one", "/openidm", "/a")),
        );
        check(
            &tenants,
            Some("[::1]:80"),
            "/openidm/a",
            Some(("two", "/openidm", "/a")),
        );
        check(&tenants, Some("one.example.com.evil.org"), "/openidm/a", None);
        check(&tenants, Some("example.com"), "/openidm/a", None);
        check(&tenants, None, "/openidm/a", None);
        check(
            &tenants,
            Some("x"),
            "/tenants/two/openidm/a",
            Some(("two", "/tenants/two/openidm", "/a")),
        );
        check(
            &tenants,
            Some("x"),
            "/tenants/default/openidm",
            Some(("default", "/tenants/default/openidm", "")),
        );
    }

    #[tokio::test]
    async fn a_lone_tenant_of_another_name_has_to_be_named() {
        let tenants = Tenants::new(vec![tenant("one", &["one.example.com"])], 1).unwrap();
        check(&tenants, Some("x"), "/openidm/a", None);
        check(
            &tenants,
            Some("one.example.com"),
            "/openidm/a",
            Some(("one", "/openidm", "/a")),
        );
    }

    #[tokio::test]
    async fn what_would_be_ambiguous_is_refused() {
        let twins = vec![tenant("one", &[]), tenant("one", &[])];
        assert_eq!(
            Tenants::new(twins, 1).unwrap_err(),
            TenantsError::Name("one".parse().unwrap())
        );
        let shared = vec![tenant("one", &["a.b"]), tenant("two", &["A.b:80"])];
        assert_eq!(
            Tenants::new(shared, 1).unwrap_err(),
            TenantsError::Host("a.b".to_owned())
        );
    }
}
