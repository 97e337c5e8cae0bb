//! Fields of values.

use super::Evaluator;
use super::instances::{BASES_MAX, field_name, is_prototype};
use crate::js::form::Form;
use crate::js::strings::Strings;
use crate::js::surface;
use crate::js::value::{Closure, Host, Instance, List, Literal, Shape, Value, bound_to};
use oxc_ast::ast::{ObjectProperty, ObjectPropertyKind, PropertyKind};
use std::rc::Rc;

impl<'a> Evaluator<'_, 'a> {
    /// `object.key`.
    pub(crate) fn member(&mut self, object: &Value<'a>, key: &str) -> Value<'a> {
        let form = match object {
            Value::Object(_) | Value::Literal(_) | Value::Derived(_) => Some(Form::Objects),
            Value::Class(_) | Value::Instance(_) => Some(Form::Classes),
            _ => None,
        };
        if let Some(nothing) = form.and_then(|form| self.lacking(form)) {
            return nothing;
        }
        match object {
            Value::Object(shape) => {
                let declared = match (shape.fields.get(key).filter(|_| !shape.is_map), &shape.rest) {
                    (Some(value), None) => Some(value.clone()),
                    (Some(value), Some(rest)) => Some(value.clone().join(rest.clone())),
                    (None, Some(rest)) if !shape.is_map => Some(rest.clone()),
                    (None, _) => None,
                };
                self.heap_member(object, key, declared).unwrap_or(Value::Nullish)
            }
            Value::Literal(literal) => self.literal_member(literal, key, object),
            Value::Class(class) => self.static_member(class, key, object),
            Value::Instance(instance) => self.instance_member(instance, key, object),
            Value::Derived(one) => self.derived_member(one, key, object),
            Value::Array(list) => match key.parse::<usize>() {
                Ok(at) if at < list.items.len() => list.items[at].clone(),
                Ok(_) => list.rest.clone().unwrap_or(Value::Nullish),
                Err(_) if key == "length" && list.rest.is_none() => Value::Scalar(list.items.len().to_string()),
                Err(_) => Value::unknown("a member of a list"),
            },
            Value::Module(module) => match self.modules.export(*module, key) {
                Some(binding) => self.binding(binding),
                None => Value::unknown("something its module does not export"),
            },
            Value::Host(Host::Event(event)) if key == "topic" => self.event_topic(*event),
            Value::Host(Host::Object("config")) => self.known.config(key),
            Value::Host(Host::Object("plugin")) => self.known.plugin(key),
            Value::Host(host) => host_member(host, key),
            Value::Either(parts) => {
                // Reading a field of nothing throws, so nothing comes of it.
                let parts = parts.iter().filter(|part| !matches!(part, Value::Nullish));
                let values: Vec<Value<'a>> = parts.map(|part| self.member(part, key)).collect();
                Value::join_all(values).unwrap_or(Value::Never)
            }
            Value::Text(text) if key == "length" => {
                text.single().map_or_else(|| Value::unknown("a length"), |text| Value::Scalar(text.len().to_string()))
            }
            Value::Text(text) => match (text.single(), key.parse::<usize>()) {
                (Some(text), Ok(at)) if text.is_ascii() => text.get(at..=at).map_or(Value::Nullish, Value::text),
                _ => Value::unknown(&format!("the member `{key}` of a text")),
            },
            Value::Never => Value::Never,
            Value::Unknown(why) => Value::Unknown(why.clone()),
            Value::Functions(set) if key == "prototype" => match &set[..] {
                [one] => self.function_prototype(one),
                _ => Value::unknown("a member of a function"),
            },
            Value::Functions(_) => {
                self.heap_member(object, key, None).unwrap_or_else(|| Value::unknown("a member of a function"))
            }
            _ => Value::unknown(&format!("the member `{key}`")),
        }
    }

    fn event_topic(&self, event: usize) -> Value<'a> {
        let group = self.events.get(event).into_iter().flatten();
        let topics = group.filter_map(|handler| self.topics.get(*handler)).cloned();
        Value::Text(topics.reduce(Strings::join).unwrap_or_else(Strings::any))
    }

    /// `object[key]`: with an unknown key, any of the values.
    pub(super) fn computed_member(&mut self, object: &Value<'a>, key: &Value<'a>) -> Value<'a> {
        if let Some(keys) = key.as_strings().exact() {
            let values: Vec<Value<'a>> = keys.iter().map(|key| self.member(object, key)).collect();
            return Value::join_all(values).unwrap_or(Value::Nullish);
        }
        if let Some(nothing) = self.lacking(Form::Choices) {
            return nothing;
        }
        // The key may be one that is not there.
        self.values(object).element().join(Value::Nullish)
    }

    /// A field of an object literal: the last property of that name, what is spread around it, and what is
    /// written to it later.
    fn literal_member(&mut self, literal: &Rc<Literal<'a>>, key: &str, object: &Value<'a>) -> Value<'a> {
        let mut found = Value::Never;
        for property in literal.object.properties.iter().rev() {
            match property {
                ObjectPropertyKind::SpreadProperty(spread) => {
                    let inner = self.eval(literal.module, &spread.argument, &literal.ctx);
                    let part = match self.member(&inner, key) {
                        Value::Unknown(_) => Value::unknown("an object that is spread here"),
                        part => part,
                    };
                    match part {
                        Value::Nullish | Value::Never => {}
                        part => {
                            let certain =
                                !part.parts().iter().any(|one| matches!(one, Value::Nullish | Value::Unknown(_)));
                            found = found.join(part);
                            if certain {
                                break;
                            }
                        }
                    }
                }
                ObjectPropertyKind::ObjectProperty(it) if is_prototype(it) => {}
                ObjectPropertyKind::ObjectProperty(it) => {
                    let names = self.key_name(literal.module, &it.key, it.computed, &literal.ctx);
                    match names {
                        Some(names) if !names.iter().any(|name| name == key) => {}
                        Some(names) if names.len() == 1 => {
                            found = found.join(self.property(literal, it, object));
                            break;
                        }
                        _ => found = found.join(self.property(literal, it, object)),
                    }
                }
            }
        }
        let declared = Some(found).filter(|found| *found != Value::Never);
        let here = Value::Literal(literal.clone());
        let own = self.heap_member(&here, key, declared);
        self.inherited_by(&here, key, object, own)
    }

    /// What an object has from the one it inherits from: its functions and getters run on the object.
    pub(super) fn member_on(&mut self, base: &Value<'a>, key: &str, object: &Value<'a>) -> Value<'a> {
        match base {
            Value::Literal(literal) if !self.known.lacks(Form::Objects) => {
                return self.literal_member(literal, key, object);
            }
            Value::Class(class) if !self.known.lacks(Form::Classes) => return self.static_member(class, key, object),
            Value::Instance(one) if !self.known.lacks(Form::Classes) => return self.instance_member(one, key, object),
            Value::Derived(one) if !self.known.lacks(Form::Objects) => return self.derived_member(one, key, object),
            Value::Either(parts) => {
                let values: Vec<Value<'a>> = parts.iter().map(|part| self.member_on(part, key, object)).collect();
                return Value::join_all(values).unwrap_or(Value::Never);
            }
            _ => {}
        }
        let set = match self.member(base, key) {
            Value::Functions(set) => set,
            other => return other,
        };
        let this = Rc::new(object.clone());
        let on = |one: &Closure<'a>| match &one.this {
            Some(bound) if **bound != *base => one.clone(),
            _ => Closure { this: Some(this.clone()), ..one.clone() },
        };
        Value::Functions(Rc::new(set.iter().map(on).collect()))
    }

    fn property(&mut self, literal: &Rc<Literal<'a>>, it: &'a ObjectProperty<'a>, object: &Value<'a>) -> Value<'a> {
        let value = self.eval(literal.module, &it.value, &literal.ctx);
        match it.kind {
            PropertyKind::Init => bound_to(value, object),
            // A getter gives what its function returns.
            PropertyKind::Get => self.returned_bound(&value, object),
            PropertyKind::Set => Value::Never,
        }
    }

    /// All fields of a value by name, as far as they are known.
    pub(crate) fn shape_of(&mut self, object: &Value<'a>) -> Option<Rc<Shape<'a>>> {
        self.shape(object)
    }

    pub(super) fn shape(&mut self, object: &Value<'a>) -> Option<Rc<Shape<'a>>> {
        match object {
            Value::Object(shape) if shape.id.is_none() || shape.is_map => Some(shape.clone()),
            Value::Object(shape) => Some(Rc::new(self.with_heap(object, (**shape).clone()))),
            Value::Literal(literal) => Some(Rc::new(self.literal_shape(literal, object))),
            Value::Module(module) => {
                let names = self.modules.export_names(*module);
                let fields = names.into_iter().map(|name| {
                    let value = self.member(object, &name);
                    (name, value)
                });
                Some(Rc::new(Shape { fields: fields.collect(), ..Shape::default() }))
            }
            Value::Derived(one) => {
                let shape = self.with_heap(object, one.own.clone());
                Some(Rc::new(shape))
            }
            Value::Class(class) => Some(Rc::new(self.static_shape(class))),
            Value::Instance(instance) => Some(Rc::new(self.instance_shape(instance, object))),
            _ => None,
        }
    }

    fn literal_shape(&mut self, literal: &Rc<Literal<'a>>, object: &Value<'a>) -> Shape<'a> {
        let mut shape = Shape::default();
        for property in &literal.object.properties {
            match property {
                ObjectPropertyKind::SpreadProperty(spread) => {
                    let inner = self.eval(literal.module, &spread.argument, &literal.ctx);
                    match self.shape(&inner) {
                        Some(inner) => {
                            shape.fields.extend(inner.fields.clone());
                            shape.rest = Value::join_all(shape.rest.take().into_iter().chain(inner.rest.clone()));
                        }
                        None if matches!(inner, Value::Nullish | Value::Never) => {}
                        None => shape.rest = Some(Value::unknown("an object that is spread here")),
                    }
                }
                ObjectPropertyKind::ObjectProperty(it) if is_prototype(it) => {}
                ObjectPropertyKind::ObjectProperty(it) => {
                    let value = self.property(literal, it, object);
                    match self.key_name(literal.module, &it.key, it.computed, &literal.ctx) {
                        Some(names) => shape.fields.extend(names.into_iter().map(|name| (name, value.clone()))),
                        None => shape.rest = Value::join_all(shape.rest.take().into_iter().chain([value])),
                    }
                }
            }
        }
        self.with_heap(object, shape)
    }

    /// `Object.values(object)`, or the list itself.
    pub(super) fn values(&mut self, object: &Value<'a>) -> Value<'a> {
        if let Some(shape) = self.shape(object) {
            let items = shape.fields.values().cloned().collect();
            return Value::Array(Rc::new(List { items, rest: shape.rest.clone(), ..List::default() }));
        }
        match object {
            Value::Array(_) => object.clone(),
            Value::Either(parts) => {
                let lists: Vec<Value<'a>> = parts.iter().map(|part| self.values(part).element()).collect();
                Value::join_all(lists).unwrap_or(Value::Never).many()
            }
            Value::Unknown(why) => Value::Unknown(why.clone()).many(),
            Value::Never | Value::Nullish => Value::array(Vec::new()),
            Value::Host(host @ (Host::Payload(..) | Host::EventMethod(..))) => Value::Host(host.clone()).many(),
            _ => Value::unknown("the values of something unknown").many(),
        }
    }

    /// `Object.keys(object)`.
    pub(super) fn keys(&mut self, object: &Value<'a>) -> Value<'a> {
        match self.shape(object) {
            Some(shape) if shape.rest.is_none() => {
                Value::array(shape.fields.keys().map(|key| Value::text(key)).collect())
            }
            _ => match object {
                Value::Array(list) if list.rest.is_none() => {
                    Value::array((0..list.items.len()).map(|at| Value::text(&at.to_string())).collect())
                }
                _ => Value::unknown("the keys of something unknown").many(),
            },
        }
    }

    /// `Object.entries(object)`.
    pub(super) fn entries(&mut self, object: &Value<'a>) -> Value<'a> {
        match (self.keys(object), self.values(object)) {
            (Value::Array(keys), Value::Array(values))
                if keys.items.len() == values.items.len() && !keys.items.is_empty() =>
            {
                let pairs = keys.items.iter().cloned().zip(values.items.iter().cloned());
                Value::array(pairs.map(|(key, value)| Value::array(vec![key, value])).collect())
            }
            (keys, values) => Value::array(vec![keys.element(), values.element()]).many(),
        }
    }

    /// What goes through a value item by item: a list as it is, a `Map` as its entries.
    pub(super) fn iterable(&mut self, value: &Value<'a>) -> Value<'a> {
        match value {
            Value::Object(shape) if shape.is_map => self.entries(value),
            other => other.clone(),
        }
    }

    /// All that an instance of a class may have by name, what its bases have included; see `instances`.
    fn instance_shape(&mut self, instance: &Rc<Instance<'a>>, object: &Value<'a>) -> Shape<'a> {
        let mut shape = Shape::default();
        let mut class = Rc::new(instance.class.clone());
        for _ in 0..BASES_MAX {
            let elements = class.class.body.body.iter().filter(|element| !element.r#static());
            for name in elements.filter_map(field_name) {
                if name != "constructor" && !shape.fields.contains_key(&name) {
                    let value = self.member(object, &name);
                    shape.fields.insert(name, value);
                }
            }
            match self.base(&class) {
                Some(Value::Class(base)) => class = base,
                _ => break,
            }
        }
        self.with_heap(object, shape)
    }
}

impl Value<'_> {
    /// What a loop over it gives.
    pub(crate) fn element(&self) -> Self {
        match self {
            Self::Array(list) => Self::join_all(list.all().cloned()).unwrap_or(Self::Never),
            Self::Never => Self::Never,
            Self::Either(parts) => {
                let parts = parts.iter().filter(|part| !matches!(part, Self::Nullish));
                Self::join_all(parts.map(Self::element)).unwrap_or(Self::Never)
            }
            Self::Unknown(why) => Self::Unknown(why.clone()),
            Self::Host(host @ (Host::Payload(..) | Host::EventMethod(..))) => Self::Host(host.clone()),
            _ => Self::unknown("an element of something that is not a known list"),
        }
    }
}

fn host_member<'a>(host: &Host, key: &str) -> Value<'a> {
    match host {
        Host::Object(name) => surface::member(name, key),
        Host::Event(event) if key == "payload" => Value::Host(Host::Payload(*event, Vec::new())),
        Host::Event(event) => Value::Host(Host::EventMethod(*event, key.to_owned())),
        Host::Payload(event, path) => {
            let mut path = path.clone();
            path.push(key.to_owned());
            Value::Host(Host::Payload(*event, path))
        }
        Host::Method(name, method) => Value::unknown(&format!("a member of `{}`", surface::shown(name, method))),
        Host::EventMethod(..) => Value::unknown("data of an event"),
    }
}
