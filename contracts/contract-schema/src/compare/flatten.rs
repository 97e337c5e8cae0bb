//! Takes references and `allOf` out of the way, as far as that keeps the meaning.

use super::document::Document;
use super::keywords::decides;
use serde_json::{Map, Value, json};

/// How many references and parts of `allOf` are followed at one place. Further ones stay and are not understood.
const PARTS_MAX: usize = 256;

/// A schema of which everything that stands at this place is known.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Flat {
    /// Valid for no value.
    Nothing,
    /// Keywords; none of them for a schema that takes everything. What could not be merged is left under `allOf`.
    Of(Map<String, Value>),
}

const OBJECT: &[&str] = &["properties", "patternProperties", "additionalProperties", "unevaluatedProperties"];
const UNEVALUATED: &[&str] = &["unevaluatedProperties", "unevaluatedItems"];
const CLOSING: &[&str] = &["additionalProperties", "unevaluatedProperties"];
const ARRAY: &[&str] =
    &["items", "prefixItems", "contains", "minContains", "maxContains", "unevaluatedItems", "additionalItems"];
const CONDITION: &[&str] = &["if", "then", "else"];
/// Keywords that apply schemas at the same place and so decide what counts as evaluated.
const IN_PLACE: &[&str] = &["allOf", "anyOf", "oneOf", "not", "if", "dependentSchemas", "$ref", "$dynamicRef"];

impl Document<'_> {
    /// Flattens a schema at its own place; what lies deeper is left as it is.
    pub(super) fn flatten(self, schema: &Value) -> Flat {
        match self.merged(schema, &mut 0) {
            Flat::Of(mut fields) => {
                settle(&mut fields, "unevaluatedProperties", "additionalProperties", &[]);
                settle(&mut fields, "unevaluatedItems", "items", &["contains"]);
                Flat::Of(fields)
            }
            nothing @ Flat::Nothing => nothing,
        }
    }

    fn merged(self, schema: &Value, parts_seen: &mut usize) -> Flat {
        let mut own = match schema {
            Value::Bool(false) => return Flat::Nothing,
            Value::Object(fields) => fields.clone(),
            _ => return Flat::Of(Map::new()),
        };
        *parts_seen += 1;
        if *parts_seen > PARTS_MAX {
            return Flat::Of(own);
        }
        let mut parts = Vec::new();
        if let Some(target) = own.get("$ref").and_then(Value::as_str).and_then(|name| self.resolve(name)) {
            parts.push(target.clone());
            own.remove("$ref");
        }
        if let Some(Value::Array(all)) = own.remove("allOf") {
            parts.extend(all);
        }
        self.joined(own, &parts, parts_seen)
    }

    fn joined(self, mut own: Map<String, Value>, parts: &[Value], parts_seen: &mut usize) -> Flat {
        let mut left = Vec::new();
        for part in parts {
            let Flat::Of(mut part) = self.merged(part, parts_seen) else { return Flat::Nothing };
            if let Some(Value::Array(deeper)) = part.remove("allOf") {
                left.extend(deeper);
            }
            match merge(&own, &part) {
                Some(Flat::Nothing) => return Flat::Nothing,
                Some(Flat::Of(fields)) => own = fields,
                None => left.push(Value::Object(part)),
            }
        }
        if !left.is_empty() {
            own.insert("allOf".to_owned(), Value::Array(left));
        }
        Flat::Of(own)
    }
}

/// Where nothing else applies at this place, `unevaluated…` says what its older sister does.
fn settle(fields: &mut Map<String, Value>, unevaluated: &str, sister: &str, but: &[&str]) {
    let sees_others = IN_PLACE.iter().chain(but).any(|keyword| fields.contains_key(*keyword));
    if sees_others || fields.contains_key(sister) {
        return;
    }
    if let Some(rule) = fields.remove(unevaluated) {
        fields.insert(sister.to_owned(), rule);
    }
}

/// One schema that means both; none where the keywords see only what stands beside them and so must stay apart.
fn merge(own: &Map<String, Value>, part: &Map<String, Value>) -> Option<Flat> {
    // `unevaluatedProperties` of the outer schema sees what a part describes; `additionalProperties` does not.
    if meet(own, part, &["additionalProperties"], OBJECT) || meet(part, own, CLOSING, OBJECT) {
        return None;
    }
    if meet(own, part, ARRAY, ARRAY) || meet(own, part, CONDITION, CONDITION) {
        return None;
    }
    // What was evaluated in branches is seen from outside of them; merging would let the wrong side see it.
    if meet(own, part, UNEVALUATED, IN_PLACE) || meet(part, own, UNEVALUATED, IN_PLACE) {
        return None;
    }
    let mut out = own.clone();
    for (keyword, theirs) in part.iter().filter(|(keyword, _)| decides(keyword)) {
        let both = match own.get(keyword) {
            None => theirs.clone(),
            Some(ours) if ours == theirs => continue,
            Some(ours) => match keyword.as_str() {
                "type" => match common_types(ours, theirs) {
                    Value::Array(none) if none.is_empty() => return Some(Flat::Nothing),
                    some => some,
                },
                "required" => union(ours, theirs)?,
                "properties" | "patternProperties" => both_fields(ours, theirs)?,
                "minimum" | "exclusiveMinimum" | "minLength" | "minItems" | "minProperties" => {
                    stricter(ours, theirs, true)?
                }
                "maximum" | "exclusiveMaximum" | "maxLength" | "maxItems" | "maxProperties" => {
                    stricter(ours, theirs, false)?
                }
                _ => return None,
            },
        };
        out.insert(keyword.clone(), both);
    }
    Some(Flat::Of(out))
}

/// Whether a keyword of `few` in one schema meets a keyword of `many` in the other.
fn meet(part: &Map<String, Value>, own: &Map<String, Value>, few: &[&str], many: &[&str]) -> bool {
    few.iter().any(|keyword| part.contains_key(*keyword)) && many.iter().any(|keyword| own.contains_key(*keyword))
}

fn common_types(ours: &Value, theirs: &Value) -> Value {
    let (ours, theirs) = (words(ours), words(theirs));
    let has = |list: &[String], word: &str| {
        list.iter().any(|one| one == word) || (word == "integer" && list.iter().any(|one| one == "number"))
    };
    let mut common: Vec<String> = ours.iter().filter(|word| has(&theirs, word)).cloned().collect();
    common.extend(theirs.iter().filter(|word| has(&ours, word)).cloned());
    common.sort();
    common.dedup();
    Value::from(common)
}

fn words(value: &Value) -> Vec<String> {
    match value {
        Value::Array(items) => items.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        one => one.as_str().map(str::to_owned).into_iter().collect(),
    }
}

fn union(ours: &Value, theirs: &Value) -> Option<Value> {
    let mut all: Vec<Value> = ours.as_array()?.clone();
    all.extend(
        theirs.as_array()?.iter().filter(|one| !ours.as_array().is_some_and(|ours| ours.contains(one))).cloned(),
    );
    Some(Value::Array(all))
}

fn both_fields(ours: &Value, theirs: &Value) -> Option<Value> {
    let mut all = ours.as_object()?.clone();
    for (name, schema) in theirs.as_object()? {
        let both = match all.get(name) {
            Some(known) if known != schema => json!({"allOf": [known, schema]}),
            _ => schema.clone(),
        };
        all.insert(name.clone(), both);
    }
    Some(Value::Object(all))
}

fn stricter(ours: &Value, theirs: &Value, higher: bool) -> Option<Value> {
    let order = super::numbers::order(ours.as_number()?, theirs.as_number()?);
    Some(if order.is_gt() == higher { ours.clone() } else { theirs.clone() })
}
