//! Calls: the plugin's own functions, the built-in ones that matter for topics, and the host's.

use super::{CALLS_MAX, CallRef, Ctx, Evaluator, Frame};
use crate::js::strings::Strings;
use crate::js::surface;
use crate::js::value::{Func, Host, Shape, Value};
use oxc_ast::ast::{CallExpression, Expression, ImportExpression, NewExpression};
use std::collections::BTreeSet;
use std::rc::Rc;

/// Methods of lists that call their argument for each element.
pub(crate) const ITERATORS: [&str; 8] = ["forEach", "map", "filter", "flatMap", "some", "every", "find", "reduce"];

impl<'a> Evaluator<'_, 'a> {
    pub(super) fn call(&mut self, module: usize, it: &'a CallExpression<'a>, ctx: &Ctx<'a>) -> Value {
        if let Some(value) = self.built_in(module, it, ctx) {
            return value;
        }
        let callee = self.eval(module, &it.callee, ctx);
        match callee {
            Value::Functions(set) => self.invoke(&set, CallRef { module, call: it }, ctx),
            Value::Host(Host::Method(name, method)) => surface::result(name, method),
            Value::Host(Host::Payload(..) | Host::EventMethod(..)) => Value::unknown("data of an event"),
            Value::Unknown(why) => Value::Unknown(why),
            _ => Value::unknown("the result of a call"),
        }
    }

    /// What a call of the plugin's own functions returns.
    fn invoke(&mut self, set: &BTreeSet<Func>, call: CallRef<'a>, ctx: &Ctx<'a>) -> Value {
        if depth(ctx) >= CALLS_MAX {
            return Value::unknown("calls nested too deep");
        }
        let values: Vec<Value> = set
            .iter()
            .map(|func| {
                let frame = Frame { func: *func, call, parent: ctx.clone() };
                self.returned(&BTreeSet::from([*func]), &Some(Rc::new(frame)))
            })
            .collect();
        Value::join_all(values).unwrap_or(Value::Nullish)
    }

    /// What functions return inside a frame.
    pub(super) fn returned(&mut self, set: &BTreeSet<Func>, ctx: &Ctx<'a>) -> Value {
        let mut values = Vec::new();
        for func in set {
            for value in self.returns.get(func).cloned().unwrap_or_default() {
                values.push(self.eval(func.0, value, ctx));
            }
        }
        Value::join_all(values).unwrap_or(Value::Nullish)
    }

    /// What an iterating call gives its function at a position.
    pub(super) fn iterated(&mut self, call: CallRef<'a>, at: usize, ctx: &Ctx<'a>) -> Value {
        let Some((object, method)) = method_of(call.call) else { return Value::unknown("an element") };
        let element = usize::from(method == "reduce");
        if at != element {
            return Value::unknown("an argument of an iterating call");
        }
        self.eval(call.module, object, ctx).element()
    }

    fn built_in(&mut self, module: usize, it: &'a CallExpression<'a>, ctx: &Ctx<'a>) -> Option<Value> {
        if let Expression::Identifier(name) = it.callee.get_inner_expression() {
            let global = self.symbol_of(module, name).is_none();
            return (global && name.name == "String")
                .then(|| Value::Text(self.given(CallRef { module, call: it }, 0, ctx).as_strings()));
        }
        let (object, method) = method_of(it)?;
        if let Expression::Identifier(name) = object.get_inner_expression()
            && self.symbol_of(module, name).is_none()
            && matches!(name.name.as_str(), "Object" | "Array")
        {
            return self.object_function(CallRef { module, call: it }, method, ctx);
        }
        let on = self.eval(module, object, ctx);
        match &on {
            Value::Text(text) => Some(self.text_method(CallRef { module, call: it }, text, method, ctx)),
            Value::Scalar(text) if method == "toString" => Some(Value::text(text)),
            Value::Array(_) => self.list_method(CallRef { module, call: it }, &on, method, ctx),
            Value::Object(shape) => bound(shape, method, it),
            _ => None,
        }
    }

    fn object_function(&mut self, call: CallRef<'a>, method: &str, ctx: &Ctx<'a>) -> Option<Value> {
        let first = self.given(call, 0, ctx);
        Some(match method {
            "freeze" | "seal" | "preventExtensions" | "from" => first,
            "values" => self.values(&first),
            "keys" => self.keys(&first),
            "entries" => self.entries(&first),
            "assign" => {
                let mut shape = Shape::default();
                for at in 0..call.call.arguments.len() {
                    match self.given(call, at, ctx) {
                        Value::Object(part) => {
                            shape.fields.extend(part.fields.clone());
                            shape.rest = Value::join_all(shape.rest.take().into_iter().chain(part.rest.clone()));
                        }
                        _ => shape.rest = Some(Value::unknown("an object that is assigned here")),
                    }
                }
                Value::Object(Rc::new(shape))
            }
            "fromEntries" => {
                let pair = first.element();
                let value = self.member(&pair, "1");
                Value::Object(Rc::new(Shape { fields: std::collections::BTreeMap::default(), rest: Some(value) }))
            }
            "of" => Value::array((0..call.call.arguments.len()).map(|at| self.given(call, at, ctx)).collect()),
            _ => return None,
        })
    }

    fn text_method(&mut self, call: CallRef<'a>, text: &Strings, method: &str, ctx: &Ctx<'a>) -> Value {
        let out = match method {
            "concat" => (0..call.call.arguments.len()).fold(text.clone(), |text, at| {
                let next = self.given(call, at, ctx).as_strings();
                text.concat(&next)
            }),
            "toLowerCase" | "toLocaleLowerCase" => text.map(str::to_lowercase),
            "toUpperCase" | "toLocaleUpperCase" => text.map(str::to_uppercase),
            "trim" => text.map(|text| text.trim().to_owned()),
            "toString" | "valueOf" | "normalize" => text.clone(),
            "replace" | "replaceAll" => return self.replaced(call, text, method == "replaceAll", ctx),
            "split" => return self.split(call, text, ctx),
            _ => return Value::unknown(&format!("the result of `.{method}()`")),
        };
        Value::Text(out)
    }

    fn replaced(&mut self, call: CallRef<'a>, text: &Strings, all: bool, ctx: &Ctx<'a>) -> Value {
        let from = self.given(call, 0, ctx).as_strings();
        let to = self.given(call, 1, ctx).as_strings();
        match (text.exact(), from.single(), to.single()) {
            (Some(_), Some(from), Some(to)) if all => Value::Text(text.map(|text| text.replace(from, to))),
            (Some(_), Some(from), Some(to)) => Value::Text(text.map(|text| text.replacen(from, to, 1))),
            _ => Value::unknown("the result of `.replace()`"),
        }
    }

    fn split(&mut self, call: CallRef<'a>, text: &Strings, ctx: &Ctx<'a>) -> Value {
        match (text.single(), self.given(call, 0, ctx).as_strings().single()) {
            (Some(text), Some(by)) if !by.is_empty() => Value::array(text.split(by).map(Value::text).collect()),
            _ => Value::unknown("the result of `.split()`"),
        }
    }

    fn list_method(&mut self, call: CallRef<'a>, on: &Value, method: &str, ctx: &Ctx<'a>) -> Option<Value> {
        let Value::Array(list) = on else { return None };
        Some(match method {
            "join" => {
                let by = match self.given(call, 0, ctx) {
                    Value::Nullish => Strings::one(","),
                    other => other.as_strings(),
                };
                if list.rest.is_some() {
                    return Some(Value::unknown("a joined list of unknown length"));
                }
                let parts = list.items.iter().map(Value::as_strings);
                Value::Text(parts.reduce(|a, b| a.concat(&by).concat(&b)).unwrap_or_else(|| Strings::one("")))
            }
            "map" => self.mapped(call, ctx),
            "flatMap" => self.mapped(call, ctx).element().element().many(),
            "filter" | "slice" | "reverse" | "sort" | "toSorted" | "toReversed" => on.element().many(),
            "find" | "at" | "pop" | "shift" => on.element(),
            "values" => on.clone(),
            "concat" => {
                let more = (0..call.call.arguments.len()).map(|at| self.given(call, at, ctx)).collect::<Vec<_>>();
                let all = std::iter::once(on.clone()).chain(more);
                Value::join_all(all.map(|one| one.element())).unwrap_or(Value::Nullish).many()
            }
            _ => return None,
        })
    }

    fn mapped(&mut self, call: CallRef<'a>, ctx: &Ctx<'a>) -> Value {
        match self.given(call, 0, ctx) {
            Value::Functions(set) => self.returned(&set, ctx).many(),
            _ => Value::unknown("a mapped list").many(),
        }
    }

    pub(super) fn construct(&mut self, module: usize, it: &'a NewExpression<'a>, ctx: &Ctx<'a>) -> Value {
        if let Expression::Identifier(name) = it.callee.get_inner_expression()
            && self.symbol_of(module, name).is_none()
        {
            let first = it.arguments.first().and_then(|argument| argument.as_expression());
            return match (name.name.as_str(), first) {
                ("Set" | "Array", Some(list)) => self.eval(module, list, ctx),
                _ => Value::unknown(&format!("a new `{}`", name.name)),
            };
        }
        match self.eval(module, &it.callee, ctx) {
            Value::Object(shape) => Value::Object(shape),
            Value::Unknown(why) => Value::Unknown(why),
            _ => Value::unknown("a new object"),
        }
    }

    pub(super) fn dynamic_import(&mut self, module: usize, it: &'a ImportExpression<'a>) -> Value {
        let Expression::StringLiteral(source) = &it.source else {
            return Value::unknown("a module chosen when the plugin runs");
        };
        match self.module(module).imports.get(source.value.as_str()) {
            Some(target) => Value::Module(*target),
            None => Value::unknown("an import that cannot be resolved"),
        }
    }
}

/// The object and name of a method call.
pub(crate) fn method_of<'a>(call: &'a CallExpression<'a>) -> Option<(&'a Expression<'a>, &'a str)> {
    match call.callee.get_inner_expression() {
        Expression::StaticMemberExpression(it) => Some((&it.object, it.property.name.as_str())),
        Expression::ComputedMemberExpression(it) => match &it.expression {
            Expression::StringLiteral(key) => Some((&it.object, key.value.as_str())),
            _ => None,
        },
        _ => None,
    }
}

/// `hasOwn` and the like of plain objects say nothing; the object's own functions are called as such.
fn bound(shape: &Rc<Shape>, method: &str, _: &CallExpression<'_>) -> Option<Value> {
    (!shape.fields.contains_key(method) && shape.rest.is_none()).then(|| Value::unknown("a method of an object"))
}

fn depth(ctx: &Ctx<'_>) -> usize {
    let mut count = 0;
    let mut frame = ctx.as_ref();
    while let Some(one) = frame {
        count += 1;
        frame = one.parent.as_ref();
    }
    count
}
