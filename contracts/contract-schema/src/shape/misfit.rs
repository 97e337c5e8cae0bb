//! A proved violation, and where it is.

use crate::Violation;
use crate::node::{Node, escape};
use contract_model::shape::{Form, Origin, Shape};

/// A way in which every value of a shape breaks a schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misfit {
    /// JSON pointer to the offending part of the value, `*` standing for each further item of a list.
    pub pointer: String,
    /// A sentence, such as "`/total` must be an integer, got \"12\"".
    pub message: String,
    /// The keyword that is broken.
    pub keyword: String,
    /// JSON pointer to the schema that holds the keyword.
    pub schema_pointer: String,
    /// Where the offending part is written.
    pub at: Option<Origin>,
    /// The name of the field that lacks or is too many, where it is about one.
    pub field: Option<String>,
}

/// A place within the value.
#[derive(Clone)]
pub(super) struct Place {
    pointer: String,
    depth: usize,
}

impl Place {
    pub(super) fn top() -> Self {
        Self { pointer: String::new(), depth: 0 }
    }

    pub(super) fn step(&self, name: &str) -> Self {
        Self { pointer: format!("{}/{}", self.pointer, escape(name)), depth: self.depth + 1 }
    }

    pub(super) fn depth(&self) -> usize {
        self.depth
    }

    pub(super) fn pointer(&self) -> &str {
        &self.pointer
    }

    /// The place as a sentence begins with it.
    pub(super) fn shown(&self) -> String {
        if self.pointer.is_empty() { "the payload".to_owned() } else { format!("`{}`", self.pointer) }
    }

    pub(super) fn misfit(&self, shape: &Shape, what: &str, keyword: &str, node: &Node<'_>) -> Misfit {
        Misfit {
            pointer: self.pointer.clone(),
            message: format!("{} {what}", self.shown()),
            keyword: keyword.to_owned(),
            schema_pointer: node.pointer.clone(),
            at: shape.at.clone(),
            field: None,
        }
    }
}

impl Misfit {
    /// The same of a known value; the place of the part is found by its pointer.
    pub(super) fn from_violation(violation: Violation, shape: &Shape) -> Self {
        let at = part(shape, &violation.pointer).and_then(|part| part.at.clone()).or_else(|| shape.at.clone());
        let schema_pointer = violation.schema_pointer.rsplit_once('/').map_or("", |(schema, _)| schema).to_owned();
        let Violation { pointer, message, keyword, .. } = violation;
        Self { pointer, message, keyword, schema_pointer, at, field: None }
    }
}

fn part<'s>(shape: &'s Shape, pointer: &str) -> Option<&'s Shape> {
    pointer.split('/').skip(1).map(crate::node::unescape).try_fold(shape, |shape, step| match &shape.form {
        Form::Object(object) => object.fields.get(&step).map(|field| &field.value),
        Form::List(list) => list.items.get(step.parse::<usize>().ok()?),
        _ => None,
    })
}
