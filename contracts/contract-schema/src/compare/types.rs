//! Which of the types of JSON a schema allows.

use super::change::{ChangeKind, Verdict};
use super::document::Document;
use super::flatten::Flat;
use super::walk::Walk;
use serde_json::{Map, Value};
use std::ops::{BitAnd, BitOr};

/// How deep branches are looked into for their types.
const DEPTH_MAX: usize = 8;

/// A set of types. Numbers are told apart as whole ones and those with a fraction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Types(u8);

impl Types {
    const NAMES: &'static [(&'static str, u8)] =
        &[("null", 1), ("boolean", 2), ("object", 4), ("array", 8), ("string", 16), ("integer", 32), ("number", 96)];
    pub(super) const ALL: Self = Self(127);
    pub(super) const NONE: Self = Self(0);
    pub(super) const NULL: Self = Self(1);
    pub(super) const BOOLEAN: Self = Self(2);
    pub(super) const OBJECT: Self = Self(4);
    pub(super) const ARRAY: Self = Self(8);
    pub(super) const STRING: Self = Self(16);
    pub(super) const NUMBER: Self = Self(96);
    pub(super) const FRACTION: Self = Self(64);

    /// The types that a schema may allow: a superset of what it does.
    pub(super) fn of(document: Document<'_>, fields: &Map<String, Value>) -> Self {
        Self::at(document, fields, 0)
    }

    fn at(document: Document<'_>, fields: &Map<String, Value>, depth: usize) -> Self {
        let mut types = fields.get("type").map_or(Self::ALL, Self::named);
        if let Some(value) = fields.get("const") {
            types = types & Self::of_value(value);
        }
        if let Some(Value::Array(values)) = fields.get("enum") {
            types = types & values.iter().map(Self::of_value).fold(Self::NONE, BitOr::bitor);
        }
        if depth > DEPTH_MAX {
            return types;
        }
        let of = |schema: &Value| match document.flatten(schema) {
            Flat::Nothing => Self::NONE,
            Flat::Of(fields) => Self::at(document, &fields, depth + 1),
        };
        for keyword in ["anyOf", "oneOf"] {
            if let Some(Value::Array(branches)) = fields.get(keyword) {
                types = types & branches.iter().map(of).fold(Self::NONE, BitOr::bitor);
            }
        }
        if let Some(Value::Array(parts)) = fields.get("allOf") {
            types = parts.iter().map(of).fold(types, BitAnd::bitand);
        }
        types
    }

    fn named(value: &Value) -> Self {
        let bits = |word: &str| Self::NAMES.iter().find(|(name, _)| *name == word).map_or(0, |(_, bits)| *bits);
        match value {
            Value::String(one) => Self(bits(one)),
            Value::Array(many) => Self(many.iter().filter_map(Value::as_str).map(bits).fold(0, BitOr::bitor)),
            _ => Self::ALL,
        }
    }

    fn of_value(value: &Value) -> Self {
        Self(match value {
            Value::Null => 1,
            Value::Bool(_) => 2,
            Value::Object(_) => 4,
            Value::Array(_) => 8,
            Value::String(_) => 16,
            Value::Number(number) if number.is_f64() && number.as_f64().is_some_and(|float| float.fract() != 0.0) => 64,
            Value::Number(_) => 32,
        })
    }

    pub(super) fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    pub(super) fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    pub(super) fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The types in words, joined by "or".
    pub(super) fn words(self) -> String {
        let has_fraction = self.has(Self::FRACTION);
        let named = Self::NAMES.iter().filter(|(name, bits)| match *name {
            "integer" => self.has(Self(*bits)) && !has_fraction,
            "number" => has_fraction,
            _ => self.has(Self(*bits)),
        });
        named.map(|(name, _)| *name).collect::<Vec<_>>().join(" or ")
    }
}

impl BitAnd for Types {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

impl BitOr for Types {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl Walk<'_> {
    /// Reports what differs in the types and gives those that both allow, to which further keywords apply.
    pub(super) fn types(&mut self, old: &Map<String, Value>, new: &Map<String, Value>) -> Types {
        let (old, new) = (Types::of(self.old, old), Types::of(self.new, new));
        let (lost, gained) = (old.without(new), new.without(old));
        let both = old & new;
        if both.is_empty() && !lost.is_empty() && !gained.is_empty() {
            let message = format!("was {} and is {} now", old.words(), new.words());
            self.change(ChangeKind::TypeChanged, Verdict::Incompatible, Verdict::Incompatible, message);
            return both;
        }
        if !lost.is_empty() {
            self.narrowed(ChangeKind::TypeNarrowed, format!("may no longer be {}", lost.words()));
        }
        if !gained.is_empty() {
            self.widened(ChangeKind::TypeWidened, format!("may be {} now", gained.words()));
        }
        both
    }
}
