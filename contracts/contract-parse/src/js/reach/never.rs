//! What never runs, whoever calls it: behind constant conditions, and after the end of a function.

use crate::js::eval::Evaluator;
use oxc_ast::AstKind;
use oxc_ast::ast::{Expression, Statement};
use oxc_span::{GetSpan, Span};

/// Which children of a node never run.
pub(super) enum Never {
    /// The one at this place.
    Child(Span),
    /// Statements from here on.
    From(u32),
}

impl Never {
    pub(super) fn covers(&self, child: AstKind<'_>) -> bool {
        match self {
            Self::Child(span) => child.span() == *span,
            // Declared functions are there before the list of statements runs.
            Self::From(start) => child.span().start >= *start && !matches!(child, AstKind::Function(_)),
        }
    }
}

/// The part of a node that never runs: a branch of a condition that is constant, or what follows a `return`.
pub(super) fn never_in<'a>(evaluator: &mut Evaluator<'_, 'a>, module: usize, kind: AstKind<'a>) -> Option<Never> {
    let mut constant = |test: &'a Expression<'a>| evaluator.constant(module, test);
    match kind {
        AstKind::IfStatement(it) => {
            let skipped = if constant(&it.test)? { it.alternate.as_ref() } else { Some(&it.consequent) };
            skipped.map(|one| Never::Child(one.span()))
        }
        AstKind::ConditionalExpression(it) => {
            Some(Never::Child(if constant(&it.test)? { it.alternate.span() } else { it.consequent.span() }))
        }
        AstKind::LogicalExpression(it) => {
            let left = constant(&it.left)?;
            let skipped = if it.operator.is_and() { !left } else { it.operator.is_or() && left };
            skipped.then(|| Never::Child(it.right.span()))
        }
        AstKind::WhileStatement(it) => (!constant(&it.test)?).then(|| Never::Child(it.body.span())),
        AstKind::ForStatement(it) => (!constant(it.test.as_ref()?)?).then(|| Never::Child(it.body.span())),
        AstKind::Program(it) => after_exit(&it.body),
        AstKind::FunctionBody(it) => after_exit(&it.statements),
        AstKind::BlockStatement(it) => after_exit(&it.body),
        _ => None,
    }
}

fn after_exit(statements: &[Statement<'_>]) -> Option<Never> {
    let exit = statements.iter().position(leaves)?;
    statements.get(exit + 1).map(|next| Never::From(next.span().start))
}

/// Whether a statement surely does not go on to the next one.
pub(crate) fn leaves(statement: &Statement<'_>) -> bool {
    match statement {
        Statement::ReturnStatement(_)
        | Statement::ThrowStatement(_)
        | Statement::ContinueStatement(_)
        | Statement::BreakStatement(_) => true,
        Statement::BlockStatement(block) => block.body.iter().any(leaves),
        Statement::IfStatement(it) => leaves(&it.consequent) && it.alternate.as_ref().is_some_and(leaves),
        _ => false,
    }
}
