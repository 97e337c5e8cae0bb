//! Fields of values.

use super::Evaluator;
use crate::js::surface;
use crate::js::value::{Host, Value};

impl Evaluator<'_, '_> {
    /// `object.key`.
    pub(crate) fn member(&mut self, object: &Value, key: &str) -> Value {
        match object {
            Value::Object(shape) => match (shape.fields.get(key), &shape.rest) {
                (Some(value), None) => value.clone(),
                (Some(value), Some(rest)) => value.clone().join(rest.clone()),
                (None, Some(rest)) => rest.clone(),
                (None, None) => Value::Nullish,
            },
            Value::Array(list) => match key.parse::<usize>() {
                Ok(at) if at < list.items.len() => list.items[at].clone(),
                Ok(_) => list.rest.clone().unwrap_or(Value::Nullish),
                Err(_) => Value::unknown("a member of a list"),
            },
            Value::Module(module) => match self.modules.export(*module, key) {
                Some(binding) => self.binding(binding),
                None => Value::unknown("something its module does not export"),
            },
            Value::Host(Host::Event(handler)) if key == "topic" && self.topics.len() > *handler => {
                Value::Text(self.topics[*handler].clone())
            }
            Value::Host(host) => host_member(host, key),
            Value::Unknown(why) => Value::Unknown(why.clone()),
            _ => Value::unknown(&format!("the member `{key}`")),
        }
    }

    /// `object[key]`: with an unknown key, any of the values.
    pub(super) fn computed_member(&mut self, object: &Value, key: &Value) -> Value {
        if let Some(keys) = key.as_strings().exact() {
            let values: Vec<Value> = keys.iter().map(|key| self.member(object, key)).collect();
            return Value::join_all(values).unwrap_or(Value::Nullish);
        }
        self.values(object).element()
    }

    /// `Object.values(object)`, or the list itself.
    pub(super) fn values(&mut self, object: &Value) -> Value {
        match object {
            Value::Object(shape) => {
                let mut list = crate::js::value::Items { items: shape.fields.values().cloned().collect(), rest: None };
                list.rest.clone_from(&shape.rest);
                Value::Array(std::rc::Rc::new(list))
            }
            Value::Module(module) => {
                let names = self.modules.export_names(*module);
                Value::array(names.iter().map(|name| self.member(object, name)).collect())
            }
            Value::Array(_) => object.clone(),
            Value::Unknown(why) => Value::Unknown(why.clone()).many(),
            _ => Value::unknown("the values of something unknown").many(),
        }
    }

    /// `Object.keys(object)`.
    pub(super) fn keys(&mut self, object: &Value) -> Value {
        match object {
            Value::Object(shape) if shape.rest.is_none() => {
                Value::array(shape.fields.keys().map(|key| Value::text(key)).collect())
            }
            Value::Module(module) => {
                Value::array(self.modules.export_names(*module).iter().map(|name| Value::text(name)).collect())
            }
            _ => Value::unknown("the keys of something unknown").many(),
        }
    }

    /// `Object.entries(object)`.
    pub(super) fn entries(&mut self, object: &Value) -> Value {
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
}

fn host_member(host: &Host, key: &str) -> Value {
    match host {
        Host::Object(name) => surface::member(name, key),
        Host::Event(handler) if key == "payload" => Value::Host(Host::Payload(*handler, Vec::new())),
        Host::Event(handler) => Value::Host(Host::EventMethod(*handler, key.to_owned())),
        Host::Payload(handler, path) => {
            let mut path = path.clone();
            path.push(key.to_owned());
            Value::Host(Host::Payload(*handler, path))
        }
        Host::Method(name, method) => Value::unknown(&format!("a member of `{}`", surface::shown(name, method))),
        Host::EventMethod(..) => Value::unknown("data of an event"),
    }
}
