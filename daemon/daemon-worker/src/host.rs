//! What the bindings of one worker share: the plugin's facts, its handlers, and the call that runs.

use crate::called::{self, misuse};
use crate::entropy::Entropy;
use crate::link::Link;
use crate::refusal::{Halt, met, refusal};
use crate::runtime::{Jobs, load_entropy};
use crate::schemas::Schemas;
use crate::unit::{Answers, Memory, Unit};
use boa_engine::{Context, JsObject, JsResult, JsValue};
use contract_model::collection::Collection;
use contract_model::{ErrorCode, Permission, TopicPattern, plugin_limit};
use daemon_frame::{AppError, Ask, Asked, Body, Foreseen, HeaderLines, Load, LogLine, Position, Registered, listed};
use std::cell::{Cell, OnceCell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

/// The state behind `$app`.
pub(crate) struct Host {
    pub(crate) load: Rc<Load>,
    pub(crate) link: Rc<Link>,
    collections: HashMap<String, Rc<Collection>>,
    consumes: Vec<TopicPattern>,
    publishes: Vec<TopicPattern>,
    granted: Vec<Permission>,
    loading: Cell<bool>,
    /// How many lines the modules have logged meanwhile.
    said: Cell<u64>,
    load_entropy: RefCell<Entropy>,
    pub(crate) registered: RefCell<Registered>,
    pub(crate) handlers: RefCell<Handlers>,
    pub(crate) objects: OnceCell<Objects>,
    call: RefCell<Option<Call>>,
    pub(crate) jobs: Rc<Jobs>,
    /// What the lane knows whose items run right now.
    pub(crate) memory: RefCell<Option<Memory>>,
    /// Record hooks that run within one another right now.
    pub(crate) hook_depth: Cell<u64>,
    /// Whether the host is told which hook runs.
    pub(crate) tells_hooks: Cell<bool>,
    /// Payload schemas, each compiled when its topic is first published.
    pub(crate) schemas: Schemas,
}

/// Handlers in the order of their registration.
#[derive(Default)]
pub(crate) struct Handlers {
    pub(crate) routes: Vec<Handler>,
    pub(crate) subscriptions: Vec<Handler>,
    pub(crate) jobs: Vec<JsObject>,
    pub(crate) outcomes: Vec<JsObject>,
    pub(crate) tests: Vec<JsObject>,
    pub(crate) hooks: Vec<JsObject>,
    /// By capability, then by method.
    pub(crate) provides: Vec<Vec<JsObject>>,
    pub(crate) attaches: Vec<JsObject>,
    pub(crate) detaches: Vec<JsObject>,
}

/// A route's or a subscription's functions.
#[derive(Clone)]
pub(crate) struct Handler {
    pub(crate) run: JsObject,
    /// Says which records `run` will want.
    pub(crate) prefetch: Option<JsObject>,
}

/// Objects of the realm that bindings need at hand.
pub(crate) struct Objects {
    pub(crate) app_error: JsObject,
    pub(crate) app_error_prototype: JsObject,
    pub(crate) verb_prototype: JsObject,
    pub(crate) event_prototype: JsObject,
    pub(crate) dao: JsObject,
    pub(crate) realtime: JsObject,
    pub(crate) capability_prototype: JsObject,
    pub(crate) answer_prototype: JsObject,
}

/// The handler call that runs now.
pub(crate) struct Call {
    pub(crate) context: daemon_frame::Context,
    pub(crate) entropy: Entropy,
    pub(crate) unit: Unit,
    /// Record hooks that have run, by their places among those registered.
    pub(crate) hooks: Vec<u16>,
    pub(crate) logs: Vec<LogLine>,
    pub(crate) logs_dropped: u64,
    pub(crate) asks: u32,
    /// A record that came with the call, until it is asked for.
    pub(crate) foreseen: Option<Foreseen>,
    /// Records that it was given to read.
    pub(crate) records_read: u64,
    /// Refusals for want of a permission.
    pub(crate) denied: u32,
    /// The capability whose method it runs, which may change nothing.
    pub(crate) provides: Option<String>,
    /// The place of the verb that it answers, where that is declared to read only.
    pub(crate) reads_only: Option<u32>,
    /// Header lines of a verb's request.
    pub(crate) headers: HeaderLines,
    /// Topic of the event that is handled.
    pub(crate) topic: Option<String>,
    /// Set by `e.setStatus` and `e.json`; 0 leaves it to the host.
    pub(crate) status: u16,
    /// Set by `e.json`, `e.text` and `e.outcome`.
    pub(crate) body: Option<Body>,
    /// Where it was answered, and by which function; for a verb's answer and for a reply.
    pub(crate) answered: Option<(&'static str, Option<Position>)>,
    /// The `e` that its handler was given.
    pub(crate) argument: Option<JsObject>,
}

impl Host {
    pub(crate) fn new(load: Rc<Load>, link: Rc<Link>, jobs: Rc<Jobs>) -> Self {
        let patterns = |texts: &[String]| texts.iter().filter_map(|text| TopicPattern::new(text).ok()).collect();
        Self {
            collections: load.collections.iter().map(|one| (one.name.clone(), Rc::new(one.clone()))).collect(),
            consumes: patterns(&load.consumes),
            publishes: patterns(&load.publishes_patterns),
            granted: load.granted.iter().filter_map(|text| Permission::parse(text).ok()).collect(),
            load,
            link,
            loading: Cell::new(true),
            said: Cell::new(0),
            load_entropy: RefCell::new(load_entropy()),
            registered: RefCell::default(),
            handlers: RefCell::default(),
            objects: OnceCell::new(),
            call: RefCell::new(None),
            jobs,
            memory: RefCell::new(None),
            hook_depth: Cell::new(0),
            tells_hooks: Cell::new(false),
            schemas: Schemas::default(),
        }
    }

    /// The `AppError` class, once the prelude has run.
    pub(crate) fn app_error(&self) -> Option<JsObject> {
        self.objects.get().map(|objects| objects.app_error.clone())
    }

    pub(crate) fn app_error_prototype(&self) -> Option<JsObject> {
        self.objects.get().map(|objects| objects.app_error_prototype.clone())
    }

    /// Whether the entry module still runs, so that handlers may be registered.
    pub(crate) fn is_loading(&self) -> bool {
        self.loading.get()
    }

    pub(crate) fn loaded(&self) {
        self.loading.set(false);
    }

    /// A collection of this plugin.
    pub(crate) fn own_collection(&self, name: &str) -> Option<Rc<Collection>> {
        self.collections.get(name).cloned()
    }

    pub(crate) fn may_consume(&self, topic: &TopicPattern) -> bool {
        self.consumes.iter().any(|pattern| pattern.covers(topic))
    }

    pub(crate) fn may_publish(&self, topic: &str) -> bool {
        self.load.publishes.contains_key(topic) || self.publishes.iter().any(|pattern| pattern.matches(topic))
    }

    /// Refuses what the manifest's permissions do not allow, and counts it. In a method of a capability it refuses
    /// everything: what a call needs a permission for while a handler runs, changes something.
    pub(crate) fn demand(&self, permission: &Permission, what: &str) -> Result<(), AppError> {
        if !self.granted.contains(permission) {
            let message = format!(
                "plugin {} may not {what}: its plugin.yaml does not list `{permission}` under `permissions`",
                self.load.slug
            );
            return Err(self.denied(ErrorCode::PermissionDenied, message));
        }
        self.refuse_in_a_method(what)?;
        self.refuse_to_a_reader(what)
    }

    /// Refuses what is not for verbs that are declared to read only.
    fn refuse_to_a_reader(&self, what: &str) -> Result<(), AppError> {
        let Some(place) = self.call.borrow().as_ref().and_then(|call| call.reads_only) else { return Ok(()) };
        let registered = self.registered.borrow();
        let route = registered.routes.get(place as usize).map(|route| format!("{} {}", route.method, route.path));
        let route = route.unwrap_or_default();
        let message = format!("{route} is declared `readOnly` and may not {what}: take that option away");
        Err(refusal(ErrorCode::PermissionDenied, message))
    }

    /// Refuses what is not for methods of capabilities.
    pub(crate) fn refuse_in_a_method(&self, what: &str) -> Result<(), AppError> {
        match self.call.borrow().as_ref().and_then(|call| call.provides.as_ref()) {
            Some(capability) => {
                let message = format!(
                    "a method of the capability {capability} may not {what}: it only reads, on its caller's snapshot; \
                     answer with what is to be done, or offer a request topic"
                );
                Err(refusal(ErrorCode::CapabilityReadOnly, message))
            }
            None => Ok(()),
        }
    }

    /// The names of the plugin's collections, for whoever has named another.
    pub(crate) fn own_collections(&self) -> String {
        listed(&self.load.collections.iter().map(|collection| collection.name.as_str()).collect())
    }

    /// The refusal of what the manifest does not ask for, counted for the running call.
    pub(crate) fn denied(&self, code: ErrorCode, message: String) -> AppError {
        if let Some(call) = self.call.borrow_mut().as_mut() {
            call.denied += 1;
        }
        refusal(code, message)
    }

    pub(crate) fn begin_call(&self, context: daemon_frame::Context, headers: HeaderLines, topic: Option<String>) {
        self.hook_depth.set(0);
        self.tells_hooks.set(false);
        *self.call.borrow_mut() = Some(Call {
            entropy: Entropy::new(context.entropy),
            context,
            unit: Unit::new(self.load.budget, self.memory.borrow().clone()),
            hooks: Vec::new(),
            logs: Vec::new(),
            logs_dropped: 0,
            asks: 0,
            foreseen: None,
            records_read: 0,
            denied: 0,
            provides: None,
            reads_only: None,
            headers,
            topic,
            status: 0,
            body: None,
            answered: None,
            argument: None,
        });
    }

    /// The running call answers this route, which may change nothing if it is declared so.
    pub(crate) fn hold_to_route(&self, route: u32) {
        let registered = self.registered.borrow();
        let reads_only =
            registered.routes.get(route as usize).is_some_and(|route| route.options.read_only == Some(true));
        if let Some(call) = self.call.borrow_mut().as_mut() {
            call.reads_only = reads_only.then_some(route);
        }
    }

    /// This record came with the running call.
    pub(crate) fn foresee(&self, foreseen: Option<Foreseen>) {
        if let (Some(_), Some(call)) = (&foreseen, self.call.borrow_mut().as_mut()) {
            call.foreseen = foreseen;
        }
    }

    /// The handler of the running call is given this.
    pub(crate) fn give(&self, argument: &JsValue) {
        if let Some(call) = self.call.borrow_mut().as_mut() {
            call.argument = argument.as_object();
        }
    }

    /// Whether the handler of the running call was given this.
    pub(crate) fn was_given(&self, object: &JsObject) -> bool {
        let call = self.call.borrow();
        call.as_ref().and_then(|call| call.argument.as_ref()).is_some_and(|own| JsObject::equals(own, object))
    }

    /// These record hooks run within the running call.
    pub(crate) fn note_hooks(&self, places: impl Iterator<Item = u16>) {
        if let Some(call) = self.call.borrow_mut().as_mut() {
            call.hooks.extend(places);
            call.hooks.sort_unstable();
            call.hooks.dedup();
        }
    }

    /// Tells the parent a line that the modules log while they load, unless that is one too many.
    pub(crate) fn say(&self, line: LogLine) {
        let (said, most) = (self.said.get(), self.load.budget.log_lines_max);
        self.said.set(said + 1);
        if said < most {
            self.link.say(line);
        } else if said == most {
            let message = format!("the modules log more than {most} lines while they load; the rest is dropped");
            self.link.say(LogLine { level: "warn".to_owned(), message, fields: serde_json::Value::Null });
        }
    }

    /// Adds a line to what the running call logs.
    pub(crate) fn note(&self, line: Option<LogLine>) {
        if let (Some(line), Some(call)) = (line, self.call.borrow_mut().as_mut()) {
            call.logs.push(line);
        }
    }

    /// Ends the call. The caller decides whether its unit comes to anything.
    pub(crate) fn end_call(&self) -> Option<Call> {
        self.call.borrow_mut().take()
    }

    /// The running call, or an exception while the modules load.
    pub(crate) fn with_call<T>(&self, what: &str, work: impl FnOnce(&mut Call) -> T) -> JsResult<T> {
        let mut call = self.call.borrow_mut();
        let call = call.as_mut().ok_or_else(|| {
            let what = called::running().map_or_else(|| what.to_owned(), |function| function.to_string());
            misuse(format!("{what} is only there inside a handler, not while the modules load or in prefetch"))
        })?;
        Ok(work(call))
    }

    /// Works on the unit of the running call.
    pub(crate) fn with_unit<T>(
        &self,
        what: &str,
        work: impl FnOnce(&mut Unit, &mut Asker<'_>) -> Result<T, Halt>,
    ) -> JsResult<Result<T, Halt>> {
        self.with_call(what, |call| {
            let Call { context, entropy, unit, asks, foreseen, records_read, .. } = call;
            let (records_max, now_ms) = (self.load.budget.records_read_max, context.now_ms);
            let mut asker = Asker { link: &self.link, entropy, asks, foreseen, records_read, records_max, now_ms };
            work(unit, &mut asker)
        })
    }

    /// The next number for `Math.random`.
    pub(crate) fn random(&self) -> f64 {
        match self.call.borrow_mut().as_mut() {
            Some(call) => call.entropy.fraction(),
            None => self.load_entropy.borrow_mut().fraction(),
        }
    }
}

/// Answers a unit's questions over the link.
pub(crate) struct Asker<'a> {
    link: &'a Link,
    entropy: &'a mut Entropy,
    asks: &'a mut u32,
    foreseen: &'a mut Option<Foreseen>,
    records_read: &'a mut u64,
    records_max: u64,
    now_ms: u64,
}

impl Answers for Asker<'_> {
    fn ask(&mut self, ask: Ask) -> Result<Asked, Halt> {
        let asked = if let Some(asked) = self.brought(&ask) {
            asked
        } else {
            *self.asks += 1;
            self.link.ask(ask)?
        };
        *self.records_read += records(&asked);
        if *self.records_read > self.records_max {
            let message = format!("one call may read at most {} records", self.records_max);
            return Err(met(plugin_limit::RECORDS_READ, message));
        }
        Ok(asked)
    }

    fn unfit(&mut self) -> Halt {
        self.link.lost()
    }

    fn new_id(&mut self) -> String {
        self.entropy.id(self.now_ms)
    }

    fn now_ms(&self) -> u64 {
        self.now_ms
    }
}

impl Asker<'_> {
    /// The answer to a question, where it came with the call.
    fn brought(&mut self, ask: &Ask) -> Option<Asked> {
        let (collection, id) = match ask {
            Ask::Get { collection, id } => (collection, id),
            Ask::GetAcross { wanted } => match wanted.as_slice() {
                [(collection, ids)] if ids.len() == 1 => (collection, &ids[0]),
                _ => return None,
            },
            _ => return None,
        };
        let Foreseen { record, .. } = self.foreseen.take_if(|one| one.collection == *collection && one.id == *id)?;
        Some(if matches!(ask, Ask::Get { .. }) { Asked::Record(record) } else { Asked::Records(vec![record]) })
    }
}

/// How many records an answer brings.
fn records(asked: &Asked) -> u64 {
    match asked {
        Asked::Record(record) => u64::from(record.is_some()),
        Asked::Records(records) => records.iter().flatten().count() as u64,
        Asked::Page { items, .. } => items.len() as u64,
        _ => 0,
    }
}

/// The host of a context. Every context of a worker has one from its first moment.
pub(crate) fn host(context: &Context) -> Rc<Host> {
    #[expect(clippy::expect_used, reason = "the engine inserts it before any code can run")]
    context.get_data::<Rc<Host>>().cloned().expect("a worker's context has a host")
}

#[cfg(test)]
pub(crate) mod tests {
    use daemon_frame::{Budget, Load};
    use std::collections::BTreeMap;

    /// A plugin without anything.
    pub(crate) fn empty_load() -> Load {
        Load {
            slug: "ap".to_owned(),
            version: "1.0.0".to_owned(),
            entry: "main.js".to_owned(),
            modules: Vec::new(),
            collections: Vec::new(),
            consumes: Vec::new(),
            publishes: BTreeMap::new(),
            publishes_patterns: Vec::new(),
            promised_publishes: None,
            promised_consumes: None,
            replies: BTreeMap::new(),
            provides: Vec::new(),
            uses: Vec::new(),
            granted: ["records:own", "events:publish", "events:subscribe", "jobs"].map(str::to_owned).to_vec(),
            config: serde_json::Value::Null,
            license: daemon_frame::License::default(),
            rehearses: false,
            budget: Budget {
                memory_bytes_max: 64 << 20,
                recursion_max: 200,
                events_max: 10,
                records_max: 10,
                records_read_max: 100,
                bytes_out_max: 1 << 20,
                log_lines_max: 10,
                wall_ms_max: 5_000,
                cpu_ms_max: 5_000,
            },
        }
    }
}
