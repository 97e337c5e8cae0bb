//! What is done to lists and maps after they are made, by whatever name and in whatever module: as objects (`heap`),
//! they are known by where the program makes them.
//!
//! What each change is meant for is found out before questions are asked, as lists are evaluated whole: one that is
//! being evaluated could not tell what changes it.

use super::building::{Use, is_passing};
use super::heap::{Heap, Key, Targets, Write, Written, identity};
use super::{Args, CallRef, Ctx, Evaluator, Frame, Via, method_of};
use crate::js::program::Sym;
use crate::js::value::{Func, List, ObjectId, Value};
use oxc_ast::AstKind;
use oxc_ast::ast::{AssignmentTarget, CallExpression, Expression, PropertyKey};
use oxc_semantic::AstNodes;
use oxc_span::GetSpan;
use oxc_syntax::node::NodeId;
use rustc_hash::FxHashMap;
use std::rc::Rc;

/// What is said of a list that holds something that is not followed.
const CHANGED: &str = "a list that is changed later";
/// How often targets are looked for: lists that are reached through lists are found the second time.
const LOOKS: usize = 2;

/// The changes of lists and maps in a plugin.
#[derive(Default)]
pub(super) struct Lists<'a> {
    changes: Vec<Change<'a>>,
    /// What each change is meant for.
    targets: Vec<Targets>,
    /// Whether a list may be changed, by where it is made.
    exposed: FxHashMap<ObjectId, bool>,
    /// The same of names.
    exposed_names: FxHashMap<Sym, bool>,
    /// The changes that are being followed, each with the depth where that began.
    busy: Vec<(usize, usize)>,
}

/// A change of a list or map.
#[derive(Clone, Copy)]
struct Change<'a> {
    module: usize,
    list: &'a Expression<'a>,
    effect: Effect<'a>,
    /// The field that `heap` counts it for, too.
    field: Option<&'a str>,
}

#[derive(Clone, Copy)]
enum Effect<'a> {
    /// A method adds to it.
    Added(CallRef<'a>, &'a str),
    /// Items get to other places, or are gone.
    Moved,
    /// Items are replaced, by this where it is known.
    Replaced(Option<&'a Expression<'a>>),
    /// A map may hold less.
    Lost,
}

impl<'a> Lists<'a> {
    /// Notes a write to an object that may be a list.
    pub(super) fn note_write(&mut self, write: &Write<'a>) {
        let effect = match (write.key, write.value) {
            (_, Written::Added(..)) | (Key::Private(_), _) => return,
            (Key::Name("length"), _) => Effect::Moved,
            (Key::Name(name), _) if name.parse::<usize>().is_err() => return,
            (Key::Name(_) | Key::Computed(_), Written::Value(value)) => Effect::Replaced(Some(value)),
            _ => Effect::Replaced(None),
        };
        self.changes.push(Change { module: write.module, list: write.object, effect, field: None });
    }
}

impl<'a> Heap<'a> {
    /// Notes a call that changes the list that it is called on or given.
    pub(super) fn note_list_call(&mut self, module: usize, it: &'a CallExpression<'a>) {
        let Some((object, method)) = method_of(&it.callee) else { return };
        let call = CallRef::of_call(module, it);
        let is_change = |one: &'a Expression<'a>| method_of(one).is_some_and(|(_, method)| changes(method));
        let (list, effect) = match method {
            "push" | "unshift" | "add" | "set" | "splice" => (object, Effect::Added(call, method)),
            "sort" | "reverse" | "shift" | "pop" | "copyWithin" => (object, Effect::Moved),
            "fill" => (object, Effect::Replaced(call.argument(0))),
            "delete" | "clear" => (object, Effect::Lost),
            // `Array.prototype.push.call(list, …)`, `list.push.bind(list)`.
            "call" | "apply" | "bind" if is_change(object) => match call.argument(0) {
                Some(list) => (list, Effect::Replaced(None)),
                None => return,
            },
            "apply" => match (call.argument(0), call.argument(1)) {
                (Some(function), Some(list)) if is_change(function) => (list, Effect::Replaced(None)),
                _ => return,
            },
            _ => return,
        };
        let field = match list.get_inner_expression() {
            Expression::StaticMemberExpression(it) => Some(it.property.name.as_str()),
            Expression::PrivateFieldExpression(it) => Some(it.field.name.as_str()),
            _ => None,
        };
        let field = field.filter(|_| matches!(effect, Effect::Added(..)));
        self.lists.changes.push(Change { module, list, effect, field });
    }

    /// Notes `Object.defineProperty(object, key, …)` and the like.
    pub(super) fn note_defined(&mut self, module: usize, it: &'a CallExpression<'a>) {
        let Some((global, method)) = method_of(&it.callee) else { return };
        let Some(global) = global.get_identifier_reference().map(|it| it.name.as_str()) else { return };
        let call = CallRef::of_call(module, it);
        let (Some(object), Some(second)) = (call.argument(0), call.argument(1)) else { return };
        let (key, value) = match (global, method, call.argument(2)) {
            ("Reflect", "set", Some(value)) => (Key::of(second), Written::Value(value)),
            ("Reflect", "deleteProperty", _) => (Key::of(second), Written::Deleted),
            ("Object" | "Reflect", "defineProperty", Some(field)) => (Key::of(second), Written::Described(field)),
            ("Object", "defineProperties", _) => (Key::Every, Written::Described(second)),
            _ => return,
        };
        self.add(Write { module, node: it.node_id.get(), object, key, value });
    }

    /// Notes a member that is written otherwise than by an assignment of its own.
    pub(super) fn note_target(&mut self, module: usize, nodes: &AstNodes<'a>, node: NodeId) {
        let (object, key) = match nodes.kind(node) {
            AstKind::StaticMemberExpression(it) => (&it.object, Key::Name(it.property.name.as_str())),
            AstKind::PrivateFieldExpression(it) => (&it.object, Key::Private(it.field.name.as_str())),
            AstKind::ComputedMemberExpression(it) => (&it.object, Key::of(&it.expression)),
            _ => return,
        };
        if let Some(value) = target_of(nodes, node) {
            self.add(Write { module, node, object, key, value });
        }
    }
}

/// What is done to a member that a pattern, the head of a loop, `++` or `delete` names.
pub(crate) fn target_of<'a>(nodes: &AstNodes<'a>, member: NodeId) -> Option<Written<'a>> {
    let place = nodes.kind(member).span();
    let is_target = match nodes.parent_kind(member) {
        AstKind::ArrayAssignmentTarget(_) | AstKind::AssignmentTargetRest(_) | AstKind::UpdateExpression(_) => true,
        AstKind::AssignmentTargetWithDefault(it) => it.binding.span() == place,
        AstKind::AssignmentTargetPropertyProperty(it) => it.binding.span() == place,
        AstKind::ForOfStatement(it) => it.left.span() == place,
        AstKind::ForInStatement(it) => it.left.span() == place,
        AstKind::UnaryExpression(it) if it.operator.is_delete() => return Some(Written::Deleted),
        AstKind::ChainExpression(_) => return target_of(nodes, nodes.parent_id(member)),
        _ => false,
    };
    is_target.then_some(Written::Changed)
}

/// Whether a method changes the list or map that it is called on.
fn changes(method: &str) -> bool {
    matches!(
        method,
        "push"
            | "unshift"
            | "add"
            | "set"
            | "splice"
            | "sort"
            | "reverse"
            | "shift"
            | "pop"
            | "copyWithin"
            | "fill"
            | "delete"
            | "clear"
    )
}

impl<'a> Evaluator<'_, 'a> {
    /// Finds out what each change is meant for, as far as callers are known.
    pub(super) fn settle_lists(&mut self) {
        if std::mem::replace(&mut self.lists_are_settled, true) {
            return;
        }
        let mut consulted = std::mem::take(&mut self.consulted_before);
        consulted.append(&mut self.consulted);
        for _ in 0..LOOKS {
            self.settle_writes();
            let found: Vec<Targets> = (0..self.heap.lists.changes.len()).map(|at| self.changed_lists(at)).collect();
            if found == self.heap.lists.targets {
                break;
            }
            self.heap.lists.targets = found;
            self.forget();
            self.lists_are_settled = true;
        }
        self.consulted.clear();
        self.consulted_before = consulted;
    }

    fn changed_lists(&mut self, at: usize) -> Targets {
        let change = self.heap.lists.changes[at];
        self.take_consulted();
        let target = self.glanced(|this| this.on_bare_ground(|this| this.eval(change.module, change.list, &None)));
        let by_caller = self.by_caller(&change);
        Targets { objects: identities(&target), consulted: self.take_consulted(), by_caller }
    }

    /// What each caller gives to a change of what its function is given, as in `function add(list, one) { list.push(one) }`.
    fn by_caller(&mut self, change: &Change<'a>) -> Vec<(usize, Vec<ObjectId>)> {
        let Some(func) = self.given_to(change) else { return Vec::new() };
        let frames = self.calls_of(func);
        let given = frames.into_iter().map(|(number, frame)| {
            let list = self.glanced(|this| this.on_bare_ground(|this| this.eval(change.module, change.list, &frame)));
            (number, identities(&list))
        });
        given.collect()
    }

    /// The function whose parameter a change is made through.
    fn given_to(&self, change: &Change<'a>) -> Option<Func> {
        let mut root = change.list.get_inner_expression();
        let name = loop {
            root = match root {
                Expression::Identifier(name) => break name,
                Expression::StaticMemberExpression(it) => it.object.get_inner_expression(),
                Expression::ComputedMemberExpression(it) => it.object.get_inner_expression(),
                _ => return None,
            };
        };
        let (module, symbol) = self.symbol_of(change.module, name)?;
        let semantic = self.module(module).semantic.as_ref()?;
        let declaration = semantic.scoping().symbol_declaration(symbol);
        let is_given = matches!(semantic.nodes().kind(declaration), AstKind::FormalParameter(_));
        self.enclosing_function(module, declaration).filter(|_| is_given)
    }

    /// The calls of a function by which it is given arguments as they are written.
    fn calls_of(&mut self, func: Func) -> Vec<(usize, Ctx<'a>)> {
        self.consulted.push(func);
        let callers = self.callers.get(&func).cloned().unwrap_or_default();
        let plain = callers.iter().enumerate().filter(|(_, one)| one.call.via != Via::Each);
        let frames = plain.map(|(number, one)| {
            let (this, bound) = (one.this.clone(), one.bound.clone());
            let args = Args::Call(one.call, None);
            (number, Some(Rc::new(Frame { func, args, env: None, this, bound, depth: 1 })))
        });
        frames.collect()
    }

    /// A list, map or computed object that a place makes, with everything that is done to it anywhere.
    pub(super) fn made_at(&mut self, value: Value<'a>, place: ObjectId, ctx: &Ctx<'a>) -> Value<'a> {
        let is_new = matches!(value, Value::Array(_) | Value::Object(_)) && value.id().is_none();
        if !is_new || !self.is_exposed(place) {
            return value;
        }
        self.with_changes(value.with_id(Some(place)), ctx)
    }

    /// The same of a list that gets its name without a place of its own, as `...rest` does.
    pub(super) fn filled(&mut self, (module, id): Sym, value: Value<'a>, ctx: &Ctx<'a>) -> Value<'a> {
        let is_new = matches!(value, Value::Array(_) | Value::Object(_)) && value.id().is_none();
        let Some(semantic) = self.module(module).semantic.as_ref().filter(|_| is_new) else { return value };
        let known = self.heap.lists.exposed_names.get(&(module, id)).copied();
        let exposed = known.unwrap_or_else(|| self.is_name_exposed((module, id)));
        self.heap.lists.exposed_names.insert((module, id), exposed);
        let place = (module, semantic.scoping().symbol_declaration(id));
        if exposed { self.with_changes(value.with_id(Some(place)), ctx) } else { value }
    }

    /// Whether what a place makes may be changed, or be known by a name that it may be changed by.
    fn is_exposed(&mut self, place: ObjectId) -> bool {
        if let Some(known) = self.heap.lists.exposed.get(&place) {
            return *known;
        }
        let exposed = self.looks_exposed(place);
        self.heap.lists.exposed.insert(place, exposed);
        exposed
    }

    fn looks_exposed(&self, (module, node): ObjectId) -> bool {
        let Some(semantic) = &self.module(module).semantic else { return true };
        let nodes = semantic.nodes();
        let is_named = |it: &oxc_ast::ast::VariableDeclarator<'a>| {
            it.init.as_ref().is_some_and(|init| init.get_inner_expression().span() == nodes.kind(node).span())
        };
        match nodes.ancestor_kinds(node).find(|kind| !is_wrapper(*kind)) {
            Some(AstKind::VariableDeclarator(it)) if is_named(it) => match it.id.get_binding_identifier() {
                Some(name) => name.symbol_id.get().is_none_or(|symbol| self.is_name_exposed((module, symbol))),
                None => true,
            },
            _ => !is_passing(nodes, node) && !matches!(Use::of(nodes, node), Some(Use::Reads)),
        }
    }

    fn is_name_exposed(&self, (module, symbol): Sym) -> bool {
        let Some(semantic) = &self.module(module).semantic else { return true };
        let (nodes, scoping) = (semantic.nodes(), semantic.scoping());
        let declaration = scoping.symbol_declaration(symbol);
        let is_exported = matches!(nodes.parent_kind(nodes.parent_id(declaration)), AstKind::ExportDeclaration(_));
        let reads = |node: NodeId| matches!(Use::of(nodes, node), Some(Use::Reads));
        is_exported || !scoping.get_resolved_references(symbol).all(|one| one.is_write() || reads(one.node_id()))
    }

    /// Whether another module than the one that makes a list changes it.
    pub(super) fn is_changed_outside(&mut self, id: ObjectId) -> bool {
        let lists = &self.heap.lists;
        lists.changes.iter().zip(&lists.targets).any(|(one, at)| one.module != id.0 && at.objects.contains(&id))
    }

    fn with_changes(&mut self, value: Value<'a>, ctx: &Ctx<'a>) -> Value<'a> {
        let Some(id) = value.id() else { return value };
        let is_map = matches!(&value, Value::Object(shape) if shape.is_map);
        if !is_map && !matches!(value, Value::Array(_)) {
            return value;
        }
        let (mut added, mut moved) = (Value::Never, false);
        for at in 0..self.heap.lists.targets.len() {
            let targets = &self.heap.lists.targets[at];
            self.consulted.extend_from_slice(&targets.consulted);
            if !targets.objects.contains(&id) {
                continue;
            }
            if let Some((_, begun)) = self.heap.lists.busy.iter().find(|one| one.0 == at) {
                self.cut_short(*begun);
                self.passing += 1;
                continue;
            }
            let change = self.heap.lists.changes[at];
            if change.field.is_some() && change.field == self.field_of(id) {
                continue;
            }
            self.heap.lists.busy.push((at, self.depth));
            let more = self.added_at((at, &change), id, is_map, ctx);
            self.heap.lists.busy.pop();
            added = added.join(more);
            moved |= !matches!(change.effect, Effect::Added(_, "push" | "add" | "set") | Effect::Lost);
        }
        match value {
            Value::Array(list) if moved => {
                let List { id, items, rest } = Rc::unwrap_or_clone(list);
                let rest = Value::join_all(items.into_iter().chain(rest).chain([added]));
                Value::Array(Rc::new(List { id, items: Vec::new(), rest: rest.filter(|rest| *rest != Value::Never) }))
            }
            value => with_more(value, added),
        }
    }

    /// What a change adds to one of the lists that it is meant for: through a parameter, what the callers add that give it
    /// that list.
    fn added_at(&mut self, (at, change): (usize, &Change<'a>), id: ObjectId, is_map: bool, ctx: &Ctx<'a>) -> Value<'a> {
        let by_caller = &self.heap.lists.targets[at].by_caller;
        let giving: Vec<usize> = by_caller.iter().filter(|(_, all)| all.contains(&id)).map(|one| one.0).collect();
        let Some(func) = self.given_to(change).filter(|_| !giving.is_empty()) else {
            return self.added_by_change(change, is_map, ctx);
        };
        let frames = self.calls_of(func).into_iter().filter(|(number, _)| giving.contains(number));
        let added = frames.map(|(_, frame)| self.on_bare_ground(|this| this.added_by_change(change, is_map, &frame)));
        let added: Vec<Value<'a>> = added.collect();
        Value::join_all(added).unwrap_or(Value::Never)
    }

    /// The field that a list is written in, by which alone it is reached.
    fn field_of(&self, (module, node): ObjectId) -> Option<&'a str> {
        let nodes = self.module(module).semantic.as_ref()?.nodes();
        let place = nodes.kind(node).span();
        match nodes.ancestor_kinds(node).find(|kind| !is_wrapper(*kind))? {
            AstKind::PropertyDefinition(it) => match &it.key {
                PropertyKey::StaticIdentifier(name) => Some(name.name.as_str()),
                PropertyKey::PrivateIdentifier(name) => Some(name.name.as_str()),
                _ => None,
            },
            AstKind::ObjectProperty(it) => match &it.key {
                PropertyKey::StaticIdentifier(name) => Some(name.name.as_str()),
                _ => None,
            },
            AstKind::AssignmentExpression(it) if it.right.span() == place => match &it.left {
                AssignmentTarget::StaticMemberExpression(it) => Some(it.property.name.as_str()),
                AssignmentTarget::PrivateFieldExpression(it) => Some(it.field.name.as_str()),
                _ => None,
            },
            _ => None,
        }
    }

    fn added_by_change(&mut self, change: &Change<'a>, is_map: bool, ctx: &Ctx<'a>) -> Value<'a> {
        match change.effect {
            Effect::Added(call, method) => self.added(call, method, ctx),
            Effect::Replaced(value) => {
                let value = value.map_or(Value::Never, |value| self.eval(change.module, value, ctx));
                value.join(Value::unknown(CHANGED))
            }
            Effect::Lost if is_map => Value::Nullish,
            Effect::Moved | Effect::Lost => Value::Never,
        }
    }

    /// What a method adds to the list or map that it is called on.
    pub(super) fn added(&mut self, call: CallRef<'a>, method: &str, ctx: &Ctx<'a>) -> Value<'a> {
        let first = match method {
            "push" | "unshift" | "add" => 0,
            "splice" => 2,
            "set" => return self.given(call, 1, ctx),
            "fill" | "copyWithin" => return Value::unknown(CHANGED),
            _ => return Value::Never,
        };
        let list: Vec<Value<'a>> = (first..call.arguments.len()).map(|at| self.given(call, at, ctx)).collect();
        Value::join_all(list).unwrap_or(Value::Never)
    }
}

/// Where the program makes what a value may be.
fn identities(value: &Value<'_>) -> Vec<ObjectId> {
    let mut objects: Vec<ObjectId> = value.parts().iter().filter_map(identity).collect();
    objects.sort_unstable();
    objects.dedup();
    objects
}

/// What stands around an expression and changes nothing of it.
fn is_wrapper(kind: AstKind<'_>) -> bool {
    matches!(
        kind,
        AstKind::ParenthesizedExpression(_)
            | AstKind::TSAsExpression(_)
            | AstKind::TSSatisfiesExpression(_)
            | AstKind::TSNonNullExpression(_)
            | AstKind::TSTypeAssertion(_)
    )
}

pub(super) fn with_more<'a>(value: Value<'a>, added: Value<'a>) -> Value<'a> {
    if added == Value::Never {
        return value;
    }
    match value {
        Value::Array(list) => {
            let mut list = Rc::unwrap_or_clone(list);
            list.rest = Value::join_all(list.rest.take().into_iter().chain([added]));
            Value::Array(Rc::new(list))
        }
        Value::Object(shape) => {
            let mut shape = Rc::unwrap_or_clone(shape);
            shape.rest = Value::join_all(shape.rest.take().into_iter().chain([added]));
            Value::Object(Rc::new(shape))
        }
        other => other,
    }
}
