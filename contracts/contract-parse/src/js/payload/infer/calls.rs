//! What calls give: the plugin's own functions, the host's, and the built-in ones that matter.

use super::literals::add_spread;
use super::names::elements;
use super::operators::numeric;
use super::{CALLS_MAX, Frame, Frames, Inference};
use crate::js::eval::is_function;
use crate::js::payload::code::{Call, Target};
use crate::js::payload::endings::falls_through;
use crate::js::value::Func;
use contract_model::shape::{Form, ListShape, Numeric, ObjectShape, Shape};
use oxc_ast::AstKind;
use oxc_ast::ast::{Argument, CallExpression, Expression, NewExpression};
use std::rc::Rc;

impl<'a> Inference<'_, '_, 'a> {
    pub(super) fn call(&mut self, call: Call<'a>, frames: &Frames<'a>) -> Shape {
        if let Some(result) = self.given_function(call, frames) {
            return result;
        }
        let targets = self.code.targets(call);
        if !targets.is_empty() {
            let all = targets.iter().map(|target| self.result(call, target, false, frames));
            return Shape::one_of(all.collect::<Vec<_>>());
        }
        match call.it.callee.get_inner_expression() {
            Expression::Identifier(it) if self.code.symbol(call.module, it).is_none() => {
                self.global(call, it.name.as_str(), frames)
            }
            Expression::StaticMemberExpression(it) => {
                let name = it.property.name.as_str();
                if let Some(object) = it.object.get_identifier_reference()
                    && self.code.symbol(call.module, object).is_none()
                {
                    return self.global_method(call, object.name.as_str(), name, frames);
                }
                let on = self.infer(call.module, &it.object, frames);
                self.method(call, &on, name, frames)
            }
            _ => Shape::unknown(),
        }
    }

    /// What a call of a parameter gives: which function it is, the frames tell.
    fn given_function(&mut self, call: Call<'a>, frames: &Frames<'a>) -> Option<Shape> {
        let name = call.it.callee.get_inner_expression().get_identifier_reference()?;
        let symbol = self.code.symbol(call.module, name)?;
        let node = self.code.declaration(symbol)?;
        let AstKind::FormalParameter(param) = self.code.nodes(symbol.0)?.kind(node) else { return None };
        let around = self.code.enclosing(symbol.0, node)?;
        let position = self.code.params(around)?.items.iter().position(|one| one.span == param.span)?;
        let frame =
            std::iter::successors(frames.as_ref(), |frame| frame.parent.as_ref()).find(|one| one.func == around);
        let Some(frame) = frame else {
            self.touched.push(around);
            return Some(Shape::unknown());
        };
        let given = frame.call.it.arguments.get(position).and_then(Argument::as_expression);
        let func = given.and_then(|given| self.function(frame.call.module, given));
        Some(match func.filter(|func| !self.code.is_async(*func)) {
            Some(func) => self.returned(func, call, frames),
            None => Shape::unknown(),
        })
    }

    /// `await` of a call of the plugin's own asynchronous function gives what that returns.
    pub(super) fn awaited(&mut self, module: usize, argument: &'a Expression<'a>, frames: &Frames<'a>) -> Shape {
        if let Expression::CallExpression(it) = argument.get_inner_expression() {
            let call = Call { module, it };
            let targets = self.code.targets(call).to_vec();
            if !targets.is_empty() {
                let all = targets.into_iter().map(|target| self.result(call, &target, true, frames));
                return Shape::one_of(all.collect::<Vec<_>>());
            }
        }
        self.infer(module, argument, frames)
    }

    fn result(&mut self, call: Call<'a>, target: &Target, awaited: bool, frames: &Frames<'a>) -> Shape {
        match target {
            Target::Own(func) if self.code.is_async(*func) && !awaited => Shape::unknown(),
            Target::Own(func) => self.returned(*func, call, frames),
            Target::Host("app", "uuid" | "hash" | "sha256") => Shape::of(Form::Text(None)),
            Target::Host("app", "now") => Shape::of(Form::Number(Numeric::Whole)),
            Target::Host(..) | Target::Event(..) => Shape::unknown(),
        }
    }

    fn returned(&mut self, func: Func, call: Call<'a>, frames: &Frames<'a>) -> Shape {
        if depth(frames) >= CALLS_MAX {
            return Shape::unknown();
        }
        let inner = Some(Rc::new(Frame { func, call, parent: frames.clone() }));
        self.body(func, &inner)
    }

    /// What a function returns, whether it says so or just ends.
    fn body(&mut self, func: Func, frames: &Frames<'a>) -> Shape {
        let returns = self.code.returns(func).to_vec();
        let given = returns.into_iter().map(|value| self.infer(func.0, value, frames)).collect::<Vec<_>>();
        let ends = self.code.nodes(func.0).is_some_and(|nodes| falls_through(nodes.kind(func.1)));
        Shape::one_of(given.into_iter().chain(ends.then(|| Shape::of(Form::Absent))))
    }

    fn global(&mut self, call: Call<'a>, name: &str, frames: &Frames<'a>) -> Shape {
        Shape::of(match name {
            "String" => Form::Text(None),
            "Number" | "parseFloat" => Form::Number(Numeric::Any),
            "parseInt" | "BigInt" => Form::Number(Numeric::Whole),
            "Boolean" => Form::Bool(None),
            "structuredClone" => return self.given(call, 0, frames),
            _ => Form::Unknown,
        })
    }

    fn global_method(&mut self, call: Call<'a>, object: &str, name: &str, frames: &Frames<'a>) -> Shape {
        Shape::of(match (object, name) {
            ("Math", "round" | "floor" | "ceil" | "trunc" | "sign") | ("Date", "now") | ("Number", "parseInt") => {
                Form::Number(Numeric::Whole)
            }
            ("Math", "abs") => Form::Number(numeric(&self.given(call, 0, frames)).map_or(Numeric::Any, loose)),
            ("Math", _) | ("Number", "parseFloat") | ("Date", "parse") => Form::Number(Numeric::Any),
            ("JSON", "stringify") => match self.given(call, 0, frames).form {
                Form::Object(_) | Form::List(_) => Form::Text(None),
                _ => Form::Unknown,
            },
            ("Object", "freeze" | "seal" | "preventExtensions") => return self.given(call, 0, frames),
            ("Object", "keys") => many(Shape::of(Form::Text(None))),
            ("Object", "values" | "entries") | ("Array", "from" | "of") => many(Shape::unknown()),
            ("Object", "fromEntries") => Form::Object(ObjectShape { open: true, ..ObjectShape::default() }),
            ("Object", "assign") => return self.assigned(call, frames),
            ("Array", "isArray")
            | ("Number", "isInteger" | "isFinite" | "isSafeInteger" | "isNaN")
            | ("Object", "hasOwn") => Form::Bool(None),
            ("Date" | "Number" | "JSON" | "Object" | "Array", _) => Form::Unknown,
            _ => return self.method(call, &Shape::unknown(), name, frames),
        })
    }

    fn assigned(&mut self, call: Call<'a>, frames: &Frames<'a>) -> Shape {
        let mut object = ObjectShape::default();
        for argument in &call.it.arguments {
            let part = argument.as_expression().map(|it| self.infer(call.module, it, frames));
            add_spread(&mut object, &part.unwrap_or_else(Shape::unknown));
        }
        Shape::of(Form::Object(object))
    }

    fn given(&mut self, call: Call<'a>, at: usize, frames: &Frames<'a>) -> Shape {
        match call.it.arguments.get(at).and_then(|argument| argument.as_expression()) {
            Some(expression) => self.infer(call.module, expression, frames),
            None => Shape::unknown(),
        }
    }

    fn method(&mut self, call: Call<'a>, on: &Shape, name: &str, frames: &Frames<'a>) -> Shape {
        let form = match (&on.form, name) {
            (Form::Text(Some(text)), "toUpperCase") => Form::Text(Some(text.to_uppercase())),
            (Form::Text(Some(text)), "toLowerCase") => Form::Text(Some(text.to_lowercase())),
            (Form::Text(Some(text)), "trim") => Form::Text(Some(text.trim().to_owned())),
            // Only texts have these, or what has them gives a text too.
            (
                Form::Text(_) | Form::Unknown,
                "toUpperCase" | "toLowerCase" | "trim" | "trimStart" | "trimEnd" | "padStart" | "padEnd"
                | "toISOString" | "toFixed" | "normalize",
            )
            | (
                Form::Text(_),
                "slice" | "substring" | "replace" | "replaceAll" | "concat" | "repeat" | "charAt" | "toString",
            )
            | (Form::Number(_), "toFixed" | "toString" | "toPrecision" | "toLocaleString")
            | (Form::List(_), "join") => Form::Text(None),
            (Form::Text(_), "split") => many(Shape::of(Form::Text(None))),
            (Form::Text(_) | Form::List(_), "includes")
            | (Form::Text(_), "startsWith" | "endsWith")
            | (Form::List(_), "some" | "every") => Form::Bool(None),
            (Form::Text(_) | Form::List(_), "indexOf" | "lastIndexOf")
            | (Form::List(_), "push" | "unshift" | "findIndex") => Form::Number(Numeric::Whole),
            (Form::List(_) | Form::Unknown, "map") => match self.mapped(call, frames) {
                Some(item) => many(item),
                None => return Shape::unknown(),
            },
            (Form::List(_), "filter" | "slice" | "sort" | "reverse" | "toSorted" | "toReversed") => many(elements(on)),
            (Form::List(list), "concat") => return self.concatenated(call, list, frames),
            (Form::List(_), "flatMap" | "flat") => many(Shape::unknown()),
            (Form::List(_), "find" | "at" | "pop" | "shift") => {
                return Shape::one_of([elements(on), Shape::of(Form::Absent)]);
            }
            _ => Form::Unknown,
        };
        Shape::of(form)
    }

    /// What a function gives for each element, where it is written in place or known by name.
    fn mapped(&mut self, call: Call<'a>, frames: &Frames<'a>) -> Option<Shape> {
        let argument = call.it.arguments.first()?.as_expression()?;
        let func = self.function(call.module, argument)?;
        (!self.code.is_async(func) && depth(frames) < CALLS_MAX).then(|| self.body(func, frames))
    }

    /// The function that an expression is.
    fn function(&self, module: usize, expression: &Expression<'a>) -> Option<Func> {
        match expression.get_inner_expression() {
            Expression::ArrowFunctionExpression(it) => Some((module, it.node_id.get())),
            Expression::FunctionExpression(it) => Some((module, it.node_id.get())),
            Expression::Identifier(it) => {
                let symbol = self.code.symbol(module, it)?;
                let crate::js::program::Binding::Symbol(symbol) = self.code.modules.resolve(symbol) else {
                    return None;
                };
                let node = self.code.declaration(symbol)?;
                is_function(self.code.nodes(symbol.0)?.kind(node)).then_some((symbol.0, node))
            }
            _ => None,
        }
    }

    fn concatenated(&mut self, call: Call<'a>, list: &ListShape, frames: &Frames<'a>) -> Shape {
        let mut out = list.clone();
        for argument in &call.it.arguments {
            let part = argument.as_expression().map_or_else(Shape::unknown, |it| self.infer(call.module, it, frames));
            let more = match &part.form {
                Form::List(part) if out.rest.is_none() => {
                    out.items.extend(part.items.clone());
                    out.rest.clone_from(&part.rest);
                    continue;
                }
                Form::List(_) => elements(&part),
                Form::Unknown | Form::OneOf(_) => Shape::unknown(),
                _ => part,
            };
            let before = out.rest.take().map(|rest| *rest);
            out.rest = Some(Box::new(Shape::one_of(before.into_iter().chain([more]))));
        }
        Shape::of(Form::List(out))
    }

    /// A date is sent as its text.
    pub(super) fn construct(&mut self, module: usize, it: &'a NewExpression<'a>) -> Shape {
        let global = it.callee.get_identifier_reference().filter(|name| self.code.symbol(module, name).is_none());
        match global.map(|name| name.name.as_str()) {
            Some("Date") => Shape::of(Form::Text(None)),
            _ => Shape::unknown(),
        }
    }
}

fn many(item: Shape) -> Form {
    Form::List(ListShape { items: Vec::new(), rest: Some(Box::new(item)) })
}

fn loose(number: Numeric) -> Numeric {
    if let Numeric::Exact(_) = number { Numeric::Any } else { number }
}

pub(in crate::js::payload) fn depth(frames: &Frames<'_>) -> usize {
    std::iter::successors(frames.as_ref(), |frame| frame.parent.as_ref()).count()
}

/// The arguments of a call, where none is spread before them.
pub(super) fn position_of(call: &CallExpression<'_>, span: oxc_span::Span) -> Option<usize> {
    use oxc_span::GetSpan;
    let at = call.arguments.iter().position(|argument| argument.span() == span)?;
    (!call.arguments.iter().take(at + 1).any(Argument::is_spread)).then_some(at)
}
