//! All calls of a plugin: who calls which function, and which functions are handlers.
//!
//! Who calls whom depends on what parameters are, and that on who calls whom; so the calls are gone through in
//! rounds, until a round finds nothing new.

use super::eval::{Assumed, CallRef, Caller, Callers, Evaluator, LoopId, Via, assumptions, iterates, method_of};
use super::program::Modules;
use super::strings::Strings;
use super::summaries::{Outcome, Question, Step, assumed, functions, outcomes};
use super::value::{Closure, Func, Host, Value};
use oxc_ast::AstKind;
use oxc_ast::ast::Expression;
use oxc_syntax::node::NodeId;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// The most rounds; each goes one call deeper into functions that are handed on.
const ROUNDS_MAX: usize = 8;
/// The most items that loops are gone through for one registration.
const PICKS_MAX: usize = 256;

/// A call and what it calls.
#[derive(Clone)]
pub(crate) struct Site<'a> {
    pub(crate) at: CallRef<'a>,
    pub(crate) callee: Value<'a>,
    /// The outer calls for which it calls that.
    pub(crate) chain: Vec<Step<'a>>,
}

/// A registration of handlers.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Handler {
    /// `event`, `verb`, `job`, `record`, `outcome`, `attach`, `detach` or `capability`.
    pub(crate) kind: &'static str,
    /// Its topic or other name.
    pub(crate) name: Strings,
    /// The functions that are called.
    pub(crate) functions: BTreeSet<Func>,
}

impl Handler {
    /// The handler as facts name it, such as `event:gl.journal.posted`.
    pub(crate) fn label(&self) -> String {
        format!("{}:{}", self.kind, shown(&self.name))
    }
}

/// What may be known of a text, in one line.
pub(crate) fn shown(text: &Strings) -> String {
    match text.to_topic() {
        crate::facts::TopicValue::Exact(set) => set.join("|"),
        crate::facts::TopicValue::Pattern(pattern) => pattern,
        crate::facts::TopicValue::Unknown(_) => "?".to_owned(),
    }
}

/// All calls of a plugin.
#[derive(Default)]
pub(crate) struct Index<'a> {
    pub(crate) sites: Vec<Site<'a>>,
    pub(crate) handlers: Vec<Handler>,
    /// The handlers that each function is.
    by_function: BTreeMap<Func, Vec<usize>>,
}

/// What one round finds.
#[derive(Default)]
struct Round<'a> {
    sites: Vec<Site<'a>>,
    callers: Callers<'a>,
    handlers: Vec<Handler>,
    registered: BTreeMap<Func, Vec<(usize, Vec<Assumed<'a>>)>>,
    /// The objects that handlers are bound to.
    receivers: BTreeMap<Func, Vec<Value<'a>>>,
}

/// What was found of a call.
#[derive(Default)]
struct Known<'a> {
    sites: Vec<Site<'a>>,
    /// The functions whose callers and handlers it depends on; none where no further round can find anything else.
    consulted: Option<Vec<Func>>,
}

impl Known<'_> {
    /// Whether it is still so after these functions turned out to have other callers or handlers.
    fn holds(&self, changed: &BTreeSet<Func>) -> bool {
        !self.sites.is_empty()
            && self.consulted.as_ref().is_none_or(|all| !all.iter().any(|func| changed.contains(func)))
    }
}

/// The keys under which two maps do not hold the same.
fn differing<'m, T: PartialEq>(
    new: &'m BTreeMap<Func, T>,
    old: &'m BTreeMap<Func, T>,
) -> impl Iterator<Item = Func> + 'm {
    let changed = new.iter().filter(|(func, value)| old.get(*func) != Some(*value)).map(|(func, _)| *func);
    changed.chain(old.keys().filter(|func| !new.contains_key(*func)).copied())
}

impl<'a> Index<'a> {
    /// Evaluates every callee and every registration of a handler, and tells the evaluator.
    pub(crate) fn build(modules: &Modules<'a>, evaluator: &mut Evaluator<'_, 'a>) -> Self {
        let calls = all_calls(modules);
        let mut known: Vec<Known<'a>> = Vec::new();
        known.resize_with(calls.len(), Known::default);
        let mut changed = BTreeSet::new();
        let mut index = Self::default();
        for _ in 0..ROUNDS_MAX {
            let mut round = Round { sites: Vec::with_capacity(calls.len()), ..Round::default() };
            for (at, call) in calls.iter().enumerate() {
                if known[at].holds(&changed) {
                    known[at].sites.iter().for_each(|site| round.add(site.clone(), evaluator));
                } else {
                    known[at] = round.note_call(*call, evaluator);
                }
            }
            for at in 0..round.sites.len() {
                // What is not loaded registers nothing.
                if !modules.list[round.sites[at].at.module].dormant {
                    round.note_handler(at, evaluator);
                }
            }
            changed = round.changed(evaluator);
            evaluator.topics = round.handlers.iter().map(|one| one.name.clone()).collect();
            (evaluator.callers, evaluator.handlers) = (round.callers, round.registered);
            evaluator.receivers = round.receivers;
            (index.sites, index.handlers) = (round.sites, round.handlers);
            if changed.is_empty() {
                break;
            }
            evaluator.forget();
        }
        for (at, handler) in index.handlers.iter().enumerate() {
            for func in &handler.functions {
                index.by_function.entry(*func).or_default().push(at);
            }
        }
        index
    }

    /// The handlers, if any, that a function is.
    pub(crate) fn handlers_of(&self, func: Func) -> impl Iterator<Item = &Handler> {
        self.by_function.get(&func).into_iter().flatten().map(|at| &self.handlers[*at])
    }
}

impl<'a> Round<'a> {
    /// Finds what a call calls.
    fn note_call(&mut self, call: CallRef<'a>, evaluator: &mut Evaluator<'_, 'a>) -> Known<'a> {
        evaluator.take_consulted();
        let all = outcomes(evaluator, Question::Callee(call), &[]);
        let alone = all.len() == 1 && all[0].chain.is_empty() && evaluator.touched.is_empty();
        let settled = alone && is_definite(&all[0].value) && evaluator.touched_this.is_empty();
        let consulted = evaluator.take_consulted();
        let agree = all.iter().all(|one| one.value == all[0].value && one.via == all[0].via);
        let mut sites = Vec::new();
        for outcome in if agree { &all[..1] } else { &all[..] } {
            let Outcome { value, chain, via, .. } = outcome;
            // What does not depend on the outer calls holds for all of them.
            let chain = if agree { Vec::new() } else { chain.clone() };
            let site = Site { at: CallRef { via: *via, ..call }, callee: value.clone(), chain };
            self.add(site.clone(), evaluator);
            sites.push(site);
        }
        Known { sites, consulted: (!settled).then_some(consulted) }
    }

    /// The functions of which this round found other callers or handlers than were known.
    fn changed(&self, evaluator: &Evaluator<'_, 'a>) -> BTreeSet<Func> {
        let callers = differing(&self.callers, &evaluator.callers);
        let handlers = differing(&self.registered, &evaluator.handlers);
        let renamed = |at: usize| evaluator.topics.get(at) != self.handlers.get(at).map(|handler| &handler.name);
        let renamed = self.registered.iter().filter(|(_, all)| all.iter().any(|(at, _)| renamed(*at)));
        let receivers = differing(&self.receivers, &evaluator.receivers);
        callers.chain(handlers).chain(receivers).chain(renamed.map(|(func, _)| *func)).collect()
    }

    fn add(&mut self, site: Site<'a>, evaluator: &mut Evaluator<'_, 'a>) {
        self.note_callers(&site, evaluator);
        self.note_callbacks(&site, evaluator);
        if site.at.via != Via::New {
            self.sites.push(site);
        }
    }

    fn note_callers(&mut self, site: &Site<'a>, evaluator: &mut Evaluator<'_, 'a>) {
        let granted = assumed(&site.chain);
        for one in site.callee.closures() {
            self.add_caller(&one, site.at, &granted);
        }
        if site.at.via == Via::New || matches!(site.at.callee, Expression::Super(_)) {
            for (func, class) in evaluator.constructors(&site.callee) {
                // What is made is of the class that `new` names; `super(…)` is at work on what its caller makes.
                let env = class.ctx.clone();
                let this = (site.at.via == Via::New).then(|| Rc::new(Value::Class(class)));
                let one = Closure { func, env, this, bound: Rc::default() };
                self.add_caller(&one, site.at, &granted);
            }
        }
    }

    fn add_caller(&mut self, one: &Closure<'a>, call: CallRef<'a>, granted: &[Assumed<'a>]) {
        let assumed = assumptions(&one.env).into_iter().chain(granted.iter().cloned()).collect();
        let caller = Caller { call, this: one.this.clone(), bound: one.bound.clone(), assumed };
        // Calls come in order, so only the last ones can be the same.
        let callers = Rc::make_mut(self.callers.entry(one.func).or_default());
        if !callers.iter().rev().take_while(|old| old.call == call).any(|old| *old == caller) {
            callers.push(caller);
        }
    }

    /// Functions that a method of a list or a promise calls.
    fn note_callbacks(&mut self, site: &Site<'a>, evaluator: &mut Evaluator<'_, 'a>) {
        let Some((_, method)) = method_of(site.at.callee) else { return };
        let via = match method {
            "then" => Via::Then,
            _ if iterates(method) => Via::Each,
            _ => return,
        };
        if !site.callee.closures().is_empty()
            || site.callee.hosts().next().is_some_and(|host| matches!(host, Host::Method(..)))
        {
            return;
        }
        let call = CallRef { via, ..site.at };
        for (one, granted) in functions(evaluator, CallRef { via: Via::Plain, ..site.at }, 0, &site.chain) {
            self.add_caller(&one, call, &granted);
        }
    }

    fn note_handler(&mut self, at: usize, evaluator: &mut Evaluator<'_, 'a>) {
        let site = self.sites[at].clone();
        let methods: Vec<_> = site.callee.hosts().cloned().collect();
        for host in methods {
            let Host::Method(object, method) = host else { continue };
            if let Some(kind) = handler_kind(object, method) {
                self.register(kind, &site, evaluator);
            }
        }
    }

    fn register(&mut self, kind: &'static str, site: &Site<'a>, evaluator: &mut Evaluator<'_, 'a>) {
        let Some(last) = last_argument(site.at) else { return };
        if matches!(kind, "attach" | "detach") {
            let found = functions(evaluator, site.at, last, &site.chain);
            self.add_handler(kind, Strings::one(""), found);
            return;
        }
        for (outcome, picks) in named(kind, evaluator, site) {
            evaluator.pick_items(picks);
            let name = full_name(kind, site.at, &outcome, evaluator);
            let found = functions(evaluator, site.at, last, &outcome.chain);
            evaluator.pick_items(Vec::new());
            self.add_handler(kind, name, found);
        }
    }

    fn add_handler(&mut self, kind: &'static str, name: Strings, found: Vec<(Closure<'a>, Vec<Assumed<'a>>)>) {
        let functions: BTreeSet<Func> = found.iter().map(|(one, _)| one.func).collect();
        let at = self.handlers.len();
        for (one, assumed) in found {
            if let Some(this) = &one.this {
                let all = self.receivers.entry(one.func).or_default();
                if !all.contains(this) {
                    all.push((**this).clone());
                }
            }
            let entry = (at, assumed);
            let all = self.registered.entry(one.func).or_default();
            if !all.contains(&entry) {
                all.push(entry);
            }
        }
        self.handlers.push(Handler { kind, name, functions });
    }
}

/// The names of a registration: told apart by outer calls and, in loops over known items, item by item.
fn named<'a>(
    kind: &str,
    evaluator: &mut Evaluator<'_, 'a>,
    site: &Site<'a>,
) -> Vec<(Outcome<'a>, Vec<(LoopId, usize)>)> {
    let question = Question::Given(site.at, key_position(kind));
    let mut out: Vec<(Outcome<'a>, Vec<(LoopId, usize)>)> = Vec::new();
    for outcome in outcomes(evaluator, question, &site.chain) {
        let mut open: Vec<Vec<(LoopId, usize)>> = vec![Vec::new()];
        while let Some(picks) = open.pop() {
            evaluator.pick_items(picks.clone());
            let again = outcomes(evaluator, question, &outcome.chain);
            let inner = evaluator.loops.first().copied();
            evaluator.pick_items(Vec::new());
            match inner {
                Some((id, items)) if again.len() == 1 && out.len() + open.len() + items <= PICKS_MAX => {
                    open.extend((0..items).rev().map(|at| picks.iter().copied().chain([(id, at)]).collect()));
                }
                _ => out.extend(again.into_iter().map(|one| (one, picks.clone()))),
            }
        }
    }
    out
}

/// The place of the last argument of a call, which is the handler.
pub(crate) fn last_argument(call: CallRef<'_>) -> Option<usize> {
    let last = call.arguments.len().checked_sub(1)?;
    match call.via {
        Via::Call | Via::Reflect => last.checked_sub(1),
        _ => Some(last),
    }
}

/// The argument that tells registrations of a kind apart.
pub(crate) fn key_position(kind: &str) -> usize {
    match kind {
        "verb" => 1,
        "record" => 2,
        _ => 0,
    }
}

fn full_name<'a>(kind: &str, call: CallRef<'a>, key: &Outcome<'a>, evaluator: &mut Evaluator<'_, 'a>) -> Strings {
    evaluator.assume(assumed(&key.chain));
    let mut parts: Vec<Strings> =
        (0..key_position(kind)).map(|at| evaluator.ask_given(call, at).as_strings()).collect();
    evaluator.assume(Vec::new());
    parts.push(key.value.as_strings());
    let joined = parts.into_iter().reduce(|name, next| name.concat(&Strings::one(" ")).concat(&next));
    joined.unwrap_or_else(Strings::any)
}

/// Whether a callee is known for good: not by what handlers or callers give.
fn is_definite(value: &Value<'_>) -> bool {
    value.parts().iter().all(|part| match part {
        Value::Functions(set) => set.iter().all(|one| one.this.is_none()),
        Value::Host(Host::Method(..) | Host::Object(_)) | Value::Class(_) => true,
        Value::Unknown(why) => why.starts_with("the global") || why.starts_with("a new `"),
        _ => false,
    })
}

/// What kind of handler a method of the host registers.
fn handler_kind(object: &str, method: &str) -> Option<&'static str> {
    Some(match (object, method) {
        ("app", "onEvent") => "event",
        ("app", "routerAdd") => "verb",
        ("app", "onRecord") => "record",
        ("app", "onOutcome") => "outcome",
        ("app", "onAttach") => "attach",
        ("app", "onDetach") => "detach",
        ("app", "provide") => "capability",
        ("jobs", "register" | "cron") => "job",
        _ => return None,
    })
}

fn all_calls<'a>(modules: &Modules<'a>) -> Vec<CallRef<'a>> {
    let mut out = Vec::new();
    for (module, one) in modules.list.iter().enumerate() {
        for node in one.semantic.iter().flat_map(|semantic| semantic.nodes().iter()) {
            match node.kind() {
                AstKind::CallExpression(call) => out.push(CallRef::of_call(module, call)),
                AstKind::NewExpression(new) => out.push(CallRef::of_new(module, new)),
                _ => {}
            }
        }
    }
    out
}

/// The node of a call.
pub(crate) fn node_of(call: CallRef<'_>) -> NodeId {
    call.node
}
