//! Questions about the parts of a schema.

use crate::node::{Node, escape};
use crate::{Schema, Violation};
use serde_json::Value;

/// Keywords under which further schemas stand by name, in a list, and alone.
const BY_NAME: [&str; 4] = ["properties", "patternProperties", "$defs", "dependentSchemas"];
const LISTS: [&str; 4] = ["allOf", "anyOf", "oneOf", "prefixItems"];
const SINGLE: [&str; 8] = ["additionalProperties", "items", "not", "if", "then", "else", "contains", "propertyNames"];

/// Every schema within a schema, itself included, in document order.
fn each<'s>(node: &Node<'s>, visit: &mut impl FnMut(&Node<'s>)) {
    if node.keywords().is_none() {
        return;
    }
    visit(node);
    for keyword in BY_NAME {
        node.by_name(keyword).for_each(|(_, child)| each(&child, visit));
    }
    for keyword in LISTS {
        node.list(keyword).iter().for_each(|child| each(child, visit));
    }
    for keyword in SINGLE {
        node.child(keyword).iter().for_each(|child| each(child, visit));
    }
}

/// The named fields that may be numbers with a fraction: JSON pointer to the field's schema, and its name.
pub fn numbers(schema: &Schema) -> Vec<(String, String)> {
    let mut out = Vec::new();
    each(&Node::root(schema.source()), &mut |node| {
        for (name, field) in node.by_name("properties") {
            if field.conjuncts().iter().any(is_fraction) {
                out.push((field.pointer, name.to_owned()));
            }
        }
    });
    out
}

/// Whether a schema asks for numbers and takes fractions.
fn is_fraction(node: &Node<'_>) -> bool {
    let number = match node.get("type") {
        Some(Value::String(one)) => one == "number",
        Some(Value::Array(all)) => all.iter().any(|one| one == "number"),
        _ => false,
    };
    let whole = node.get("multipleOf").and_then(Value::as_f64).is_some_and(|of| of.fract() == 0.0);
    number && !whole
}

impl Schema {
    /// The examples in the schema that do not fit where they stand: JSON pointer to the example, and what is wrong.
    pub fn examples(&self) -> Vec<(String, Violation)> {
        let mut out = Vec::new();
        each(&Node::root(self.source()), &mut |node| {
            let examples = node.get("examples").and_then(Value::as_array).into_iter().flatten();
            for (at, example) in examples.enumerate() {
                let Ok(part) = Self::compile_value(&node.alone(), "example") else { continue };
                let wrong = part.validate(example).err().into_iter().flatten().next();
                out.extend(wrong.map(|mut violation| {
                    // The part was judged alone; its own place says more than the place within that.
                    violation.schema_pointer.clone_from(&node.pointer);
                    (format!("{}/{}/{at}", node.pointer, escape("examples")), violation)
                }));
            }
        });
        out
    }
}
