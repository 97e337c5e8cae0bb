//! From calls of the host to facts.

use super::comments::topics_before;
use super::context::{guard, within};
use super::eval::{CallRef, Ctx, Evaluator};
use super::index::{Handler, Index, Site, node_of};
use super::reach::Reach;
use super::reads;
use super::strings::Strings;
use super::summaries::{Outcome, functions, outcomes};
use super::value::{Func, Host, Value};
use crate::facts::{Fact, FactKind, Provenance, TopicValue};
use contract_model::span::{Location, Span};
use oxc_ast::AstKind;
use oxc_ast::ast::Argument;
use oxc_span::GetSpan;
use oxc_syntax::node::NodeId;
use std::collections::{BTreeMap, BTreeSet};

/// Everything that extraction looks at.
pub(super) struct Extractor<'x, 'p, 'a> {
    pub(super) evaluator: &'x mut Evaluator<'p, 'a>,
    pub(super) index: &'x Index<'a>,
    pub(super) reach: &'x Reach,
    facts: Vec<Fact>,
}

/// All facts of a plugin, sorted by place.
pub(crate) fn facts<'a>(evaluator: &mut Evaluator<'_, 'a>, index: &Index<'a>, reach: &Reach) -> Vec<Fact> {
    let mut extractor = Extractor { evaluator, index, reach, facts: Vec::new() };
    for site in &index.sites {
        extractor.site(site);
    }
    let reads = reads::facts(&mut extractor);
    let mut facts = extractor.facts;
    facts.extend(reads);
    facts.sort_by(|a, b| (&a.location, a.kind, &a.topic).cmp(&(&b.location, b.kind, &b.topic)));
    facts.dedup();
    facts
}

impl<'a> Extractor<'_, '_, 'a> {
    fn site(&mut self, site: &Site<'a>) {
        let call = site.at;
        match &site.callee {
            Value::Host(Host::Method(object, method)) => match (*object, *method) {
                ("realtime", "publish") => self.topic_call(FactKind::Publish, call),
                ("app", "onEvent") => self.topic_call(FactKind::Subscribe, call),
                ("app", "request") => self.topic_call(FactKind::Request, call),
                ("app", "routerAdd") => self.plain(FactKind::Verb, call, &["method", "path"], None),
                ("app", "onRecord") => self.plain(FactKind::Record, call, &["when", "operation", "collection"], None),
                ("app", "provide" | "capability") => self.plain(FactKind::Capability, call, &["name"], Some(method)),
                ("jobs", _) => self.plain(FactKind::Job, call, &["name"], Some(method)),
                _ => {}
            },
            Value::Host(Host::EventMethod(handler, method)) if matches!(method.as_str(), "reply" | "reject") => {
                self.reply(call, *handler, method);
            }
            _ => {}
        }
    }

    fn topic_call(&mut self, kind: FactKind, call: CallRef<'a>) {
        let Some(topic) = call.call.arguments.first().and_then(Argument::as_expression) else { return };
        let written = topics_before(self.evaluator.module(call.module), call.call.span.start);
        if let Some(written) = written {
            let value = self.evaluator.ask(call.module, topic, &None).as_strings();
            self.annotated(kind, call, call, topic.span().end, &written, &value);
            return;
        }
        for outcome in outcomes(self.evaluator, &self.index.callers, call.module, topic) {
            self.outcome(kind, call, topic.span().end, &outcome);
        }
    }

    fn outcome(&mut self, kind: FactKind, inner: CallRef<'a>, topic_end: u32, outcome: &Outcome<'a>) {
        let (at, end) = match outcome.chain.last() {
            None => (inner, topic_end),
            Some(step) => {
                let argument = step.call.call.arguments.get(step.argument);
                (step.call, argument.map_or(step.call.call.span.end, |argument| argument.span().end))
            }
        };
        let value = outcome.value.as_strings();
        if !outcome.chain.is_empty()
            && let Some(written) = topics_before(self.evaluator.module(at.module), at.call.span.start)
        {
            self.annotated(kind, inner, at, end, &written, &value);
            return;
        }
        let evidence = self.evidence(outcome);
        for topic in topics(&outcome.value) {
            let mut fact = self.fact(kind, at.module, node_of(at), span_to(at, end));
            fact.guard = guard(self.evaluator, self.index, at);
            fact.topic = Some(topic);
            fact.evidence.clone_from(&evidence);
            fact.handler = self.handler(inner, &outcome.ctx());
            self.facts.push(fact);
        }
    }

    /// One fact for exact topics, one for each pattern.
    fn annotated(
        &mut self,
        kind: FactKind,
        inner: CallRef<'a>,
        at: CallRef<'a>,
        end: u32,
        written: &BTreeSet<String>,
        value: &Strings,
    ) {
        let (patterns, exact): (BTreeSet<_>, BTreeSet<_>) = written.iter().cloned().partition(|one| one.contains('*'));
        let all = (!exact.is_empty()).then_some(TopicValue::Exact(exact)).into_iter();
        for topic in all.chain(patterns.into_iter().map(TopicValue::Pattern)) {
            let mut fact = self.fact(kind, at.module, node_of(at), span_to(at, end));
            fact.guard = guard(self.evaluator, self.index, at);
            fact.topic = Some(topic);
            fact.provenance = Provenance::Annotated;
            fact.handler = self.handler(inner, &None);
            fact.proved = proved(value);
            fact.evidence = vec!["the author's @topics".to_owned()];
            self.facts.push(fact);
        }
    }

    fn plain(&mut self, kind: FactKind, call: CallRef<'a>, names: &[&str], api: Option<&str>) {
        let end = call.call.arguments.first().map_or(call.call.span.end, |argument| argument.span().end);
        let mut fact = self.fact(kind, call.module, node_of(call), span_to(call, end));
        fact.guard = guard(self.evaluator, self.index, call);
        fact.handler = self.handler(call, &None);
        for (at, name) in names.iter().enumerate() {
            if let Some(expression) = call.call.arguments.get(at).and_then(Argument::as_expression) {
                let value = self.evaluator.ask(call.module, expression, &None).as_strings();
                fact.detail.insert((*name).to_owned(), shown_text(&value));
            }
        }
        if let Some(api) = api {
            fact.detail.insert("api".to_owned(), api.to_owned());
        }
        self.facts.push(fact);
    }

    fn reply(&mut self, call: CallRef<'a>, handler: usize, method: &str) {
        let end = call.call.arguments.first().map_or(call.call.span.end, |argument| argument.span().end);
        let index = self.index;
        let handlers = index.sharing(handler).filter(|one| one.kind == "event");
        for topic in handlers.flat_map(handler_topics) {
            let mut fact = self.fact(FactKind::Reply, call.module, node_of(call), span_to(call, end));
            fact.guard = guard(self.evaluator, self.index, call);
            fact.topic = Some(topic);
            fact.detail.insert("outcome".to_owned(), if method == "reply" { "ok" } else { "error" }.to_owned());
            self.facts.push(fact);
        }
    }

    /// A fact without topic at a node.
    pub(super) fn fact(&self, kind: FactKind, module: usize, node: NodeId, span: Span) -> Fact {
        let one = self.evaluator.module(module);
        Fact {
            kind,
            topic: None,
            location: Location::of(&one.file, one.text, span),
            provenance: Provenance::Extracted,
            reachable: Some(self.reach.reachable(module, node)),
            guard: crate::facts::Guard::None,
            conditions: Vec::new(),
            handler: None,
            handler_code: None,
            options: BTreeMap::new(),
            late: None,
            result: crate::facts::ResultUse::default(),
            within: within(self.evaluator, self.index, self.reach, module, node),
            detail: BTreeMap::new(),
            proved: None,
            evidence: Vec::new(),
        }
    }

    /// The name of the handler given to a call: its `name` option, else its function's.
    fn handler(&mut self, call: CallRef<'a>, ctx: &Ctx<'a>) -> Option<String> {
        let arguments = &call.call.arguments;
        for argument in arguments.iter().skip(1).filter_map(Argument::as_expression) {
            if let Value::Object(options) = self.evaluator.ask(call.module, argument, ctx)
                && let Some(Value::Text(name)) = options.fields.get("name")
            {
                return name.single().map(str::to_owned);
            }
        }
        let last = arguments.last().and_then(Argument::as_expression)?;
        let set = functions(self.evaluator, &self.index.callers, call.module, last, ctx);
        let names: BTreeSet<String> = set.into_iter().filter_map(|func| self.function_name(func)).collect();
        if names.len() == 1 { names.into_iter().next() } else { None }
    }

    /// A function's name as JavaScript gives it: its own, its variable's or its property's.
    fn function_name(&self, (module, node): Func) -> Option<String> {
        let nodes = self.evaluator.module(module).semantic.as_ref()?.nodes();
        if let AstKind::Function(it) = nodes.kind(node)
            && let Some(id) = &it.id
        {
            return Some(id.name.to_string());
        }
        match nodes.parent_kind(node) {
            AstKind::VariableDeclarator(it) => it.id.get_binding_identifier().map(|id| id.name.to_string()),
            AstKind::ObjectProperty(it) => it.key.static_name().map(|name| name.to_string()),
            AstKind::MethodDefinition(it) => it.key.static_name().map(|name| name.to_string()),
            AstKind::PropertyDefinition(it) => it.key.static_name().map(|name| name.to_string()),
            AstKind::ExportDefaultDeclaration(_) => Some("default".to_owned()),
            _ => None,
        }
    }

    fn evidence(&self, outcome: &Outcome<'a>) -> Vec<String> {
        let steps = outcome.chain.iter().map(|step| {
            let module = self.evaluator.module(step.call.module);
            let span = step.call.call.span;
            let at = Location::of(&module.file, module.text, Span { start: span.start, end: span.end });
            let name = self.function_name(step.func).unwrap_or_else(|| "a function".to_owned());
            format!("argument {} of `{name}` at {}:{}:{}", step.argument + 1, at.file, at.line, at.column)
        });
        let why = match &outcome.value {
            Value::Unknown(why) => Some(why.to_string()),
            _ => None,
        };
        steps.chain(why).collect()
    }
}

/// The places of a call that facts name: from its start to the end of an argument.
fn span_to(call: CallRef<'_>, end: u32) -> Span {
    Span { start: call.call.span.start, end }
}

/// A value as topics: wildcards that stand in the code are patterns of their own.
fn topics(value: &Value) -> Vec<TopicValue> {
    if let Value::Unknown(why) = value {
        return vec![TopicValue::Unknown(why.to_string())];
    }
    if let Value::Host(Host::Payload(..) | Host::EventMethod(..)) = value {
        return vec![TopicValue::Unknown("it comes from the event that is being handled".to_owned())];
    }
    match value.as_strings().to_topic() {
        TopicValue::Exact(set) => {
            let (patterns, exact): (BTreeSet<_>, BTreeSet<_>) = set.into_iter().partition(|one| one.contains('*'));
            let all = (!exact.is_empty()).then_some(TopicValue::Exact(exact)).into_iter();
            all.chain(patterns.into_iter().map(TopicValue::Pattern)).collect()
        }
        other => vec![other],
    }
}

/// What the code itself says of an annotated place; nothing where it says nothing.
fn proved(value: &Strings) -> Option<TopicValue> {
    Some(value.to_topic()).filter(|topic| !matches!(topic, TopicValue::Unknown(_)))
}

fn shown_text(value: &Strings) -> String {
    match value.exact() {
        Some(texts) => texts.iter().cloned().collect::<Vec<_>>().join("|"),
        None => "?".to_owned(),
    }
}

/// The topics of a handler of events.
pub(super) fn handler_topics(handler: &Handler) -> Vec<TopicValue> {
    topics(&Value::Text(handler.name.clone()))
}
