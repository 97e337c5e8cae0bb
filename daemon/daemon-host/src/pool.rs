//! The workers of one plugin and the lanes they serve.

use crate::api::HostError;
use crate::breaker::{Breaker, Gate};
use crate::clock;
use crate::complaints::Complaints;
use crate::foresight::Foresight;
use crate::host::Inner;
use crate::lane::{Lane, Waits};
use crate::plugin::Plugin;
use crate::providing::Providing;
use crate::running::Loss;
use crate::session::{Concluded, UnitSession};
use crate::task::{Ended, Task};
use crate::waiting::{Batch, Taken, Waiting};
use crate::worker::{LoadError, Worker, WorkerEnd};
use contract_model::ErrorCode;
use contract_model::limits::{PLUGIN_QUEUE_MAX, WORKERS_PER_PLUGIN_MAX};
use daemon_frame::Registered;
use futures_util::FutureExt as _;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;
use tokio::sync::Notify;

/// A worker without work for so long is ended, unless it is the plugin's last.
const IDLE_MAX: Duration = Duration::from_mins(1);
/// Re-runs granted to a task whose worker was killed from outside.
const KILLS_FORGIVEN: u32 = 5;

/// All workers of one plugin.
pub(crate) struct Pool {
    pub(crate) plugin: Arc<Plugin>,
    registered: Registered,
    pub(crate) inner: Weak<Inner>,
    pub(crate) providing: Providing,
    pub(crate) foresight: Foresight,
    pub(crate) complaints: Complaints,
    workers_max: usize,
    state: Mutex<State>,
    work: Notify,
    idle: Notify,
}

struct State {
    waiting: Waiting<Task>,
    breaker: Breaker,
    workers: usize,
    /// Those whose processes are on their way out.
    ending: usize,
    idle: usize,
    running: usize,
    pids: Vec<u32>,
    closed: bool,
    last_fault: Option<String>,
}

impl Pool {
    /// Starts the plugin's first worker and learns what its code registers.
    pub(crate) async fn start(inner: Arc<Inner>, plugin: Arc<Plugin>) -> Result<Arc<Self>, HostError> {
        let (worker, registered) = Worker::start(&inner.worker, plugin.slug(), &plugin.load)
            .await
            .map_err(|error| load_error(plugin.slug(), error))?;
        // Which of several workers is quicker would be chance.
        let workers_max = if inner.stage.is_some() { 1 } else { worker_limit() };
        let pool = Arc::new(Self {
            plugin,
            registered,
            inner: Arc::downgrade(&inner),
            providing: Providing::default(),
            foresight: Foresight::default(),
            complaints: Complaints::default(),
            workers_max,
            state: Mutex::new(State::new(workers_max)),
            work: Notify::new(),
            idle: Notify::new(),
        });
        tokio::spawn(serve(pool.clone(), Some(worker)));
        Ok(pool)
    }

    /// What the plugin's code registered.
    pub(crate) fn registered(&self) -> &Registered {
        &self.registered
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a task into its lane, or gives it back with the reason.
    pub(crate) fn enqueue(self: &Arc<Self>, key: Option<String>, task: Task) -> Result<(), (Box<Task>, HostError)> {
        let mut state = self.state();
        if let Err(error) = self.admit(&state, &task) {
            return Err((Box::new(task), error));
        }
        state.waiting.push(task.tenant_id().clone(), key, task);
        let grow = state.waiting.ready() > state.idle
            && state.workers < self.workers_max
            && state.breaker.gate(clock::now_ms()) == Gate::Open;
        if grow {
            state.workers += 1;
        }
        drop(state);
        if grow {
            tokio::spawn(serve(self.clone(), None));
        }
        self.work.notify_one();
        Ok(())
    }

    /// Verbs are refused early when the plugin is paused or its queue is full; events wait.
    fn admit(&self, state: &State, task: &Task) -> Result<(), HostError> {
        let slug = self.plugin.slug();
        if state.closed {
            return Err(self.replaced());
        }
        if !task.has_client() {
            return Ok(());
        }
        self.refuse_if_paused(state)?;
        if state.waiting.len() as u64 >= PLUGIN_QUEUE_MAX {
            let text = format!("{PLUGIN_QUEUE_MAX} calls already wait for plugin `{slug}` (PLUGIN_QUEUE_MAX)");
            return Err(HostError::new(ErrorCode::Overloaded, text)
                .of_plugin(slug)
                .retry_after(Duration::from_secs(1)));
        }
        let Some(inner) = self.inner.upgrade() else { return Ok(()) };
        inner
            .quotas
            .admit_call(task.tenant_id(), state.waiting.calls_of(task.tenant_id()))
            .map_err(|e| e.of_plugin(slug))
    }

    fn refuse_if_paused(&self, state: &State) -> Result<(), HostError> {
        let (slug, now) = (self.plugin.slug(), clock::now_ms());
        let Gate::Paused { until_ms } = state.breaker.gate(now) else { return Ok(()) };
        let why = state.last_fault.as_deref().unwrap_or("repeated faults");
        let text = format!("plugin `{slug}` is paused after repeated faults of its workers (the last: {why})");
        let wait = Duration::from_millis(until_ms.saturating_sub(now));
        Err(HostError::new(ErrorCode::PluginUnavailable, text).of_plugin(slug).retry_after(wait))
    }

    /// Whether its capabilities may be called now.
    pub(crate) fn may_provide(&self) -> Result<(), HostError> {
        let state = self.state();
        if state.closed { Err(self.replaced()) } else { self.refuse_if_paused(&state) }
    }

    /// Why work is refused when another pool takes this one's place.
    pub(crate) fn replaced(&self) -> HostError {
        let slug = self.plugin.slug();
        let text = format!("plugin `{slug}` is being replaced; try again");
        HostError::new(ErrorCode::PluginUnavailable, text).of_plugin(slug).retry_after(Duration::from_secs(1))
    }

    /// Takes note of the end of a worker in which a capability ran.
    pub(crate) fn lost(&self, loss: &Loss) {
        if loss.end.is_plugins_fault() {
            self.state().faulted(&self.plugin, loss);
        }
    }

    /// Waits for work. None: the worker has been idle too long, or the pool is closed.
    async fn take(&self, is_spare: impl Fn(&State) -> bool) -> Option<Batch<Task>> {
        loop {
            // From before the look, so that no word that comes in between is missed.
            let work = self.work.notified();
            let wait = {
                let mut state = self.state();
                if state.closed && state.waiting.ready() == 0 {
                    return None;
                }
                match state.breaker.gate(clock::now_ms()) {
                    Gate::Paused { until_ms } => Duration::from_millis(until_ms.saturating_sub(clock::now_ms()).max(1)),
                    gate if state.waiting.ready() > 0 => {
                        let batch = state.take(gate);
                        state.breaker.taken();
                        state.running += 1;
                        return Some(batch);
                    }
                    _ => IDLE_MAX,
                }
            };
            self.state().idle += 1;
            let woken = tokio::time::timeout(wait, work).await.is_ok();
            let mut state = self.state();
            state.idle -= 1;
            if !woken && wait == IDLE_MAX && state.waiting.ready() == 0 && is_spare(&state) {
                return None;
            }
        }
    }

    /// Takes the results of a batch in: frees its lanes, tells the breaker, wakes another worker.
    fn finish(&self, taken: &Taken, concluded: Concluded, loss: Option<&Loss>) {
        let mut state = self.state();
        state.running -= 1;
        state.waiting.release(taken, concluded.unrun);
        match loss {
            None => state.breaker.succeeded(),
            Some(loss) if !concluded.nobodys => state.faulted(&self.plugin, loss),
            Some(_) => state.breaker.inconclusive(),
        }
        let more = state.waiting.ready() > 0;
        let quiet = state.running == 0 && state.waiting.len() == 0;
        drop(state);
        if more {
            self.work.notify_one();
        }
        if quiet {
            self.idle.notify_waiters();
        }
    }

    /// Refuses new work, waits for what runs and for the end of the workers, and gives back what never ran.
    pub(crate) async fn close(&self, drain: Duration) -> Vec<Task> {
        self.state().closed = true;
        self.work.notify_waiters();
        let until = tokio::time::Instant::now() + drain;
        let quiet = self.comes(|state| state.running == 0 && state.waiting.len() == 0);
        let _ = tokio::time::timeout_at(until, quiet).await;
        self.providing.close(self, until).await;
        let left = self.state().waiting.drain();
        self.work.notify_waiters();
        // Who is closed next may be one that this plugin requires.
        let _ = tokio::time::timeout_at(until, self.comes(|state| state.workers + state.ending == 0)).await;
        left
    }

    /// Waits until it is so.
    async fn comes(&self, is_so: impl Fn(&State) -> bool) {
        loop {
            let waiting = self.idle.notified();
            if is_so(&self.state()) {
                return;
            }
            waiting.await;
        }
    }

    /// Whether nothing runs, and what waits has to wait.
    pub(crate) fn is_resting(&self) -> bool {
        let state = self.state();
        let may_run = state.waiting.ready() > 0 && !matches!(state.breaker.gate(clock::now_ms()), Gate::Paused { .. });
        state.running == 0 && !may_run
    }

    /// How many tasks wait for a worker.
    pub(crate) fn waiting(&self) -> usize {
        self.state().waiting.len()
    }

    /// Process ids, and why the plugin is paused if it is.
    pub(crate) fn status(&self) -> (Vec<u32>, Option<String>) {
        let state = self.state();
        let paused = state.breaker.gate(clock::now_ms()) != Gate::Open;
        (state.pids.clone(), state.last_fault.clone().filter(|_| paused))
    }
}

impl State {
    /// With the first of so many workers.
    fn new(workers_max: usize) -> Self {
        Self {
            waiting: Waiting::new(workers_max),
            breaker: Breaker::default(),
            workers: 1,
            ending: 0,
            idle: 0,
            running: 0,
            pids: Vec::new(),
            closed: false,
            last_fault: None,
        }
    }

    /// A worker was lost by its plugin's fault.
    fn faulted(&mut self, plugin: &Plugin, loss: &Loss) {
        let text = loss.error(plugin.slug()).placed();
        let opened = self.breaker.failed(clock::now_ms());
        plugin.meter.faulted();
        tracing::warn!(plugin = plugin.slug(), fault = text, opened, "worker lost");
        self.last_fault = Some(text);
    }

    /// One lane alone while probing; otherwise each worker's fair share of the ready lanes.
    fn take(&mut self, gate: Gate) -> Batch<Task> {
        self.waiting.take(self.workers, gate == Gate::Probe)
    }
}

fn worker_limit() -> usize {
    usize::try_from(WORKERS_PER_PLUGIN_MAX).unwrap_or(1)
}

/// The life of one worker slot: waits for work, keeps a process for it, replaces the process when it is lost.
async fn serve(pool: Arc<Pool>, mut worker: Option<Worker>) {
    note_pid(&pool, None, worker.as_ref());
    while let Some(batch) = pool.take(|state| state.workers > 1).await {
        let Some(inner) = pool.inner.upgrade() else { break };
        let Batch { tasks, taken } = batch;
        if worker.is_none() {
            match restart(&inner, &pool).await {
                Ok(fresh) => worker = Some(fresh),
                Err(end) => {
                    let loss = Loss::from(end);
                    fail_all(&inner, &pool, tasks, &loss);
                    let nobodys = !loss.end.is_plugins_fault();
                    pool.finish(&taken, Concluded { unrun: Vec::new(), nobodys }, Some(&loss));
                    continue;
                }
            }
            note_pid(&pool, None, worker.as_ref());
        }
        let Some(live) = worker.as_mut() else { break };
        let pid = live.pid();
        let _turn = match &inner.stage {
            Some(stage) => stage.turn().await,
            None => None,
        };
        let mut session = UnitSession::new(inner.clone(), pool.clone(), tasks);
        let items = session.items();
        let end = whole(live.run(items, &mut session)).await.err();
        let loss = end.map(|end| Loss { end, running: session.running() });
        let concluded = session.conclude(loss.as_ref(), KILLS_FORGIVEN);
        if loss.is_some() {
            worker = None;
            note_pid(&pool, pid, None);
        }
        pool.finish(&taken, concluded, loss.as_ref());
    }
    let pid = worker.as_ref().and_then(Worker::pid);
    {
        let mut state = pool.state();
        state.workers -= 1;
        state.ending += 1;
        state.pids.retain(|known| Some(*known) != pid);
    }
    if let Some(worker) = worker {
        worker.end().await;
    }
    pool.state().ending -= 1;
    pool.idle.notify_waiters();
}

/// A run to its end. A panic of the daemon's own code over what a worker says is the end of that worker: its place is
/// taken by another, and its calls run again or fail like those of one that was killed from outside.
async fn whole(run: impl Future<Output = Result<(), WorkerEnd>>) -> Result<(), WorkerEnd> {
    AssertUnwindSafe(run).catch_unwind().await.unwrap_or(Err(WorkerEnd::Abandoned))
}

/// A fresh worker of the plugin as it was first loaded.
pub(crate) async fn restart(inner: &Arc<Inner>, pool: &Arc<Pool>) -> Result<Worker, WorkerEnd> {
    match Worker::start(&inner.worker, pool.plugin.slug(), &pool.plugin.load).await {
        Ok((worker, registered)) if registered == pool.registered => Ok(worker),
        Ok(_) => Err(WorkerEnd::Unusable("its code registered other handlers than at its first load".to_owned())),
        Err(LoadError::Worker(end)) => Err(end),
        Err(LoadError::Plugin(failure)) => Err(WorkerEnd::Unusable(failure.error.message)),
    }
}

/// Ends every task of a batch that could not even be started; events are given back to the bus as failed.
fn fail_all(inner: &Arc<Inner>, pool: &Arc<Pool>, batch: Vec<(Lane, Task)>, loss: &Loss) {
    let error = loss.error(pool.plugin.slug());
    for (_, task) in batch {
        task.end(inner, Ended::Failed(error.clone()));
    }
}

/// Keeps the list of process ids.
pub(crate) fn note_pid(pool: &Pool, gone: Option<u32>, new: Option<&Worker>) {
    if new.is_some() {
        pool.plugin.meter.started();
    }
    let mut state = pool.state();
    state.pids.retain(|pid| Some(*pid) != gone);
    state.pids.extend(new.and_then(Worker::pid));
}

fn load_error(slug: &str, error: LoadError) -> HostError {
    match error {
        LoadError::Plugin(failure) => HostError::from_failure(slug, *failure),
        LoadError::Worker(end) => {
            let mut error = Loss::from(end).error(slug);
            error.error.message.push_str(" (while it was loading)");
            error
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_over_what_a_worker_says_is_its_end_and_nobodys_fault() {
        let end = whole(async { panic!("what nobody expected") }).await.expect_err("it did not end well");
        assert!(!end.is_plugins_fault(), "{end:?}");
        assert!(whole(async { Ok(()) }).await.is_ok());
    }
}
