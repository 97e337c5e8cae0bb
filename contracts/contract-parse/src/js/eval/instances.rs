//! Classes: their static fields, what `new` makes of them, and `this`.

use super::members::bound_to;
use super::{Args, CallRef, Ctx, Evaluator, Frame, THIS};
use crate::js::value::{ClassRef, Func, Instance, Literal, Shape, Value};
use oxc_ast::AstKind;
use oxc_ast::ast::{
    Class, ClassElement, Expression, MethodDefinitionKind, ObjectExpression, ObjectProperty, ObjectPropertyKind,
    PropertyKey, PropertyKind,
};
use oxc_syntax::node::NodeId;
use std::rc::Rc;

/// How many base classes are looked through.
const BASES_MAX: usize = 8;

impl<'a> Evaluator<'_, 'a> {
    pub(super) fn class(module: usize, it: &'a Class<'a>, ctx: &Ctx<'a>) -> Value<'a> {
        Value::Class(Rc::new(ClassRef { module, class: it, ctx: ctx.clone() }))
    }

    /// A static field or method.
    pub(super) fn static_member(&mut self, class: &Rc<ClassRef<'a>>, key: &str) -> Value<'a> {
        let object = Value::Class(class.clone());
        let own = self.declared_member(class, key, true, &class.ctx.clone(), &object);
        match self.heap_member(&object, key, own) {
            Some(found) => found,
            None if key == "name" => class_name(class),
            None => match self.base(class) {
                Some(base) => self.member_on(&base, key, &object),
                None => Value::Nullish,
            },
        }
    }

    pub(super) fn static_shape(&mut self, class: &Rc<ClassRef<'a>>) -> Shape<'a> {
        let object = Value::Class(class.clone());
        let mut shape = Shape::default();
        for element in class.class.body.body.iter().filter(|element| element.r#static()) {
            let is_field = matches!(element, ClassElement::PropertyDefinition(_));
            if let Some(name) = field_name(element).filter(|_| is_field) {
                let value = self.static_member(class, &name);
                shape.fields.insert(name, value);
            }
        }
        self.with_heap(&object, shape)
    }

    /// A field or method of an instance: its own, what is written to it, or its base's.
    pub(super) fn instance_member(&mut self, instance: &Rc<Instance<'a>>, key: &str, object: &Value<'a>) -> Value<'a> {
        if key == "constructor" {
            return Value::Class(Rc::new(instance.class.clone()));
        }
        let mut class = Rc::new(instance.class.clone());
        let mut made = instance.made.clone();
        let mut found = None;
        for _ in 0..BASES_MAX {
            found = self.declared_member(&class, key, false, &made, object);
            let own = Value::Instance(Rc::new(Instance { class: (*class).clone(), made: made.clone() }));
            found = self.heap_member(&own, key, found);
            if found.is_some() {
                break;
            }
            match self.base(&class) {
                Some(Value::Class(base)) => {
                    made = self.made_of_base(&class, &base, made);
                    class = base;
                }
                Some(Value::Unknown(why)) => return Value::Unknown(why),
                _ => break,
            }
        }
        found.unwrap_or(Value::Nullish)
    }

    /// `super.key`: what the base has of that name, on the object that `this` is.
    pub(super) fn inherited_member(
        &mut self,
        base: &Value<'a>,
        key: &str,
        (module, node): Func,
        ctx: &Ctx<'a>,
    ) -> Value<'a> {
        let this = self.this(module, node, ctx);
        let Value::Class(base) = base else { return self.member_on(base, key, &this) };
        match &this {
            Value::Class(_) => self.member_on(&Value::Class(base.clone()), key, &this),
            Value::Instance(own) => {
                let made = self.made_of_base(&own.class, base, own.made.clone());
                let instance = Rc::new(Instance { class: (**base).clone(), made });
                self.instance_member(&instance, key, &this)
            }
            _ => {
                let instance = Rc::new(Instance { class: (**base).clone(), made: ctx.clone() });
                let object = Value::Instance(instance.clone());
                self.instance_member(&instance, key, &object)
            }
        }
    }

    fn base(&mut self, class: &ClassRef<'a>) -> Option<Value<'a>> {
        let base = &class.class.heritage.as_ref()?.expression;
        Some(self.eval(class.module, base, &class.ctx))
    }

    /// The frame of a base's constructor inside of the one that calls it by `super(…)`.
    fn made_of_base(&self, class: &ClassRef<'a>, base: &ClassRef<'a>, made: Ctx<'a>) -> Ctx<'a> {
        let Some(call) = constructor(class).and_then(|func| self.supers.get(&func)) else { return made };
        let Some(func) = constructor(base) else { return made };
        // Where the `new` itself is not known, the base's arguments are asked from everywhere.
        made.as_ref()?;
        let (args, env, depth) = (Args::Call(*call, made.clone()), base.ctx.clone(), super::frames::depth(&made) + 1);
        Some(Rc::new(Frame { func, args, env, this: None, bound: Rc::default(), depth }))
    }

    fn declared_member(
        &mut self,
        class: &ClassRef<'a>,
        key: &str,
        is_static: bool,
        made: &Ctx<'a>,
        object: &Value<'a>,
    ) -> Option<Value<'a>> {
        let mut found = None;
        for element in class.class.body.body.iter().filter(|element| element.r#static() == is_static) {
            let (name, computed) = match element {
                ClassElement::MethodDefinition(method) => (&method.key, method.computed),
                ClassElement::PropertyDefinition(field) => (&field.key, field.computed),
                _ => continue,
            };
            let names = self.key_name(class.module, name, computed, &class.ctx);
            if names.is_some_and(|names| names.iter().any(|name| name == key)) {
                found = Some(self.element(class, element, made, object));
            }
        }
        found.or_else(|| self.parameter_property(class, key, made))
    }

    fn element(
        &mut self,
        class: &ClassRef<'a>,
        element: &'a ClassElement<'a>,
        made: &Ctx<'a>,
        object: &Value<'a>,
    ) -> Value<'a> {
        match element {
            ClassElement::MethodDefinition(method) => {
                let func = (class.module, method.value.node_id.get());
                let function = bound_to(Value::function(func, class.ctx.clone()), object);
                match method.kind {
                    MethodDefinitionKind::Get => self.returned_bound(&function, object),
                    MethodDefinitionKind::Set => Value::Never,
                    _ => function,
                }
            }
            ClassElement::PropertyDefinition(field) => match &field.value {
                Some(value) => {
                    let value = self.eval(class.module, value, made);
                    bound_to(value, object)
                }
                None => Value::Nullish,
            },
            _ => Value::Never,
        }
    }

    /// `constructor(private app)` of TypeScript makes a field of its parameter.
    fn parameter_property(&mut self, class: &ClassRef<'a>, key: &str, made: &Ctx<'a>) -> Option<Value<'a>> {
        let constructor = constructor(class)?;
        let params = self.params(constructor)?;
        let at = params.items.iter().position(|one| {
            (one.accessibility.is_some() || one.readonly)
                && one.pattern.get_binding_identifier().is_some_and(|id| id.name == key)
        })?;
        let value = self.argument(constructor, at, made);
        match &params.items[at].initializer {
            Some(default) => Some(self.or_default(class.module, value, default, made)),
            None => Some(value),
        }
    }

    /// What `new` makes of a class.
    pub(super) fn instance(&mut self, class: &Rc<ClassRef<'a>>, call: CallRef<'a>, ctx: &Ctx<'a>) -> Value<'a> {
        let made = self.inherited_constructor(class).map(|func| {
            let (args, env) = (Args::Call(call, ctx.clone()), class.ctx.clone());
            let depth = super::frames::depth(ctx) + 1;
            Rc::new(Frame { func, args, env, this: None, bound: Rc::default(), depth })
        });
        Value::Instance(Rc::new(Instance { class: (**class).clone(), made: made.or_else(|| class.ctx.clone()) }))
    }

    /// The constructor that `new` of a class runs first: its own or a base's.
    pub(crate) fn inherited_constructor(&mut self, class: &Rc<ClassRef<'a>>) -> Option<Func> {
        let mut class = class.clone();
        for _ in 0..BASES_MAX {
            if let Some(func) = constructor(&class) {
                return Some(func);
            }
            match self.base(&class) {
                Some(Value::Class(base)) => class = base,
                _ => return None,
            }
        }
        None
    }

    /// What `super` stands for: the base class of the class around a node, or the prototype of the object literal whose
    /// method it is in.
    pub(super) fn base_around(&mut self, module: usize, node: NodeId, ctx: &Ctx<'a>) -> Value<'a> {
        let nodes = self.module(module).semantic.as_ref().map(oxc_semantic::Semantic::nodes);
        let mut around = nodes.into_iter().flat_map(|nodes| nodes.ancestor_kinds(node));
        let is_home = |kind: &AstKind<'a>| match kind {
            AstKind::Class(_) => true,
            AstKind::ObjectProperty(it) => it.method || it.kind != PropertyKind::Init,
            _ => false,
        };
        let base = match (around.find(is_home), around.next()) {
            (Some(AstKind::Class(class)), _) => self.base(&ClassRef { module, class, ctx: None }),
            (Some(_), Some(AstKind::ObjectExpression(object))) => {
                prototype(object).map(|base| self.eval(module, base, ctx))
            }
            _ => None,
        };
        base.unwrap_or_else(|| Value::unknown("`super`"))
    }

    /// `this`: the object a method is called on where the call is known, else any instance of its class.
    pub(super) fn this(&mut self, module: usize, node: NodeId, ctx: &Ctx<'a>) -> Value<'a> {
        let Some(nodes) = self.module(module).semantic.as_ref().map(oxc_semantic::Semantic::nodes) else {
            return Value::unknown("`this`");
        };
        // Arrow functions have the `this` of what is around them.
        let owner = nodes.ancestors(node).find(|one| matches!(one.kind(), AstKind::Function(_) | AstKind::Class(_)));
        let Some(owner) = owner else { return Value::unknown("`this`") };
        if let AstKind::Class(class) = owner.kind() {
            return self.this_of_class(module, class, None, node, ctx);
        }
        let function = Some((module, owner.id()));
        let holder = nodes.parent_id(owner.id());
        match (nodes.kind(holder), nodes.parent_kind(holder), nodes.parent_kind(nodes.parent_id(holder))) {
            (AstKind::MethodDefinition(_), _, AstKind::Class(class)) => {
                self.this_of_class(module, class, function, node, ctx)
            }
            (AstKind::ObjectProperty(_), AstKind::ObjectExpression(object), _) => {
                let any = Value::Literal(Rc::new(Literal { module, object, ctx: ctx.clone() }));
                self.receiver(function, any, ctx)
            }
            _ => self.receiver(function, Value::unknown("`this`"), ctx),
        }
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
        let is_static = class.body.body.iter().any(|element| {
            use oxc_span::GetSpan;
            let span = element.span();
            let place = self.module(module).kind(node).map_or(span, |kind| kind.span());
            let is_static = element.r#static() || matches!(element, ClassElement::StaticBlock(_));
            is_static && span.start <= place.start && place.end <= span.end
        });
        if is_static {
            return Value::Class(reference);
        }
        // Inside of the constructor or a field, the arguments of `new` are those of the frame, if there is one.
        let any = Value::Instance(Rc::new(Instance { class: (*reference).clone(), made: ctx.clone() }));
        match function {
            Some(func) if constructor(&reference) != Some(func) => self.receiver(function, any, ctx),
            _ => any,
        }
    }

    /// The object of the call that a method is in, else `any`; then it is noted that the call would matter.
    fn receiver(&mut self, function: Option<Func>, any: Value<'a>, ctx: &Ctx<'a>) -> Value<'a> {
        let Some(func) = function else { return any };
        let touched = self.touched.len();
        let known = self.is_called(func, ctx).then(|| self.argument(func, THIS, ctx));
        self.touched.truncate(touched);
        match known {
            Some(Value::Unknown(_) | Value::Never) | None => {
                self.consulted.push(func);
                if known.is_none() && self.callers.contains_key(&func) {
                    self.touched_this.push(func);
                }
                any
            }
            Some(value) => value,
        }
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
}

/// What an object literal inherits from, where it says so: `{ __proto__: base }`.
pub(super) fn prototype<'a>(object: &'a ObjectExpression<'a>) -> Option<&'a Expression<'a>> {
    object.properties.iter().find_map(|property| match property {
        ObjectPropertyKind::ObjectProperty(it) if is_prototype(it) => Some(&it.value),
        _ => None,
    })
}

/// Whether a property is no field but says what the object inherits from.
pub(super) fn is_prototype(it: &ObjectProperty<'_>) -> bool {
    let is_plain = it.kind == PropertyKind::Init && !it.computed && !it.shorthand && !it.method;
    is_plain && it.key.static_name().is_some_and(|name| name == "__proto__")
}

/// The name that a class has by itself.
fn class_name<'a>(class: &ClassRef<'a>) -> Value<'a> {
    match &class.class.id {
        Some(name) => Value::text(&name.name),
        None => Value::unknown("the name of a class that is written without one"),
    }
}

/// The constructor of a class.
pub(crate) fn constructor(class: &ClassRef<'_>) -> Option<Func> {
    class.class.body.body.iter().find_map(|element| match element {
        ClassElement::MethodDefinition(method) if method.kind == MethodDefinitionKind::Constructor => {
            Some((class.module, method.value.node_id.get()))
        }
        _ => None,
    })
}

/// The written name of a field or method.
pub(super) fn field_name(element: &ClassElement<'_>) -> Option<String> {
    let key = match element {
        ClassElement::PropertyDefinition(field) if !field.computed => &field.key,
        ClassElement::MethodDefinition(method) if !method.computed => &method.key,
        _ => return None,
    };
    match key {
        PropertyKey::PrivateIdentifier(it) => Some(format!("#{}", it.name)),
        other => other.static_name().map(std::borrow::Cow::into_owned),
    }
}
