//! What a JSON value may be, as far as the program's text tells: known, known by type, or unknown.

use crate::span::Span;
use litemap::LiteMap;
use serde::{Deserialize, Serialize};
use serde_json::Number;
use std::sync::Arc;

/// What a value may be, and where the text says so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shape {
    /// What it may be.
    pub form: Form,
    /// The expression that gives it, where there is one.
    pub at: Option<Origin>,
}

/// A place in a source file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// Path relative to the plugin's folder.
    pub file: Arc<str>,
    /// Its bytes there.
    pub span: Span,
}

/// The forms a value may have. A claim is true of every run of the program, or it is not made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Form {
    /// Anything.
    Unknown,
    /// `undefined`: a field with it is not there, an item with it is null.
    Absent,
    /// null.
    Null,
    /// A truth value, perhaps a known one.
    Bool(Option<bool>),
    /// A number.
    Number(Numeric),
    /// A text, perhaps a known one.
    Text(Option<String>),
    /// A list.
    List(ListShape),
    /// An object.
    Object(ObjectShape),
    /// One of several, never nested.
    OneOf(Vec<Shape>),
}

/// What is known of a number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Numeric {
    /// This one.
    Exact(Number),
    /// A whole number.
    Whole,
    /// The result of arithmetic with fractions in binary floating point.
    Fraction,
    /// Any number.
    Any,
}

/// What is known of a list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListShape {
    /// Its first items.
    pub items: Vec<Shape>,
    /// What each further item is, if there may be any.
    pub rest: Option<Box<Shape>>,
}

/// What is known of an object.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectShape {
    /// Fields by name.
    pub fields: LiteMap<String, FieldShape>,
    /// Whether fields of other names may be there.
    pub open: bool,
}

/// What is known of a field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldShape {
    /// Its value, when it is there.
    pub value: Shape,
    /// Whether the field is always there. It is not there all the same where its value is absent.
    pub always: bool,
    /// The name's place, where it is written.
    pub at: Option<Origin>,
}

impl Shape {
    /// Nothing known.
    pub fn unknown() -> Self {
        Self { form: Form::Unknown, at: None }
    }

    /// A form at no known place.
    pub fn of(form: Form) -> Self {
        Self { form, at: None }
    }

    /// The same at a place.
    #[must_use]
    pub fn at(mut self, at: Origin) -> Self {
        self.at = Some(at);
        self
    }

    /// One of several; anything if one of them may be anything.
    pub fn one_of(all: impl IntoIterator<Item = Self>) -> Self {
        let mut out: Vec<Self> = Vec::new();
        for one in all {
            let parts = match one.form {
                Form::Unknown => return Self::unknown(),
                Form::OneOf(parts) => parts,
                _ => vec![one],
            };
            for part in parts {
                if !out.iter().any(|known| known.form == part.form) {
                    out.push(part);
                }
            }
        }
        match out.len() {
            0 => Self::unknown(),
            1 => out.swap_remove(0),
            _ => Self::of(Form::OneOf(out)),
        }
    }

    /// Each thing that it may be; itself where that is one.
    pub fn alternatives(&self) -> &[Self] {
        match &self.form {
            Form::OneOf(all) => all,
            _ => std::slice::from_ref(self),
        }
    }
}
