//! A server on a free port.

use std::net::SocketAddr;
use std::sync::Arc;

use host_model::clock::Clock;
use host_model::tenant::TenantName;
use host_resource::{ApiVersion, Router};
use parking_lot::Mutex;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::things::{Actor, Endless, Fleeting, Things};
use crate::callers::{ADMIN, AUTHORIZED};
use crate::testing::{ManualClock, Numbers, tenant_store};
use crate::{Callers, Limits, Rest, Secret, Tenant, serve};

pub(super) const PASSWORD: &str = "correct horse";
pub(super) const MANY: usize = 1200;

/// A running server.
pub(super) struct House {
    pub(super) address: SocketAddr,
    pub(super) rest: Arc<Rest>,
    pub(super) clock: Arc<ManualClock>,
    pub(super) actor: Arc<Actor>,
    /// Of the administrator.
    pub(super) token: Secret,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<()>,
}

impl House {
    pub(super) async fn open() -> Self {
        Self::with(Limits::default()).await
    }

    pub(super) async fn with(limits: Limits) -> Self {
        let clock = Arc::new(ManualClock::default());
        let ids = Arc::new(Numbers::default());
        let actor = Arc::new(Actor::default());
        let name = TenantName::default_tenant();
        let callers = Callers::new(
            tenant_store(&name).await,
            Arc::clone(&clock) as Arc<dyn Clock>,
            Arc::clone(&ids) as _,
        );
        callers
            .set_password("openidm-admin", &Secret::new(PASSWORD), &[ADMIN])
            .await
            .unwrap();
        callers
            .set_password("joe", &Secret::new(PASSWORD), &[AUTHORIZED])
            .await
            .unwrap();
        let token = callers.create_token("tests", &[ADMIN], None).await.unwrap();
        let router = router(Arc::clone(&actor));
        let tenant = Tenant {
            audit: Arc::new(host_model::audit::NoAudit),
            name,
            hosts: Vec::new(),
            router: Arc::new(router),
            callers: Arc::new(callers),
        };
        let rest = Rest::new(vec![tenant], Arc::clone(&clock) as Arc<dyn Clock>, ids, limits).unwrap();
        let rest = Arc::new(rest);
        rest.set_ready(true);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = tokio::spawn(serve(listener, Arc::clone(&rest), async { _ = stopped.await }));
        Self {
            address,
            rest,
            clock,
            actor,
            token,
            stop,
            serving,
        }
    }

    /// Asks the server to stop; the handle ends when it has.
    pub(super) fn shut(self) -> JoinHandle<()> {
        self.stop.send(()).unwrap();
        self.serving
    }
}

fn router(actor: Arc<Actor>) -> Router {
    const VERSIONS: &[ApiVersion] = &[ApiVersion { major: 1, minor: 0 }, ApiVersion { major: 2, minor: 0 }];
    Router::new()
        .mount(&["things"], VERSIONS, Arc::new(Things::default()))
        .mount(
            &["newer"],
            &[ApiVersion { major: 1, minor: 2 }],
            Arc::new(Things::default()),
        )
        .mount(&["many"], &[], Arc::new(Things::with(MANY)))
        .mount(&["actor"], VERSIONS, actor)
        .mount(&["endless"], &[], Arc::new(Endless))
        .mount(&["fleeting", "some"], &[], Arc::new(Fleeting { misses: Mutex::new(3) }))
        .mount(
            &["fleeting", "always"],
            &[],
            Arc::new(Fleeting {
                misses: Mutex::new(usize::MAX),
            }),
        )
}
