//! All calls of a plugin: who calls which function, and which functions are handlers.

use super::eval::{CallRef, Evaluator, ITERATORS, method_of};
use super::program::Modules;
use super::strings::Strings;
use super::summaries::{Callers, functions, outcomes};
use super::surface;
use super::value::{Func, Host, Value};
use oxc_ast::AstKind;
use oxc_ast::ast::{Argument, Expression};
use oxc_syntax::node::NodeId;
use std::collections::BTreeSet;

/// A call and what it calls.
pub(crate) struct Site<'a> {
    pub(crate) at: CallRef<'a>,
    pub(crate) callee: Value,
}

/// A registration of handlers.
#[derive(Debug, Clone)]
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
        crate::facts::TopicValue::Exact(set) => set.into_iter().collect::<Vec<_>>().join("|"),
        crate::facts::TopicValue::Pattern(pattern) => pattern,
        crate::facts::TopicValue::Unknown(_) => "?".to_owned(),
    }
}

/// All calls of a plugin.
#[derive(Default)]
pub(crate) struct Index<'a> {
    pub(crate) sites: Vec<Site<'a>>,
    pub(crate) callers: Callers<'a>,
    pub(crate) handlers: Vec<Handler>,
}

impl<'a> Index<'a> {
    /// Evaluates every callee, then every registration of a handler, and tells the evaluator.
    pub(crate) fn build(modules: &Modules<'a>, evaluator: &mut Evaluator<'_, 'a>) -> Self {
        let mut index = Self::default();
        let calls = all_calls(modules);
        for call in &calls {
            Self::note_iteration(*call, evaluator);
        }
        evaluator.forget();
        for call in &calls {
            index.note_call(*call, evaluator);
        }
        index.note_handed_on(evaluator);
        for at in 0..index.sites.len() {
            index.note_handler(at, evaluator);
        }
        evaluator.forget();
        // Callees such as `e.reply` depend on the handlers that are known only now.
        index.sites.clear();
        index.callers.clear();
        for call in &calls {
            index.note_call(*call, evaluator);
        }
        index.note_handed_on(evaluator);
        index
    }

    /// Finds functions and host objects that are handed to the plugin's own functions, such as `setup($app)`
    /// and `safe((e) => …)`.
    fn note_handed_on(&mut self, evaluator: &mut Evaluator<'_, 'a>) {
        self.note_handed_functions(evaluator);
        let mut sites = Vec::new();
        for site in std::mem::take(&mut self.sites) {
            let handed = match (&site.callee, method_of(site.at.call)) {
                (Value::Unknown(_), Some((_, method))) if surface::is_method(method) => self.hosts(site.at, evaluator),
                _ => Vec::new(),
            };
            if handed.is_empty() {
                sites.push(site);
            } else {
                sites.extend(handed.into_iter().map(|callee| Site { at: site.at, callee }));
            }
        }
        self.sites = sites;
    }

    fn note_handed_functions(&mut self, evaluator: &mut Evaluator<'_, 'a>) {
        let mut found: Vec<(Func, CallRef<'a>)> = Vec::new();
        for site in &self.sites {
            let by_name = site.at.call.callee.get_identifier_reference().is_some();
            if !by_name || !matches!(site.callee, Value::Unknown(_)) {
                continue;
            }
            let call = site.at;
            let set = functions(evaluator, &self.callers, call.module, &call.call.callee, &None);
            found.extend(set.into_iter().map(|func| (func, call)));
        }
        for (func, call) in found {
            self.callers.entry(func).or_default().push(call);
        }
    }

    /// The host methods that a callee is over all outer calls, each once.
    fn hosts(&self, call: CallRef<'a>, evaluator: &mut Evaluator<'_, 'a>) -> Vec<Value> {
        let mut out: Vec<Value> = Vec::new();
        for outcome in outcomes(evaluator, &self.callers, call.module, &call.call.callee) {
            if matches!(outcome.value, Value::Host(_)) && !out.contains(&outcome.value) {
                out.push(outcome.value);
            }
        }
        out
    }

    fn note_iteration(call: CallRef<'a>, evaluator: &mut Evaluator<'_, 'a>) {
        let iterates = method_of(call.call).is_some_and(|(_, method)| ITERATORS.contains(&method));
        let Some(argument) = call.call.arguments.first().and_then(Argument::as_expression).filter(|_| iterates) else {
            return;
        };
        if let Value::Functions(set) = evaluator.ask(call.module, argument, &None) {
            for func in set {
                evaluator.iterations.entry(func).or_default().push(call);
            }
        }
    }

    fn note_call(&mut self, call: CallRef<'a>, evaluator: &mut Evaluator<'_, 'a>) {
        let callee = evaluator.ask(call.module, &call.call.callee, &None);
        if let Value::Functions(set) = &callee {
            for func in set {
                self.callers.entry(*func).or_default().push(call);
            }
        }
        self.sites.push(Site { at: call, callee });
    }

    fn note_handler(&mut self, at: usize, evaluator: &mut Evaluator<'_, 'a>) {
        let Site { at: call, callee: Value::Host(Host::Method(object, method)) } = &self.sites[at] else { return };
        let call = *call;
        let Some(kind) = handler_kind(object, method) else { return };
        let Some(last) = call.call.arguments.last().and_then(Argument::as_expression) else { return };
        let name = call.call.arguments.first().and_then(Argument::as_expression);
        let named = match (kind, name) {
            ("attach" | "detach", _) | (_, None) => Vec::new(),
            (_, Some(name)) => outcomes(evaluator, &self.callers, call.module, name),
        };
        let mut found: Vec<(Strings, BTreeSet<Func>)> = Vec::new();
        for outcome in &named {
            let name = Self::full_name(kind, call, &outcome.value, evaluator);
            found.push((name, self.handler_functions(call, last, &outcome.ctx(), evaluator)));
        }
        if named.is_empty() {
            found.push((Strings::one(""), self.handler_functions(call, last, &None, evaluator)));
        }
        for (name, functions) in found {
            for func in &functions {
                evaluator.handlers.entry(*func).or_insert(self.handlers.len());
            }
            evaluator.topics.push(name.clone());
            self.handlers.push(Handler { kind, name, functions });
        }
    }

    fn handler_functions(
        &self,
        call: CallRef<'a>,
        last: &'a Expression<'a>,
        ctx: &super::eval::Ctx<'a>,
        evaluator: &mut Evaluator<'_, 'a>,
    ) -> BTreeSet<Func> {
        match evaluator.ask(call.module, last, ctx) {
            // `$app.provide(name, {method: fn})` gives functions by name.
            Value::Object(shape) => {
                let functions = shape.fields.values().filter_map(|one| match one {
                    Value::Functions(set) => Some(set.clone()),
                    _ => None,
                });
                functions.flatten().collect()
            }
            _ => functions(evaluator, &self.callers, call.module, last, ctx),
        }
    }

    fn full_name(kind: &str, call: CallRef<'a>, first: &Value, evaluator: &mut Evaluator<'_, 'a>) -> Strings {
        let rest = match kind {
            "verb" => 1..2,
            "record" => 1..3,
            _ => 0..0,
        };
        rest.fold(first.as_strings(), |name, at| {
            let next = match call.call.arguments.get(at).and_then(Argument::as_expression) {
                Some(expression) => evaluator.ask(call.module, expression, &None).as_strings(),
                None => Strings::any(),
            };
            name.concat(&Strings::one(" ")).concat(&next)
        })
    }

    /// The handlers of the same kind that share a function with a handler, itself included: what is said of
    /// its argument holds for each of them.
    pub(crate) fn sharing(&self, handler: usize) -> impl Iterator<Item = &Handler> {
        let one = self.handlers.get(handler);
        self.handlers.iter().filter(move |other| {
            one.is_some_and(|one| other.kind == one.kind && !other.functions.is_disjoint(&one.functions))
        })
    }

    /// The handlers, if any, that a function is.
    pub(crate) fn handlers_of(&self, func: Func) -> impl Iterator<Item = &Handler> {
        self.handlers.iter().filter(move |handler| handler.functions.contains(&func))
    }
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
            if let AstKind::CallExpression(call) = node.kind() {
                out.push(CallRef { module, call });
            }
        }
    }
    out
}

/// The node of a call.
pub(crate) fn node_of(call: CallRef<'_>) -> NodeId {
    call.call.node_id.get()
}
