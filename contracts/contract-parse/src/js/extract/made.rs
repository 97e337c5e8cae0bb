//! A fact and what stands around its place.

use super::{Extractor, Place};
use crate::facts::{Fact, FactKind, Guard, HandlerCode, Provenance, ResultUse};
use crate::js::context::within;
use crate::js::eval::{CallRef, Evaluator};
use crate::js::index::{Site, node_of};
use crate::js::registration;
use crate::js::summaries::{Outcome, assumed};
use crate::js::value::Func;
use contract_model::span::{Location, Span};
use litemap::LiteMap;
use oxc_ast::AstKind;
use oxc_span::GetSpan;
use oxc_syntax::node::NodeId;
use oxc_syntax::operator::UnaryOperator;

impl<'a> Extractor<'_, '_, 'a> {
    /// A fact without topic at a call.
    pub(super) fn call_fact(&mut self, kind: FactKind, place: Place<'a>) -> Fact {
        let (call, span) = (place.call, Span { start: place.call.span.start, end: place.end });
        let mut fact = self.fact(kind, call.module, node_of(call), span);
        (fact.guard, fact.conditions) = self.surroundings.around(self.evaluator, self.index, call);
        fact.result = result_use(self.evaluator, call);
        if matches!(kind, FactKind::Subscribe | FactKind::Verb | FactKind::Record | FactKind::Job) {
            fact.late = self.lateness.of(self.evaluator, self.reach, call);
        }
        fact
    }

    /// A fact without topic at a node.
    pub(in crate::js) fn fact(&self, kind: FactKind, module: usize, node: NodeId, span: Span) -> Fact {
        let (within, triggers) = within(self.evaluator, self.index, self.reach, module, node);
        Fact {
            kind,
            topic: None,
            location: self.location(module, span),
            provenance: Provenance::Extracted,
            reachable: Some(self.reach.reachable(module, node)),
            guard: Guard::None,
            conditions: Vec::new(),
            handler: None,
            handler_code: None,
            options: LiteMap::new(),
            late: None,
            result: ResultUse::default(),
            within,
            triggers,
            detail: LiteMap::new(),
            payloads: Vec::new(),
            proved: None,
            evidence: Vec::new(),
        }
    }

    /// A place of a module.
    pub(in crate::js) fn location(&self, module: usize, span: Span) -> Location {
        let one = self.evaluator.module(module);
        self.lines.location(module, one, span)
    }

    pub(super) fn describe(
        &mut self,
        fact: &mut Fact,
        site: &Site<'a>,
        outcome: &Outcome<'a>,
        handler: &registration::Given,
    ) {
        self.evaluator.assume(assumed(&outcome.chain));
        fact.options = registration::options(self.evaluator, site.at, options_from(fact));
        self.evaluator.assume(Vec::new());
        let function = handler.function.and_then(|func| Some((func, self.function_name(func)?)));
        fact.handler = fact.options.get("name").filter(|name| *name != "?").cloned().or(function.map(|(_, name)| name));
        fact.handler_code = handler.function.and_then(|func| self.code(func));
    }

    fn code(&self, (module, node): Func) -> Option<HandlerCode> {
        let one = self.evaluator.module(module);
        let span = one.kind(node)?.span();
        let text = one.text.get(span.start as usize..span.end as usize)?.to_owned();
        Some(HandlerCode { location: self.location(module, Span { start: span.start, end: span.end }), text })
    }
}

/// The first argument that may hold options: not the payload, nor what a capability offers.
fn options_from(fact: &Fact) -> usize {
    match fact.kind {
        FactKind::Publish | FactKind::Request => 2,
        FactKind::Job if fact.detail.get("api").is_some_and(|api| api == "enqueue") => 2,
        FactKind::Capability => usize::MAX,
        _ => 1,
    }
}

/// What becomes of the value of a call.
fn result_use(evaluator: &Evaluator<'_, '_>, call: CallRef<'_>) -> ResultUse {
    let Some(semantic) = &evaluator.module(call.module).semantic else { return ResultUse::Used };
    for kind in semantic.nodes().ancestor_kinds(node_of(call)) {
        match kind {
            AstKind::ParenthesizedExpression(_)
            | AstKind::ChainExpression(_)
            | AstKind::TSAsExpression(_)
            | AstKind::TSNonNullExpression(_) => {}
            AstKind::ExpressionStatement(_) => return ResultUse::Dropped,
            AstKind::UnaryExpression(it) if it.operator == UnaryOperator::Void => return ResultUse::Voided,
            AstKind::AwaitExpression(_) => return ResultUse::Awaited,
            _ => return ResultUse::Used,
        }
    }
    ResultUse::Used
}
