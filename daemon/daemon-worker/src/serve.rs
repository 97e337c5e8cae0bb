//! The life of a worker: load, then runs until the parent closes the connection.

use crate::confine::{ConfineError, confine_early, confine_late};
use crate::engine::Engine;
use crate::fault::fault;
use crate::link::Link;
use crate::stopwatch::Stopwatch;
use contract_model::limits::WORKER_STACK_BYTES;
use contract_model::{ErrorCode, plugin_limit};
use daemon_frame::{Budget, Done, Ended, Failure, FaultKind, FrameError, FromWorker, Item, Load, Run, ToWorker, Usage};
use std::collections::VecDeque;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::rc::Rc;

/// Exit code of a worker whose parent broke the protocol or vanished in the middle of a call.
pub const EXIT_PROTOCOL: u8 = 70;
/// Exit code of a worker that could not be confined; it has run no plugin code.
pub const EXIT_CONFINE: u8 = 77;

/// Serves one plugin over `stream`, confined: the body of the hidden command `worker`.
///
/// Ends with success when the parent closes the connection between calls.
pub fn main(stream: UnixStream) -> ExitCode {
    // What a panic says goes to the parent as a failure; standard error may be a file, which is closed to workers.
    std::panic::set_hook(Box::new(|_| {}));
    if confine_early().is_err() {
        return ExitCode::from(EXIT_CONFINE);
    }
    on_own_stack(stream, confine_late)
}

/// The stream that the parent gave as standard input, for [`main`].
pub fn stream_on_stdin() -> std::io::Result<UnixStream> {
    std::io::stdin().as_fd().try_clone_to_owned().map(UnixStream::from)
}

/// Serves one plugin over `stream` without confining the process, as tests do in a thread.
pub fn serve(stream: UnixStream) -> ExitCode {
    on_own_stack(stream, |_| Ok(()))
}

fn on_own_stack(stream: UnixStream, confine: fn(&Budget) -> Result<(), ConfineError>) -> ExitCode {
    let stack = usize::try_from(WORKER_STACK_BYTES).unwrap_or(usize::MAX);
    let thread = std::thread::Builder::new().name("javascript".to_owned()).stack_size(stack);
    let code = thread.spawn(move || work(stream, confine)).map(std::thread::JoinHandle::join);
    ExitCode::from(match code {
        Ok(Ok(code)) => code,
        _ => EXIT_PROTOCOL,
    })
}

fn work(stream: UnixStream, confine: fn(&Budget) -> Result<(), ConfineError>) -> u8 {
    let Ok(link) = Link::new(stream).map(Rc::new) else { return EXIT_PROTOCOL };
    let load = match link.read() {
        Ok(ToWorker::Load(load)) => Rc::new(*load),
        Err(FrameError::Closed) => return 0,
        _ => return EXIT_PROTOCOL,
    };
    if let Err(error) = confine(&load.budget) {
        let failure = fault(FaultKind::Exception, ErrorCode::Internal, error.to_string());
        return if link.write(&FromWorker::LoadFailed(failure)).is_ok() { EXIT_CONFINE } else { EXIT_PROTOCOL };
    }
    let mut worker = match Worker::load(load, link.clone()) {
        Ok((worker, ready)) => match link.write(&ready) {
            Ok(()) => worker,
            Err(_) => return EXIT_PROTOCOL,
        },
        Err(failure) => return u8::from(link.write(&FromWorker::LoadFailed(*failure)).is_err()) * EXIT_PROTOCOL,
    };
    loop {
        match link.read() {
            Ok(ToWorker::Run(run)) => match worker.run(run) {
                Ok(()) => worker.collect_if_grown(),
                Err(code) => return code,
            },
            Err(FrameError::Closed) => return 0,
            _ => return EXIT_PROTOCOL,
        }
    }
}

struct Worker {
    load: Rc<Load>,
    link: Rc<Link>,
    engine: Engine,
    stopwatch: Stopwatch,
    collected_at: u64,
}

impl Worker {
    fn load(load: Rc<Load>, link: Rc<Link>) -> Result<(Self, FromWorker), Box<Failure>> {
        let (engine, registered) = start(&load, &link)?;
        let (stopwatch, collected_at) = (Stopwatch::start(), crate::alloc::used());
        let worker = Self { load, link, engine, stopwatch, collected_at };
        Ok((worker, FromWorker::Ready(registered)))
    }

    /// Runs the items in order; the first that throws is the last.
    fn run(&mut self, run: Run) -> Result<(), u8> {
        let mut waiting = VecDeque::from(run.items);
        let mut lane = None;
        // What was computed between two runs belongs to no call.
        self.stopwatch.lap();
        for at in 0.. {
            let Some(next) = waiting.front() else { break };
            if at == 0 || next.lane.is_none() || next.lane != lane {
                lane = next.lane;
                self.begin_lane(at, waiting.make_contiguous())?;
            }
            let Some(item) = waiting.pop_front() else { break };
            let mut done = self.item(at, item)?;
            (done.usage.cpu_us, done.usage.cpu_total_us) = self.stopwatch.lap();
            if self.link.is_gone() {
                return Err(EXIT_PROTOCOL);
            }
            let threw = matches!(done.ended, Ended::Threw(_));
            self.answer(done)?;
            if threw {
                break;
            }
        }
        Ok(())
    }

    /// Begins the lane of the first of these items.
    fn begin_lane(&mut self, at: u32, waiting: &[Item]) -> Result<(), u8> {
        let lane = waiting.first().and_then(|item| item.lane);
        let length = waiting.iter().take_while(|item| lane.is_some() && item.lane == lane).count();
        let items = &waiting[..length];
        if catch_unwind(AssertUnwindSafe(|| self.engine.begin_lane(at, items))).is_err() {
            self.engine = start(&self.load, &self.link).map_err(|_| EXIT_PROTOCOL)?.0;
        }
        Ok(())
    }

    /// A panic of the engine is the plugin's fault: the call fails, and the next one gets a fresh realm, because
    /// this one may have been left in the middle of anything.
    fn item(&mut self, at: u32, item: Item) -> Result<Done, u8> {
        match catch_unwind(AssertUnwindSafe(|| self.engine.run(at, item))) {
            Ok(done) => Ok(done),
            Err(panic) => {
                let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
                let text = text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
                self.engine = start(&self.load, &self.link).map_err(|_| EXIT_PROTOCOL)?.0;
                Ok(threw(
                    at,
                    fault(FaultKind::Exception, ErrorCode::PluginError, format!("the engine panicked: {text}")),
                ))
            }
        }
    }

    fn answer(&self, done: Done) -> Result<(), u8> {
        let (at, usage) = (done.item, done.usage);
        let most = self.load.budget.bytes_out_max;
        let too_much = |bytes: u64| {
            let message = format!("the call's result has {bytes} bytes, at most {most} are allowed");
            let mut failure = fault(FaultKind::Limit, ErrorCode::Overloaded, message);
            failure.error.details = serde_json::json!({ "limit": plugin_limit::BYTES_OUT });
            Done { usage, ..threw(at, failure) }
        };
        match self.link.write_within(&FromWorker::Done(Box::new(done)), most) {
            Ok(()) => Ok(()),
            Err(FrameError::TooLong(bytes)) => {
                self.link.write(&FromWorker::Done(Box::new(too_much(bytes)))).map_err(|_| EXIT_PROTOCOL)
            }
            Err(_) => Err(EXIT_PROTOCOL),
        }
    }

    /// Collects between calls, where nobody waits, once the heap has grown enough. The engine's own collector
    /// would otherwise run in the middle of a call, and at ever larger heaps.
    fn collect_if_grown(&mut self) {
        const GROWN_BYTES: u64 = 8 * 1024 * 1024;
        if crate::alloc::used() > self.collected_at + GROWN_BYTES {
            boa_gc::force_collect();
            self.collected_at = crate::alloc::used();
        }
    }
}

/// Loads the plugin; a panic of the engine over its source is a failed load.
fn start(load: &Rc<Load>, link: &Rc<Link>) -> Result<(Engine, daemon_frame::Registered), Box<Failure>> {
    catch_unwind(AssertUnwindSafe(|| Engine::load(load, link.clone()))).unwrap_or_else(|_| {
        Err(Box::new(fault(
            FaultKind::Exception,
            ErrorCode::PluginInvalid,
            "the engine panicked over the plugin's source",
        )))
    })
}

fn threw(item: u32, failure: Failure) -> Done {
    Done {
        item,
        ended: Ended::Threw(failure),
        relied: Vec::new(),
        hooks: Vec::new(),
        logs: Vec::new(),
        logs_dropped: 0,
        usage: Usage::default(),
    }
}
