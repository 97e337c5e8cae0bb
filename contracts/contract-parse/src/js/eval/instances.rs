//! Classes: their static fields, and what `new` makes of them.

use super::{Args, CallRef, Ctx, Evaluator, Frame};
use crate::js::value::{ClassRef, Func, Instance, ObjectId, Shape, Value, bound_to};
use oxc_ast::AstKind;
use oxc_ast::ast::{
    Class, ClassElement, Expression, MethodDefinitionKind, ObjectExpression, ObjectProperty, ObjectPropertyKind,
    PropertyKey, PropertyKind,
};
use oxc_syntax::node::NodeId;
use std::rc::Rc;

/// How many base classes are looked through.
pub(super) const BASES_MAX: usize = 8;
/// What is said of a field that the constructor of a base class reads too early.
const NOT_YET: &str = "a field that is not set before the constructor of the base class has run";

impl<'a> Evaluator<'_, 'a> {
    pub(super) fn class(module: usize, it: &'a Class<'a>, ctx: &Ctx<'a>) -> Value<'a> {
        Value::Class(Rc::new(ClassRef { module, class: it, ctx: ctx.clone() }))
    }

    /// A static field or method, read from `object`: the class itself or one that inherits from it.
    pub(super) fn static_member(&mut self, class: &Rc<ClassRef<'a>>, key: &str, object: &Value<'a>) -> Value<'a> {
        let own = self.declared_member(class, key, true, &class.ctx.clone(), object);
        match self.heap_member(&Value::Class(class.clone()), key, own) {
            Some(found) => found,
            None if key == "name" => class_name(class),
            // What is written there, every instance has.
            None if key == "prototype" => {
                Value::Instance(Rc::new(Instance { class: (**class).clone(), made: None, begun: None }))
            }
            None => match self.base(class) {
                Some(base) => self.member_on(&base, key, object),
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
                let value = self.static_member(class, &name, &object);
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
        let mut begun = instance.begun;
        let mut is_settled = false;
        // What there is, and what is not there yet or perhaps not.
        let (mut found, mut ahead): (Option<Value<'a>>, Option<Value<'a>>) = (None, None);
        for _ in 0..BASES_MAX {
            if begun.is_some_and(|one| one.at == class_id(&class)) {
                begun = None;
            }
            let (member, is_field) =
                if is_settled { (None, false) } else { self.declared_of(&class, key, &made, object) };
            let own = Value::Instance(Rc::new(Instance { class: (*class).clone(), made: made.clone(), begun }));
            let (declared, later) = match begun {
                Some(_) if is_field => (None, member),
                _ => (member, None),
            };
            let is_late = !is_settled && begun.is_some() && !self.constructor_writes(&class, key).is_empty();
            let later = later.or_else(|| is_late.then(|| Value::unknown(NOT_YET)));
            ahead = Value::join_all(ahead.into_iter().chain(later));
            let is_declared = declared.is_some();
            // What an heir gives its objects replaces what the constructors of its bases do, but not what their methods
            // do later.
            let here = if is_settled { self.heap_later(&own, key) } else { self.heap_member(&own, key, declared) };
            is_settled |= is_declared || here.is_some() && self.is_set_by_constructor(&class, key);
            found = Value::join_all(found.into_iter().chain(here));
            if is_settled && !self.is_written(key) {
                break;
            }
            match self.base(&class) {
                Some(Value::Class(base)) => {
                    made = self.made_of_base(&class, &base, made);
                    class = base;
                }
                Some(Value::Unknown(why)) if found.is_none() => return Value::Unknown(why),
                _ => break,
            }
        }
        match (found, ahead) {
            (Some(found), None) => found,
            (None, None) => Value::Nullish,
            (Some(found), Some(_)) if instance.begun.is_some_and(|one| one.is_certain) => found,
            (found, ahead) => {
                let not_yet = found.is_none().then(|| Value::unknown(NOT_YET));
                Value::join_all(found.into_iter().chain(not_yet).chain(ahead)).unwrap_or(Value::Never)
            }
        }
    }

    /// What a class declares for its instances, and whether that is a field: one that each gets when it is made.
    fn declared_of(
        &mut self,
        class: &ClassRef<'a>,
        key: &str,
        made: &Ctx<'a>,
        object: &Value<'a>,
    ) -> (Option<Value<'a>>, bool) {
        let member = self.declared_member(class, key, false, made, object);
        let method = class.class.body.body.iter().any(|element| {
            matches!(element, ClassElement::MethodDefinition(_))
                && !element.r#static()
                && field_name(element).is_some_and(|name| name == key)
        });
        (member, !method)
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
        let parts: Vec<Value<'a>> = this.parts().to_vec();
        let values = parts.iter().map(|part| match part {
            Value::Class(_) => self.member_on(&Value::Class(base.clone()), key, part),
            Value::Instance(own) => {
                let made = self.made_up_to(own, base);
                let begun = own.begun.filter(|begun| self.is_above(base, begun.at));
                let instance = Rc::new(Instance { class: (**base).clone(), made, begun });
                self.instance_member(&instance, key, part)
            }
            _ => {
                let instance = Rc::new(Instance { class: (**base).clone(), made: ctx.clone(), begun: None });
                let object = Value::Instance(instance.clone());
                self.instance_member(&instance, key, &object)
            }
        });
        let values: Vec<Value<'a>> = values.collect();
        Value::join_all(values).unwrap_or(Value::Never)
    }

    /// The frame of a base's constructor in what an object of another class was made by.
    fn made_up_to(&mut self, object: &Instance<'a>, base: &ClassRef<'a>) -> Ctx<'a> {
        let (mut class, mut made) = (Rc::new(object.class.clone()), object.made.clone());
        for _ in 0..BASES_MAX {
            if class_id(&class) == class_id(base) {
                break;
            }
            let Some(Value::Class(next)) = self.base(&class) else { break };
            made = self.made_of_base(&class, &next, made);
            class = next;
        }
        made
    }

    /// Whether a class inherits from another one.
    fn is_above(&mut self, class: &Rc<ClassRef<'a>>, other: ObjectId) -> bool {
        let mut class = class.clone();
        for _ in 0..BASES_MAX {
            match self.base(&class) {
                Some(Value::Class(base)) if class_id(&base) == other => return true,
                Some(Value::Class(base)) => class = base,
                _ => return false,
            }
        }
        false
    }

    pub(super) fn base(&mut self, class: &ClassRef<'a>) -> Option<Value<'a>> {
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

    /// What `new` makes of a class. The frame names the class in the place of an object: the object is what it makes.
    pub(super) fn instance(&mut self, class: &Rc<ClassRef<'a>>, call: CallRef<'a>, ctx: &Ctx<'a>) -> Value<'a> {
        // A class without any constructor has one all the same; its body stands for it.
        let func = self.inherited_constructor(class).unwrap_or_else(|| class_id(class));
        let (args, env) = (Args::Call(call, ctx.clone()), class.ctx.clone());
        let depth = super::frames::depth(ctx) + 1;
        let this = Some(Rc::new(Value::Class(class.clone())));
        let made = Some(Rc::new(Frame { func, args, env, this, bound: Rc::default(), depth }));
        Value::Instance(Rc::new(Instance { class: (**class).clone(), made, begun: None }))
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

/// Where a class stands.
pub(super) fn class_id(class: &ClassRef<'_>) -> ObjectId {
    (class.module, class.class.body.node_id.get())
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
