//! `this`: the object that a method is called on, that a constructor makes, or the class that a static one belongs to.
//!
//! A method may be called on any class that inherits it. Where the call is known, its object is the answer. Else what
//! handlers and loops are given is, else any class that has the method, so that no override is passed over.

use super::instances::{BASES_MAX, class_id, constructor};
use super::{Args, Bases, Ctx, DEPTH_MAX, Evaluator, Frame, THIS, Via, is_function};
use crate::js::value::{Begun, ClassRef, Func, Instance, Literal, ObjectId, Value};
use oxc_ast::AstKind;
use oxc_ast::ast::{Class, ClassElement, Expression};
use oxc_span::GetSpan;
use oxc_syntax::node::NodeId;
use std::collections::BTreeMap;
use std::rc::Rc;

/// The most classes that inherit from one and are told apart.
const HEIRS_MAX: usize = 64;

/// The classes that inherit from each class, however far below, once they were looked for.
pub(super) type Heirs<'a> = BTreeMap<ObjectId, Vec<Rc<ClassRef<'a>>>>;

impl<'a> Evaluator<'_, 'a> {
    /// `this` at a place.
    pub(super) fn this(&mut self, module: usize, node: NodeId, ctx: &Ctx<'a>) -> Value<'a> {
        let Some(nodes) = self.module(module).semantic.as_ref().map(oxc_semantic::Semantic::nodes) else {
            return Value::unknown("`this`");
        };
        // Arrow functions have the `this` of what is around them.
        let owner = nodes.ancestors(node).find(|one| matches!(one.kind(), AstKind::Function(_) | AstKind::Class(_)));
        let Some(owner) = owner else { return Value::unknown("`this`") };
        let value = if let AstKind::Class(class) = owner.kind() {
            self.this_of_class(module, class, None, node, ctx)
        } else {
            let function = (module, owner.id());
            let holder = nodes.parent_id(owner.id());
            match (nodes.kind(holder), nodes.parent_kind(holder), nodes.parent_kind(nodes.parent_id(holder))) {
                (AstKind::MethodDefinition(_), _, AstKind::Class(class)) => {
                    self.this_of_class(module, class, Some(function), node, ctx)
                }
                (AstKind::ObjectProperty(_), AstKind::ObjectExpression(object), _) => {
                    let any = Value::Literal(Rc::new(Literal { module, object, ctx: ctx.clone() }));
                    self.receiver(function, any, ctx)
                }
                _ => match self.made_by_function(function, ctx) {
                    Some(made) => made,
                    None => self.receiver(function, Value::unknown("`this`"), ctx),
                },
            }
        };
        self.as_seen_within(value, module, node, owner.id())
    }

    /// The class or object that what stands around a place belongs to: what its `this` is, unless it is inherited.
    pub(super) fn home(&mut self, module: usize, node: NodeId) -> Option<Value<'a>> {
        let nodes = self.module(module).semantic.as_ref()?.nodes();
        let is_owner = |kind: AstKind<'a>| matches!(kind, AstKind::Function(_) | AstKind::Class(_));
        let owner = nodes.ancestors(node).find(|one| is_owner(one.kind()))?;
        let holder = nodes.parent_id(owner.id());
        let around = (nodes.kind(holder), nodes.parent_kind(holder), nodes.parent_kind(nodes.parent_id(holder)));
        let class = match (owner.kind(), around) {
            (AstKind::Class(class), _) | (_, (AstKind::MethodDefinition(_), _, AstKind::Class(class))) => class,
            (_, (AstKind::ObjectProperty(_), AstKind::ObjectExpression(object), _)) => {
                return Some(Value::Literal(Rc::new(Literal { module, object, ctx: None })));
            }
            (AstKind::Function(_), _) => return self.home_of_function((module, owner.id())),
            _ => return None,
        };
        let reference = ClassRef { module, class, ctx: None };
        if self.is_static(&reference, node) {
            return Some(Value::Class(Rc::new(reference)));
        }
        Some(Value::Instance(Rc::new(Instance { class: reference, made: None, begun: None })))
    }

    fn is_static(&self, class: &ClassRef<'a>, node: NodeId) -> bool {
        let place = self.module(class.module).kind(node).map(|kind| kind.span());
        class.class.body.body.iter().any(|element| {
            let span = element.span();
            let is_static = element.r#static() || matches!(element, ClassElement::StaticBlock(_));
            is_static && place.is_none_or(|place| span.start <= place.start && place.end <= span.end)
        })
    }

    /// An object that is being made, as the functions within a method see it: handlers run when it is done, of others
    /// that is not certain.
    fn as_seen_within(&self, value: Value<'a>, module: usize, node: NodeId, owner: NodeId) -> Value<'a> {
        let is_begun = |part: &Value<'a>| matches!(part, Value::Instance(one) if one.begun.is_some());
        if !value.parts().iter().any(is_begun) {
            return value;
        }
        let nodes = self.module(module).semantic.as_ref().map(oxc_semantic::Semantic::nodes);
        let around = nodes.into_iter().flat_map(|nodes| nodes.ancestors(node));
        let functions = around.take_while(|one| one.id() != owner).filter(|one| is_function(one.kind()));
        let functions: Vec<Func> = functions.map(|one| (module, one.id())).collect();
        if functions.is_empty() {
            return value;
        }
        let is_done = functions.iter().any(|func| self.handlers.contains_key(func));
        progressed(&value, |begun| (!is_done).then_some(Begun { is_certain: false, ..begun }))
    }

    fn this_of_class(
        &mut self,
        module: usize,
        class: &'a Class<'a>,
        function: Option<Func>,
        node: NodeId,
        ctx: &Ctx<'a>,
    ) -> Value<'a> {
        let reference = Rc::new(ClassRef { module, class, ctx: None });
        let is_static = self.is_static(&reference, node);
        match function {
            // A static field or block is run once, for the class that it is written in.
            None if is_static => Value::Class(reference),
            Some(func) if is_static => self.receiver(func, Value::Class(reference), ctx),
            Some(func) if constructor(&reference) != Some(func) => {
                let any =
                    Value::Instance(Rc::new(Instance { class: (*reference).clone(), made: ctx.clone(), begun: None }));
                self.receiver(func, any, ctx)
            }
            _ => self.made(&reference, ctx),
        }
    }

    /// The object that a constructor or the fields of a class are at work on: one of the class or of an heir, of which
    /// then only this much is done.
    fn made(&mut self, class: &Rc<ClassRef<'a>>, ctx: &Ctx<'a>) -> Value<'a> {
        let func = constructor(class).unwrap_or_else(|| class_id(class));
        let object = self.object_of(func, ctx);
        let any = Value::Instance(Rc::new(Instance { class: (**class).clone(), made: ctx.clone(), begun: None }));
        let object = match object {
            Some(object) => object,
            None if !self.inherits() => any,
            None => {
                self.consulted.push(func);
                if !self.merging && self.callers.contains_key(&func) {
                    self.touched_this.push(func);
                    any
                } else {
                    self.with_heirs(any)
                }
            }
        };
        let at = class_id(class);
        let is_below = |part: &Value<'a>| matches!(part, Value::Instance(one) if class_id(&one.class) != at);
        let parts = object.parts().iter().map(|part| match part {
            Value::Instance(one) if is_below(part) => {
                Value::Instance(Rc::new(Instance { begun: Some(Begun { at, is_certain: true }), ..(**one).clone() }))
            }
            other => other.clone(),
        });
        Value::join_all(parts.collect::<Vec<_>>()).unwrap_or(Value::Never)
    }

    /// What the constructor that a place is in makes, where the `new` is known.
    fn object_of(&mut self, func: Func, ctx: &Ctx<'a>) -> Option<Value<'a>> {
        let mut frame = ctx.as_ref();
        while let Some(one) = frame {
            if one.func == func {
                return made_in(one);
            }
            frame = one.env.as_ref();
        }
        // A class without a constructor of its own is made by the frame of an heir or a base.
        if let Some(found) = ctx.as_ref().and_then(made_in).filter(|_| self.params(func).is_none()) {
            return Some(found);
        }
        let found = self.assumed.iter().position(|one| one.func == func)?;
        let one = self.assumed[found].clone();
        if self.busy_arguments.contains_key(&(func, THIS)) || self.depth >= DEPTH_MAX {
            return None;
        }
        self.passing += 1;
        self.used.push((found, THIS));
        match (&one.this, &one.args) {
            (Some(class), _) => match &**class {
                Value::Class(class) => {
                    Some(Value::Instance(Rc::new(Instance { class: (**class).clone(), made: None, begun: None })))
                }
                _ => None,
            },
            (None, Args::Call(call, outer)) if matches!(call.callee, Expression::Super(_)) => {
                self.busy_arguments.insert((func, THIS), self.depth);
                self.depth += 1;
                let object = self.this(call.module, call.node, outer);
                self.depth -= 1;
                self.busy_arguments.remove(&(func, THIS));
                Some(object)
            }
            _ => None,
        }
    }

    /// The object of the call that a method is in, else what handlers and loops are given, else `any`; then it is noted
    /// that the call would matter.
    fn receiver(&mut self, func: Func, any: Value<'a>, ctx: &Ctx<'a>) -> Value<'a> {
        let touched = self.touched.len();
        let known = self.is_called(func, ctx).then(|| self.argument(func, THIS, ctx));
        self.touched.truncate(touched);
        match known {
            Some(Value::Unknown(_) | Value::Never) | None => {}
            Some(value) => return value,
        }
        self.consulted.push(func);
        let callers = self.callers.get(&func).cloned().unwrap_or_default();
        if known.is_none() && !callers.is_empty() {
            self.touched_this.push(func);
        }
        if !self.inherits() {
            return any;
        }
        let given = self.receivers.get(&func).into_iter().flatten().cloned();
        let looped =
            callers.iter().filter(|one| one.call.via == Via::Each).filter_map(|one| one.this.as_deref().cloned());
        let given: Vec<Value<'a>> = given.chain(looped).map(|one| progressed(&one, |_| None)).collect();
        match Value::join_all(given) {
            Some(given) if !matches!(given, Value::Unknown(_) | Value::Nullish) => given,
            // Anything may have been made to inherit from an object.
            _ if callers.is_empty() && self.bases == Bases::Objects && matches!(any, Value::Literal(_)) => {
                any.join(Value::unknown("`this`"))
            }
            _ if self.merging || callers.is_empty() => self.with_heirs(any),
            _ => any,
        }
    }

    /// Any object of a class or of one that inherits from it.
    fn with_heirs(&mut self, any: Value<'a>) -> Value<'a> {
        let (id, is_class) = match &any {
            Value::Class(class) => (class_id(class), true),
            Value::Instance(one) => (class_id(&one.class), false),
            _ => return any,
        };
        let heirs = self.heirs_of(id);
        let heirs = heirs.into_iter().map(|class| {
            if is_class {
                return Value::Class(class);
            }
            Value::Instance(Rc::new(Instance { class: (*class).clone(), made: None, begun: None }))
        });
        Value::join_all(std::iter::once(any).chain(heirs)).unwrap_or(Value::Never)
    }

    fn heirs_of(&mut self, id: ObjectId) -> Vec<Rc<ClassRef<'a>>> {
        if self.heirs.is_none() {
            // While this is being found out, nothing inherits: a class cannot decide its own base.
            self.heirs = Some(Heirs::new());
            let found = self.on_bare_ground(Self::all_heirs);
            self.heirs = Some(found);
        }
        self.heirs.as_ref().and_then(|heirs| heirs.get(&id)).cloned().unwrap_or_default()
    }

    fn all_heirs(&mut self) -> Heirs<'a> {
        let mut heirs = Heirs::new();
        for module in 0..self.modules.list.len() {
            let Some(semantic) = &self.module(module).semantic else { continue };
            for node in semantic.nodes().iter() {
                let AstKind::Class(class) = node.kind() else { continue };
                let heir = Rc::new(ClassRef { module, class, ctx: None });
                let mut open: Vec<(Rc<ClassRef<'a>>, usize)> = vec![(heir.clone(), 0)];
                while let Some((one, steps)) = open.pop() {
                    let Some(base) = self.base(&one).filter(|_| steps < BASES_MAX) else { continue };
                    for part in base.parts() {
                        let Value::Class(base) = part else { continue };
                        let all = heirs.entry(class_id(base)).or_default();
                        let is_new = !all.iter().any(|old| class_id(old) == class_id(&heir));
                        if is_new && all.len() < HEIRS_MAX {
                            all.push(heir.clone());
                            open.push((base.clone(), steps + 1));
                        }
                    }
                }
            }
        }
        heirs
    }

    fn is_called(&self, func: Func, ctx: &Ctx<'a>) -> bool {
        let mut frame = ctx.as_ref();
        while let Some(one) = frame {
            if one.func == func {
                return true;
            }
            frame = one.env.as_ref();
        }
        self.assumed.iter().any(|one| one.func == func)
    }

    /// Whether the constructor of a class surely gives its object a field.
    pub(super) fn is_set_by_constructor(&mut self, class: &ClassRef<'a>, key: &str) -> bool {
        let Some((module, func)) = constructor(class) else { return false };
        let Some(nodes) = self.module(module).semantic.as_ref().map(oxc_semantic::Semantic::nodes) else {
            return false;
        };
        self.constructor_writes(class, key).into_iter().any(|write| {
            let statement = nodes.parent_id(write);
            let body = nodes.parent_id(statement);
            matches!(nodes.kind(statement), AstKind::ExpressionStatement(_)) && nodes.parent_id(body) == func
        })
    }
}

/// The object that a constructor's frame is at work on: the one that the outermost `new` makes.
fn made_in<'a>(frame: &Rc<Frame<'a>>) -> Option<Value<'a>> {
    let mut frame = frame;
    for _ in 0..=BASES_MAX {
        if let Some(Value::Class(class)) = frame.this.as_deref()
            && is_of_new(frame)
        {
            let made = Some(frame.clone());
            return Some(Value::Instance(Rc::new(Instance { class: (**class).clone(), made, begun: None })));
        }
        frame = match &frame.args {
            Args::Call(call, Some(outer)) if matches!(call.callee, Expression::Super(_)) => outer,
            _ => return None,
        };
    }
    None
}

fn progressed<'a>(value: &Value<'a>, change: impl Fn(Begun) -> Option<Begun>) -> Value<'a> {
    let parts = value.parts().iter().map(|part| match part {
        Value::Instance(one) => {
            Value::Instance(Rc::new(Instance { begun: one.begun.and_then(&change), ..(**one).clone() }))
        }
        other => other.clone(),
    });
    Value::join_all(parts.collect::<Vec<_>>()).unwrap_or(Value::Never)
}

/// Whether a frame is that of a constructor: a static method is called on a class, too, but not by `new`.
fn is_of_new(frame: &Frame<'_>) -> bool {
    matches!(&frame.args, Args::Call(call, _) if call.via == Via::New)
}
