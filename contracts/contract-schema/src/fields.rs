//! Whether a field can be there in a value of a schema.

use crate::Schema;
use crate::node::{Node, name_matches, unescape};
use serde_json::Value;
use std::collections::BTreeSet;

/// The deepest path that is followed.
const STEPS_MAX: usize = 64;

/// Whether a field can be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FieldAnswer {
    /// The schema names it, or leaves everything open where it would stand.
    Possible,
    /// The schema names fields beside which others may stand, and this is none of them.
    Unnamed(Missing),
    /// No value of the schema can have it.
    Impossible(Missing),
}

/// Where a path leaves what the schema names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// JSON pointer to the deepest part that can be there.
    pub parent: String,
    /// The name that is not among the fields there.
    pub name: String,
    /// The names that are, sorted.
    pub known: BTreeSet<String>,
    /// JSON pointer to the schema of that part.
    pub schema_pointer: String,
}

/// Whether values of a schema can have the field at `path`: a JSON pointer in which `*` is any item of a list.
pub fn field(schema: &Schema, path: &str) -> FieldAnswer {
    let steps: Vec<String> = path.split('/').skip(1).map(unescape).collect();
    if steps.len() > STEPS_MAX {
        return FieldAnswer::Possible;
    }
    let mut here = vec![Node::root(schema.source())];
    let mut parent = String::new();
    for name in steps {
        let looked = look(&here, &name);
        let missing = |known: BTreeSet<String>| Missing {
            parent: parent.clone(),
            name: name.clone(),
            known,
            schema_pointer: here.first().map(|node| node.pointer.clone()).unwrap_or_default(),
        };
        match looked {
            Look::Named(next) => here = next,
            Look::Open(known) if known.is_empty() => return FieldAnswer::Possible,
            Look::Open(known) => return FieldAnswer::Unnamed(missing(known)),
            Look::Never(known) => return FieldAnswer::Impossible(missing(known)),
        }
        parent = format!("{parent}/{}", crate::node::escape(&name));
    }
    FieldAnswer::Possible
}

/// What a schema says of a name.
enum Look<'s> {
    /// It may be there, under one of these.
    Named(Vec<Node<'s>>),
    /// It is not named, but others than the names given may be there.
    Open(BTreeSet<String>),
    /// It cannot be there; these can.
    Never(BTreeSet<String>),
}

/// In a value that fits one of several schemas.
fn look<'s>(alternatives: &[Node<'s>], name: &str) -> Look<'s> {
    let (mut found, mut known, mut open) = (Vec::new(), BTreeSet::new(), false);
    for node in alternatives {
        match within(node, name, 0) {
            Look::Named(next) => found.extend(next),
            Look::Open(names) => {
                // A schema that names nothing leaves everything open.
                if names.is_empty() {
                    return Look::Open(BTreeSet::new());
                }
                known.extend(names);
                open = true;
            }
            Look::Never(names) => known.extend(names),
        }
    }
    match (found.is_empty(), open) {
        (false, _) => Look::Named(found),
        (true, true) => Look::Open(known),
        (true, false) => Look::Never(known),
    }
}

/// In a value of one schema: every part of it that holds has its say.
fn within<'s>(node: &Node<'s>, name: &str, depth: usize) -> Look<'s> {
    if depth > STEPS_MAX || node.is_lost() {
        return Look::Open(BTreeSet::new());
    }
    let (mut found, mut known, mut never, mut closed) = (Vec::new(), BTreeSet::new(), false, false);
    for part in node.conjuncts() {
        if part.is_lost() {
            return Look::Open(BTreeSet::new());
        }
        let mut add = |look: Look<'s>, binding: bool| match look {
            Look::Named(next) => found.extend(next),
            Look::Open(names) => known.extend(names),
            Look::Never(names) => {
                known.extend(names);
                never |= binding;
            }
        };
        add(own(&part, name), true);
        for keyword in ["anyOf", "oneOf"] {
            let branches = part.list(keyword);
            if !branches.is_empty() {
                add(choice(&branches, name, depth), true);
            }
        }
        // What holds only under a condition names fields, and forbids none for certain.
        for keyword in ["then", "else"] {
            part.child(keyword).into_iter().for_each(|child| add(within(&child, name, depth + 1), false));
        }
        for (_, child) in part.by_name("dependentSchemas") {
            add(within(&child, name, depth + 1), false);
        }
        closed |= part.get("unevaluatedProperties") == Some(&Value::Bool(false));
    }
    match (never, found.is_empty(), closed) {
        (true, ..) | (false, true, true) => Look::Never(known),
        (false, false, _) => Look::Named(found),
        (false, true, false) => Look::Open(known),
    }
}

/// In a value that fits one of several branches; a branch that leaves everything open decides nothing for the others.
fn choice<'s>(branches: &[Node<'s>], name: &str, depth: usize) -> Look<'s> {
    let (mut found, mut known, mut open) = (Vec::new(), BTreeSet::new(), false);
    for branch in branches {
        match within(branch, name, depth + 1) {
            Look::Named(next) => found.extend(next),
            Look::Open(names) => {
                known.extend(names);
                open = true;
            }
            Look::Never(names) => known.extend(names),
        }
    }
    match (found.is_empty(), open) {
        (false, _) => Look::Named(found),
        (true, true) => Look::Open(known),
        (true, false) => Look::Never(known),
    }
}

/// What the keywords of one schema object say of a name.
fn own<'s>(node: &Node<'s>, name: &str) -> Look<'s> {
    match node.value {
        Value::Bool(false) => return Look::Never(BTreeSet::new()),
        Value::Object(_) => {}
        _ => return Look::Open(BTreeSet::new()),
    }
    let is_item = name == "*" || name.parse::<usize>().is_ok();
    let (object, array, text) = (may_be(node, "object"), may_be(node, "array"), may_be(node, "string"));
    if name == "length" && (array || text) && !(object && node.get("properties").is_some()) {
        return Look::Open(BTreeSet::new());
    }
    if is_item && array {
        let first = node.list("prefixItems");
        let further = node.child("items");
        let all: Vec<Node<'s>> = match name.parse::<usize>() {
            Ok(at) if at < first.len() => vec![first[at].clone()],
            Ok(_) => further.into_iter().collect(),
            Err(_) => first.into_iter().chain(further).collect(),
        };
        return if all.is_empty() { Look::Open(BTreeSet::new()) } else { Look::Named(all) };
    }
    // A character of a text.
    if is_item && text {
        return Look::Open(BTreeSet::new());
    }
    if !object {
        return Look::Never(BTreeSet::new());
    }
    if name == "*" {
        return any_field(node);
    }
    named_field(node, name)
}

fn named_field<'s>(node: &Node<'s>, name: &str) -> Look<'s> {
    let mut all: Vec<Node<'s>> = node.named("properties", name).into_iter().collect();
    all.extend(
        node.by_name("patternProperties").filter(|(pattern, _)| name_matches(pattern, name)).map(|(_, schema)| schema),
    );
    // A schema that nothing fits is how a field is forbidden.
    if all.iter().any(|schema| schema.value == &Value::Bool(false)) {
        return Look::Never(names(node));
    }
    if !all.is_empty() {
        return Look::Named(all);
    }
    match node.child("additionalProperties") {
        Some(more) if more.value == &Value::Bool(false) => Look::Never(names(node)),
        Some(more) if more.value != &Value::Bool(true) => Look::Named(vec![more]),
        _ => Look::Open(names(node)),
    }
}

/// A field whose name is known only when the program runs.
fn any_field<'s>(node: &Node<'s>) -> Look<'s> {
    let more = node.child("additionalProperties");
    let all: Vec<Node<'s>> = node
        .by_name("properties")
        .chain(node.by_name("patternProperties"))
        .map(|(_, schema)| schema)
        .chain(more.clone())
        .collect();
    if more.is_none() || all.is_empty() { Look::Open(BTreeSet::new()) } else { Look::Named(all) }
}

fn names(node: &Node<'_>) -> BTreeSet<String> {
    node.by_name("properties").map(|(name, _)| name.to_owned()).collect()
}

/// Whether values of a schema may be of a type, as far as `type`, `const` and `enum` say.
fn may_be(node: &Node<'_>, name: &str) -> bool {
    let of_type = |value: &Value| match value {
        Value::Object(_) => name == "object",
        Value::Array(_) => name == "array",
        Value::String(_) => name == "string",
        _ => false,
    };
    let typed = match node.get("type") {
        Some(Value::String(one)) => one == name,
        Some(Value::Array(all)) => all.iter().any(|one| one == name),
        _ => true,
    };
    typed
        && node.get("const").is_none_or(of_type)
        && node.get("enum").and_then(Value::as_array).is_none_or(|all| all.iter().any(of_type))
}
