//! What is written to fields: every assignment to a member anywhere counts for the objects it may be meant for.

use super::changes::{Lists, with_more};
use super::derived::PROTO;
use super::{CallRef, Ctx, Evaluator, method_of};
use crate::js::value::{ClassRef, Func, ObjectId, Shape, Value};
use oxc_ast::ast::{Argument, AssignmentExpression, AssignmentTarget, CallExpression, Expression};
use oxc_syntax::node::NodeId;
use oxc_syntax::operator::AssignmentOperator;
use std::collections::BTreeMap;

/// A write to a field.
#[derive(Clone, Copy)]
pub(super) struct Write<'a> {
    pub(super) module: usize,
    /// The assignment, call or member that writes.
    pub(super) node: NodeId,
    pub(super) object: &'a Expression<'a>,
    pub(super) key: Key<'a>,
    pub(super) value: Written<'a>,
}

/// What a write does to a field.
#[derive(Clone, Copy)]
pub(crate) enum Written<'a> {
    /// Puts this into it.
    Value(&'a Expression<'a>),
    /// Puts the value that this describes into it, as `Object.defineProperty` does.
    Described(&'a Expression<'a>),
    /// Changes it in a way that is not followed.
    Changed,
    /// Takes it away.
    Deleted,
    /// Adds to the list or map that it holds, as `this.parts.push(x)` does.
    Added(CallRef<'a>, &'a str),
}

#[derive(Clone, Copy)]
pub(super) enum Key<'a> {
    Name(&'a str),
    Private(&'a str),
    Computed(&'a Expression<'a>),
    /// All fields of the value, as by `Object.assign`.
    Every,
}

/// The objects that a write is meant for, and the functions whose callers were looked up to find them.
#[derive(Clone, Default, PartialEq)]
pub(super) struct Targets {
    pub(super) objects: Vec<ObjectId>,
    pub(super) consulted: Vec<Func>,
    /// For a change of what a parameter is given: the objects by the caller that gives them.
    pub(super) by_caller: Vec<(usize, Vec<ObjectId>)>,
}

/// The writes of a plugin.
#[derive(Default)]
pub(super) struct Heap<'a> {
    writes: Vec<Write<'a>>,
    /// Those to a field of a known name.
    by_name: BTreeMap<&'a str, Vec<usize>>,
    /// Those to a field of unknown name.
    open: Vec<usize>,
    /// The objects that each write is meant for, once they were asked for.
    targets: Vec<Option<Targets>>,
    /// The writes that are being followed, and those whose objects are asked for, each with the depth where that began.
    busy: Vec<(usize, usize)>,
    asking: Vec<(usize, usize)>,
    /// What is done to lists and maps as a whole.
    pub(super) lists: Lists<'a>,
}

impl<'a> Heap<'a> {
    pub(super) fn forget(&mut self) {
        self.targets = vec![None; self.writes.len()];
        self.busy.clear();
        self.asking.clear();
    }

    /// Notes an assignment to a member.
    pub(super) fn note(&mut self, module: usize, it: &'a AssignmentExpression<'a>) {
        let (object, key) = match &it.left {
            AssignmentTarget::StaticMemberExpression(it) => (&it.object, Key::Name(it.property.name.as_str())),
            AssignmentTarget::PrivateFieldExpression(it) => (&it.object, Key::Private(it.field.name.as_str())),
            AssignmentTarget::ComputedMemberExpression(it) => (&it.object, Key::of(&it.expression)),
            _ => return,
        };
        let plain = matches!(
            it.operator,
            AssignmentOperator::Assign
                | AssignmentOperator::LogicalOr
                | AssignmentOperator::LogicalAnd
                | AssignmentOperator::LogicalNullish
        );
        let value = if plain { Written::Value(&it.right) } else { Written::Changed };
        self.add(Write { module, node: it.node_id.get(), object, key, value });
    }

    /// Notes `object.list.push(x)` and its like.
    pub(super) fn note_addition(&mut self, module: usize, it: &'a CallExpression<'a>) {
        let Some((list, method)) = method_of(&it.callee).filter(|(_, method)| adds(method)) else { return };
        let (object, key) = match list.get_inner_expression() {
            Expression::StaticMemberExpression(it) => (&it.object, Key::Name(it.property.name.as_str())),
            Expression::PrivateFieldExpression(it) => (&it.object, Key::Private(it.field.name.as_str())),
            _ => return,
        };
        let value = Written::Added(CallRef::of_call(module, it), method);
        self.add(Write { module, node: it.node_id.get(), object, key, value });
    }

    /// Notes `Object.setPrototypeOf(object, base)`; whether it or `Object.create` is what a call is.
    pub(super) fn note_prototype(&mut self, module: usize, it: &'a CallExpression<'a>) -> bool {
        let Some((object, method)) = method_of(&it.callee) else { return false };
        let is_global = |name: &str| object.get_identifier_reference().is_some_and(|it| it.name == name);
        if !is_global("Object") && !is_global("Reflect") {
            return false;
        }
        if let ("setPrototypeOf", [target, base]) = (method, &it.arguments[..])
            && let (Some(object), Some(base)) = (target.as_expression(), base.as_expression())
        {
            let (node, value) = (it.node_id.get(), Written::Value(base));
            self.add(Write { module, node, object, key: Key::Name(PROTO), value });
        }
        matches!(method, "create" | "setPrototypeOf")
    }

    /// Notes `Object.assign(target, source)`.
    pub(super) fn note_assign(&mut self, module: usize, it: &'a CallExpression<'a>) {
        let Some((object, "assign")) = method_of(&it.callee) else { return };
        if object.get_identifier_reference().is_none_or(|name| name.name != "Object") {
            return;
        }
        let mut arguments = it.arguments.iter().filter_map(Argument::as_expression);
        let Some(target) = arguments.next().filter(|one| !matches!(one, Expression::ObjectExpression(_))) else {
            return;
        };
        for source in arguments {
            let (node, value) = (it.node_id.get(), Written::Value(source));
            self.add(Write { module, node, object: target, key: Key::Every, value });
        }
        if it.arguments.iter().any(Argument::is_spread) {
            let node = it.node_id.get();
            self.add(Write { module, node, object: target, key: Key::Every, value: Written::Changed });
        }
    }

    pub(super) fn add(&mut self, write: Write<'a>) {
        self.lists.note_write(&write);
        match write.key {
            Key::Name(name) | Key::Private(name) => self.by_name.entry(name).or_default().push(self.writes.len()),
            Key::Computed(_) | Key::Every => self.open.push(self.writes.len()),
        }
        self.writes.push(write);
    }
}

/// Whether a method adds to the list or map that it is called on.
pub(super) fn adds(method: &str) -> bool {
    matches!(method, "push" | "unshift" | "add" | "set" | "splice" | "fill" | "copyWithin")
}

impl<'a> Key<'a> {
    pub(super) fn of(key: &'a Expression<'a>) -> Self {
        match key.get_inner_expression() {
            Expression::StringLiteral(name) => Self::Name(name.value.as_str()),
            computed => Self::Computed(computed),
        }
    }
}

/// Where the program makes an object.
pub(super) fn identity(value: &Value<'_>) -> Option<ObjectId> {
    match value {
        Value::Array(_) | Value::Object(_) => value.id(),
        Value::Literal(one) => Some((one.module, one.object.node_id.get())),
        Value::Instance(one) => Some((one.class.module, one.class.class.body.node_id.get())),
        Value::Class(one) => Some((one.module, one.class.node_id.get())),
        Value::Derived(one) => Some(one.id),
        Value::Functions(set) => match &set[..] {
            [one] => Some(one.func),
            _ => None,
        },
        _ => None,
    }
}

impl<'a> Evaluator<'_, 'a> {
    /// A field with what is written and added to it anywhere; `declared` is what the object gives it at first.
    pub(super) fn heap_member(
        &mut self,
        object: &Value<'a>,
        key: &str,
        declared: Option<Value<'a>>,
    ) -> Option<Value<'a>> {
        if self.heap.writes.is_empty() {
            return declared;
        }
        let mut candidates = self.writes_of(key);
        if let Value::Instance(one) = object
            && one.begun.is_some()
        {
            // The constructor of an heir goes on when that of its base has run.
            let later = self.constructor_writes(&one.class, key);
            candidates.retain(|at| !later.contains(&self.heap.writes[*at].node));
        }
        self.with_writes(object, key, declared, candidates)
    }

    /// What methods of an object write to a field of the one that they are called on, once that is made.
    pub(super) fn heap_later(&mut self, object: &Value<'a>, key: &str) -> Option<Value<'a>> {
        let mut candidates = self.writes_of(key);
        candidates
            .retain(|at| matches!(self.heap.writes[*at].object.get_inner_expression(), Expression::ThisExpression(_)));
        if let Value::Instance(one) = object {
            let earlier = self.constructor_writes(&one.class, key);
            candidates.retain(|at| !earlier.contains(&self.heap.writes[*at].node));
        }
        self.with_writes(object, key, None, candidates)
    }

    /// Whether anything is written to a field of this name.
    pub(super) fn is_written(&self, key: &str) -> bool {
        !self.heap.open.is_empty() || self.heap.by_name.contains_key(key.strip_prefix('#').unwrap_or(key))
    }

    fn writes_of(&self, key: &str) -> Vec<usize> {
        let named = self.heap.by_name.get(key.strip_prefix('#').unwrap_or(key)).into_iter().flatten();
        named.chain(&self.heap.open).copied().collect()
    }

    fn with_writes(
        &mut self,
        object: &Value<'a>,
        key: &str,
        declared: Option<Value<'a>>,
        candidates: Vec<usize>,
    ) -> Option<Value<'a>> {
        let Some(id) = identity(object) else { return declared };
        let ctx = made(object);
        let (additions, writes): (Vec<usize>, Vec<usize>) =
            candidates.into_iter().partition(|at| matches!(self.heap.writes[*at].value, Written::Added(..)));
        let mut out = declared;
        for at in writes {
            let value = self.following(at, id, |this| this.written(at, key, &ctx)).flatten();
            out = Value::join_all(out.into_iter().chain(value));
        }
        if !out.as_ref().is_some_and(is_growable) {
            return out;
        }
        for at in additions {
            let more = self.following(at, id, |this| this.added_by(at, &ctx)).flatten();
            out = out.map(|old| grown(old, more));
        }
        out
    }

    /// The writes to a field by which the constructor of a class sets it.
    pub(super) fn constructor_writes(&self, class: &ClassRef<'a>, key: &str) -> Vec<NodeId> {
        let Some(func) = super::constructor(class) else { return Vec::new() };
        let named = self.heap.by_name.get(key.strip_prefix('#').unwrap_or(key)).into_iter().flatten();
        let writes = named.map(|at| &self.heap.writes[*at]);
        let own = writes.filter(|write| {
            matches!(
                (write.object.get_inner_expression(), write.value),
                (Expression::ThisExpression(_), Written::Value(_))
            ) && write.module == func.0
                && self.enclosing_function(write.module, write.node) == Some(func)
        });
        own.map(|write| write.node).collect()
    }

    /// Does something with a write that is meant for an object, unless it is being followed already.
    fn following<T>(&mut self, at: usize, id: ObjectId, look: impl FnOnce(&mut Self) -> T) -> Option<T> {
        if self.is_followed(at) || !self.is_meant(at, id) {
            return None;
        }
        self.heap.busy.push((at, self.depth));
        let found = look(self);
        self.heap.busy.pop();
        Some(found)
    }

    /// What a call adds to the list or map of a field.
    fn added_by(&mut self, at: usize, ctx: &Ctx<'a>) -> Option<Value<'a>> {
        match self.heap.writes[at].value {
            Written::Added(call, method) => Some(self.added(call, method, ctx)),
            _ => None,
        }
    }

    /// Adds what is written to an object to its known fields.
    pub(super) fn with_heap(&mut self, object: &Value<'a>, mut shape: Shape<'a>) -> Shape<'a> {
        let Some(id) = identity(object) else { return shape };
        let ctx = made(object);
        for at in 0..self.heap.writes.len() {
            self.following(at, id, |this| this.add_written(at, &mut shape, &ctx));
        }
        shape
    }

    fn add_written(&mut self, at: usize, shape: &mut Shape<'a>, ctx: &Ctx<'a>) {
        let write = self.heap.writes[at];
        let given = match write.value {
            Written::Value(value) | Written::Described(value) => Some(value),
            _ => None,
        };
        let is_deleted = matches!(write.value, Written::Deleted);
        let names = match write.key {
            Key::Name(name) => Some(vec![name.to_owned()]),
            Key::Private(name) => Some(vec![format!("#{name}")]),
            Key::Computed(key) => {
                let key = self.eval(write.module, key, ctx).as_strings();
                key.exact().map(|names| names.iter().cloned().collect())
            }
            Key::Every => {
                let source = given.map(|value| self.eval(write.module, value, ctx));
                let source = source.and_then(|source| self.shape(&source));
                source.map(|source| source.fields.keys().cloned().collect())
            }
        };
        if let Some(names) = names {
            for name in names.into_iter().filter(|name| name != PROTO) {
                let old = shape.fields.remove(&name);
                if let Some(old) =
                    old.as_ref().filter(|old| matches!(write.value, Written::Added(..)) && is_growable(old))
                {
                    let more = self.added_by(at, ctx);
                    shape.fields.insert(name, grown(old.clone(), more));
                    continue;
                }
                let value = self.written(at, &name, ctx).filter(|_| old.is_some() || !is_deleted);
                if let Some(value) = Value::join_all(old.into_iter().chain(value)) {
                    shape.fields.insert(name, value);
                }
            }
            return;
        }
        if is_deleted {
            return;
        }
        let value = match (write.key, write.value) {
            (Key::Computed(_), Written::Value(value)) => self.eval(write.module, value, ctx),
            _ => Value::unknown("a field of an object that is assigned here"),
        };
        shape.rest = Value::join_all(shape.rest.take().into_iter().chain([value]));
    }

    /// What one write gives a field; nothing where it is a write to another.
    fn written(&mut self, at: usize, key: &str, ctx: &Ctx<'a>) -> Option<Value<'a>> {
        let write = self.heap.writes[at];
        let fits = match write.key {
            Key::Name(name) => name == key,
            Key::Private(name) => key.strip_prefix('#') == Some(name),
            Key::Computed(computed) => {
                let names = self.eval(write.module, computed, ctx).as_strings();
                names.exact().is_none_or(|names| names.contains(key))
            }
            Key::Every => true,
        };
        if !fits {
            return None;
        }
        let value = match write.value {
            Written::Value(value) | Written::Described(value) => self.eval(write.module, value, ctx),
            Written::Changed => return Some(Value::unknown("a field that is changed")),
            Written::Deleted => return Some(Value::Nullish),
            Written::Added(..) => return None,
        };
        let value = match write.key {
            Key::Every => Some(self.member(&value, key)).filter(|part| *part != Value::Nullish),
            _ => Some(value),
        };
        match write.value {
            Written::Described(_) => value.map(|field| self.described(&field)),
            _ => value,
        }
    }

    /// Whether a write is being followed already.
    fn is_followed(&mut self, at: usize) -> bool {
        let begun = self.heap.busy.iter().find(|one| one.0 == at).map(|one| one.1);
        if let Some(begun) = begun {
            self.cut_short(begun);
        }
        begun.is_some()
    }

    fn is_meant(&mut self, at: usize, id: ObjectId) -> bool {
        if let Some((_, begun)) = self.heap.asking.iter().find(|one| one.0 == at) {
            self.cut_short(*begun);
        }
        self.find_targets(at);
        let Some(targets) = &self.heap.targets[at] else { return false };
        self.consulted.extend_from_slice(&targets.consulted);
        targets.objects.contains(&id)
    }

    /// Finds out what each write is meant for while nothing is being evaluated: what is evaluated whole, as by
    /// `Object.assign`, could not tell what is written to it.
    pub(super) fn settle_writes(&mut self) {
        for at in 0..self.heap.writes.len() {
            self.glanced(|this| this.find_targets(at));
        }
    }

    fn find_targets(&mut self, at: usize) {
        if self.heap.targets[at].is_none() {
            let found = self.targets_of(at);
            self.heap.targets[at] = Some(found);
        }
    }

    /// The objects a write may be meant for, over all callers.
    fn targets_of(&mut self, at: usize) -> Targets {
        // While this is being answered, the write is meant for nothing: it cannot decide its own object.
        self.heap.targets[at] = Some(Targets::default());
        let write = self.heap.writes[at];
        self.heap.asking.push((at, self.depth));
        let mark = self.consulted.len();
        let target = match write.object.get_inner_expression() {
            // What a method writes to its own object is found with the class or object that the method belongs to.
            Expression::ThisExpression(this) => self.home(write.module, this.node_id.get()),
            _ => None,
        };
        let target = target.unwrap_or_else(|| self.on_bare_ground(|this| this.eval(write.module, write.object, &None)));
        self.heap.asking.pop();
        let objects = target.parts().iter().filter_map(identity).collect();
        Targets { objects, consulted: super::distinct(&mut self.consulted, mark), by_caller: Vec::new() }
    }
}

/// Whether some of what a value may be is a list or a map.
fn is_growable(value: &Value<'_>) -> bool {
    value.parts().iter().any(|part| match part {
        Value::Array(_) => true,
        Value::Object(shape) => shape.is_map,
        _ => false,
    })
}

/// A value whose lists and maps hold more.
fn grown<'a>(value: Value<'a>, more: Option<Value<'a>>) -> Value<'a> {
    let Some(more) = more else { return value };
    let parts = value
        .parts()
        .iter()
        .map(|part| if is_growable(part) { with_more(part.clone(), more.clone()) } else { part.clone() });
    Value::join_all(parts).unwrap_or(value.clone())
}

/// The call that made an object: inside of it, the constructor's arguments are known.
fn made<'a>(object: &Value<'a>) -> Ctx<'a> {
    match object {
        Value::Instance(one) => one.made.clone(),
        Value::Literal(one) => one.ctx.clone(),
        Value::Derived(one) => one.made.clone(),
        Value::Functions(set) => set.first().and_then(|one| one.env.clone()),
        _ => None,
    }
}
