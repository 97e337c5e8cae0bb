//! The host as a whole: plugins, their workers, the bus and the store, and what others may ask of it.

use crate::api::{HostError, PluginState, PluginStatus, ReplyBody, VerbReply, VerbRequest};
use crate::chance;
use crate::conductor::Conductor;
use crate::contracts::{Contracts, SuiteTerms};
use crate::hooks::HookTable;
use crate::jobs::{self, Since};
use crate::late::Late;
use crate::links;
use crate::live::Live;
use crate::outcome::Waiters;
use crate::pool::Pool;
use crate::quotas::Quotas;
use crate::rehearsal::{Rehearsal, Stage};
use crate::reload::Reloaded;
use crate::repeat::{self, Keyed, Turns};
use crate::replay::{self, Replays};
use crate::retention::{self, RetentionMeter};
use crate::routes::{RouteSet, lane_key};
use crate::settings;
use crate::settle::{Durable, PendingAnswer, PendingOutcome, ReadAgain, Settled};
use crate::start::{LeftOut, start_all};
use crate::subscribe::{subscribe_all, watch_epoch};
use crate::task::Task;
use crate::traces;
use crate::worker::WorkerCommand;
use contract_model::{ErrorCode, Event, Millis, PluginSlug, Sequence, TenantId, TopicName};
use contract_parse::ParsedPlugin;
use daemon_store::{Flushed, Histogram, Store, Tenant, View};
use daemon_trace::Tracer;
use indexmap::IndexMap;
use serde_json::json;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot, watch};

/// What the host needs to start.
pub struct HostConfig {
    /// The open store.
    pub store: Store,
    /// The plugins, already accepted by the checker, in any order.
    pub plugins: Vec<ParsedPlugin>,
    /// What the suite says beside them.
    pub terms: SuiteTerms,
    /// How to start a worker process.
    pub worker: WorkerCommand,
    /// How long events that were handled are kept where their topic's contract says nothing; none for ever.
    pub retain: Option<Millis>,
    /// Whether plugins may ask hosts of private networks, and this machine itself, that they were granted.
    pub private_net: bool,
    /// Traces what happens.
    pub tracer: Tracer,
    /// Where it is no service but a rehearsal.
    pub rehearsal: Option<Rehearsal>,
}

/// Runs plugins. Cheap to clone.
#[derive(Clone)]
pub struct Host(pub(crate) Arc<Inner>);

/// The answer to a verb call that is on its way.
pub type Submitted = Pin<Box<dyn Future<Output = Result<VerbReply, HostError>> + Send>>;

/// What the parts of the host share.
pub(crate) struct Inner {
    pub(crate) store: Store,
    pub(crate) worker: WorkerCommand,
    /// Whether plugins may ask hosts of private networks.
    pub(crate) private_net: bool,
    /// Where it is a rehearsal.
    pub(crate) stage: Option<Stage>,
    pub(crate) conductor: Conductor,
    pub(crate) waiters: Arc<Waiters>,
    pub(crate) live: Live,
    pub(crate) turns: Arc<Turns>,
    /// How long events of topics that say nothing are kept, once handled.
    pub(crate) retain_ms: Option<u64>,
    pub(crate) retention: RetentionMeter,
    pub(crate) tracer: Tracer,
    pub(crate) flushes: watch::Receiver<Flushed>,
    contracts: RwLock<Arc<Contracts>>,
    pools: RwLock<IndexMap<PluginSlug, Arc<Pool>>>,
    routes: RwLock<Arc<RouteSet>>,
    left_out: RwLock<Arc<[LeftOut]>>,
    /// Plugins that are still starting.
    pub(crate) late: Late,
    /// Tells of those that have joined.
    arrivals: Mutex<Option<mpsc::Receiver<Reloaded>>>,
    hooks: RwLock<Arc<HookTable>>,
    outcomes: RwLock<Arc<[TopicName]>>,
    pub(crate) replays: Replays,
    pub(crate) quotas: Quotas,
    pub(crate) job_ends: jobs::Ends,
    /// Schedules will be looked after again: some run could not be stored.
    pub(crate) looks_again: AtomicBool,
    /// One wish of an operator at a time.
    pub(crate) wishing: tokio::sync::Mutex<()>,
    /// The suite as it is in force, those of its plugins too that do not run.
    suite: RwLock<Arc<Suite>>,
    /// One operator at a time takes dead letters up: of two who retry one, the second finds it gone.
    pub(crate) mending: tokio::sync::Mutex<()>,
    /// Nobody is told of a provider while providers change.
    pub(crate) linking: tokio::sync::Mutex<()>,
    /// How many walks are under way that tell plugins of providers.
    pub(crate) telling: AtomicUsize,
    /// Counts the walks that tell plugins of providers; the last one that was begun is tried again.
    pub(crate) link_turns: AtomicU64,
    /// One change of the plugins at a time.
    pub(crate) reloading: tokio::sync::Mutex<()>,
    reruns: AtomicU64,
    pub(crate) record_changes: Histogram,
}

/// The plugins, and what the suite says beside them.
pub(crate) type Suite = (Vec<ParsedPlugin>, SuiteTerms);

fn read<T: Clone>(lock: &RwLock<T>) -> T {
    lock.read().unwrap_or_else(PoisonError::into_inner).clone()
}

impl Inner {
    pub(crate) fn contracts(&self) -> Arc<Contracts> {
        read(&self.contracts)
    }

    /// Who has hooks on which changes of records.
    pub(crate) fn hooks(&self) -> Arc<HookTable> {
        read(&self.hooks)
    }

    /// The topics of continuations of requests.
    pub(crate) fn outcomes(&self) -> Arc<[TopicName]> {
        read(&self.outcomes)
    }

    pub(crate) fn pool(&self, plugin: &PluginSlug) -> Option<Arc<Pool>> {
        self.pools.read().unwrap_or_else(PoisonError::into_inner).get(plugin).cloned()
    }

    pub(crate) fn pools(&self) -> Vec<Arc<Pool>> {
        self.pools.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// The store's tenant of this name.
    pub(crate) fn tenant(&self, id: &TenantId) -> Result<Tenant, HostError> {
        self.store.tenant(id).ok_or_else(|| HostError::new(ErrorCode::NotFound, format!("there is no tenant `{id}`")))
    }

    /// The plugins that do not run.
    pub(crate) fn left_out(&self) -> Arc<[LeftOut]> {
        read(&self.left_out)
    }

    /// Puts the plugins in force that could be started.
    pub(crate) fn install(&self, pools: Vec<Arc<Pool>>, mut routes: RouteSet, left_out: Vec<LeftOut>) {
        routes.version = read(&self.routes).version + 1;
        *self.hooks.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(HookTable::of(&pools));
        *self.outcomes.write().unwrap_or_else(PoisonError::into_inner) = jobs::outcome_topics(&pools);
        let by_slug = pools.into_iter().map(|pool| (pool.plugin.manifest.slug.value.clone(), pool)).collect();
        *self.pools.write().unwrap_or_else(PoisonError::into_inner) = by_slug;
        *self.routes.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(routes);
        *self.left_out.write().unwrap_or_else(PoisonError::into_inner) = left_out.into();
    }

    /// The suite in force.
    pub(crate) fn suite(&self) -> Arc<Suite> {
        read(&self.suite)
    }

    /// A plugin of the suite in force, whether it runs or not.
    pub(crate) fn parsed(&self, slug: &str) -> Result<ParsedPlugin, HostError> {
        let is_it = |parsed: &&ParsedPlugin| {
            parsed.manifest.as_ref().is_some_and(|manifest| manifest.slug.value.as_str() == slug)
        };
        self.suite().0.iter().find(is_it).cloned().ok_or_else(|| settings::missing(slug))
    }

    pub(crate) fn keep_suite(&self, suite: Suite) {
        *self.suite.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(suite);
    }

    /// What these plugins promise each other, and in a rehearsal those that take no part.
    pub(crate) fn gather(&self, plugins: &[ParsedPlugin], terms: SuiteTerms) -> Result<Contracts, HostError> {
        gather(self.stage.as_ref(), plugins, terms)
    }

    /// Puts other contracts in force.
    pub(crate) fn agree(&self, contracts: Arc<Contracts>) {
        *self.contracts.write().unwrap_or_else(PoisonError::into_inner) = contracts;
    }

    pub(crate) fn count_rerun(&self) {
        self.reruns.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn view(&self) -> Result<View, HostError> {
        self.store.view().map_err(|error| crate::reader::store_error(&error))
    }

    /// What is on disk, for who was told that what it saw was undone.
    pub(crate) fn synced_view(&self) -> Result<View, HostError> {
        self.store.synced_view().map_err(|error| crate::reader::store_error(&error))
    }

    /// Waits until everything decided until now is on disk. `epoch` was taken before what is going to be told was
    /// decided or read: if a flush has failed since, some of that may never have happened, and it is an error.
    pub(crate) async fn synced_since(&self, epoch: u64) -> Result<(), HostError> {
        self.store.synced_since(epoch).await.map_err(|error| crate::reader::store_error(&error))
    }

    /// Waits until the log is on disk as far as this event, and for nothing that came after it.
    pub(crate) async fn synced_through(&self, epoch: u64, sequence: Sequence) -> Result<(), HostError> {
        self.store.synced_through(epoch, sequence).await.map_err(|error| crate::reader::store_error(&error))
    }
}

fn gather(stage: Option<&Stage>, plugins: &[ParsedPlugin], terms: SuiteTerms) -> Result<Contracts, HostError> {
    match stage {
        None => Contracts::gather(plugins, terms),
        Some(stage) => Contracts::gather(&[plugins, &stage.others].concat(), terms),
    }
}

impl Host {
    /// Starts every plugin's first worker, mounts the routes and puts the subscriptions in force. A plugin that
    /// cannot be started is left out and named by [`Host::failures`]; an error is given when none can.
    pub async fn start(mut config: HostConfig) -> Result<Self, HostError> {
        let settings = config.rehearsal.as_mut().map(|it| std::mem::take(&mut it.settings)).unwrap_or_default();
        let stage = config.rehearsal.map(Stage::set);
        let contracts = Arc::new(gather(stage.as_ref(), &config.plugins, config.terms.clone())?);
        let epoch = config.store.epoch();
        let view = config.store.view().map_err(|error| crate::reader::store_error(&error))?;
        let quotas = Quotas::of(&view, &config.store.tenants())?;
        drop(view);
        let inner = Arc::new(Inner {
            conductor: Conductor::new(u64::from_le_bytes(chance::bytes()[..8].try_into().unwrap_or_default()), epoch),
            waiters: Arc::default(),
            live: Live::new(),
            turns: Arc::default(),
            retain_ms: config.retain.map(|retain| retain.0),
            retention: RetentionMeter::default(),
            tracer: config.tracer,
            flushes: config.store.flushes(),
            contracts: RwLock::new(contracts.clone()),
            pools: RwLock::default(),
            routes: RwLock::default(),
            left_out: RwLock::new(Arc::new([])),
            late: Late::default(),
            arrivals: Mutex::default(),
            hooks: RwLock::default(),
            outcomes: RwLock::new(Arc::new([])),
            replays: Replays::default(),
            quotas,
            job_ends: jobs::Ends::default(),
            looks_again: AtomicBool::new(false),
            wishing: tokio::sync::Mutex::default(),
            suite: RwLock::new(Arc::new((config.plugins.clone(), config.terms.clone()))),
            mending: tokio::sync::Mutex::default(),
            linking: tokio::sync::Mutex::default(),
            telling: AtomicUsize::new(0),
            link_turns: AtomicU64::new(0),
            reloading: tokio::sync::Mutex::default(),
            reruns: AtomicU64::new(0),
            record_changes: Histogram::of_times(),
            store: config.store,
            worker: config.worker,
            private_net: config.private_net,
            stage,
        });
        let own = vec![crate::reservations::collection()?];
        inner.store.declare(own).map_err(|error| crate::reader::store_error(&error))?;
        for (slug, given) in settings {
            settings::set(&inner, &slug, given).await?;
        }
        let begun = start_all(&inner, &config.plugins, &contracts).await?;
        let tenants = inner.store.tenants();
        jobs::keep_schedules(&inner, &tenants, Since::Start)?;
        subscribe_all(&inner)?;
        jobs::keep_schedules(&inner, &tenants, Since::Running)?;
        // Who is told that it is ready may rely on the schedules: what goes by from now on is made up for.
        inner.synced_since(epoch).await?;
        if begun.len() > 0 {
            let (told, arrivals) = mpsc::channel(begun.len());
            *inner.arrivals.lock().unwrap_or_else(PoisonError::into_inner) = Some(arrivals);
            tokio::spawn(begun.join(Arc::downgrade(&inner), told));
        }
        links::keep(&inner);
        tokio::spawn(Inner::keep_time(Arc::downgrade(&inner)));
        tokio::spawn(Live::forward(Arc::downgrade(&inner)));
        tokio::spawn(watch_epoch(Arc::downgrade(&inner)));
        tokio::spawn(repeat::sweep(Arc::downgrade(&inner)));
        tokio::spawn(replay::run(Arc::downgrade(&inner)));
        tokio::spawn(retention::run(Arc::downgrade(&inner)));
        Ok(Self(inner))
    }

    /// The mounted routes; the set changes its version when plugins change.
    pub fn routes(&self) -> Arc<RouteSet> {
        read(&self.0.routes)
    }

    /// Puts a verb call into its lane now, in order of the calls, and gives its answer when it is durable.
    pub fn submit(&self, mut request: VerbRequest) -> Submitted {
        let span = traces::verb(&self.0.tracer, &mut request);
        let submitted = match Keyed::of(&request) {
            Some(keyed) => Box::pin(run_once(self.clone(), request, keyed)),
            None => self.enqueue(request, None),
        };
        traces::answered(span, submitted)
    }

    fn enqueue(&self, request: VerbRequest, keyed: Option<Keyed>) -> Submitted {
        let (sender, receiver) = oneshot::channel();
        let inner = self.0.clone();
        let Some(pool) = inner.pool(&request.route.plugin) else {
            let text = format!("plugin `{}` is not loaded", request.route.plugin);
            return Box::pin(std::future::ready(Err(HostError::new(ErrorCode::PluginUnavailable, text))));
        };
        let key = lane_key(&request);
        if let Err((task, error)) = pool.enqueue(key, Task::verb(request, keyed, sender)) {
            drop(task);
            return Box::pin(std::future::ready(Err(error)));
        }
        let host = self.clone();
        Box::pin(async move {
            let mut settled = receiver.await.map_err(|_| stopped())??;
            let again = settled.again.take();
            match (acknowledge(&inner, settled).await, again) {
                // It only read, so whether the disk takes what others write is not its business.
                (Err(error), Some(again)) if is_undone(&error) => host.read_again(*again)?.await,
                (told, _) => told,
            }
        })
    }

    /// Runs a call that only reads once more, on what is on disk.
    fn read_again(&self, again: ReadAgain) -> Result<Submitted, HostError> {
        let inner = self.0.clone();
        let view = inner.synced_view()?;
        let pool = inner.pool(&again.request.route.plugin).ok_or_else(stopped)?;
        let (sender, receiver) = oneshot::channel();
        let key = lane_key(&again.request);
        pool.enqueue(key, Task::read_again(again, view, sender)).map_err(|(_, error)| error)?;
        Ok(Box::pin(async move { acknowledge(&inner, receiver.await.map_err(|_| stopped())??).await }))
    }

    /// The plugins and how they are.
    pub fn plugins(&self) -> Vec<PluginStatus> {
        let left_out = self.0.left_out();
        self.0.pools().iter().map(status).chain(left_out.iter().map(LeftOut::status)).collect()
    }

    /// Why plugins are not served that were to be.
    pub fn failures(&self) -> Vec<HostError> {
        self.0.left_out().iter().filter(|one| one.is_error()).map(|one| one.error.clone()).collect()
    }

    /// Plugins that were not up when the others were, each when its start has ended: it has joined them, or it is refused.
    /// The channel ends when none is left. Only who asks first gets it.
    pub fn arrivals(&self) -> Option<mpsc::Receiver<Reloaded>> {
        self.0.arrivals.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Live events as they are synced.
    pub fn tail(&self) -> async_broadcast::Receiver<Arc<Event>> {
        self.0.live.listen()
    }

    /// How many units of work were run again because they met others.
    pub fn reruns(&self) -> u64 {
        self.0.reruns.load(Ordering::Relaxed)
    }

    /// Stops taking work, and waits for what runs, at most so long for all of it together. Plugins end in the reverse of
    /// the order in which they began, so that who is needed outlives who needs it.
    pub async fn stop(&self, drain: Duration) {
        self.0.late.keep(&[]);
        for (id, _) in self.0.conductor.destinations() {
            self.0.unsubscribe(&id);
        }
        let until = Instant::now() + drain;
        for pool in self.0.pools().iter().rev() {
            // Verbs that never ran are answered by the drop of their senders; events stay in the log.
            drop(pool.close(until.saturating_duration_since(Instant::now())).await);
        }
        self.0.pools.write().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

/// Whether what waited for the disk was undone by a failed flush: the store has not ended.
pub(crate) fn is_undone(error: &HostError) -> bool {
    error.error.code != ErrorCode::ShuttingDown.as_str()
}

fn stopped() -> HostError {
    HostError::new(ErrorCode::ShuttingDown, "the daemon is stopping; try again")
}

/// Runs a verb under its caller's key, or gives the answer that it was given before.
async fn run_once(host: Host, request: VerbRequest, mut keyed: Keyed) -> Result<VerbReply, HostError> {
    let inner = &host.0;
    let epoch = inner.store.epoch();
    keyed.take_turn(inner, &request.tenant).await;
    let Some(found) = keyed.find(inner, &request.tenant)? else {
        return host.enqueue(request, Some(keyed)).await;
    };
    // Its outcome may be long in coming, and others may wait for the same.
    drop(keyed);
    inner.synced_since(epoch).await?;
    let reply = match found {
        PendingAnswer::Ready(reply) => reply,
        PendingAnswer::Outcome(pending) => await_outcome(inner, pending).await?,
    };
    Ok(VerbReply { replayed: true, ..reply })
}

/// Waits until a verb's effects are on disk, and for its request's reply if it answers with that.
pub(crate) async fn acknowledge(inner: &Arc<Inner>, settled: Settled) -> Result<VerbReply, HostError> {
    let durable = async {
        let synced = match settled.durable {
            Durable::Already => Ok(()),
            Durable::Unit(synced) => synced.await,
            Durable::Read { epoch, position } => inner.store.synced_at(epoch, position).await,
        };
        synced.map_err(|error| crate::reader::store_error(&error))
    };
    let answer = async {
        match settled.answer {
            Some(PendingAnswer::Ready(reply)) => Ok(reply),
            Some(PendingAnswer::Outcome(pending)) => await_outcome(inner, pending).await,
            None => Err(HostError::new(ErrorCode::Internal, "a verb ended without an answer")),
        }
    };
    // A verb that was undone has no outcome to wait for, so the first error ends both.
    tokio::try_join!(durable, answer).map(|((), reply)| reply)
}

async fn await_outcome(inner: &Arc<Inner>, pending: PendingOutcome) -> Result<VerbReply, HostError> {
    let PendingOutcome { request, statuses: (ok, error), wait, mut reply, epoch, .. } = pending;
    let waited = inner.in_time(tokio::time::timeout(wait, reply.reply())).await;
    if let Some(Ok(Some((verdict, event)))) = waited {
        inner.synced_through(epoch, event.sequence).await?;
        return Ok(crate::asks::reply_envelope(verdict, &event, ok, error));
    }
    Ok(VerbReply::new(202, ReplyBody::Data(json!({"id": request, "status": "pending"}))))
}

fn status(pool: &Arc<Pool>) -> PluginStatus {
    let plugin = &pool.plugin;
    let (workers, paused) = pool.status();
    let registered = pool.registered();
    PluginStatus {
        slug: plugin.slug().to_owned(),
        name: plugin.manifest.name.clone(),
        version: plugin.manifest.version.value.to_string(),
        state: if paused.is_some() { PluginState::Paused } else { PluginState::Active },
        reason: paused,
        workers,
        routes: registered.routes.iter().map(|route| format!("{} {}", route.method, route.path)).collect(),
        subscriptions: registered.subscriptions.iter().map(|one| format!("{} <- {}", one.name, one.topic)).collect(),
        permission_denied: plugin.denials(),
    }
}
