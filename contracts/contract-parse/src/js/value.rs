//! Abstract values: what an expression may be when the program runs.

use super::strings::Strings;
use oxc_syntax::node::NodeId;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// A function: its module and node.
pub(crate) type Func = (usize, NodeId);

/// What an expression may be.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    /// A text.
    Text(Strings),
    /// A number or a truth value, as text.
    Scalar(String),
    /// null or undefined.
    Nullish,
    /// A list: its known items, and what further ones may be.
    Array(Rc<Items>),
    /// An object with known fields.
    Object(Rc<Shape>),
    /// One of these functions.
    Functions(BTreeSet<Func>),
    /// The namespace of a module.
    Module(usize),
    /// An object or method of the host.
    Host(Host),
    /// Not known, and why.
    Unknown(Rc<str>),
}

/// A list.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Items {
    pub(crate) items: Vec<Value>,
    /// What any number of further items may be.
    pub(crate) rest: Option<Value>,
}

/// An object.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Shape {
    pub(crate) fields: BTreeMap<String, Value>,
    /// What fields of unknown name may be.
    pub(crate) rest: Option<Value>,
}

/// What the host gives to plugin code.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Host {
    /// An object of the host, by its name in `surface`.
    Object(&'static str),
    /// A method of such an object.
    Method(&'static str, &'static str),
    /// The argument of a handler, by the handler's index.
    Event(usize),
    /// A method of that argument.
    EventMethod(usize, String),
    /// The payload of an event, or a field of it by its path.
    Payload(usize, Vec<String>),
}

impl Value {
    /// Nothing known, and why.
    pub(crate) fn unknown(why: &str) -> Self {
        Self::Unknown(why.into())
    }

    /// A known text.
    pub(crate) fn text(text: &str) -> Self {
        Self::Text(Strings::one(text))
    }

    /// A list of known items.
    pub(crate) fn array(items: Vec<Self>) -> Self {
        Self::Array(Rc::new(Items { items, rest: None }))
    }

    /// Either of two.
    pub(crate) fn join(self, other: Self) -> Self {
        match (self, other) {
            (Self::Nullish, value) | (value, Self::Nullish) => value,
            (Self::Text(a), Self::Text(b)) => Self::Text(a.join(b)),
            (Self::Functions(mut a), Self::Functions(b)) => {
                a.extend(b);
                Self::Functions(a)
            }
            (Self::Array(a), Self::Array(b)) => Self::Array(Rc::new(join_items(&a, &b))),
            (Self::Object(a), Self::Object(b)) => Self::Object(Rc::new(join_shapes(&a, &b))),
            (Self::Unknown(why), _) | (_, Self::Unknown(why)) => Self::Unknown(why),
            (a, b) if a == b => a,
            (Self::Scalar(_), Self::Scalar(_)) => Self::unknown("a computed number"),
            _ => Self::unknown("values of different kinds"),
        }
    }

    /// Any of many; none where there are none.
    pub(crate) fn join_all(values: impl IntoIterator<Item = Self>) -> Option<Self> {
        values.into_iter().reduce(Self::join)
    }

    /// As a part of a text.
    pub(crate) fn as_strings(&self) -> Strings {
        match self {
            Self::Text(strings) => strings.clone(),
            Self::Scalar(text) => Strings::one(text),
            _ => Strings::any(),
        }
    }

    /// What a loop over it gives.
    pub(crate) fn element(&self) -> Self {
        match self {
            Self::Array(list) => Self::join_all(list.items.iter().cloned().chain(list.rest.clone()))
                .unwrap_or_else(|| Self::unknown("an element of an empty list")),
            Self::Unknown(why) => Self::Unknown(why.clone()),
            _ => Self::unknown("an element of something that is not a known list"),
        }
    }

    /// A list of any number of elements like this.
    pub(crate) fn many(self) -> Self {
        Self::Array(Rc::new(Items { items: Vec::new(), rest: Some(self) }))
    }

    /// A JSON document.
    pub(crate) fn from_json(json: &serde_json::Value) -> Self {
        match json {
            serde_json::Value::Null => Self::Nullish,
            serde_json::Value::String(text) => Self::text(text),
            serde_json::Value::Array(items) => Self::array(items.iter().map(Self::from_json).collect()),
            serde_json::Value::Object(map) => {
                let fields = map.iter().map(|(key, value)| (key.clone(), Self::from_json(value))).collect();
                Self::Object(Rc::new(Shape { fields, rest: None }))
            }
            scalar => Self::Scalar(scalar.to_string()),
        }
    }
}

fn join_items(a: &Items, b: &Items) -> Items {
    if a.items.len() == b.items.len() {
        let items = a.items.iter().cloned().zip(b.items.iter().cloned()).map(|(a, b)| a.join(b)).collect();
        let rest = Value::join_all(a.rest.iter().chain(&b.rest).cloned());
        return Items { items, rest };
    }
    let all = a.items.iter().chain(&a.rest).chain(&b.items).chain(&b.rest).cloned();
    Items { items: Vec::new(), rest: Value::join_all(all) }
}

fn join_shapes(a: &Shape, b: &Shape) -> Shape {
    let mut fields = a.fields.clone();
    for (key, value) in &b.fields {
        let joined = match fields.remove(key) {
            Some(old) => old.join(value.clone()),
            None => value.clone(),
        };
        fields.insert(key.clone(), joined);
    }
    Shape { fields, rest: Value::join_all(a.rest.iter().chain(&b.rest).cloned()) }
}
