//! Calls on the way: answers, the plugin's own functions, and functions that are handed to others.

use super::statements::Walk;
use super::trace::either;
use crate::js::eval::{is_function, iterates};
use crate::js::payload::code::{Call, Target};
use crate::js::payload::infer::{CALLS_MAX, Frame, depth};
use crate::js::program::Binding;
use crate::js::value::Func;
use oxc_ast::ast::{Argument, CallExpression, Expression};
use oxc_ast_visit::{Visit, walk};
use oxc_span::GetSpan;
use std::rc::Rc;

impl<'a> Walk<'_, '_, '_, 'a> {
    pub(super) fn call(&mut self, it: &CallExpression<'a>) {
        if self.caught(it) {
            return;
        }
        walk::walk_call_expression(self, it);
        if self.here.is_none() {
            return;
        }
        let Some(call) = self.whole(it) else { return self.may_throw() };
        if self.answering.answers(call, &self.inside) {
            self.answered = true;
            self.here = None;
            return;
        }
        self.may_throw();
        let own: Vec<Func> = self.functions(call);
        if own.iter().any(|func| self.answering.may(*func)) {
            self.enter(call, &own);
        } else {
            self.hand(call);
        }
    }

    /// The call with the lifetime of its module.
    fn whole(&self, it: &CallExpression<'a>) -> Option<Call<'a>> {
        let nodes = self.code.nodes(self.func.0)?;
        match nodes.kind(it.node_id.get()) {
            oxc_ast::AstKind::CallExpression(it) => Some(Call { module: self.func.0, it }),
            _ => None,
        }
    }

    /// The plugin's own functions that a call calls, also where one of them is an argument of the function around.
    fn functions(&self, call: Call<'a>) -> Vec<Func> {
        let targets = self.code.targets(call);
        let own = targets.iter().filter_map(|target| if let Target::Own(func) = target { Some(*func) } else { None });
        let own: Vec<Func> = own.collect();
        let given = call.it.callee.get_identifier_reference().and_then(|name| {
            let symbol = self.code.symbol(call.module, name)?;
            self.given(symbol)
        });
        match given {
            Some(func) => vec![func],
            None => own,
        }
    }

    /// The function that a parameter is in the call under way.
    fn given(&self, symbol: crate::js::program::Sym) -> Option<Func> {
        let mut frame = self.inside.as_ref();
        while let Some(one) = frame {
            let params = self.code.params(one.func)?;
            let position = params
                .items
                .iter()
                .position(|param| crate::js::payload::code::Code::bound(one.func.0, &param.pattern) == Some(symbol));
            if let Some(position) = position {
                let expression = one.call.it.arguments.get(position).and_then(Argument::as_expression)?;
                return self.function_of(one.call.module, expression);
            }
            frame = one.parent.as_ref();
        }
        None
    }

    /// Goes through the functions that a call may call.
    fn enter(&mut self, call: Call<'a>, own: &[Func]) {
        let Some(here) = self.here.take() else { return };
        let busy = std::iter::successors(self.inside.as_ref(), |frame| frame.parent.as_ref());
        if depth(&self.inside) >= CALLS_MAX || busy.map(|frame| frame.func).any(|func| own.contains(&func)) {
            // Too deep to follow: it is taken to answer.
            self.answered = true;
            return;
        }
        for func in own {
            let inside = Some(Rc::new(Frame { func: *func, call, parent: self.inside.clone() }));
            let mut inner = Walk::new(self.code, self.answering, *func, &inside);
            inner.function(here.clone());
            self.answered |= inner.answered;
            self.thrown = either(self.thrown.take(), inner.thrown.take());
            for end in inner.open() {
                let text = if end.returns { "returns here without an answer" } else { "ends here without an answer" };
                let trace = end.trace.step(func.0, end.span, text);
                self.here = either(self.here.take(), Some(trace));
            }
        }
    }

    /// Functions that are handed to code that is not the plugin's, such as `list.forEach(f)` or `promise.then(f)`.
    fn hand(&mut self, call: Call<'a>) {
        let handed: Vec<Func> = call
            .it
            .arguments
            .iter()
            .filter_map(Argument::as_expression)
            .filter_map(|one| self.function_of(call.module, one))
            .filter(|func| self.answering.may(*func))
            .collect();
        if handed.is_empty() {
            return;
        }
        let name = match call.it.callee.get_inner_expression() {
            Expression::StaticMemberExpression(it) => it.property.name.as_str(),
            _ => "",
        };
        if iterates(name) {
            let none =
                self.here.clone().map(|here| here.step(self.func.0, call.it.callee.span(), "the list has no items"));
            self.enter(call, &handed);
            self.here = either(none, self.here.take());
        } else if matches!(name, "then" | "finally") {
            self.enter(call, &handed);
        } else {
            // Whoever gets it is taken to call it.
            self.answered = true;
            self.here = None;
        }
    }

    /// `promise.catch(f)`: what is thrown before it goes on in the function.
    fn caught(&mut self, it: &CallExpression<'a>) -> bool {
        let Expression::StaticMemberExpression(callee) = it.callee.get_inner_expression() else { return false };
        let handler = it.arguments.first().and_then(Argument::as_expression);
        let (Some(handler), "catch", Some(call)) = (handler, callee.property.name.as_str(), self.whole(it)) else {
            return false;
        };
        let outer = self.thrown.take();
        self.visit_expression(&callee.object);
        let after = self.here.take();
        self.here =
            self.thrown.take().map(|trace| trace.step(self.func.0, handler.span(), "an exception is caught").forget());
        if let Some(func) = self.function_of(call.module, handler)
            && self.here.is_some()
        {
            self.enter(call, &[func]);
        }
        self.here = either(after, self.here.take());
        self.thrown = either(outer, self.thrown.take());
        true
    }

    /// The function that an expression is, written in place or named.
    fn function_of(&self, module: usize, expression: &Expression<'a>) -> Option<Func> {
        match expression.get_inner_expression() {
            Expression::ArrowFunctionExpression(it) => Some((module, it.node_id.get())),
            Expression::FunctionExpression(it) => Some((module, it.node_id.get())),
            Expression::Identifier(it) => {
                let symbol = self.code.symbol(module, it)?;
                let Binding::Symbol((at, id)) = self.code.modules.resolve(symbol) else { return None };
                let node = self.code.declaration((at, id))?;
                is_function(self.code.nodes(at)?.kind(node)).then_some((at, node))
            }
            _ => None,
        }
    }
}
