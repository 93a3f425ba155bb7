//! The house: store, runtime, services, router and REST, put together, started and stopped.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use host_audit::{AuditLog, AuditResource, AuditedService};
use host_config::{ConfigResource, Configuration, Folder, Refusal};
use host_connectors::{
    AllowedFolders, ConfiguredSystems, ProvisionerService, SynchronisationResource, SystemResource, Systems,
};
use host_model::audit::Audit;
use host_model::clock::Clock;
use host_model::evaluate::Scripting;
use host_model::ids::Ids;
use host_model::service::Service;
use host_model::tenant::TenantName;
use host_objects::{ConfiguredTypes, CryptoResource, ManagedObjects, PolicyResource};
use host_recon::{
    ConfiguredMappings, LinkResource, Mappings, ReconResource, Reconciler, SyncResource, SyncService, Synchronizer,
};
use host_resource::{ApiVersion, LateRouter, Problem, Router};
use host_rest::{Callers, Rest, Tenant, TokenResource};
use host_runtime::{Evaluator, MAX_NESTED, Pool, Runtime, RuntimeOptions, ScriptService, Scripts};
use host_scheduler::{
    ConfiguredSchedules, JobResource, OccurrenceResource, RunResource, Scheduler, SchedulerResource,
    StatisticsResource, TriggerResource, VERSIONS,
};
use host_secrets::Keystore;
use host_store::redb::{RedbOptions, RedbStore};
use host_store::{Store, TenantStore};
use host_taskscanner::{Parts, Scanner, TaskScannerResource, TaskScannerService};
use tokio::net::TcpListener;
use tokio::task::AbortHandle;

use crate::administrator;
use crate::config::Config;
use crate::shipped::{JAVASCRIPT, SHIPPED};

/// Instances for calls that do not come from the worker pool: scripts that are checked when they are stored.
const SPARE_INSTANCES: u32 = 30;

pub use crate::administrator::ADMIN;

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
    // Where nothing is kept, neither is the configuration; removed at the end.
    _folder: Option<tempfile::TempDir>,
    router: Arc<Router>,
    rest: Arc<Rest>,
    store: Arc<RedbStore>,
    tenant_store: TenantStore,
    callers: Arc<Callers>,
    ids: Arc<dyn Ids>,
    admin_password: Option<String>,
    configuration: Arc<Configuration>,
    log: AuditLog,
    poll: Option<Duration>,
    watch: Option<AbortHandle>,
    auditing: Vec<AbortHandle>,
    pool: Arc<Pool>,
    scanner: Arc<Scanner>,
    reconciler: Arc<Reconciler>,
    synchronizer: Arc<Synchronizer>,
    retrying: Option<AbortHandle>,
    scheduler: Scheduler,
}

impl Host {
    /// Opens the store, assembles the services, and takes up what was interrupted.
    pub async fn start(options: HostOptions, clock: Arc<dyn Clock>, ids: Arc<dyn Ids>) -> anyhow::Result<Self> {
        let mut host = Self::assemble(options, clock, ids).await?;
        host.begin().await?;
        Ok(host)
    }

    /// Opens the store, assembles the services and puts the configuration in force. Nothing runs yet.
    pub(crate) async fn assemble(
        options: HostOptions,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
    ) -> anyhow::Result<Self> {
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
        let (conf, made) = conf_folder(&config, &place)?;
        let store = match place {
            Place::Folder(folder) => RedbStore::open(&folder, Arc::clone(&clock), RedbOptions::default())
                .with_context(|| format!("cannot open the data folder {}", folder.display()))?,
            Place::Memory => RedbStore::in_memory(Arc::clone(&clock)),
        };
        let tenant = TenantName::default_tenant();
        store.open_tenant(&tenant).await.context("cannot open the database")?;
        let tenant_store = TenantStore::new(Arc::clone(&store) as Arc<dyn Store>, tenant.clone());

        let log = AuditLog::new(
            tenant_store.clone(),
            Arc::clone(&clock),
            Arc::clone(&ids),
            settings.audit.settings(),
        );
        log.open().await.context("cannot prepare the audit")?;
        let audit: Arc<dyn Audit> = Arc::new(log.clone());

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
            Some(conf.clone()),
            JAVASCRIPT,
            SHIPPED,
            late.clone(),
            Arc::clone(&clock),
        ));
        let all_properties = settings.all_properties();
        let properties = all_properties.texts();
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
        let evaluator: Arc<dyn Scripting> = Arc::new(evaluator);
        let mappings = Arc::new(Mappings::new(Arc::clone(&evaluator)));
        let reconciler = Reconciler::new(host_recon::Parts {
            store: tenant_store.clone(),
            clock: Arc::clone(&clock),
            ids: Arc::clone(&ids),
            router: late.clone(),
            mappings: Arc::clone(&mappings),
            audit: Arc::clone(&audit),
            max_completed_runs: settings.recon.max_completed_runs,
        });
        let synchronizer = Synchronizer::new(
            tenant_store.clone(),
            Arc::clone(&clock),
            late.clone(),
            Arc::clone(&mappings),
            Arc::clone(&audit),
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
        let keystore = Arc::new(keystore);
        let systems = Systems::new(host_connectors::Parts {
            store: tenant_store.clone(),
            clock: Arc::clone(&clock),
            ids: Arc::clone(&ids),
            router: late.clone(),
            folders: AllowedFolders::new(conf.clone(), settings.connectors.folders.iter().cloned()),
            keystore: Arc::clone(&keystore),
        });
        let services: Vec<Arc<dyn Service>> = vec![
            Arc::new(TaskScannerService(Arc::clone(&scanner))),
            Arc::new(SyncService(Arc::clone(&reconciler))),
            Arc::new(script_service),
            Arc::new(ProvisionerService(Arc::clone(&systems))),
        ];
        let audited = |service| -> Arc<dyn Service> {
            Arc::new(AuditedService {
                service,
                audit: Arc::clone(&audit),
                clock: Arc::clone(&clock),
            })
        };
        let services = services.into_iter().map(audited).collect();
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
            ..settings.scheduler.settings()
        };
        let scheduler = Scheduler::new(ports, scheduler_settings);

        let enforces_policies = all_properties.enforces_policies()?;
        let objects = ManagedObjects::new(host_objects::Ports {
            store: tenant_store.clone(),
            ids: Arc::clone(&ids),
            scripting: evaluator,
            keystore,
            enforces_policies,
        });
        let objects = Arc::new(objects.with_audit(Arc::clone(&audit)));
        objects.listen(Arc::clone(&synchronizer) as _);
        let callers = Arc::new(Callers::new(tenant_store.clone(), Arc::clone(&clock), Arc::clone(&ids)));
        let configuration = Arc::new(Configuration::new(host_config::Parts {
            folder: Folder::new(conf),
            placeholders: all_properties.placeholders(),
            consumers: vec![
                Arc::new(ConfiguredTypes(Arc::clone(&objects))),
                Arc::new(ConfiguredSystems(Arc::clone(&systems))),
                Arc::new(ConfiguredMappings(Arc::clone(&mappings))),
                Arc::new(ConfiguredSchedules(scheduler.clone())),
            ],
            is_read_only: settings.configuration.read_only,
            audit: Arc::clone(&audit),
            clock: Arc::clone(&clock),
            ids: Arc::clone(&ids),
        }));
        let router = Arc::new(
            Router::new()
                .mount(&["managed"], &[], Arc::clone(&objects) as _)
                .mount(&["crypto"], &[], Arc::new(CryptoResource(Arc::clone(&objects))))
                .mount(&["policy"], &[], Arc::new(PolicyResource(Arc::clone(&objects))))
                .mount(&["audit"], &[], Arc::new(AuditResource(log.clone())))
                .mount(&["system"], &[], Arc::new(SystemResource(systems)))
                .mount(
                    &["repo", "synchronisation"],
                    &[],
                    Arc::new(SynchronisationResource(tenant_store.clone())),
                )
                .mount(&["config"], &[], Arc::new(ConfigResource(Arc::clone(&configuration))))
                .mount(
                    &["taskscanner"],
                    &[V1],
                    Arc::new(TaskScannerResource::new(Arc::clone(&scanner), late.clone())),
                )
                .mount(&["recon"], &[V1], Arc::new(ReconResource(Arc::clone(&reconciler))))
                .mount(&["sync"], &[], Arc::new(SyncResource(Arc::clone(&synchronizer))))
                .mount(
                    &["repo", "link"],
                    &[],
                    Arc::new(LinkResource::new(tenant_store.clone(), Arc::clone(&mappings))),
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
                )
                .mount(
                    &["scheduler", "run"],
                    VERSIONS,
                    Arc::new(RunResource(scheduler.clone())),
                )
                .mount(
                    &["scheduler", "occurrence"],
                    VERSIONS,
                    Arc::new(OccurrenceResource(scheduler.clone())),
                )
                .mount(
                    &["scheduler", "statistics"],
                    VERSIONS,
                    Arc::new(StatisticsResource(scheduler.clone())),
                ),
        );
        late.bind(&router);
        objects
            .replace_types(config.types.clone())
            .await
            .map_err(|problem| refused_types(config.folder.as_deref(), &problem))?;

        let hosts = Vec::new();
        let served = Tenant {
            name: tenant,
            hosts,
            router: Arc::clone(&router),
            callers: Arc::clone(&callers),
            audit,
        };
        let mut limits = host_rest::Limits::default();
        if let Some(bytes) = settings.rest.body_bytes {
            limits.body_bytes = bytes;
        }
        let rest = Arc::new(Rest::new(vec![served], Arc::clone(&clock), Arc::clone(&ids), limits)?);

        scheduler.open().await.context("cannot prepare the schedules")?;
        configuration.load().await;
        let seconds = settings.configuration.poll_seconds;
        Ok(Self {
            generated_password: None,
            _folder: made,
            callers,
            ids,
            admin_password,
            configuration,
            log,
            poll: (seconds > 0).then(|| Duration::from_secs(seconds.into())),
            watch: None,
            auditing: Vec::new(),
            router,
            rest,
            store,
            tenant_store,
            pool,
            scanner,
            reconciler,
            synchronizer,
            retrying: None,
            scheduler,
        })
    }

    /// Takes up what was interrupted, and fires from now on.
    async fn begin(&mut self) -> anyhow::Result<()> {
        // Without its types a host would answer that objects are not there.
        let refusals = self.configuration.refusals();
        let is_of_types = |refusal: &&Refusal| refusal.name.as_ref().is_some_and(|name| name.kind() == "managed");
        if let Some(refusal) = refusals.iter().find(is_of_types) {
            anyhow::bail!("{}: {}", refusal.file.display(), refusal.message);
        }
        let given = self.admin_password.take();
        self.generated_password = administrator::ensure(&self.callers, given, &*self.ids).await?;
        self.auditing.extend(self.log.begin());
        self.scanner
            .resume_all()
            .await
            .map_err(|problem| anyhow::anyhow!("cannot take up interrupted scans: {problem}"))?;
        self.reconciler
            .resume_all()
            .await
            .map_err(|problem| anyhow::anyhow!("cannot take up interrupted reconciliations: {problem}"))?;
        let retrying = Arc::clone(&self.synchronizer).retry_for_ever();
        self.retrying = Some(tokio::spawn(retrying).abort_handle());
        self.scheduler.begin().await.context("cannot start the scheduler")?;
        if let Some(every) = self.poll {
            let watching = Arc::clone(&self.configuration).watch_for_ever(every);
            self.watch = Some(tokio::spawn(watching).abort_handle());
        }
        self.rest.set_ready(true);
        Ok(())
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

    /// The configuration.
    pub fn configuration(&self) -> &Arc<Configuration> {
        &self.configuration
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
        if let Some(watch) = &self.watch {
            watch.abort();
        }
        if let Some(retrying) = &self.retrying {
            retrying.abort();
        }
        self.scheduler.stop();
        // A schedule's run ends when its scan does.
        self.scanner.stop().await;
        self.reconciler.stop().await;
        self.scheduler.finished().await;
        let pool = Arc::clone(&self.pool);
        tokio::task::spawn_blocking(move || pool.close()).await?;
        self.log.flush().await;
        self.auditing.iter().for_each(AbortHandle::abort);
        self.store.close().await.context("the database was not closed cleanly")
    }
}

/// What is wrong with `managed.json`: the problem names the place, and the duplicates if there are any.
fn refused_types(folder: Option<&Path>, problem: &Problem) -> anyhow::Error {
    let file = folder.map_or_else(
        || "the built-in types".to_owned(),
        |folder| folder.join("managed.json").display().to_string(),
    );
    let duplicates = problem.detail.as_ref().and_then(|detail| detail.get("duplicates"));
    let duplicates = duplicates
        .map(|duplicates| format!(": {duplicates}"))
        .unwrap_or_default();
    anyhow::anyhow!("{file}: {}{duplicates}", problem.message)
}

/// The folder of the configuration: the one that was given, else one in the data folder; one for the moment where
/// nothing is kept.
fn conf_folder(config: &Config, place: &Place) -> anyhow::Result<(PathBuf, Option<tempfile::TempDir>)> {
    Ok(match (&config.folder, place) {
        (Some(folder), _) => (folder.clone(), None),
        (None, Place::Folder(data)) => (conf_in(data), None),
        (None, Place::Memory) => {
            let made = tempfile::Builder::new().prefix("taskwarden-conf-").tempdir()?;
            (made.path().to_owned(), Some(made))
        }
    })
}

/// Where a data folder keeps the configuration of the tenant when there is no other place for it.
pub(crate) fn conf_in(data: &Path) -> PathBuf {
    data.join("conf").join(TenantName::default_tenant().as_str())
}
