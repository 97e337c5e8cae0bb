//! Which calls answer a handler's event, and which functions may come to one.

use crate::js::payload::code::{Call, Code, Target};
use crate::js::payload::infer::{Frames, Inference};
use crate::js::program::Sym;
use crate::js::value::Func;
use contract_model::shape::Form;
use oxc_ast::AstKind;
use oxc_ast::ast::{Argument, Expression};
use oxc_syntax::node::NodeId;
use std::collections::BTreeSet;

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
    pub(super) fn new(code: &'c Code<'p, 'a>, handler: usize, replies: Option<BTreeSet<String>>) -> Self {
        let sharing = code.handlers[handler].sharing.iter().copied().collect();
        let mut new = Self { code, sharing, replies, may: BTreeSet::new(), events: BTreeSet::new() };
        new.find_events(handler);
        new.find_functions();
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
    fn find_functions(&mut self) {
        let mut open: Vec<(usize, NodeId)> = self
            .code
            .calls()
            .filter(|call| self.may_answer_here(*call))
            .map(|call| (call.module, call.it.node_id.get()))
            .collect();
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

    fn may_answer_here(&self, call: Call<'a>) -> bool {
        self.code.targets(call).iter().any(|target| match target {
            Target::Event(handler, method) => self.is_reply(*handler, method),
            Target::Host("realtime", "publish") => self.publishes(call, &None),
            _ => false,
        }) || self.gets_away(call)
    }

    fn is_reply(&self, handler: usize, method: &str) -> bool {
        self.sharing.contains(&handler) && matches!(method, "reply" | "reject")
    }

    /// Whether a call that the checker cannot follow gets the event itself.
    fn gets_away(&self, call: Call<'a>) -> bool {
        self.code.targets(call).is_empty()
            && call.it.arguments.iter().filter_map(Argument::as_expression).any(|one| self.is_event(call.module, one))
    }

    fn is_event(&self, module: usize, expression: &Expression<'a>) -> bool {
        let name = expression.get_inner_expression().get_identifier_reference();
        name.and_then(|name| self.code.symbol(module, name)).is_some_and(|symbol| self.events.contains(&symbol))
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
            Target::Event(handler, method) => self.is_reply(*handler, method),
            Target::Host("realtime", "publish") => self.publishes(call, frames),
            _ => false,
        }) || self.gets_away(call)
    }

    /// Whether a function may come to an answer.
    pub(super) fn may(&self, func: Func) -> bool {
        self.may.contains(&func)
    }
}
