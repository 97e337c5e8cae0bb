//! One run of a worker seen from the host: answers its questions from a snapshot and settles its results.

use crate::api::HostError;
use crate::capability::{self, Asking, Wanted, snapshot};
use crate::clock;
use crate::host::Inner;
use crate::lane::Lane;
use crate::meter::End;
use crate::pool::Pool;
use crate::reader;
use crate::settle::{Refusal, settle};
use crate::task::{Ended, Task};
use crate::worker::{Session, WorkerEnd};
use contract_model::ErrorCode;
use contract_model::limits::UNIT_RERUNS_MAX;
use daemon_frame::{Answer, Ask, Done, Item};
use daemon_store::View;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// A batch of tasks in a worker.
pub(crate) struct UnitSession {
    inner: Arc<Inner>,
    pool: Arc<Pool>,
    /// In the order of the run; a task leaves its place when it has ended.
    tasks: Vec<(Lane, Option<Task>)>,
    /// The item that is running.
    current: usize,
    /// The snapshot of the running item, taken at its first question.
    view: Option<View>,
    /// Lanes in which a task must run again, so that those behind it must wait.
    blocked: HashSet<Lane>,
    started_ms: u64,
    /// When the running item began.
    began: Instant,
}

impl UnitSession {
    pub(crate) fn new(inner: Arc<Inner>, pool: Arc<Pool>, batch: Vec<(Lane, Task)>) -> Self {
        let mut tasks = Vec::with_capacity(batch.len());
        let epoch = inner.store.epoch();
        for (lane, task) in batch {
            if task.is_void(epoch) {
                continue;
            }
            if task.is_cancelled() {
                task.end(&inner, Ended::NotRun(behind()));
            } else {
                tasks.push((lane, Some(task)));
            }
        }
        Self {
            inner,
            pool,
            tasks,
            current: 0,
            view: None,
            blocked: HashSet::new(),
            started_ms: clock::now_ms(),
            began: Instant::now(),
        }
    }

    /// The frame's items.
    pub(crate) fn items(&self) -> Vec<Item> {
        self.tasks.iter().flat_map(|(_, task)| task).map(|task| task.item(self.started_ms)).collect()
    }

    /// Ends the run: tells the task at fault, and gives back what did not run, in order.
    pub(crate) fn conclude(&mut self, end: Option<&WorkerEnd>, kills_max: u32) -> Vec<(Lane, Task)> {
        if let Some(end) = end {
            self.worker_lost(end, kills_max);
        }
        let mut unrun = Vec::new();
        for (lane, task) in self.tasks.drain(..) {
            match task {
                Some(task) if task.is_cancelled() => task.end(&self.inner, Ended::NotRun(behind())),
                Some(task) => unrun.push((lane, task)),
                None => {}
            }
        }
        unrun
    }

    fn worker_lost(&mut self, end: &WorkerEnd, kills_max: u32) {
        let slug = self.pool.plugin.slug();
        let (code, text) = end.describe(slug);
        let Some((_, slot)) = self.tasks.get_mut(self.current) else { return };
        let Some(mut task) = slot.take() else { return };
        if !end.is_plugins_fault() && task.kills < kills_max {
            // Nothing of it was committed, so it simply runs again.
            task.kills += 1;
            *slot = Some(task);
            return;
        }
        self.pool.plugin.meter.unit(task.kind(), End::Lost, self.began.elapsed());
        task.end(&self.inner, Ended::Failed(HostError::new(code, text).of_plugin(slug)));
    }

    fn settle_current(&mut self, done: Done) {
        let index = self.current;
        let view = self.view.take();
        let Some((lane, slot)) = self.tasks.get_mut(index) else { return };
        if self.blocked.contains(lane) || slot.as_ref().is_none_or(Task::is_cancelled) {
            return;
        }
        let Some(mut task) = slot.take() else { return };
        let view = view.or_else(|| task.take_view());
        let settled = settle(&self.inner, &self.pool.plugin, &task, done, view, self.started_ms);
        let end = match &settled {
            Ok(_) => End::Settled,
            Err(Refusal::Failed(_)) => End::Failed,
            Err(Refusal::Again(_)) => End::Rerun,
        };
        self.pool.plugin.meter.unit(task.kind(), end, self.began.elapsed());
        match settled {
            Ok(settled) => task.settled(settled),
            Err(Refusal::Failed(error)) => task.end(&self.inner, Ended::Failed(error)),
            Err(Refusal::Again(why)) => {
                let lane = lane.clone();
                self.run_again(index, lane, task, &why);
            }
        }
    }

    /// Puts a task that met others back into its place, unless it has met too many.
    fn run_again(&mut self, index: usize, lane: Lane, mut task: Task, why: &str) {
        task.reruns += 1;
        self.inner.count_rerun();
        if task.runs_once() {
            let error = HostError::new(ErrorCode::Conflict, format!("the change met another unit of work on {why}"));
            return task.end(&self.inner, Ended::Failed(error));
        }
        if task.reruns > UNIT_RERUNS_MAX {
            let text = format!(
                "gave up after {UNIT_RERUNS_MAX} re-runs, each meeting another unit of work on {why}; try again"
            );
            let error = HostError::new(ErrorCode::Conflict, text).retry_after(Duration::from_millis(100));
            return task.end(&self.inner, Ended::Failed(error));
        }
        self.blocked.insert(lane);
        self.tasks[index].1 = Some(task);
    }
}

/// Why an event goes back to the bus untried: one before it in its lane has failed.
fn behind() -> HostError {
    HostError::new(ErrorCode::Conflict, "an event before it has failed and is tried first")
}

impl Session for UnitSession {
    async fn ask(&mut self, ask: Ask, until: Instant) -> Answer {
        let Self { inner, pool, tasks, current, view, started_ms, .. } = self;
        let Some((_, Some(task))) = tasks.get_mut(*current) else {
            return Answer(Err(HostError::new(ErrorCode::Internal, "no item is running").error));
        };
        *view = view.take().or_else(|| task.take_view());
        let answer = match ask {
            Ask::Call { capability, method, input, provider } => {
                let cause = task.cause(pool.plugin.slug(), *started_ms);
                let asking = Asking {
                    inner,
                    plugin: &pool.plugin,
                    chain: vec![pool.plugin.slug().to_owned()],
                    tenant: cause.tenant,
                    actor: cause.actor,
                    correlation: cause.correlation,
                    now_ms: cause.now_ms,
                    view,
                    until,
                };
                capability::call(asking, Wanted { capability, method, input, provider }).await
            }
            ask => {
                snapshot(inner, view).and_then(|view| reader::answer(inner, &pool.plugin, task.tenant_id(), view, ask))
            }
        };
        Answer(answer.map_err(|error| error.error))
    }

    fn done(&mut self, done: Done) {
        self.settle_current(done);
        self.current += 1;
        self.began = Instant::now();
    }

    fn deadline(&self, index: usize) -> Duration {
        self.tasks.get(index).and_then(|(_, task)| task.as_ref()).map_or(Duration::from_secs(5), Task::deadline)
    }
}
