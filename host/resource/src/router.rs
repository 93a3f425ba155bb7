//! The router of one tenant: which resource answers which path, and whether the caller may ask.

use std::sync::{Arc, OnceLock, Weak};

use crate::access::VerbName;
use crate::context::Context;
use crate::path::ResourcePath;
use crate::pointer::Pointer;
use crate::problem::Problem;
use crate::request::{ApiVersion, Request};
use crate::resource::{Resource, dispatch};
use crate::response::Response;

struct Mount {
    prefix: ResourcePath,
    resource: Arc<dyn Resource>,
    versions: &'static [ApiVersion],
}

/// The resources of one tenant by path. REST, guests and jobs all go through it.
#[derive(Default)]
pub struct Router {
    /// Longest prefix first, so that the first match is the closest.
    mounts: Vec<Mount>,
}

impl Router {
    /// A router without resources.
    pub fn new() -> Self {
        Self::default()
    }

    /// Mounts a resource at a path. `versions` are those of its interface, any order; empty means that it has none.
    #[must_use]
    pub fn mount(
        mut self,
        prefix: &[&'static str],
        versions: &'static [ApiVersion],
        resource: Arc<dyn Resource>,
    ) -> Self {
        self.mounts.push(Mount {
            prefix: ResourcePath::from_elements(prefix.iter().copied()),
            resource,
            versions,
        });
        self.mounts.sort_by_key(|mount| std::cmp::Reverse(mount.prefix.len()));
        self
    }

    /// Answers a request: 404 where nothing is mounted, 403 where the caller's rights do not reach.
    pub async fn handle(&self, context: &Context, request: Request) -> Result<Response, Problem> {
        if !context.caller.rights.allow(request.verb.name(), &request.path) {
            return Err(Problem::forbidden("Access denied"));
        }
        let mount = self
            .mount_of(&request.path)
            .ok_or_else(|| Problem::not_found(&request.path))?;
        let is_writing = !matches!(request.verb.name(), VerbName::Read | VerbName::Query);
        if is_writing && context.is_within() && !mount.resource.joins_unit_of_work() {
            return Err(Problem::forbidden(format!(
                "'{}' cannot take part in a unit of work: a guest may only read it",
                request.path
            )));
        }
        if let Some(wanted) = request.version {
            let is_served = mount.versions.iter().any(|have| have.serves(wanted));
            if !is_served && !mount.versions.is_empty() {
                return Err(version_not_found(wanted, mount.versions));
            }
        }
        let rest = request.path.tail(mount.prefix.len());
        dispatch(mount.resource.as_ref(), context, &rest, request).await
    }

    /// The collection behind the container at a path; see [`Resource::collection`].
    pub fn collection(&self, path: &ResourcePath) -> Option<String> {
        let mount = self.mount_of(path)?;
        mount.resource.collection(&path.tail(mount.prefix.len()))
    }

    /// Whether a service may mark the resources of the container at a path there; see [`Resource::check_mark`].
    pub fn check_mark(&self, path: &ResourcePath, place: &Pointer) -> Result<(), String> {
        self.mount_of(path).map_or(Ok(()), |mount| {
            mount.resource.check_mark(&path.tail(mount.prefix.len()), place)
        })
    }

    /// Whether what is written at a path joins a unit of work; see [`Resource::joins_unit_of_work`].
    pub fn joins_unit_of_work(&self, path: &ResourcePath) -> bool {
        self.mount_of(path)
            .is_some_and(|mount| mount.resource.joins_unit_of_work())
    }

    /// Whether something is mounted at exactly this path, so that the path names it and nothing inside of it.
    pub fn is_mount(&self, path: &ResourcePath) -> bool {
        self.mount_of(path)
            .is_some_and(|mount| mount.prefix.len() == path.len())
    }

    /// The version of the interface that answers at a path: the oldest that does what was asked for, or the newest. None
    /// where interfaces have no versions.
    pub fn served_version(&self, path: &ResourcePath, wanted: Option<ApiVersion>) -> Option<ApiVersion> {
        let versions = self.mount_of(path)?.versions.iter().copied();
        match wanted {
            Some(wanted) => versions.filter(|have| have.serves(wanted)).min(),
            None => versions.max(),
        }
    }

    fn mount_of(&self, path: &ResourcePath) -> Option<&Mount> {
        self.mounts.iter().find(|mount| path.starts_with(&mount.prefix))
    }
}

fn version_not_found(wanted: ApiVersion, have: &[ApiVersion]) -> Problem {
    let have: Vec<String> = have
        .iter()
        .map(|version| format!("{}.{}", version.major, version.minor))
        .collect();
    let message = format!(
        "resource version {}.{} is not served here: ask for {}",
        wanted.major,
        wanted.minor,
        have.join(" or ")
    );
    Problem::new(crate::problem::Code::NOT_FOUND, message)
}

/// The router for those who are mounted in it: bound once everything is assembled. Cheap to clone.
#[derive(Clone, Default)]
pub struct LateRouter(Arc<OnceLock<Weak<Router>>>);

impl LateRouter {
    /// Binds the router. A second call changes nothing.
    pub fn bind(&self, router: &Arc<Router>) {
        self.0.get_or_init(|| Arc::downgrade(router));
    }

    /// The router; 503 before everything is assembled and after it was taken apart.
    pub fn get(&self) -> Result<Arc<Router>, Problem> {
        self.0
            .get()
            .and_then(Weak::upgrade)
            .ok_or_else(|| Problem::unavailable("the service is starting or stopping"))
    }
}
