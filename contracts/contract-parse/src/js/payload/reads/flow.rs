//! From names to their uses.

use super::track::{Part, Track};
use crate::js::payload::code::{Call, Code, Target};
use crate::js::payload::infer::Inference;
use crate::js::program::Sym;
use crate::js::value::Func;
use contract_model::shape::{Form, Numeric};
use oxc_ast::AstKind;
use oxc_ast::ast::{Expression, ForStatementLeft};
use oxc_span::{GetSpan, Span};
use oxc_syntax::node::NodeId;
use oxc_syntax::operator::{BinaryOperator, LogicalOperator, UnaryOperator};
use std::collections::BTreeSet;

/// A path that is read.
pub(crate) struct Read {
    pub(crate) handler: usize,
    pub(crate) path: Vec<String>,
    pub(crate) module: usize,
    pub(crate) node: NodeId,
    pub(crate) span: Span,
    /// Whether the code is ready for its absence.
    pub(crate) tolerant: bool,
    pub(crate) certain: bool,
    /// Whether only parts of it are used, which are reads of their own.
    pub(crate) through: bool,
}

/// A part of a payload that gets out of sight.
pub(crate) struct Lost {
    pub(crate) handler: usize,
    pub(crate) path: Vec<String>,
    pub(crate) module: usize,
    pub(crate) span: Span,
    pub(crate) why: &'static str,
}

/// A use under examination: the expression that holds the part, and where the part was last named.
#[derive(Clone, Copy)]
pub(super) struct Spot {
    pub(super) module: usize,
    pub(super) node: NodeId,
    pub(super) named: (NodeId, Span),
}

/// The walk over all uses.
pub(crate) struct Flow<'c, 'p, 'a> {
    pub(crate) code: &'c Code<'p, 'a>,
    pub(crate) reads: Vec<Read>,
    pub(crate) lost: Vec<Lost>,
    seen: BTreeSet<(Sym, Track)>,
    returned: BTreeSet<(Func, Track)>,
    /// Calls that hand a part of a payload to one of the plugin's own functions.
    given: BTreeSet<Given>,
    /// All such calls, where a walk before this one has found them.
    known: Option<BTreeSet<Given>>,
}

/// A function, the position of an argument, and the call that gives it.
type Given = (Func, usize, (usize, NodeId));

impl<'c, 'p, 'a> Flow<'c, 'p, 'a> {
    fn new(code: &'c Code<'p, 'a>) -> Self {
        Self {
            code,
            reads: Vec::new(),
            lost: Vec::new(),
            seen: BTreeSet::new(),
            returned: BTreeSet::new(),
            given: BTreeSet::new(),
            known: None,
        }
    }

    /// Follows all handlers of events. A first walk finds which calls hand payloads on, so that the second one knows
    /// functions that get other things too.
    pub(crate) fn all(code: &'c Code<'p, 'a>) -> Self {
        let mut first = Self::new(code);
        first.handlers();
        let mut second = Self { known: Some(first.given), ..Self::new(code) };
        second.handlers();
        second
    }

    fn handlers(&mut self) {
        for (at, handler) in self.code.handlers.iter().enumerate().filter(|(_, handler)| handler.kind == "event") {
            for func in &handler.functions {
                self.start(at, *func);
            }
        }
    }

    /// Follows the argument of a handler.
    fn start(&mut self, handler: usize, func: Func) {
        let event = Track { handler, part: Part::Event, certain: true, optional: false };
        self.give(func, 0, &event);
    }

    /// Hands something to a function as an argument.
    pub(super) fn give(&mut self, func: Func, position: usize, track: &Track) -> bool {
        let Some(params) = self.code.params(func) else { return false };
        match params.items.get(position) {
            Some(param) => {
                self.bind(func.0, &param.pattern, track, param.initializer.is_some());
                true
            }
            // `arguments` aside, what no parameter takes is not read.
            None => params.rest.is_none(),
        }
    }

    /// Follows a name.
    pub(super) fn follow(&mut self, symbol: Sym, track: &Track) {
        let track = track.clone().doubted(self.code.writes(symbol).is_empty());
        if !self.seen.insert((symbol, track.clone())) {
            return;
        }
        for (module, node, write) in self.code.references(symbol) {
            if !write {
                let named = (node, self.code.span(module, node));
                self.used(Spot { module, node, named }, &track);
            }
        }
    }

    /// What is done with an expression that holds something of the payload.
    pub(super) fn used(&mut self, spot: Spot, track: &Track) {
        let Some((inner, outer)) = self.code.user(spot.module, spot.node) else { return };
        let Some(nodes) = self.code.nodes(spot.module) else { return };
        let span = nodes.kind(inner).span();
        let next = Spot { node: outer, ..spot };
        match nodes.kind(outer) {
            AstKind::StaticMemberExpression(it) => {
                self.member(spot, outer, it.property.name.as_str(), it.optional, track);
            }
            AstKind::ComputedMemberExpression(it) if it.object.span() == span => {
                self.indexed(spot, outer, &it.expression, it.optional, track);
            }
            AstKind::VariableDeclarator(it) => self.bind_at(spot, &it.id, track),
            AstKind::AssignmentExpression(it) if it.right.span() == span => self.assigned(spot, it, track),
            AstKind::CallExpression(it) => self.argument(spot, Call { module: spot.module, it }, span, track),
            AstKind::ForOfStatement(it) if it.right.span() == span => match (&it.left, track.item()) {
                (ForStatementLeft::VariableDeclaration(declaration), Some(item)) => {
                    self.through(spot, track, false);
                    if let Some(one) = declaration.declarations.first() {
                        self.bind(spot.module, &one.id, &item, false);
                    }
                }
                _ => self.whole(spot, track, false),
            },
            AstKind::ReturnStatement(_) => self.given_back(spot, outer, track),
            AstKind::ArrowFunctionExpression(_) => self.given_back_by((spot.module, outer), spot, track),
            AstKind::ConditionalExpression(it) if it.test.span() != span => {
                self.used(next, &track.clone().doubted(false));
            }
            AstKind::LogicalExpression(it) => {
                let tested = it.left.span() == span;
                if tested && it.operator == LogicalOperator::And {
                    self.whole(spot, track, true);
                } else {
                    self.used_or_whole(spot, next, track, tested);
                }
            }
            AstKind::AwaitExpression(_) | AstKind::SequenceExpression(_) => self.used(next, track),
            AstKind::SpreadElement(_) => self.spread(spot, outer, track),
            // A field by itself is read; what a call gives back is dropped.
            AstKind::ExpressionStatement(_) if spot.node != spot.named.0 => {}
            AstKind::BinaryExpression(it) => self.whole(spot, track, is_tolerant(it.operator)),
            AstKind::UnaryExpression(it) => {
                let tolerant =
                    matches!(it.operator, UnaryOperator::Typeof | UnaryOperator::LogicalNot | UnaryOperator::Delete);
                self.whole(spot, track, tolerant);
            }
            AstKind::IfStatement(_) | AstKind::WhileStatement(_) | AstKind::ConditionalExpression(_) => {
                self.whole(spot, track, true);
            }
            _ => self.whole(spot, track, false),
        }
    }

    /// `a ?? b` and the like hand the part on; the read itself is ready for its absence.
    fn used_or_whole(&mut self, spot: Spot, next: Spot, track: &Track, tolerant: bool) {
        if tolerant && track.path().is_some_and(|path| !path.is_empty()) {
            self.read(spot, track, true);
        }
        // What is handed on is read here already; only parts of it are further reads.
        let before = self.reads.len();
        self.used(next, &track.clone().doubted(false));
        if tolerant {
            let found = self.reads.split_off(before);
            self.reads.extend(found.into_iter().filter(|read| Some(read.path.as_slice()) != track.path()));
        }
    }

    fn member(&mut self, spot: Spot, node: NodeId, name: &str, optional: bool, track: &Track) {
        let Some(nodes) = self.code.nodes(spot.module) else { return };
        let member = Spot { node, named: (node, nodes.kind(node).span()), ..spot };
        let Some((inner, outer)) = self.code.user(spot.module, node) else { return };
        let span = nodes.kind(inner).span();
        match nodes.kind(outer) {
            AstKind::CallExpression(it) if it.callee.span() == span && track.part != Part::Event => {
                self.method(spot, Call { module: spot.module, it }, name, outer, optional, track);
                return;
            }
            AstKind::AssignmentExpression(it) if it.left.span() == span => {
                // A field that the handler writes itself is no longer the producer's.
                return;
            }
            _ => {}
        }
        if let Some(part) = track.field(name) {
            let written = self.is_written(spot.module, &part);
            self.used(member, &part.doubted(!written).optional(optional));
        }
    }

    /// Whether the handler's module writes a field of this name, whatever it is of.
    fn is_written(&self, module: usize, part: &Track) -> bool {
        part.path().and_then(<[String]>::last).is_some_and(|name| self.code.assigns(module, name))
    }

    fn indexed(&mut self, spot: Spot, node: NodeId, key: &'a Expression<'a>, _: bool, track: &Track) {
        let member = Spot { node, named: (node, self.code.span(spot.module, node)), ..spot };
        let key = Inference::new(self.code).ask(spot.module, key, &None);
        let part = match &key.form {
            Form::Text(Some(name)) => track.field(name),
            Form::Number(Numeric::Exact(number)) => track.field(&number.to_string()),
            _ if key.alternatives().iter().all(|one| matches!(one.form, Form::Number(_))) => track.item(),
            _ => {
                self.lose(spot, track, "it is read under a name that is known only when the plugin runs");
                track.item().map(|item| item.doubted(false))
            }
        };
        if let Some(part) = part {
            self.used(member, &part);
        }
    }

    /// It is an argument of a call.
    fn argument(&mut self, spot: Spot, call: Call<'a>, span: Span, track: &Track) {
        let arguments = &call.it.arguments;
        let Some(position) = arguments.iter().position(|one| one.span() == span) else {
            // It is what is called.
            return self.whole(spot, track, false);
        };
        let spread = arguments.iter().take(position).any(oxc_ast::ast::Argument::is_spread);
        let own: Vec<Func> = self
            .code
            .targets(call)
            .iter()
            .filter_map(|target| if let Target::Own(func) = target { Some(*func) } else { None })
            .collect();
        if own.is_empty() || spread {
            return self.passed(spot, call, track);
        }
        for func in own {
            let only = self.gets_only_payloads(func, position);
            if !only {
                // In there it may be something else. Here it is read, and whether its absence matters is said there.
                self.through(spot, track, true);
            }
            let track = &track.clone().doubted(only);
            self.given.insert((func, position, (call.module, call.it.node_id.get())));
            if !self.give(func, position, track) {
                self.whole(spot, track, false);
            }
        }
    }

    /// Whether every known call of a function hands it a part of a payload.
    fn gets_only_payloads(&self, func: Func, position: usize) -> bool {
        let Some(known) = &self.known else { return true };
        if self.code.is_called_otherwise(func) {
            return false;
        }
        let calls = self.code.callers(func).iter();
        calls.map(|call| (func, position, (call.module, call.it.node_id.get()))).all(|call| known.contains(&call))
    }

    /// It crosses to code that is not the plugin's.
    fn passed(&mut self, spot: Spot, call: Call<'a>, track: &Track) {
        if track.part == Part::Event {
            // The host takes no events, so it is code that cannot be followed.
            if self.code.targets(call).is_empty() {
                let payload = Track { part: Part::Value(Vec::new()), ..track.clone() };
                self.lose(spot, &payload, "the event is passed to code that is not followed");
            }
            return;
        }
        self.whole(spot, track, false);
    }

    /// All of it is used, or it goes where it is not followed.
    pub(super) fn whole(&mut self, spot: Spot, track: &Track, tolerant: bool) {
        match track.path() {
            Some([]) => {
                if !tolerant {
                    self.lose(spot, track, "the payload is used as a whole");
                }
            }
            Some(_) => self.read(spot, track, tolerant),
            None if tolerant => {}
            None => {
                let payload = Track { part: Part::Value(Vec::new()), ..track.clone() };
                self.lose(spot, &payload, "the event is kept or passed on");
            }
        }
    }

    pub(super) fn read(&mut self, spot: Spot, track: &Track, tolerant: bool) {
        let Some(path) = track.path() else { return };
        let (node, span) = spot.named;
        self.reads.push(Read {
            handler: track.handler,
            path: path.to_vec(),
            module: spot.module,
            node,
            span,
            tolerant: tolerant || track.optional,
            certain: track.certain,
            through: false,
        });
    }

    /// It is only gone through, on the way to its parts.
    pub(super) fn through(&mut self, spot: Spot, track: &Track, tolerant: bool) {
        if let Part::Value(path) = &track.part
            && !path.is_empty()
        {
            self.read(spot, track, tolerant);
            self.reads.last_mut().into_iter().for_each(|read| read.through = true);
        }
    }

    pub(super) fn lose(&mut self, spot: Spot, track: &Track, why: &'static str) {
        let path = track.path().unwrap_or_default().to_vec();
        self.lost.push(Lost { handler: track.handler, path, module: spot.module, span: spot.named.1, why });
    }

    fn given_back(&mut self, spot: Spot, statement: NodeId, track: &Track) {
        if let Some(func) = self.code.enclosing(spot.module, statement) {
            self.given_back_by(func, spot, track);
        }
    }

    /// What a function returns is what its calls are; a callback's result is what its method makes of it.
    fn given_back_by(&mut self, func: Func, spot: Spot, track: &Track) {
        if !self.returned.insert((func, track.clone())) {
            return;
        }
        if self.code.handled.contains_key(&func) {
            return self.whole(spot, track, false);
        }
        if self.collected(func, spot, track) {
            return;
        }
        let calls = self.code.callers(func).to_vec();
        if calls.is_empty() {
            return self.whole(spot, track, false);
        }
        let certain = self.code.returns(func).len() == 1;
        for call in calls {
            let node = call.it.node_id.get();
            let named = if call.module == spot.module { spot.named } else { (node, call.it.span) };
            self.used(Spot { module: call.module, node, named }, &track.clone().doubted(certain));
        }
    }
}

/// Whether a comparison is what one writes to see whether something is there.
fn is_tolerant(operator: BinaryOperator) -> bool {
    operator.is_equality() || operator == BinaryOperator::In
}
