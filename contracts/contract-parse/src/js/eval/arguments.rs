//! What calls give: the value of a parameter inside of a call, over all callers, and from the host.

use super::frames::{Args, Assumed, CallRef, Ctx, Given, LoopId, THIS, Via, consistent};
use super::{Evaluator, method_of};
use crate::js::form::Form;
use crate::js::value::{Func, Host, Value};
use oxc_ast::AstKind;
use oxc_ast::ast::{Argument, FormalParameters};
use std::rc::Rc;

impl<'a> Evaluator<'_, 'a> {
    /// The argument a function gets at a position, or its `this`.
    pub(super) fn argument(&mut self, func: Func, at: usize, ctx: &Ctx<'a>) -> Value<'a> {
        let mut frame = ctx.as_ref();
        while let Some(one) = frame {
            if one.func == func {
                let one = one.clone();
                self.passing += 1;
                return self.framed(&one.args, &one.bound, one.this.as_ref(), at);
            }
            frame = one.env.as_ref();
        }
        if let Some(found) = self.assumed.iter().position(|one| one.func == func) {
            let one = self.assumed[found].clone();
            self.passing += 1;
            // A function that calls itself gives itself what it was given.
            if let Some(begun) = self.busy_arguments.get(&(func, at)) {
                self.cut_short(*begun);
                return Value::Never;
            }
            self.busy_arguments.insert((func, at), self.depth);
            self.used.push((found, at));
            let value = self.framed(&one.args, &one.bound, one.this.as_ref(), at);
            self.busy_arguments.remove(&(func, at));
            return value;
        }
        self.without_call(func, at)
    }

    fn framed(
        &mut self,
        args: &Args<'a>,
        bound: &Rc<Vec<Given<'a>>>,
        this: Option<&Rc<Value<'a>>>,
        at: usize,
    ) -> Value<'a> {
        if at == THIS {
            return this.map_or_else(|| Value::unknown("`this`"), |this| (**this).clone());
        }
        if let Some(given) = bound.get(at).cloned() {
            return self.eval(given.module, given.expression, &given.ctx);
        }
        match args {
            Args::Call(call, ctx) => self.given(*call, at - bound.len(), ctx),
            Args::Values(values) => values.get(at - bound.len()).cloned().unwrap_or(Value::Nullish),
        }
    }

    /// A parameter where no call is given: what handlers and loops give, else it is noted as open.
    fn without_call(&mut self, func: Func, at: usize) -> Value<'a> {
        self.consulted.push(func);
        let event = if at == THIS { Value::Never } else { self.event_argument(func, at) };
        let looped = if at == THIS { Value::Never } else { self.looped(func, at) };
        let known = event.join(looped);
        if !self.merging {
            let open =
                self.callers.get(&func).is_some_and(|callers| callers.iter().any(|one| one.call.via != Via::Each));
            if open || known == Value::Never {
                self.passing += 1;
                self.touched.push((func, at));
            }
            return if known == Value::Never { Value::unknown("a parameter that no known call gives") } else { known };
        }
        self.passing += 1;
        if let Some(begun) = self.busy_arguments.get(&(func, at)) {
            self.cut_short(*begun);
            return known;
        }
        self.busy_arguments.insert((func, at), self.depth);
        let merged = self.merged(func, at);
        self.busy_arguments.remove(&(func, at));
        match known.join(merged) {
            Value::Never => Value::unknown("a parameter that no known call gives"),
            value => value,
        }
    }

    /// What all known calls give.
    fn merged(&mut self, func: Func, at: usize) -> Value<'a> {
        let callers = self.callers.get(&func).cloned().unwrap_or_default();
        let mut out = Value::Never;
        for (number, caller) in callers.iter().enumerate().filter(|(_, one)| one.call.via != Via::Each) {
            let args = Args::Call(caller.call, None);
            let value = self.on_ground_of((func, number), &caller.assumed, |this| {
                this.framed(&args, &caller.bound, caller.this.as_ref(), at)
            });
            out = out.join(value);
        }
        out
    }

    /// What loops such as `list.forEach(f)` give their function.
    fn looped(&mut self, func: Func, at: usize) -> Value<'a> {
        let callers = self.callers.get(&func).cloned().unwrap_or_default();
        let mut out = Value::Never;
        for caller in callers.iter().filter(|one| one.call.via == Via::Each) {
            out = out.join(self.each(caller.call, at));
        }
        out
    }

    /// What an iterating call gives its function at a position.
    fn each(&mut self, call: CallRef<'a>, at: usize) -> Value<'a> {
        let Some((object, method)) = method_of(call.callee) else { return Value::unknown("an element") };
        let element = usize::from(method.starts_with("reduce"));
        let value = self.eval(call.module, object, &None);
        match at.checked_sub(element) {
            Some(0) if matches!(&value, Value::Object(shape) if shape.is_map) => {
                let values = self.values(&value);
                self.picked((call.module, call.node), &values)
            }
            Some(0) => self.picked((call.module, call.node), &value),
            // A `Map` gives its key second.
            Some(1) if matches!(&value, Value::Object(shape) if shape.is_map) => self.keys(&value).element(),
            _ => Value::unknown("an argument of an iterating call"),
        }
    }

    /// What a loop over a value gives; one item of it while the loop is gone through item by item.
    pub(super) fn picked(&mut self, id: LoopId, value: &Value<'a>) -> Value<'a> {
        if let Some(nothing) = self.lacking(Form::Loops) {
            return nothing;
        }
        if let Value::Array(list) = value
            && list.rest.is_none()
            && list.items.len() > 1
        {
            if let Some((_, at)) = self.picks.iter().find(|(pick, _)| *pick == id) {
                self.passing += 1;
                return list.items.get(*at).cloned().unwrap_or(Value::Never);
            }
            self.loops.push((id, list.items.len()));
            self.passing += 1;
        }
        value.element()
    }

    /// What a call gives at a position.
    pub(crate) fn given(&mut self, call: CallRef<'a>, at: usize, ctx: &Ctx<'a>) -> Value<'a> {
        match call.via {
            Via::Plain | Via::New => self.at_position(call, at, ctx),
            Via::Call => self.at_position(call, at + 1, ctx),
            Via::Apply | Via::Reflect => {
                let list = self.at_position(call, if call.via == Via::Apply { 1 } else { 2 }, ctx);
                self.member(&list, &at.to_string())
            }
            Via::Each => self.each(call, at),
            Via::Then => match method_of(call.callee) {
                Some((object, _)) if at == 0 => self.eval(call.module, object, ctx),
                _ => Value::unknown("an argument of a promise"),
            },
        }
    }

    fn at_position(&mut self, call: CallRef<'a>, at: usize, ctx: &Ctx<'a>) -> Value<'a> {
        let mut seen = 0;
        for argument in call.arguments {
            match argument {
                Argument::SpreadElement(spread) => {
                    let list = self.eval(call.module, &spread.argument, ctx);
                    match &list {
                        Value::Array(items) if items.rest.is_none() => {
                            if let Some(item) = items.items.get(at - seen) {
                                return item.clone();
                            }
                            seen += items.items.len();
                        }
                        Value::Array(_) => return list.element(),
                        _ => return Value::unknown("a spread argument"),
                    }
                }
                _ if seen == at => {
                    let expression = argument.as_expression();
                    return expression.map_or(Value::Nullish, |one| self.eval(call.module, one, ctx));
                }
                _ => seen += 1,
            }
        }
        Value::Nullish
    }

    /// Everything that a call gives from a position on, as a list.
    pub(super) fn given_from(&mut self, func: Func, at: usize, ctx: &Ctx<'a>) -> Value<'a> {
        let first = self.argument(func, at, ctx);
        match self.count_of(func, ctx) {
            Some(count) => {
                let rest = (at + 1..count.max(at)).map(|next| self.argument(func, next, ctx)).collect::<Vec<_>>();
                let first = (count > at).then_some(first);
                Value::array(first.into_iter().chain(rest).collect())
            }
            None => first.many(),
        }
    }

    /// How many arguments a function gets, where its call is known.
    fn count_of(&self, func: Func, ctx: &Ctx<'a>) -> Option<usize> {
        let mut frame = ctx.as_ref();
        while let Some(one) = frame {
            if one.func == func {
                return count(&one.args, &one.bound);
            }
            frame = one.env.as_ref();
        }
        let one = self.assumed.iter().find(|one| one.func == func)?;
        count(&one.args, &one.bound)
    }

    /// The parameters of a function.
    pub(crate) fn params(&self, (module, node): Func) -> Option<&'a FormalParameters<'a>> {
        match self.module(module).kind(node)? {
            AstKind::Function(function) => Some(&function.params),
            AstKind::ArrowFunctionExpression(arrow) => Some(&arrow.params),
            _ => None,
        }
    }

    /// The argument of a handler: the event of all its registrations that agree with what is assumed.
    fn event_argument(&mut self, func: Func, at: usize) -> Value<'a> {
        let Some(registered) = self.handlers.get(&func) else { return Value::Never };
        if at > 0 {
            return Value::unknown("an argument of a handler");
        }
        let agrees = |one: &&(usize, Vec<Assumed<'a>>)| consistent(&one.1, &self.assumed);
        let group: Vec<usize> = registered.iter().filter(agrees).map(|one| one.0).collect();
        if group.len() < registered.len() {
            self.passing += 1;
        }
        match self.event(group) {
            Some(event) => Value::Host(Host::Event(event)),
            None => Value::Never,
        }
    }

    /// The number of the event that a group of handlers gets.
    fn event(&mut self, group: Vec<usize>) -> Option<usize> {
        if group.is_empty() {
            return None;
        }
        if let Some(at) = self.events.iter().position(|one| *one == group) {
            return Some(at);
        }
        self.events.push(group);
        Some(self.events.len() - 1)
    }
}

fn count(args: &Args<'_>, bound: &[Given<'_>]) -> Option<usize> {
    match args {
        Args::Values(values) => Some(values.len() + bound.len()),
        Args::Call(call, _) => {
            let counted = matches!(call.via, Via::Plain | Via::New | Via::Call);
            let spread = call.arguments.iter().any(Argument::is_spread);
            let shift = usize::from(call.via == Via::Call);
            (counted && !spread).then(|| (call.arguments.len() + bound.len()).saturating_sub(shift))
        }
    }
}
