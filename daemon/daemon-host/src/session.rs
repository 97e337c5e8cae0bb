//! One run of a worker seen from the host: answers its questions from a snapshot and settles its results.

use crate::api::HostError;
use crate::capability::{self, Asking, Wanted, snapshot};
use crate::clock;
use crate::fetching;
use crate::foresight::is_light;
use crate::held::{Held, written};
use crate::host::Inner;
use crate::lane::Lane;
use crate::meter::End;
use crate::pool::Pool;
use crate::reader;
use crate::running::{Loss, Running};
use crate::settle::{AsOf, Basis, Refusal, settle};
use crate::task::{Ended, Task, Work};
use crate::traces;
use crate::worker::{Session, WorkerEnd};
use contract_model::ErrorCode;
use contract_model::limits::UNIT_RERUNS_MAX;
use daemon_frame::{Answer, Ask, Asked, Call, Done, Foreseen, Item};
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
    /// Which of them share what their worker knows, by number of their lane.
    shared: Vec<Option<u32>>,
    /// What the worker holds of the store.
    held: Held,
    /// The item that is running.
    current: usize,
    /// The snapshot of the running item, taken at its first question.
    view: Option<View>,
    /// The snapshot of all that was brought along, when the running item does not ask it.
    common: Option<View>,
    /// Which tasks have brought something along, and whether there was such a record.
    brought: Vec<Option<bool>>,
    /// Lanes in which a task must run again, so that those behind it must wait.
    blocked: HashSet<Lane>,
    started_ms: u64,
    /// When the running item began.
    began: Instant,
    /// Which of the hooks that the running item runs one after another is running, by its place.
    at: Option<u16>,
}

/// What is left of a run.
pub(crate) struct Concluded {
    /// What never ran, or is to run again.
    pub(crate) unrun: Vec<(Lane, Task)>,
    /// Its worker was lost, and nobody is known to be to blame.
    pub(crate) nobodys: bool,
}

impl UnitSession {
    pub(crate) fn new(inner: Arc<Inner>, pool: Arc<Pool>, batch: Vec<(Lane, Task)>) -> Self {
        let mut tasks = Vec::with_capacity(batch.len());
        let epoch = inner.store.epoch();
        for (lane, mut task) in batch {
            if task.is_void(epoch) {
                continue;
            }
            task.fetched.begin_again();
            if task.is_cancelled() {
                task.end(&inner, Ended::NotRun(behind()));
            } else {
                tasks.push((lane, Some(task)));
            }
        }
        Self {
            inner,
            pool,
            shared: shared(&tasks),
            tasks,
            held: Held::default(),
            current: 0,
            view: None,
            common: None,
            brought: Vec::new(),
            blocked: HashSet::new(),
            started_ms: clock::now_ms(),
            began: Instant::now(),
            at: None,
        }
    }

    /// The frame's items, with what they are expected to ask for.
    pub(crate) fn items(&mut self) -> Vec<Item> {
        let mut items = Vec::with_capacity(self.tasks.len());
        let mut common = None;
        self.brought.clear();
        for ((_, task), lane) in self.tasks.iter().zip(&self.shared) {
            let Some(task) = task else { continue };
            let mut item = task.item(*lane, self.started_ms);
            self.brought.push(self.foresee(task, &mut item, &mut common));
            items.push(item);
        }
        self.common = common;
        items
    }

    /// Reads what a call is expected to ask for, and tells whether it is there. Whatever stands in the way the call will
    /// meet itself.
    fn foresee(&self, task: &Task, item: &mut Item, common: &mut Option<View>) -> Option<bool> {
        let Call::Verb(call) = &mut item.call else { return None };
        if item.lane.is_some() || !self.learns(task) {
            return None;
        }
        let (collection, id) = self.pool.foresight.of(call.route, &call.params)?;
        let view = snapshot(&self.inner, common).ok()?;
        let ask = Ask::Get { collection: collection.clone(), id: id.clone() };
        let asked = reader::answer(&self.inner, &self.pool.plugin, task.tenant_id(), view, ask);
        let Ok(Asked::Record(record)) = asked else { return None };
        if !record.as_ref().is_none_or(is_light) {
            self.pool.foresight.forget(call.route);
            return None;
        }
        let found = record.is_some();
        call.foreseen = Some(Foreseen { collection, id, record });
        Some(found)
    }

    /// Whether a task does nothing but read what there is now. In a rehearsal each question is asked.
    fn learns(&self, task: &Task) -> bool {
        task.is_read_only() && task.keyed().is_none() && !task.stands_alone() && self.inner.stage.is_none()
    }

    /// Takes note of what a call has asked for by itself.
    fn learn(&self, told: &[(String, Vec<String>)], asked: &Asked) {
        let Some((_, Some(task))) = self.tasks.get(self.current) else { return };
        let Work::Verb(verb) = &task.work else { return };
        if let [(collection, ids)] = told
            && let [id] = ids.as_slice()
            && self.learns(task)
            && match asked {
                Asked::Record(record) => record.iter().all(is_light),
                Asked::Records(records) => records.iter().flatten().all(is_light),
                _ => false,
            }
        {
            self.pool.foresight.asked(verb.request.route.index, &verb.request.params, collection, id);
        }
    }

    /// As of when that is so which the running item brought along, if it brought anything. Notes whether it was wanted,
    /// and lets go of the snapshot for the items behind it.
    fn take_brought(&mut self, done: &Done) -> Option<AsOf> {
        let found = self.brought.get_mut(self.current)?.take()?;
        self.common = self.view.take().or_else(|| self.common.take());
        if let Some((_, Some(task))) = self.tasks.get(self.current)
            && let Work::Verb(verb) = &task.work
            && found
        {
            self.pool.foresight.judged(verb.request.route.index, done.usage.records_read > 0);
        }
        self.common.as_ref().map(AsOf::of)
    }

    /// Ends the run: tells the task at fault, and gives back what did not run, in order.
    pub(crate) fn conclude(&mut self, loss: Option<&Loss>, kills_max: u32) -> Concluded {
        let nobodys = loss.is_some_and(|loss| !self.worker_lost(loss, kills_max));
        let mut unrun = Vec::new();
        for (lane, task) in self.tasks.drain(..) {
            match task {
                Some(task) if task.is_cancelled() => task.end(&self.inner, Ended::NotRun(behind())),
                Some(task) => unrun.push((lane, task)),
                None => {}
            }
        }
        Concluded { unrun, nobodys }
    }

    /// The handler that runs.
    pub(crate) fn running(&self) -> Option<Running> {
        let task = self.tasks.get(self.current)?.1.as_ref()?;
        Running::of_task(task, self.pool.registered(), self.at)
    }

    /// Ends the task that ran, unless it is to run again. Says whether the plugin is to blame.
    fn worker_lost(&mut self, loss: &Loss, kills_max: u32) -> bool {
        let (end, crowded) = (&loss.end, self.tasks.len() > 1);
        let Some((_, slot)) = self.tasks.get_mut(self.current) else { return end.is_plugins_fault() };
        let Some(mut task) = slot.take() else { return end.is_plugins_fault() };
        if matches!(end, WorkerEnd::Memory) && crowded {
            // What the others brought along and left behind lay in the same heap. Alone it shows whose fault it is.
            task.alone = true;
            *slot = Some(task);
            let (plugin, calls) = (self.pool.plugin.slug(), self.tasks.len());
            tracing::warn!(plugin, calls, "a worker ran out of memory with several calls on board; one runs alone now");
            return false;
        }
        if !end.is_plugins_fault() && task.kills < kills_max {
            // Nothing of it was committed, so it simply runs again.
            task.kills += 1;
            *slot = Some(task);
            return false;
        }
        let meter = &self.pool.plugin.meter;
        meter.unit(task.kind(), End::Lost, self.began.elapsed());
        meter.usage.ended(task.callee(), end.limit());
        task.end(&self.inner, Ended::Failed(loss.error(self.pool.plugin.slug())));
        end.is_plugins_fault()
    }

    fn settle_current(&mut self, done: Done) {
        self.enter_lane();
        let written = written(&done);
        let decided = self.decide_current(done);
        self.held.changed(&written, decided);
    }

    /// Settles the running item and gives the position at which its changes were decided, if they were.
    fn decide_current(&mut self, done: Done) -> Option<u64> {
        let index = self.current;
        let brought = self.take_brought(&done);
        let view = self.view.take();
        let (lane, slot) = self.tasks.get_mut(index)?;
        if self.blocked.contains(lane) || slot.as_ref().is_none_or(Task::is_cancelled) {
            return None;
        }
        let mut task = slot.take()?;
        let view = view.or_else(|| task.take_view());
        let is_there = || self.inner.store.tenant(task.tenant_id()).is_some();
        self.pool.plugin.meter.usage.note(task.tenant_id(), is_there, task.callee(), &done);
        let mut span = traces::unit(&self.inner.tracer, &task, self.pool.plugin.slug(), self.began.elapsed());
        let trace = span.context().or_else(|| task.trace());
        let settled = match self.held.relied(&done.relied) {
            Ok(relied) => {
                let basis = Basis { view, brought, relied, trace };
                settle(&self.inner, &self.pool.plugin, &task, done, basis, self.started_ms)
            }
            Err(why) => Err(Refusal::Again(why)),
        };
        let end = match &settled {
            Ok(_) => End::Settled,
            Err(Refusal::Failed(_)) => End::Failed,
            Err(Refusal::Again(_)) => End::Rerun,
        };
        span.set("trunkline.end", || end.name().to_owned());
        drop(span);
        self.pool.plugin.meter.unit(task.kind(), end, self.began.elapsed());
        match settled {
            Ok(settled) => {
                let decided = settled.decided;
                task.settled(settled);
                return decided;
            }
            Err(Refusal::Failed(error)) => {
                let pool = &self.pool;
                pool.complaints.told(&self.inner, pool.plugin.slug(), pool.registered(), &task, &error);
                task.end(&self.inner, Ended::Failed(error));
            }
            Err(Refusal::Again(why)) => {
                let lane = lane.clone();
                self.run_again(index, lane, task, &why);
            }
        }
        None
    }

    /// What a lane is to begin with; no item has read it yet.
    fn ask_ahead(&mut self, wanted: &[(String, Vec<String>)]) -> Answer {
        let Some((_, Some(task))) = self.tasks.get(self.current) else {
            return Answer(Err(HostError::new(ErrorCode::Internal, "no item is running").error));
        };
        let answer = self.inner.view().and_then(|view| {
            let ask = Ask::GetAcross { wanted: wanted.to_vec() };
            let asked = reader::answer(&self.inner, &self.pool.plugin, task.tenant_id(), &view, ask)?;
            self.held.told(wanted, view.epoch(), view.position());
            Ok(asked)
        });
        Answer(answer.map_err(|error| error.error))
    }

    fn enter_lane(&mut self) {
        let lane = self.shared.get(self.current).copied().flatten();
        self.held.enter(lane, self.inner.store.epoch());
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

/// Which tasks share what their worker knows, by a number for each lane that has several. One that stands on a
/// snapshot of its own shares nothing.
fn shared(tasks: &[(Lane, Option<Task>)]) -> Vec<Option<u32>> {
    let mut numbers = Vec::with_capacity(tasks.len());
    for (number, of_lane) in (0..).zip(tasks.chunk_by(|(a, _), (b, _)| a == b)) {
        let share = of_lane.len() > 1 && !of_lane.iter().flat_map(|(_, task)| task).any(Task::stands_alone);
        numbers.extend(of_lane.iter().map(|_| share.then_some(number)));
    }
    numbers
}

/// Why an event goes back to the bus untried: one before it in its lane has failed.
fn behind() -> HostError {
    HostError::new(ErrorCode::Conflict, "an event before it has failed and is tried first")
}

impl Session for UnitSession {
    async fn ask(&mut self, ask: Ask, until: Instant) -> Answer {
        self.enter_lane();
        if let Ask::Ahead { wanted } = ask {
            return self.ask_ahead(&wanted);
        }
        let Self { inner, pool, tasks, current, view, held, common, brought, started_ms, .. } = self;
        let Some((_, Some(task))) = tasks.get_mut(*current) else {
            return Answer(Err(HostError::new(ErrorCode::Internal, "no item is running").error));
        };
        let same = || brought.get(*current)?.and_then(|_| common.take());
        *view = view.take().or_else(|| task.take_view()).or_else(same);
        let told = match &ask {
            Ask::Get { collection, id } => vec![(collection.clone(), vec![id.clone()])],
            Ask::GetAcross { wanted } => wanted.clone(),
            _ => Vec::new(),
        };
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
                    trace: task.trace(),
                    now_ms: cause.now_ms,
                    view,
                    until,
                };
                capability::call(asking, Wanted { capability, method, input, provider }).await
            }
            Ask::Fetch(asked) => fetching::fetch(inner, &pool.plugin, task, *asked, until).await,
            ask => {
                snapshot(inner, view).and_then(|view| reader::answer(inner, &pool.plugin, task.tenant_id(), view, ask))
            }
        };
        if let (Ok(asked), Some(view)) = (&answer, view) {
            held.told(&told, view.epoch(), view.position());
            self.learn(&told, asked);
        }
        Answer(answer.map_err(|error| error.error))
    }

    fn done(&mut self, done: Done) {
        self.settle_current(done);
        self.current += 1;
        self.began = Instant::now();
        self.at = None;
    }

    fn at(&mut self, place: u16) {
        self.at = Some(place);
    }

    fn deadline(&self, index: usize) -> Duration {
        let wanted =
            self.tasks.get(index).and_then(|(_, task)| task.as_ref()).map_or(Duration::from_secs(5), Task::deadline);
        wanted.min(Duration::from_millis(self.pool.plugin.budget.wall_ms_max))
    }

    fn cpu(&self) -> Duration {
        Duration::from_millis(self.pool.plugin.budget.cpu_ms_max)
    }
}
