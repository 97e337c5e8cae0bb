//! One plugin in one boa context: load its modules, then run handler calls.

use crate::app::{
    changed, event_object, install, job_object, link_object, make_all, outcome_object, provided_object, verb_object,
};
use crate::fault::{failure, fault};
use crate::host::{Call as Active, Host};
use crate::kit;
use crate::link::Link;
use crate::modules::Modules;
use crate::prelude::{PRELUDE, PRELUDE_PATH};
use crate::runtime::{CallClock, Hooks, JOBS_MAX, Jobs, Wait};
use crate::stack;
use crate::value::{from_js, to_js};
use boa_engine::builtins::promise::PromiseState;
use boa_engine::object::builtins::JsPromise;
use boa_engine::{Context, JsError, JsObject, JsResult, JsValue, Source};
use contract_model::ErrorCode;
use daemon_frame::{
    Body, Call, ChangeRun, ChangedRun, Done, Ended, Failure, FaultKind, HeaderLines, Item, LinkRun, Load, LogLine,
    ProvidedCall, Registered, Response, Usage,
};
use serde_json::Value;
use std::collections::HashMap;
use std::path::Path;
use std::rc::Rc;
use std::time::Instant;

/// Values on the engine's own stack, enough for the deepest recursion allowed.
const STACK_VALUES_MAX: usize = 64 * 1024;
const BACKTRACE_MAX: usize = 50;

/// A loaded plugin.
pub(crate) struct Engine {
    pub(crate) context: Context,
    pub(crate) host: Rc<Host>,
    hooks: Rc<Hooks>,
    pub(crate) clock: Rc<CallClock>,
    jobs: Rc<Jobs>,
    /// What was made for items while their lane was read ahead, by their place in the run.
    pub(crate) ahead: HashMap<u32, Ahead>,
}

/// What was made for an item before it runs.
#[derive(Default)]
pub(crate) struct Ahead {
    /// The handler's argument, which `prefetch` was given.
    pub(crate) argument: Option<JsValue>,
    /// What is to be told of a `prefetch` that threw. The handler runs all the same: it reads for itself.
    pub(crate) complaint: Option<LogLine>,
}

impl Engine {
    /// Evaluates the entry module in a fresh realm.
    pub(crate) fn load(load: &Rc<Load>, link: Rc<Link>) -> Result<(Self, Registered), Box<Failure>> {
        let sources = load.modules.iter().map(|module| (module.path.clone(), module.source.clone()));
        let modules = Rc::new(Modules::new(sources));
        let mut engine = Self::build(load.clone(), link, modules.clone())
            .map_err(|error| fault(FaultKind::Exception, ErrorCode::Internal, error.to_string()))?;
        match engine.evaluate(&modules, &load.entry) {
            Ok(()) => {
                engine.host.loaded();
                let registered = engine.host.registered.borrow().clone();
                Ok((engine, registered))
            }
            Err(mut failure) => {
                failure.position = modules.syntax_error().or(failure.position);
                Err(failure)
            }
        }
    }

    fn build(load: Rc<Load>, link: Rc<Link>, modules: Rc<Modules>) -> JsResult<Self> {
        let (hooks, clock, jobs) = (Rc::<Hooks>::default(), Rc::<CallClock>::default(), Rc::<Jobs>::default());
        let mut context = Context::builder()
            .host_hooks(hooks.clone())
            .clock(clock.clone())
            .job_executor(jobs.clone())
            .module_loader(modules)
            .can_block(false)
            .build()?;
        let limits = context.runtime_limits_mut();
        limits.set_recursion_limit(usize::try_from(load.budget.recursion_max).unwrap_or(usize::MAX));
        limits.set_stack_size_limit(STACK_VALUES_MAX);
        limits.set_backtrace_limit(BACKTRACE_MAX);
        let host = Rc::new(Host::new(load, link, jobs.clone()));
        context.insert_data(host.clone());
        context.eval(Source::from_bytes(PRELUDE).with_path(Path::new(PRELUDE_PATH)))?;
        install(&host, &mut context)?;
        if host.load.rehearses {
            kit::install(&mut context)?;
        }
        Ok(Self { context, host, hooks, clock, jobs, ahead: HashMap::new() })
    }

    fn evaluate(&mut self, modules: &Modules, entry: &str) -> Result<(), Box<Failure>> {
        self.jobs.reset();
        let module = modules.module(entry, &mut self.context);
        let module = module.map_err(|error| self.failed(&error))?;
        let promise = module.load_link_evaluate(&mut self.context);
        self.settled(&promise, "the entry module's promise").map(|_| ())
    }

    /// Runs the handler of one item to its end. What it has computed is the caller's to tell.
    pub(crate) fn run(&mut self, at: u32, item: Item) -> Done {
        let started = Instant::now();
        self.clock.set(item.context.now_ms);
        self.jobs.reset();
        self.hooks.begin();
        let is_verb = matches!(item.call, Call::Verb(_));
        let answers = is_verb || matches!(item.call, Call::Change(_) | Call::Provided(_));
        let result = match item.call {
            Call::Provided(call) => self.provided(item.context, &call),
            Call::Link(run) => self.link(item.context, &run),
            Call::Change(run) => self.change(item.context, run),
            Call::Changed(run) => self.changed(item.context, &run),
            _ => self.call(at, item).and_then(|value| self.data(is_verb, &value)),
        };
        let mut usage = Usage { wall_us: micros(started), heap_bytes: crate::alloc::used(), ..Usage::default() };
        let Some(call) = self.host.end_call() else {
            let ended = Ended::Threw(fault(FaultKind::Exception, ErrorCode::Internal, "the call was lost"));
            let (relied, hooks, logs) = (Vec::new(), Vec::new(), Vec::new());
            return Done { item: at, ended, relied, hooks, logs, logs_dropped: 0, usage };
        };
        (usage.asks, usage.denied, usage.records_read) = (call.asks, call.denied, call.records_read);
        let Active { mut unit, hooks, logs, logs_dropped, status, body, .. } = call;
        let relied = unit.take_relied();
        let ended = match result {
            Ok(data) => {
                unit.teach();
                let response = answers.then(|| Response { status, body: body.unwrap_or(Body::Data(data)) });
                Ended::Returned { draft: unit.into_draft(), response }
            }
            Err(failure) => Ended::Threw(*failure),
        };
        Done { item: at, ended, relied, hooks, logs, logs_dropped, usage }
    }

    /// Changes that a client wants, with the hooks before them; gives the records.
    fn change(&mut self, call: daemon_frame::Context, run: ChangeRun) -> Result<Value, Box<Failure>> {
        self.host.begin_call(call, HeaderLines::default(), None);
        let records = make_all(run, &mut self.context).map_err(|error| self.failed(&error))?;
        self.run_jobs()?;
        self.refuse_unhandled()?;
        Ok(records)
    }

    /// The hooks that want to know of a change, one after another in one unit of work.
    fn changed(&mut self, call: daemon_frame::Context, run: &ChangedRun) -> Result<Value, Box<Failure>> {
        self.host.begin_call(call, HeaderLines::default(), None);
        let (handlers, argument) = changed(run, &mut self.context).map_err(|error| self.failed(&error))?;
        self.one_after_another(&handlers, &argument)
    }

    /// A method of a capability, with what it gives.
    fn provided(&mut self, call: daemon_frame::Context, run: &ProvidedCall) -> Result<Value, Box<Failure>> {
        let about = provided_object(run, &call, &mut self.context);
        self.host.begin_call(call, HeaderLines::default(), None);
        let name = self.host.registered.borrow().provides.get(run.capability as usize).map(|one| one.name.clone());
        self.host.with_call("a capability", |call| call.provides = name).map_err(|error| self.failed(&error))?;
        let method = {
            let handlers = self.host.handlers.borrow();
            handlers.provides.get(run.capability as usize).and_then(|all| all.get(run.method as usize)).cloned()
        };
        let method = method.ok_or_else(no_handler)?;
        let input = to_js(&run.input, &mut self.context);
        let given = self.settle(&method, &[input, about])?;
        from_js(&given, "the answer", &mut self.context).map_err(|error| self.failed(&error))
    }

    /// Functions that want to know of a provider, one after another in one unit of work.
    fn link(&mut self, call: daemon_frame::Context, run: &LinkRun) -> Result<Value, Box<Failure>> {
        let argument = link_object(run, &call, &mut self.context);
        self.host.begin_call(call, HeaderLines::default(), None);
        let handlers = {
            let all = self.host.handlers.borrow();
            if run.attaches { all.attaches.clone() } else { all.detaches.clone() }
        };
        let handlers: Vec<(u16, JsObject)> = (0..).zip(handlers).collect();
        self.one_after_another(&handlers, &argument)
    }

    /// Runs several functions, each with its place among those registered, and tells the host which of them runs: it
    /// would not know if the worker had to be killed.
    fn one_after_another(&mut self, handlers: &[(u16, JsObject)], argument: &JsValue) -> Result<Value, Box<Failure>> {
        for (place, handler) in handlers {
            if handlers.len() > 1 {
                self.host.link.tell(*place);
            }
            self.settle(handler, std::slice::from_ref(argument))?;
        }
        Ok(Value::Null)
    }

    fn call(&mut self, at: u32, item: Item) -> Result<JsValue, Box<Failure>> {
        let Item { context, call, .. } = item;
        let ahead = self.ahead.remove(&at).unwrap_or_default();
        let (handler, argument) = match call {
            Call::Verb(mut call) => {
                let handler = self.host.handlers.borrow().routes.get(call.route as usize).map(|one| one.run.clone());
                let made = ahead.argument.map(Ok);
                let argument = made.unwrap_or_else(|| verb_object(&call, &context.tenant, &mut self.context));
                self.host.begin_call(context, std::mem::take(&mut call.headers), None);
                self.host.hold_to_route(call.route);
                self.host.foresee(call.foreseen.take());
                (handler, argument)
            }
            Call::Event(event) => {
                let handlers = self.host.handlers.borrow();
                let handler = handlers.subscriptions.get(event.subscription as usize).map(|one| one.run.clone());
                drop(handlers);
                let made = ahead.argument.map(Ok);
                let argument = made.unwrap_or_else(|| event_object(&event, &context, &mut self.context));
                self.host.begin_call(context, HeaderLines::default(), Some(event.topic));
                (handler, argument)
            }
            Call::Outcome(run) => {
                let handler = self.host.handlers.borrow().outcomes.get(run.index as usize).cloned();
                let argument = outcome_object(&run, &context, &mut self.context);
                self.host.begin_call(context, HeaderLines::default(), None);
                (handler, Ok(argument))
            }
            Call::Job(job) => {
                let handler = self.host.handlers.borrow().jobs.get(job.job as usize).cloned();
                let argument = job_object(&job, &context, &mut self.context);
                self.host.begin_call(context, HeaderLines::default(), None);
                (handler, Ok(argument))
            }
            Call::Test(index) => {
                let handler = self.host.handlers.borrow().tests.get(index as usize).cloned();
                self.host.begin_call(context, HeaderLines::default(), None);
                (handler, Ok(JsValue::undefined()))
            }
            Call::Change(_) | Call::Changed(_) | Call::Provided(_) | Call::Link(_) => (None, Ok(JsValue::undefined())),
        };
        let handler = handler.ok_or_else(no_handler)?;
        self.host.note(ahead.complaint);
        let argument = argument.map_err(|error| self.failed(&error))?;
        self.host.give(&argument);
        self.settle(&handler, &[argument])
    }

    /// The data of a verb's answer. What an event's handler returns, or a verb's that has answered already, is
    /// nobody's business: `(e) => seen.add(e.id)` is a fine handler.
    fn data(&mut self, is_verb: bool, returned: &JsValue) -> Result<Value, Box<Failure>> {
        let answered = self.host.with_call("the answer", |call| call.body.is_some()).unwrap_or(false);
        if !is_verb || answered {
            return Ok(Value::Null);
        }
        from_js(returned, "the return value", &mut self.context).map_err(|error| self.failed(&error))
    }

    /// Calls the handler and runs its promise jobs until it has settled.
    fn settle(&mut self, handler: &JsObject, arguments: &[JsValue]) -> Result<JsValue, Box<Failure>> {
        let returned = handler.call(&JsValue::undefined(), arguments, &mut self.context);
        let returned = returned.map_err(|error| self.failed(&error))?;
        if let Some(promise) = returned.as_promise() {
            return self.settled(&promise, "the handler's promise");
        }
        self.run_jobs()?;
        self.refuse_unhandled()?;
        Ok(returned)
    }

    fn settled(&mut self, promise: &JsPromise, what: &str) -> Result<JsValue, Box<Failure>> {
        self.run_jobs()?;
        match promise.state() {
            PromiseState::Fulfilled(value) => {
                self.refuse_unhandled()?;
                Ok(value)
            }
            PromiseState::Rejected(reason) => {
                self.hooks.take_unhandled();
                Err(self.failed(&JsError::from_opaque(reason)))
            }
            PromiseState::Pending => {
                let wait = self.hooks.last_wait();
                Err(self.faulty_wait(wait.as_ref(), format!("{what} never settled")))
            }
        }
    }

    fn run_jobs(&mut self) -> Result<(), Box<Failure>> {
        let result = self.context.run_jobs();
        self.context.clear_kept_objects();
        if self.jobs.overran() {
            self.hooks.take_unhandled();
            let message = format!("more than {JOBS_MAX} promise jobs in one call");
            return Err(Box::new(fault(FaultKind::Limit, ErrorCode::PluginError, message)));
        }
        result.map_err(|error| self.failed(&error))?;
        if let Some(wait) = self.hooks.strayed() {
            let message = "a promise was settled that an earlier call waited for, and what was to follow belongs to that call, which has ended: a handler waits for whatever it begins and keeps no promise for the next one";
            return Err(self.faulty_wait(Some(&wait), message));
        }
        Ok(())
    }

    /// The fault of whoever waits in vain, at the place where that began.
    fn faulty_wait(&mut self, wait: Option<&Wait>, message: impl Into<String>) -> Box<Failure> {
        let mark = wait.and_then(|(_, mark)| mark.as_ref());
        let places = mark.map(|mark| stack::places(mark, &mut self.context)).unwrap_or_default();
        let failure = fault(FaultKind::Exception, ErrorCode::PluginError, message);
        Box::new(Failure { position: places.into_iter().next(), ..failure })
    }

    /// A promise that was rejected while nobody looked is an exception too: half of the work may be missing.
    fn refuse_unhandled(&mut self) -> Result<(), Box<Failure>> {
        for promise in self.hooks.take_unhandled() {
            if let Ok(promise) = JsPromise::from_object(promise.upcast())
                && let PromiseState::Rejected(reason) = promise.state()
            {
                return Err(self.failed(&JsError::from_opaque(reason)));
            }
        }
        Ok(())
    }

    pub(crate) fn failed(&mut self, error: &JsError) -> Box<Failure> {
        Box::new(failure(error, &mut self.context))
    }
}

fn no_handler() -> Box<Failure> {
    Box::new(fault(FaultKind::Exception, ErrorCode::Internal, "there is no handler at this position"))
}

fn micros(started: Instant) -> u64 {
    u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX)
}
