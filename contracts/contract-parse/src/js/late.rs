//! Registrations that happen after the plugin has been loaded.

use super::eval::{CallRef, Evaluator, Via, is_function};
use super::index::node_of;
use super::reach::Reach;
use super::value::Func;
use crate::facts::Late;
use oxc_ast::AstKind;
use oxc_ast::ast::{ArrowFunctionExpression, AwaitExpression, Expression, ForOfStatement, Function};
use oxc_ast_visit::{Visit, walk};
use oxc_syntax::scope::ScopeFlags;
use std::collections::BTreeMap;

/// How far calls are followed.
const CALLERS_DEPTH_MAX: usize = 4;

/// What comes late in a plugin.
#[derive(Default)]
pub(crate) struct Lateness {
    /// Where each function or module first waits: it is looked through once, not for each of its registrations.
    waits: BTreeMap<Func, Option<u32>>,
}

impl Lateness {
    /// Why a registration comes late; none where it is done by the time the plugin is loaded.
    pub(crate) fn of(&mut self, evaluator: &Evaluator<'_, '_>, reach: &Reach, call: CallRef<'_>) -> Option<Late> {
        let unit = reach.unit(call.module, node_of(call));
        if !reach.at_load(unit) && reach.handlers_to(unit).next().is_some() {
            return Some(Late::InHandler);
        }
        late_at(self, evaluator, call, 0)
    }

    fn waits_before(&mut self, (module, node): Func, body: AstKind<'_>, before: u32) -> bool {
        self.waits.entry((module, node)).or_insert_with(|| first_wait(body)).is_some_and(|at| at <= before)
    }
}

fn late_at(lateness: &mut Lateness, evaluator: &Evaluator<'_, '_>, call: CallRef<'_>, depth: usize) -> Option<Late> {
    let semantic = evaluator.module(call.module).semantic.as_ref()?;
    let nodes = semantic.nodes();
    let around = nodes.ancestors(node_of(call)).find(|one| is_function(one.kind()));
    let body = around.map_or_else(|| nodes.ancestor_ids(node_of(call)).last(), |one| Some(one.id()))?;
    if lateness.waits_before((call.module, body), nodes.kind(body), call.span.end) {
        return Some(Late::AfterAwait);
    }
    let func = (call.module, around?.id());
    if depth >= CALLERS_DEPTH_MAX {
        return None;
    }
    if runs_later(evaluator, func) {
        return Some(Late::InHandler);
    }
    match evaluator.callers.get(&func) {
        None => {
            // A function that is handed to code that is not followed runs where it stands, as far as is known.
            let place = CallRef { node: around?.id(), ..call };
            late_at(lateness, evaluator, place, depth + 1)
        }
        Some(callers) => {
            let all: Vec<Option<Late>> = callers
                .iter()
                .map(|one| match one.call.via {
                    Via::Then => Some(Late::AfterAwait),
                    _ => late_at(lateness, evaluator, one.call, depth + 1),
                })
                .collect();
            if all.contains(&None) { None } else { all.into_iter().flatten().next() }
        }
    }
}

/// Whether a function is handed to a timer.
fn runs_later(evaluator: &Evaluator<'_, '_>, (module, node): Func) -> bool {
    let Some(semantic) = &evaluator.module(module).semantic else { return false };
    matches!(semantic.nodes().parent_kind(node), AstKind::CallExpression(call)
    if call.callee.get_identifier_reference().is_some_and(|name| {
        matches!(name.name.as_str(), "setTimeout" | "setInterval" | "setImmediate" | "queueMicrotask")
    }))
}

/// Looks for the first `await` in a function, but not in the functions inside of it.
#[derive(Default)]
struct Awaits {
    /// From where on something has been awaited.
    first: Option<u32>,
}

impl Awaits {
    fn note(&mut self, at: u32) {
        self.first = Some(self.first.map_or(at, |first| first.min(at)));
    }
}

fn first_wait(body: AstKind<'_>) -> Option<u32> {
    let mut awaits = Awaits::default();
    match body {
        AstKind::Program(it) => awaits.visit_program(it),
        AstKind::Function(it) => {
            if let Some(body) = &it.body {
                awaits.visit_function_body(body);
            }
        }
        AstKind::ArrowFunctionExpression(it) => walk::walk_arrow_function_expression(&mut awaits, it),
        _ => {}
    }
    awaits.first
}

impl<'a> Visit<'a> for Awaits {
    fn visit_await_expression(&mut self, it: &AwaitExpression<'a>) {
        // Modules are loaded before the plugin's code goes on; waiting for one delays nothing.
        let loads = matches!(it.argument.get_inner_expression(), Expression::ImportExpression(_));
        if !loads {
            self.note(it.span.end);
        }
        walk::walk_await_expression(self, it);
    }

    fn visit_for_of_statement(&mut self, it: &ForOfStatement<'a>) {
        if it.r#await {
            self.note(it.span.start);
        }
        walk::walk_for_of_statement(self, it);
    }

    fn visit_function(&mut self, _: &Function<'a>, _: ScopeFlags) {}

    fn visit_arrow_function_expression(&mut self, _: &ArrowFunctionExpression<'a>) {}
}
