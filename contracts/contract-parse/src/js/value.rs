//! Abstract values: what an expression may be when the program runs.

use super::eval::{Ctx, Given};
use super::strings::Strings;
use oxc_ast::ast::{Class, ObjectExpression};
use oxc_syntax::node::NodeId;
use std::collections::BTreeMap;
use std::rc::Rc;

/// A function: its module and node.
pub(crate) type Func = (usize, NodeId);

/// An object as fields are written to it: where the program makes it.
pub(crate) type ObjectId = (usize, NodeId);

/// The most values of different kinds or objects that are told apart at one place.
const EITHER_MAX: usize = 256;

/// What an expression may be.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value<'a> {
    /// Nothing: the place never gets a value of its own, such as a name that is defined by itself.
    Never,
    /// A text.
    Text(Strings),
    /// A number or a truth value, as text.
    Scalar(String),
    /// null or undefined.
    Nullish,
    /// A list: its known items, and what further ones may be.
    Array(Rc<List<'a>>),
    /// An object whose fields were computed.
    Object(Rc<Shape<'a>>),
    /// An object as it is written; its fields are evaluated when they are asked for.
    Literal(Rc<Literal<'a>>),
    /// A class.
    Class(Rc<ClassRef<'a>>),
    /// What `new` makes of a class.
    Instance(Rc<Instance<'a>>),
    /// An object that inherits otherwise than by a class.
    Derived(Rc<Derived<'a>>),
    /// One of these functions.
    Functions(Rc<Vec<Closure<'a>>>),
    /// The namespace of a module.
    Module(usize),
    /// An object or method of the host.
    Host(Host),
    /// One of these, which are of different kinds; never nested.
    Either(Rc<Vec<Value<'a>>>),
    /// Not known, and why.
    Unknown(Rc<str>),
}

/// A list.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct List<'a> {
    /// Where the program makes it, if it may be changed or get a second name.
    pub(crate) id: Option<ObjectId>,
    pub(crate) items: Vec<Value<'a>>,
    /// What any number of further items may be.
    pub(crate) rest: Option<Value<'a>>,
}

/// An object.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Shape<'a> {
    /// Where the program makes it, if it may be changed or get a second name.
    pub(crate) id: Option<ObjectId>,
    pub(crate) fields: BTreeMap<String, Value<'a>>,
    /// What fields of unknown name may be.
    pub(crate) rest: Option<Value<'a>>,
    /// Whether it is a `Map`, whose fields are its entries.
    pub(crate) is_map: bool,
}

/// An object literal and the calls its names are known in.
#[derive(Clone)]
pub(crate) struct Literal<'a> {
    pub(crate) module: usize,
    pub(crate) object: &'a ObjectExpression<'a>,
    pub(crate) ctx: Ctx<'a>,
}

/// A class and the calls its names are known in.
#[derive(Clone)]
pub(crate) struct ClassRef<'a> {
    pub(crate) module: usize,
    pub(crate) class: &'a Class<'a>,
    pub(crate) ctx: Ctx<'a>,
}

/// An instance of a class; the frame of its constructor, where the `new` is known.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Instance<'a> {
    pub(crate) class: ClassRef<'a>,
    pub(crate) made: Ctx<'a>,
    /// How far it is made, while a base class is at work on it.
    pub(crate) begun: Option<Begun>,
}

/// An object on which the constructor of a base class is at work.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Begun {
    /// The body of that class: the fields of those below are not there yet.
    pub(crate) at: ObjectId,
    /// Whether that is so for certain; functions within a constructor may run later.
    pub(crate) is_certain: bool,
}

/// An object that `Object.create` or `new` of a function makes, or the `prototype` of a function.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Derived<'a> {
    /// Where the program makes it.
    pub(crate) id: ObjectId,
    /// What it has from the start.
    pub(crate) own: Shape<'a>,
    /// What it inherits from.
    pub(crate) base: Value<'a>,
    /// The frame of the function that `new` ran.
    pub(crate) made: Ctx<'a>,
    /// Whether it may have fields that no followed code gives it.
    pub(crate) is_open: bool,
}

/// A function, the calls its outer names are known in, and what it is bound to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Closure<'a> {
    pub(crate) func: Func,
    pub(crate) env: Ctx<'a>,
    /// The object it was read from.
    pub(crate) this: Option<Rc<Value<'a>>>,
    /// Arguments given by `bind`.
    pub(crate) bound: Rc<Vec<Given<'a>>>,
}

/// What the host gives to plugin code.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Host {
    /// An object of the host, by its name in `surface`.
    Object(&'static str),
    /// A method of such an object.
    Method(&'static str, &'static str),
    /// The argument of a handler, by its number among the evaluator's events.
    Event(usize),
    /// A method of that argument.
    EventMethod(usize, String),
    /// The payload of an event, or a field of it by its path.
    Payload(usize, Vec<String>),
}

impl PartialEq for Literal<'_> {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.object, other.object) && self.ctx == other.ctx
    }
}

impl PartialEq for ClassRef<'_> {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.class, other.class) && self.ctx == other.ctx
    }
}

impl std::fmt::Debug for Literal<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "an object of module {}", self.module)
    }
}

impl std::fmt::Debug for ClassRef<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "a class of module {}", self.module)
    }
}

impl<'a> Value<'a> {
    /// Nothing known, and why.
    pub(crate) fn unknown(why: &str) -> Self {
        Self::Unknown(why.into())
    }

    /// A known text.
    pub(crate) fn text(text: &str) -> Self {
        Self::Text(Strings::one(text))
    }

    /// A known truth value.
    pub(crate) fn truth(value: bool) -> Self {
        Self::Scalar(value.to_string())
    }

    /// A list of known items.
    pub(crate) fn array(items: Vec<Self>) -> Self {
        Self::Array(Rc::new(List { items, ..List::default() }))
    }

    /// A function outside of any call.
    pub(crate) fn function(func: Func, env: Ctx<'a>) -> Self {
        Self::Functions(Rc::new(vec![Closure { func, env, this: None, bound: Rc::default() }]))
    }

    /// Either of two.
    pub(crate) fn join(self, other: Self) -> Self {
        match (self, other) {
            (Self::Never, value) | (value, Self::Never) => value,
            (Self::Text(a), Self::Text(b)) => Self::Text(a.join(b)),
            (Self::Functions(a), Self::Functions(b)) => Self::Functions(union(a, &b)),
            (Self::Unknown(why), Self::Unknown(_)) => Self::Unknown(why),
            (Self::Scalar(a), Self::Scalar(b)) if a != b => Self::unknown("a computed number"),
            (a, b) if a == b => a,
            (a, b) => either(a, &b),
        }
    }

    /// Any of many; none where there are none.
    pub(crate) fn join_all(values: impl IntoIterator<Item = Self>) -> Option<Self> {
        values.into_iter().reduce(Self::join)
    }

    /// The values of one kind that it may be.
    pub(crate) fn parts(&self) -> &[Self] {
        match self {
            Self::Either(parts) => parts,
            one => std::slice::from_ref(one),
        }
    }

    /// As a part of a text. Kinds that are no texts at all do not count where there are texts too.
    pub(crate) fn as_strings(&self) -> Strings {
        match self {
            Self::Text(strings) => strings.clone(),
            Self::Scalar(text) => Strings::one(text),
            Self::Either(parts) => {
                let unclear = |part: &Self| {
                    matches!(part, Self::Unknown(_) | Self::Host(Host::Payload(..) | Host::EventMethod(..)))
                };
                if parts.iter().any(unclear) {
                    return Strings::any();
                }
                let texts = parts.iter().filter(|part| matches!(part, Self::Text(_) | Self::Scalar(_)));
                texts.map(Self::as_strings).reduce(Strings::join).unwrap_or_else(Strings::any)
            }
            _ => Strings::any(),
        }
    }

    /// The functions among what it may be.
    pub(crate) fn closures(&self) -> Vec<Closure<'a>> {
        let sets = self.parts().iter().filter_map(|part| match part {
            Self::Functions(set) => Some(set),
            _ => None,
        });
        sets.flat_map(|set| set.iter().cloned()).collect()
    }

    /// The objects and methods of the host among what it may be.
    pub(crate) fn hosts(&self) -> impl Iterator<Item = &Host> {
        self.parts().iter().filter_map(|part| match part {
            Self::Host(host) => Some(host),
            _ => None,
        })
    }

    /// Whether it is truthy or falsy for certain.
    pub(crate) fn truthiness(&self) -> Option<bool> {
        match self {
            Self::Scalar(text) => Some(!matches!(text.as_str(), "false" | "0" | "NaN" | "-0")),
            Self::Nullish => Some(false),
            Self::Text(text) => {
                let texts = text.exact()?;
                let empty = texts.iter().filter(|text| text.is_empty()).count();
                if empty == 0 { Some(true) } else { (empty == texts.len()).then_some(false) }
            }
            Self::Array(_)
            | Self::Object(_)
            | Self::Literal(_)
            | Self::Class(_)
            | Self::Instance(_)
            | Self::Derived(_)
            | Self::Functions(_)
            | Self::Module(_)
            | Self::Host(Host::Object(_) | Host::Method(..) | Host::Event(_)) => Some(true),
            _ => None,
        }
    }

    /// Where the program makes the list or object, if it may be changed.
    pub(crate) fn id(&self) -> Option<ObjectId> {
        match self {
            Self::Array(list) => list.id,
            Self::Object(shape) => shape.id,
            _ => None,
        }
    }

    /// A list or object as one that is made elsewhere; a copy has no place of its own until it gets one.
    pub(crate) fn with_id(mut self, id: Option<ObjectId>) -> Self {
        match &mut self {
            Self::Array(list) if list.id != id => Rc::make_mut(list).id = id,
            Self::Object(shape) if shape.id != id => Rc::make_mut(shape).id = id,
            _ => {}
        }
        self
    }

    /// A list of any number of elements like this.
    pub(crate) fn many(self) -> Self {
        Self::Array(Rc::new(List { rest: Some(self), ..List::default() }))
    }

    /// A JSON document.
    pub(crate) fn from_json(json: &serde_json::Value) -> Self {
        match json {
            serde_json::Value::Null => Self::Nullish,
            serde_json::Value::String(text) => Self::text(text),
            serde_json::Value::Array(items) => Self::array(items.iter().map(Self::from_json).collect()),
            serde_json::Value::Object(map) => {
                let fields = map.iter().map(|(key, value)| (key.clone(), Self::from_json(value))).collect();
                Self::Object(Rc::new(Shape { fields, ..Shape::default() }))
            }
            scalar => Self::Scalar(scalar.to_string()),
        }
    }
}

impl<'a> List<'a> {
    /// Everything an item may be, one by one.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Value<'a>> {
        self.items.iter().chain(&self.rest)
    }
}

fn union<'a>(a: Rc<Vec<Closure<'a>>>, b: &[Closure<'a>]) -> Rc<Vec<Closure<'a>>> {
    let new: Vec<Closure<'a>> = b.iter().filter(|one| !a.contains(one)).cloned().collect();
    if new.is_empty() {
        return a;
    }
    let mut all = Rc::unwrap_or_clone(a);
    all.extend(new);
    Rc::new(all)
}

/// Values of different kinds, side by side; texts and functions are joined among themselves.
fn either<'a>(a: Value<'a>, b: &Value<'a>) -> Value<'a> {
    let mut parts: Vec<Value<'a>> = match a {
        Value::Either(parts) => Rc::unwrap_or_clone(parts),
        one => vec![one],
    };
    for part in b.parts() {
        let same = parts.iter_mut().find(|old| match (&**old, part) {
            (Value::Text(_), Value::Text(_))
            | (Value::Functions(_), Value::Functions(_))
            | (Value::Unknown(_), Value::Unknown(_)) => true,
            (old, part) => old == part,
        });
        match same {
            Some(old) => *old = std::mem::replace(old, Value::Never).join(part.clone()),
            None => parts.push(part.clone()),
        }
    }
    if parts.len() > EITHER_MAX {
        return Value::unknown("one of more values than are told apart");
    }
    Value::Either(Rc::new(parts))
}

/// Functions that are read from an object keep it as their `this`.
pub(crate) fn bound_to<'a>(value: Value<'a>, object: &Value<'a>) -> Value<'a> {
    let Value::Functions(set) = value else { return value };
    let this = Rc::new(object.clone());
    let set = set.iter().map(|one| Closure { this: one.this.clone().or_else(|| Some(this.clone())), ..one.clone() });
    Value::Functions(Rc::new(set.collect()))
}
