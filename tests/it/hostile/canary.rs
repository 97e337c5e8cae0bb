//! The quiet tenant: calls one verb at a steady pace all along, and knows how long each call took.

use serde_json::json;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tests::Client;

const PACE: Duration = Duration::from_millis(20);
/// The goal: beside an attack, the 99th percentile is under so many times what it is at rest.
const FACTOR_MAX: u32 = 3;
/// Below this nothing is judged: what a machine does that is busy with something else.
const FLOOR: Duration = Duration::from_millis(400);
/// Fewer calls than this tell nothing.
const CALLS_MIN: usize = 40;

/// The running canary.
pub(super) struct Canary {
    resting: Arc<AtomicBool>,
    ended: Arc<AtomicBool>,
    thread: JoinHandle<Pulse>,
}

impl Canary {
    /// Starts at rest.
    pub(super) fn start(client: Client) -> Self {
        let (resting, ended) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicBool::new(false)));
        let flags = (resting.clone(), ended.clone());
        let thread = std::thread::spawn(move || sing(&client, &flags.0, &flags.1));
        Self { resting, ended, thread }
    }

    /// Whether nobody attacks now.
    pub(super) fn rest(&self, resting: bool) {
        self.resting.store(resting, Ordering::Release);
    }

    pub(super) fn end(self) -> Pulse {
        self.ended.store(true, Ordering::Release);
        self.thread.join().expect("the canary sang to the end")
    }
}

fn sing(client: &Client, resting: &AtomicBool, ended: &AtomicBool) -> Pulse {
    let mut pulse = Pulse::default();
    while !ended.load(Ordering::Acquire) {
        let rested = resting.load(Ordering::Acquire);
        let begun = Instant::now();
        let n = pulse.calls();
        match client.try_post("/api/calm/work", &json!({"n": n})) {
            Ok(answer) if answer.status == 200 => {}
            Ok(answer) => pulse.failed.push(answer.text),
            Err(error) => pulse.failed.push(format!("{error:#}")),
        }
        // A call that an attack began beside is one beside an attack.
        let rested = rested && resting.load(Ordering::Acquire);
        if rested { &mut pulse.rest } else { &mut pulse.beside }.push(begun.elapsed());
        std::thread::sleep(PACE);
    }
    pulse
}

/// What the canary met.
#[derive(Debug, Default)]
pub(super) struct Pulse {
    rest: Vec<Duration>,
    beside: Vec<Duration>,
    failed: Vec<String>,
}

impl Pulse {
    pub(super) fn calls(&self) -> usize {
        self.rest.len() + self.beside.len()
    }

    /// Whether it met no harm; else what harm.
    pub(super) fn refute_harm(&self) -> Result<(), String> {
        if let Some(first) = self.failed.first() {
            return Err(format!("{} of its {} calls failed: {first}", self.failed.len(), self.calls()));
        }
        if self.rest.len().min(self.beside.len()) < CALLS_MIN && p99(&self.beside) < FLOOR {
            return Err(format!("too few calls to tell: {self}"));
        }
        let (rest, beside) = (p99(&self.rest), p99(&self.beside));
        if beside > (rest * FACTOR_MAX).max(FLOOR) {
            return Err(format!("its p99 is {beside:.0?} beside attacks and {rest:.0?} at rest"));
        }
        Ok(())
    }
}

impl fmt::Display for Pulse {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (rest, beside) = (p99(&self.rest), p99(&self.beside));
        let share = beside.as_secs_f64() / rest.as_secs_f64().max(1e-6);
        write!(
            out,
            "the quiet tenant made {} calls, {} failed; p99 {rest:.1?} at rest and {beside:.1?} beside attacks ({share:.1} times)",
            self.calls(),
            self.failed.len(),
        )
    }
}

fn p99(times: &[Duration]) -> Duration {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    sorted.get((sorted.len() * 99 / 100).min(sorted.len().saturating_sub(1))).copied().unwrap_or_default()
}
