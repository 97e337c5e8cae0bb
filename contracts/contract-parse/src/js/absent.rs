//! Globals that code counts on and that are not there when it runs.

use super::eval::Evaluator;
use super::reach::Reach;
use crate::facts::ProblemKind;
use crate::report::Report;
use contract_model::absent::{ABSENT, instead};
use contract_model::span::Span;
use oxc_ast::AstKind;
use oxc_span::GetSpan;
use oxc_syntax::operator::UnaryOperator;

/// Reports them where they are read by code that can run. A module that asks with `typeof` whether a global is there
/// knows that it may not be.
pub(super) fn of_module(evaluator: &Evaluator<'_, '_>, module: usize, reach: &Reach, report: &mut Report<'_>) {
    let Some(semantic) = &evaluator.module(module).semantic else { return };
    let (scoping, nodes) = (semantic.scoping(), semantic.nodes());
    for name in ABSENT {
        let Some(references) = scoping.root_unresolved_references().get(name) else { continue };
        let places: Vec<_> = references.iter().map(|one| scoping.get_reference(*one).node_id()).collect();
        let is_asked = |kind| matches!(kind, AstKind::UnaryExpression(it) if it.operator == UnaryOperator::Typeof);
        if places.iter().any(|place| is_asked(nodes.parent_kind(*place))) {
            continue;
        }
        for place in places.into_iter().filter(|place| reach.reachable(module, *place)) {
            let parent = nodes.parent_kind(place);
            let span = nodes.kind(place).span();
            // A call of it is an import that leads nowhere.
            let is_required =
                name == "require" && matches!(parent, AstKind::CallExpression(call) if call.callee.span() == span);
            if !is_required {
                let message = format!("`{name}` is not there when the plugin runs");
                let help = instead(name).map(|instead| (instead.to_owned(), None));
                report.add_with_help(
                    ProblemKind::AbsentGlobal,
                    Span { start: span.start, end: span.end },
                    message,
                    help,
                );
            }
        }
    }
}
