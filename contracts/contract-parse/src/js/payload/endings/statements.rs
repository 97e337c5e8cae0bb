//! The walk over statements: what is left of a path without an answer after each.

use super::answers::Answering;
use super::trace::{End, Trace, either};
use super::{Code, Func, Inside};
use oxc_ast::AstKind;
use oxc_ast::ast::{
    ArrowFunctionBody, ArrowFunctionExpression, BreakStatement, CallExpression, Class, ConditionalExpression,
    ContinueStatement, DoWhileStatement, Expression, ForInStatement, ForOfStatement, ForStatement, Function,
    IfStatement, LabeledStatement, LogicalExpression, NewExpression, ReturnStatement, Statement, SwitchStatement,
    ThrowStatement, TryStatement, WhileStatement,
};
use oxc_ast_visit::{Visit, walk};
use oxc_span::{GetSpan, Span};
use oxc_syntax::operator::{LogicalOperator, UnaryOperator};
use oxc_syntax::scope::ScopeFlags;

/// A statement that can be left by `break` or `continue`.
struct Jump<'a> {
    label: Option<&'a str>,
    is_loop: bool,
    left: Option<Trace>,
    again: Option<Trace>,
}

/// A walk through one function.
pub(super) struct Walk<'w, 'c, 'p, 'a> {
    pub(super) code: &'c Code<'p, 'a>,
    pub(super) answering: &'w Answering<'c, 'p, 'a>,
    pub(super) func: Func,
    pub(super) inside: Inside<'a>,
    /// The path that has come here without an answer; none where every path has one, or none comes here.
    pub(super) here: Option<Trace>,
    /// The path on which an exception leaves what is walked now.
    pub(super) thrown: Option<Trace>,
    /// Whether an answer was met anywhere.
    pub(super) answered: bool,
    ends: Vec<End>,
    jumps: Vec<Jump<'a>>,
}

impl<'w, 'c, 'p, 'a> Walk<'w, 'c, 'p, 'a> {
    pub(super) fn new(
        code: &'c Code<'p, 'a>,
        answering: &'w Answering<'c, 'p, 'a>,
        func: Func,
        inside: &Inside<'a>,
    ) -> Self {
        Self {
            code,
            answering,
            func,
            inside: inside.clone(),
            here: None,
            thrown: None,
            answered: false,
            ends: Vec::new(),
            jumps: Vec::new(),
        }
    }

    /// Walks the whole function.
    pub(super) fn function(&mut self, start: Trace) {
        self.here = Some(start);
        let Some(nodes) = self.code.nodes(self.func.0) else { return };
        let end = |span: Span| Span::new(span.end.saturating_sub(1), span.end);
        let at = match nodes.kind(self.func.1) {
            AstKind::Function(it) => {
                let Some(body) = &it.body else { return };
                self.visit_statements(&body.statements);
                end(body.span)
            }
            AstKind::ArrowFunctionExpression(it) => match &it.body {
                ArrowFunctionBody::FunctionBody(body) => {
                    self.visit_statements(&body.statements);
                    end(body.span)
                }
                other => {
                    let Some(expression) = other.as_expression() else { return };
                    self.visit_expression(expression);
                    expression.span()
                }
            },
            _ => return,
        };
        if let Some(trace) = self.here.take() {
            self.ends.push(End { trace, span: at, returns: false });
        }
    }

    /// The ends without an answer.
    pub(super) fn open(&mut self) -> Vec<End> {
        std::mem::take(&mut self.ends)
    }

    pub(super) fn may_throw(&mut self) {
        self.thrown = either(self.thrown.take(), self.here.clone());
    }

    fn text(&self, span: Span) -> String {
        let text = self.code.module(self.func.0).text.get(span.start as usize..span.end as usize).unwrap_or_default();
        let words: Vec<&str> = text.split_whitespace().collect();
        let line = words.join(" ");
        match line.char_indices().nth(60) {
            Some((at, _)) => format!("{}…", &line[..at]),
            None => line,
        }
    }

    /// A condition by its text and whether it is written plainly, where it says the same each time.
    fn condition(&self, test: &Expression<'a>) -> Option<(String, bool)> {
        match test.get_inner_expression() {
            Expression::UnaryExpression(it) if it.operator == UnaryOperator::LogicalNot => {
                self.condition(&it.argument).map(|(text, plain)| (text, !plain))
            }
            inner => is_stable(inner).then(|| (self.text(inner.span()), true)),
        }
    }

    /// Two ways after a test: the path where it holds and where it does not.
    fn fork(&mut self, test: &Expression<'a>) -> (Option<Trace>, Option<Trace>) {
        let condition = self.condition(test);
        let Some(here) = self.here.take() else { return (None, None) };
        let shown = self.text(test.span());
        let holds = here.assume(condition.as_ref(), true);
        let fails = here.assume(condition.as_ref(), false);
        let at = |trace: Trace, text: String| trace.step(self.func.0, test.span(), text);
        let fails = fails.map(|trace| at(trace, format!("`{shown}` does not hold")));
        let holds = holds.map(|trace| at(trace, format!("`{shown}` holds")));
        match test.get_inner_expression() {
            Expression::BooleanLiteral(it) if it.value => (holds, None),
            Expression::BooleanLiteral(_) => (None, fails),
            _ => (holds, fails),
        }
    }

    /// A body that runs any number of times, also none.
    fn repeated(&mut self, body: &Statement<'a>, none: Option<Trace>, endless: bool) {
        self.jumps.push(Jump { label: None, is_loop: true, left: None, again: None });
        self.visit_statement(body);
        let Some(jump) = self.jumps.pop() else { return };
        // Where the loop goes on for ever, the end of a round is no way out.
        let after = either(self.here.take(), jump.again).filter(|_| none.is_some() || !endless).map(Trace::forget);
        self.here = either(either(none, after), jump.left);
    }

    fn jump(&mut self, label: Option<&str>, again: bool) {
        let Some(here) = self.here.take() else { return };
        let target = self.jumps.iter_mut().rev().find(|jump| match label {
            Some(label) => jump.label == Some(label),
            None => jump.label.is_none() && (jump.is_loop || !again),
        });
        if let Some(target) = target {
            let slot = if again && label.is_none() { &mut target.again } else { &mut target.left };
            *slot = either(slot.take(), Some(here));
        }
    }
}

/// Whether a condition says the same each time it is asked on one path: no calls, no changes.
fn is_stable(test: &Expression<'_>) -> bool {
    match test.get_inner_expression() {
        Expression::Identifier(_)
        | Expression::StringLiteral(_)
        | Expression::NumericLiteral(_)
        | Expression::NullLiteral(_)
        | Expression::BooleanLiteral(_) => true,
        Expression::StaticMemberExpression(it) => is_stable(&it.object),
        Expression::UnaryExpression(it) => it.operator != UnaryOperator::Delete && is_stable(&it.argument),
        Expression::BinaryExpression(it) => is_stable(&it.left) && is_stable(&it.right),
        Expression::LogicalExpression(it) => is_stable(&it.left) && is_stable(&it.right),
        Expression::ChainExpression(it) => match &it.expression {
            oxc_ast::ast::ChainElement::StaticMemberExpression(it) => is_stable(&it.object),
            _ => false,
        },
        _ => false,
    }
}

impl<'a> Visit<'a> for Walk<'_, '_, '_, 'a> {
    fn visit_statement(&mut self, it: &Statement<'a>) {
        // Where every path has answered, nothing more can go wrong.
        if self.here.is_some() {
            walk::walk_statement(self, it);
        }
    }

    fn visit_function(&mut self, _: &Function<'a>, _: ScopeFlags) {}

    fn visit_arrow_function_expression(&mut self, _: &ArrowFunctionExpression<'a>) {}

    fn visit_class(&mut self, _: &Class<'a>) {}

    fn visit_if_statement(&mut self, it: &IfStatement<'a>) {
        self.visit_expression(&it.test);
        let (holds, fails) = self.fork(&it.test);
        self.here = holds;
        self.visit_statement(&it.consequent);
        let after = self.here.take();
        self.here = fails;
        if let Some(alternate) = &it.alternate {
            self.visit_statement(alternate);
        }
        self.here = either(after, self.here.take());
    }

    fn visit_conditional_expression(&mut self, it: &ConditionalExpression<'a>) {
        self.visit_expression(&it.test);
        let (holds, fails) = self.fork(&it.test);
        self.here = holds;
        self.visit_expression(&it.consequent);
        let after = self.here.take();
        self.here = fails;
        self.visit_expression(&it.alternate);
        self.here = either(after, self.here.take());
    }

    fn visit_logical_expression(&mut self, it: &LogicalExpression<'a>) {
        self.visit_expression(&it.left);
        let (holds, fails) = self.fork(&it.left);
        let (goes, skips) = match it.operator {
            LogicalOperator::And => (holds, fails),
            LogicalOperator::Or | LogicalOperator::Coalesce => (fails, holds),
        };
        self.here = goes;
        self.visit_expression(&it.right);
        self.here = either(self.here.take(), skips);
    }

    fn visit_switch_statement(&mut self, it: &SwitchStatement<'a>) {
        self.visit_expression(&it.discriminant);
        let base = self.here.take();
        self.jumps.push(Jump { label: None, is_loop: false, left: None, again: None });
        for case in &it.cases {
            // The case before falls through where it does not break.
            self.here = either(self.here.take(), base.clone());
            self.visit_statements(&case.consequent);
        }
        let fallen = self.here.take();
        let left = self.jumps.pop().and_then(|jump| jump.left);
        let default = it.cases.iter().any(|case| case.test.is_none());
        let span = it.discriminant.span();
        let text = format!("no case of `switch ({})` applies", self.text(span));
        let none = base.filter(|_| !default).map(|base| base.step(self.func.0, span, text));
        self.here = either(either(fallen, left), none);
    }

    fn visit_while_statement(&mut self, it: &WhileStatement<'a>) {
        self.visit_expression(&it.test);
        let (holds, fails) = self.fork(&it.test);
        self.here = holds;
        self.repeated(&it.body, fails, true);
    }

    fn visit_do_while_statement(&mut self, it: &DoWhileStatement<'a>) {
        self.repeated(&it.body, None, false);
        if self.here.is_some() {
            self.visit_expression(&it.test);
        }
    }

    fn visit_for_statement(&mut self, it: &ForStatement<'a>) {
        if let Some(init) = &it.init {
            self.visit_for_statement_init(init);
        }
        match &it.test {
            Some(test) => {
                self.visit_expression(test);
                let (holds, fails) = self.fork(test);
                self.here = holds;
                self.repeated(&it.body, fails, false);
            }
            None => self.repeated(&it.body, None, true),
        }
    }

    fn visit_for_of_statement(&mut self, it: &ForOfStatement<'a>) {
        self.visit_expression(&it.right);
        let span = it.right.span();
        let text = format!("`{}` is empty", self.text(span));
        let none = self.here.clone().map(|here| here.step(self.func.0, span, text));
        self.repeated(&it.body, none, false);
    }

    fn visit_for_in_statement(&mut self, it: &ForInStatement<'a>) {
        self.visit_expression(&it.right);
        let span = it.right.span();
        let text = format!("`{}` has no fields", self.text(span));
        let none = self.here.clone().map(|here| here.step(self.func.0, span, text));
        self.repeated(&it.body, none, false);
    }

    fn visit_labeled_statement(&mut self, it: &LabeledStatement<'a>) {
        let label = Some(it.label.name.as_str());
        self.jumps.push(Jump { label, is_loop: false, left: None, again: None });
        self.visit_statement(&it.body);
        let left = self.jumps.pop().and_then(|jump| jump.left);
        self.here = either(self.here.take(), left);
    }

    fn visit_break_statement(&mut self, it: &BreakStatement<'a>) {
        self.jump(it.label.as_ref().map(|label| label.name.as_str()), false);
    }

    fn visit_continue_statement(&mut self, it: &ContinueStatement<'a>) {
        self.jump(it.label.as_ref().map(|label| label.name.as_str()), true);
    }

    fn visit_return_statement(&mut self, it: &ReturnStatement<'a>) {
        if let Some(argument) = &it.argument {
            self.visit_expression(argument);
        }
        if let Some(trace) = self.here.take() {
            self.ends.push(End { trace, span: it.span, returns: true });
        }
    }

    fn visit_throw_statement(&mut self, it: &ThrowStatement<'a>) {
        self.visit_expression(&it.argument);
        self.may_throw();
        self.here = None;
    }

    fn visit_try_statement(&mut self, it: &TryStatement<'a>) {
        let outer = self.thrown.take();
        let before = self.ends.len();
        self.visit_block_statement(&it.block);
        let mut after = self.here.take();
        if let Some(handler) = &it.handler {
            let caught = self.thrown.take();
            let span = Span::new(handler.span.start, handler.body.span.start);
            self.here = caught.map(|trace| trace.step(self.func.0, span, "an exception is caught").forget());
            self.visit_block_statement(&handler.body);
            after = either(after, self.here.take());
        }
        if let Some(finalizer) = &it.finalizer {
            after = self.finally(finalizer, after, before);
        }
        self.thrown = either(outer, self.thrown.take());
        self.here = after;
    }

    fn visit_call_expression(&mut self, it: &CallExpression<'a>) {
        self.call(it);
    }

    fn visit_new_expression(&mut self, it: &NewExpression<'a>) {
        walk::walk_new_expression(self, it);
        self.may_throw();
    }

    fn visit_await_expression(&mut self, it: &oxc_ast::ast::AwaitExpression<'a>) {
        walk::walk_await_expression(self, it);
        self.may_throw();
    }
}

impl<'a> Walk<'_, '_, '_, 'a> {
    /// `finally` runs on every way out; where it always answers, none of them is open.
    fn finally(
        &mut self,
        block: &oxc_ast::ast::BlockStatement<'a>,
        after: Option<Trace>,
        before: usize,
    ) -> Option<Trace> {
        let thrown = self.thrown.take();
        let ends = self.ends.len();
        self.here = Some(Trace::start());
        self.visit_block_statement(block);
        let answers = self.here.take().is_none() && self.ends.len() == ends;
        self.ends.truncate(ends);
        if answers {
            self.ends.truncate(before);
            return None;
        }
        self.thrown = either(self.thrown.take(), thrown);
        after
    }
}
