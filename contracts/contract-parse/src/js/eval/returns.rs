//! What functions return inside of a call: where a condition is known there, only the way that the call takes.

use super::{Ctx, Evaluator};
use crate::js::value::{Func, Value};
use oxc_ast::AstKind;
use oxc_ast::ast::{Expression, IfStatement, Statement};
use oxc_span::{GetSpan, Span};

impl<'a> Evaluator<'_, 'a> {
    /// What a function returns inside a frame.
    pub(super) fn returned(&mut self, func: Func, ctx: &Ctx<'a>) -> Value<'a> {
        let is_generator = self.is_generator(func);
        let Some(returns) = self.returns.get(&func).cloned().or_else(|| is_generator.then(Vec::new)) else {
            return Value::Nullish;
        };
        let body = match self.module(func.0).kind(func.1) {
            Some(AstKind::Function(it)) if !is_generator => it.body.as_ref().map(|body| &body.statements),
            _ => None,
        };
        let arrow = match self.module(func.0).kind(func.1) {
            Some(AstKind::ArrowFunctionExpression(it)) => it.body.as_function_body().map(|body| &body.statements),
            _ => None,
        };
        let mut out = Value::Never;
        match body.or(arrow).filter(|_| returns.len() > 1) {
            Some(statements) => {
                let mut walk = Walk { module: func.0, returns: &returns, ctx, out: Value::Never };
                self.walk(statements, &mut walk);
                out = walk.out;
            }
            None => {
                for value in returns {
                    out = out.join(self.eval(func.0, value, ctx));
                }
            }
        }
        // What `yield*` goes through comes item by item.
        for list in self.delegated.get(&func).cloned().unwrap_or_default() {
            let list = self.eval(func.0, list, ctx);
            out = out.join(self.iterable(&list).element());
        }
        if is_generator { out.many() } else { out }
    }

    /// Goes through statements as the call does; whether it surely ends in them.
    fn walk(&mut self, statements: &'a [Statement<'a>], walk: &mut Walk<'_, 'a>) -> bool {
        statements.iter().any(|statement| self.walk_one(statement, walk))
    }

    fn walk_one(&mut self, statement: &'a Statement<'a>, walk: &mut Walk<'_, 'a>) -> bool {
        match statement {
            Statement::ReturnStatement(it) => {
                let value =
                    it.argument.as_ref().map_or(Value::Nullish, |value| self.eval(walk.module, value, walk.ctx));
                walk.join(value);
                true
            }
            Statement::ThrowStatement(_) => true,
            Statement::BlockStatement(it) => self.walk(&it.body, walk),
            Statement::IfStatement(it) if walk.returns_in(it.span).next().is_some() => self.walk_if(it, walk),
            other => {
                let inner: Vec<&'a Expression<'a>> = walk.returns_in(other.span()).collect();
                for value in inner {
                    let value = self.eval(walk.module, value, walk.ctx);
                    walk.join(value);
                }
                false
            }
        }
    }

    fn walk_if(&mut self, it: &'a IfStatement<'a>, walk: &mut Walk<'_, 'a>) -> bool {
        let truth = self.eval(walk.module, &it.test, walk.ctx).truthiness();
        let first = truth != Some(false) && self.walk_one(&it.consequent, walk);
        let second = truth != Some(true) && it.alternate.as_ref().is_some_and(|one| self.walk_one(one, walk));
        match truth {
            Some(true) => first,
            Some(false) => second,
            None => first && second,
        }
    }
}

/// A way through a function.
struct Walk<'w, 'a> {
    module: usize,
    /// What all its `return` give.
    returns: &'w [&'a Expression<'a>],
    ctx: &'w Ctx<'a>,
    out: Value<'a>,
}

impl<'a> Walk<'_, 'a> {
    fn join(&mut self, value: Value<'a>) {
        self.out = std::mem::replace(&mut self.out, Value::Never).join(value);
    }

    fn returns_in(&self, span: Span) -> impl Iterator<Item = &'a Expression<'a>> {
        let within = move |one: &&'a Expression<'a>| span.start <= one.span().start && one.span().end <= span.end;
        self.returns.iter().copied().filter(within)
    }
}
