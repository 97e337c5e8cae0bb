//! Objects that inherit otherwise than by a class: `Object.create`, `Object.setPrototypeOf`, `__proto__`, and functions
//! with a `prototype`.

use super::instances::prototype;
use super::{Args, CallRef, Ctx, Evaluator, Frame, THIS, Via, depth};
use crate::js::value::{Closure, Derived, Func, Shape, Value, bound_to};
use oxc_ast::AstKind;
use oxc_ast::ast::{AssignmentTarget, Expression};
use oxc_span::GetSpan;
use oxc_syntax::node::NodeId;
use std::rc::Rc;

/// The field that is no field but says what an object inherits from.
pub(super) const PROTO: &str = "__proto__";
/// What is said of a field that nobody is known to set.
const UNSET: &str = "a field that no followed code sets";

impl<'a> Evaluator<'_, 'a> {
    /// A field of such an object: its own, what is written to it, or what it inherits.
    pub(super) fn derived_member(&mut self, it: &Rc<Derived<'a>>, key: &str, object: &Value<'a>) -> Value<'a> {
        let own = it.own.fields.get(key).cloned();
        let here = Value::Derived(it.clone());
        let found = self.heap_member(&here, key, own);
        let found = self.inherited_by(&here, key, object, found);
        match (found, &it.own.rest) {
            (Value::Nullish, None) if it.is_open => Value::unknown(UNSET),
            (found, Some(rest)) => found.join(rest.clone()),
            (found, None) => found,
        }
    }

    /// What an object has of its own, or else what it inherits.
    pub(super) fn inherited_by(
        &mut self,
        here: &Value<'a>,
        key: &str,
        object: &Value<'a>,
        own: Option<Value<'a>>,
    ) -> Value<'a> {
        let own = own.map(|own| self.bound_by_name(own, object));
        if own.is_some() && !(self.inherits() && self.is_written(key)) {
            return own.unwrap_or(Value::Nullish);
        }
        match (own, self.base_of(here)) {
            (own, None | Some(Value::Nullish)) => own.unwrap_or(Value::Nullish),
            // A method of the base writes to the object that it is called on.
            (Some(own), Some(base)) => {
                let later: Vec<Value<'a>> = base.parts().iter().filter_map(|part| self.heap_later(part, key)).collect();
                Value::join_all(std::iter::once(own).chain(later)).unwrap_or(Value::Never)
            }
            (None, Some(base)) => self.member_on(&base, key, object),
        }
    }

    /// Functions that are written to a field run on the object they are read from; arrow functions do not care.
    fn bound_by_name(&self, value: Value<'a>, object: &Value<'a>) -> Value<'a> {
        let is_plain =
            |one: &Closure<'a>| matches!(self.module(one.func.0).kind(one.func.1), Some(AstKind::Function(_)));
        if value.closures().iter().any(is_plain) { bound_to(value, object) } else { value }
    }

    /// What an object inherits from, where something says so.
    fn base_of(&mut self, object: &Value<'a>) -> Option<Value<'a>> {
        let declared = match object {
            Value::Literal(literal) => {
                prototype(literal.object).map(|base| self.eval(literal.module, base, &literal.ctx))
            }
            Value::Derived(one) => Some(one.base.clone()),
            _ => None,
        };
        if self.is_written(PROTO) { self.heap_member(object, PROTO, declared) } else { declared }
    }

    /// `Object.create(base, fields)`.
    pub(super) fn created(&mut self, call: CallRef<'a>, base: Value<'a>, ctx: &Ctx<'a>) -> Value<'a> {
        let mut own = Shape::default();
        let fields = self.given(call, 1, ctx);
        match (self.shape(&fields), &fields) {
            (Some(fields), _) => {
                for (name, field) in &fields.fields {
                    let value = self.described(field);
                    own.fields.insert(name.clone(), value);
                }
                own.rest.clone_from(&fields.rest);
            }
            (None, Value::Nullish) => {}
            _ => own.rest = Some(Value::unknown("fields that are not known")),
        }
        let id = (call.module, call.node);
        Value::Derived(Rc::new(Derived { id, own, base, made: ctx.clone(), is_open: false }))
    }

    /// The value that the description of a field gives it, as in `Object.defineProperty`.
    pub(super) fn described(&mut self, field: &Value<'a>) -> Value<'a> {
        match self.member(field, "get") {
            Value::Nullish => self.member(field, "value"),
            _ => Value::unknown("a field with a getter of its own"),
        }
    }

    /// What `new` makes of a function.
    pub(super) fn made_of_function(&mut self, one: &Closure<'a>, call: CallRef<'a>, ctx: &Ctx<'a>) -> Value<'a> {
        let closure = Value::Functions(Rc::new(vec![one.clone()]));
        let frame = Frame {
            func: one.func,
            args: Args::Call(call, ctx.clone()),
            env: one.env.clone(),
            this: Some(Rc::new(closure)),
            bound: one.bound.clone(),
            depth: depth(ctx) + 1,
        };
        let made = self.object_made_by(one, Some(Rc::new(frame)));
        // A function that returns an object makes that one.
        let returned = self.returns.contains_key(&one.func).then(|| Value::unknown("what a function returns to `new`"));
        returned.into_iter().fold(made, Value::join)
    }

    /// The object that a function is at work on when `new` calls it.
    fn object_made_by(&mut self, one: &Closure<'a>, made: Ctx<'a>) -> Value<'a> {
        let Some(AstKind::Function(function)) = self.module(one.func.0).kind(one.func.1) else {
            return Value::unknown("a new object");
        };
        let Some(body) = &function.body else { return Value::unknown("a new object") };
        let base = self.function_prototype(one);
        let id = (one.func.0, body.node_id.get());
        Value::Derived(Rc::new(Derived { id, own: Shape::default(), base, made, is_open: true }))
    }

    /// `F.prototype` of a plain function.
    pub(super) fn function_prototype(&mut self, one: &Closure<'a>) -> Value<'a> {
        let Some(AstKind::Function(function)) = self.module(one.func.0).kind(one.func.1) else {
            return Value::unknown("a member of a function");
        };
        let plain = Closure { this: None, ..one.clone() };
        let function_value = Value::Functions(Rc::new(vec![plain]));
        let id = (one.func.0, function.params.node_id.get());
        let mut own = Shape::default();
        own.fields.insert("constructor".to_owned(), function_value.clone());
        let at_first = Value::Derived(Rc::new(Derived { id, own, base: Value::Nullish, made: None, is_open: false }));
        self.heap_member(&function_value, "prototype", Some(at_first.clone())).unwrap_or(at_first)
    }

    /// `this` of a plain function where `new` calls it.
    pub(super) fn made_by_function(&mut self, func: Func, ctx: &Ctx<'a>) -> Option<Value<'a>> {
        let closure = |env: &Ctx<'a>| Closure { func, env: env.clone(), this: None, bound: Rc::default() };
        let mut frame = ctx.as_ref();
        while let Some(one) = frame {
            if one.func == func {
                let is_new = matches!(&one.args, Args::Call(call, _) if call.via == Via::New);
                let (closure, made) = (closure(&one.env), Some(one.clone()));
                return is_new.then(|| self.object_made_by(&closure, made));
            }
            frame = one.env.as_ref();
        }
        if let Some(found) = self.assumed.iter().position(|one| one.func == func) {
            if !matches!(&self.assumed[found].args, Args::Call(call, _) if call.via == Via::New) {
                return None;
            }
            self.passing += 1;
            self.used.push((found, THIS));
            return Some(self.object_made_by(&closure(&None), None));
        }
        self.consulted.push(func);
        let callers = self.callers.get(&func)?;
        let only_new = callers.iter().all(|one| one.call.via == Via::New);
        only_new.then(|| self.object_made_by(&closure(ctx), ctx.clone()))
    }

    /// The object that a function is written to, as by `object.name = function () {}`, or makes when `new` calls it.
    pub(super) fn home_of_function(&mut self, func: Func) -> Option<Value<'a>> {
        self.consulted.push(func);
        let is_new = self.callers.get(&func).is_some_and(|all| all.iter().any(|one| one.call.via == Via::New));
        if is_new {
            let one = Closure { func, env: None, this: None, bound: Rc::default() };
            return Some(self.object_made_by(&one, None));
        }
        let object = self.written_to(func)?;
        Some(self.on_bare_ground(|this| this.eval(func.0, object, &None)))
    }

    fn written_to(&self, (module, node): (usize, NodeId)) -> Option<&'a Expression<'a>> {
        let nodes = self.module(module).semantic.as_ref()?.nodes();
        let place = nodes.kind(node).span();
        match nodes.parent_kind(node) {
            AstKind::AssignmentExpression(it) if it.right.span() == place => match &it.left {
                AssignmentTarget::StaticMemberExpression(left) => Some(&left.object),
                AssignmentTarget::ComputedMemberExpression(left) => Some(&left.object),
                _ => None,
            },
            _ => None,
        }
    }
}
