//! The workers in which a plugin's capabilities run, apart from those of its handlers.
//!
//! A handler that calls a method holds its worker until the method has ended. Took the method a worker of the same
//! kind, plugins that call one another could hold all of them and wait for ever. Here a call at one depth only ever
//! waits for calls at a greater one, and there are finitely many depths.

use crate::api::HostError;
use crate::host::Inner;
use crate::pool::{Pool, note_pid, restart};
use crate::running::{Loss, Running};
use crate::usage::Callee;
use crate::worker::{Session, Worker, WorkerEnd};
use contract_model::ErrorCode;
use contract_model::limits::{CALL_DEADLINE_MS, CAPABILITY_CALLS_MAX, CAPABILITY_DEPTH_MAX};
use daemon_frame::{Call, Item, Registered};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, timeout_at};

/// A worker that nobody has called for so long is ended.
const IDLE_MAX: Duration = Duration::from_mins(1);

/// Places for calls of one plugin's capabilities.
pub(crate) struct Providing {
    /// By depth.
    places: Vec<Semaphore>,
    /// Workers that nobody uses, the last used last.
    idle: Mutex<Vec<(Worker, Instant)>>,
}

impl Default for Providing {
    fn default() -> Self {
        let place = |_| Semaphore::new(calls_max() as usize);
        Self { places: (0..CAPABILITY_DEPTH_MAX).map(place).collect(), idle: Mutex::default() }
    }
}

fn calls_max() -> u32 {
    u32::try_from(CAPABILITY_CALLS_MAX).unwrap_or(1)
}

impl Providing {
    async fn place(&self, pool: &Pool, depth: usize, until: Instant) -> Result<SemaphorePermit<'_>, HostError> {
        let slug = pool.plugin.slug();
        let Some(places) = self.places.get(depth) else {
            return Err(HostError::new(ErrorCode::CapabilityCycle, "the call is nested too deeply"));
        };
        match timeout_at(until, places.acquire()).await {
            Ok(Ok(place)) => Ok(place),
            Ok(Err(_)) => Err(pool.replaced()),
            Err(_) => {
                let text = format!(
                    "{CAPABILITY_CALLS_MAX} calls of capabilities of plugin `{slug}` run already, and none ended in time (CAPABILITY_CALLS_MAX)"
                );
                Err(HostError::new(ErrorCode::Overloaded, text).of_plugin(slug))
            }
        }
    }

    fn take(&self) -> Option<Worker> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop().map(|(worker, _)| worker)
    }

    fn give_back(&self, worker: Worker) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push((worker, Instant::now()));
    }

    /// Ends the workers that nobody has called for long.
    pub(crate) fn reap(&self, pool: &Pool, idle_max: Duration) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let (old, kept) = std::mem::take(&mut *idle).into_iter().partition(|(_, used)| used.elapsed() >= idle_max);
        *idle = kept;
        drop(idle);
        let old: Vec<(Worker, Instant)> = old;
        for (worker, _) in old {
            note_pid(pool, worker.pid(), None);
        }
    }

    /// Waits until no call runs, and lets none begin.
    pub(crate) async fn close(&self, pool: &Pool, until: Instant) {
        for places in &self.places {
            let _ = timeout_at(until, places.acquire_many(calls_max())).await;
            places.close();
        }
        self.reap(pool, Duration::ZERO);
    }
}

impl Pool {
    /// Runs a method of a capability in a worker of its own.
    pub(crate) async fn provide(
        self: &Arc<Self>,
        depth: usize,
        until: Instant,
        item: &Item,
        session: &mut impl Session,
    ) -> Result<(), HostError> {
        let inner = self.inner.upgrade().ok_or_else(|| self.replaced())?;
        let _place = self.providing.place(self, depth, until).await?;
        let (mut kills, began) = (0, Instant::now());
        loop {
            match self.try_provide(&inner, until, item.clone(), session).await {
                Ok(()) => return Ok(()),
                // It only reads, so it simply runs again.
                Err(WorkerEnd::KilledFromOutside) if kills < KILLS_FORGIVEN => kills += 1,
                Err(end) => {
                    if let Call::Provided(call) = &item.call {
                        self.plugin.meter.usage.ended(Callee::Provided(call.capability, call.method), None);
                    }
                    let loss = Loss { end, running: running(item, self.registered()) };
                    // A caller with next to no time left cannot tell whether the provider would ever have answered.
                    let hurried = matches!(loss.end, WorkerEnd::Deadline(_)) && until - began < PATIENCE;
                    if !hurried {
                        self.lost(&loss);
                    }
                    let mut error = loss.error(self.plugin.slug());
                    // The caller's own place is told beside it.
                    error.error.message = error.placed();
                    return Err(error);
                }
            }
        }
    }

    async fn try_provide(
        self: &Arc<Self>,
        inner: &Arc<Inner>,
        until: Instant,
        item: Item,
        session: &mut impl Session,
    ) -> Result<(), WorkerEnd> {
        let mut worker = if let Some(worker) = self.providing.take() {
            worker
        } else {
            let left = until.saturating_duration_since(Instant::now());
            let fresh = timeout_at(until, restart(inner, self)).await.map_err(|_| WorkerEnd::Deadline(left))??;
            note_pid(self, None, Some(&fresh));
            fresh
        };
        let pid = worker.pid();
        match worker.run(vec![item], session).await {
            Ok(()) => {
                self.providing.give_back(worker);
                self.reap_later();
                Ok(())
            }
            Err(end) => {
                note_pid(self, pid, None);
                Err(end)
            }
        }
    }

    fn reap_later(self: &Arc<Self>) {
        let pool = Arc::downgrade(self);
        tokio::spawn(async move {
            tokio::time::sleep(IDLE_MAX).await;
            if let Some(pool) = pool.upgrade() {
                pool.providing.reap(&pool, IDLE_MAX);
            }
        });
    }
}

/// With less than this from its caller, a provider that is too late has done nothing wrong: half of what a call has.
const PATIENCE: Duration = Duration::from_millis(CALL_DEADLINE_MS / 2);
/// How often a call is run again whose worker was killed from outside.
const KILLS_FORGIVEN: u32 = 5;

/// The method that a call is of.
fn running(item: &Item, registered: &Registered) -> Option<Running> {
    let Call::Provided(call) = &item.call else { return None };
    Running::of(Callee::Provided(call.capability, call.method), registered)
}
