//! As many cases as time allows, on all cores.

use super::hold::hold;
use super::{Case, Corpus};
use std::any::Any;
use std::num::NonZero;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The stack of a worker thread of the checker: what its parser may nest is judged with this much.
const STACK_BYTES: usize = 2 << 20;
/// The longest that one case may take, on a machine that has other work, too. They take some milliseconds.
const CASE_MAX: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(50);

/// How much to do.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Where cases begin.
    pub seed: u64,
    /// How long.
    pub time: Duration,
    /// The most cases.
    pub cases: u64,
}

/// A case that went wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Its number under the plan's seed.
    pub number: u64,
    /// What went wrong.
    pub why: String,
}

/// What came out.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Cases that were judged.
    pub cases: u64,
    /// Those that went wrong, by number.
    pub faults: Vec<Fault>,
}

/// Judges cases until the time is over. A case that does not end is given up with the run: its thread cannot be
/// stopped, so the caller should end the process after it has told of it.
#[must_use]
pub fn run(corpus: &'static Corpus, plan: Plan) -> Outcome {
    let shared: &'static Shared = Box::leak(Box::new(Shared::new(plan)));
    let end = Instant::now() + plan.time;
    let threads: Vec<_> = (0..shared.busy.len())
        .map(|thread| {
            let work = move || shared.work(corpus, plan, thread, end);
            std::thread::Builder::new().stack_size(STACK_BYTES).spawn(work).expect("a thread")
        })
        .collect();
    while !threads.iter().all(std::thread::JoinHandle::is_finished) {
        if let Some(number) = shared.stuck() {
            shared.fault(number, format!("has not ended after {} s", CASE_MAX.as_secs()));
            break;
        }
        std::thread::sleep(LOOK);
    }
    let mut faults = shared.faults.lock().expect("no thread panics with it").clone();
    faults.sort_by_key(|fault| fault.number);
    Outcome { cases: shared.done.load(Ordering::Relaxed), faults }
}

/// Judges one case, whatever happens.
pub fn one(corpus: &Corpus, seed: u64, number: u64) -> Result<(), String> {
    let case = Case::make(corpus, seed, number);
    catch_unwind(AssertUnwindSafe(|| hold(corpus, &case)))
        .unwrap_or_else(|cause| Err(format!("panics: {}", text(&*cause))))
}

fn text(cause: &(dyn Any + Send)) -> String {
    let text = cause.downcast_ref::<String>().cloned();
    text.or_else(|| cause.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
}

/// What the threads share.
struct Shared {
    next: AtomicU64,
    done: AtomicU64,
    given_up: AtomicBool,
    faults: Mutex<Vec<Fault>>,
    /// What each thread is at, and since when.
    busy: Vec<Mutex<Option<(u64, Instant)>>>,
}

impl Shared {
    fn new(plan: Plan) -> Self {
        let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
        let threads = threads.min(usize::try_from(plan.cases).unwrap_or(usize::MAX)).max(1);
        Self {
            next: AtomicU64::new(0),
            done: AtomicU64::new(0),
            given_up: AtomicBool::new(false),
            faults: Mutex::default(),
            busy: (0..threads).map(|_| Mutex::default()).collect(),
        }
    }

    fn work(&self, corpus: &Corpus, plan: Plan, thread: usize, end: Instant) {
        while Instant::now() < end && !self.given_up.load(Ordering::Relaxed) {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            if number >= plan.cases {
                return;
            }
            *self.busy[thread].lock().expect("a thread's own") = Some((number, Instant::now()));
            if let Err(why) = one(corpus, plan.seed, number) {
                self.fault(number, why);
            }
            *self.busy[thread].lock().expect("a thread's own") = None;
            self.done.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn fault(&self, number: u64, why: String) {
        self.faults.lock().expect("no thread panics with it").push(Fault { number, why });
    }

    /// A case that takes too long.
    fn stuck(&self) -> Option<u64> {
        let busy = self.busy.iter().filter_map(|one| *one.lock().expect("a thread's own"));
        let stuck = busy.into_iter().find(|(_, since)| since.elapsed() > CASE_MAX).map(|(number, _)| number);
        self.given_up.fetch_or(stuck.is_some(), Ordering::Relaxed);
        stuck
    }
}
