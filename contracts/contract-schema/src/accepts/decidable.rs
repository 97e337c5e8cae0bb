//! Which keywords can be compared.

use crate::Schema;
use crate::node::{Node, escape};
use serde_json::Value;

/// Keywords that only describe.
const DESCRIBING: &[&str] = &[
    "$schema",
    "$id",
    "$defs",
    "$comment",
    "$anchor",
    "$vocabulary",
    "definitions",
    "title",
    "description",
    "default",
    "examples",
    "deprecated",
    "readOnly",
    "writeOnly",
    "contentEncoding",
    "contentMediaType",
    "contentSchema",
];

/// Keywords that the comparison understands.
const FOLLOWED: &[&str] = &[
    "$ref",
    "type",
    "const",
    "enum",
    "allOf",
    "anyOf",
    "oneOf",
    "properties",
    "patternProperties",
    "additionalProperties",
    "required",
    "items",
    "prefixItems",
    "minItems",
    "maxItems",
    "uniqueItems",
    "minLength",
    "maxLength",
    "pattern",
    "format",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minProperties",
    "maxProperties",
];

/// Keywords under which further schemas stand by name, in a list, and alone.
const BY_NAME: &[&str] = &["properties", "patternProperties", "$defs", "dependentSchemas"];
const LISTS: &[&str] = &["allOf", "anyOf", "oneOf", "prefixItems"];
const SINGLE: &[&str] = &["additionalProperties", "items", "not", "if", "then", "else", "contains", "propertyNames"];

pub(super) fn says_nothing(keyword: &str) -> bool {
    DESCRIBING.contains(&keyword) || keyword.starts_with("x-")
}

/// The keywords of a schema object that narrow it and are not understood; without those that mean nothing alone.
pub(super) fn foreign<'s>(node: &Node<'s>) -> impl Iterator<Item = &'s str> {
    let map = node.keywords();
    let has = move |keyword: &str| map.is_some_and(|map| map.contains_key(keyword));
    map.into_iter()
        .flat_map(serde_json::Map::keys)
        .map(String::as_str)
        .filter(|keyword| !FOLLOWED.contains(keyword) && !says_nothing(keyword))
        .filter(move |keyword| match *keyword {
            "then" | "else" => has("if"),
            "minContains" | "maxContains" => has("contains"),
            _ => true,
        })
}

/// Every keyword of a schema outside of what can be compared: JSON pointer to it, and its name, in document order.
/// Two versions of such a schema are only known to fit where they are written alike.
pub fn undecided(schema: &Schema) -> Vec<(String, String)> {
    let mut out = Vec::new();
    walk(&Node::root(schema.source()), &mut out);
    out
}

fn walk(node: &Node<'_>, out: &mut Vec<(String, String)>) {
    for keyword in foreign(node) {
        out.push((format!("{}/{}", node.pointer, escape(keyword)), keyword.to_owned()));
    }
    for keyword in BY_NAME {
        node.by_name(keyword).for_each(|(_, child)| walk(&child, out));
    }
    for keyword in LISTS {
        node.list(keyword).iter().for_each(|child| walk(child, out));
    }
    for keyword in SINGLE {
        // What stands within a keyword that is not understood is not understood with it.
        let followed = FOLLOWED.contains(keyword);
        node.child(keyword)
            .filter(|child| followed && matches!(child.value, Value::Object(_)))
            .iter()
            .for_each(|child| walk(child, out));
    }
}
