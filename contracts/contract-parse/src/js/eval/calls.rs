//! Calls: the plugin's own functions, `new`, and the host's methods.

use super::frames::depth;
use super::{Args, CALLS_MAX, CallRef, Ctx, Evaluator, Frame, Given, Via};
use crate::js::form::Form;
use crate::js::strings::Strings;
use crate::js::surface;
use crate::js::value::{Closure, Func, Host, List, Shape, Value, bound_to};
use oxc_ast::ast::{ChainElement, Expression, ImportExpression};
use std::rc::Rc;

/// What a call calls, and how.
pub(crate) struct Callee<'a> {
    pub(crate) value: Value<'a>,
    pub(crate) call: CallRef<'a>,
}

impl<'a> Evaluator<'_, 'a> {
    /// What a call calls. `f.call(…)`, `f.apply(…)` and `Reflect.apply(f, …)` call `f`. So does `f.bind(…)` of a
    /// method of the host with arguments: who calls what it gives calls the method with those.
    pub(crate) fn callee(&mut self, call: CallRef<'a>, ctx: &Ctx<'a>) -> Callee<'a> {
        if let Some((function, via)) = self.called_through(call) {
            let value = self.eval(call.module, function, ctx);
            if via == Via::Call && method_of(call.callee).is_some_and(|(_, method)| method == "bind") {
                let methods = value.parts().iter().filter(|part| matches!(part, Value::Host(Host::Method(..))));
                if let Some(value) = Value::join_all(methods.cloned()) {
                    return Callee { value, call: CallRef { via, ..call } };
                }
            } else if is_callable(&value) {
                return Callee { value, call: CallRef { via, ..call } };
            }
        }
        Callee { value: self.eval(call.module, call.callee, ctx), call }
    }

    /// The function that a call hands its arguments to, and how.
    fn called_through(&self, call: CallRef<'a>) -> Option<(&'a Expression<'a>, Via)> {
        let (object, method) = method_of(call.callee)?;
        match method {
            "apply" if self.is_global(call.module, object, "Reflect") => Some((call.argument(0)?, Via::Reflect)),
            "call" => Some((object, Via::Call)),
            "apply" => Some((object, Via::Apply)),
            "bind" if call.arguments.len() > 1 => Some((object, Via::Call)),
            _ => None,
        }
    }

    /// Whether an expression is the global of this name.
    pub(crate) fn is_global(&self, module: usize, expression: &Expression<'a>, name: &str) -> bool {
        expression.get_identifier_reference().is_some_and(|it| it.name == name && self.symbol_of(module, it).is_none())
    }

    pub(super) fn call(&mut self, call: CallRef<'a>, ctx: &Ctx<'a>) -> Value<'a> {
        if let Some(value) = self.built_in(call, ctx) {
            return value;
        }
        let Callee { value, call } = self.callee(call, ctx);
        let results: Vec<Value<'a>> = value.parts().iter().map(|part| self.result(part, call, ctx)).collect();
        Value::join_all(results).unwrap_or(Value::Never)
    }

    fn result(&mut self, callee: &Value<'a>, call: CallRef<'a>, ctx: &Ctx<'a>) -> Value<'a> {
        match callee {
            Value::Functions(set) => self.invoke(set, &Args::Call(call, ctx.clone()), depth(ctx)),
            Value::Host(Host::Method(name, method)) => surface::result(name, method),
            Value::Host(Host::Payload(..) | Host::EventMethod(..)) => Value::unknown("data of an event"),
            Value::Unknown(why) => Value::Unknown(why.clone()),
            Value::Never | Value::Nullish => Value::Never,
            _ => Value::unknown("the result of a call"),
        }
    }

    /// What functions return when they are called like this.
    pub(super) fn invoke(&mut self, set: &[Closure<'a>], args: &Args<'a>, outer: usize) -> Value<'a> {
        if let Some(nothing) = self.lacking(Form::Builders) {
            return nothing;
        }
        if outer >= CALLS_MAX {
            self.passing += 1;
            // What a function makes of itself again and again grows with each time.
            let grows = set.iter().any(|one| is_within(one.func, args));
            return if grows { Value::Text(Strings::open()) } else { Value::unknown("calls nested too deep") };
        }
        let values: Vec<Value<'a>> = set
            .iter()
            .map(|one| {
                let frame = Frame {
                    func: one.func,
                    args: args.clone(),
                    env: one.env.clone(),
                    this: one.this.clone(),
                    bound: one.bound.clone(),
                    depth: outer + 1,
                };
                self.returned(one.func, &Some(Rc::new(frame)))
            })
            .collect();
        Value::join_all(values).unwrap_or(Value::Never)
    }

    /// What a getter gives, read from an object.
    pub(super) fn returned_bound(&mut self, getter: &Value<'a>, object: &Value<'a>) -> Value<'a> {
        let bound = bound_to(getter.clone(), object);
        let outer = getter.closures().iter().map(|one| depth(&one.env)).max().unwrap_or(0);
        self.invoke(&bound.closures(), &Args::Values(Vec::new()), outer)
    }

    /// What a function gives for known values, as when a built-in one calls it.
    pub(super) fn apply(&mut self, function: &Value<'a>, values: Vec<Value<'a>>, ctx: &Ctx<'a>) -> Value<'a> {
        match function {
            Value::Functions(set) => self.invoke(set, &Args::Values(values), depth(ctx)),
            Value::Unknown(why) => Value::Unknown(why.clone()),
            _ => Value::unknown("the result of a function that is not known"),
        }
    }

    /// `f.bind(this, a, b)`.
    pub(super) fn bind(&mut self, call: CallRef<'a>, function: &Value<'a>, ctx: &Ctx<'a>) -> Value<'a> {
        let Value::Functions(set) = function else {
            // A method of the host that is bound to its object stays what it is.
            return if call.arguments.len() <= 1 { function.clone() } else { Value::unknown("a bound method") };
        };
        let this = call.argument(0).map(|this| Rc::new(self.eval(call.module, this, ctx)));
        let given = call.arguments.iter().skip(1).filter_map(|one| one.as_expression());
        let given = given.map(|expression| Given { module: call.module, expression, ctx: ctx.clone() });
        let given: Vec<Given<'a>> = given.collect();
        let bound = set.iter().map(|one| Closure {
            this: this.clone().or_else(|| one.this.clone()),
            bound: Rc::new(one.bound.iter().chain(&given).cloned().collect()),
            ..one.clone()
        });
        Value::Functions(Rc::new(bound.collect()))
    }

    pub(super) fn construct(&mut self, call: CallRef<'a>, ctx: &Ctx<'a>) -> Value<'a> {
        if let Expression::Identifier(name) = call.callee.get_inner_expression()
            && self.symbol_of(call.module, name).is_none()
        {
            return self.construct_built_in(call, name.name.as_str(), ctx);
        }
        let class = self.eval(call.module, call.callee, ctx);
        let made: Vec<Value<'a>> = class
            .parts()
            .iter()
            .map(|part| match part {
                Value::Class(class) => self.instance(class, call, ctx),
                Value::Functions(set) => {
                    let made: Vec<Value<'a>> = set.iter().map(|one| self.made_of_function(one, call, ctx)).collect();
                    Value::join_all(made).unwrap_or(Value::Never)
                }
                Value::Unknown(why) => Value::Unknown(why.clone()),
                Value::Never | Value::Nullish => Value::Never,
                _ => Value::unknown("a new object"),
            })
            .collect();
        Value::join_all(made).unwrap_or(Value::Never)
    }

    fn construct_built_in(&mut self, call: CallRef<'a>, name: &str, ctx: &Ctx<'a>) -> Value<'a> {
        let first = call.argument(0).map(|first| self.eval(call.module, first, ctx));
        match (name, first) {
            ("Set", Some(list)) => self.iterable(&list).with_id(None),
            ("Set" | "Array", None) => Value::array(Vec::new()),
            ("Map", first) => {
                let mut shape = Shape { is_map: true, ..Shape::default() };
                if let Some(pairs) = first {
                    let pairs = self.iterable(&pairs);
                    self.add_pairs(&mut shape, &pairs);
                }
                Value::Object(Rc::new(shape))
            }
            ("Array", Some(_)) => Value::array((0..call.arguments.len()).map(|at| self.given(call, at, ctx)).collect()),
            _ => Value::unknown(&format!("a new `{name}`")),
        }
    }

    /// Adds `[key, value]` pairs to an object.
    pub(super) fn add_pairs(&mut self, shape: &mut Shape<'a>, pairs: &Value<'a>) {
        let List { items, rest, .. } = match pairs {
            Value::Array(list) => (**list).clone(),
            other => List { rest: Some(other.clone()), ..List::default() },
        };
        for (pair, known) in items.iter().map(|one| (one, true)).chain(rest.iter().map(|one| (one, false))) {
            let (key, value) = (self.member(pair, "0"), self.member(pair, "1"));
            match key.as_strings().single().filter(|_| known) {
                Some(key) => drop(shape.fields.insert(key.to_owned(), value)),
                None => shape.rest = Value::join_all(shape.rest.take().into_iter().chain([value])),
            }
        }
    }

    pub(super) fn dynamic_import(&mut self, module: usize, it: &'a ImportExpression<'a>) -> Value<'a> {
        let target = match &it.source {
            Expression::StringLiteral(source) => self.module(module).imports.get(source.value.as_str()),
            Expression::TemplateLiteral(source) => {
                let text = source.single_quasi();
                text.and_then(|text| self.module(module).imports.get(text.as_str()))
            }
            _ => return Value::unknown("a module chosen when the plugin runs"),
        };
        match target {
            Some(target) if self.module(*target).json.is_some() => {
                let default = self.binding(crate::js::program::Binding::Json(*target));
                let fields = std::iter::once(("default".to_owned(), default)).collect();
                Value::Object(Rc::new(Shape { fields, ..Shape::default() }))
            }
            Some(target) => Value::Module(*target),
            None => Value::unknown("an import that cannot be resolved"),
        }
    }
}

/// Whether the arguments of a call come out of a call of the same function.
fn is_within(func: Func, args: &Args<'_>) -> bool {
    let Args::Call(_, ctx) = args else { return false };
    ctx.as_ref().is_some_and(|frame| frame.func == func || is_within(func, &frame.args))
}

pub(crate) fn is_callable(value: &Value<'_>) -> bool {
    value
        .parts()
        .iter()
        .any(|part| matches!(part, Value::Functions(_) | Value::Host(Host::Method(..) | Host::EventMethod(..))))
}

/// The object and name of a method that is called.
pub(crate) fn method_of<'a>(callee: &'a Expression<'a>) -> Option<(&'a Expression<'a>, &'a str)> {
    match callee.get_inner_expression() {
        Expression::StaticMemberExpression(it) => Some((&it.object, it.property.name.as_str())),
        Expression::ComputedMemberExpression(it) => match &it.expression {
            Expression::StringLiteral(key) => Some((&it.object, key.value.as_str())),
            _ => None,
        },
        Expression::ChainExpression(it) => match &it.expression {
            ChainElement::StaticMemberExpression(it) => Some((&it.object, it.property.name.as_str())),
            _ => None,
        },
        _ => None,
    }
}
