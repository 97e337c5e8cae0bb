//! What all handlers share.

use crate::backend::Backend;
use crate::meter::{HttpMeter, ReadMeter};
use crate::room::Room;
use crate::routes::RouteTable;
use contract_model::{TenantId, limits};
use daemon_access::Access;
use daemon_store::Store;
use std::ffi::OsString;
use std::ops::Deref;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::watch;

/// What the API stands on.
pub struct ApiConfig {
    /// The host.
    pub backend: Arc<dyn Backend>,
    /// Tokens and tenants.
    pub access: Access,
    /// For the operator's figures.
    pub store: Store,
    /// The commands that read the store's folder in processes of their own; none walks it in this process and makes
    /// no backups.
    pub store_tools: Option<StoreTools>,
    /// The tenant that callers without a token meet on routes declared public; none refuses them.
    pub public_tenant: Option<TenantId>,
    /// Whether `/metrics` is served without the admin token: for a daemon that only its own machine reaches.
    pub open_metrics: bool,
    /// The longest wait for the next part of a request's body.
    pub read_timeout: Duration,
    /// What all bodies in the daemon's hands may take in memory.
    pub bodies_memory_bytes: u64,
    /// What all answers that clients have not taken yet may take in memory.
    pub answers_memory_bytes: u64,
}

/// Command lines that take the store's folder as their next argument. Damage to the file may end such a process, and
/// not the daemon.
#[derive(Debug, Clone)]
pub struct StoreTools {
    /// Walks the store and prints the report as JSON.
    pub walk: Vec<OsString>,
    /// Writes a backup to standard output.
    pub back_up: Vec<OsString>,
    /// Writes what belongs to a tenant, which is given after the folder, to standard output.
    pub export: Vec<OsString>,
}

/// The HTTP API of one daemon. Cheap to clone.
#[derive(Clone)]
pub struct Api(Arc<Shared>);

/// What all handlers share.
pub struct Shared {
    pub(crate) backend: Arc<dyn Backend>,
    pub(crate) access: Access,
    pub(crate) store: Store,
    pub(crate) store_tools: Option<StoreTools>,
    pub(crate) backups: ReadMeter,
    pub(crate) exports: ReadMeter,
    pub(crate) public_tenant: Option<TenantId>,
    pub(crate) open_metrics: bool,
    pub(crate) meter: HttpMeter,
    pub(crate) read_timeout: Duration,
    pub(crate) bodies: Arc<Room>,
    pub(crate) answers: Arc<Room>,
    table: RwLock<Arc<RouteTable>>,
    /// True once the daemon is stopping; streams end on it.
    pub(crate) stopping: watch::Sender<bool>,
}

impl Deref for Api {
    type Target = Shared;
    fn deref(&self) -> &Shared {
        &self.0
    }
}

impl ApiConfig {
    /// A configuration with the default limits.
    pub fn new(backend: Arc<dyn Backend>, access: Access, store: Store) -> Self {
        let read_timeout = Duration::from_millis(limits::HTTP_READ_MS_MAX);
        Self {
            backend,
            access,
            store,
            store_tools: None,
            public_tenant: None,
            open_metrics: false,
            read_timeout,
            bodies_memory_bytes: limits::BODIES_MEMORY_BYTES_MAX,
            answers_memory_bytes: limits::ANSWERS_MEMORY_BYTES_MAX,
        }
    }
}

impl Api {
    /// Builds the API over a running host.
    pub fn new(config: ApiConfig) -> Self {
        let table = RwLock::new(Arc::new(RouteTable::build(&config.backend.routes())));
        Self(Arc::new(Shared {
            backend: config.backend,
            access: config.access,
            store: config.store,
            store_tools: config.store_tools,
            backups: ReadMeter::default(),
            exports: ReadMeter::default(),
            public_tenant: config.public_tenant,
            open_metrics: config.open_metrics,
            meter: HttpMeter::default(),
            read_timeout: config.read_timeout,
            bodies: Room::of_bodies(config.bodies_memory_bytes),
            answers: Room::of_answers(config.answers_memory_bytes),
            table,
            stopping: watch::Sender::new(false),
        }))
    }

    /// The table of the plugins' routes, built anew when a plugin was reloaded.
    pub(crate) fn table(&self) -> Arc<RouteTable> {
        let routes = self.backend.routes();
        let table = Arc::clone(&self.table.read().unwrap_or_else(PoisonError::into_inner));
        if table.version == routes.version {
            return table;
        }
        let fresh = Arc::new(RouteTable::build(&routes));
        *self.table.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&fresh);
        fresh
    }

    /// From now on `/readyz` says no and streams end.
    pub(crate) fn stop(&self) {
        self.stopping.send_replace(true);
    }
}

/// Milliseconds since 1970.
pub(crate) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
