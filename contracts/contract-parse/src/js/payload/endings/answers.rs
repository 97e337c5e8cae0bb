//! Which calls answer a handler's event, and which functions may come to one.

use crate::js::payload::code::{Call, Code, Target};
use crate::js::payload::infer::{Frames, Inference};
use crate::js::program::Sym;
use crate::js::value::Func;
use contract_model::shape::Form;
use oxc_ast::AstKind;
use oxc_ast::ast::{Argument, Expression};
use oxc_syntax::node::NodeId;
use std::collections::{BTreeMap, BTreeSet};

/// The calls that may be answers, by what would make them one; found once for all handlers.
#[derive(Default)]
pub(super) struct Candidates<'a> {
    /// `e.reply` and `e.reject`, by the handler whose event it is.
    replying: BTreeMap<usize, Vec<Call<'a>>>,
    publishing: Vec<Call<'a>>,
    /// Calls that the checker cannot follow, by the names that they are given.
    unfollowed: BTreeMap<Sym, Vec<Call<'a>>>,
}

impl<'a> Candidates<'a> {
    pub(super) fn of(code: &Code<'_, 'a>) -> Self {
        let mut found = Self::default();
        for call in code.calls() {
            found.add(code, call);
        }
        found
    }

    fn add(&mut self, code: &Code<'_, 'a>, call: Call<'a>) {
        let targets = code.targets(call);
        for target in targets {
            match target {
                Target::Event(handler, method) if is_reply(method) => {
                    self.replying.entry(*handler).or_default().push(call);
                }
                Target::Host("realtime", "publish") => self.publishing.push(call),
                _ => {}
            }
        }
        if targets.is_empty() {
            for symbol in
                call.it.arguments.iter().filter_map(Argument::as_expression).filter_map(|one| named(code, call, one))
            {
                self.unfollowed.entry(symbol).or_default().push(call);
            }
        }
    }
}

/// The name that an argument of a call is, where it is nothing else.
fn named<'a>(code: &Code<'_, 'a>, call: Call<'a>, argument: &Expression<'a>) -> Option<Sym> {
    code.symbol(call.module, argument.get_inner_expression().get_identifier_reference()?)
}

fn is_reply(method: &str) -> bool {
    matches!(method, "reply" | "reject")
}

/// What answers the event of one handler.
pub(super) struct Answering<'c, 'p, 'a> {
    code: &'c Code<'p, 'a>,
    /// Handlers that share functions with it.
    sharing: BTreeSet<usize>,
    /// The topics whose publication answers; none where the contract is not known here.
    replies: Option<BTreeSet<String>>,
    /// Functions in which, or in what they call, an answer may be given.
    may: BTreeSet<Func>,
    /// Names that hold the event.
    events: BTreeSet<Sym>,
}

impl<'c, 'p, 'a> Answering<'c, 'p, 'a> {
    pub(super) fn new(
        code: &'c Code<'p, 'a>,
        candidates: &Candidates<'a>,
        handler: usize,
        replies: Option<BTreeSet<String>>,
    ) -> Self {
        let sharing = code.handlers[handler].sharing.iter().copied().collect();
        let mut new = Self { code, sharing, replies, may: BTreeSet::new(), events: BTreeSet::new() };
        new.find_events(handler);
        new.find_functions(candidates);
        new
    }

    /// The handler's argument under all its names.
    fn find_events(&mut self, handler: usize) {
        let mut open: Vec<Sym> =
            self.code.handlers[handler].functions.iter().filter_map(|func| self.param(*func, 0)).collect();
        while let Some(symbol) = open.pop() {
            if !self.events.insert(symbol) {
                continue;
            }
            for (at, node, _) in self.code.references(symbol) {
                let Some((inner, outer)) = self.code.user(at, node) else { continue };
                let Some(nodes) = self.code.nodes(at) else { continue };
                match nodes.kind(outer) {
                    AstKind::CallExpression(it) => {
                        let span = self.code.span(at, inner);
                        let position = it.arguments.iter().position(|one| oxc_span::GetSpan::span(one) == span);
                        for target in self.code.targets(Call { module: at, it }) {
                            if let (Target::Own(func), Some(position)) = (target, position) {
                                open.extend(self.param(*func, position));
                            }
                        }
                    }
                    AstKind::VariableDeclarator(it) => open.extend(Code::bound(at, &it.id)),
                    _ => {}
                }
            }
        }
    }

    fn param(&self, func: Func, position: usize) -> Option<Sym> {
        Code::bound(func.0, &self.code.params(func)?.items.get(position)?.pattern)
    }

    /// Everything around a call that may answer, and everything that calls it.
    fn find_functions(&mut self, candidates: &Candidates<'a>) {
        let replying = self.sharing.iter().filter_map(|handler| candidates.replying.get(handler)).flatten();
        let publishing = candidates.publishing.iter().filter(|call| self.publishes(**call, &None));
        let unfollowed = self.events.iter().filter_map(|symbol| candidates.unfollowed.get(symbol)).flatten();
        let answers = replying.chain(publishing).chain(unfollowed);
        let mut open: Vec<(usize, NodeId)> = answers.map(|call| (call.module, call.it.node_id.get())).collect();
        while let Some((at, node)) = open.pop() {
            let Some(nodes) = self.code.nodes(at) else { continue };
            let around: Vec<NodeId> = nodes
                .ancestors(node)
                .filter(|one| crate::js::eval::is_function(one.kind()))
                .map(oxc_semantic::AstNode::id)
                .collect();
            for func in around {
                if self.may.insert((at, func)) {
                    open.extend(self.code.callers((at, func)).iter().map(|call| (call.module, call.it.node_id.get())));
                    // A named function may be handed to others as it is.
                    open.extend(self.handed(at, func));
                }
            }
        }
    }

    /// Places where a function is handed on by its name.
    fn handed(&self, at: usize, func: NodeId) -> Vec<(usize, NodeId)> {
        let symbol = self.code.nodes(at).and_then(|nodes| match nodes.kind(func) {
            AstKind::Function(it) => it.id.as_ref()?.symbol_id.get(),
            _ => match nodes.parent_kind(func) {
                AstKind::VariableDeclarator(it) => it.id.get_binding_identifier()?.symbol_id.get(),
                _ => None,
            },
        });
        let references = symbol.map(|symbol| self.code.references((at, symbol))).unwrap_or_default();
        references.into_iter().map(|(at, node, _)| (at, node)).collect()
    }

    /// Whether a call that the checker cannot follow gets the event itself.
    fn gets_away(&self, call: Call<'a>) -> bool {
        let mut names = call.it.arguments.iter().filter_map(Argument::as_expression);
        self.code.targets(call).is_empty()
            && names.any(|one| named(self.code, call, one).is_some_and(|symbol| self.events.contains(&symbol)))
    }

    /// Whether a publishing call answers; one whose topic is not known is taken to.
    fn publishes(&self, call: Call<'a>, frames: &Frames<'a>) -> bool {
        let Some(replies) = &self.replies else { return true };
        let Some(topic) = call.it.arguments.first().and_then(Argument::as_expression) else { return false };
        let topic = Inference::new(self.code).ask(call.module, topic, frames);
        topic.alternatives().iter().any(|one| match &one.form {
            Form::Text(Some(name)) => replies.contains(name),
            _ => true,
        })
    }

    /// Whether a call answers as it stands.
    pub(super) fn answers(&self, call: Call<'a>, frames: &Frames<'a>) -> bool {
        self.code.targets(call).iter().any(|target| match target {
            Target::Event(handler, method) => self.sharing.contains(handler) && is_reply(method),
            Target::Host("realtime", "publish") => self.publishes(call, frames),
            _ => false,
        }) || self.gets_away(call)
    }

    /// Whether a function may come to an answer.
    pub(super) fn may(&self, func: Func) -> bool {
        self.may.contains(&func)
    }
}
