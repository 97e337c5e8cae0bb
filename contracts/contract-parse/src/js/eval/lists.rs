//! Methods of lists.

use super::builtins::whole_number;
use super::{CallRef, Ctx, Evaluator};
use crate::js::strings::Strings;
use crate::js::value::{List, Value};
use std::rc::Rc;

/// The most items that are gone through one by one.
const ITEMS_MAX: usize = 256;

impl<'a> Evaluator<'_, 'a> {
    pub(super) fn list_method(
        &mut self,
        call: CallRef<'a>,
        on: &Value<'a>,
        list: &List<'a>,
        method: &str,
        ctx: &Ctx<'a>,
    ) -> Option<Value<'a>> {
        Some(match method {
            "join" => self.joined(call, list, ctx),
            "map" => {
                let change = self.given(call, 0, ctx);
                self.mapped(on, &change, ctx)
            }
            "flatMap" => {
                let change = self.given(call, 0, ctx);
                flat(&self.mapped(on, &change, ctx))
            }
            "flat" => flat(on),
            "reduce" => self.reduced(call, list, ctx),
            "slice" => self.sliced(call, on, list, ctx),
            "reverse" | "toReversed" if list.rest.is_none() => Value::array(list.items.iter().rev().cloned().collect()),
            "reverse" | "sort" => on.element().many().with_id(list.id),
            "filter" if list.items.is_empty() && list.rest.is_none() => on.clone().with_id(None),
            "filter" | "toSorted" | "toReversed" => on.element().many(),
            "find" | "findLast" | "pop" | "shift" => on.element(),
            "at" => match whole_number(&self.given(call, 0, ctx)) {
                Some(at) if list.rest.is_none() => {
                    let length = i64::try_from(list.items.len()).unwrap_or(i64::MAX);
                    let at = if at < 0 { length + at } else { at };
                    let found = usize::try_from(at).ok().and_then(|at| list.items.get(at));
                    found.cloned().unwrap_or(Value::Nullish)
                }
                _ => on.element(),
            },
            "values" => on.clone(),
            "keys" => self.keys(on),
            "entries" => self.entries(on),
            "concat" => self.concatenated(call, list, ctx),
            "toString" => joined(list, &Strings::one(",")),
            "includes" | "indexOf" | "some" | "every" | "findIndex" => Value::unknown("a condition"),
            "forEach" => Value::Nullish,
            _ => return None,
        })
    }

    fn joined(&mut self, call: CallRef<'a>, list: &List<'a>, ctx: &Ctx<'a>) -> Value<'a> {
        let by = match self.given(call, 0, ctx) {
            Value::Nullish => Strings::one(","),
            other => other.as_strings(),
        };
        joined(list, &by)
    }

    /// The list of what a function gives for each item.
    pub(super) fn mapped(&mut self, list: &Value<'a>, change: &Value<'a>, ctx: &Ctx<'a>) -> Value<'a> {
        match list {
            Value::Array(list) if list.items.len() <= ITEMS_MAX => {
                let items = list.items.iter().enumerate();
                let items = items.map(|(at, item)| {
                    let values = vec![item.clone(), Value::Scalar(at.to_string())];
                    self.apply(change, values, ctx)
                });
                let items = items.collect();
                let rest = list.rest.as_ref().map(|rest| self.apply(change, vec![rest.clone()], ctx));
                Value::Array(Rc::new(List { items, rest, ..List::default() }))
            }
            other => {
                let element = other.element();
                self.apply(change, vec![element], ctx).many()
            }
        }
    }

    /// What a fold gives, item by item from the first.
    fn reduced(&mut self, call: CallRef<'a>, list: &List<'a>, ctx: &Ctx<'a>) -> Value<'a> {
        if list.rest.is_some() || list.items.len() > ITEMS_MAX {
            return Value::unknown("the result of `.reduce()`");
        }
        let change = self.given(call, 0, ctx);
        let mut items = list.items.iter().cloned().enumerate();
        let first =
            if call.arguments.len() > 1 { Some(self.given(call, 1, ctx)) } else { items.next().map(|(_, item)| item) };
        let Some(mut out) = first else { return Value::Never };
        for (at, item) in items {
            out = self.apply(&change, vec![out, item, Value::Scalar(at.to_string())], ctx);
        }
        out
    }

    fn sliced(&mut self, call: CallRef<'a>, on: &Value<'a>, list: &List<'a>, ctx: &Ctx<'a>) -> Value<'a> {
        let length = i64::try_from(list.items.len()).unwrap_or(i64::MAX);
        let mut bound = |at: usize, default: i64| match self.given(call, at, ctx) {
            Value::Nullish => Some(default),
            value => whole_number(&value),
        };
        let (Some(start), Some(end)) = (bound(0, 0), bound(1, length)) else { return on.element().many() };
        if list.rest.is_some() {
            return on.element().many();
        }
        let place = |at: i64| usize::try_from(if at < 0 { (length + at).max(0) } else { at.min(length) }).unwrap_or(0);
        let (start, end) = (place(start), place(end));
        Value::array(list.items.get(start..end.max(start)).unwrap_or_default().to_vec())
    }

    fn concatenated(&mut self, call: CallRef<'a>, list: &List<'a>, ctx: &Ctx<'a>) -> Value<'a> {
        let mut out = List { id: None, ..list.clone() };
        for at in 0..call.arguments.len() {
            let more = self.given(call, at, ctx);
            for part in more.parts() {
                match part {
                    Value::Array(more)
                        if out.rest.is_none() && more.rest.is_none() && more.items.len() <= ITEMS_MAX =>
                    {
                        out.items.extend(more.items.iter().cloned());
                    }
                    Value::Array(_) | Value::Unknown(_) => {
                        out.rest = Value::join_all(out.rest.take().into_iter().chain([part.element()]));
                    }
                    item => out.items.push(item.clone()),
                }
            }
        }
        Value::Array(Rc::new(out))
    }
}

/// The items of a list as one text.
fn joined<'a>(list: &List<'a>, by: &Strings) -> Value<'a> {
    if list.rest.is_some() || list.items.len() > ITEMS_MAX {
        return Value::unknown("a joined list of unknown length");
    }
    let parts = list.items.iter().map(Value::as_strings);
    Value::Text(parts.reduce(|a, b| a.concat(by).concat(&b)).unwrap_or_else(|| Strings::one("")))
}

/// One level of lists within a list, laid flat.
fn flat<'a>(list: &Value<'a>) -> Value<'a> {
    let Value::Array(outer) = list else { return list.element().element().many() };
    let mut out = List::default();
    for (inner, known) in outer.items.iter().map(|one| (one, true)).chain(outer.rest.iter().map(|one| (one, false))) {
        match inner {
            Value::Array(inner) if known && inner.rest.is_none() => out.items.extend(inner.items.iter().cloned()),
            Value::Array(_) | Value::Unknown(_) | Value::Either(_) => {
                out.rest = Value::join_all(out.rest.take().into_iter().chain([inner.element()]));
            }
            item => out.items.push(item.clone()),
        }
    }
    Value::Array(Rc::new(out))
}
