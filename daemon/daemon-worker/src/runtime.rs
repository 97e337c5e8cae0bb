//! The engine's hooks into its host: no eval, small buffers, the call's own clock, and a job queue with an end.

use crate::entropy::Entropy;
use crate::stack;
use boa_engine::builtins::promise::{OperationType, Promise};
use boa_engine::context::HostHooks;
use boa_engine::context::time::{Clock, JsInstant};
use boa_engine::job::{Job, JobCallback, JobExecutor, NativeAsyncJob};
use boa_engine::object::JsObject;
use boa_engine::object::builtins::JsFunction;
use boa_engine::realm::Realm;
use boa_engine::{Context, JsError, JsNativeError, JsResult, JsString, JsValue};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Poll, Waker};

/// The largest `ArrayBuffer`, in bytes.
const BUFFER_BYTES_MAX: u64 = 1024 * 1024;
/// Most promise jobs of one handler call.
pub(crate) const JOBS_MAX: u32 = 100_000;

/// Hooks of the engine; also remembers rejected promises that nobody handled, and sees to it that what a call waited for
/// goes on in no other.
#[derive(Default)]
pub(crate) struct Hooks {
    unhandled: RefCell<Vec<JsObject<Promise>>>,
    /// The calls so far, which number them. What the modules begin as they load has the number 0.
    calls: Cell<u64>,
    /// What an earlier call began to wait for and this one has settled.
    strayed: RefCell<Option<Wait>>,
    /// What this call began to wait for last.
    last: RefCell<Option<Wait>>,
}

/// That something waits for a promise: the number of its call, and where it stood.
pub(crate) type Wait = (u64, Option<JsObject>);

impl Hooks {
    /// A call begins.
    pub(crate) fn begin(&self) {
        self.calls.set(self.calls.get() + 1);
        self.strayed.take();
        self.last.take();
        self.unhandled.borrow_mut().clear();
    }

    /// If the call has settled what an earlier one waited for: what that was.
    pub(crate) fn strayed(&self) -> Option<Wait> {
        self.strayed.borrow().clone()
    }

    /// What the call began to wait for last.
    pub(crate) fn last_wait(&self) -> Option<Wait> {
        self.last.borrow().clone()
    }

    /// The promises that were rejected since the last call of this and have no handler.
    pub(crate) fn take_unhandled(&self) -> Vec<JsObject<Promise>> {
        std::mem::take(&mut self.unhandled.borrow_mut())
    }
}

impl HostHooks for Hooks {
    fn ensure_can_compile_strings(
        &self,
        _: Realm,
        _: &[JsString],
        _: &JsString,
        _: bool,
        _: &mut Context,
    ) -> JsResult<()> {
        Err(JsNativeError::eval().with_message("code cannot be made from text in a plugin").into())
    }

    fn promise_rejection_tracker(&self, promise: &JsObject<Promise>, operation: OperationType, _: &mut Context) {
        let mut unhandled = self.unhandled.borrow_mut();
        match operation {
            OperationType::Reject => unhandled.push(promise.clone()),
            OperationType::Handle => unhandled.retain(|other| !JsObject::equals(other, promise)),
        }
    }

    /// What is to go on when a promise settles belongs to the call that asks for it.
    fn make_job_callback(&self, callback: JsFunction, context: &mut Context) -> JobCallback {
        let wait: Wait = (self.calls.get(), stack::mark(context));
        *self.last.borrow_mut() = Some(wait.clone());
        JobCallback::new(callback, wait)
    }

    /// In a later call it would work on that call's unit of work, for another tenant maybe: so it does not go on, and the
    /// call that has set it off fails.
    fn call_job_callback(
        &self,
        job: &JobCallback,
        this: &JsValue,
        arguments: &[JsValue],
        context: &mut Context,
    ) -> JsResult<JsValue> {
        if let Some(wait) = job.host_defined().downcast_ref::<Wait>()
            && wait.0 != 0
            && wait.0 != self.calls.get()
        {
            self.strayed.borrow_mut().get_or_insert_with(|| wait.clone());
            return Ok(JsValue::undefined());
        }
        job.callback().call(this, arguments, context)
    }

    fn local_timezone_offset_seconds(&self, _: i64) -> i32 {
        0
    }

    fn max_buffer_size(&self, _: &mut Context) -> u64 {
        BUFFER_BYTES_MAX
    }
}

/// The clock of plugin code: stands still during a call, and at 1970 while the modules load.
#[derive(Debug, Default)]
pub(crate) struct CallClock(Cell<u64>);

impl CallClock {
    pub(crate) fn set(&self, now_ms: u64) {
        self.0.set(now_ms);
    }
}

impl Clock for CallClock {
    fn now(&self) -> JsInstant {
        let now = self.0.get();
        JsInstant::new(now / 1_000, u32::try_from(now % 1_000).unwrap_or(0) * 1_000_000)
    }

    fn system_time_millis(&self) -> i64 {
        i64::try_from(self.0.get()).unwrap_or(i64::MAX)
    }
}

/// Runs promise jobs in order, at most [`JOBS_MAX`] a call. There are no timers, so nothing ever waits.
#[derive(Default)]
pub(crate) struct Jobs {
    queue: RefCell<VecDeque<Job>>,
    run: Cell<u32>,
}

impl Jobs {
    /// Forgets what is left of the call before, and grants a new allowance.
    pub(crate) fn reset(&self) {
        self.queue.borrow_mut().clear();
        self.run.set(0);
    }

    /// Whether the last run was stopped at the limit.
    pub(crate) fn overran(&self) -> bool {
        self.run.get() > JOBS_MAX
    }

    /// Puts what waits aside, so that what is called now does not run it.
    pub(crate) fn set_aside(&self) -> VecDeque<Job> {
        self.queue.take()
    }

    /// Takes up again what was put aside, before what has come since.
    pub(crate) fn take_up(&self, mut aside: VecDeque<Job>) {
        let mut queue = self.queue.borrow_mut();
        aside.append(&mut queue);
        *queue = aside;
    }

    fn next(&self) -> Option<Job> {
        self.queue.borrow_mut().pop_front()
    }
}

impl JobExecutor for Jobs {
    fn enqueue_job(self: Rc<Self>, job: Job, _: &mut Context) {
        self.queue.borrow_mut().push_back(job);
    }

    fn run_jobs(self: Rc<Self>, context: &mut Context) -> JsResult<()> {
        while let Some(job) = self.next() {
            self.run.set(self.run.get() + 1);
            if self.overran() {
                self.queue.borrow_mut().clear();
                return Err(JsNativeError::error().with_message("too many promise jobs").into());
            }
            let result = match job {
                Job::PromiseJob(job) => job.call(context),
                Job::GenericJob(job) => job.call(context),
                Job::AsyncJob(job) => finish(job, context),
                // Timers and finalizers would make calls depend on time and on the collector.
                _ => Ok(JsValue::undefined()),
            };
            if let Err(error) = result {
                self.queue.borrow_mut().clear();
                return Err(error);
            }
        }
        Ok(())
    }
}

/// Module loading is the only asynchronous job, and it has all modules in memory: one poll finishes it.
fn finish(job: NativeAsyncJob, context: &mut Context) -> JsResult<JsValue> {
    let context = RefCell::new(context);
    let mut future = pin!(job.call(&context));
    match future.as_mut().poll(&mut std::task::Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => Err(JsError::from(JsNativeError::error().with_message("an asynchronous job cannot wait"))),
    }
}

/// `Math.random` of plugin code while no call runs: fixed, so that a load has no luck in it.
pub(crate) fn load_entropy() -> Entropy {
    Entropy::new([0; 16])
}
