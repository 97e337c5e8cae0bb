//! Built-in functions that matter for topics: those of `Object`, `Array`, `String`, `JSON` and `Promise`.

use super::{CallRef, Ctx, Evaluator, method_of};
use crate::js::strings::Strings;
use crate::js::surface;
use crate::js::value::{Host, Shape, Value};
use oxc_ast::ast::Expression;
use std::rc::Rc;

/// Methods of lists that call their argument for each element.
const ITERATORS: [&str; 13] = [
    "forEach",
    "map",
    "filter",
    "flatMap",
    "some",
    "every",
    "find",
    "findIndex",
    "findLast",
    "reduce",
    "reduceRight",
    "sort",
    "toSorted",
];

/// Whether a method of a list calls its argument for each element.
pub(crate) fn iterates(method: &str) -> bool {
    ITERATORS.contains(&method)
}

impl<'a> Evaluator<'_, 'a> {
    /// What a call of a built-in function gives; nothing where it is none.
    pub(super) fn built_in(&mut self, call: CallRef<'a>, ctx: &Ctx<'a>) -> Option<Value<'a>> {
        if let Expression::Identifier(name) = call.callee.get_inner_expression() {
            let global = self.symbol_of(call.module, name).is_none();
            return global.then(|| self.global_function(call, name.name.as_str(), ctx))?;
        }
        let (object, method) = method_of(call.callee)?;
        if let Expression::Identifier(name) = object.get_inner_expression()
            && self.symbol_of(call.module, name).is_none()
            && surface::global(name.name.as_str()).is_none()
        {
            return self.static_function(call, name.name.as_str(), method, ctx);
        }
        // Only these have methods of their own that are followed; most objects do not.
        if !has_methods(method) {
            return None;
        }
        let on = self.eval(call.module, object, ctx);
        let results: Option<Vec<Value<'a>>> = on
            .parts()
            .iter()
            .filter(|part| !matches!(part, Value::Nullish))
            .map(|part| self.method(call, part, method, ctx))
            .collect();
        results.and_then(Value::join_all)
    }

    fn method(&mut self, call: CallRef<'a>, on: &Value<'a>, method: &str, ctx: &Ctx<'a>) -> Option<Value<'a>> {
        match on {
            Value::Text(text) => Some(self.text_method(call, text, method, ctx)),
            Value::Scalar(text) if method == "toString" && call.arguments.is_empty() => Some(Value::text(text)),
            Value::Array(list) => self.list_method(call, on, &list.clone(), method, ctx),
            Value::Object(shape) if shape.is_map => self.map_method(call, on, method, ctx),
            Value::Functions(_) | Value::Host(Host::Method(..)) if method == "bind" => Some(self.bind(call, on, ctx)),
            Value::Functions(_) if method == "toString" => Some(Value::unknown("a function's text")),
            Value::Unknown(why) if matches!(method, "then" | "catch" | "finally") => Some(Value::Unknown(why.clone())),
            // A text whose value is not known: its lower case is not known either.
            Value::Host(Host::Payload(..) | Host::EventMethod(..)) => Some(Value::unknown("data of an event")),
            Value::Never => Some(Value::Never),
            _ => None,
        }
    }

    fn global_function(&mut self, call: CallRef<'a>, name: &str, ctx: &Ctx<'a>) -> Option<Value<'a>> {
        Some(match name {
            "String" => Value::Text(self.given(call, 0, ctx).as_strings()),
            "structuredClone" => self.given(call, 0, ctx).with_id(None),
            "Boolean" => {
                let truth = self.given(call, 0, ctx).truthiness();
                truth.map_or_else(|| Value::unknown("a condition"), Value::truth)
            }
            "Symbol" | "Number" | "BigInt" | "parseInt" | "parseFloat" => Value::unknown("a computed value"),
            _ => return None,
        })
    }

    fn static_function(&mut self, call: CallRef<'a>, name: &str, method: &str, ctx: &Ctx<'a>) -> Option<Value<'a>> {
        match (name, method) {
            ("Object" | "Array", _) => self.object_function(call, method, ctx),
            ("JSON", "parse") => {
                let text = self.given(call, 0, ctx).as_strings();
                let json = text.single().and_then(|text| serde_json::from_str(text).ok());
                Some(
                    json.map_or_else(
                        || Value::unknown("parsed JSON"),
                        |json: serde_json::Value| Value::from_json(&json),
                    ),
                )
            }
            ("Promise", "resolve" | "all" | "allSettled" | "race" | "any") => Some(self.given(call, 0, ctx)),
            ("Reflect", "get") => {
                let (object, key) = (self.given(call, 0, ctx), self.given(call, 1, ctx));
                Some(self.computed_member(&object, &key))
            }
            ("String", "raw") => Some(Value::unknown("a raw text")),
            ("console" | "Math" | "Date" | "Number" | "Symbol" | "Reflect" | "Promise" | "JSON", _) => {
                Some(Value::unknown(&format!("the result of `{name}.{method}()`")))
            }
            _ => None,
        }
    }

    fn object_function(&mut self, call: CallRef<'a>, method: &str, ctx: &Ctx<'a>) -> Option<Value<'a>> {
        if method == "of" {
            return Some(Value::array((0..call.arguments.len()).map(|at| self.given(call, at, ctx)).collect()));
        }
        let first = self.given(call, 0, ctx);
        Some(match method {
            "freeze" | "seal" | "preventExtensions" | "defineProperty" | "defineProperties" | "setPrototypeOf" => first,
            "from" => {
                let list = self.iterable(&first);
                match call.argument(1) {
                    Some(_) => {
                        let change = self.given(call, 1, ctx);
                        self.mapped(&list, &change, ctx)
                    }
                    None => list.with_id(None),
                }
            }
            "values" => self.values(&first),
            "keys" | "getOwnPropertyNames" => self.keys(&first),
            "entries" => self.entries(&first),
            "create" => self.created(call, first, ctx),
            "assign" => self.assigned_object(call, first, ctx),
            "fromEntries" => {
                let mut shape = Shape::default();
                let pairs = self.iterable(&first);
                self.add_pairs(&mut shape, &pairs);
                Value::Object(Rc::new(shape))
            }
            _ => return None,
        })
    }

    /// `Object.assign(target, …)`: a target that is made on the spot gets everything, another one is known by the
    /// writes that `heap` notes.
    fn assigned_object(&mut self, call: CallRef<'a>, first: Value<'a>, ctx: &Ctx<'a>) -> Value<'a> {
        let fresh = call.argument(0).is_some_and(|one| matches!(one, Expression::ObjectExpression(_)));
        if !fresh {
            return first;
        }
        let mut shape = Shape::default();
        for at in 0..call.arguments.len() {
            let part = self.given(call, at, ctx);
            match self.shape(&part) {
                Some(part) => {
                    shape.fields.extend(part.fields.clone());
                    shape.rest = Value::join_all(shape.rest.take().into_iter().chain(part.rest.clone()));
                }
                None if matches!(part, Value::Nullish | Value::Never) => {}
                None => shape.rest = Some(Value::unknown("an object that is assigned here")),
            }
        }
        Value::Object(Rc::new(shape))
    }

    fn map_method(&mut self, call: CallRef<'a>, on: &Value<'a>, method: &str, ctx: &Ctx<'a>) -> Option<Value<'a>> {
        let Value::Object(map) = on else { return None };
        Some(match method {
            "get" => {
                let key = self.given(call, 0, ctx).as_strings();
                let plain = Value::Object(Rc::new(Shape { is_map: false, id: None, ..(**map).clone() }));
                match key.exact() {
                    Some(keys) => {
                        let found: Vec<Value<'a>> = keys.iter().map(|key| self.member(&plain, key)).collect();
                        Value::join_all(found).unwrap_or(Value::Nullish)
                    }
                    None => self.values(&plain).element().join(Value::Nullish),
                }
            }
            "keys" => self.keys(on),
            "values" => self.values(on),
            "entries" => self.entries(on),
            "set" => on.clone(),
            _ => return None,
        })
    }
}

/// Whether a method of this name may be one of a text, a list, a map or a function.
fn has_methods(method: &str) -> bool {
    iterates(method)
        || matches!(
            method,
            "concat"
                | "toLowerCase"
                | "toLocaleLowerCase"
                | "toUpperCase"
                | "toLocaleUpperCase"
                | "trim"
                | "trimStart"
                | "trimEnd"
                | "toString"
                | "valueOf"
                | "normalize"
                | "replace"
                | "replaceAll"
                | "split"
                | "slice"
                | "substring"
                | "substr"
                | "charAt"
                | "at"
                | "repeat"
                | "padStart"
                | "padEnd"
                | "join"
                | "reverse"
                | "toReversed"
                | "flat"
                | "pop"
                | "shift"
                | "values"
                | "keys"
                | "entries"
                | "get"
                | "set"
                | "bind"
                | "then"
                | "catch"
                | "finally"
                | "with"
                | "includes"
                | "indexOf"
                | "startsWith"
                | "endsWith"
        )
}

/// As a plain number, if it is one that can count items.
pub(super) fn whole_number(value: &Value<'_>) -> Option<i64> {
    match value {
        Value::Scalar(text) => text.parse().ok(),
        _ => None,
    }
}

/// A text for each exact one of a set, or nothing known.
pub(super) fn changed<'a>(text: &Strings, change: impl Fn(&str) -> String) -> Value<'a> {
    Value::Text(text.map(change))
}
