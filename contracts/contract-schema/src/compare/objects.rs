//! Objects: fields, what must be there, and what may be there besides.

use super::change::{ChangeKind, Verdict};
use super::path::Step;
use super::types::Types;
use super::walk::Walk;
use crate::Schema;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// How open the content is for a field that is not described.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Content {
    /// Anything goes.
    Open,
    /// Nothing goes.
    Closed,
    /// What fits a schema, or a name that fits a pattern, goes.
    Partly,
}

impl Walk<'_> {
    /// Compares what is said of objects, where both allow objects.
    pub(super) fn objects(&mut self, both: Types, old: &Map<String, Value>, new: &Map<String, Value>) {
        if !both.has(Types::OBJECT) {
            return;
        }
        self.required(old, new);
        let (before, after) = (named(old, "properties"), named(new, "properties"));
        let names: BTreeSet<&String> = [before, after].into_iter().flatten().flat_map(Map::keys).collect();
        for name in names {
            self.within(Step::Field(name.clone()), |walk| walk.field(name, old, new));
        }
        self.further(old, new);
        self.counts(old, new, ["minProperties", "maxProperties"], "a number of fields of");
        self.dependencies(old, new);
        let everything = Value::Bool(true);
        let names = |fields: &Map<String, Value>| fields.get("propertyNames").unwrap_or(&everything).clone();
        if [old, new].iter().any(|fields| fields.contains_key("propertyNames")) {
            self.within(Step::Each, |walk| walk.schemas(&names(old), &names(new)));
        }
    }

    fn required(&mut self, old: &Map<String, Value>, new: &Map<String, Value>) {
        let (before, after) = (required(old), required(new));
        for name in after.difference(&before) {
            let kind = ChangeKind::RequiredAdded;
            self.within(Step::Field((*name).to_owned()), |walk| walk.narrowed(kind, "is required now"));
        }
        for name in before.difference(&after) {
            let kind = ChangeKind::RequiredRemoved;
            self.within(Step::Field((*name).to_owned()), |walk| walk.widened(kind, "is no longer required"));
        }
    }

    fn field(&mut self, name: &str, old: &Map<String, Value>, new: &Map<String, Value>) {
        let described =
            |fields: &Map<String, Value>| named(fields, "properties").is_some_and(|all| all.contains_key(name));
        let (Some(before), Some(after)) = (schema_of(old, name), schema_of(new, name)) else {
            return self.undecided("falls under a pattern that cannot be used");
        };
        match (described(old), described(new)) {
            (false, true) => self.added(content(old), &before, &after),
            (true, false) => self.removed(content(new), &before, &after),
            _ => self.schemas(&before, &after),
        }
    }

    fn added(&mut self, content: Content, before: &Value, after: &Value) {
        let relation = self.relation(before, after);
        let (kind, message) = match content {
            Content::Open => (ChangeKind::PropertyAddedToOpen, "is described now, and could hold anything before"),
            Content::Closed => (ChangeKind::PropertyAddedToClosed, "is allowed now"),
            Content::Partly => (ChangeKind::PropertyAddedToPartlyOpen, "is described now, apart from further fields"),
        };
        let backward = if content == Content::Open { lenient(relation.backward) } else { relation.backward };
        self.change(kind, backward, relation.forward, message);
    }

    fn removed(&mut self, content: Content, before: &Value, after: &Value) {
        let relation = self.relation(before, after);
        let (kind, message) = match content {
            Content::Open => (ChangeKind::PropertyRemovedFromOpen, "is no longer described and may hold anything"),
            Content::Closed => (ChangeKind::PropertyRemovedFromClosed, "is no longer allowed"),
            Content::Partly => (ChangeKind::PropertyRemovedFromPartlyOpen, "is only one of the further fields now"),
        };
        let forward = if content == Content::Open { lenient(relation.forward) } else { relation.forward };
        self.change(kind, relation.backward, forward, message);
    }

    /// Compares what may be there besides the fields that either side names.
    fn further(&mut self, old: &Map<String, Value>, new: &Map<String, Value>) {
        let (before, after) = (named(old, "patternProperties"), named(new, "patternProperties"));
        let patterns: BTreeSet<&String> = [before, after].into_iter().flatten().flat_map(Map::keys).collect();
        let same = patterns.iter().all(|pattern| has(before, pattern) && has(after, pattern));
        if !same && patterns.len() > 1 {
            let message = "has other patterns for the names of further fields";
            return self.change(ChangeKind::PatternPropertiesChanged, Verdict::Unknown, Verdict::Unknown, message);
        }
        for pattern in patterns {
            let of = |fields: &Map<String, Value>| {
                let own = named(fields, "patternProperties").and_then(|all| all.get(pattern));
                own.unwrap_or(&rest(fields)).clone()
            };
            self.within(Step::Each, |walk| walk.schemas(&of(old), &of(new)));
        }
        self.content(&rest(old), &rest(new));
    }

    fn content(&mut self, before: &Value, after: &Value) {
        if *after == Value::Bool(false) && *before != Value::Bool(false) {
            let relation = self.relation(before, after);
            let message = "may hold no further fields now";
            return self.change(ChangeKind::ContentClosed, relation.backward, relation.forward, message);
        }
        if *before == Value::Bool(false) && *after != Value::Bool(false) {
            let relation = self.relation(before, after);
            let message = "may hold further fields now";
            return self.change(ChangeKind::ContentOpened, relation.backward, relation.forward, message);
        }
        self.within(Step::Each, |walk| walk.schemas(before, after));
    }

    fn dependencies(&mut self, old: &Map<String, Value>, new: &Map<String, Value>) {
        let (before, after) = (dependent(old), dependent(new));
        for (field, other) in after.difference(&before) {
            self.narrowed(ChangeKind::DependencyAdded, format!("with `{field}` must have `{other}` now"));
        }
        for (field, other) in before.difference(&after) {
            self.widened(ChangeKind::DependencyRemoved, format!("with `{field}` need no longer have `{other}`"));
        }
        let (before, after) = (named(old, "dependentSchemas"), named(new, "dependentSchemas"));
        let fields: BTreeSet<&String> = [before, after].into_iter().flatten().flat_map(Map::keys).collect();
        let everything = Value::Bool(true);
        for field in fields {
            let of = |fields: Option<&Map<String, Value>>| {
                fields.and_then(|all| all.get(field)).unwrap_or(&everything).clone()
            };
            self.schemas(&of(before), &of(after));
        }
    }
}

/// Formally, an open schema took anything under the name. Whether anything was sent is not in the schemas.
fn lenient(verdict: Verdict) -> Verdict {
    verdict.min(Verdict::Unknown)
}

fn named<'v>(fields: &'v Map<String, Value>, keyword: &str) -> Option<&'v Map<String, Value>> {
    fields.get(keyword).and_then(Value::as_object)
}

fn has(fields: Option<&Map<String, Value>>, name: &str) -> bool {
    fields.is_some_and(|fields| fields.contains_key(name))
}

fn required(fields: &Map<String, Value>) -> BTreeSet<&str> {
    let names = fields.get("required").and_then(Value::as_array);
    names.into_iter().flatten().filter_map(Value::as_str).collect()
}

fn dependent(fields: &Map<String, Value>) -> BTreeSet<(&str, &str)> {
    let all = named(fields, "dependentRequired").into_iter().flatten();
    all.flat_map(|(field, others)| {
        let others = others.as_array().into_iter().flatten().filter_map(Value::as_str);
        others.map(move |other| (field.as_str(), other))
    })
    .collect()
}

fn rest(fields: &Map<String, Value>) -> Value {
    fields.get("additionalProperties").cloned().unwrap_or(Value::Bool(true))
}

fn content(fields: &Map<String, Value>) -> Content {
    match fields.get("additionalProperties") {
        _ if named(fields, "patternProperties").is_some_and(|patterns| !patterns.is_empty()) => Content::Partly,
        None | Some(Value::Bool(true)) => Content::Open,
        Some(Value::Bool(false)) => Content::Closed,
        Some(Value::Object(schema)) if schema.is_empty() => Content::Open,
        Some(_) => Content::Partly,
    }
}

/// What a field of this name must fit: its own schema and those of the patterns it matches, else the rule for
/// further fields. None where a pattern cannot be used.
fn schema_of(fields: &Map<String, Value>, name: &str) -> Option<Value> {
    let mut parts: Vec<&Value> = named(fields, "properties").and_then(|all| all.get(name)).into_iter().collect();
    for (pattern, schema) in named(fields, "patternProperties").into_iter().flatten() {
        if matches(pattern, name)? {
            parts.push(schema);
        }
    }
    Some(match parts.as_slice() {
        [] => rest(fields),
        [one] => (*one).clone(),
        many => json!({ "allOf": many }),
    })
}

/// Asks the validator, so that both mean the same by a pattern.
fn matches(pattern: &str, name: &str) -> Option<bool> {
    let schema = Schema::compile_value(&json!({"patternProperties": {pattern: false}}), "pattern").ok()?;
    Some(!schema.is_valid(&json!({ name: null })))
}
