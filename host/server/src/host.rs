//! The house: store, runtime, services, router and REST, put together, started and stopped.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use host_model::clock::Clock;
use host_model::ids::Ids;
use host_model::service::Service;
use host_model::tenant::TenantName;
use host_objects::{CryptoResource, ManagedObjects, PolicyResource};
use host_resource::{ApiVersion, LateRouter, Problem, Router};
use host_rest::{Callers, Rest, Secret, Tenant, TokenResource};
use host_runtime::{Evaluator, MAX_NESTED, Pool, Properties, Runtime, RuntimeOptions, ScriptService, Scripts};
use host_scheduler::{JobResource, Scheduler, SchedulerResource, TriggerResource, VERSIONS};
use host_secrets::Keystore;
use host_store::redb::{RedbOptions, RedbStore};
use host_store::{Store, TenantStore};
use host_taskscanner::{Parts, Scanner, TaskScannerResource, TaskScannerService};
use tokio::net::TcpListener;

use crate::config::Config;
use crate::shipped::{JAVASCRIPT, SHIPPED};

/// Instances for calls that do not come from the worker pool: scripts that are checked when they are stored.
const SPARE_INSTANCES: u32 = 30;

/// The user that may do everything.
pub const ADMIN: &str = "openidm-admin";

const V1: ApiVersion = ApiVersion { major: 1, minor: 0 };

/// Where documents are kept.
#[derive(Clone, Debug)]
pub enum Place {
    /// In files of this folder.
    Folder(PathBuf),
    /// Nowhere: what is written is forgotten at the end.
    Memory,
}

/// How a host is started.
#[derive(Clone, Debug)]
pub struct HostOptions {
    /// Where documents are kept.
    pub place: Place,
    /// Where compiled components are kept.
    pub cache: PathBuf,
    /// What is served.
    pub config: Config,
    /// The password that `openidm-admin` gets if it has none yet; none makes one.
    pub admin_password: Option<String>,
}

/// A running house.
pub struct Host {
    /// The password of `openidm-admin`, if it was made at this start.
    pub generated_password: Option<String>,
    router: Arc<Router>,
    rest: Arc<Rest>,
    store: Arc<RedbStore>,
    tenant_store: TenantStore,
    pool: Arc<Pool>,
    scanner: Arc<Scanner>,
    scheduler: Scheduler,
}

impl Host {
    /// Opens the store, assembles the services, and takes up what was interrupted.
    pub async fn start(options: HostOptions, clock: Arc<dyn Clock>, ids: Arc<dyn Ids>) -> anyhow::Result<Self> {
        let HostOptions {
            place,
            cache,
            config,
            admin_password,
        } = options;
        let settings = &config.settings;
        let keystore = match &place {
            Place::Folder(folder) => Keystore::open(folder.join("keys.json"), Arc::clone(&ids))?,
            Place::Memory => Keystore::in_memory(Arc::clone(&ids)),
        };
        let store = match place {
            Place::Folder(folder) => RedbStore::open(&folder, Arc::clone(&clock), RedbOptions::default())
                .with_context(|| format!("cannot open the data folder {}", folder.display()))?,
            Place::Memory => RedbStore::in_memory(Arc::clone(&clock)),
        };
        let tenant = TenantName::default_tenant();
        store.open_tenant(&tenant).await.context("cannot open the database")?;
        let tenant_store = TenantStore::new(Arc::clone(&store) as Arc<dyn Store>, tenant.clone());

        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let workers = settings.runtime.workers.unwrap_or(cores).max(1);
        let instances = u32::try_from(workers)
            .unwrap_or(u32::MAX)
            .saturating_mul(1 + MAX_NESTED)
            .saturating_add(SPARE_INSTANCES);
        let runtime = Runtime::new(&RuntimeOptions { cache, instances })
            .map_err(|error| anyhow::anyhow!("cannot start the WebAssembly runtime: {error:#}"))?;
        let pool = Arc::new(Pool::new(workers, &tokio::runtime::Handle::current())?);

        let late = LateRouter::default();
        let scripts = Arc::new(Scripts::new(
            Arc::clone(&runtime),
            tenant.clone(),
            config.folder.clone(),
            JAVASCRIPT,
            SHIPPED,
            late.clone(),
            Arc::clone(&clock),
        ));
        let properties = properties(&config);
        let scanner = Scanner::new(Parts {
            store: tenant_store.clone(),
            clock: Arc::clone(&clock),
            ids: Arc::clone(&ids),
            runtime: Arc::clone(&runtime),
            pool: Arc::clone(&pool),
            scripts: Arc::clone(&scripts),
            router: late.clone(),
            properties: properties.clone(),
            max_completed_runs: settings.taskscanner.max_completed_runs,
        });
        let evaluator = Evaluator::new(
            tenant.clone(),
            Arc::clone(&clock),
            Arc::clone(&runtime),
            Arc::clone(&pool),
            Arc::clone(&scripts),
            late.clone(),
            properties.clone(),
        );
        let script_service = ScriptService::new(
            tenant_store.clone(),
            Arc::clone(&clock),
            Arc::clone(&runtime),
            Arc::clone(&pool),
            scripts,
            late.clone(),
            properties,
        );
        let services: Vec<Arc<dyn Service>> = vec![
            Arc::new(TaskScannerService(Arc::clone(&scanner))),
            Arc::new(script_service),
        ];
        let memory = RedbStore::in_memory(Arc::clone(&clock));
        memory
            .open_tenant(&tenant)
            .await
            .context("cannot prepare the schedules in memory")?;
        let ports = host_scheduler::Ports {
            persisted: tenant_store.clone(),
            memory: TenantStore::new(memory as Arc<dyn Store>, tenant.clone()),
            clock: Arc::clone(&clock),
            ids: Arc::clone(&ids),
            services,
        };
        let scheduler_settings = host_scheduler::Settings {
            node: settings.node.id.clone(),
            zone: settings.node.time_zone,
            ..host_scheduler::Settings::default()
        };
        let scheduler = Scheduler::new(ports, scheduler_settings);

        let enforces_policies = enforces_policies(&config)?;
        let objects = Arc::new(ManagedObjects::new(host_objects::Ports {
            store: tenant_store.clone(),
            ids: Arc::clone(&ids),
            scripting: Arc::new(evaluator),
            keystore: Arc::new(keystore),
            enforces_policies,
        }));
        let callers = Arc::new(Callers::new(tenant_store.clone(), Arc::clone(&clock), Arc::clone(&ids)));
        let router = Arc::new(
            Router::new()
                .mount(&["managed"], &[], Arc::clone(&objects) as _)
                .mount(&["crypto"], &[], Arc::new(CryptoResource(Arc::clone(&objects))))
                .mount(&["policy"], &[], Arc::new(PolicyResource(Arc::clone(&objects))))
                .mount(
                    &["taskscanner"],
                    &[V1],
                    Arc::new(TaskScannerResource::new(Arc::clone(&scanner), late.clone())),
                )
                .mount(&["scheduler"], VERSIONS, Arc::new(SchedulerResource(scheduler.clone())))
                .mount(
                    &["scheduler", "job"],
                    VERSIONS,
                    Arc::new(JobResource(scheduler.clone())),
                )
                .mount(
                    &["internal", "token"],
                    &[],
                    Arc::new(TokenResource(Arc::clone(&callers))),
                )
                .mount(
                    &["scheduler", "trigger"],
                    VERSIONS,
                    Arc::new(TriggerResource(scheduler.clone())),
                ),
        );
        late.bind(&router);
        objects
            .replace_types(config.types.clone())
            .await
            .map_err(|problem| refused_types(&config, &problem))?;

        let generated_password = ensure_admin(&callers, admin_password, &*ids).await?;
        let hosts = Vec::new();
        let served = Tenant {
            name: tenant,
            hosts,
            router: Arc::clone(&router),
            callers,
        };
        let mut limits = host_rest::Limits::default();
        if let Some(bytes) = settings.rest.body_bytes {
            limits.body_bytes = bytes;
        }
        let rest = Arc::new(Rest::new(vec![served], Arc::clone(&clock), ids, limits)?);

        scanner
            .resume_all()
            .await
            .map_err(|problem| anyhow::anyhow!("cannot take up interrupted scans: {problem}"))?;
        scheduler.begin().await.context("cannot start the scheduler")?;
        rest.set_ready(true);
        Ok(Self {
            generated_password,
            router,
            rest,
            store,
            tenant_store,
            pool,
            scanner,
            scheduler,
        })
    }

    /// Answers REST requests until `shutdown` is done.
    pub async fn serve(&self, listener: TcpListener, shutdown: impl Future<Output = ()> + Send) {
        host_rest::serve(listener, Arc::clone(&self.rest), shutdown).await;
    }

    /// The tenant's router.
    pub fn router(&self) -> &Arc<Router> {
        &self.router
    }

    /// The tenant's documents.
    pub fn store(&self) -> &TenantStore {
        &self.tenant_store
    }

    /// The task scanner.
    pub fn scanner(&self) -> &Arc<Scanner> {
        &self.scanner
    }

    /// The scheduler.
    pub fn scheduler(&self) -> &Scheduler {
        &self.scheduler
    }

    /// Stops in order: nothing new is fired, runs stop at their next object and are taken up again later, the workers
    /// end, the store is closed.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.rest.set_ready(false);
        self.scheduler.stop();
        // A schedule's run ends when its scan does.
        self.scanner.stop().await;
        self.scheduler.finished().await;
        let pool = Arc::clone(&self.pool);
        tokio::task::spawn_blocking(move || pool.close()).await?;
        self.store.close().await.context("the database was not closed cleanly")
    }
}

/// What is wrong with `managed.json`: the problem names the place, and the duplicates if there are any.
fn refused_types(config: &Config, problem: &Problem) -> anyhow::Error {
    let file = config.folder.as_ref().map_or_else(
        || "the built-in types".to_owned(),
        |folder| folder.join("managed.json").display().to_string(),
    );
    let duplicates = problem.detail.as_ref().and_then(|detail| detail.get("duplicates"));
    let duplicates = duplicates
        .map(|duplicates| format!(": {duplicates}"))
        .unwrap_or_default();
    anyhow::anyhow!("{file}: {}{duplicates}", problem.message)
}

/// The property `openidm.policy.enforcement.enabled`.
fn enforces_policies(config: &Config) -> anyhow::Result<bool> {
    const NAME: &str = "openidm.policy.enforcement.enabled";
    match config.settings.properties.get(NAME).map(String::as_str) {
        None | Some("true") => Ok(true),
        Some("false") => Ok(false),
        Some(other) => anyhow::bail!("the property {NAME} is 'true' or 'false', not '{other}'"),
    }
}

fn properties(config: &Config) -> Properties {
    let mut properties = config.settings.properties.clone();
    properties
        .entry("openidm.node.id".to_owned())
        .or_insert_with(|| config.settings.node.id.clone());
    properties.into_iter().collect()
}

/// Makes the administrator if there is none. Returns the password if it had to be made up.
async fn ensure_admin(callers: &Callers, given: Option<String>, ids: &dyn Ids) -> anyhow::Result<Option<String>> {
    if callers.has_user(ADMIN).await? {
        return Ok(None);
    }
    let (password, generated) = match given {
        Some(password) => (password, None),
        None => {
            let password = format!("{:016x}{:016x}", ids.random(), ids.random());
            (password.clone(), Some(password))
        }
    };
    let set = callers.set_password(ADMIN, &Secret::new(password), &[ADMIN]).await;
    set.with_context(|| format!("cannot set the password of {ADMIN}"))?;
    Ok(generated)
}
