//! What stands between the entry and a place: conditions, loops, tests, handlers.

use super::eval::{CallRef, Evaluator, is_function};
use super::index::{Index, node_of};
use super::reach::Reach;
use crate::facts::Guard;
use crate::resolve::is_test;
use oxc_ast::AstKind;
use oxc_ast::ast::Expression;
use oxc_span::{GetSpan, Span};
use oxc_syntax::node::NodeId;

/// How far guards are looked for through calls.
const CALLERS_DEPTH_MAX: usize = 4;

/// The strongest guard around a call.
pub(crate) fn guard(evaluator: &Evaluator<'_, '_>, index: &Index<'_>, call: CallRef<'_>) -> Guard {
    guard_at(evaluator, index, call, 0)
}

fn guard_at(evaluator: &Evaluator<'_, '_>, index: &Index<'_>, call: CallRef<'_>, depth: usize) -> Guard {
    let module = evaluator.module(call.module);
    if is_test(module.path) {
        return Guard::Test;
    }
    let Some(semantic) = &module.semantic else { return Guard::None };
    let nodes = semantic.nodes();
    let mut found = Guard::None;
    let mut child = call.call.span;
    for ancestor in nodes.ancestors(node_of(call)) {
        found = stronger(found, guard_of(ancestor.kind(), child, module.text));
        child = ancestor.kind().span();
        if is_function(ancestor.kind()) {
            let func = (call.module, ancestor.id());
            if evaluator.iterations.contains_key(&func) {
                found = stronger(found, Guard::Loop);
                continue;
            }
            // A function that is handed to code that is not followed most likely runs where it stands.
            if !evaluator.handlers.contains_key(&func) && !index.callers.contains_key(&func) {
                continue;
            }
            return stronger(found, inherited(evaluator, index, func, depth));
        }
    }
    found
}

/// The guard that all calls of a function share; handlers start anew.
fn inherited(evaluator: &Evaluator<'_, '_>, index: &Index<'_>, func: (usize, NodeId), depth: usize) -> Guard {
    if depth >= CALLERS_DEPTH_MAX || evaluator.handlers.contains_key(&func) {
        return Guard::None;
    }
    let calls = index.callers.get(&func).into_iter().flatten();
    let guards: Vec<Guard> = calls.map(|call| guard_at(evaluator, index, *call, depth + 1)).collect();
    if guards.contains(&Guard::None) {
        return Guard::None;
    }
    guards.into_iter().fold(Guard::None, stronger)
}

fn stronger(a: Guard, b: Guard) -> Guard {
    let rank = |guard: Guard| match guard {
        Guard::None => 0,
        Guard::Loop => 1,
        Guard::Branch => 2,
        Guard::Config => 3,
        Guard::Test => 4,
    };
    if rank(b) > rank(a) { b } else { a }
}

fn guard_of(kind: AstKind<'_>, child: Span, text: &str) -> Guard {
    let condition = |test: Span| {
        let written = text.get(test.start as usize..test.end as usize).unwrap_or_default();
        if written.contains("$app.config") || written.contains("config.") { Guard::Config } else { Guard::Branch }
    };
    match kind {
        AstKind::IfStatement(it) if it.test.span() != child => match it.test.get_inner_expression() {
            Expression::BooleanLiteral(_) => Guard::None,
            _ => condition(it.test.span()),
        },
        AstKind::ConditionalExpression(it) if it.test.span() != child => condition(it.test.span()),
        AstKind::LogicalExpression(it) if it.right.span() == child => condition(it.left.span()),
        AstKind::SwitchCase(_) | AstKind::CatchClause(_) => Guard::Branch,
        AstKind::ForStatement(_)
        | AstKind::ForInStatement(_)
        | AstKind::ForOfStatement(_)
        | AstKind::WhileStatement(_)
        | AstKind::DoWhileStatement(_) => Guard::Loop,
        _ => Guard::None,
    }
}

/// The handler that a node lies in, as `kind:name`.
pub(crate) fn within(
    evaluator: &Evaluator<'_, '_>,
    index: &Index<'_>,
    reach: &Reach,
    module: usize,
    node: NodeId,
) -> Option<String> {
    let nodes = evaluator.module(module).semantic.as_ref()?.nodes();
    let around = nodes.ancestors(node).filter(|one| is_function(one.kind()));
    for function in around {
        let labels: Vec<String> =
            index.handlers_of((module, function.id())).map(super::index::Handler::label).collect();
        if !labels.is_empty() {
            return (labels.len() == 1).then(|| labels.concat());
        }
    }
    reach.only_handler(reach.unit(module, node)).map(|at| index.handlers[at].label())
}
